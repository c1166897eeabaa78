// SPDX-License-Identifier: Apache-2.0

package sweep

// drift is by how much a real server's exact counts are too high.
type drift struct{ active, inactive int64 }

func (d drift) size() int64 { return abs(d.active) + abs(d.inactive) }

// auditor compares looks with those of the sweep before. One look can be
// wrong: an entry changes its state behind the walk while another one changes
// back before it, or is in the table and not counted yet. The same difference
// twice is no accident.
type auditor struct {
	was       map[uint32]finding
	confirmed map[uint32]drift // last verified, while a real server is too busy
}

// finding is what one look found of one real server.
type finding struct {
	stable  bool
	drift   drift
	surplus int64 // of half-open connections, certain: 0 if it may be 0
}

// verdict is what two sweeps in a row agree on.
type verdict struct {
	drift    int64
	unstable int
	halfOpen map[uint32]int64 // too high by this much, by real server
}

func newAuditor() *auditor {
	return &auditor{was: make(map[uint32]finding), confirmed: make(map[uint32]drift)}
}

// judge takes in a sweep's looks, by real server.
func (a *auditor) judge(looks map[uint32]look) verdict {
	v := verdict{halfOpen: make(map[uint32]int64)}
	now := make(map[uint32]finding, len(looks))
	for real, l := range looks {
		is, was := find(l), a.was[real]
		if n := agreed(is.surplus, was.surplus); n != 0 {
			v.halfOpen[real] = n
			is.surplus = 0 // corrected: to be found twice again
		}
		now[real] = is
		switch {
		case !is.stable:
			v.unstable++
		case !was.stable:
		case is.drift == was.drift:
			a.confirmed[real] = is.drift
		}
	}
	a.was = now
	for real, d := range a.confirmed {
		if _, exists := looks[real]; !exists {
			delete(a.confirmed, real)
			continue
		}
		v.drift += d.size()
	}
	return v
}

func find(l look) finding {
	f := finding{stable: l.stable(), drift: l.drift()}
	lo, hi := l.halfOpenSurplus()
	switch {
	case lo > 0:
		f.surplus = lo
	case hi < 0:
		f.surplus = hi
	}
	return f
}

// agreed is what two findings have in common: the smaller one if they have the
// same sign, else nothing.
func agreed(a, b int64) int64 {
	switch {
	case a > 0 && b > 0:
		return min(a, b)
	case a < 0 && b < 0:
		return max(a, b)
	}
	return 0
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
