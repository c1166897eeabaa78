// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachXDP puts the dispatcher on an interface: native, and where that fails
// and mode allows it, generic; then reason says why.
func attachXDP(i iface, dispatcher *ebpf.Program, mode Mode) (l link.Link, got Mode, reason string, err error) {
	if mode != Generic {
		l, err = attachAs(i, dispatcher, link.XDPDriverMode)
		if err == nil {
			return l, Native, "", nil
		}
		err = explain(i, dispatcher, err)
		if mode == Native {
			return nil, 0, "", fmt.Errorf("attaching to %s natively: %w", i.name, err)
		}
		reason = err.Error()
	}
	l, err = attachAs(i, dispatcher, link.XDPGenericMode)
	if err != nil {
		err = fmt.Errorf("attaching to %s in generic mode: %w", i.name, err)
		if reason != "" {
			err = fmt.Errorf("%w; and natively: %s", err, reason)
		}
		return nil, 0, "", err
	}
	return l, Generic, reason, nil
}

func attachAs(i iface, dispatcher *ebpf.Program, flags link.XDPAttachFlags) (link.Link, error) {
	return link.AttachXDP(link.XDPOptions{Program: dispatcher, Interface: i.index, Flags: flags})
}

// explain adds the driver's own words to a refusal, which a link does not give.
func explain(i iface, dispatcher *ebpf.Program, err error) error {
	reason, tryErr := tryNative(i.index, dispatcher.FD())
	if tryErr != nil {
		return errors.Join(err, tryErr)
	}
	if reason == "" {
		return err
	}
	return fmt.Errorf("%s (%w)", reason, err)
}

// refuseForeign fails with [ErrForeign] if an XDP program is on the interface
// that this director did not put there, and names it.
func refuseForeign(i iface) error {
	st, err := readXDP(i.index)
	if err != nil || len(st.ids) == 0 {
		return err
	}
	names := make([]string, len(st.ids))
	for n, id := range st.ids {
		names[n] = programName(ebpf.ProgramID(id))
	}
	return fmt.Errorf("interface %s: %w in %v mode: %s: xlb does not replace it; remove it first (\"ip link set dev %s xdp off\", or by the program that put it there)",
		i.name, ErrForeign, st.mode, strings.Join(names, ", "), i.name)
}

// programName is the name and id of a loaded program, or its id alone.
func programName(id ebpf.ProgramID) string {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return fmt.Sprintf("id %d", id)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil || info.Name == "" {
		return fmt.Sprintf("id %d", id)
	}
	return fmt.Sprintf("%q (id %d)", info.Name, id)
}
