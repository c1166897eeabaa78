// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
)

// timeoutField pairs a timeout with the state that it belongs to.
type timeoutField struct {
	state maps.ConnState
	value *time.Duration
}

func timeoutFields(t *lb.Timeouts) []timeoutField {
	return []timeoutField{
		{maps.StateEstablished, &t.Established},
		{maps.StateSynSent, &t.SynSent},
		{maps.StateSynRecv, &t.SynRecv},
		{maps.StateFinWait, &t.FinWait},
		{maps.StateTimeWait, &t.TimeWait},
		{maps.StateClose, &t.Close},
		{maps.StateCloseWait, &t.CloseWait},
		{maps.StateLastAck, &t.LastAck},
		{maps.StateListen, &t.Listen},
		{maps.StateSynAck, &t.SynAck},
		{maps.StateUDP, &t.UDP},
	}
}

// SetTimeouts sets all timeouts; they hold at once, for existing connections
// too. Zero fields mean the default.
func (e *Engine) SetTimeouts(_ context.Context, t lb.Timeouts) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.changeable(); err != nil {
		return err
	}
	if err := lb.Validate(lb.State{Timeouts: t}, lb.Features{}); err != nil {
		return err
	}
	now, err := e.maps.Settings.Timeouts()
	if err != nil {
		return err
	}
	t = t.OrDefault()
	for _, f := range timeoutFields(&t) {
		now[f.state] = *f.value
	}
	return e.maps.Settings.SetTimeouts(now)
}

func (e *Engine) timeouts() (lb.Timeouts, error) {
	now, err := e.maps.Settings.Timeouts()
	if err != nil {
		return lb.Timeouts{}, err
	}
	var t lb.Timeouts
	for _, f := range timeoutFields(&t) {
		*f.value = now[f.state]
	}
	return t, nil
}
