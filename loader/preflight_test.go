// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/xlb-project/xlb/test/netns"
)

// fine is a snapshot without findings.
func fine() Snapshot {
	return Snapshot{
		Name: "eth0", Driver: "mlx5_core", Up: true, Ethernet: true, MTU: 1500, RxQueues: 8, RxQueuesMax: 16,
		XDPKnown: true, XDPBasic: true, XDPTransmit: true, XDPFrags: true, IPForward: "1", RPFilter: "0",
	}
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(*Snapshot)
		severity Severity
		parts    []string // of the only finding; none: there is none
	}{
		{"OK", func(*Snapshot) {}, 0, nil},
		{"OK: nothing known", func(s *Snapshot) { *s = Snapshot{Name: "eth0", Up: true, Ethernet: true, MTU: 1500} }, 0, nil},
		{"OK: veth", func(s *Snapshot) { s.Driver = "veth"; s.RxVLAN = true }, 0, nil},
		{"OK: loose rp_filter", func(s *Snapshot) { s.RPFilter = "2" }, 0, nil},
		{"bad: loopback", func(s *Snapshot) { s.Loopback, s.Ethernet = true, false }, Error, []string{"loopback"}},
		{"bad: no Ethernet", func(s *Snapshot) { s.Ethernet = false }, Error, []string{"no Ethernet frames"}},
		{"bad: driver", func(s *Snapshot) { s.Driver, s.XDPBasic = "r8169", false }, Warning, []string{"r8169", "no native XDP"}},
		{
			"bad: VLAN", func(s *Snapshot) { s.Driver, s.Parent = "802.1Q VLAN Support", "eth7" },
			Warning, []string{"no native XDP", "(xlbctl attach eth7)"},
		},
		{"bad: unknown driver without XDP", func(s *Snapshot) { s.XDPBasic = false }, Warning, []string{"mlx5_core", "no native XDP now"}},
		{"bad: no redirects", func(s *Snapshot) { s.XDPTransmit = false }, Warning, []string{"takes no redirected packets"}},
		{
			"bad: veth's queues", func(s *Snapshot) { s.Driver, s.XDPBasic, s.RxQueues, s.RxQueuesMax = "veth", false, 1, 4 },
			Warning, []string{"receive queues (1)", "ethtool -L eth0 rx 4"},
		},
		{"bad: veth's peer", func(s *Snapshot) { s.Driver, s.XDPTransmit = "veth", false }, Warning, []string{"neither GRO nor XDP", "in silence"}},
		{"bad: down", func(s *Snapshot) { s.Up = false }, Warning, []string{"ip link set dev eth0 up"}},
		{"bad: bridge port", func(s *Snapshot) { s.Master, s.MasterKind = "br0", "bridge" }, Warning, []string{"port of the bridge br0"}},
		{"bad: bond port", func(s *Snapshot) { s.Master, s.MasterKind = "bond0", "bond" }, Warning, []string{"port of the bond bond0", "xlbctl attach bond0"}},
		{"bad: large MTU without frags", func(s *Snapshot) { s.MTU, s.XDPFrags = 9000, false }, Warning, []string{"MTU of 9000", "ip link set dev eth0 mtu 3498"}},
		{"large MTU", func(s *Snapshot) { s.MTU = 9000 }, Info, []string{"several buffers"}},
		{"bad: LRO", func(s *Snapshot) { s.LRO = true }, Warning, []string{"ethtool -K eth0 lro off"}},
		{"bad: hardware GRO", func(s *Snapshot) { s.GROHW = true }, Warning, []string{"ethtool -K eth0 rx-gro-hw off"}},
		{"bad: VLAN offload", func(s *Snapshot) { s.RxVLAN = true }, Warning, []string{"ethtool -K eth0 rxvlan off", "lack them"}},
		{"bad: ip_forward", func(s *Snapshot) { s.IPForward = "0" }, Warning, []string{"sysctl -w net.ipv4.ip_forward=1"}},
		{"strict rp_filter", func(s *Snapshot) { s.RPFilter = "1" }, Info, []string{"sysctl -w net.ipv4.conf.all.rp_filter=2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := fine()
			tt.change(&s)
			found := s.Judge()
			if len(tt.parts) == 0 {
				if len(found) != 0 {
					t.Errorf("found %v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Severity != tt.severity {
				t.Fatalf("found %v, want one of severity %v", found, tt.severity)
			}
			for _, part := range tt.parts {
				if !strings.Contains(found[0].String(), part) {
					t.Errorf("%q lacks %q", found[0], part)
				}
			}
		})
	}
}

func TestJudgeWorstFirst(t *testing.T) {
	s := fine()
	s.RPFilter, s.IPForward, s.Ethernet, s.Up = "1", "0", false, false
	found := s.Judge()
	if len(found) != 4 || !slices.IsSortedFunc(found, func(a, b Finding) int { return int(a.Severity) - int(b.Severity) }) {
		t.Errorf("found %v", found)
	}
}

func TestSnapshot(t *testing.T) {
	s := newSite(t)
	check(t, s.director.SetSysctl("net.ipv4.ip_forward", "1"))
	check(t, s.director.SetSysctl("net/ipv4/conf/eth0/rp_filter", "2"))
	got := s.snapshot("eth0")
	want := Snapshot{
		Name: "eth0", Driver: "veth", Up: true, Ethernet: true, MTU: 1500, RxQueues: got.RxQueues, RxQueuesMax: got.RxQueuesMax,
		XDPKnown: true, XDPBasic: true, XDPTransmit: true, XDPFrags: true, RxVLAN: true, IPForward: "1", RPFilter: "2",
	}
	if got != want || got.RxQueues < 1 || got.RxQueuesMax < got.RxQueues {
		t.Errorf("eth0 is\n%+v, want\n%+v", got, want)
	}
	if got := s.snapshot("lo"); !got.Loopback || got.Ethernet {
		t.Errorf("lo is %+v", got)
	}
}

func (s *site) snapshot(ifname string) (out Snapshot) {
	s.t.Helper()
	check(s.t, s.do(func() (err error) {
		out, err = TakeSnapshot(ifname)
		return err
	}))
	return out
}

// TestSnapshotRelatives looks at a bridge, its port, and a macvlan.
func TestSnapshotRelatives(t *testing.T) {
	s := newSite(t)
	br, err := s.director.AddBridge("br0")
	check(t, err)
	_, _, err = s.lab.Connect(
		netns.End{NS: s.director, Name: "port", Bridge: br, Addrs: []netip.Prefix{}}, netns.End{NS: s.client, Name: "port"})
	check(t, err)
	check(t, s.do(func() error {
		parent, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.ParentIndex = "mac0", parent.Attrs().Index
		return netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs})
	}))
	if got := s.snapshot("br0"); got.Driver != "bridge" || got.Parent != "" || got.Master != "" {
		t.Errorf("br0 is %+v", got)
	}
	if got := s.snapshot("port"); got.Master != "br0" || got.MasterKind != "bridge" || got.XDPTransmit {
		t.Errorf("port is %+v", got)
	}
	if got := s.snapshot("mac0"); got.Driver != "macvlan" || got.Parent != "eth0" || got.Up {
		t.Errorf("mac0 is %+v", got)
	}
}

