// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// Detach takes xlb off o.Interface; [ErrNotAttached] if it is not on it.
// Programs and maps stay pinned, also after the last interface: connections
// go on where the interface is attached again. Its port number is kept for it.
func Detach(ctx context.Context, o Options) error {
	return withPlane(ctx, o, bpf.LoadLb, func(p *plane) error {
		if _, err := p.openSame(); err != nil {
			return err
		}
		l, err := p.mine(o.Interface)
		if err != nil {
			return err
		}
		if err := l.detach(); err != nil {
			return fmt.Errorf("detaching %s: %w", o.Interface, err)
		}
		return p.clearPort(o.Interface)
	})
}

// openSame opens what is pinned, with views; false if nothing is.
func (p *plane) openSame() (bool, error) {
	found, err := p.open()
	if err != nil || !found {
		return false, err
	}
	return true, p.view()
}

// clearPort frees an interface's port number for packets, but not for another
// interface.
func (p *plane) clearPort(ifname string) error {
	if p.set == nil {
		return nil
	}
	names, err := p.pins.portNames()
	if err != nil {
		return err
	}
	for number, name := range names {
		if name == ifname {
			return p.set.Ports.Clear(number)
		}
	}
	return nil
}

// mine opens an interface's link, and refuses one whose program is not one of
// xlb's dispatchers: then somebody else pinned it here.
func (p *plane) mine(ifname string) (*pinnedLink, error) {
	l, err := openLink(p.pins, ifname)
	if err != nil {
		return nil, err
	}
	if ours, err := isDispatcher(l.program); !ours || err != nil {
		if err == nil {
			err = fmt.Errorf("link %s: %w: %s: remove the pin by hand", p.pins.link(ifname), ErrForeign, programName(l.program))
		}
		return nil, errors.Join(err, l.link.Close())
	}
	return l, nil
}

// DetachAll takes xlb off every interface and removes programs, maps and pins:
// connections are forgotten. It returns the interfaces that it was on. When it
// returns without error nothing of xlb is left in the kernel; [ErrHeld] names
// what another process, such as a running xlbd, still holds.
func DetachAll(ctx context.Context, o Options) ([]string, error) {
	var names []string
	err := withPlane(ctx, o, bpf.LoadLb, func(p *plane) (err error) {
		names, err = p.detachAll()
		return err
	})
	return names, err
}

func (p *plane) detachAll() ([]string, error) {
	names, err := p.pins.interfaces()
	if err != nil {
		return nil, err
	}
	if err := p.mayRemove(names); err != nil {
		return nil, err
	}
	objects, err := p.inventory(names)
	if err != nil {
		return nil, err
	}
	if err := p.removeAll(names); err != nil {
		return nil, err
	}
	return names, objects.waitGone()
}

// mayRemove refuses a directory that is not xlb's, or another namespace's
// while its interfaces are there.
func (p *plane) mayRemove(links []string) error {
	if !exists(p.pins.root) {
		return nil
	}
	if ok, err := onBPFFS(p.pins.root); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("pin directory %s: %w: nothing can be pinned there", p.pins.root, ErrNoBPFFS)
	}
	alive := false
	for _, name := range links {
		l, err := p.mine(name)
		if err != nil {
			return err
		}
		alive = alive || !l.dead()
		if err := l.link.Close(); err != nil {
			return err
		}
	}
	found, err := p.open()
	if errors.Is(err, ErrNetns) && !alive {
		return nil
	}
	if err != nil {
		return err
	}
	return p.refuseForeignPins(found)
}

// removeAll detaches every interface and removes every pin and folder.
func (p *plane) removeAll(links []string) error {
	for _, name := range links {
		l, err := openLink(p.pins, name)
		if err != nil {
			return err
		}
		if err := l.detach(); err != nil {
			return fmt.Errorf("detaching %s: %w", name, err)
		}
	}
	if err := p.emptySlot(); err != nil {
		return err
	}
	if err := p.close(); err != nil {
		return err
	}
	for _, dir := range p.pins.folders() {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing pins: %w", err)
		}
	}
	return p.removeRoot()
}

// emptySlot takes the program out of the slot: the map would keep it alive as
// long as somebody holds the map.
func (p *plane) emptySlot() error {
	slot, ok := p.maps[bpf.LbMapPrograms]
	if !ok {
		return nil
	}
	if err := slot.Delete(uint32(0)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("emptying the program slot: %w", err)
	}
	return nil
}

// removeRoot removes the pin directory, unless others have pins there, or it
// is a mount of its own.
func (p *plane) removeRoot() error {
	left, err := list(p.pins.root)
	if err != nil || len(left) > 0 || filepath.Clean(p.pins.root) == systemBPFFS {
		return err
	}
	if err := os.Remove(p.pins.root); err != nil && !isGone(err) && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("removing the pin directory: %w", err)
	}
	return nil
}

// refuseForeignPins refuses a directory in whose folders somebody else has
// pinned something. Maps of names that are not known here are another
// version's where meta says so.
func (p *plane) refuseForeignPins(identified bool) error {
	programs, err := list(p.pins.dir(maps.ProgramDir))
	if err != nil {
		return err
	}
	known := []string{bpf.LbProgXlbDispatch, bpf.LbProgXlbExpire, bpf.LbProgXlbIngress}
	foreign := slices.DeleteFunc(programs, func(n string) bool { return slices.Contains(known, n) })
	if !identified {
		spec, err := p.source()
		if err != nil {
			return err
		}
		names, err := list(p.pins.dir(maps.MapDir))
		if err != nil {
			return err
		}
		foreign = append(foreign, slices.DeleteFunc(names, func(n string) bool { return spec.Maps[n] != nil })...)
	}
	if len(foreign) > 0 {
		return fmt.Errorf("pin directory %s: %w: %s: is it xlb's? Remove them by hand, or name another with --pin-dir", p.pins.root, ErrForeign, strings.Join(foreign, ", "))
	}
	return nil
}
