// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/xlb-project/xlb/lb"

// traffic are the families of lb.Traffic.
type traffic struct {
	connections, packets, bytes family
}

func newTraffic(prefix, what string, labels ...string) traffic {
	directed := append(append([]string{}, labels...), "direction")
	return traffic{
		connections: counter(prefix+"_connections_total", "Connections that the "+what+" was given.", labels...),
		packets:     counter(prefix+"_packets_total", "Packets from clients (in) and to them (out).", directed...),
		bytes:       counter(prefix+"_bytes_total", "Bytes of IP packets from clients (in) and to them (out).", directed...),
	}
}

func (f traffic) all() []family { return []family{f.connections, f.packets, f.bytes} }

func (f traffic) collect(out sink, t lb.Traffic, labels ...string) {
	in := append(append([]string{}, labels...), "in")
	back := append(append([]string{}, labels...), "out")
	out.put(f.connections, float64(t.Connections), labels...)
	out.put(f.packets, float64(t.InPackets), in...)
	out.put(f.packets, float64(t.OutPackets), back...)
	out.put(f.bytes, float64(t.InBytes), in...)
	out.put(f.bytes, float64(t.OutBytes), back...)
}

// serverFamilies count by virtual server and by real server.
type serverFamilies struct {
	service, real traffic
	open          family
}

func newServerFamilies() serverFamilies {
	return serverFamilies{
		service: newTraffic("virtual_server", "virtual server", "virtual_server"),
		real:    newTraffic("real_server", "real server", "virtual_server", "real_server"),
		open: gauge("real_server_open_connections",
			"Connections that a real server has now; active and inactive are ipvsadm's.",
			"virtual_server", "real_server", "state"),
	}
}

func (f serverFamilies) all() []family {
	return append(append(f.service.all(), f.real.all()...), f.open)
}

func (f serverFamilies) collect(out sink, c lb.Counters) {
	for key, service := range c.Services {
		name := key.String()
		f.service.collect(out, service.Traffic, name)
		for addr, r := range service.Reals {
			server := addr.String()
			f.real.collect(out, r.Traffic, name, server)
			out.put(f.open, float64(r.Active), name, server, "active")
			out.put(f.open, float64(r.Inactive), name, server, "inactive")
			out.put(f.open, float64(r.HalfOpen), name, server, "half_open")
		}
	}
}
