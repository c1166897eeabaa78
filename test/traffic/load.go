// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

// Load is a stream of requests, a connection each, that goes on until it is stopped.
type Load struct {
	stop    context.CancelFunc
	workers sync.WaitGroup

	mu     sync.Mutex
	counts Counts
}

// Counts are the answers by the server that gave them, and the failures.
type Counts struct {
	Hits     map[string]int
	Failures []error
}

// Answered is the number of answers.
func (c Counts) Answered() (n int) {
	for _, v := range c.Hits {
		n += v
	}
	return n
}

// Since is what has happened since an earlier reading.
func (c Counts) Since(earlier Counts) Counts {
	d := Counts{Hits: map[string]int{}, Failures: c.Failures[len(earlier.Failures):]}
	for k, v := range c.Hits {
		if n := v - earlier.Hits[k]; n > 0 {
			d.Hits[k] = n
		}
	}
	return d
}

// StartLoad starts workers that fetch a URL, whose body names the server, again and again.
func StartLoad(from *netns.NS, url string, workers int) *Load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{stop: cancel, counts: Counts{Hits: map[string]int{}}}
	for range workers {
		l.workers.Go(func() {
			for c := HTTPClient(from); ctx.Err() == nil; {
				l.one(c, url)
			}
		})
	}
	return l
}

func (l *Load) one(c *http.Client, url string) {
	body, err := Fetch(c, url)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.counts.Failures = append(l.counts.Failures, err)
		return
	}
	l.counts.Hits[body]++
}

// Stop lets the requests under way finish. It may be called again.
func (l *Load) Stop() {
	l.stop()
	l.workers.Wait()
}

// Counts is a reading.
func (l *Load) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Counts{Hits: maps.Clone(l.counts.Hits), Failures: slices.Clone(l.counts.Failures)}
}

// Wait waits until n more requests have been answered.
func (l *Load) Wait(ctx context.Context, n int) error {
	before := l.Counts().Answered()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		now := l.Counts()
		if now.Answered()-before >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests answered, %d failures in all: %w", now.Answered()-before, n, len(now.Failures), ctx.Err())
		case <-tick.C:
		}
	}
}
