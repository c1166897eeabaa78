// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"fmt"

	"github.com/xlb-project/xlb/bpf"
)

// Load is how many connections a real server has.
type Load struct {
	Active, Inactive int64 // ipvsadm's ActiveConn and InActConn
	// HalfOpen is approximate while the half-open table evicts.
	HalfOpen int64
	Total    uint64 // connections ever opened
}

// Idle says that no connection is counted.
func (l Load) Idle() bool { return l.Active <= 0 && l.Inactive <= 0 && l.HalfOpen <= 0 }

// Minus subtracts field by field.
func (l Load) Minus(d Load) Load {
	return Load{l.Active - d.Active, l.Inactive - d.Inactive, l.HalfOpen - d.HalfOpen, l.Total - d.Total}
}

// DecodeLoad decodes a record as it lies in the map, for copying one.
func DecodeLoad(raw []byte) (Load, error) {
	var v bpf.LbRealLoad
	if _, err := binary.Decode(raw, binary.NativeEndian, &v); err != nil {
		return Load{}, fmt.Errorf("a real server's counts from %d bytes: %w", len(raw), err)
	}
	return decodeLoad(v), nil
}

// Loads are the connections per real server, by its id. The data path changes
// them by atomic addition, and so does [Loads.Add].
type Loads struct {
	*mapped[bpf.LbRealLoad]
}

// Get reads a real server's counts, each whole, not all of one moment.
func (l *Loads) Get(id uint32) (Load, error) {
	v, err := l.get(id)
	return decodeLoad(v), err
}

// Add corrects counts by a difference.
func (l *Loads) Add(id uint32, d Load) error {
	for word, delta := range []uint64{uint64(d.Active), uint64(d.Inactive), uint64(d.HalfOpen), d.Total} {
		if delta == 0 {
			continue
		}
		if err := l.add(id, word, delta); err != nil {
			return err
		}
	}
	return nil
}

// Clear zeroes the counts of a real server that has no connections.
func (l *Loads) Clear(id uint32) error { return l.clear(id, 0) }

func decodeLoad(v bpf.LbRealLoad) Load {
	return Load{Active: v.Active, Inactive: v.Inactive, HalfOpen: v.HalfOpen, Total: v.Total}
}
