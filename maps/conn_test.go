// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// halves is a connection as NAT makes it, and the keys of its halves.
func halves() (request, reply ConnEntry) {
	request = ConnEntry{
		Key: Tuple{Src: addrPort("198.51.100.7:40000"), Dst: addrPort("192.0.2.1:80"), Proto: 6},
		Conn: Conn{
			Src: addrPort("198.51.100.7:40000"), Dst: addrPort("10.0.0.5:8080"),
			L3Delta: 0x0102, L4Delta: 0x0304, Service: 3, Real: 4, Seen: 0x11223344,
			State: StateEstablished, NextHop: 9, Method: MethodNAT,
			MAC: MAC{2, 0, 0, 0, 0, 7}, Port: 2,
		},
	}
	reply = ConnEntry{
		Key: Tuple{Src: addrPort("10.0.0.5:8080"), Dst: addrPort("198.51.100.7:40000"), Proto: 6},
		Conn: Conn{
			Src: addrPort("192.0.2.1:80"), Dst: addrPort("198.51.100.7:40000"),
			Service: 3, Real: 4, Seen: 0x11223344, State: StateEstablished,
			Flags: FlagReply | FlagInline, MAC: MAC{2, 0, 0, 0, 0, 7}, Port: 2,
		},
	}
	return request, reply
}

// comparable4 lets cmp compare netip's types.
func comparable4() cmp.Option { return cmpopts.EquateComparable(addrPort("0.0.0.0:0")) }

func TestConnRawBytes(t *testing.T) {
	set, coll := newSet(t)
	e, _ := halves()
	check(t, set.Established.Insert(e.Key, e.Conn))

	key := []byte{198, 51, 100, 7, 192, 0, 2, 1, 0x9c, 0x40, 0, 80, 6, 0, 0, 0}
	native := func(values ...any) (b []byte) {
		for _, v := range values {
			b, _ = binary.Append(b, binary.NativeEndian, v)
		}
		return b
	}
	want := bytes.Join([][]byte{
		{198, 51, 100, 7, 10, 0, 0, 5},
		{0x9c, 0x40, 0x1f, 0x90},
		native(uint16(0x0102), uint16(0x0304), uint32(3), uint32(4), uint32(0x11223344), uint32(1), uint32(9)),
		{0, 0, 0, 0},
		{2, 0, 0, 0, 0, 7}, native(uint16(2)),
	}, nil)
	if diff := cmp.Diff(want, raw(t, coll, "established4", key)); diff != "" {
		t.Errorf("value in the map (-want +got):\n%s", diff)
	}
}

func TestConnPartners(t *testing.T) {
	request, reply := halves()
	if got := request.Partner(); got != reply.Key {
		t.Errorf("the request half's partner is %v, want %v", got, reply.Key)
	}
	if got := reply.Partner(); got != request.Key {
		t.Errorf("the reply half's partner is %v, want %v", got, request.Key)
	}
	if !request.Request() || reply.Request() {
		t.Errorf("request half: %v, reply half: %v", request.Request(), reply.Request())
	}
	if got := request.Key.Reverse().Reverse(); got != request.Key {
		t.Errorf("reversed twice: %v", got)
	}
	if got := request.Key.String(); got != "6 198.51.100.7:40000->192.0.2.1:80" {
		t.Errorf("string %q", got)
	}
}

func TestConnTable(t *testing.T) {
	set, _ := newSet(t)
	for _, table := range []*ConnTable{set.Established, set.HalfOpen} {
		t.Run(table.Name(), func(t *testing.T) { testConnTable(t, table) })
	}
}

func testConnTable(t *testing.T, table *ConnTable) {
	request, reply := halves()
	if _, err := table.Lookup(request.Key); !errors.Is(err, ErrNotFound) {
		t.Errorf("lookup in the empty table: %v", err)
	}
	check(t, table.Insert(request.Key, request.Conn))
	check(t, table.Insert(reply.Key, reply.Conn))
	if err := table.Insert(request.Key, request.Conn); !errors.Is(err, ErrExists) {
		t.Errorf("second insert: %v", err)
	}
	for _, want := range []ConnEntry{request, reply} {
		got, err := table.Lookup(want.Key)
		check(t, err)
		if diff := cmp.Diff(want.Conn, got, comparable4()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", want.Key, diff)
		}
	}
	request.State = StateFinWait
	check(t, table.Update(request.Key, request.Conn))
	if got, err := table.Lookup(request.Key); err != nil || got.State != StateFinWait {
		t.Errorf("after the update: %v, %v", got.State, err)
	}
	check(t, table.Delete(request.Key))
	if err := table.Delete(request.Key); !errors.Is(err, ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
	if got := table.Capacity(); got != 4096 {
		t.Errorf("capacity %d, want 4096", got)
	}
}

func TestConnTableRefusesOtherFamilies(t *testing.T) {
	set, _ := newSet(t)
	e, _ := halves()
	v6, bad := e, e
	v6.Key.Dst = addrPort("[2001:db8::1]:80")
	bad.Conn.Src = addrPort("[2001:db8::1]:80")
	for name, err := range map[string]error{
		"lookup":         func() error { _, err := set.Established.Lookup(v6.Key); return err }(),
		"insert, key":    set.Established.Insert(v6.Key, v6.Conn),
		"insert, value":  set.Established.Insert(bad.Key, bad.Conn),
		"delete":         set.Established.Delete(v6.Key),
		"delete, source": set.Established.Delete(v6.Key.Reverse()),
	} {
		if !errors.Is(err, ErrFamily) {
			t.Errorf("%s: error %v, want %v", name, err, ErrFamily)
		}
	}
}

func TestConnTableFull(t *testing.T) {
	set, _ := newSet(t)
	e, _ := halves()
	var err error
	n := 0
	for ; n <= set.Established.Capacity() && err == nil; n++ {
		err = set.Established.Insert(numbered(n), e.Conn)
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("after %d inserts: %v, want %v", n, err, ErrFull)
	}
}

func TestConnStateNames(t *testing.T) {
	for state, want := range map[ConnState]string{
		StateNone: "NONE", StateEstablished: "ESTABLISHED", StateSynSent: "SYN_SENT", StateSynRecv: "SYN_RECV",
		StateFinWait: "FIN_WAIT", StateTimeWait: "TIME_WAIT", StateClose: "CLOSE", StateCloseWait: "CLOSE_WAIT",
		StateLastAck: "LAST_ACK", StateListen: "LISTEN", StateSynAck: "SYNACK", StateUDP: "UDP",
		StateDead: "DEAD", 77: "STATE_77",
	} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", uint8(state), got, want)
		}
	}
}

func TestConnStateActive(t *testing.T) {
	active := map[ConnState]bool{StateEstablished: true, StateSynSent: true, StateSynRecv: true, StateSynAck: true, StateUDP: true}
	for s := range StateMax {
		if s.Active() != active[s] {
			t.Errorf("%v: active %v, want %v", s, s.Active(), active[s])
		}
	}
}
