// SPDX-License-Identifier: Apache-2.0

package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"
)

// check reads into c, which holds what is inherited: a real server's check
// changes only the keys that it names.
func (s schema) check(n ast.Node, c *Check) {
	port := int(c.Port)
	given := *c
	if given.Type == CheckNone {
		given = defaultCheck()
	}
	given.Type = ""
	s.object(n, "a check",
		field{"type", c.Type == CheckNone, text(s.reader, &given.Type, oneOf("check type", CheckTCP, CheckNone))},
		may("port", s.number(&port, 1, 65535)),
		may("interval", s.duration(&given.Interval, 100*time.Millisecond, time.Hour)),
		may("timeout", s.duration(&given.Timeout, 10*time.Millisecond, time.Minute)),
		may("rise", s.number(&given.Rise, 1, 1000)),
		may("fall", s.number(&given.Fall, 1, 1000)),
		may("retry", s.number(&given.Retry, 0, 100)),
		may("delay_before_retry", s.duration(&given.RetryDelay, 0, time.Hour)))
	given.Port = uint16(port)
	switch given.Type {
	case CheckNone:
		given = Check{Type: CheckNone}
	case "":
		given.Type = c.Type
	}
	*c = given
}

// defaultCheck has every value that a check may leave out.
func defaultCheck() Check {
	return Check{
		Type: CheckTCP, Interval: DefaultInterval, Timeout: DefaultTimeout,
		Rise: 1, Fall: 1, Retry: DefaultRetry, RetryDelay: DefaultRetryDelay,
	}
}
