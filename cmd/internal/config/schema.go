// SPDX-License-Identifier: Apache-2.0

package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/xlb-project/xlb/lb"
)

// schema knows the keys; the reader under it knows YAML.
type schema struct {
	*reader
	features lb.Features
}

func defaults() *Config {
	return &Config{Timeouts: lb.DefaultTimeouts()}
}

func (s schema) config(n ast.Node, c *Config) {
	s.object(n, "the configuration",
		may("interfaces", s.interfaces(&c.Interfaces)),
		may("log", func(n ast.Node) { s.log(n, &c.Log) }),
		may("metrics", func(n ast.Node) { s.metrics(n, &c.Metrics) }),
		may("own_all", s.boolean(&c.OwnAll)),
		may("tables", func(n ast.Node) { s.tables(n, &c.Tables) }),
		may("timeouts", func(n ast.Node) { s.timeouts(n, &c.Timeouts) }),
		may("virtual_servers", s.virtualServers(&c.VirtualServers)),
	)
	if len(s.findings) == 0 {
		s.limits(n, c)
	}
}

// limits reports what does not fit into the tables, where their sizes are
// given: else they are the engine's to know.
func (s schema) limits(n ast.Node, c *Config) {
	check := func(have, size int, what, key string) {
		if size > 0 && have > size {
			s.report(n, "%d %s do not fit into the table: raise %q in \"tables\", which is %d", have, what, key, size)
		}
	}
	check(len(c.VirtualServers), c.Tables.VirtualServers, "virtual servers", "virtual_servers")
	check(c.State().Reals(), c.Tables.RealServers, "real servers", "real_servers")
}

// interfaces are names, or objects with a name and more.
func (s schema) interfaces(dst *[]Interface) read {
	lines := map[string]int{}
	return s.list("interfaces", func(n ast.Node) {
		i := Interface{Mode: ModeAuto}
		name := func(n ast.Node) {
			text(s.reader, &i.Name, interfaceName)(n)
			if before, twice := lines[i.Name]; twice && i.Name != "" {
				s.report(n, "interface %s is already in line %d", i.Name, before)
			}
			lines[i.Name] = line(n)
		}
		if _, plain := s.peek(n).(*ast.StringNode); plain {
			name(n)
		} else {
			s.object(n, "an interface",
				must("name", name),
				may("mode", text(s.reader, &i.Mode, oneOf("mode", ModeAuto, ModeNative, ModeGeneric))))
		}
		*dst = append(*dst, i)
	})
}

func (s schema) log(n ast.Node, l *Log) {
	var level, format string
	s.object(n, "log",
		may("format", text(s.reader, &format, oneOf("format", "text", "json"))),
		may("level", text(s.reader, &level, oneOf("level", "debug", "info", "warn", "error"))))
	l.JSON = format == "json"
	if level != "" {
		_ = l.Level.UnmarshalText([]byte(level)) // one of slog's own names
	}
}

func (s schema) metrics(n ast.Node, m *Metrics) {
	s.object(n, "metrics", may("listen", text(s.reader, &m.Listen, listenAddress)))
}

// Bounds of the tables: a size below the least is a mistake, one above the
// most does not fit the kernel's memory accounting or the ids' bits.
func (s schema) tables(n ast.Node, t *Tables) {
	s.object(n, "tables",
		may("connections", s.number(&t.Connections, 1024, 1<<26)),
		may("half_open", s.number(&t.HalfOpen, 1024, 1<<26)),
		may("real_servers", s.number(&t.RealServers, 16, 1<<20)),
		may("virtual_servers", s.number(&t.VirtualServers, 16, 1<<16)))
}

func (s schema) timeouts(n ast.Node, t *lb.Timeouts) {
	state := func(name string, d *time.Duration) field {
		return may(name, s.duration(d, time.Second, lb.MaxTimeout))
	}
	s.object(n, "timeouts",
		state("close", &t.Close),
		state("close_wait", &t.CloseWait),
		state("established", &t.Established),
		state("fin_wait", &t.FinWait),
		state("last_ack", &t.LastAck),
		state("listen", &t.Listen),
		state("syn_recv", &t.SynRecv),
		state("syn_sent", &t.SynSent),
		state("synack", &t.SynAck),
		state("time_wait", &t.TimeWait),
		state("udp", &t.UDP))
}
