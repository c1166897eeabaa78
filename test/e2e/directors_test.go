// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// TestTwoDirectors: two directors in two namespaces of one machine, with the
// same addresses even, do not see each other.
func TestTwoDirectors(t *testing.T) {
	lab := netns.ForTest(t)
	first := netns.TwoArmForTest(t, 2)
	second, err := netns.TwoArm(lab, 1)
	must(t, err)
	serveNames(t, first.Servers...)
	serveNames(t, second.Servers...)
	one, other := webDirector(t, first, ""), webDirector(t, second, "")
	one.waitReals(2)
	other.waitReals(1)

	l := startLoad(t, first, 2)
	l.progress(20)
	must(t, other.Close())
	l.progress(20)
	l.endWithoutFailures()
	one.waitReals(2)
	if got, err := traffic.Fetch(traffic.HTTPClient(second.Client.NS), "http://"+second.VIP.String()); err == nil {
		t.Errorf("the director that was taken away still answers: %q", got)
	}
}
