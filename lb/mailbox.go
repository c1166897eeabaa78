// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"sync"
)

// mailbox holds the latest value and nothing older: whoever writes never
// waits, whoever reads never works through a backlog.
type mailbox[T any] struct {
	mu      sync.Mutex
	value   T
	version uint64        // counts the values; 0: there is none yet
	wake    chan struct{} // capacity 1
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{wake: make(chan struct{}, 1)} }

// put replaces the value.
func (m *mailbox[T]) put(v T) {
	m.mu.Lock()
	m.value = v
	m.version++
	m.mu.Unlock()
	m.poke()
}

// get is the latest value and how many there have been.
func (m *mailbox[T]) get() (T, uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.value, m.version
}

// poke wakes the reader, now or as soon as it looks.
func (m *mailbox[T]) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
