// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
)

// Answer is the outcome of a probe.
type Answer uint8

// The answers.
const (
	Unknown Answer = iota // could not tell; asked again next time
	Yes
	No
)

// String is "yes", "no" or "unknown".
func (a Answer) String() string {
	switch a {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// Feature is something that the kernel may have.
type Feature string

// The features that xlb needs.
const (
	FeatureBPF      Feature = "the BPF system call, and the permission to use it"
	FeatureBTF      Feature = "BTF, the description of types (Linux 4.18)"
	FeatureXDP      Feature = "XDP programs"
	FeatureFrags    Feature = "XDP on frames of several buffers (Linux 5.18)"
	FeatureMmap     Feature = "maps in user space's memory (Linux 5.5)"
	FeatureBatch    Feature = "reading maps in batches (Linux 5.6)"
	FeatureSyscall  Feature = "programs run by user space (Linux 5.14)"
	FeatureJiffies  Feature = "the helper bpf_jiffies64 (Linux 5.6)"
	FeatureAtomics  Feature = "compare-and-exchange (Linux 5.12)"
	FeatureManaged  Feature = "neighbours that the kernel keeps resolved (Linux 5.16)"
	FeatureDevices  Feature = "redirects between interfaces"
	FeatureTailCall Feature = "tail calls"
)

// Probe is the outcome for one feature.
type Probe struct {
	Feature Feature
	Answer  Answer
	Err     error // why not, or why it could not be told; nil for Yes
}

// Prober asks the kernel what it can do. It remembers what the kernel said,
// but not that it could not be asked.
type Prober struct {
	mu    sync.Mutex
	known map[Feature]Probe
	ask   map[Feature]func() error
}

// NewProber returns a prober that knows nothing yet.
func NewProber() *Prober {
	return &Prober{known: make(map[Feature]Probe), ask: questions()}
}

// Probe asks for one feature.
func (p *Prober) Probe(f Feature) Probe {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[f]; ok {
		return known
	}
	ask, ok := p.ask[f]
	if !ok {
		return Probe{f, Unknown, errors.New("there is no such question")}
	}
	out := Probe{Feature: f, Err: ask()}
	switch {
	case out.Err == nil:
		out.Answer = Yes
	case errors.Is(out.Err, ebpf.ErrNotSupported):
		out.Answer = No
	default:
		return out
	}
	p.known[f] = out
	return out
}

// All asks for every feature, sorted by name.
func (p *Prober) All() []Probe {
	var all []Probe
	for f := range p.ask {
		all = append(all, p.Probe(f))
	}
	slices.SortFunc(all, func(a, b Probe) int {
		if a.Feature < b.Feature {
			return -1
		}
		return 1
	})
	return all
}

// Require fails with [ErrKernel] and everything that is missing. What could
// not be told is let through: loading will tell. Only the right to use BPF at
// all must be certain.
func (p *Prober) Require() error {
	if bpf := p.Probe(FeatureBPF); bpf.Answer != Yes {
		return fmt.Errorf("%w: %s: %w: run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON", ErrKernel, bpf.Feature, bpf.Err)
	}
	var missing []error
	for _, probe := range p.All() {
		if probe.Answer == No && probe.Feature != FeatureManaged {
			missing = append(missing, fmt.Errorf("it lacks %s: %w", probe.Feature, probe.Err))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w, Linux 5.18 is the oldest that can: %w", ErrKernel, errors.Join(missing...))
}
