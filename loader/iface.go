// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/xlb-project/xlb/maps"
)

// iface is an interface of the calling thread's namespace, as it is now.
type iface struct {
	name  string
	index int
	mac   maps.MAC
	mtu   int
}

// findInterface looks an interface up by name.
func findInterface(name string) (iface, error) {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return iface{}, fmt.Errorf("%w: %s does not exist in this network namespace", ErrInterface, name)
	}
	if err != nil {
		return iface{}, fmt.Errorf("looking up interface %s: %w", name, err)
	}
	a := link.Attrs()
	return iface{name: a.Name, index: a.Index, mac: maps.MACFrom(a.HardwareAddr), mtu: a.MTU}, nil
}

// port is the interface as the data path has it.
func (i iface) port() maps.Port {
	return maps.Port{MAC: i.mac, MTU: uint16(min(i.mtu, 1<<16-1)), Ifindex: uint32(i.index)}
}
