// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xlb-project/xlb/maps"
)

// Options say how a [Sweeper] spends its time. The zero value will do.
type Options struct {
	// Interval is the pause between two sweeps; 0: 2 s, so that the shortest of
	// the usual timeouts, 10 s for CLOSE, is kept to within a fifth. With a
	// large table it grows, see [MaxShare].
	Interval time.Duration
	// Batch is how many entries are looked at without a rest; 0: 1024.
	Batch int
}

// MaxShare is the share of one CPU that sweeping takes at most, in the long
// run: after a sweep that worked for 100 ms the next one waits for 2 s.
const MaxShare = 0.05

// Limits of the rest after a batch, which is three times as long as the batch
// took.
const (
	minRest = 500 * time.Microsecond
	maxRest = 5 * time.Millisecond
)

// Sweeper sweeps. One goroutine at a time may use it.
type Sweeper struct {
	tables  Tables
	opt     Options
	auditor *auditor
}

// New makes a sweeper of these tables.
func New(tables Tables, opt Options) *Sweeper {
	if opt.Interval <= 0 {
		opt.Interval = 2 * time.Second
	}
	if opt.Batch <= 0 {
		opt.Batch = 1024
	}
	return &Sweeper{tables: tables, opt: opt, auditor: newAuditor()}
}

// Run sweeps until ctx ends, and tells done of every sweep: its report, or why
// it was cut short. It returns nil.
func (s *Sweeper) Run(ctx context.Context, done func(Report, error)) error {
	for ctx.Err() == nil {
		r, err := s.Pass(ctx)
		if ctx.Err() == nil {
			done(r, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.wait(r)):
		}
	}
	return nil
}

// wait is the time until the next sweep.
func (s *Sweeper) wait(r Report) time.Duration {
	return max(s.opt.Interval, time.Duration(float64(r.Busy)/MaxShare)-r.Took)
}

// Pass sweeps once. After an error, or when ctx ends, the report tells what was
// done until then.
func (s *Sweeper) Pass(ctx context.Context) (Report, error) {
	p := pass{tables: s.tables, ledger: newLedger(), report: Report{Started: time.Now()}}
	p.resting.batch = s.opt.Batch
	err := p.sweep(ctx)
	if err == nil {
		p.report.Complete = true
		err = s.verify(&p)
	}
	r := p.report
	r.Reals, r.Hops = p.ledger.refs, p.ledger.hops
	r.Took = time.Since(r.Started)
	r.Busy = r.Took - p.resting.rested
	if err != nil {
		return r, fmt.Errorf("sweeping the connection tables: %w", err)
	}
	return r, nil
}

// verify holds the counts against what the pass saw.
func (s *Sweeper) verify(p *pass) error {
	after, err := s.tables.Loads()
	if err != nil {
		return err
	}
	looks := make(map[uint32]look, len(after))
	for real, load := range after {
		if before, ok := p.before[real]; ok {
			looks[real] = look{before: before, after: load, seen: *of(p.ledger.seen, real), removed: *of(p.ledger.removed, real)}
		}
	}
	v := s.auditor.judge(looks)
	p.report.Drift, p.report.Unstable = v.drift, v.unstable
	var errs []error
	for real, n := range v.halfOpen {
		p.report.Corrected += n
		errs = append(errs, s.tables.AddHalfOpen(real, -n))
	}
	return errors.Join(errs...)
}

// pass is one sweep under way.
type pass struct {
	tables  Tables
	expiry  Expiry
	before  map[uint32]maps.Load
	ledger  *ledger
	report  Report
	resting resting
}

// sweep walks both tables. The half-open one comes first: a connection that
// moves on meanwhile is then seen there, or in the other one, or in both, but
// is never missed.
func (p *pass) sweep(ctx context.Context) (err error) {
	if p.expiry, err = p.tables.Expiry(); err != nil {
		return err
	}
	if p.before, err = p.tables.Loads(); err != nil {
		return err
	}
	p.resting.start()
	for _, halfOpen := range []bool{true, false} {
		for e, err := range p.tables.Entries(halfOpen) {
			if err != nil {
				return err
			}
			if err := p.entry(e, halfOpen); err != nil {
				return err
			}
			if err := p.resting.step(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry deals with one half of a connection.
func (p *pass) entry(e maps.ConnEntry, halfOpen bool) error {
	if e.State == maps.StateDead {
		// Counts as absent already, and goes by itself: unless its element was
		// claimed for the connection that had it before. The program tells.
		if halfOpen || !p.expiry.Idle(e.Conn) {
			return nil
		}
		_, err := p.tables.Remove(maps.Request{Key: e.Key})
		return err
	}
	removed, err := p.expire(e, halfOpen)
	if err != nil || removed {
		return err
	}
	p.ledger.refer(e)
	if !e.Request() {
		return nil
	}
	of(p.ledger.seen, e.Real).add(e, halfOpen)
	if halfOpen {
		p.report.HalfOpen++
	} else {
		p.report.Established++
	}
	return nil
}

// expire removes the connection that e is a half of, if its time has passed.
// A reply half is left to its request half, unless that is gone.
func (p *pass) expire(e maps.ConnEntry, halfOpen bool) (bool, error) {
	if !p.expiry.Idle(e.Conn) {
		return false, nil
	}
	if !e.Request() {
		if there, err := p.tables.Has(halfOpen, e.Partner()); there || err != nil {
			return false, err
		}
	}
	removed, err := p.tables.Remove(maps.Request{Key: e.Key, HalfOpen: halfOpen})
	if err != nil || !removed {
		return false, err
	}
	p.report.Expired++
	if e.Request() {
		of(p.ledger.removed, e.Real).add(e, halfOpen)
	}
	return true, nil
}
