// SPDX-License-Identifier: Apache-2.0

package lbtest_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

// defectVariable tells TestDefect, in a process of its own, what to break.
const defectVariable = "XLB_LBTEST_DEFECT"

// broken is a fake with one defect: the functions that are not nil replace the
// fake's.
type broken struct {
	*lbtest.Fake
	state    func(lb.State) lb.State
	apply    func(context.Context, lb.ServiceChange) error
	gate     func(context.Context, lb.Instance, bool) error
	timeouts func(context.Context, lb.Timeouts) error
	counters func(lb.Counters) lb.Counters
	filter   func(lb.ConnFilter) lb.ConnFilter
	restored func(int) int
	close    func() error
}

func (b *broken) State(ctx context.Context) (lb.State, error) {
	s, err := b.Fake.State(ctx)
	if b.state != nil {
		s = b.state(s)
	}
	return s, err
}

func (b *broken) Apply(ctx context.Context, c lb.ServiceChange) error {
	if b.apply != nil {
		return b.apply(ctx, c)
	}
	return b.Fake.Apply(ctx, c)
}

func (b *broken) SetGate(ctx context.Context, i lb.Instance, open bool) error {
	if b.gate != nil {
		return b.gate(ctx, i, open)
	}
	return b.Fake.SetGate(ctx, i, open)
}

func (b *broken) SetTimeouts(ctx context.Context, t lb.Timeouts) error {
	if b.timeouts != nil {
		return b.timeouts(ctx, t)
	}
	return b.Fake.SetTimeouts(ctx, t)
}

func (b *broken) Counters(ctx context.Context) (lb.Counters, error) {
	c, err := b.Fake.Counters(ctx)
	if b.counters != nil {
		c = b.counters(c)
	}
	return c, err
}

func (b *broken) Connections(ctx context.Context, f lb.ConnFilter) iter.Seq2[lb.Connection, error] {
	if b.filter != nil {
		f = b.filter(f)
	}
	return b.Fake.Connections(ctx, f)
}

func (b *broken) Restore(ctx context.Context, c iter.Seq[lb.Connection]) (int, error) {
	n, err := b.Fake.Restore(ctx, c)
	if b.restored != nil {
		n = b.restored(n)
	}
	return n, err
}

func (b *broken) Close() error {
	if b.close != nil {
		return b.close()
	}
	return b.Fake.Close()
}

// defect is what can be wrong with an engine, and the test that has to see it.
type defect struct {
	name, seenBy string
	broken       func(*lbtest.Fake) *broken
}

func services(change func(*lb.Service)) func(lb.State) lb.State {
	return func(s lb.State) lb.State {
		for i := range s.Services {
			change(&s.Services[i])
		}
		return s
	}
}

func defects() []defect {
	return slices.Concat(stateDefects(), applyDefects(), otherDefects())
}

// stateDefects are of State.
func stateDefects() []defect {
	state := func(f func(lb.State) lb.State) func(*lbtest.Fake) *broken {
		return func(*lbtest.Fake) *broken { return &broken{state: f} }
	}
	return []defect{
		{"order is lost", "Add", state(services(func(s *lb.Service) {
			slices.SortFunc(s.Reals, func(a, b lb.Real) int { return a.Addr.Compare(b.Addr) })
		}))},
		{"quiesced servers vanish", "Add", state(services(func(s *lb.Service) {
			s.Reals = slices.DeleteFunc(s.Reals, func(r lb.Real) bool { return r.Weight == 0 })
		}))},
		{"owner is lost", "Foreign", state(services(func(s *lb.Service) { s.Owner = lb.OwnerDaemon }))},
		{"instance is lost", "Add", state(services(func(s *lb.Service) { s.Instance = 0 }))},
		{"not sorted", "Add", state(func(s lb.State) lb.State { slices.Reverse(s.Services); return s })},
		{"gates are not read back", "Gates", state(func(s lb.State) lb.State { s.Gates = nil; return s })},
	}
}

