// SPDX-License-Identifier: Apache-2.0

package packet

import "errors"

// Problems returns everything that is wrong with frame; see [Dissect] for what is judged.
func Problems(frame []byte) []Problem { return Dissect(frame).Problems }

// Check returns nil for a well-formed frame, else all its [Problem] values joined into one error, a line each.
func Check(frame []byte) error {
	var errs []error
	for _, p := range Problems(frame) {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}
