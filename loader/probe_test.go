// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/test/netns"
)

// TestProbeHere asks the kernel that the tests run on, which can run xlb.
func TestProbeHere(t *testing.T) {
	netns.ForTest(t) // for its check of privileges
	p := NewProber()
	check(t, p.Require())
	all := p.All()
	if len(all) != len(questions()) {
		t.Errorf("%d answers to %d questions", len(all), len(questions()))
	}
	for _, probe := range all {
		if probe.Answer != Yes || probe.Err != nil {
			t.Errorf("%s: %v, %v", probe.Feature, probe.Answer, probe.Err)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b Probe) int {
		if a.Feature < b.Feature {
			return -1
		}
		return 1
	}) {
		t.Errorf("not sorted: %v", all)
	}
}

// scripted is a prober that is told the answers.
func scripted(answers map[Feature]func() error) *Prober {
	p := NewProber()
	p.ask = map[Feature]func() error{}
	for f := range questions() {
		p.ask[f] = func() error { return nil }
	}
	for f, answer := range answers {
		p.ask[f] = answer
	}
	return p
}

// TestProbeRemembers shows that yes and no are remembered, and "could not
// tell" is asked again.
func TestProbeRemembers(t *testing.T) {
	no := fmt.Errorf("it is old: %w", ebpf.ErrNotSupported)
	busy := errors.New("busy")
	for _, tt := range []struct {
		name    string
		answers []error
		want    []Answer
		asked   int
	}{
		{"yes", []error{nil, busy}, []Answer{Yes, Yes}, 1},
		{"no", []error{no, nil}, []Answer{No, No}, 1},
		{"unknown, then yes", []error{busy, nil, busy}, []Answer{Unknown, Yes, Yes}, 2},
		{"unknown, then no", []error{busy, busy, no, nil}, []Answer{Unknown, Unknown, No, No}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			p := scripted(map[Feature]func() error{FeatureFrags: func() error {
				asked++
				return tt.answers[asked-1]
			}})
			for i, want := range tt.want {
				if got := p.Probe(FeatureFrags); got.Answer != want || (got.Err == nil) != (want == Yes) {
					t.Errorf("probe %d: %v, %v; want %v", i, got.Answer, got.Err, want)
				}
			}
			if asked != tt.asked {
				t.Errorf("asked %d times, want %d", asked, tt.asked)
			}
		})
	}
}

func TestProbeRequire(t *testing.T) {
	say := func(err error) func() error { return func() error { return err } }
	lacking := say(fmt.Errorf("invalid argument: %w", ebpf.ErrNotSupported))
	for _, tt := range []struct {
		name    string
		answers map[Feature]func() error
		want    []string // of the error; none: there is none
	}{
		{"OK", nil, nil},
		{"OK: could not tell", map[Feature]func() error{FeatureMmap: say(errors.New("busy"))}, nil},
		{"OK: neighbours", map[Feature]func() error{FeatureManaged: lacking}, nil},
		{"bad: no permission", map[Feature]func() error{FeatureBPF: say(errors.New("operation not permitted"))}, []string{"run as root", "not permitted"}},
		{"bad: no BPF", map[Feature]func() error{FeatureBPF: lacking}, []string{"BPF system call"}},
		{
			"bad: old", map[Feature]func() error{FeatureFrags: lacking, FeatureAtomics: lacking},
			[]string{"Linux 5.18", string(FeatureFrags), string(FeatureAtomics)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := scripted(tt.answers).Require()
			if len(tt.want) == 0 {
				check(t, err)
				return
			}
			wantError(t, err, ErrKernel, tt.want...)
		})
	}
	if got := scripted(nil).Probe("flying"); got.Answer != Unknown || got.Err == nil {
		t.Errorf("an unknown feature: %+v", got)
	}
}

func TestAnswer(t *testing.T) {
	for a, want := range map[Answer]string{Yes: "yes", No: "no", Unknown: "unknown"} {
		if got := a.String(); got != want {
			t.Errorf("%d is %q", a, got)
		}
	}
}
