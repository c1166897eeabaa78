// SPDX-License-Identifier: Apache-2.0

package maps

import "github.com/xlb-project/xlb/bpf"

// Gates say, by VRRP instance, whether its virtual servers accept new
// connections on this node. Instance 0 stands for "no instance" and is open.
type Gates struct {
	*mapped[bpf.LbGate]
}

// Len is the number of instances, instance 0 included.
func (g *Gates) Len() uint32 { return g.len() }

// Get says whether an instance's gate is open.
func (g *Gates) Get(instance uint16) (bool, error) {
	v, err := g.load(uint32(instance), 0)
	return v != 0, err
}

// Set opens or closes an instance's gate. Connections that exist go on.
func (g *Gates) Set(instance uint16, open bool) error {
	return g.store(uint32(instance), 0, uint64(flag(open)))
}
