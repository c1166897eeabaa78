// SPDX-License-Identifier: Apache-2.0

package netns

import "time"

// retry calls fn, more and more rarely, until it returns nil or timeout has passed, and returns its last error. fn is called at least once.
func retry(timeout time.Duration, fn func() error) error {
	deadline := time.Now().Add(timeout)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := fn()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(pause)
	}
}
