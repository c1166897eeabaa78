// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Paces of Run.
const (
	settleTime  = 5 * time.Millisecond   // from a change of routes to reading them: more changes follow
	pollTime    = time.Second            // between looks at the ports, and at doubtful neighbours
	askTime     = 10 * time.Second       // between requests for each neighbour, with KeepAsking
	refreshTime = time.Minute            // between looks at everything, in case an announcement does not exist
	retryTime   = 500 * time.Millisecond // before netlink is tried again
	restFactor  = 20                     // a reading that took 50 ms rests for 1 s: a full table must not eat a CPU
)

// Run follows the network until ctx ends, and then returns nil. Whatever goes
// wrong on the way (lost notifications, most of all) is mended by reading
// everything anew.
func (f *Follower) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := f.follow(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, unix.ENOBUFS):
			f.log.Warn("netlink notifications were lost, reading everything anew")
		default:
			f.log.Error("following the network failed, trying again", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(retryTime):
			}
		}
	}
	return nil
}

// follow is one subscription: until ctx ends, or notifications are lost.
func (f *Follower) follow(ctx context.Context) error {
	s, err := f.kernel.subscribe()
	if err != nil {
		return err
	}
	defer s.Close()
	defer context.AfterFunc(ctx, s.Close)()
	// Subscribed first: what changes during the reading is announced.
	if err := f.resync(); err != nil {
		return err
	}
	f.tell()
	return f.listen(s)
}

// listen takes in notifications until the socket is closed or overflows.
func (f *Follower) listen(s *nl.NetlinkSocket) error {
	w := newAgenda(time.Now())
	for {
		wait := unix.NsecToTimeval(int64(max(w.wait(time.Now()), time.Millisecond)))
		if err := s.SetReceiveTimeout(&wait); err != nil {
			return err
		}
		msgs, from, err := s.Receive()
		switch {
		case errors.Is(err, unix.EAGAIN):
		case err != nil:
			return err
		case from.Pid == nl.PidKernel:
			f.hear(msgs, w)
		}
		if err := f.work(w, time.Now()); err != nil {
			return err
		}
	}
}

// hear takes in neighbours at once, and notes whatever changes routes.
func (f *Follower) hear(msgs []syscall.NetlinkMessage, w *agenda) {
	for _, m := range msgs {
		switch m.Header.Type {
		case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
			f.hearNeighbour(m)
		default:
			w.routes(time.Now())
		}
	}
}

func (f *Follower) hearNeighbour(m syscall.NetlinkMessage) {
	n, err := netlink.NeighDeserialize(m.Data)
	if err != nil {
		return
	}
	e, ok := neighbourOf(n)
	if !ok {
		return
	}
	if m.Header.Type == unix.RTM_DELNEIGH {
		e = Neighbour{Via: e.Via, State: Gone}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step(e)
}

// work does what is due.
func (f *Follower) work(w *agenda, now time.Time) error {
	if w.due(&w.refreshAt, now, refreshTime) {
		if err := f.resync(); err != nil {
			return err
		}
	}
	if w.routesDue(now) {
		if err := f.readNetwork(); err != nil {
			return err
		}
		w.rest(now, time.Now())
	}
	if w.due(&w.pollAt, now, pollTime) {
		f.pollPorts()
		f.askAround(now)
	}
	if w.due(&w.askAt, now, askTime) {
		f.askKept()
	}
	f.tell()
	return nil
}

// readNetwork takes in links and routes.
func (f *Follower) readNetwork() error {
	network, err := f.kernel.network()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step(network)
	return nil
}

// pollPorts takes in what was attached or detached: a handful of records, for
// which nobody sends notifications.
func (f *Follower) pollPorts() {
	f.mu.Lock()
	defer f.mu.Unlock()
	ports, err := f.opt.Writer.Ports()
	if err != nil {
		f.log.Error("reading the attached interfaces", "error", err)
		return
	}
	if !slices.Equal(ports, f.ports) {
		f.ports = ports
		f.step(Ports(ports))
	}
}

// askAround asks for the neighbours that do not answer, and the others less often.
func (f *Follower) askAround(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	due := append(f.prober.search.due(now, f.core.Doubtful()), f.prober.confirm.due(now, f.core.Kept())...)
	if err := f.prober.ask(due, f.core.links); err != nil {
		f.log.Debug("asking for neighbours", "error", err)
	}
}

func (f *Follower) askKept() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keeper.how == KeepAsking {
		f.carryOutKept(Changes{Keep: f.core.Kept()})
	}
}
