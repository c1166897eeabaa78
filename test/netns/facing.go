// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// FaceDirector prepares a veth end whose peer is an interface of a director, on which XDP sends frames by XDP_TX or XDP_REDIRECT. Without it
// frames are lost, and nothing says so:
//
//   - a native XDP program (a bare XDP_PASS): XDP_TX on the peer hangs in the ring without one;
//   - GRO on: XDP_REDIRECT into the peer needs NAPI here;
//   - transmit checksum offload off: a checksum left to the driver is still partial when XDP sends the frame on.
//
// It belongs on the client's interface, or on the bridge port, directly across from the director; hosts behind a bridge need none of it.
func (l *Link) FaceDirector() error {
	prog, err := l.ns.lab.passProgram()
	if err != nil {
		return err
	}
	return l.with("prepare for facing a director", func(link netlink.Link) error {
		if err := netlink.LinkSetXdpFdWithFlags(link, prog.FD(), nl.XDP_FLAGS_DRV_MODE); err != nil {
			return fmt.Errorf("attach XDP_PASS natively: %w", err)
		}
		if err := setFeature(l.name, unix.ETHTOOL_SGRO, true); err != nil {
			return fmt.Errorf("turn GRO on: %w", err)
		}
		if err := setFeature(l.name, unix.ETHTOOL_STXCSUM, false); err != nil {
			return fmt.Errorf("turn transmit checksum offload off: %w", err)
		}
		return nil
	})
}

// xdpHasFrags is BPF_F_XDP_HAS_FRAGS of linux/bpf.h: the program copes with frames of several buffers, so any MTU will do.
const xdpHasFrags = 1 << 5

// passProgram returns the program that FaceDirector attaches, loading it once for the lab.
func (l *Lab) passProgram() (*ebpf.Program, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("netns: load XDP_PASS: %w", ErrClosed)
	}
	if l.pass != nil {
		return l.pass, nil
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:         "lab_pass",
		Type:         ebpf.XDP,
		Flags:        xdpHasFrags,
		License:      "Apache-2.0",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2 /* XDP_PASS */), asm.Return()},
	})
	if err != nil {
		return nil, fmt.Errorf("netns: load XDP_PASS: %w", err)
	}
	l.pass = prog
	return prog, nil
}
