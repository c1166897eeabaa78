// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// outcome is all that one frame must bring about.
type outcome struct {
	reason bpf.LbReason // the verdict follows from it
	frame  []byte       // as it must come out; nil: as it went in. That of a dropped one is nobody's concern.

	service, real uint32   // whose counters it counts in; 0: nobody's
	counts        counters // what it adds to both
}

// expect runs xlb_ingress on a frame, and fails the test unless exactly what is wanted has happened.
func (d *director) expect(t testing.TB, from link, in []byte, want outcome) {
	t.Helper()
	before := d.tally(t)
	verdict, out := d.run(t, d.XlbIngress, from, in)
	after := d.tally(t)

	meant := reasons[want.reason]
	if verdict != meant.verdict {
		t.Errorf("verdict %d, want %d (%s)", verdict, meant.verdict, meant.name)
	}
	before.add(want)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if meant.verdict != xdpDrop {
		judge(t, in, want.frame, out)
	}
	if t.Failed() {
		t.Fatalf("the frame was:\n%v", packet.Dissect(in))
	}
}

// judge compares the frame that came out with the wanted one; nil: with the one that went in.
func judge(t testing.TB, in, want, out []byte) {
	t.Helper()
	if want == nil {
		want = in
	}
	if diff := packet.Diff(want, out); diff != "" {
		t.Errorf("frame (-want +got):\n%s", diff)
	}
	if packet.Check(in) == nil {
		if err := packet.Check(out); err != nil {
			t.Errorf("a good frame came out bad: %v", err)
		}
	}
}

// add counts an outcome.
func (v *tally) add(o outcome) {
	v.Reasons[reasons[o.reason].name]++
	if o.service != 0 {
		v.Services[o.service] = v.Services[o.service].plus(o.counts)
		v.Reals[o.real] = v.Reals[o.real].plus(o.counts)
	}
}

// passes expects a frame to go up the stack as it is.
func (d *director) passes(t testing.TB, from link, in []byte, why bpf.LbReason) {
	t.Helper()
	if reasons[why].verdict != xdpPass {
		t.Fatalf("%s does not pass", reasons[why].name)
	}
	d.expect(t, from, in, outcome{reason: why})
}

// drops expects a frame to be dropped before it counts for anybody.
func (d *director) drops(t testing.TB, from link, in []byte, why bpf.LbReason) {
	t.Helper()
	if reasons[why].verdict != xdpDrop {
		t.Fatalf("%s does not drop", reasons[why].name)
	}
	d.expect(t, from, in, outcome{reason: why})
}
