// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// patience is how long a command may take before it says that it still works.
const patience = 2 * time.Second

// waiting says on standard error what takes so long: after patience, and ever
// more seldom. The function that it returns ends that. Programs, which ask for
// JSON, find nothing but errors there.
func (c *call) waiting(what string) (stop func()) {
	if c.json() {
		return func() {}
	}
	return progress(c.program.stderr, what)
}

func progress(w io.Writer, what string) (stop func()) {
	begun := time.Now()
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for next := patience; ; next *= 2 {
			select {
			case <-over:
				return
			case <-time.After(next - time.Since(begun)):
				fmt.Fprintf(w, "xlbctl: still %s (%s)\n", what, time.Since(begun).Round(time.Second))
			}
		}
	}()
	return sync.OnceFunc(func() { close(over); <-ended })
}
