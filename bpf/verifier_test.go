// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// processed is how the verifier reports its work at ebpf.LogLevelStats.
var processed = regexp.MustCompile(`processed (\d+) insns`)

// TestVerifierEffort keeps the programs far from the kernel's limit of a million instructions, where another kernel's verifier, which prunes less
// well, would refuse them. Raising a ceiling is a decision.
func TestVerifierEffort(t *testing.T) {
	t.Parallel()
	ceilings := map[string]int{
		bpf.LbProgXlbDispatch: 50,
		bpf.LbProgXlbIngress:  50_000,
		bpf.LbProgXlbExpire:   5_000,
	}
	d := newDirector(t)
	for name, program := range map[string]*ebpf.Program{
		bpf.LbProgXlbDispatch: d.XlbDispatch, bpf.LbProgXlbIngress: d.XlbIngress, bpf.LbProgXlbExpire: d.XlbExpire,
	} {
		t.Run(name, func(t *testing.T) {
			m := processed.FindStringSubmatch(program.VerifierLog)
			if m == nil {
				t.Fatalf("the verifier does not say what it did:\n%s", program.VerifierLog)
			}
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d instructions verified, of at most %d", n, ceilings[name])
			if n > ceilings[name] {
				t.Errorf("%d instructions verified, more than %d", n, ceilings[name])
			}
		})
	}
}
