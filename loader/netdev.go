// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// What native XDP a driver offers (linux/netdev.h, enum netdev_xdp_act).
const (
	xdpActBasic    = 1 << 0
	xdpActTransmit = 1 << 2 // takes redirected packets
	xdpActFrags    = 1 << 5 // receives frames of several buffers
)

// Of the generic netlink family "netdev" (linux/netdev.h, Linux 6.3).
const (
	netdevDevGet      = 1
	netdevIfindex     = 1
	netdevXDPFeatures = 3
)

// xdpFeatures asks what native XDP an interface's driver offers now. The
// answer is [Yes] when the features are known, else [Unknown].
func xdpFeatures(ifindex int) (features uint64, known Answer) {
	conn, err := netlink.Dial(unix.NETLINK_GENERIC, nil)
	if err != nil {
		return 0, Unknown
	}
	defer conn.Close()
	family, err := genlFamily(conn, "netdev")
	if err != nil {
		return 0, Unknown
	}
	err = genl(conn, family, netdevDevGet, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(netdevIfindex, uint32(ifindex))
	}, func(ad *netlink.AttributeDecoder) {
		if ad.Type() == netdevXDPFeatures {
			features, known = ad.Uint64(), Yes
		}
	})
	if err != nil {
		return 0, Unknown
	}
	return features, known
}

// genlFamily looks a generic netlink family up by name.
func genlFamily(conn *netlink.Conn, name string) (id uint16, err error) {
	err = genl(conn, unix.GENL_ID_CTRL, unix.CTRL_CMD_GETFAMILY, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.CTRL_ATTR_FAMILY_NAME, name)
	}, func(ad *netlink.AttributeDecoder) {
		if ad.Type() == unix.CTRL_ATTR_FAMILY_ID {
			id = ad.Uint16()
		}
	})
	if err == nil && id == 0 {
		err = errors.New("the kernel's answer has no id")
	}
	return id, err
}

// genl sends one request of generic netlink and hands out the answer's attributes.
func genl(conn *netlink.Conn, family uint16, command uint8, ask func(*netlink.AttributeEncoder), each func(*netlink.AttributeDecoder)) error {
	ae := netlink.NewAttributeEncoder()
	ask(ae)
	attrs, err := ae.Encode()
	if err != nil {
		return err
	}
	// struct genlmsghdr: command, version, reserved
	msgs, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(family), Flags: netlink.Request},
		Data:   append([]byte{command, 1, 0, 0}, attrs...),
	})
	if err != nil {
		return err
	}
	for _, m := range msgs {
		if len(m.Data) < 4 {
			continue
		}
		ad, err := netlink.NewAttributeDecoder(m.Data[4:])
		if err != nil {
			return err
		}
		for ad.Next() {
			each(ad)
		}
		if err := ad.Err(); err != nil {
			return err
		}
	}
	return nil
}
