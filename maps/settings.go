// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"time"

	"github.com/xlb-project/xlb/bpf"
)

// Timeouts by state; those of StateNone and StateDead are not used.
type Timeouts [StateMax]time.Duration

// DefaultTimeouts are those of LVS (ip_vs_proto_tcp.c, tcp_timeouts;
// ip_vs_proto_udp.c).
func DefaultTimeouts() Timeouts {
	const s = time.Second
	return Timeouts{
		StateNone:        2 * s,
		StateEstablished: 15 * time.Minute,
		StateSynSent:     2 * time.Minute,
		StateSynRecv:     1 * time.Minute,
		StateFinWait:     2 * time.Minute,
		StateTimeWait:    2 * time.Minute,
		StateClose:       10 * s,
		StateCloseWait:   60 * s,
		StateLastAck:     30 * s,
		StateListen:      2 * time.Minute,
		StateSynAck:      120 * s,
		StateUDP:         5 * time.Minute,
	}
}

// Words of struct tunables.
const (
	settingsHeartbeat = iota
	settingsMigrating
)

// Settings are what may change while packets flow.
type Settings struct {
	*mapped[bpf.LbTunables]
	rate Rate
}

// Heartbeat is when the daemon last gave a sign of life; 0: never.
func (s *Settings) Heartbeat() (Tick, error) {
	v, err := s.load(0, settingsHeartbeat)
	return Tick(v), err
}

// SetHeartbeat is the daemon's sign of life, due every second.
func (s *Settings) SetHeartbeat(now Tick) error {
	return s.store(0, settingsHeartbeat, uint64(now))
}

// Migrating says that the tables are being exchanged.
func (s *Settings) Migrating() (bool, error) {
	v, err := s.load(0, settingsMigrating)
	return v != 0, err
}

// SetMigrating makes packets that find no connection be dropped, and repeated
// by their sender, while the tables are being exchanged.
func (s *Settings) SetMigrating(on bool) error {
	return s.store(0, settingsMigrating, uint64(flag(on)))
}

// Timeouts reads the timeouts, rounded to ticks.
func (s *Settings) Timeouts() (t Timeouts, err error) {
	v, err := s.get(0)
	for state := range t {
		t[state] = s.rate.Duration(Tick(v.Timeouts[state]))
	}
	return t, err
}

// SetTimeouts changes the timeouts, at once and for existing connections too.
// None is shorter than one tick.
func (s *Settings) SetTimeouts(t Timeouts) error {
	return s.modify(0, func(v *bpf.LbTunables) {
		for state, d := range t {
			v.Timeouts[state] = uint32(s.rate.Ticks(d))
		}
	})
}
