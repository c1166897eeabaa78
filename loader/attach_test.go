// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

func TestAttachNative(t *testing.T) {
	s := newSite(t)
	out := s.mustAttach(nil)
	index, err := s.eth0.Index()
	check(t, err)
	if !out.Created || out.Kept || out.Mode != Native || out.Reason != "" || out.Port != 1 || out.Index != index {
		t.Errorf("attachment %+v", out)
	}
	st := s.status()
	mac, err := s.eth0.MAC()
	check(t, err)
	want := Interface{Name: "eth0", Index: index, Port: 1, Mode: Native, MAC: maps.MACFrom(mac), MTU: 1500}
	if len(st.Interfaces) != 1 || st.Interfaces[0] != want {
		t.Errorf("interfaces %+v, want %+v", st.Interfaces, want)
	}
	if !st.Present || !st.Here || st.Version != "test" || st.Alive || st.Migrating || st.Interrupted {
		t.Errorf("state %+v", st)
	}
	if st.Active.Name != bpf.LbProgXlbIngress || !slices.Contains(st.Programs, st.Active) || len(st.Programs) != 3 {
		t.Errorf("active %+v of %+v", st.Active, st.Programs)
	}
	set := s.open()
	if got, err := set.Ports.Get(1); err != nil || got != (maps.Port{MAC: want.MAC, MTU: 1500, Ifindex: uint32(index)}) {
		t.Errorf("port %+v, %v", got, err)
	}
	if open, err := set.Gates.Get(0); err != nil || !open {
		t.Errorf("the gate of no instance: %v, %v", open, err)
	}
	if now, err := set.Clock.Now(); err != nil || now == 0 {
		t.Errorf("the clock says %v, %v", now, err)
	}
}

