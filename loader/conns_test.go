// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/maps"
)

// connection is the n-th of many NAT connections, both halves.
func connection(n int, now maps.Tick) (request, reply maps.ConnEntry) {
	client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)}), uint16(1024+n>>16))
	vip, real := netip.MustParseAddrPort("192.0.2.10:80"), netip.MustParseAddrPort("10.0.0.5:8080")
	common := maps.Conn{
		Service: 1, Real: uint32(1 + n%7), Seen: now - maps.Tick(n%5), State: maps.StateEstablished,
		L3Delta: uint16(n), L4Delta: uint16(^n), MAC: maps.MAC{2, 0, 0, 0, byte(n >> 8), byte(n)}, Port: 1,
	}
	request.Key = maps.Tuple{Src: client, Dst: vip, Proto: 6}
	request.Conn = common
	request.Src, request.Dst, request.NextHop = client, real, uint32(1+n%3)
	reply.Key = maps.Tuple{Src: real, Dst: client, Proto: 6}
	reply.Conn = common
	reply.Src, reply.Dst, reply.Flags = vip, client, maps.FlagReply|maps.FlagInline
	return request, reply
}

// fillConnections opens connections 0 to n-1.
func fillConnections(t *testing.T, set *maps.Set, n int) {
	t.Helper()
	now, err := set.Clock.Now()
	check(t, err)
	for i := range n {
		request, reply := connection(i, now)
		check(t, set.Established.Insert(reply.Key, reply.Conn))
		check(t, set.Established.Insert(request.Key, request.Conn))
		check(t, set.Loads.Add(request.Real, maps.Load{Active: 1, Total: 1}))
	}
}

// wantConnections checks that connections 0 to n-1, and no others, are there,
// and are counted.
func wantConnections(t *testing.T, set *maps.Set, n int) {
	t.Helper()
	if err := haveConnections(set, n); err != nil {
		t.Error(err)
	}
}

func haveConnections(set *maps.Set, n int) error {
	for i := range n {
		request, reply := connection(i, 0)
		for _, want := range []maps.ConnEntry{request, reply} {
			got, err := set.Established.Lookup(want.Key)
			if err != nil {
				return fmt.Errorf("connection %d, %v: %w", i, want.Key, err)
			}
			want.Seen = got.Seen
			if got != want.Conn {
				return fmt.Errorf("connection %d is %+v, want %+v", i, got, want.Conn)
			}
		}
	}
	entries := 0
	for _, err := range set.Established.All() {
		if err != nil {
			return err
		}
		entries++
	}
	if entries != 2*n {
		return fmt.Errorf("%d entries for %d connections", entries, n)
	}
	return haveLoads(set, n)
}

func haveLoads(set *maps.Set, n int) error {
	var sum maps.Load
	for id := range uint32(8) {
		l, err := set.Loads.Get(id)
		if err != nil {
			return err
		}
		sum.Active += l.Active
		sum.Total += l.Total
	}
	if want := (maps.Load{Active: int64(n), Total: uint64(n)}); sum != want {
		return fmt.Errorf("counts %+v, want %+v", sum, want)
	}
	return nil
}
