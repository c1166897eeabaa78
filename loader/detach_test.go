// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

// detach detaches one interface.
func (s *site) detach(ifname string) error {
	o := s.options
	o.Interface = ifname
	return s.do(func() error { return Detach(s.t.Context(), o) })
}

func (s *site) detachAll() (names []string, err error) {
	err = s.do(func() (err error) {
		names, err = DetachAll(s.t.Context(), s.options)
		return err
	})
	return names, err
}

// inventory lists what the site has in the kernel.
func (s *site) inventory() *inventory {
	s.t.Helper()
	p := plane{pins: pins{s.options.Pin}}
	links, err := p.pins.interfaces()
	check(s.t, err)
	v, err := p.inventory(links)
	check(s.t, err)
	return v
}

func TestDetachKeepsConnections(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	s.connect("eth1")
	s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	s.with(func(set *maps.Set) { fillConnections(t, set, 100) })
	check(t, s.detach("eth0"))
	check(t, s.detach("eth1"))
	wantError(t, s.detach("eth0"), ErrNotAttached, "eth0")
	st := s.status()
	if !st.Present || len(st.Interfaces) != 0 {
		t.Errorf("state %+v", st)
	}
	s.with(func(set *maps.Set) {
		for number, port := range set.Ports.All() {
			t.Errorf("port %d is still %+v", number, port)
		}
		wantConnections(t, set, 100)
	})
	newPing(s).many(t, 3)

	// The numbers stay with their interfaces.
	if out := s.mustAttach(func(o *Options) { o.Interface = "eth1" }); out.Port != 2 || out.Created {
		t.Errorf("eth1 again: %+v", out)
	}
	s.connect("eth2")
	if out := s.mustAttach(func(o *Options) { o.Interface = "eth2" }); out.Port != 3 {
		t.Errorf("a new interface got number %d", out.Port)
	}
}

func TestDetachAllLeavesNothing(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	s.connect("eth1")
	s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	objects := s.inventory()
	if len(objects.maps) < 20 || len(objects.programs) != 3 || len(objects.links) != 2 || len(objects.left()) != len(objects.maps)+5 {
		t.Errorf("before: %d maps, %d programs, %d links", len(objects.maps), len(objects.programs), len(objects.links))
	}
	names, err := s.detachAll()
	check(t, err)
	if slices.Sort(names); !slices.Equal(names, []string{"eth0", "eth1"}) {
		t.Errorf("detached from %v", names)
	}
	if left := objects.left(); len(left) != 0 {
		t.Errorf("left in the kernel: %v", left)
	}
	if exists(s.options.Pin) {
		t.Error("the pin directory is still there")
	}
	if st := s.status(); st.Present {
		t.Errorf("state %+v", st)
	}
	if names, err := s.detachAll(); err != nil || len(names) != 0 {
		t.Errorf("again: %v, %v", names, err)
	}
	wantError(t, s.detach("eth0"), ErrNotAttached)
}

