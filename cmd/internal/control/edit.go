// SPDX-License-Identifier: Apache-2.0

package control

import (
	"net/netip"
	"slices"

	"github.com/xlb-project/xlb/lb"
)

// Op is what an edit does.
type Op string

// The edits. "add" fails with [CodeExists] where the thing is there already,
// "edit" and "del" with [CodeNotFound] where it is not, as in ipvsadm.
const (
	ServerAdd  Op = "server-add"
	ServerEdit Op = "server-edit"
	ServerDel  Op = "server-del" // with its real servers
	RealAdd    Op = "real-add"   // at the end of the list
	RealEdit   Op = "real-edit"  // it keeps its place in the list
	RealDel    Op = "real-del"
)

// Edit is one change to the virtual servers, and, kept by the daemon, one
// operator's override.
type Edit struct {
	Op     Op     `json:"op"`
	Server string `json:"server"`         // PROTO:ADDR:PORT
	Real   string `json:"real,omitempty"` // ADDR:PORT
	// Scheduler for ServerAdd (empty: rr) and ServerEdit (empty: as it is).
	Scheduler string `json:"scheduler,omitempty"`
	// Forward for RealAdd (empty: nat) and RealEdit (empty: as it is).
	Forward string `json:"forward,omitempty"`
	// Weight for RealAdd (nil: 1) and RealEdit (nil: as it is).
	Weight *int `json:"weight,omitempty"`
}

// Apply is the state after the edit; s, which is sorted, stays as it is. A new
// virtual server gets owner, an edited one keeps its own. Whether the result
// can work (limits, what the engine has, routes) is judged by lb.
func (e Edit) Apply(s lb.State, owner lb.Owner) (lb.State, error) {
	t, err := e.target()
	if err != nil {
		return lb.State{}, err
	}
	svc, found := s.Find(t.key)
	switch {
	case e.Op == ServerAdd && found:
		return lb.State{}, Errorf(CodeExists, "virtual server %s exists already", t.key).
			WithHint("change it: xlbctl server edit %s --scheduler %s", t.key, e.scheduler())
	case e.Op == ServerAdd:
		return s.With(lb.Service{ServiceKey: t.key, Scheduler: e.scheduler(), Owner: owner}), nil
	case !found:
		return lb.State{}, noServer(t.key)
	case e.Op == ServerDel:
		return s.Without(t.key), nil
	case e.Op == ServerEdit && e.Scheduler != "":
		svc.Scheduler = e.scheduler()
	case e.Op != ServerEdit:
		if svc.Reals, err = e.applyReal(svc, t.real); err != nil {
			return lb.State{}, err
		}
	}
	return s.With(svc), nil
}

// applyReal is the list of real servers after one of the edits of a real
// server; svc stays as it is.
func (e Edit) applyReal(svc lb.Service, addr netip.AddrPort) ([]lb.Real, error) {
	i, reals := svc.Index(addr), slices.Clone(svc.Reals)
	switch {
	case e.Op == RealAdd && i >= 0:
		return nil, Errorf(CodeExists, "real server %s of %s exists already", addr, svc.ServiceKey).
			WithHint("change it: xlbctl real edit %s %s --weight %d", svc.ServiceKey, addr, reals[i].Weight)
	case e.Op == RealAdd:
		return append(reals, e.changed(lb.Real{Addr: addr, Method: lb.NAT, Weight: 1})), nil
	case i < 0:
		return nil, Errorf(CodeNotFound, "virtual server %s has no real server %s", svc.ServiceKey, addr).
			WithHint("see what it has: xlbctl list -n")
	case e.Op == RealDel:
		return slices.Delete(reals, i, i+1), nil
	}
	reals[i] = e.changed(reals[i])
	return reals, nil
}

// changed is r with what the edit says of it.
func (e Edit) changed(r lb.Real) lb.Real {
	if method, err := lb.ParseMethod(e.Forward); err == nil {
		r.Method = method
	}
	if e.Weight != nil {
		r.Weight = *e.Weight
	}
	return r
}

// scheduler is the one that the edit names, or the default.
func (e Edit) scheduler() lb.Scheduler {
	if s, err := lb.ParseScheduler(e.Scheduler); err == nil {
		return s
	}
	return lb.RoundRobin
}

func noServer(key lb.ServiceKey) error {
	return Errorf(CodeNotFound, "there is no virtual server %s", key).
		WithHint("add it: xlbctl server add %s", key)
}

// Check refuses an edit that makes no sense anywhere: [CodeUsage].
func (e Edit) Check() error {
	_, err := e.target()
	return err
}

// target is what an edit is about, parsed.
type target struct {
	key  lb.ServiceKey
	real netip.AddrPort // zero for the edits of virtual servers
}

// target parses what the edit is about and refuses an edit that makes no sense.
func (e Edit) target() (t target, err error) {
	if t.key, err = ParseServer(e.Server); err != nil {
		return t, err
	}
	switch e.Op {
	case ServerAdd, ServerEdit, ServerDel:
		return t, e.checkServer()
	case RealAdd, RealEdit, RealDel:
		if err := e.checkReal(); err != nil {
			return t, err
		}
		t.real, err = ParseReal(e.Real)
		return t, err
	}
	return t, Errorf(CodeUsage, "%q is no edit; known here: server-add, server-edit, server-del, "+
		"real-add, real-edit, real-del", e.Op)
}

func (e Edit) checkServer() error {
	if e.Real != "" || e.Forward != "" || e.Weight != nil {
		return Errorf(CodeUsage, "%s takes no real server, forwarding method or weight", e.Op)
	}
	if e.Scheduler == "" {
		return nil
	}
	if _, err := lb.ParseScheduler(e.Scheduler); err != nil {
		return Errorf(CodeUsage, "%w", err)
	}
	return nil
}

func (e Edit) checkReal() error {
	if e.Scheduler != "" {
		return Errorf(CodeUsage, "%s takes no scheduler: it belongs to the virtual server", e.Op)
	}
	if e.Weight != nil && (*e.Weight < 0 || *e.Weight > lb.MaxWeight) {
		return Errorf(CodeUsage, "weight %d is out of range: 0 (no new connections) to %d", *e.Weight, lb.MaxWeight)
	}
	if e.Forward == "" {
		return nil
	}
	if _, err := lb.ParseMethod(e.Forward); err != nil {
		return Errorf(CodeUsage, "%w", err)
	}
	return nil
}