func TestPreflight(t *testing.T) {
	s := newSite(t)
	check(t, s.director.SetSysctl("net.ipv4.ip_forward", "0"))
	var found []Finding
	check(t, s.do(func() (err error) {
		found, err = Preflight("eth0")
		return err
	}))
	if len(found) != 1 || found[0].Fix != "sysctl -w net.ipv4.ip_forward=1" {
		t.Errorf("found %v", found)
	}
	err := s.do(func() error {
		_, err := Preflight("eth9")
		return err
	})
	wantError(t, err, ErrInterface, "eth9 does not exist")
}

func TestFinding(t *testing.T) {
	f := Finding{Warning, "it is so", "this comes of it", "do this"}
	if got := f.String(); got != "it is so: this comes of it (do this)" {
		t.Errorf("%q", got)
	}
	f.Fix = ""
	if got := f.String(); got != "it is so: this comes of it" {
		t.Errorf("%q", got)
	}
	for s, want := range map[Severity]string{Error: "error", Warning: "warning", Info: "info", 9: "severity 9"} {
		if got := s.String(); got != want {
			t.Errorf("severity %d is %q", uint8(s), got)
		}
	}
}

// TestJudgeGeneric: merged packets matter in generic mode alone.
func TestJudgeGeneric(t *testing.T) {
	if found := judgeGeneric(Snapshot{Name: "eth0"}); len(found) != 0 {
		t.Errorf("without GRO: %v", found)
	}
	found := judgeGeneric(Snapshot{Name: "eth0", GRO: true})
	if len(found) != 1 || found[0].Severity != Warning || found[0].Fix != "ethtool -K eth0 gro off" {
		t.Errorf("with GRO: %v", found)
	}
}
