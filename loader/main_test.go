// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }

// smallSizes keep the tables of most tests small.
func smallSizes() Sizes {
	return Sizes{Connections: 4096, HalfOpen: 4096, Services: 64, Reals: 64, Slots: 1024, NextHops: 64}
}

// site is a director with one interface, eth0, across from a client's.
type site struct {
	t        *testing.T
	lab      *netns.Lab
	director *netns.NS
	client   *netns.NS
	eth0     *netns.Link
	options  Options
}

func newSite(t *testing.T) *site {
	t.Helper()
	lab := netns.ForTest(t)
	s := &site{t: t, lab: lab}
	s.director, s.client = s.namespace("director"), s.namespace("client")
	s.eth0, _ = s.connect("eth0")
	root, err := lab.BPFFS()
	check(t, err)
	s.options = Options{
		Dirs:        Dirs{Pin: filepath.Join(root, "xlb"), Run: filepath.Join(lab.Dir(), "run")},
		Interface:   "eth0",
		Sizes:       smallSizes(),
		Version:     "test",
		LockTimeout: time.Second,
		Log:         slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	t.Cleanup(func() {
		check(t, s.do(func() error {
			_, err := DetachAll(t.Context(), s.options)
			return err
		}))
	})
	return s
}

func (s *site) namespace(name string) *netns.NS {
	s.t.Helper()
	ns, err := s.lab.NewNS(name)
	check(s.t, err)
	return ns
}

// connect makes another interface of the director.
func (s *site) connect(name string) (director, client *netns.Link) {
	s.t.Helper()
	director, client, err := s.lab.Connect(
		netns.End{NS: s.director, Name: name}, netns.End{NS: s.client, Name: name, FacesDirector: true})
	check(s.t, err)
	return director, client
}

// do runs f in the director's namespace.
func (s *site) do(f func() error) error { return s.director.Do(f) }

// attach attaches with the site's options, changed by f.
func (s *site) attach(f func(*Options)) (out *Attachment, err error) {
	s.t.Helper()
	o := s.options
	if f != nil {
		f(&o)
	}
	err = s.do(func() (err error) {
		out, err = Attach(s.t.Context(), o)
		return err
	})
	return out, err
}

// mustAttach is attach that may not fail.
func (s *site) mustAttach(f func(*Options)) *Attachment {
	s.t.Helper()
	out, err := s.attach(f)
	check(s.t, err)
	return out
}

// attachFrom attaches with another object.
func (s *site) attachFrom(source source, f func(*Options)) (out *Attachment, err error) {
	s.t.Helper()
	o := s.options
	if f != nil {
		f(&o)
	}
	err = s.do(func() (err error) {
		out, err = attach(s.t.Context(), o, source)
		return err
	})
	return out, err
}

// open opens the pinned maps, until the test ends.
func (s *site) open() *maps.Set {
	s.t.Helper()
	var set *maps.Set
	check(s.t, s.do(func() (err error) {
		set, err = OpenSet(s.options.Pin)
		return err
	}))
	s.t.Cleanup(func() { set.Close() })
	return set
}

// with opens the pinned maps for f.
func (s *site) with(f func(*maps.Set)) {
	s.t.Helper()
	set, err := maps.Open(s.options.Pin)
	check(s.t, err)
	defer set.Close()
	f(set)
}

func (s *site) status() *State {
	s.t.Helper()
	var st *State
	check(s.t, s.do(func() (err error) {
		st, err = Status(s.options.Dirs)
		return err
	}))
	return st
}

// otherIngress is the built-in object with another program for the same maps:
// it does the same, after an instruction that does nothing.
func otherIngress() (*ebpf.CollectionSpec, error) {
	spec, err := bpf.LoadLb()
	if err != nil {
		return nil, err
	}
	return spec, prepend(spec.Programs[bpf.LbProgXlbIngress], asm.Mov.Imm(asm.R0, 0))
}

// prepend puts an instruction before a program's first, which keeps what makes
// it the beginning of the function.
func prepend(prog *ebpf.ProgramSpec, ins asm.Instruction) error {
	if len(prog.Instructions) == 0 {
		return errors.New("the program is empty")
	}
	first := prog.Instructions[0]
	ins.Metadata = first.Metadata
	first.Metadata = asm.Metadata{}
	prog.Instructions = append(asm.Instructions{ins, first}, prog.Instructions[1:]...)
	return nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until f is content.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	netns.Eventually(t, 5*time.Second, f)
}

func wantError(t *testing.T, err, want error, parts ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want one that is %q", err, want)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}
