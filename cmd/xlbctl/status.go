// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func statusCommand() *command {
	return &command{
		name: "status", max: 0,
		summary: "Show interfaces, tables, the daemon, and what is wrong",
		text: `Everything on one page, and last what is wrong or worth knowing, each with the
command that mends it. It works without xlbd and with nothing attached.`,
		examples: []example{
			{"", "xlbctl status"},
			{"Which interfaces are slower than they could be",
				`xlbctl status -o json | jq -r '.interfaces[] | select(.mode == "generic") | .name'`},
		},
		run: func(c *call) error {
			var s *control.Status
			err := c.with("asking for the status", func(ctl control.Controller) (err error) {
				s, err = ctl.Status(c.Context.Context)
				return err
			})
			if err != nil {
				return err
			}
			return c.show(s, func() { c.printStatus(s) })
		},
	}
}

func (c *call) printStatus(s *control.Status) {
	c.printf("xlb %s\n", strings.TrimPrefix(s.Version, "v"))
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	engine := s.Engine
	if engine == "" {
		engine = "none"
	}
	row("engine", "%s", engine)
	row("xlbd", "%s", daemonLine(s.Daemon))
	if s.Daemon != nil && s.Daemon.Reload != nil {
		row("last reload", "%s", reloadLine(s.Daemon.Reload))
	}
	for _, i := range s.Interfaces {
		row("interface", "%s %s", i.Name, interfaceState(i))
	}
	if s.Engine != "" {
		row("virtual servers", "%d, real servers %d", s.Services, s.Reals)
		row("established", "%s", usage(s.Established))
		row("half-open", "%s", usage(s.HalfOpen))
	}
	for _, e := range s.Overrides {
		row("override", "%s", editLine(e))
	}
	_ = w.Flush() // c.out reports its own errors
	c.printFindings(s.Findings)
}

func daemonLine(d *control.Daemon) string {
	if d == nil {
		return "not running"
	}
	line := fmt.Sprintf("%s, process id %d, since %s", strings.TrimPrefix(d.Version, "v"), d.PID, d.Started.UTC().Format(time.RFC3339))
	if d.File != "" {
		line += ", " + d.File
	}
	if d.Metrics != "" {
		line += ", metrics at http://" + d.Metrics + "/metrics"
	}
	return line
}

func reloadLine(r *control.Reload) string {
	at := r.Time.UTC().Format(time.RFC3339)
	if r.OK {
		return at
	}
	return at + ", refused: " + r.Error
}

func interfaceState(i control.Interface) string {
	switch {
	case i.Attached && i.Problem != "":
		return i.Mode + ": " + i.Problem
	case i.Attached:
		return i.Mode
	case i.Problem != "":
		return "not attached: " + i.Problem
	}
	return "not attached"
}

// usage is how full a table is, in words.
func usage(u control.Usage) string {
	if u.Capacity == 0 {
		return fmt.Sprint(u.Used)
	}
	return fmt.Sprintf("%d of %d (%d%%)", u.Used, u.Capacity, 100*u.Used/u.Capacity)
}

// editLine is an override as the command that made it.
func editLine(e control.Edit) string {
	noun, verb, _ := strings.Cut(string(e.Op), "-")
	words := []string{noun, verb, e.Server}
	if e.Real != "" {
		words = append(words, e.Real)
	}
	if e.Scheduler != "" {
		words = append(words, "--scheduler", e.Scheduler)
	}
	if e.Forward != "" {
		words = append(words, "--forward", e.Forward)
	}
	if e.Weight != nil {
		words = append(words, "--weight", fmt.Sprint(*e.Weight))
	}
	return strings.Join(words, " ")
}

func statsCommand() *command {
	return &command{
		name: "stats", max: 0,
		summary: "Show what became of packets",
		text: `Counts every packet by the reason for its verdict, since xlb was first
attached. Reasons that never occurred are left out, except with -o json.`,
		examples: []example{{"", "xlbctl stats"}},
		run: func(c *call) error {
			var s *control.Stats
			err := c.with("reading the counters", func(ctl control.Controller) (err error) {
				s, err = ctl.Stats(c.Context.Context)
				return err
			})
			if err != nil {
				return err
			}
			return c.show(s, func() { c.printStats(s) })
		},
	}
}

func (c *call) printStats(s *control.Stats) {
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		if n := s.Reasons[reason]; n > 0 {
			c.printf("%-20s %d\n", reason, n)
		}
	}
	c.printf("%-20s %s\n", "established", usage(s.Established))
	c.printf("%-20s %s\n", "half-open", usage(s.HalfOpen))
	if s.Drift != 0 {
		c.printf("%-20s %d\n", "drift", s.Drift)
	}
}
