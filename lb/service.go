// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"encoding/json"
	"net/netip"
	"slices"
)

// Instance numbers a VRRP instance; 0 is "no instance": such a virtual server
// accepts connections on every node.
type Instance uint8

// Owner says who put a virtual server into the kernel, in at most eight bytes.
// What carries another's mark is left alone and listed as foreign.
type Owner string

// The owners.
const (
	OwnerNone   Owner = ""     // made by hand, without a daemon: "xlbctl server add"
	OwnerDaemon Owner = "xlbd" // from the daemon's file, or through its socket
)

// maxOwner is the space that the kernel's record has for the mark, in bytes.
const maxOwner = 8

// Service is a virtual server with all its real servers (keepalived's
// virtual_server, "ipvsadm -A").
type Service struct {
	ServiceKey
	Scheduler Scheduler
	Instance  Instance
	Owner     Owner
	// Reals in the order in which "ipvsadm -a" would have added them. Order
	// decides the choices of rr.
	Reals []Real
}

// Real is a real server of one virtual server (keepalived's real_server,
// "ipvsadm -a"). Within a virtual server its address and port are unique.
type Real struct {
	Addr   netip.AddrPort `json:"address"`
	Method Method         `json:"method"`
	// Weight relative to the others; 0 takes no new connections and keeps
	// those that it has ("quiesced").
	Weight int `json:"weight"`
}

// Clone shares nothing with s.
func (s Service) Clone() Service {
	s.Reals = slices.Clone(s.Reals)
	return s
}

// Equal compares everything, the order of the real servers included.
func (s Service) Equal(o Service) bool {
	return s.ServiceKey == o.ServiceKey && s.Scheduler == o.Scheduler && s.Instance == o.Instance &&
		s.Owner == o.Owner && slices.Equal(s.Reals, o.Reals)
}

// Index is the place of a real server in Reals, or -1.
func (s Service) Index(addr netip.AddrPort) int {
	return slices.IndexFunc(s.Reals, func(r Real) bool { return r.Addr == addr })
}

// serviceJSON is a Service in JSON. Without it the embedded key's MarshalText
// would speak for the whole.
type serviceJSON struct {
	Server    ServiceKey `json:"server"`
	Scheduler Scheduler  `json:"scheduler"`
	Instance  Instance   `json:"instance,omitempty"`
	Owner     Owner      `json:"owner,omitempty"`
	Reals     []Real     `json:"reals"`
}

// MarshalJSON writes an object; the key is its "server".
func (s Service) MarshalJSON() ([]byte, error) {
	return json.Marshal(serviceJSON{s.ServiceKey, s.Scheduler, s.Instance, s.Owner, s.Reals})
}

// UnmarshalJSON reads what [Service.MarshalJSON] writes; unknown fields are
// ignored.
func (s *Service) UnmarshalJSON(data []byte) error {
	var j serviceJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*s = Service{j.Server, j.Scheduler, j.Instance, j.Owner, j.Reals}
	return nil
}
