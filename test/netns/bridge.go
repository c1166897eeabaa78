// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// AddBridge makes a bridge in the namespace and brings it up: a plain learning switch, without spanning tree and multicast snooping, so that
// its ports forward at once. Interfaces become its ports by [End.Bridge].
func (ns *NS) AddBridge(name string) (*Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	snooping := false
	err := ns.Do(func() error { return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}) })
	if err != nil {
		return nil, fmt.Errorf("netns: add bridge %s to %v: %w", name, ns, err)
	}
	br := &Link{ns: ns, name: name, end: End{NS: ns, Name: name}}
	return br, br.setUp()
}

// join makes the link a port of a bridge.
func (l *Link) join(bridge *Link) error {
	return l.with("make a bridge port of", func(link netlink.Link) error {
		master, err := netlink.LinkByName(bridge.name)
		if err != nil {
			return err
		}
		return netlink.LinkSetMaster(link, master)
	})
}
