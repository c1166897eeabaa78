// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// nsID identifies a namespace for as long as it exists.
type nsID struct{ dev, ino uint64 }

// identify returns the id of the namespace that a file stands for.
func identify(path string) (nsID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nsID{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return nsID{dev: st.Dev, ino: st.Ino}, nil
}

// process is what /proc/PID/stat says of a process.
type process struct {
	pid, parent int
	state       byte // 'Z': ended and not yet waited for
	name        string
}

// String returns the pid with the command's name.
func (p process) String() string { return fmt.Sprintf("process %d (%s)", p.pid, p.name) }

// processes returns every process there is. Those that end meanwhile are left out.
func processes() []process {
	var out []process
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if p, ok := parseStat(string(data)); ok {
			out = append(out, p)
		}
	}
	return out
}

// parseStat parses "PID (COMM) STATE PPID ..." (proc(5)); COMM may contain spaces and parentheses.
func parseStat(line string) (process, bool) {
	opening, closing := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if opening < 0 || closing < opening {
		return process{}, false
	}
	rest := strings.Fields(line[closing+1:])
	pid, err := strconv.Atoi(strings.TrimSpace(line[:opening]))
	if err != nil || len(rest) < 2 {
		return process{}, false
	}
	parent, err := strconv.Atoi(rest[1])
	return process{pid: pid, parent: parent, state: rest[0][0], name: line[opening+1 : closing]}, err == nil
}

// processesIn returns the processes whose main thread is in one of the namespaces, without this one.
func processesIn(spaces []nsID) []process {
	return slices.DeleteFunc(processes(), func(p process) bool {
		id, err := identify(fmt.Sprintf("/proc/%d/ns/net", p.pid))
		return err != nil || p.pid == os.Getpid() || p.state == 'Z' || !slices.Contains(spaces, id)
	})
}

// killAll kills what runs in the namespaces, and what that may have started meanwhile, and returns the processes found. It gives up after
// 5 s: a process that is stuck in the kernel cannot be killed.
func killAll(spaces []nsID) (found []process) {
	_ = retry(5*time.Second, func() error {
		running := processesIn(spaces)
		for _, p := range running {
			_ = unix.Kill(p.pid, unix.SIGKILL) // it may have ended by itself
			if !slices.ContainsFunc(found, func(q process) bool { return q.pid == p.pid }) {
				found = append(found, p)
			}
		}
		if len(running) > 0 {
			return errRunning
		}
		return nil
	})
	return found
}

// errRunning makes retry try again.
var errRunning = errors.New("still running")

// endProcesses kills what still runs in the lab and returns an error for each process. The caller holds l.mu.
func (l *Lab) endProcesses() []error {
	var errs []error
	var ours []int
	for _, c := range l.cmds {
		ours = append(ours, c.Process.Pid)
		if c.running() {
			errs = append(errs, fmt.Errorf("netns: %s (process %d) was still running in %v: Stop it, or Wait for it, before closing the lab", c, c.Process.Pid, c.ns))
			c.kill()
		}
	}
	var spaces []nsID
	for _, ns := range l.spaces {
		if id, err := identify(ns.Path()); err == nil {
			spaces = append(spaces, id)
		}
	}
	for _, p := range killAll(spaces) {
		if !slices.Contains(ours, p.pid) {
			errs = append(errs, fmt.Errorf("netns: %v was left running in the lab by a process that ended", p))
		}
	}
	for _, c := range l.cmds {
		_ = c.Wait() // frees the thread and the zombie; how it ended was reported above or is its starter's affair
	}
	return errs
}
