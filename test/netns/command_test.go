// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/test/netns"
)

func TestCommandRunsInTheNamespace(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	var want string
	if err := ns.Do(func() error { want = readlink(t, threadNS); return nil }); err != nil {
		t.Fatal(err)
	}
	out, err := ns.Command(t.Context(), "readlink", "/proc/self/ns/net").Output()
	if got := strings.TrimSpace(string(out)); got != want || err != nil {
		t.Errorf("the command is in %s, error %v; want %s", got, err, want)
	}
}

// `ip netns exec` gives its command a mount namespace of its own with a fresh /sys, in which /sys/fs/bpf is empty. Our commands share
// the mounts of this process, and so see every bpffs.
func TestCommandSeesBPFFS(t *testing.T) {
	lab := netns.ForTest(t)
	ns := newNS(t, lab, "a")
	dir, err := lab.BPFFS()
	if err != nil {
		t.Fatal(err)
	}
	if err := pinArray(filepath.Join(dir, "pinned")); err != nil {
		t.Fatal(err)
	}
	out, err := ns.Command(t.Context(), "stat", "-f", "-c", "%t", dir).Output()
	if got := strings.TrimSpace(string(out)); got != fmt.Sprintf("%x", unix.BPF_FS_MAGIC) || err != nil {
		t.Errorf("the command sees file system %s, error %v", got, err)
	}
	if out, err := ns.Command(t.Context(), "ls", dir).Output(); !slices.Contains(strings.Fields(string(out)), "pinned") || err != nil {
		t.Errorf("the command sees the pins %q, error %v", out, err)
	}
	out, err = ns.Command(t.Context(), "readlink", "/proc/self/ns/mnt").Output()
	if got, want := strings.TrimSpace(string(out)), readlink(t, "/proc/self/ns/mnt"); got != want || err != nil {
		t.Errorf("the command has mount namespace %s, error %v; want ours, %s", got, err, want)
	}
}

func TestCommandOutput(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	both, err := ns.Command(t.Context(), "sh", "-c", "echo out; echo err >&2").CombinedOutput()
	if string(both) != "out\nerr\n" || err != nil {
		t.Errorf("combined output %q, error %v", both, err)
	}
	_, err = ns.Command(t.Context(), "sh", "-c", "echo reason >&2; exit 3").Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(err.Error(), "reason") {
		t.Errorf("error %v, want exit status 3 with the reason", err)
	}
	if err := ns.Command(t.Context(), "/no/such/program").Run(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
}

func TestCommandEndsWithItsContext(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	ctx, cancel := context.WithCancel(t.Context())
	c := ns.Command(ctx, "sh", "-c", "sleep 1002 & echo $!; wait")
	child := startAndRead(t, c)
	cancel()
	if err := c.Wait(); !errors.Is(err, context.Canceled) && !strings.Contains(fmt.Sprint(err), "killed") {
		t.Errorf("Wait: %v", err)
	}
	netns.Eventually(t, 5*time.Second, func() error { return ended(child) }) // the whole process group
	if err := c.Stop(); err != nil {
		t.Errorf("Stop after the end: %v", err)
	}
}

func TestStop(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	t.Run("never started", func(t *testing.T) {
		if err := ns.Command(t.Context(), "true").Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Run("willing", func(t *testing.T) {
		c := ns.Command(t.Context(), "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
		startAndRead(t, c)
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if code := c.ProcessState.ExitCode(); code != 7 {
			t.Errorf("exit status %d, want the 7 of its SIGTERM handler", code)
		}
	})
	t.Run("stubborn", func(t *testing.T) {
		c := ns.Command(t.Context(), "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done")
		c.StopTimeout = 50 * time.Millisecond
		startAndRead(t, c)
		if err := c.Stop(); err == nil || !strings.Contains(err.Error(), "was killed") {
			t.Errorf("Stop: %v, want an error", err)
		}
		if s := c.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != unix.SIGKILL {
			t.Errorf("it ended by %v", s.Signal())
		}
	})
}

func TestCloseKillsAndReports(t *testing.T) {
	long := longTime(os.Getpid())
	tests := map[string]struct {
		command []string
		run     func(*netns.Cmd) error
		want    string // in Close's error; "": none
	}{
		"running": {[]string{"sleep", long}, (*netns.Cmd).Start, "was still running"},
		"detached": {
			[]string{"setsid", "-f", "sleep", long}, (*netns.Cmd).Run, "was left running in the lab",
		},
		"in its own group": {
			[]string{"sh", "-c", "setsid -f sleep " + long + "; exec sleep " + long}, (*netns.Cmd).Start, "was still running",
		},
		"ended and waited for": {[]string{"true"}, (*netns.Cmd).Run, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			lab, ns := openLab(t)
			c := ns.Command(t.Context(), tt.command[0], tt.command[1:]...)
			if err := tt.run(c); err != nil {
				t.Fatal(err)
			}
			err := lab.Close()
			if tt.want == "" && err != nil || tt.want != "" && !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("Close: %v, want %q", err, tt.want)
			}
			if got := commandsMatching(long); len(got) > 0 {
				t.Errorf("still running: %q", got)
			}
		})
	}
}

func TestGoStopsWithTheTest(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	c := ns.Command(t.Context(), "sleep", "1004")
	t.Run("sub", func(t *testing.T) { c.Go(t) })
	if err := ended(c.Process.Pid); err != nil {
		t.Error(err)
	}
}

// startAndRead starts the command and returns the number in its first line, 0 when it is none.
func startAndRead(t *testing.T, c *netns.Cmd) (n int) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Sscan(line, &n)
	return n
}

// ended returns nil when there is no process with this pid, or only what remains until it is waited for.
func ended(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) || strings.Contains(string(stat), ") Z ") {
		return nil
	}
	return fmt.Errorf("process %d still runs: %s", pid, stat)
}
