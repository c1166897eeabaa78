// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"net"
	"testing"

	"github.com/xlb-project/xlb/maps"
)

// reattach calls Reattach for an interface.
func (s *site) reattach(ifname string) (out *Attachment, err error) {
	o := s.options
	o.Interface = ifname
	err = s.do(func() (err error) {
		out, err = Reattach(s.t.Context(), o)
		return err
	})
	return out, err
}

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

func TestReattach(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	s.connect("eth1")
	s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	check(t, s.eth0.Delete())
	s.waitDead()
	if i := s.status().Interfaces[0]; i.Index != 0 || i.Port != 1 || i.Mode != Auto {
		t.Errorf("a deleted interface: %+v", i)
	}
	_, err := s.reattach("eth0")
	wantError(t, err, ErrInterface, "eth0 does not exist")

	s.connect("eth5") // takes the next index
	check(t, s.eth0.Recreate())
	out, err := s.reattach("eth0")
	check(t, err)
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

	if out, err := s.reattach("eth0"); err != nil || !out.Kept {
		t.Errorf("an interface that is alive: %+v, %v", out, err)
	}
	_, err = s.reattach("eth5")
	wantError(t, err, ErrNotAttached, "eth5")
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

func TestRefreshPort(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	check(t, s.eth0.SetMAC(net.HardwareAddr{2, 0, 0, 0, 0, 0x77}))
	check(t, s.eth0.SetMTU(1400))
	refresh := func(name string) error {
		o := s.options
		o.Interface = name
		return s.do(func() error { return RefreshPort(t.Context(), o) })
	}
	check(t, refresh("eth0"))
	s.with(func(set *maps.Set) {
		got, err := set.Ports.Get(1)
		if err != nil || got.MAC != (maps.MAC{2, 0, 0, 0, 0, 0x77}) || got.MTU != 1400 || got.Ifindex == 0 {
			t.Errorf("port %+v, %v", got, err)
		}
	})
	s.connect("eth1")
	wantError(t, refresh("eth1"), ErrNotAttached, "eth1")
	wantError(t, refresh("eth9"), ErrInterface, "eth9")
}
