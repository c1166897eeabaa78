// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
)

// Snapshot is what [Preflight] judges: an interface as it is now, and settings
// of its network namespace.
type Snapshot struct {
	Name     string
	Driver   string // as "ethtool -i" names it; empty: not known
	Parent   string // the interface that a VLAN or macvlan is made of, if it is here
	Up       bool
	Loopback bool
	Ethernet bool
	MTU      int // bytes

	Master, MasterKind string // the bridge, bond or team that it is a port of

	RxQueues, RxQueuesMax int // in use, and possible; 0: not known

	// What the kernel says of the driver, if it says so (XDPKnown): native
	// programs, redirects into the interface, frames of several buffers.
	XDPKnown, XDPBasic, XDPTransmit, XDPFrags bool

	LRO, GROHW, RxVLAN bool // offloads that are on
	GRO                bool // the stack merges packets, after native XDP and before generic

	IPForward string // net.ipv4.ip_forward; empty: not known
	RPFilter  string // the larger of net.ipv4.conf.{all,NAME}.rp_filter
}

// TakeSnapshot reads an interface of the calling thread's network namespace.
// What a driver does not tell is left out.
func TakeSnapshot(ifname string) (Snapshot, error) {
	link, err := netlink.LinkByName(ifname)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return Snapshot{}, fmt.Errorf("%w: %s does not exist in this network namespace", ErrInterface, ifname)
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("looking up interface %s: %w", ifname, err)
	}
	a := link.Attrs()
	s := Snapshot{
		Name:     a.Name,
		Up:       a.Flags&net.FlagUp != 0,
		Loopback: a.Flags&net.FlagLoopback != 0,
		Ethernet: a.EncapType == "ether",
		MTU:      a.MTU,
		RxQueues: a.NumRxQueues,
	}
	s.readRelatives(link)
	s.readEthtool()
	s.readXDP(a.Index)
	s.IPForward = sysctl("ip_forward")
	s.RPFilter = max(sysctl("conf/all/rp_filter"), sysctl("conf/"+a.Name+"/rp_filter"))
	return s, nil
}

// readRelatives finds the interfaces above and below.
func (s *Snapshot) readRelatives(link netlink.Link) {
	a := link.Attrs()
	if a.MasterIndex != 0 {
		if master, err := netlink.LinkByIndex(a.MasterIndex); err == nil {
			s.Master, s.MasterKind = master.Attrs().Name, master.Type()
		}
	}
	if link.Type() == "veth" || a.ParentIndex == 0 {
		return // a veth's parent is its peer, whose index may be of another namespace
	}
	if parent, err := netlink.LinkByIndex(a.ParentIndex); err == nil {
		s.Parent = parent.Attrs().Name
	}
}

// readEthtool asks the driver. What it does not answer stays unknown.
func (s *Snapshot) readEthtool() {
	e, err := openEthtool(s.Name)
	if err != nil {
		return
	}
	defer e.close()
	s.Driver, _ = e.driver()
	if c, err := e.channels(); err == nil {
		s.RxQueues = int(max(c.rx, c.combined))
		s.RxQueuesMax = int(max(c.maxRx, c.maxCombined))
	}
	features, _ := e.features()
	s.GRO = features["rx-gro"]
	s.LRO, s.GROHW, s.RxVLAN = features["rx-lro"], features["rx-gro-hw"], features["rx-vlan-hw-parse"]
}

// readXDP asks the kernel what native XDP the driver offers.
func (s *Snapshot) readXDP(ifindex int) {
	features, answer := xdpFeatures(ifindex)
	s.XDPKnown = answer == Yes
	s.XDPBasic = features&xdpActBasic != 0
	s.XDPTransmit = features&xdpActTransmit != 0
	s.XDPFrags = features&xdpActFrags != 0
}

// sysctl reads a setting of IPv4 in this thread's network namespace; empty if
// that cannot be.
func sysctl(name string) string {
	b, err := os.ReadFile(filepath.Join("/proc/sys/net/ipv4", name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
