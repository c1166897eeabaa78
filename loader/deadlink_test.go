// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"testing"

	"github.com/xlb-project/xlb/maps"
)

// waitDead waits until the kernel has noticed that eth0 is gone.
func (s *site) waitDead() {
	s.t.Helper()
	eventually(s.t, func() error {
		if st := s.status(); len(st.Interfaces) != 2 || !st.Interfaces[0].Dead {
			return errors.New("the link is alive")
		}
		return nil
	})
}

// TestComesBack: an interface that was deleted and is made again gets its
// number back, so that its connections go on.
func TestComesBack(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	s.connect("eth1")
	s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	check(t, s.eth0.Delete())
	s.waitDead()
	if i := s.status().Interfaces[0]; i.Index != 0 || i.Port != 1 || i.Mode != Auto {
		t.Errorf("a deleted interface: %+v", i)
	}
	_, err := s.attach(nil)
	wantError(t, err, ErrInterface, "eth0 does not exist")

	s.connect("eth5") // takes the next index
	check(t, s.eth0.Recreate())
	out := s.mustAttach(nil)
	index, err := s.eth0.Index()
	check(t, err)
	if out.Port != 1 || out.Mode != Native || out.Kept || out.Index != index {
		t.Errorf("attached again: %+v", out)
	}
	st := s.status()
	if i := st.Interfaces[0]; i.Dead || i.Index != index || i.Port != 1 {
		t.Errorf("interface %+v", i)
	}
	s.with(func(set *maps.Set) {
		if n, err := set.Ports.Lookup(uint32(index)); err != nil || n != 1 {
			t.Errorf("its number is %d, %v", n, err)
		}
	})
	newPing(s).many(t, 3)

	if out := s.mustAttach(nil); !out.Kept {
		t.Errorf("an interface that is alive: %+v", out)
	}
}

// TestAttachDead attaches to an interface that has come back.
func TestAttachDead(t *testing.T) {
	s := newSite(t)
	s.connect("eth1")
	s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	s.mustAttach(nil)
	check(t, s.eth0.Delete())
	s.waitDead()
	check(t, s.eth0.Recreate())
	if out := s.mustAttach(nil); out.Port != 2 || out.Kept {
		t.Errorf("attachment %+v", out)
	}
}

// TestDetachDead detaches from an interface that is gone.
func TestDetachDead(t *testing.T) {
	s := newSite(t)
	s.connect("eth1")
	s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	s.mustAttach(nil)
	check(t, s.eth0.Delete())
	s.waitDead()
	check(t, s.detach("eth0"))
	if st := s.status(); len(st.Interfaces) != 1 {
		t.Errorf("interfaces %+v", st.Interfaces)
	}
}
