// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"cmp"
	"fmt"
	"slices"
)

// Preflight judges an interface of this network namespace, and what of the
// namespace's settings matters, before anything is attached. Findings come
// worst first; those of severity [Error] make [Attach] refuse.
func Preflight(ifname string) ([]Finding, error) {
	s, err := TakeSnapshot(ifname)
	if err != nil {
		return nil, err
	}
	return s.Judge(), nil
}

// Judge gives the findings about a snapshot.
func (s Snapshot) Judge() []Finding {
	checks := []func() []Finding{
		s.judgeKind, s.judgeLink, s.judgeMaster, s.judgeXDP, s.judgeMTU, s.judgeOffloads, s.judgeSysctls,
	}
	var all []Finding
	for _, check := range checks {
		all = append(all, check()...)
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(a.Severity, b.Severity) })
	return all
}

func (s Snapshot) judgeKind() []Finding {
	switch {
	case s.Loopback:
		return []Finding{{Error, s.Name + " is the loopback interface", "no traffic of others comes in there", ""}}
	case !s.Ethernet:
		return []Finding{{Error, s.Name + " carries no Ethernet frames", "the data path reads and writes Ethernet headers", ""}}
	case withoutXDP(s.Driver):
		return []Finding{{
			Warning, fmt.Sprintf("%s has the driver %s, which has no native XDP", s.Name, s.Driver),
			"generic mode is several times slower", underlying(s),
		}}
	}
	return nil
}

// withoutXDP knows drivers that have no native XDP. One that is not listed may
// have none either: attaching will tell.
func withoutXDP(driver string) bool {
	return slices.Contains([]string{
		"bridge", "802.1Q VLAN Support", "macvlan", "ipvlan", "dummy", "wireguard", "team",
		"e1000", "e1000e", "igbvf", "ixgb", "r8169", "8139cp", "8139too", "tg3", "bnx2", "forcedeth",
		"sky2", "pcnet32", "vmxnet", "cdc_ether", "r8152", "ax88179_178a", "asix",
	}, driver)
}

// underlying names the way out for interfaces that are made of another one.
func underlying(s Snapshot) string {
	if s.Parent == "" {
		return ""
	}
	return "xlbctl attach " + s.Parent
}

func (s Snapshot) judgeLink() []Finding {
	if s.Up {
		return nil
	}
	return []Finding{{Warning, s.Name + " is down", "no packet comes in", "ip link set dev " + s.Name + " up"}}
}

func (s Snapshot) judgeMaster() []Finding {
	if s.Master == "" {
		return nil
	}
	what := fmt.Sprintf("%s is a port of the %s %s", s.Name, s.MasterKind, s.Master)
	if s.MasterKind == "bond" || s.MasterKind == "team" {
		return []Finding{{Warning, what, "a port answers where the packet came in, past the bond's choice; a bond takes XDP itself", "xlbctl attach " + s.Master}}
	}
	return []Finding{{Warning, what, "balanced packets leave past it: its firewall, VLANs and counters do not see them", ""}}
}

// judgeXDP looks at what the kernel says of the driver (netdev, Linux 6.3).
func (s Snapshot) judgeXDP() []Finding {
	switch {
	case s.Loopback || !s.Ethernet || !s.XDPKnown || withoutXDP(s.Driver):
		return nil
	case !s.XDPBasic && s.Driver == "veth":
		return []Finding{{
			Warning, fmt.Sprintf("%s has fewer receive queues (%d) than its peer has transmit queues", s.Name, s.RxQueues),
			"the driver refuses native XDP, and generic mode is several times slower",
			fmt.Sprintf("ethtool -L %s rx %d", s.Name, max(s.RxQueuesMax, s.RxQueues+1)),
		}}
	case !s.XDPBasic:
		return []Finding{{Warning, fmt.Sprintf("the driver of %s (%s) offers no native XDP now", s.Name, s.Driver), "generic mode is several times slower", ""}}
	case !s.XDPTransmit && s.Driver == "veth":
		return []Finding{{
			Warning, "the peer of " + s.Name + " has neither GRO nor XDP",
			"packets redirected out of this interface are dropped in silence, and packets sent back can hang",
			"ethtool -K PEER gro on (in the peer's namespace)",
		}}
	case !s.XDPTransmit:
		return []Finding{{Warning, fmt.Sprintf("the driver of %s (%s) takes no redirected packets now", s.Name, s.Driver), "packets from another interface cannot leave by this one", ""}}
	}
	return nil
}

// oneBuffer is an MTU with which a frame fits into one page in every driver
// (3506 is veth's limit, the lowest).
const oneBuffer = 3498

func (s Snapshot) judgeMTU() []Finding {
	switch {
	case s.MTU <= oneBuffer || !s.Ethernet || s.Loopback:
		return nil
	case s.XDPKnown && s.XDPBasic && !s.XDPFrags:
		return []Finding{{
			Warning, fmt.Sprintf("%s has an MTU of %d, and its driver no frames of several buffers (frags)", s.Name, s.MTU),
			"the driver refuses native XDP, and generic mode is several times slower",
			fmt.Sprintf("ip link set dev %s mtu %d", s.Name, oneBuffer),
		}}
	}
	return []Finding{{Info, fmt.Sprintf("%s has an MTU of %d", s.Name, s.MTU), "large frames take several buffers, which costs some speed", ""}}
}

func (s Snapshot) judgeOffloads() []Finding {
	var found []Finding
	for _, o := range []struct {
		on            bool
		name, feature string
		why           string
	}{
		{s.LRO, "LRO", "lro", "packets are merged before XDP sees them, and most drivers refuse native XDP"},
		{s.GROHW, "hardware GRO", "rx-gro-hw", "packets are merged before XDP sees them, and some drivers refuse native XDP"},
		{s.RxVLAN && !s.Virtual(), "VLAN receive offload", "rxvlan", "the card takes VLAN tags out of frames, and forwarded frames lack them"},
	} {
		if o.on {
			found = append(found, Finding{
				Warning, fmt.Sprintf("%s of %s is on", o.name, s.Name), o.why,
				fmt.Sprintf("ethtool -K %s %s off", s.Name, o.feature),
			})
		}
	}
	return found
}

// Virtual says that no card is behind the interface.
func (s Snapshot) Virtual() bool { return s.Driver == "veth" || s.Driver == "tun" || s.Driver == "" }

func (s Snapshot) judgeSysctls() []Finding {
	var found []Finding
	if s.IPForward == "0" {
		found = append(found, Finding{
			Warning, "net.ipv4.ip_forward is 0",
			"the first packets to a server whose neighbour entry is missing are lost, and without xlbd next hops cannot be looked up",
			"sysctl -w net.ipv4.ip_forward=1",
		})
	}
	if s.RPFilter == "1" {
		found = append(found, Finding{
			Info, "net.ipv4.conf." + s.Name + ".rp_filter is strict",
			"of packets that the stack forwards, those from clients whose route is another interface are dropped",
			"sysctl -w net.ipv4.conf.all.rp_filter=2",
		})
	}
	return found
}

// judgeGeneric is what generic mode needs beside all else.
func judgeGeneric(s Snapshot) []Finding {
	if !s.GRO {
		return nil
	}
	return []Finding{{
		Severity: Warning,
		What:     "GRO is on and XDP is generic",
		Why:      "the stack merges packets before generic XDP sees them, and what is larger than the MTU of its way out is dropped (reason too_big)",
		Fix:      "ethtool -K " + s.Name + " gro off",
	}}
}
