// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/bpf"
)

// uniform is a hop whose every byte is b, so that a torn one shows.
func uniform(b byte) Hop {
	twice, four := uint16(b)*0x0101, uint32(b)*0x01010101
	m := MAC{b, b, b, b, b, b}
	return Hop{DstMAC: m, SrcMAC: m, Port: twice, VLAN: twice, Ifindex: four, MTU: twice}
}

func TestNextHops(t *testing.T) {
	set, _ := newSet(t)
	target := netip.MustParseAddr("10.0.0.5")
	check(t, set.NextHops.Create(3, target))
	if got, err := set.NextHops.Get(3); err != nil || got != (NextHop{Target: target}) {
		t.Errorf("created: %+v, %v", got, err)
	}
	check(t, set.NextHops.Set(3, uniform(1)))
	check(t, set.NextHops.Set(3, uniform(2)))
	if got, _ := set.NextHops.Get(3); got != (NextHop{Target: target, Hop: uniform(2), Resolved: true, Changes: 2}) {
		t.Errorf("set twice: %+v", got)
	}
	other := netip.MustParseAddr("10.0.0.6")
	check(t, set.NextHops.SetTarget(3, other))
	if got, _ := set.NextHops.Get(3); got != (NextHop{Target: other, Hop: uniform(2), Resolved: true, Changes: 2}) {
		t.Errorf("another target: %+v", got)
	}
	if err := set.NextHops.SetTarget(3, netip.Addr{}); !errors.Is(err, ErrFamily) {
		t.Errorf("no target: %v", err)
	}
	check(t, set.NextHops.SetTarget(3, target))
	check(t, set.NextHops.SetUnresolved(3, Hop{Ifindex: 4}))
	if got, _ := set.NextHops.Get(3); got != (NextHop{Target: target, Hop: Hop{Ifindex: 4}, Changes: 3}) {
		t.Errorf("unresolved: %+v", got)
	}
	for id, n := range set.NextHops.All() {
		if id != 3 || n.Target != target {
			t.Errorf("entry %d: %+v", id, n)
		}
	}
	check(t, set.NextHops.Clear(3))
	if got, _ := set.NextHops.Get(3); !got.Free() || got != (NextHop{}) {
		t.Errorf("cleared: %+v", got)
	}
	if err := set.NextHops.Create(3, netip.Addr{}); !errors.Is(err, ErrFamily) {
		t.Errorf("no target: %v", err)
	}
	if err := set.NextHops.Set(set.NextHops.Len(), Hop{}); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestNextHopRawBytes(t *testing.T) {
	set, coll := newSet(t)
	check(t, set.NextHops.Create(1, netip.MustParseAddr("10.0.0.5")))
	check(t, set.NextHops.Set(1, Hop{
		DstMAC: MAC{2, 0, 0, 0, 0, 5}, SrcMAC: MAC{2, 0, 0, 0, 0, 1}, Port: 0x0203, VLAN: 0x0405, Ifindex: 0x06070809, MTU: 1500,
	}))
	want := binary.NativeEndian.AppendUint64(nil, 1<<32|2|1) // first change: copy 1, resolved
	want = append(want, make([]byte, 24)...)                 // copy 0
	want = append(want, 2, 0, 0, 0, 0, 5, 2, 0, 0, 0, 0, 1)
	want = binary.NativeEndian.AppendUint16(want, 0x0203)
	want = binary.NativeEndian.AppendUint16(want, 0x0405)
	want = binary.NativeEndian.AppendUint32(want, 0x06070809)
	want = binary.NativeEndian.AppendUint16(want, 1500)
	want = append(want, 0, 0)
	want = binary.NativeEndian.AppendUint32(want, 4)
	want = binary.NativeEndian.AppendUint32(want, 0)
	want = append(want, 10, 0, 0, 5)
	want = append(want, make([]byte, 12+48)...)
	if diff := cmp.Diff(want, raw(t, coll, "next_hops", uint32(1))); diff != "" {
		t.Errorf("value in the map (-want +got):\n%s", diff)
	}
}

// TestNextHopIsNeverTorn reads as packets do, the word once and then the copy,
// while the record is rewritten as fast as it lets itself be.
func TestNextHopIsNeverTorn(t *testing.T) {
	set, coll := newSet(t)
	packets, err := newMapped[bpf.LbNextHop]("next_hops", coll.Maps[bpf.LbMapNextHops])
	check(t, err)
	defer packets.close()
	check(t, set.NextHops.Create(1, netip.MustParseAddr("10.0.0.5")))
	check(t, set.NextHops.Set(1, uniform(1)))

	var stop atomic.Bool
	var reads atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			begin := time.Now()
			word, err := packets.load(1, hopWord)
			if err != nil {
				t.Error(err)
				return
			}
			var a aligned[bpf.LbHop]
			for w := range a.words() {
				a.words()[w], _ = packets.load(1, hopCopies+int(word&hopCopy)*hopWords+w)
			}
			if time.Since(begin) > hopQuiet/2 {
				continue // this goroutine can be held up for so long; a packet cannot
			}
			if h := decodeHop(a.v); h != uniform(h.DstMAC[0]) {
				t.Errorf("torn: %+v", h)
				return
			}
			reads.Add(1)
		}
	})
	wg.Go(func() {
		for !stop.Load() {
			if n, err := set.NextHops.Get(1); err != nil || n.Hop != uniform(n.Hop.DstMAC[0]) {
				t.Errorf("torn: %+v, %v", n, err)
				return
			}
		}
	})
	for i := range 100 {
		check(t, set.NextHops.Set(1, uniform(byte(1+i))))
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d reads during 100 changes", reads.Load())
}

func TestNextHopChangesKeepApart(t *testing.T) {
	set, _ := newSet(t)
	check(t, set.NextHops.Create(1, netip.MustParseAddr("10.0.0.5")))
	begin := time.Now()
	const changes = 10
	for range changes {
		check(t, set.NextHops.Set(1, uniform(1)))
	}
	if took := time.Since(begin); took < (changes-1)*hopQuiet {
		t.Errorf("%d changes of one record took %v", changes, took)
	}
}
