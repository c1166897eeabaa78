// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// NS is a network namespace of a lab.
type NS struct {
	lab  *Lab
	name string

	mu     sync.RWMutex
	handle netns.NsHandle // closed with the lab
}

// newNS makes the namespace and brings it into the state that NewNS promises.
func newNS(l *Lab, name string) (*NS, error) {
	ns := &NS{lab: l, name: name}
	err := throwAway(func() (err error) {
		ns.handle, err = netns.NewNamed(l.prefix + name)
		return err
	})
	if err != nil {
		return nil, err // Lab.Close removes what NewNamed got done
	}
	if err := ns.prepare(); err != nil {
		return nil, errors.Join(err, ns.close())
	}
	return ns, nil
}

// prepare sets what a lab wants to differ from the kernel's defaults, or from what the first namespace hands down.
func (ns *NS) prepare() error {
	settings := [][2]string{
		{"net.ipv6.conf.all.disable_ipv6", "1"},
		{"net.ipv6.conf.default.disable_ipv6", "1"},
		{"net.ipv4.conf.all.rp_filter", "0"},
		{"net.ipv4.conf.default.rp_filter", "0"},
		{"net.ipv4.conf.all.send_redirects", "0"}, // one arm: the director's neighbours share its bridge
		{"net.ipv4.conf.default.send_redirects", "0"},
		{"net.ipv4.ip_local_port_range", "1024 65535"},
		{"net.ipv4.tcp_tw_reuse", "1"},
	}
	for _, s := range settings {
		if err := ns.SetSysctl(s[0], s[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return ns.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("find lo: %w", err)
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			return fmt.Errorf("bring lo up: %w", err)
		}
		return nil
	})
}

// Lab returns the lab that the namespace belongs to.
func (ns *NS) Lab() *Lab { return ns.lab }

// Name returns the name given to NewNS.
func (ns *NS) Name() string { return ns.name }

// FullName returns the name for `ip netns exec`, which no other lab uses.
func (ns *NS) FullName() string { return ns.lab.prefix + ns.name }

// Path returns the file that stands for the namespace, for setns(2) and for programs that take it as an argument.
func (ns *NS) Path() string { return filepath.Join(runDir, ns.FullName()) }

// String returns the full name.
func (ns *NS) String() string { return ns.FullName() }

// Do runs fn on a thread in the namespace and returns its error as it is. The thread is thrown away: fn may change it. t.Fatal and panics in
// fn behave as in the caller. What fn opens stays in the namespace; goroutines that it starts are not in it.
func (ns *NS) Do(fn func() error) error {
	return throwAway(func() error {
		if err := ns.enter(); err != nil {
			return fmt.Errorf("netns: enter %v: %w", ns, err)
		}
		return fn()
	})
}

// enter moves the current thread into the namespace.
func (ns *NS) enter() error {
	ns.mu.RLock()
	defer ns.mu.RUnlock()
	if !ns.handle.IsOpen() {
		return ErrClosed
	}
	return netns.Set(ns.handle)
}

// close gives up the descriptor. The namespace lives on for as long as it has a name, a process or a socket.
func (ns *NS) close() error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.handle.Close()
}

// get runs fn in ns and returns its result.
func get[T any](ns *NS, fn func() (T, error)) (v T, err error) {
	err = ns.Do(func() (err error) {
		v, err = fn()
		return err
	})
	return v, err
}
