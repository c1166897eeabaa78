// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"io"
	"time"
)

// Dirs are the directories of one director; two directors on a machine differ
// in all three.
type Dirs struct {
	Run   string // socket and locks
	Pin   string // programs, maps and links, in a bpffs
	State string // what survives a reboot: overrides
}

// DefaultDirs are the directories of the only director of a machine.
func DefaultDirs() Dirs {
	return Dirs{Run: "/run/xlb", Pin: "/sys/fs/bpf/xlb", State: "/var/lib/xlb"}
}

// ControllerCloser is a [Controller] that holds something.
type ControllerCloser interface {
	Controller
	io.Closer
}

// Open is the daemon's client while a daemon runs, else what direct returns.
// A socket without a daemon behind it counts as no daemon; a daemon that is
// alive but says nothing for patience (0: 3 s) is [CodeUnavailable], and is
// never bypassed.
func Open(ctx context.Context, runDir string, patience time.Duration,
	direct func() (ControllerCloser, error)) (ControllerCloser, error) {
	if patience == 0 {
		patience = 3 * time.Second
	}
	c := NewClient(runDir)
	probe, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := c.Version(probe)
	if err == nil {
		return c, nil
	}
	c.http.CloseIdleConnections()
	if errors.Is(err, errNoDaemon) {
		return direct()
	}
	return nil, err
}
