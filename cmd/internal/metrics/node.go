// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/xlb-project/xlb/lb"

// nodeFamilies count for the whole node.
type nodeFamilies struct {
	packets, used, capacity, difference family
}

func newNodeFamilies() nodeFamilies {
	return nodeFamilies{
		packets: counter("packets_total",
			"Packets seen by the data path, by what became of them and why.", "verdict", "reason"),
		used: gauge("table_connections",
			"Connections in a table.", "table"),
		capacity: gauge("table_capacity_connections",
			"Connections that fit into a table.", "table"),
		difference: gauge("sweep_difference_connections",
			"Difference that the last sweep found between counts and connections; not 0 means a defect."),
	}
}

func (f nodeFamilies) all() []family {
	return []family{f.packets, f.used, f.capacity, f.difference}
}

func (f nodeFamilies) collect(out sink, c lb.Counters) {
	for reason, n := range c.Reasons {
		out.put(f.packets, float64(n), verdict(reason), reason)
	}
	for table, use := range map[string]lb.Usage{"established": c.Established, "half_open": c.HalfOpen} {
		out.put(f.used, float64(use.Used), table)
		out.put(f.capacity, float64(use.Capacity), table)
	}
	out.put(f.difference, float64(c.Drift))
}

// verdict is what became of a packet that was counted under a reason
// (bpf/types.h, enum reason). A reason that is not listed is a drop: new ones
// should draw attention.
func verdict(reason string) string {
	switch reason {
	case "not_ours", "no_service", "not_ip", "not_transport", "gate_closed":
		return "pass"
	case "tx", "redirect", "pass_resolve":
		return "forward"
	}
	return "drop"
}
