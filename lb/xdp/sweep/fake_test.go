// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	xmaps "github.com/xlb-project/xlb/maps"
)

// fake is a kernel in memory: tables, counts, the program that expires. Its
// clock is time.Now, which testing/synctest makes virtual.
type fake struct {
	began  time.Time
	half   map[xmaps.Tuple]*xmaps.Conn
	est    map[xmaps.Tuple]*xmaps.Conn
	loads  map[uint32]xmaps.Load
	during func() // runs between two entries of a walk
	calls  int    // of Remove
	err    error  // what a walk ends with
}

var rate = xmaps.Rate{HZ: 1000, Shift: 7}

func newFake(reals ...uint32) *fake {
	f := &fake{
		began: time.Now(),
		half:  map[xmaps.Tuple]*xmaps.Conn{},
		est:   map[xmaps.Tuple]*xmaps.Conn{},
		loads: map[uint32]xmaps.Load{},
	}
	for _, id := range reals {
		f.loads[id] = xmaps.Load{}
	}
	return f
}

func (f *fake) now() xmaps.Tick {
	return 1000 + xmaps.Tick(time.Since(f.began).Milliseconds()>>rate.Shift)
}

func (f *fake) Expiry() (Expiry, error) {
	return NewExpiry(f.now(), rate, xmaps.DefaultTimeouts()), nil
}

func (f *fake) table(halfOpen bool) map[xmaps.Tuple]*xmaps.Conn {
	if halfOpen {
		return f.half
	}
	return f.est
}

func byKey(a, b xmaps.Tuple) int {
	return cmp.Or(a.Src.Compare(b.Src), a.Dst.Compare(b.Dst), cmp.Compare(a.Proto, b.Proto))
}

// Entries walks in the order of keys, as the kernel does in that of buckets:
// what is added meanwhile is seen or not, depending on where it lands.
func (f *fake) Entries(halfOpen bool) iter.Seq2[xmaps.ConnEntry, error] {
	return func(yield func(xmaps.ConnEntry, error) bool) {
		var last xmaps.Tuple
		for {
			keys := slices.SortedFunc(maps.Keys(f.table(halfOpen)), byKey)
			i, found := slices.BinarySearchFunc(keys, last, byKey)
			if found {
				i++
			}
			if i == len(keys) {
				break
			}
			last = keys[i]
			if !yield(xmaps.ConnEntry{Key: last, Conn: *f.table(halfOpen)[last]}, nil) {
				return
			}
			if f.during != nil {
				f.during()
			}
		}
		if f.err != nil {
			yield(xmaps.ConnEntry{}, f.err)
		}
	}
}

func (f *fake) Has(halfOpen bool, key xmaps.Tuple) (bool, error) {
	_, ok := f.table(halfOpen)[key]
	return ok, nil
}

// Remove does what xlb_expire does.
func (f *fake) Remove(r xmaps.Request) (bool, error) {
	f.calls++
	x, _ := f.Expiry()
	c := f.table(r.HalfOpen)[r.Key]
	if c == nil || !x.Idle(*c) {
		return false, nil
	}
	e := xmaps.ConnEntry{Key: r.Key, Conn: *c}
	partner := f.table(r.HalfOpen)[e.Partner()]
	if !r.HalfOpen && partner != nil && !x.Idle(*partner) {
		return false, nil
	}
	request := c
	if !e.Request() {
		request = partner
	}
	if request != nil {
		f.count(*request, r.HalfOpen, -1)
	}
	delete(f.table(r.HalfOpen), r.Key)
	delete(f.table(r.HalfOpen), e.Partner())
	return true, nil
}

func (f *fake) count(c xmaps.Conn, halfOpen bool, n int64) {
	l := f.loads[c.Real]
	switch {
	case halfOpen:
		l.HalfOpen += n
		if n > 0 {
			l.Total++
		}
	case c.State.Active():
		l.Active += n
	default:
		l.Inactive += n
	}
	f.loads[c.Real] = l
}

func (f *fake) Loads() (map[uint32]xmaps.Load, error) { return maps.Clone(f.loads), nil }

func (f *fake) AddHalfOpen(real uint32, n int64) error {
	l := f.loads[real]
	l.HalfOpen += n
	f.loads[real] = l
	return nil
}

// client is the request half's key of connection number n to a virtual server.
func client(n int) xmaps.Tuple {
	return xmaps.Tuple{
		Src:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(n)}), uint16(40000+n)),
		Dst:   netip.MustParseAddrPort("192.0.2.1:80"),
		Proto: 6,
	}
}

// add inserts both halves of connection n, without counting them.
func (f *fake) add(n int, halfOpen bool, real uint32, state xmaps.ConnState) xmaps.Tuple {
	key := client(n)
	server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, 0, byte(real)}), 8080)
	request := xmaps.Conn{Src: key.Src, Dst: server, Real: real, NextHop: real, State: state, Seen: f.now()}
	reply := xmaps.Conn{Src: key.Dst, Dst: key.Src, Real: real, State: state, Seen: f.now(), Flags: xmaps.FlagReply | xmaps.FlagInline}
	f.table(halfOpen)[key] = &request
	f.table(halfOpen)[xmaps.Tuple{Src: server, Dst: key.Src, Proto: 6}] = &reply
	return key
}

// open inserts and counts.
func (f *fake) open(n int, halfOpen bool, real uint32, state xmaps.ConnState) xmaps.Tuple {
	key := f.add(n, halfOpen, real, state)
	f.count(*f.table(halfOpen)[key], halfOpen, 1)
	return key
}

// promote moves a half-open connection to the established table.
func (f *fake) promote(n int) {
	h := f.half[client(n)]
	if h == nil || h.State == xmaps.StateDead {
		return
	}
	f.open(n, false, h.Real, xmaps.StateEstablished)
	f.count(*h, true, -1)
	f.evict(n)
}

// evict removes the two halves and tells nobody, as the LRU does.
func (f *fake) evict(n int) {
	if c := f.half[client(n)]; c != nil {
		delete(f.half, xmaps.ConnEntry{Key: client(n), Conn: *c}.Partner())
		delete(f.half, client(n))
	}
}

// halfOpenError is by how much the half-open count of a real server is off.
func (f *fake) halfOpenError(real uint32) int64 {
	n := f.loads[real].HalfOpen
	for key, c := range f.half {
		e := xmaps.ConnEntry{Key: key, Conn: *c}
		if c.Real == real && e.Request() && c.State != xmaps.StateDead {
			n--
		}
	}
	return n
}

func (f *fake) String() string {
	return fmt.Sprintf("%d half-open entries, %d established, %+v", len(f.half), len(f.est), f.loads)
}
