// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"testing"
	"time"
)

// openConn puts a connection into the established table, last seen idle ago.
func openConn(t *testing.T, set *Set, idle time.Duration) (request, reply ConnEntry) {
	t.Helper()
	now, err := set.Clock.Now()
	check(t, err)
	request, reply = halves()
	request.Seen = now - set.Clock.Ticks(idle)
	reply.Seen = request.Seen
	check(t, set.Established.Insert(reply.Key, reply.Conn))
	check(t, set.Established.Insert(request.Key, request.Conn))
	check(t, set.Loads.Add(request.Real, Load{Active: 1, Total: 1}))
	return request, reply
}

func TestExpirer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		idle  time.Duration
		force bool
		want  bool
	}{
		{"busy", time.Second, false, false},
		{"nearly", 890 * time.Second, false, false},
		{"idle", 910 * time.Second, false, true},
		{"forced", time.Second, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, _ := newSet(t)
			request, reply := openConn(t, set, tt.idle)
			got, err := set.Expirer.Remove(Request{Key: request.Key, Force: tt.force})
			if err != nil || got != tt.want {
				t.Fatalf("removed %v, %v; want %v", got, err, tt.want)
			}
			for _, key := range []Tuple{request.Key, reply.Key} {
				if _, err := set.Established.Lookup(key); errors.Is(err, ErrNotFound) != tt.want {
					t.Errorf("%v: %v", key, err)
				}
			}
			want := Load{Active: 1, Total: 1}
			if tt.want {
				want.Active = 0
			}
			if got, _ := set.Loads.Get(request.Real); got != want {
				t.Errorf("load %+v, want %+v", got, want)
			}
		})
	}
}

func TestExpirerNothingThere(t *testing.T) {
	set, _ := newSet(t)
	e, _ := halves()
	for _, halfOpen := range []bool{false, true} {
		if got, err := set.Expirer.Remove(Request{Key: e.Key, HalfOpen: halfOpen, Force: true}); got || err != nil {
			t.Errorf("half-open %v: removed %v, %v", halfOpen, got, err)
		}
	}
	e.Key.Src = addrPort("[2001:db8::1]:1")
	if _, err := set.Expirer.Remove(Request{Key: e.Key}); !errors.Is(err, ErrFamily) {
		t.Errorf("IPv6: %v", err)
	}
}

func TestExpirerHalfOpen(t *testing.T) {
	set, _ := newSet(t)
	now, err := set.Clock.Now()
	check(t, err)
	e, reply := halves()
	e.State, e.Seen = StateSynRecv, now
	reply.State, reply.Seen = StateSynRecv, now
	check(t, set.HalfOpen.Insert(e.Key, e.Conn))
	check(t, set.HalfOpen.Insert(reply.Key, reply.Conn))
	if got, err := set.Expirer.Remove(Request{Key: e.Key, HalfOpen: true}); got || err != nil {
		t.Errorf("a busy one: removed %v, %v", got, err)
	}
	if got, err := set.Expirer.Remove(Request{Key: e.Key, HalfOpen: true, Force: true}); !got || err != nil {
		t.Errorf("forced: removed %v, %v", got, err)
	}
	if _, err := set.HalfOpen.Lookup(e.Key); !errors.Is(err, ErrNotFound) {
		t.Errorf("after removal: %v", err)
	}
}

func TestExpirerWithoutProgram(t *testing.T) {
	coll := loadCollection(t)
	delete(coll.Programs, "xlb_expire")
	set, err := FromCollection(coll)
	check(t, err)
	defer set.Close()
	if _, err := set.Clock.Now(); !errors.Is(err, ErrNotPinned) {
		t.Errorf("error %v, want %v", err, ErrNotPinned)
	}
}
