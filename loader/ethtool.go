// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtool asks one interface's driver (linux/ethtool.h).
type ethtool struct {
	fd   int
	name string
}

// Of linux/ethtool.h.
const (
	ethStringLen   = 32 // ETH_GSTRING_LEN
	ethSetFeatures = 4  // ETH_SS_FEATURES
)

func openEthtool(ifname string) (*ethtool, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a socket for ethtool: %w", err)
	}
	return &ethtool{fd, ifname}, nil
}

func (e *ethtool) close() { unix.Close(e.fd) }

// driver is the driver's name.
func (e *ethtool) driver() (string, error) {
	info, err := unix.IoctlGetEthtoolDrvinfo(e.fd, e.name)
	if err != nil {
		return "", err
	}
	return unix.ByteSliceToString(info.Driver[:]), nil
}

// channels are numbers of queues.
type channels struct {
	maxRx, maxCombined uint32
	rx, combined       uint32
}

// channels reads struct ethtool_channels: command, then the largest and the
// present numbers of rx, tx, other and combined channels.
func (e *ethtool) channels() (channels, error) {
	b := request(unix.ETHTOOL_GCHANNELS, 9*4)
	if err := e.do(b); err != nil {
		return channels{}, err
	}
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
	return channels{maxRx: word(1), maxCombined: word(4), rx: word(5), combined: word(8)}, nil
}

// features reads which offloads are on, by the names of "ethtool -k" in the kernel.
func (e *ethtool) features() (map[string]bool, error) {
	names, err := e.strings(ethSetFeatures)
	if err != nil {
		return nil, err
	}
	// struct ethtool_gfeatures: command, size in blocks of 32 bits, and for
	// each block what is available, requested, active, never changed.
	blocks := (len(names) + 31) / 32
	b := request(unix.ETHTOOL_GFEATURES, 8+16*blocks)
	binary.NativeEndian.PutUint32(b[4:], uint32(blocks))
	if err := e.do(b); err != nil {
		return nil, err
	}
	on := make(map[string]bool, len(names))
	for i, name := range names {
		active := binary.NativeEndian.Uint32(b[8+16*(i/32)+8:])
		on[name] = active>>(i%32)&1 != 0
	}
	return on, nil
}

// strings reads the names of a string set.
func (e *ethtool) strings(set uint32) ([]string, error) {
	// struct ethtool_sset_info: command, reserved, mask of sets, one length.
	b := request(unix.ETHTOOL_GSSET_INFO, 20)
	binary.NativeEndian.PutUint64(b[8:], 1<<set)
	if err := e.do(b); err != nil {
		return nil, err
	}
	n := int(binary.NativeEndian.Uint32(b[16:]))
	// struct ethtool_gstrings: command, set, number, strings.
	b = request(unix.ETHTOOL_GSTRINGS, 12+n*ethStringLen)
	binary.NativeEndian.PutUint32(b[4:], set)
	binary.NativeEndian.PutUint32(b[8:], uint32(n))
	if err := e.do(b); err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		text, _, _ := bytes.Cut(b[12+i*ethStringLen:12+(i+1)*ethStringLen], []byte{0})
		names[i] = string(text)
	}
	return names, nil
}

// request is room for a command and its answer.
func request(command uint32, size int) []byte {
	b := make([]byte, size)
	binary.NativeEndian.PutUint32(b, command)
	return b
}

// ifreq is struct ifreq of linux/if.h with ifr_data in use.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// do issues one SIOCETHTOOL; the answer overwrites the request.
func (e *ethtool) do(b []byte) error {
	r := ifreq{data: unsafe.Pointer(&b[0])}
	copy(r.name[:unix.IFNAMSIZ-1], e.name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(e.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
	runtime.KeepAlive(b)
	if errno != 0 {
		return fmt.Errorf("ethtool command %#x on %s: %w", binary.NativeEndian.Uint32(b), e.name, errno)
	}
	return nil
}
