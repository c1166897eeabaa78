// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Keeping says how neighbours are kept resolved.
type Keeping int

// The ways.
const (
	// KeepAuto finds out whether the kernel can do it.
	KeepAuto Keeping = iota
	// KeepManaged leaves it to the kernel (NTF_EXT_MANAGED, Linux 5.16).
	KeepManaged
	// KeepAsking asks the kernel to resolve every so often (NTF_USE).
	KeepAsking
)

// keeper makes the kernel keep neighbours resolved. An older kernel ignores
// NTF_EXT_MANAGED in silence, so the first entry is read back.
type keeper struct {
	kernel *kernel
	how    Keeping
}

// keep starts keeping a neighbour resolved, or asks for it once more. An entry
// that an administrator fixed must not come here: it would lose its address.
func (k *keeper) keep(via Via) error {
	n := netlink.Neigh{LinkIndex: via.Ifindex, Family: unix.AF_INET, IP: via.Addr.AsSlice()}
	if k.how != KeepAsking {
		n.FlagsExt = netlink.NTF_EXT_MANAGED
	} else {
		n.Flags = netlink.NTF_USE
	}
	err := k.kernel.handle.NeighSet(&n)
	if errors.Is(err, unix.EINVAL) && k.how == KeepAuto {
		k.how = KeepAsking
		return k.keep(via)
	}
	if err != nil {
		return fmt.Errorf("keeping %v resolved: %w", via, err)
	}
	if k.how == KeepAuto {
		return k.learn(via)
	}
	return nil
}

// learn finds out whether the kernel understood what it was asked to do.
func (k *keeper) learn(via Via) error {
	all, err := k.kernel.neighbours()
	if err != nil {
		return err
	}
	for _, n := range all {
		if n.Via != via {
			continue
		}
		if n.Managed {
			k.how = KeepManaged
			return nil
		}
		k.how = KeepAsking
		return k.keep(via)
	}
	return nil // removed meanwhile: not known, the next one will tell
}

// drop leaves a neighbour to itself; it ages like any other.
func (k *keeper) drop(via Via) error {
	if k.how == KeepAsking {
		return nil
	}
	n := netlink.Neigh{LinkIndex: via.Ifindex, Family: unix.AF_INET, IP: via.Addr.AsSlice(), Flags: netlink.NTF_USE}
	if err := k.kernel.handle.NeighSet(&n); err != nil {
		return fmt.Errorf("letting go of %v: %w", via, err)
	}
	return nil
}
