// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"slices"
	"strings"
)

// Scheduler names how a virtual server chooses a real server, as in
// "ipvsadm -s" and keepalived's lb_algo.
type Scheduler string

// The schedulers that an engine may have; see [Features].
const (
	RoundRobin Scheduler = "rr"
)

// schedulers are all that LVS has (net/netfilter/ipvs, Kconfig). Those that no
// engine here has are known by name, so that the answer is "not here" and not
// "never heard of".
func schedulers() []string {
	return []string{"rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "twos"}
}

// String is the name as ipvsadm writes it.
func (s Scheduler) String() string { return string(s) }

// Known says whether LVS has a scheduler of that name.
func (s Scheduler) Known() bool { return slices.Contains(schedulers(), string(s)) }

// ParseScheduler reads the name of any of LVS's schedulers, in any case;
// whether an engine has it, [Features] says. The error is an [ErrSyntax].
func ParseScheduler(s string) (Scheduler, error) {
	if v := Scheduler(strings.ToLower(s)); v.Known() {
		return v, nil
	}
	return "", syntaxErrorf("%q is no scheduler%s", s, didYouMean(s, schedulers()))
}

// MarshalText is [Scheduler.String].
func (s Scheduler) MarshalText() ([]byte, error) { return []byte(s), nil }

// UnmarshalText is [ParseScheduler].
func (s *Scheduler) UnmarshalText(text []byte) (err error) {
	*s, err = ParseScheduler(string(text))
	return err
}
