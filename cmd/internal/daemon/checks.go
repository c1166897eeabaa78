// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"slices"

	"github.com/xlb-project/xlb/health"
	"github.com/xlb-project/xlb/lb"
)

// reportChecks logs verdicts that have changed.
func (o *owner) reportChecks() {
	results := o.health.Results()
	for _, key := range sortedReals(results) {
		result := results[key]
		if o.down[key] == !result.Up {
			continue
		}
		o.down[key] = !result.Up
		log := o.log.With("virtual_server", key.Service, "real_server", key.Real)
		if result.Up {
			log.Info("real server is in service again")
		} else {
			log.Warn("real server is out of service", "error", result.Err)
		}
	}
	for key := range o.down {
		if _, checked := results[key]; !checked {
			delete(o.down, key)
		}
	}
}

func sortedReals(results map[lb.RealKey]health.Result) []lb.RealKey {
	keys := make([]lb.RealKey, 0, len(results))
	for key := range results {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, lb.RealKey.Compare)
	return keys
}
