// SPDX-License-Identifier: Apache-2.0

// Package notify tells systemd how the daemon is doing (sd_notify(3)). Without
// systemd, that is without $NOTIFY_SOCKET, everything here does nothing.
package notify

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Notifier speaks to the service manager. The zero value speaks to nobody.
type Notifier struct {
	socket   string
	watchdog time.Duration
}

// New reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID by getenv.
func New(getenv func(string) string) *Notifier {
	n := &Notifier{socket: getenv("NOTIFY_SOCKET")}
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n // the watchdog waits for another process
	}
	if usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// WatchdogInterval is how often Alive should be called: twice within the time
// that systemd waits. 0: it does not wait for that.
func (n *Notifier) WatchdogInterval() time.Duration { return n.watchdog / 2 }

// Ready says that the daemon does its work, and how, in one line.
func (n *Notifier) Ready(status string) error { return n.send("READY=1", "STATUS="+oneLine(status)) }

// Reloading says that the configuration is being read again; Ready ends it.
// The time is what Type=notify-reload wants to see.
func (n *Notifier) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("sd_notify: clock: %w", err)
	}
	return n.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(now.Nano()/1000, 10))
}

// Stopping says that the end has begun.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Alive satisfies the watchdog.
func (n *Notifier) Alive() error { return n.send("WATCHDOG=1") }

// send writes one datagram.
func (n *Notifier) send(lines ...string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("sd_notify: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("sd_notify: %w", err)
	}
	return nil
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }
