// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"time"
)

// resting keeps a sweep from holding a CPU: after every batch it sleeps.
type resting struct {
	batch  int
	done   int       // entries since the last rest
	since  time.Time // of that
	rested time.Duration
}

func (r *resting) start() { r.since = time.Now() }

// step counts one entry. It fails when ctx ends.
func (r *resting) step(ctx context.Context) error {
	if r.done++; r.done < r.batch {
		return nil
	}
	began := time.Now()
	pause := min(max(3*began.Sub(r.since), minRest), maxRest)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
	}
	r.done, r.since = 0, time.Now()
	r.rested += r.since.Sub(began)
	return nil
}
