// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ethStringLen is ETH_GSTRING_LEN of linux/ethtool.h.
const ethStringLen = 32

// ifreq is struct ifreq of linux/if.h with ifr_data in use.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// ethtool issues one SIOCETHTOOL for an interface of the current thread's namespace. request begins with the command, and the answer
// overwrites it.
func ethtool(name string, request []byte) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	defer unix.Close(fd)
	req := ifreq{data: unsafe.Pointer(&request[0])}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	runtime.KeepAlive(request)
	if errno != 0 {
		return fmt.Errorf("ethtool command %#x: %w", binary.NativeEndian.Uint32(request), errno)
	}
	return nil
}

// setFeature turns an offload on or off by one of the ETHTOOL_S* commands that take a struct ethtool_value.
func setFeature(name string, command uint32, on bool) error {
	return ethtool(name, value(command, on))
}

// feature reads an offload by one of the ETHTOOL_G* commands that fill in a struct ethtool_value.
func feature(name string, command uint32) (bool, error) {
	request := value(command, false)
	err := ethtool(name, request)
	return binary.NativeEndian.Uint32(request[4:]) != 0, err
}

// value returns a struct ethtool_value.
func value(command uint32, on bool) []byte {
	var data uint32
	if on {
		data = 1
	}
	return binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, command), data)
}

// Offloads are the offloads that matter to XDP on veth.
type Offloads struct {
	GRO        bool // generic receive offload, which switches NAPI on
	TxChecksum bool // transmit checksums are left to the driver
}

// Offloads returns what is switched on now.
func (l *Link) Offloads() (o Offloads, err error) {
	err = l.with("read the offloads of", func(netlink.Link) error {
		if o.GRO, err = feature(l.name, unix.ETHTOOL_GGRO); err != nil {
			return err
		}
		o.TxChecksum, err = feature(l.name, unix.ETHTOOL_GTXCSUM)
		return err
	})
	return o, err
}

// DriverStats returns the driver's own counters, those of `ethtool -S`. On veth they tell of frames that XDP lost:
// "rx_queue_0_drops" of the interface where a redirected frame came in.
func (l *Link) DriverStats() (stats map[string]uint64, err error) {
	err = l.with("read the driver's counters of", func(netlink.Link) error {
		stats, err = driverStats(l.name)
		return err
	})
	return stats, err
}

func driverStats(name string) (map[string]uint64, error) {
	// struct ethtool_sset_info: command, reserved, u64 mask of the wanted sets, a u32 for each of them
	info := binary.NativeEndian.AppendUint32(nil, unix.ETHTOOL_GSSET_INFO)
	info = append(binary.NativeEndian.AppendUint64(append(info, 0, 0, 0, 0), 1<<netlink.ETH_SS_STATS), 0, 0, 0, 0)
	if err := ethtool(name, info); err != nil {
		return nil, err
	}
	n := int(binary.NativeEndian.Uint32(info[16:]))
	// struct ethtool_gstrings: command, set, length, strings
	names := binary.NativeEndian.AppendUint32(nil, unix.ETHTOOL_GSTRINGS)
	names = binary.NativeEndian.AppendUint32(names, netlink.ETH_SS_STATS)
	names = append(binary.NativeEndian.AppendUint32(names, uint32(n)), make([]byte, n*ethStringLen)...)
	if err := ethtool(name, names); err != nil {
		return nil, err
	}
	// struct ethtool_stats: command, number, values
	values := binary.NativeEndian.AppendUint32(nil, unix.ETHTOOL_GSTATS)
	values = append(binary.NativeEndian.AppendUint32(values, uint32(n)), make([]byte, n*8)...)
	if err := ethtool(name, values); err != nil {
		return nil, err
	}
	stats := make(map[string]uint64, n)
	for i := range n {
		key, _, _ := bytes.Cut(names[12+i*ethStringLen:12+(i+1)*ethStringLen], []byte{0})
		stats[string(key)] = binary.NativeEndian.Uint64(values[8+i*8:])
	}
	return stats, nil
}
