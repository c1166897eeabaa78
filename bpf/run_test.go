// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/netns"
)

// The verdicts of XDP (enum xdp_action in linux/bpf.h).
const (
	xdpAborted uint32 = iota
	xdpDrop
	xdpPass
	xdpTx
	xdpRedirect
)

// xdpContext is struct xdp_md of linux/bpf.h.
type xdpContext struct {
	Data, DataEnd, DataMeta                     uint32
	IngressIfindex, RxQueueIndex, EgressIfindex uint32
}

// runHere runs a program on a frame that came in by a link. The current thread must be in the director's namespace.
func runHere(p *ebpf.Program, from link, in []byte) (verdict uint32, out []byte, err error) {
	opts := &ebpf.RunOptions{
		Data:    in,
		DataOut: make([]byte, len(in)+64), // room enough to see if a frame grows
		Context: xdpContext{DataEnd: uint32(len(in)), IngressIfindex: from.ifindex},
	}
	verdict, err = p.Run(opts)
	return verdict, opts.DataOut, err
}

// run runs a program on a frame and returns the verdict and the frame afterwards.
func (d *director) run(t testing.TB, p *ebpf.Program, from link, in []byte) (uint32, []byte) {
	t.Helper()
	var verdict uint32
	var out []byte
	var err error
	d.do(func() { verdict, out, err = runHere(p, from, in) })
	if err != nil {
		t.Fatalf("run %v on %d bytes: %v", p, len(in), err)
	}
	return verdict, out
}

// ask runs xlb_expire.
func (d *director) ask(t testing.TB, args bpf.LbExpireArgs) bpf.LbExpireArgs {
	t.Helper()
	if _, err := d.XlbExpire.Run(&ebpf.RunOptions{Context: &args, ContextOut: &args}); err != nil {
		t.Fatalf("run xlb_expire: %v", err)
	}
	return args
}

// now returns the tick.
func (d *director) now(t testing.TB) uint32 {
	t.Helper()
	return d.ask(t, bpf.LbExpireArgs{}).Now
}

// nextTick returns when another tick has begun. Time must be live.
func (d *director) nextTick(t testing.TB) {
	t.Helper()
	d.await(t, d.now(t)+1)
}

// await returns when the tick has come.
func (d *director) await(t testing.TB, tick uint32) {
	t.Helper()
	netns.Eventually(t, 5*time.Second, func() error {
		if int32(d.now(t)-tick) < 0 {
			return errors.New("the tick has not come")
		}
		return nil
	})
}
