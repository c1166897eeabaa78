// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// view is what the owner shows to everybody else: a whole new value after each
// change, never changed itself.
type view struct {
	layers
	intent     lb.State       // of the layers
	stale      []control.Edit // overrides that no longer fit
	session    *session       // nil while nothing is attached
	trouble    error          // why there is no session although there should be one
	interfaces []control.Interface
	reload     control.Reload // the last reading of the file
	loaded     time.Time      // the last good one
	findings   []control.Finding
	begun      bool // the beginning is done: next hops have had their time to answer
}

// status of the reconciler; empty without a session.
func (v *view) status() lb.Status {
	if v.session == nil {
		return lb.Status{}
	}
	return v.session.reconciler.Status()
}

// engine to read from, or the reason why there is none.
func (v *view) engine() (Engine, error) {
	if v.session != nil {
		return v.session.engine, nil
	}
	if v.trouble != nil {
		return nil, control.Errorf(control.CodeUnavailable, "there is no engine: %w", v.trouble)
	}
	return nil, control.Errorf(control.CodeUnavailable, "xlb is attached to no interface").
		WithHint("attach it: xlbctl attach eth0, or name the interfaces in the configuration file")
}

// missing are the interfaces that the file names and that are not attached.
func (v *view) missing() []control.Interface {
	var missing []control.Interface
	for _, i := range v.interfaces {
		if !i.Attached {
			missing = append(missing, i)
		}
	}
	return missing
}
