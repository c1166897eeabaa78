// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// leakTimeout is how long Main waits for leaks to go away.
const leakTimeout = 5 * time.Second

// Runner is the part of testing.M that Main needs.
type Runner interface{ Run() int }

// Main runs the tests of a package and returns the exit status, which is not 0 when they leave something behind. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }
func Main(m Runner) int { return run(m, os.Stderr, leakTimeout) }

func run(m Runner, stderr io.Writer, timeout time.Duration) int {
	before, err := prepare()
	if err != nil {
		fmt.Fprintf(stderr, "FAIL: prepare to look for leaks: %v\n", err)
		return 1
	}
	code := m.Run()
	leaks, err := before.Leaks(timeout)
	if err != nil {
		fmt.Fprintf(stderr, "FAIL: look for leaks: %v\n", err)
		return max(code, 1)
	}
	if len(leaks) > 0 {
		fmt.Fprintf(stderr, "FAIL: the tests left behind:\n\t%s\n", strings.Join(leaks, "\n\t"))
		return max(code, 1)
	}
	return code
}

// prepare clears away what killed processes left, and returns what is held before the tests.
func prepare() (*Snapshot, error) {
	if os.Geteuid() != 0 {
		return Take()
	}
	if err := Reap(); err != nil {
		return nil, err
	}
	// The first mount of a bpffs may load a module with BPF iterators (CONFIG_BPF_PRELOAD), which are not ours.
	lab, err := New()
	if err != nil {
		return nil, err
	}
	_, err = lab.BPFFS()
	if err := errors.Join(err, lab.Close()); err != nil {
		return nil, err
	}
	return Take()
}
