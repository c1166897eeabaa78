// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"errors"
	"iter"

	"github.com/xlb-project/xlb/maps"
)

// Over makes Tables of the kernel's maps.
func Over(set *maps.Set) Tables { return kernelTables{set} }

type kernelTables struct{ set *maps.Set }

func (t kernelTables) Expiry() (Expiry, error) {
	now, err := t.set.Clock.Now()
	if err != nil {
		return Expiry{}, err
	}
	timeouts, err := t.set.Settings.Timeouts()
	return NewExpiry(now, t.set.Clock.Rate, timeouts), err
}

func (t kernelTables) table(halfOpen bool) *maps.ConnTable {
	if halfOpen {
		return t.set.HalfOpen
	}
	return t.set.Established
}

func (t kernelTables) Entries(halfOpen bool) iter.Seq2[maps.ConnEntry, error] {
	return t.table(halfOpen).All()
}

func (t kernelTables) Has(halfOpen bool, key maps.Tuple) (bool, error) {
	_, err := t.table(halfOpen).Lookup(key)
	if errors.Is(err, maps.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (t kernelTables) Remove(r maps.Request) (bool, error) { return t.set.Expirer.Remove(r) }

func (t kernelTables) Loads() (map[uint32]maps.Load, error) {
	all := make(map[uint32]maps.Load)
	for id := range t.set.Reals.All() {
		load, err := t.set.Loads.Get(id)
		if err != nil {
			return nil, err
		}
		all[id] = load
	}
	return all, nil
}

func (t kernelTables) AddHalfOpen(real uint32, n int64) error {
	return t.set.Loads.Add(real, maps.Load{HalfOpen: n})
}
