// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"

	"github.com/xlb-project/xlb/bpf"
)

// Reason says why a packet got its verdict; bpf/types.h explains each.
type Reason uint32

// The reasons.
const (
	ReasonNone         = Reason(bpf.LbReasonReasonNone)
	ReasonNotOurs      = Reason(bpf.LbReasonReasonNotOurs)
	ReasonNoService    = Reason(bpf.LbReasonReasonNoService)
	ReasonNotIP        = Reason(bpf.LbReasonReasonNotIp)
	ReasonNotTransport = Reason(bpf.LbReasonReasonNotTransport)
	ReasonGateClosed   = Reason(bpf.LbReasonReasonGateClosed)
	ReasonPassResolve  = Reason(bpf.LbReasonReasonPassResolve)
	ReasonTX           = Reason(bpf.LbReasonReasonTx)
	ReasonRedirect     = Reason(bpf.LbReasonReasonRedirect)
	ReasonMalformed    = Reason(bpf.LbReasonReasonMalformed)
	ReasonFragment     = Reason(bpf.LbReasonReasonFragment)
	ReasonTTLExceeded  = Reason(bpf.LbReasonReasonTtlExceeded)
	ReasonTooBig       = Reason(bpf.LbReasonReasonTooBig)
	ReasonNoServer     = Reason(bpf.LbReasonReasonNoServer)
	ReasonNoConnection = Reason(bpf.LbReasonReasonNoConnection)
	ReasonNoNeighbour  = Reason(bpf.LbReasonReasonNoNeighbour)
	ReasonNoDevice     = Reason(bpf.LbReasonReasonNoDevice)
	ReasonTableFull    = Reason(bpf.LbReasonReasonTableFull)
	ReasonCollision    = Reason(bpf.LbReasonReasonCollision)
	ReasonRace         = Reason(bpf.LbReasonReasonRace)
	ReasonMigrating    = Reason(bpf.LbReasonReasonMigrating)
	ReasonInternal     = Reason(bpf.LbReasonReasonInternal)
	// ReasonMax is the number of reasons.
	ReasonMax = Reason(bpf.LbReasonReasonMax)
)

// String is the C enumerator without its prefix: "not_ours", "no_server". A
// test compares the list with the enumerators in the object's BTF.
func (r Reason) String() string {
	names := [ReasonMax]string{
		"none", "not_ours", "no_service", "not_ip", "not_transport", "gate_closed",
		"pass_resolve", "tx", "redirect",
		"malformed", "fragment", "ttl_exceeded", "too_big", "no_server", "no_connection",
		"no_neighbour", "no_device", "table_full", "collision", "race", "migrating", "internal",
	}
	if r < ReasonMax {
		return names[r]
	}
	return fmt.Sprintf("reason_%d", uint32(r))
}
