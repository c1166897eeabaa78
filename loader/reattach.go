// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"errors"
	"fmt"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// Reattach attaches o.Interface again after it was deleted and has come back,
// under the port number that it had, so that its connections go on. It does
// nothing to an interface whose attachment is alive; [ErrNotAttached] if xlb
// was not attached to it; [ErrInterface] if it is not there (yet).
func Reattach(ctx context.Context, o Options) (*Attachment, error) {
	out := &Attachment{Interface: o.Interface}
	err := withPlane(ctx, o, bpf.LoadLb, func(p *plane) error {
		if !exists(p.pins.link(o.Interface)) {
			return fmt.Errorf("interface %s: %w", o.Interface, ErrNotAttached)
		}
		if err := p.openCurrent(); err != nil {
			return err
		}
		return p.attachInterface(o, out)
	})
	return out, err
}

// openCurrent opens what is pinned, which must be there and of this layout.
func (p *plane) openCurrent() error {
	found, err := p.open()
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("pin directory %s: %w", p.pins.root, maps.ErrNotPinned)
	}
	return errors.Join(p.checkLayout(), p.view())
}

// RefreshPort tells the data path the present MAC and MTU of o.Interface,
// after they have changed.
func RefreshPort(ctx context.Context, o Options) error {
	return withPlane(ctx, o, bpf.LoadLb, func(p *plane) error {
		if err := p.openCurrent(); err != nil {
			return err
		}
		i, err := findInterface(o.Interface)
		if err != nil {
			return err
		}
		number, err := p.set.Ports.Lookup(uint32(i.index))
		if errors.Is(err, maps.ErrNotFound) {
			return fmt.Errorf("interface %s: %w", o.Interface, ErrNotAttached)
		}
		if err != nil {
			return err
		}
		port := i.port()
		return p.set.Ports.SetLink(number, port.MAC, port.MTU)
	})
}
