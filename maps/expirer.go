// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// Expirer ends connections by a program in the kernel, the one place besides
// the data path that keeps counts right: it takes the connection away from
// packets by compare-and-swap, then removes both halves and subtracts it.
type Expirer struct {
	prog *ebpf.Program
}

// Request says what to remove.
type Request struct {
	Key      Tuple // of the request half (client to virtual server)
	HalfOpen bool  // look in the half-open table, else in the established one
	Force    bool  // remove it even though its time has not passed
}

// Remove removes a connection if both its halves have expired. It says whether
// the connection is gone by this call; one that is not there, or not idle long
// enough, is no error.
func (e *Expirer) Remove(r Request) (bool, error) {
	k, err := encodeTuple(r.Key)
	if err != nil {
		return false, fmt.Errorf("expiring %v: %w", r.Key, err)
	}
	out, err := e.run(bpf.LbExpireArgs{Key: k, HalfOpen: flag(r.HalfOpen), Force: flag(r.Force)})
	if err != nil {
		return false, fmt.Errorf("expiring %v: %w", r.Key, err)
	}
	return out.Removed != 0, nil
}

func (e *Expirer) run(args bpf.LbExpireArgs) (out bpf.LbExpireArgs, err error) {
	if e.prog == nil {
		return out, fmt.Errorf("program %s: %w", bpf.LbProgXlbExpire, ErrNotPinned)
	}
	if _, err := e.prog.Run(&ebpf.RunOptions{Context: args, ContextOut: &out}); err != nil {
		return out, fmt.Errorf("running program %s: %w", bpf.LbProgXlbExpire, err)
	}
	return out, nil
}

// Clock tells the data path's time.
type Clock struct {
	Rate
	expirer *Expirer
}

// Now is the present tick, read by a program in the kernel (a system call).
func (c *Clock) Now() (Tick, error) {
	out, err := c.expirer.run(bpf.LbExpireArgs{})
	return Tick(out.Now), err
}