func TestAttachTables(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	tables := map[string]Table{}
	for _, m := range s.status().Maps {
		tables[m.Name] = m
	}
	spec, err := bpf.LoadLb()
	check(t, err)
	if len(tables) != len(mapNames(spec)) {
		t.Errorf("%d maps are pinned, the object has %d", len(tables), len(mapNames(spec)))
	}
	for name, want := range map[string]Table{
		"established4": {Capacity: 8192, Used: 0}, "half_open4": {Capacity: 8192, Used: 0}, "services4": {Capacity: 64, Used: 0},
		"services": {Capacity: 65, Used: -1}, "reals": {Capacity: 65, Used: -1}, "port_ids": {Capacity: 64, Used: 1},
	} {
		got := tables[name]
		if got.Capacity != want.Capacity || got.Used != want.Used || got.Bytes == 0 {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestAttachForwards sees that packets go through the program, and up the stack.
func TestAttachForwards(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	p := newPing(s)
	p.many(t, 20)
	s.with(func(set *maps.Set) {
		counts, err := set.Reasons.Get()
		check(t, err)
		if counts[maps.ReasonNotOurs] < 20 {
			t.Errorf("20 requests, and the program counted %v", counts.ByName())
		}
	})
}

func TestAttachTwice(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	before := s.status()
	out := s.mustAttach(func(o *Options) { o.Sizes = Sizes{} })
	if out.Created || !out.Kept || out.Port != 1 || out.Mode != Native || len(out.Migrated)+len(out.Programs) != 0 {
		t.Errorf("second attachment %+v", out)
	}
	after := s.status()
	if !slices.Equal(before.Maps, after.Maps) || !slices.Equal(before.Programs, after.Programs) || before.Active != after.Active {
		t.Errorf("before %+v, after %+v", before, after)
	}
	_, err := s.attach(func(o *Options) { o.Mode = Generic })
	if err == nil || !strings.Contains(err.Error(), "xlbctl detach eth0") {
		t.Errorf("another mode: %v", err)
	}
}

func TestAttachSecondInterface(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	s.connect("eth1")
	out := s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	if out.Created || out.Port != 2 {
		t.Errorf("second interface: %+v", out)
	}
	if got := s.status().Interfaces; len(got) != 2 || got[0].Name != "eth0" || got[1].Name != "eth1" {
		t.Errorf("interfaces %+v", got)
	}
}

// TestAttachNothing loads the data path alone, as a daemon does first.
func TestAttachNothing(t *testing.T) {
	s := newSite(t)
	out := s.mustAttach(func(o *Options) { o.Interface = "" })
	if !out.Created || out.Port != 0 {
		t.Errorf("attachment %+v", out)
	}
	if st := s.status(); !st.Present || len(st.Interfaces) != 0 || st.Active.ID == 0 {
		t.Errorf("state %+v", st)
	}
}

func TestAttachLeavesSlot(t *testing.T) {
	s := newSite(t)
	s.mustAttach(func(o *Options) { o.LeaveSlot = true })
	if id := s.status().Active.ID; id != 0 {
		t.Errorf("the slot has program %d", id)
	}
	newPing(s).many(t, 3)
	s.mustAttach(nil)
	if id := s.status().Active.ID; id == 0 {
		t.Error("the slot is empty")
	}
}

// crowded makes an interface that cannot run native XDP: its peer has more
// transmit queues than it has receive queues.
func crowded(s *site) {
	s.t.Helper()
	_, _, err := s.lab.Connect(
		netns.End{NS: s.director, Name: "eth1", RxQueues: 1}, netns.End{NS: s.client, Name: "eth1", TxQueues: 4})
	check(s.t, err)
	check(s.t, s.client.Do(func() error { return setTransmitQueues("eth1", 4) }))
}

// setTransmitQueues is "ethtool -L NAME tx N".
func setTransmitQueues(name string, n uint32) error {
	e, err := openEthtool(name)
	if err != nil {
		return err
	}
	defer e.close()
	b := request(unix.ETHTOOL_GCHANNELS, 9*4)
	if err := e.do(b); err != nil {
		return err
	}
	binary.NativeEndian.PutUint32(b, unix.ETHTOOL_SCHANNELS)
	binary.NativeEndian.PutUint32(b[6*4:], n)
	return e.do(b)
}

const crowdedReason = "XDP expects number of rx queues not less than peer tx queues"

func TestAttachFallsBackToGeneric(t *testing.T) {
	s := newSite(t)
	crowded(s)
	out := s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	if out.Mode != Generic || !strings.Contains(out.Reason, crowdedReason) {
		t.Errorf("mode %v, reason %q", out.Mode, out.Reason)
	}
	if !slices.ContainsFunc(out.Findings, func(f Finding) bool { return strings.Contains(f.Fix, "ethtool -L eth1 rx") }) {
		t.Errorf("findings %v", out.Findings)
	}
	if got := s.status().Interfaces; len(got) != 1 || got[0].Mode != Generic {
		t.Errorf("interfaces %+v", got)
	}
}

func TestAttachNativeOrNot(t *testing.T) {
	s := newSite(t)
	crowded(s)
	_, err := s.attach(func(o *Options) { o.Interface, o.Mode = "eth1", Native })
	if err == nil || !strings.Contains(err.Error(), crowdedReason) {
		t.Errorf("error %v", err)
	}
	if st := s.status(); len(st.Interfaces) != 0 {
		t.Errorf("interfaces %+v", st.Interfaces)
	}
	s.with(func(set *maps.Set) {
		for number, port := range set.Ports.All() {
			t.Errorf("port %d is %+v", number, port)
		}
	})
}

func TestAttachGeneric(t *testing.T) {
	s := newSite(t)
	if out := s.mustAttach(func(o *Options) { o.Mode = Generic }); out.Mode != Generic || out.Reason != "" {
		t.Errorf("attachment %+v", out)
	}
	newPing(s).many(t, 3)
}

// TestAttachLargeFrames attaches where a frame takes several buffers.
func TestAttachLargeFrames(t *testing.T) {
	s := newSite(t)
	check(t, s.eth0.SetMTU(9000))
	check(t, s.eth0.Peer().SetMTU(9000))
	out := s.mustAttach(nil)
	if out.Mode != Native {
		t.Errorf("mode %v: %s", out.Mode, out.Reason)
	}
	s.with(func(set *maps.Set) {
		if port, err := set.Ports.Get(1); err != nil || port.MTU != 9000 {
			t.Errorf("port %+v, %v", port, err)
		}
	})
}

// foreignProgram puts an XDP program of somebody else on the interface.
func foreignProgram(s *site, flags int) {
	s.t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "somebody", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	check(s.t, err)
	defer prog.Close()
	check(s.t, s.do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkSetXdpFdWithFlags(link, prog.FD(), flags)
	}))
}

func TestAttachRefusesForeign(t *testing.T) {
	for mode, flags := range map[Mode]int{Native: unix.XDP_FLAGS_DRV_MODE, Generic: unix.XDP_FLAGS_SKB_MODE} {
		t.Run(mode.String(), func(t *testing.T) {
			s := newSite(t)
			foreignProgram(s, flags)
			_, err := s.attach(nil)
			wantError(t, err, ErrForeign, `"somebody" (id `, mode.String()+" mode", "eth0")
			var st xdpState
			index, e := s.eth0.Index()
			check(t, e)
			check(t, s.do(func() (err error) {
				st, err = readXDP(index)
				return err
			}))
			if len(st.ids) != 1 || !strings.Contains(programName(ebpf.ProgramID(st.ids[0])), "somebody") {
				t.Errorf("the program is not there any more: %+v", st)
			}
		})
	}
}

func TestAttachRefusesOtherDirector(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	other := s.options
	other.Dirs = Dirs{Pin: s.options.Pin + "2", Run: s.options.Run + "2"}
	err := s.do(func() error {
		_, err := Attach(t.Context(), other)
		return err
	})
	wantError(t, err, ErrForeign, `"xlb_dispatch" (id `)
	check(t, s.do(func() error {
		_, err := DetachAll(t.Context(), other)
		return err
	}))
	if st := s.status(); !st.Present || st.Interfaces[0].Dead {
		t.Errorf("the first director's state %+v", st)
	}
}

func TestAttachRefusesInterfaces(t *testing.T) {
	s := newSite(t)
	_, err := s.attach(func(o *Options) { o.Interface = "eth9" })
	wantError(t, err, ErrInterface, "eth9 does not exist")
	_, err = s.attach(func(o *Options) { o.Interface = "lo" })
	wantError(t, err, ErrInterface, "lo is the loopback interface")
	if exists(s.options.Pin) {
		t.Error("a refused interface left a pin directory")
	}
}

func TestAttachRefusesSizes(t *testing.T) {
	s := newSite(t)
	_, err := s.attach(func(o *Options) { o.Sizes.Slots = 1 << 25 })
	if err == nil || !strings.Contains(err.Error(), "33554432 slots: want 1 to") {
		t.Errorf("error %v", err)
	}
}

func TestAttachNameWithDots(t *testing.T) {
	s := newSite(t)
	s.connect("eth1.100")
	s.mustAttach(func(o *Options) { o.Interface = "eth1.100" })
	if got := s.status().Interfaces; len(got) != 1 || got[0].Name != "eth1.100" || got[0].Port != 1 {
		t.Errorf("interfaces %+v", got)
	}
	check(t, s.do(func() error {
		o := s.options
		o.Interface = "eth1.100"
		return Detach(t.Context(), o)
	}))
}
