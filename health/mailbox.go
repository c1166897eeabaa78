// SPDX-License-Identifier: Apache-2.0

package health

import (
	"maps"
	"sync"
)

// mailbox holds the latest result of every target. Writers overwrite, the
// reader is told once that there is something new.
type mailbox[ID comparable] struct {
	news chan struct{} // capacity 1

	mu      sync.Mutex
	results map[ID]Result
}

func newMailbox[ID comparable]() *mailbox[ID] {
	return &mailbox[ID]{news: make(chan struct{}, 1), results: map[ID]Result{}}
}

func (m *mailbox[ID]) get(id ID) (Result, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.results[id]
	return r, ok
}

// put stores a result; news wakes the reader.
func (m *mailbox[ID]) put(id ID, r Result, news bool) {
	m.mu.Lock()
	m.results[id] = r
	m.mu.Unlock()
	if news {
		m.notify()
	}
}

func (m *mailbox[ID]) remove(id ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.results, id)
}

func (m *mailbox[ID]) all() map[ID]Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.results)
}

func (m *mailbox[ID]) notify() {
	select {
	case m.news <- struct{}{}:
	default: // the reader has not looked since the last news
	}
}
