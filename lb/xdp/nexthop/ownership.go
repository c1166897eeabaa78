// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"maps"
	"slices"
)

// ownership remembers by name which interfaces are ours: an interface that is
// deleted and made again has another index, and nothing attached.
type ownership struct {
	index map[string]int // last seen with; 0: not seen
	told  map[string]int // index for which its return was told
}

func newOwnership(names []string) ownership {
	o := ownership{index: make(map[string]int), told: make(map[string]int)}
	for _, name := range names {
		o.index[name] = 0
	}
	return o
}

func (o ownership) disown(name string) {
	delete(o.index, name)
	delete(o.told, name)
}

// settle compares with the links and ports that there are.
func (o ownership) settle(links map[int]Link, ports map[int]Port, out *Changes) {
	byName := make(map[string]int, len(links))
	for _, l := range links {
		byName[l.Name] = l.Index
		if _, attached := ports[l.Index]; attached {
			o.told[l.Name] = 0
			if o.index[l.Name] == 0 {
				o.index[l.Name] = l.Index
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.index)) {
		o.settleOne(name, byName[name], ports, out)
	}
}

func (o ownership) settleOne(name string, index int, ports map[int]Port, out *Changes) {
	if was := o.index[name]; was != 0 && was != index {
		out.Lost = append(out.Lost, name)
	}
	o.index[name] = index
	if _, attached := ports[index]; index == 0 || attached || o.told[name] == index {
		return
	}
	o.told[name] = index
	out.Returned = append(out.Returned, name)
}
