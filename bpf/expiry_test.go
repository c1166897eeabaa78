// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// idleTicks is longer than any timeout of the tests' directors.
const idleTicks = 1<<20 + 1

// age moves the last packet of entries into the past.
func (f flow) age(t testing.TB, table *ebpf.Map, ticks uint32, keys ...bpf.LbConn4Key) {
	t.Helper()
	for _, k := range keys {
		edit(t, table, k, func(c *bpf.LbConn4) { c.Seen -= ticks })
	}
}

// cut removes an established connection at once.
func (f flow) cut(t testing.TB) {
	t.Helper()
	if got := f.d.ask(t, bpf.LbExpireArgs{Key: f.requestKey(), Force: 1}); got.Removed != 1 {
		t.Fatalf("the connection was not removed")
	}
	f.isNotEstablished(t)
}

// TestExpiredOnArrival: without anybody to sweep, an entry past its time counts as absent.
func TestExpiredOnArrival(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2))
	f := s.flow(0, 40000)
	expired := func(t *testing.T) {
		t.Helper()
		f.age(t, d.Established4, idleTicks, f.requestKey(), f.replyKey())
	}
	t.Run("a request", func(t *testing.T) {
		f.establishes(t)
		expired(t)
		f.dropped(t, request, bpf.LbReasonReasonNoConnection)
		f.isNotEstablished(t)
		s.loadIs(t, 0, load{})
	})
	t.Run("a SYN", func(t *testing.T) {
		s.flow(1, 40000).establishes(t)
		s.flow(1, 40000).cut(t)
		f.establishes(t)
		expired(t)
		s.flow(1, 40000).opens(t, syn)
		f.isNotEstablished(t)
		s.loadIs(t, 0, load{})
		s.loadIs(t, 1, load{HalfOpen: 1})
	})
	t.Run("a reply", func(t *testing.T) {
		f := s.flow(0, 40001)
		f.establishes(t)
		f.age(t, d.Established4, idleTicks, f.requestKey(), f.replyKey())
		d.passes(t, d.servers, first(f.reply(answer)), bpf.LbReasonReasonNoService)
		f.isNotEstablished(t)
		s.loadIs(t, 0, load{})
	})
}

// TestExpiredHalfOpen: a SYN past the time of the first one is a new connection.
func TestExpiredHalfOpen(t *testing.T) {
	t.Parallel()
	for name, proto := range map[string]uint8{"TCP": packet.ProtoTCP, "UDP": packet.ProtoUDP} {
		t.Run(name, func(t *testing.T) {
			d := newDirector(t)
			s := d.serve(t, proto, vip, d.server(1), d.server(2))
			f := s.flow(0, 40000)
			f.opens(t, syn)
			f.age(t, d.HalfOpen4, idleTicks, f.requestKey(), f.replyKey())
			d.passes(t, d.servers, first(f.reply(synAck)), bpf.LbReasonReasonNoService)
			s.flow(1, 40000).opens(t, syn)
			s.loadIs(t, 0, load{})
			s.loadIs(t, 1, load{HalfOpen: 1})
		})
	}
}

// TestPairIsIdle: a download has requests seldom, an upload answers; either half keeps the connection.
func TestPairIsIdle(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	halves := map[string]bpf.LbConn4Key{"request": f.requestKey(), "reply": f.replyKey()}
	for name, k := range halves {
		t.Run(name, func(t *testing.T) {
			f.age(t, d.Established4, idleTicks, k)
			for _, asked := range halves {
				if got := d.ask(t, bpf.LbExpireArgs{Key: asked}); got.Removed != 0 {
					t.Fatal("removed by a half")
				}
			}
			f.sends(t, request)
			f.answers(t, answer)
			f.isEstablished(t, bpf.LbConnStateConnEstablished)
			f.loadIs(t, 0, load{Active: 1})
			if c := find[bpf.LbConn4](t, d.Established4, k); c.Seen != d.now(t) {
				t.Errorf("last packet in tick %d, but it was in %d", c.Seen, d.now(t))
			}
		})
	}
}

// TestExpireAsks: xlb_expire removes what has expired or what it is forced to, and nothing else.
func TestExpireAsks(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1))
	established, idle := s.flow(0, 40000), s.flow(0, 40001)
	halfOpen, halfIdle := s.flow(0, 40002), s.flow(0, 40003)
	cases := []struct {
		name    string
		args    bpf.LbExpireArgs
		removed uint32
	}{
		{"no key", bpf.LbExpireArgs{}, 0},
		{"no key, forced", bpf.LbExpireArgs{Force: 1}, 0},
		{"no such connection", bpf.LbExpireArgs{Key: s.flow(0, 50000).requestKey(), Force: 1}, 0},
		{"no such half-open connection", bpf.LbExpireArgs{Key: s.flow(0, 50000).requestKey(), Force: 1, HalfOpen: 1}, 0},
		{"established, in time", bpf.LbExpireArgs{Key: established.requestKey()}, 0},
		{"established, idle", bpf.LbExpireArgs{Key: idle.requestKey()}, 1},
		{"established, again", bpf.LbExpireArgs{Key: idle.requestKey()}, 0},
		{"half-open, not established yet", bpf.LbExpireArgs{Key: halfOpen.requestKey(), Force: 1}, 0},
		{"half-open, in time", bpf.LbExpireArgs{Key: halfOpen.requestKey(), HalfOpen: 1}, 0},
		{"half-open, idle", bpf.LbExpireArgs{Key: halfIdle.requestKey(), HalfOpen: 1}, 1},
		{"half-open, forced", bpf.LbExpireArgs{Key: halfOpen.requestKey(), HalfOpen: 1, Force: 1}, 1},
		{"established, forced", bpf.LbExpireArgs{Key: established.requestKey(), Force: 1}, 1},
	}
	established.establishes(t)
	idle.establishes(t)
	idle.age(t, d.Established4, idleTicks, idle.requestKey(), idle.replyKey())
	halfOpen.opens(t, syn)
	halfIdle.opens(t, syn)
	halfIdle.age(t, d.HalfOpen4, idleTicks, halfIdle.requestKey(), halfIdle.replyKey())
	want := load{Active: 2, HalfOpen: 2}
	s.loadIs(t, 0, want)
	for _, c := range cases {
		got := d.ask(t, c.args)
		if got.Removed != c.removed {
			t.Errorf("%s: removed %d, want %d", c.name, got.Removed, c.removed)
		}
		if got.Key != c.args.Key || got.Now == 0 {
			t.Errorf("%s: answers %+v", c.name, got)
		}
	}
	s.loadIs(t, 0, load{})
	for _, f := range []flow{established, idle, halfOpen, halfIdle} {
		f.isNotEstablished(t)
		f.dropped(t, ack, bpf.LbReasonReasonNoConnection)
	}
}