// applyDefects are of Apply.
func applyDefects() []defect {
	apply := func(f func(*lbtest.Fake, context.Context, lb.ServiceChange) error) func(*lbtest.Fake) *broken {
		return func(fake *lbtest.Fake) *broken {
			return &broken{apply: func(ctx context.Context, c lb.ServiceChange) error { return f(fake, ctx, c) }}
		}
	}
	return []defect{
		{"removing twice fails", "Remove", apply(func(f *lbtest.Fake, ctx context.Context, c lb.ServiceChange) error {
			s, err := f.State(ctx)
			if _, there := s.Find(c.Key); err == nil && c.After == nil && !there {
				return errors.New("no such virtual server")
			}
			return f.Apply(ctx, c)
		})},
		{"believes Before", "BeforeIsIgnored", apply(func(f *lbtest.Fake, ctx context.Context, c lb.ServiceChange) error {
			if c.Before != nil && c.After != nil && c.Before.Equal(*c.After) {
				return nil
			}
			return f.Apply(ctx, c)
		})},
		{"a failed change is half done", "Unsupported", apply(func(f *lbtest.Fake, ctx context.Context, c lb.ServiceChange) error {
			err := f.Apply(ctx, c)
			if err != nil {
				f.Tamper(func(s *lb.State) { *s = c.ApplyTo(*s) })
			}
			return err
		})},
		{"removing a server cuts its connections", "RemovedRealKeepsConnections",
			apply(func(f *lbtest.Fake, ctx context.Context, c lb.ServiceChange) error {
				if s, _ := f.State(ctx); c.After != nil {
					old, _ := s.Find(c.Key)
					for _, r := range old.Reals {
						if c.After.Index(r.Addr) < 0 {
							if _, err := f.Cut(ctx, lb.ConnFilter{Service: &c.Key, Real: r.Addr}, lb.Forget); err != nil {
								return err
							}
						}
					}
				}
				return f.Apply(ctx, c)
			})},
		{"clears the others", "Foreign", apply(func(f *lbtest.Fake, ctx context.Context, c lb.ServiceChange) error {
			f.Tamper(func(s *lb.State) {
				s.Services = slices.DeleteFunc(s.Services, func(s lb.Service) bool { return s.Owner == "someone" })
			})
			return f.Apply(ctx, c)
		})},
	}
}

// otherDefects are of everything else.
func otherDefects() []defect {
	return []defect{
		{"the gate of no instance closes", "Gates", func(f *lbtest.Fake) *broken {
			return &broken{gate: func(ctx context.Context, i lb.Instance, open bool) error {
				return f.SetGate(ctx, max(i, 1), open)
			}}
		}},
		{"zero timeouts change nothing", "Timeouts", func(f *lbtest.Fake) *broken {
			return &broken{timeouts: func(ctx context.Context, t lb.Timeouts) error {
				if t == (lb.Timeouts{}) {
					return nil
				}
				return f.SetTimeouts(ctx, t)
			}}
		}},
		{"two timeouts are swapped", "Timeouts", func(f *lbtest.Fake) *broken {
			return &broken{timeouts: func(ctx context.Context, t lb.Timeouts) error {
				t.LastAck, t.Listen = t.Listen, t.LastAck
				return f.SetTimeouts(ctx, t)
			}}
		}},
		{"idle servers are not counted", "Counters", func(*lbtest.Fake) *broken {
			return &broken{counters: func(c lb.Counters) lb.Counters {
				for _, s := range c.Services {
					clear(s.Reals)
				}
				return c
			}}
		}},
		{"the filter is not looked at", "Filter", func(*lbtest.Fake) *broken {
			return &broken{filter: func(lb.ConnFilter) lb.ConnFilter { return lb.ConnFilter{} }}
		}},
		{"the client's prefix is taken for an address", "Filter", func(*lbtest.Fake) *broken {
			return &broken{filter: func(f lb.ConnFilter) lb.ConnFilter {
				f.Client, _ = f.Client.Addr().Prefix(cmp.Or(f.Client.Addr().BitLen(), 0))
				return f
			}}
		}},
		{"restored are counted that have no server", "RestoreWithoutServer", func(*lbtest.Fake) *broken {
			return &broken{restored: func(n int) int { return max(n, 3) }}
		}},
		{"works after Close", "Closed", func(*lbtest.Fake) *broken {
			return &broken{close: func() error { return nil }}
		}},
	}
}

// TestDefect is the suite on a broken engine; without one it has nothing to do.
func TestDefect(t *testing.T) {
	for _, d := range defects() {
		if d.name == os.Getenv(defectVariable) {
			lbtest.Run(t, func(*testing.T) lbtest.Harness {
				fake := lbtest.NewFake(lbtest.Features())
				b := d.broken(fake)
				b.Fake = fake
				return lbtest.Harness{Dataplane: b}
			})
		}
	}
}

// The suite is worth what it finds.
func TestSuiteFindsDefects(t *testing.T) {
	for _, d := range defects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestDefect$/^"+d.seenBy+"$")
			cmd.Env = append(os.Environ(), defectVariable+"="+d.name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: TestDefect/"+d.seenBy) {
				t.Errorf("the suite's %s does not see it: %v\n%s", d.seenBy, err, out)
			}
		})
	}
}

func TestSuiteRefusesHugeLimits(t *testing.T) {
	if os.Getenv(defectVariable) == "limits" {
		features := lbtest.Features()
		features.MaxServices = 1 << 20
		lbtest.Run(t, func(*testing.T) lbtest.Harness { return lbtest.Harness{Dataplane: lbtest.NewFake(features)} })
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSuiteRefusesHugeLimits$/^LimitOfServices$")
	cmd.Env = append(os.Environ(), defectVariable+"=limits")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "at most 4096") {
		t.Errorf("an engine with a million virtual servers: %v\n%s", err, out)
	}
}
