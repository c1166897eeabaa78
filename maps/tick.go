// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
)

// Tick is the data path's time: jiffies shifted right, about an eighth of a
// second. It wraps, after some seventeen years.
type Tick uint32

// Since is the number of ticks from earlier to t, over a wrap too; 0 if
// earlier is the later one, as a packet's may be that came after t was read.
func (t Tick) Since(earlier Tick) Tick {
	if d := int32(t - earlier); d > 0 {
		return Tick(d)
	}
	return 0
}

// tickLimit is what a tick may not exceed: the one of the powers of two that is
// nearest to an eighth of a second, by ratio.
const tickLimit = 125 * time.Millisecond * 1414 / 1000

// HeartbeatLimit is how old the daemon's heartbeat may be before the data path
// resolves next hops by itself.
const HeartbeatLimit = 10 * time.Second

// Rate says how long a tick is.
type Rate struct {
	HZ    uint32 // jiffies in a second
	Shift uint32 // a tick is 1<<Shift jiffies
}

// SystemRate learns this kernel's HZ and chooses the shift that makes a tick
// about an eighth of a second: HZ 1000 gives 7, 250 gives 5, 100 gives 4.
func SystemRate() (Rate, error) {
	var res unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &res); err != nil {
		return Rate{}, fmt.Errorf("learning HZ from CLOCK_MONOTONIC_COARSE: %w", err)
	}
	if res.Nano() <= 0 || res.Nano() > int64(time.Second) {
		return Rate{}, fmt.Errorf("learning HZ: CLOCK_MONOTONIC_COARSE has a resolution of %d ns", res.Nano())
	}
	return rateOf(time.Duration(res.Nano())), nil
}

// rateOf chooses the rate for a jiffy's length.
func rateOf(jiffy time.Duration) Rate {
	r := Rate{HZ: uint32((time.Second + jiffy/2) / jiffy)}
	for jiffy<<(r.Shift+1) <= tickLimit {
		r.Shift++
	}
	return r
}

// Ticks is a duration in ticks: rounded down, but at least 1.
func (r Rate) Ticks(d time.Duration) Tick {
	const longest = 1<<31 - 1
	jiffies := uint64(max(d, 0).Microseconds()) * uint64(r.HZ) / 1e6
	return Tick(min(max(jiffies>>r.Shift, 1), longest))
}

// Duration is how long n ticks take, rounded up to a microsecond, so that
// [Rate.Ticks] gives n again.
func (r Rate) Duration(n Tick) time.Duration {
	hz := uint64(r.HZ)
	if hz == 0 {
		return 0
	}
	return time.Duration((uint64(n)<<r.Shift*1e6+hz-1)/hz) * time.Microsecond
}

// Tune writes the rate into a program that is going to be loaded.
func (r Rate) Tune(spec *ebpf.CollectionSpec) error {
	for name, value := range map[string]uint32{
		bpf.LbVarTickShift:      r.Shift,
		bpf.LbVarHeartbeatLimit: uint32(r.Ticks(HeartbeatLimit)),
	} {
		v, ok := spec.Variables[name]
		if !ok {
			return fmt.Errorf("the program has no constant %s", name)
		}
		if err := v.Set(value); err != nil {
			return fmt.Errorf("constant %s: %w", name, err)
		}
	}
	return nil
}