// TestExpireHalfOpenOnly: whatever the half-open table still holds of an established connection may go, and the connection does not notice.
func TestExpireHalfOpenOnly(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	for _, k := range []bpf.LbConn4Key{f.requestKey(), f.replyKey()} {
		d.ask(t, bpf.LbExpireArgs{Key: k, HalfOpen: 1, Force: 1})
	}
	f.sends(t, request)
	f.answers(t, answer)
	f.isEstablished(t, bpf.LbConnStateConnEstablished)
	f.loadIs(t, 0, load{Active: 1})
}

// TestCut: what an operator has removed is gone for both ends.
func TestCut(t *testing.T) {
	t.Parallel()
	for name, proto := range map[string]uint8{"TCP": packet.ProtoTCP, "UDP": packet.ProtoUDP} {
		t.Run(name, func(t *testing.T) {
			d := newDirector(t)
			s := d.serve(t, proto, vip, d.server(1), d.server(2))
			f := s.flow(0, 40000)
			f.establishes(t)
			f.cut(t)
			s.loadIs(t, 0, load{})
			d.passes(t, d.servers, first(f.reply(answer)), bpf.LbReasonReasonNoService)
			s.flow(1, 40000).establishes(t)
			s.loadIs(t, 0, load{})
			s.loadIs(t, 1, load{Active: 1})
		})
	}
}

// TestBeingRemoved: what another CPU has claimed for removal counts as absent, and is not replaced before it has gone.
func TestBeingRemoved(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2))
	f, begun := s.flow(0, 40000), s.flow(1, 40001)
	f.establishes(t)
	begun.opens(t, syn)
	claim := func(c *bpf.LbConn4) { c.Status |= uint32(bpf.LbConnStateConnDead) }
	edit(t, d.Established4, f.requestKey(), claim)
	edit(t, d.HalfOpen4, begun.requestKey(), claim)
	for _, m := range []message{request, fin, rst} {
		f.dropped(t, m, bpf.LbReasonReasonNoConnection)
	}
	f.answers(t, answer) // the reply half may live until the end of the removal
	begun.dropped(t, ack, bpf.LbReasonReasonNoConnection)
	begun.dropped(t, syn, bpf.LbReasonReasonRace)
	for _, args := range []bpf.LbExpireArgs{{Key: f.requestKey(), Force: 1}, {Key: begun.requestKey(), Force: 1, HalfOpen: 1}} {
		if got := d.ask(t, args); got.Removed != 0 {
			t.Error("removed twice")
		}
	}
	s.loadIs(t, 0, load{Active: 1}) // whoever claimed them counts them off
	s.loadIs(t, 1, load{HalfOpen: 1})
}

// TestTimeouts: every state has a timeout of its own, and both protocols use theirs.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	d.tune(t, func(v *bpf.LbTunables) {
		for i := range v.Timeouts {
			v.Timeouts[i] = uint32(1000 + 10*i)
		}
	})
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			f.establishes(t)
			f.setState(t, s.name)
			limit := uint32(1000 + 10*s.state)
			f.age(t, d.Established4, limit, f.requestKey(), f.replyKey())
			if got := d.ask(t, bpf.LbExpireArgs{Key: f.requestKey()}); got.Removed != 0 {
				t.Fatal("removed before its time")
			}
			f.age(t, d.Established4, 1, f.requestKey(), f.replyKey())
			if got := d.ask(t, bpf.LbExpireArgs{Key: f.requestKey()}); got.Removed != 1 {
				t.Fatal("not removed after its time")
			}
			f.loadIs(t, 0, load{})
		})
	}
}

// TestTimePasses expires a connection by nothing but waiting.
func TestTimePasses(t *testing.T) {
	t.Parallel()
	d := setup{tickShift: live}.director(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	f.sends(t, fin)
	f.answers(t, answer)
	const limit = 5
	d.tune(t, func(v *bpf.LbTunables) { v.Timeouts[bpf.LbConnStateConnCloseWait] = limit })
	d.await(t, d.now(t)+limit+1)
	f.dropped(t, ack, bpf.LbReasonReasonNoConnection)
	f.isNotEstablished(t)
	f.loadIs(t, 0, load{})
}
