// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// outcome is how a function ended on another thread.
type outcome struct {
	err      error
	panicked any
	exited   bool // by runtime.Goexit, as t.FailNow does
}

// throwAway runs fn on an operating system thread that ends with it, so that fn may do to the thread what it likes. Panics and
// runtime.Goexit go on in the caller's goroutine: t.Fatal works inside fn as it does outside.
func throwAway(fn func() error) error {
	done := make(chan outcome, 1)
	go onNewThread(fn, done)
	o := <-done
	if o.panicked != nil {
		panic(o.panicked)
	}
	if o.exited {
		runtime.Goexit()
	}
	return o.err
}

func onNewThread(fn func() error, done chan<- outcome) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if unix.Gettid() == unix.Getpid() {
		// The main thread cannot end: it would stay in whatever namespace fn enters. Hold it, so that another one is chosen.
		inner := make(chan outcome, 1)
		go onNewThread(fn, inner)
		done <- <-inner
		runtime.UnlockOSThread()
		return
	}
	o := outcome{exited: true}
	defer func() {
		if o.exited {
			if o.panicked = recover(); o.panicked != nil {
				o.exited = false
			}
		}
		done <- o
	}()
	o.err = fn()
	o.exited = false
}
