// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// pinnedLink is an interface's pinned attachment.
type pinnedLink struct {
	link    link.Link
	id      link.ID
	program ebpf.ProgramID
	ifindex uint32 // 0: the interface was deleted
}

// openLink opens the pinned link of an interface; [ErrNotAttached] if there is
// none. A pin that is no XDP link is refused.
func openLink(p pins, ifname string) (*pinnedLink, error) {
	path := p.link(ifname)
	l, err := link.LoadPinnedLink(path, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("interface %s: %w", ifname, ErrNotAttached)
	}
	if err != nil {
		return nil, fmt.Errorf("opening link %s: %w", path, err)
	}
	info, err := l.Info()
	if err == nil && info.XDP() == nil {
		err = fmt.Errorf("it is no XDP link: %w", ErrForeign)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("link %s: %w", path, err), l.Close())
	}
	return &pinnedLink{link: l, id: info.ID, program: info.Program, ifindex: info.XDP().Ifindex}, nil
}

// dead says that the interface is gone; the link will never work again.
func (l *pinnedLink) dead() bool { return l.ifindex == 0 }

// detach unpins the link and takes its program off the interface, whoever else
// may hold the link open.
func (l *pinnedLink) detach() error {
	errs := []error{l.link.Unpin()}
	if !l.dead() {
		errs = append(errs, l.link.Detach())
	}
	return errors.Join(append(errs, l.link.Close())...)
}
