// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// Options are what a [Follower] works with.
type Options struct {
	Writer Writer // required
	Held   Held   // what the maps hold
	// Keeping says how neighbours are kept resolved; [KeepAuto] finds out.
	Keeping Keeping
	// Lost is called when an attached interface has disappeared, Returned when
	// it is here again and not attached. Both run on Run's goroutine, which
	// reads the ports anew afterwards. May be nil.
	Lost, Returned func(name string)
	Log            *slog.Logger // nil: slog.Default()
}

// Follower keeps the maps in line with the network namespace in which it was
// opened. Its methods may be called by several goroutines.
type Follower struct {
	kernel *kernel
	opt    Options
	log    *slog.Logger

	mu     sync.Mutex // guards what follows, and that writes happen in order
	core   *Core
	keeper keeper
	prober *prober
	ports  []Port // as last read
	news   news   // to be told without the lock, by Run
}

// news are callbacks that are due.
type news struct{ lost, returned []string }

// Open adopts what the maps hold and brings it in line with the network as it
// is now. It belongs to the network namespace of the calling thread. Nothing
// runs in the background until [Follower.Run].
func Open(opt Options) (*Follower, error) {
	k, err := openKernel()
	if err != nil {
		return nil, err
	}
	f := &Follower{
		kernel: k,
		opt:    opt,
		log:    opt.Log,
		core:   NewCore(opt.Held, time.Now()),
		keeper: keeper{kernel: k, how: opt.Keeping},
		prober: newProber(k),
	}
	if f.log == nil {
		f.log = slog.Default()
	}
	if err := f.resync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close releases sockets. The maps, and neighbours that the kernel keeps
// resolved, stay as they are. Run must have returned.
func (f *Follower) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.prober.close(), f.kernel.close())
}

// Claim returns the next hop of a real server's address, and counts one more
// real server that refers to it. The record exists when Claim returns.
func (f *Follower) Claim(target netip.Addr) (uint32, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, out, err := f.core.Claim(target, time.Now())
	if err != nil {
		return 0, err
	}
	if err := f.carryOut(out); err != nil {
		return 0, fmt.Errorf("next hop for %s: %w", target, err)
	}
	return id, nil
}

// Release counts one real server less that refers to a next hop. Nothing may
// refer to it in that real server's name any more.
func (f *Follower) Release(id uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.carryOut(f.core.Release(id, time.Now()))
}

// Referenced frees the next hops of gateways that are gone, unless connections
// refer to them; see [Referenced].
func (f *Follower) Referenced(seen Referenced) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.carryOut(f.core.Step(time.Now(), seen))
}

// settlePoll is how often Settle looks.
const settlePoll = 10 * time.Millisecond

// Settle waits until every neighbour has answered or was given up, or ctx
// ends; it needs no Run. The number of next hops that still wait is returned.
func (f *Follower) Settle(ctx context.Context) (int, error) {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for {
		if err := f.resync(); err != nil {
			return 0, err
		}
		if n := f.pending(); n == 0 {
			return 0, nil
		}
		select {
		case <-ctx.Done():
			return f.pending(), nil
		case <-tick.C:
		}
	}
}

func (f *Follower) pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.core.Pending()
}

// resync reads everything anew.
func (f *Follower) resync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ports, err := f.opt.Writer.Ports()
	if err != nil {
		return fmt.Errorf("reading the attached interfaces: %w", err)
	}
	network, err := f.kernel.network()
	if err != nil {
		return err
	}
	neighbours, err := f.kernel.neighbours()
	if err != nil {
		return err
	}
	records, gateways, err := f.opt.Writer.Hops()
	if err != nil {
		return fmt.Errorf("reading the next hops: %w", err)
	}
	f.ports = ports
	f.step(Snapshot{Ports: ports, Network: network, Neighbours: neighbours, Records: records, Gateways: gateways})
	return nil
}

// step tells the core and does what it answers; failures are logged, since the
// next resync mends what can be mended. The lock is held.
func (f *Follower) step(e Event) {
	out := f.core.Step(time.Now(), e)
	if err := f.carryOut(out); err != nil {
		f.log.Error("next hops", "error", err)
	}
	f.news.lost = append(f.news.lost, out.Lost...)
	f.news.returned = append(f.news.returned, out.Returned...)
}

// tell runs the callbacks that are due, and reads what they attached.
func (f *Follower) tell() {
	f.mu.Lock()
	n := f.news
	f.news = news{}
	f.mu.Unlock()
	for _, name := range n.lost {
		f.log.Warn("attached interface has disappeared", "interface", name)
		if f.opt.Lost != nil {
			f.opt.Lost(name)
		}
	}
	for _, name := range n.returned {
		f.log.Info("interface is back and not attached", "interface", name)
		if f.opt.Returned != nil {
			f.opt.Returned(name)
		}
	}
	if len(n.returned) > 0 {
		f.pollPorts()
	}
}
