// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

const web = `
interfaces: [eth0, {name: eth1, mode: native}]
virtual_servers:
  - listen: tcp:192.0.2.1:80
    check: {type: tcp, interval: 2s, retry: 0}
    real_servers:
      - address: 10.2.0.11:80
      - address: 10.2.0.12:80
`

const webInKernel = "tcp:192.0.2.1:80 -> 10.2.0.11:80/1 10.2.0.12:80/1"

func TestStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start("timeouts: {udp: 30s}\n" + web)
		w.holds(webInKernel)
		if got := w.kernel.attached; !cmp.Equal(got, []string{"eth0", "eth1"}) {
			t.Errorf("attached: %v", got)
		}
		if got := w.kernel.state().Timeouts.UDP; got != 30*time.Second {
			t.Errorf("timeout of UDP: %v", got)
		}
		if owner := w.kernel.state().Services[0].Owner; owner != lb.OwnerDaemon {
			t.Errorf("owner %q", owner)
		}
		if err := c.owner.view().ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}

func TestStartWithoutAnything(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start("")
		if w.kernel.tables {
			t.Error("tables were made although nothing is wanted")
		}
		if err := c.owner.view().ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		if _, err := c.Services(t.Context()); !errors.Is(err, control.ErrUnavailable) {
			t.Errorf("listing without an engine: %v", err)
		}
		if s, err := c.Status(t.Context()); err != nil || len(s.Findings) == 0 {
			t.Errorf("status without an engine: %+v, %v", s, err)
		}
	})
}

// TestRestartAdopts: a daemon that dies and comes back finds what it left and
// changes nothing.
func TestRestartAdopts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, stop := w.start(web)
		stop()
		w.holds(webInKernel)
		w.kernel.changes()
		c, _ := w.start(web)
		if changes := w.kernel.changes(); len(changes) != 0 {
			t.Errorf("a restart changed %v", changes)
		}
		if err := c.owner.view().ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}

// TestReadyAfterNeighbours: whoever waits for readiness finds next hops known,
// but one server that is away holds nothing up for long.
func TestReadyAfterNeighbours(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.kernel.silent = 1
		c, _ := w.start(web)
		if err := c.owner.view().ready(); err == nil || !strings.Contains(err.Error(), "starting") {
			t.Errorf("ready while neighbours are asked: %v", err)
		}
		pass(settleTime)
		if err := c.owner.view().ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		if !strings.Contains(w.log.String(), "do not answer") {
			t.Error("the silent next hop was not logged")
		}
	})
}

func TestInterfaceThatComesLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.kernel.present = []string{"eth0"}
		c, _ := w.start(web)
		w.holds(webInKernel) // goes on with what there is
		if err := c.owner.view().ready(); err == nil || !strings.Contains(err.Error(), "eth1") {
			t.Errorf("ready without eth1: %v", err)
		}
		pass(time.Minute)
		if n := strings.Count(w.log.String(), "interface is not attached"); n != 1 {
			t.Errorf("its absence was logged %d times", n)
		}
		w.kernel.locked(func() { w.kernel.present = append(w.kernel.present, "eth1") })
		w.kernel.changed()
		pass(time.Millisecond)
		if err := c.owner.view().ready(); err != nil {
			t.Errorf("not ready with eth1: %v", err)
		}
		// It disappears, and comes back without anybody saying so.
		w.kernel.locked(func() { w.kernel.attached, w.kernel.present = []string{"eth0"}, []string{"eth0"} })
		pass(retryTime)
		if err := c.owner.view().ready(); err == nil {
			t.Error("ready although eth1 is gone")
		}
		w.kernel.locked(func() { w.kernel.present = append(w.kernel.present, "eth1") })
		pass(retryTime)
		if err := c.owner.view().ready(); err != nil {
			t.Errorf("not ready after eth1 came back: %v", err)
		}
	})
}

func TestEngineThatFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start(web)
		w.kernel.broken <- errors.New("netlink broke")
		pass(retryTime)
		if w.kernel.opens != 2 || c.owner.view().session.failed() != nil {
			t.Errorf("opened %d times", w.kernel.opens)
		}
		if !strings.Contains(w.log.String(), "netlink broke") {
			t.Error("the log does not say why")
		}
		w.kernel.locked(func() { w.kernel.openError = errors.New("no memory") })
		w.kernel.broken <- errors.New("again")
		pass(10 * retryTime)
		if n := strings.Count(w.log.String(), "no memory"); n != 1 {
			t.Errorf("the same trouble was logged %d times", n)
		}
		if err := c.owner.view().ready(); err == nil || !strings.Contains(err.Error(), "no memory") {
			t.Errorf("ready: %v", err)
		}
		w.kernel.locked(func() { w.kernel.openError = nil })
		pass(retryTime)
		if err := c.owner.view().ready(); err != nil {
			t.Error(err)
		}
	})
}

func TestHealth(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("10.2.0.11:80", true)
		c, _ := w.start(web)
		pass(time.Second) // the first checks
		w.holds("tcp:192.0.2.1:80 -> 10.2.0.12:80/1")
		if !strings.Contains(w.log.String(), "connection refused") {
			t.Error("the log does not say why")
		}
		w.set("10.2.0.12:80", true)
		pass(4 * time.Second)
		w.holds("tcp:192.0.2.1:80 ->")
		w.set("10.2.0.11:80", false)
		w.set("10.2.0.12:80", false)
		pass(4 * time.Second)
		w.holds(webInKernel) // in the file's order
		if n := strings.Count(w.log.String(), "in service again"); n != 2 {
			t.Errorf("coming back was logged %d times", n)
		}
		if _, err := c.Services(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestForeign: what carries no mark is left alone, unless own_all.
func TestForeign(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		byHand := lb.Service{ServiceKey: key("tcp:192.0.2.9:80"), Scheduler: lb.RoundRobin}
		w.kernel.tamper(func(s *lb.State) { *s = s.With(byHand) })
		c, stop := w.start(web)
		w.holds(webInKernel, "tcp:192.0.2.9:80 ->")
		list, err := c.Services(t.Context())
		if err != nil || len(list.Services) != 2 || list.Services[0].Foreign || !list.Services[1].Foreign {
			t.Errorf("%+v, %v", list, err)
		}
		err = c.Edit(t.Context(), []control.Edit{{Op: control.ServerDel, Server: "tcp:192.0.2.9:80"}})
		if !errors.Is(err, control.ErrConflict) || !strings.Contains(err.Error(), "not this daemon's") {
			t.Errorf("editing it: %v", err)
		}
		w.write("own_all: true\n" + web)
		if _, err := c.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.holds(webInKernel)
		stop()
	})
}

// TestRepair: what somebody else changes in the kernel is put right.
func TestRepair(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start(web)
		w.kernel.tamper(func(s *lb.State) { s.Services = nil })
		pass(time.Minute)
		w.holds(webInKernel)
		if s := (source{c.owner, "test"}).Snapshot(); s.Reconcile.Repairs != 1 {
			t.Errorf("%d repairs are counted", s.Reconcile.Repairs)
		}
	})
}

func TestUnreachableAtTheStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.kernel.missing[netip.MustParseAddr("10.2.0.12")] = true
		c, _ := w.start(web)
		w.holds(webInKernel) // a route may come
		s, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Findings {
			if strings.Contains(f.Message, "10.2.0.12:80") && f.Fix != "" {
				return
			}
		}
		t.Errorf("status does not tell: %+v", s.Findings)
	})
}
