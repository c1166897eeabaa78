// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"os"
	"time"
)

// NoSkip is an environment variable: set to 1, a test that cannot run for want of root fails instead of being skipped. CI sets it, for
// otherwise a green run could mean nothing.
const NoSkip = "XLB_TEST_NO_SKIP"

// TB is what the helpers need of testing.TB.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// NeedRoot skips a test where there is no root, or fails it; see [NoSkip].
func NeedRoot(tb TB) {
	tb.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv(NoSkip) == "1" {
		tb.Fatalf("namespaces and BPF need root, and %s=1 forbids skipping", NoSkip)
	}
	tb.Skipf("namespaces and BPF need root")
}

// ForTest returns a lab that is closed when the test ends. A process that the test left running fails it. Without root the test is skipped; see
// [NoSkip].
func ForTest(tb TB) *Lab {
	tb.Helper()
	NeedRoot(tb)
	if err := Reap(); err != nil {
		tb.Errorf("remove what killed processes left: %v", err)
	}
	lab, err := New()
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() {
		if err := lab.Close(); err != nil {
			tb.Errorf("close the lab: %v", err)
		}
	})
	return lab
}

// TwoArmForTest returns [TwoArm] in a lab that is closed when the test ends.
func TwoArmForTest(tb TB, n int) *Topology {
	tb.Helper()
	return build(tb, TwoArm, n)
}

// OneArmForTest returns [OneArm] in a lab that is closed when the test ends.
func OneArmForTest(tb TB, n int) *Topology {
	tb.Helper()
	return build(tb, OneArm, n)
}

func build(tb TB, topology func(*Lab, int) (*Topology, error), n int) *Topology {
	tb.Helper()
	t, err := topology(ForTest(tb), n)
	if err != nil {
		tb.Fatalf("build the topology: %v", err)
	}
	return t
}

// Go starts the command and stops it when the test ends.
func (c *Cmd) Go(tb TB) {
	tb.Helper()
	if err := c.Start(); err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Errorf("%v", err)
		}
	})
}

// Eventually calls fn until it returns nil, and fails the test with fn's last error when that takes longer than timeout.
func Eventually(tb TB, timeout time.Duration, fn func() error) {
	tb.Helper()
	if err := retry(timeout, fn); err != nil {
		tb.Fatalf("not within %v: %v", timeout, err)
	}
}
