// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"fmt"

	"github.com/xlb-project/xlb/lb"
)

// Call is one call of a [Fake]'s methods; the fields are the arguments of those
// that have such.
type Call struct {
	Method   string           // "Apply", "State", ...
	Change   lb.ServiceChange // Apply
	Instance lb.Instance      // SetGate
	Open     bool             // SetGate
	Timeouts lb.Timeouts      // SetTimeouts
	Filter   lb.ConnFilter    // Connections, Cut
}

// failure is an error for the next calls of a method.
type failure struct {
	err   error
	times int // negative: always
}

// Fail makes the next calls of a method fail: so many times, or with a negative
// number until further notice; 0 ends it.
func (f *Fake) Fail(method string, times int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails[method] = failure{err, times}
}

// OnCall has every call shown to hook beforehand; an error from it is the
// call's. Hook may use the fake's other methods, and may block. Nil ends it.
func (f *Fake) OnCall(hook func(Call) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// begin records a call and locks the fake for it. unlock is never nil.
func (f *Fake) begin(c Call) (unlock func(), err error) {
	f.mu.Lock()
	f.calls = append(f.calls, c)
	hook := f.hook
	f.mu.Unlock()
	if hook != nil {
		err = hook(c)
	}
	f.mu.Lock()
	switch {
	case f.closed:
		err = fmt.Errorf("%s: %w", c.Method, lb.ErrClosed)
	case err == nil:
		err = f.injected(c.Method)
	}
	return f.mu.Unlock, err
}

// injected is the error of Fail that is due.
func (f *Fake) injected(method string) error {
	due := f.fails[method]
	if due.times == 0 {
		return nil
	}
	if due.times > 0 {
		due.times--
		f.fails[method] = due
	}
	return due.err
}
