// SPDX-License-Identifier: Apache-2.0

package notify

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// manager is the receiving end.
func manager(t *testing.T, name string) (receive func() string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return func() string {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 4096)
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
}

func TestMessages(t *testing.T) {
	sockets := map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": "@xlb-notify-test-" + strconv.Itoa(os.Getpid()),
	}
	tests := []struct {
		name string
		send func(*Notifier) error
		want string // pattern
	}{
		{"ready", func(n *Notifier) error { return n.Ready("3 virtual\nservers") }, `^READY=1\nSTATUS=3 virtual servers$`},
		{"reloading", (*Notifier).Reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$`},
		{"stopping", (*Notifier).Stopping, `^STOPPING=1$`},
		{"alive", (*Notifier).Alive, `^WATCHDOG=1$`},
	}
	for kind, socket := range sockets {
		receive := manager(t, socket)
		n := New(env(map[string]string{"NOTIFY_SOCKET": socket}))
		for _, test := range tests {
			t.Run(kind+" "+test.name, func(t *testing.T) {
				if err := test.send(n); err != nil {
					t.Fatal(err)
				}
				if got := receive(); !regexp.MustCompile(test.want).MatchString(got) {
					t.Errorf("got %q", got)
				}
			})
		}
	}
}

func TestWithoutManager(t *testing.T) {
	n := New(env(nil))
	if err := n.Ready("well"); err != nil || n.WatchdogInterval() != 0 {
		t.Errorf("%v, %v", err, n.WatchdogInterval())
	}
	gone := New(env(map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "nobody")}))
	if err := gone.Alive(); err == nil {
		t.Error("no error although nobody listens")
	}
}

func TestWatchdogInterval(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	tests := []struct {
		name string
		env  map[string]string
		want time.Duration
	}{
		{"OK half of it", map[string]string{"WATCHDOG_USEC": "10000000"}, 5 * time.Second},
		{"OK for us", map[string]string{"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": own}, 5 * time.Second},
		{"OK for another process", map[string]string{"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, 0},
		{"bad number", map[string]string{"WATCHDOG_USEC": "soon"}, 0},
		{"bad sign", map[string]string{"WATCHDOG_USEC": "-5"}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := New(env(test.env)).WatchdogInterval(); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