func TestDetachAllKeepsForeignPins(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	foreign, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	check(t, err)
	defer foreign.Close()
	path := filepath.Join(s.options.Pin, "foreign")
	check(t, foreign.Pin(path))
	if _, err := s.detachAll(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(s.options.Pin); err != nil || len(left) != 1 || left[0].Name() != "foreign" {
		t.Errorf("left: %v, %v", left, err)
	}
	check(t, foreign.Unpin())
}

func TestDetachAllRefusesForeignFolders(t *testing.T) {
	s := newSite(t)
	check(t, os.MkdirAll(filepath.Join(s.options.Pin, maps.MapDir), 0o700))
	foreign, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	check(t, err)
	defer foreign.Close()
	check(t, foreign.Pin(filepath.Join(s.options.Pin, maps.MapDir, "cilium_lb4")))
	_, err = s.detachAll()
	wantError(t, err, ErrForeign, "cilium_lb4", "--pin-dir")
	check(t, foreign.Unpin())
}

// TestDetachAllWhileHeld has somebody hold the tables open, as a daemon does.
func TestDetachAllWhileHeld(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	set, err := maps.Open(s.options.Pin)
	check(t, err)
	_, err = s.detachAll()
	wantError(t, err, ErrHeld, "map established4 (id ")
	if exists(s.options.Pin) {
		t.Error("the pin directory is still there")
	}
	check(t, set.Close())
}

func TestWrongNamespace(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	err := s.client.Do(func() error {
		_, err := Attach(t.Context(), s.options)
		return err
	})
	wantError(t, err, ErrNetns, s.options.Pin, "--pin-dir")
	err = s.client.Do(func() error {
		_, err := DetachAll(t.Context(), s.options)
		return err
	})
	wantError(t, err, ErrNetns)
	err = s.client.Do(func() error {
		_, err := OpenSet(s.options.Pin)
		return err
	})
	wantError(t, err, ErrNetns)
	check(t, s.client.Do(func() error {
		st, err := Status(s.options.Dirs)
		if err == nil && (!st.Present || st.Here || st.Active.Name != bpf.LbProgXlbIngress) {
			t.Errorf("state as seen from elsewhere %+v", st)
		}
		return err
	}))
	if st := s.status(); !st.Here || st.Interfaces[0].Dead {
		t.Errorf("state %+v", st)
	}
}

// TestNamespaceGone removes what is left of a namespace that was deleted.
func TestNamespaceGone(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	check(t, s.eth0.Delete())
	eventually(t, func() error {
		if !s.status().Interfaces[0].Dead {
			return errors.New("the link is alive")
		}
		return nil
	})
	check(t, s.client.Do(func() error {
		_, err := DetachAll(t.Context(), s.options)
		return err
	}))
	if exists(s.options.Pin) {
		t.Error("the pin directory is still there")
	}
}

// TestTwoDirectors are two in two namespaces of one machine.
func TestTwoDirectors(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	other := s.namespace("other")
	_, _, err := s.lab.Connect(netns.End{NS: other, Name: "eth0"}, netns.End{NS: s.client, Name: "other0", FacesDirector: true})
	check(t, err)
	o := s.options
	o.Dirs = Dirs{Pin: s.options.Pin + "-other", Run: s.options.Run + "-other"}
	check(t, other.Do(func() error {
		_, err := Attach(t.Context(), o)
		return err
	}))
	check(t, other.Do(func() error {
		names, err := DetachAll(t.Context(), o)
		if len(names) != 1 {
			t.Errorf("detached from %v", names)
		}
		return err
	}))
	if st := s.status(); !st.Present || len(st.Interfaces) != 1 || st.Interfaces[0].Dead {
		t.Errorf("the first director's state %+v", st)
	}
}

func TestOpenSetNothing(t *testing.T) {
	s := newSite(t)
	err := s.do(func() error {
		_, err := OpenSet(s.options.Pin)
		return err
	})
	wantError(t, err, maps.ErrNotPinned, "xlbctl attach")
}

func TestNoBPFFS(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	_, err := s.attach(func(o *Options) { o.Pin = dir })
	wantError(t, err, ErrNoBPFFS, "mount -t bpf bpf "+dir, "--pin-dir")
	_, err = s.attach(func(o *Options) { o.Pin = filepath.Join(dir, "not", "there", "yet") })
	wantError(t, err, ErrNoBPFFS)
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("a refused directory has %v", left)
	}
	o := s.options
	o.Pin = dir
	err = s.do(func() error {
		_, err := DetachAll(t.Context(), o)
		return err
	})
	wantError(t, err, ErrNoBPFFS)
}

func TestIncompleteStart(t *testing.T) {
	s := newSite(t)
	s.mustAttach(func(o *Options) { o.Interface = "" })
	// As a crash would leave it that came before meta was pinned.
	check(t, os.Remove(pins{s.options.Pin}.mapFile(bpf.LbMapMeta)))
	if st := s.status(); st.Present {
		t.Errorf("state %+v", st)
	}
	if out := s.mustAttach(nil); !out.Created {
		t.Errorf("attachment %+v", out)
	}
	check(t, os.Remove(pins{s.options.Pin}.mapFile(bpf.LbMapMeta)))
	_, err := s.attach(nil)
	if err == nil || !strings.Contains(err.Error(), "xlbctl detach --all") {
		t.Errorf("links without maps: %v", err)
	}
}
