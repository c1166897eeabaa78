// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// xdpState is what the kernel tells about XDP on an interface (IFLA_XDP).
type xdpState struct {
	mode Mode // zero: nothing is attached
	ids  []uint32
}

// readXDP asks for the XDP programs of an interface. More than one mode can be
// in use; then the mode is that of the driver.
func readXDP(ifindex int) (st xdpState, err error) {
	msgs, err := rtnl(unix.RTM_GETLINK, 0, ifindex, nil)
	if err != nil {
		return st, fmt.Errorf("asking for XDP on interface %d: %w", ifindex, err)
	}
	for _, m := range msgs {
		if len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		ad, err := netlink.NewAttributeDecoder(m.Data[unix.SizeofIfInfomsg:])
		if err != nil {
			return st, fmt.Errorf("decoding interface %d: %w", ifindex, err)
		}
		for ad.Next() {
			if ad.Type()&^unix.NLA_F_NESTED == unix.IFLA_XDP {
				ad.Nested(st.decode)
			}
		}
		if err := ad.Err(); err != nil {
			return st, fmt.Errorf("decoding interface %d: %w", ifindex, err)
		}
	}
	return st, nil
}

// decode reads IFLA_XDP. The ids by mode are there as well as the plain one,
// so only they are taken.
func (st *xdpState) decode(ad *netlink.AttributeDecoder) error {
	byMode := map[uint16]Mode{
		unix.IFLA_XDP_DRV_PROG_ID: Native, unix.IFLA_XDP_SKB_PROG_ID: Generic, unix.IFLA_XDP_HW_PROG_ID: offloaded,
	}
	for ad.Next() {
		mode, ok := byMode[ad.Type()]
		if !ok {
			continue
		}
		st.ids = append(st.ids, ad.Uint32())
		if st.mode != Native {
			st.mode = mode
		}
	}
	return nil
}

// tryNative attaches a program without a link, for the sake of the kernel's
// answer: the driver's words, which an attachment by link does not give. If it
// succeeds after all, it is undone.
func tryNative(ifindex, progFD int) (reason string, err error) {
	_, err = rtnl(unix.RTM_SETLINK, netlink.Acknowledge, ifindex, xdpAttributes(progFD, unix.XDP_FLAGS_DRV_MODE|unix.XDP_FLAGS_UPDATE_IF_NOEXIST))
	var op *netlink.OpError
	switch {
	case err == nil:
		_, err = rtnl(unix.RTM_SETLINK, netlink.Acknowledge, ifindex, xdpAttributes(-1, unix.XDP_FLAGS_DRV_MODE))
		return "", err
	case errors.As(err, &op) && op.Message != "":
		return op.Message, nil
	}
	return "", nil
}

// xdpAttributes asks for a program on an interface; -1 for none.
func xdpAttributes(progFD int, flags uint32) []netlink.Attribute {
	nested, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.IFLA_XDP_FD, Data: binary.NativeEndian.AppendUint32(nil, uint32(progFD))},
		{Type: unix.IFLA_XDP_FLAGS, Data: binary.NativeEndian.AppendUint32(nil, flags)},
	})
	if err != nil {
		return nil // attributes of four bytes cannot be too long
	}
	return []netlink.Attribute{{Type: unix.IFLA_XDP | unix.NLA_F_NESTED, Data: nested}}
}

// rtnl sends one request about an interface, with the kernel's texts for errors.
func rtnl(kind uint16, flags netlink.HeaderFlags, ifindex int, attrs []netlink.Attribute) ([]netlink.Message, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("opening rtnetlink: %w", err)
	}
	defer conn.Close()
	if err := conn.SetOption(netlink.ExtendedAcknowledge, true); err != nil {
		return nil, fmt.Errorf("asking rtnetlink for texts: %w", err)
	}
	// struct ifinfomsg: family, padding, type, index, flags, change
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], uint32(ifindex))
	tail, err := netlink.MarshalAttributes(attrs)
	if err != nil {
		return nil, err
	}
	return conn.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: netlink.Request | flags},
		Data:   append(body, tail...),
	})
}
