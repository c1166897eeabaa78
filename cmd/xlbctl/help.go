// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// help is what --help prints.
func (c *command) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s\n", c.summary, c.usage())
	if c.text != "" {
		fmt.Fprintf(&b, "\n%s\n", c.text)
	}
	if list := c.visible(); len(list) > 0 {
		fmt.Fprint(&b, "\nCommands:\n")
		columns(&b, func(w *tabwriter.Writer) {
			for _, s := range list {
				fmt.Fprintf(w, "  %s\t%s\n", strings.TrimSpace(s.name+" "+s.choices()), s.summary)
			}
		})
	}
	if len(c.examples) > 0 {
		fmt.Fprintf(&b, "\nExamples:\n%s", indented(c.exampleLines()))
	}
	if c.parent != nil {
		flagTable(&b, "Flags", c.flags)
	}
	flagTable(&b, "Global flags", c.root().flags)
	return b.String()
}

// usage is the line that shows how the command is typed.
func (c *command) usage() string {
	parts := []string{c.path()}
	if len(c.sub) > 0 {
		parts = append(parts, "COMMAND")
	}
	if c.args != "" {
		parts = append(parts, c.args)
	}
	if c.parent == nil {
		return strings.Join(append(parts, "[FLAGS]"), " ")
	}
	for _, f := range c.flags {
		d := describe(f)
		if strings.Contains(c.args, d.name) {
			continue
		}
		if d.short != "" && !takesValue(f) {
			d.name = d.short
		}
		parts = append(parts, "["+d.name+"]")
	}
	return strings.Join(parts, " ")
}

// choices are the names of a command's own commands, "add|edit|del".
func (c *command) choices() string {
	names := make([]string, 0, len(c.sub))
	for _, s := range c.visible() {
		names = append(names, s.name)
	}
	return strings.Join(names, "|")
}

func (c *command) root() *command {
	if c.parent == nil {
		return c
	}
	return c.parent.root()
}

// exampleLines are the examples as a shell would take them.
func (c *command) exampleLines() []string {
	var lines []string
	for _, e := range c.examples {
		if e.what != "" {
			lines = append(lines, "# "+e.what)
		}
		lines = append(lines, e.line)
	}
	return lines
}

func flagTable(b *strings.Builder, title string, flags []cli.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	columns(b, func(w *tabwriter.Writer) {
		for _, f := range flags {
			d := describe(f)
			short := "    "
			if d.short != "" {
				short = d.short + ", "
			}
			fmt.Fprintf(w, "  %s%s\t%s%s\n", short, d.name, d.usage, d.origin())
		}
	})
}

// origin is where a flag's value comes from when it is not given.
func (d described) origin() string {
	var parts []string
	if d.value != "" {
		parts = append(parts, "default "+d.value)
	}
	if d.env != "" {
		parts = append(parts, "environment "+d.env)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// columns aligns the cells that f writes between tabs.
func columns(b *strings.Builder, f func(*tabwriter.Writer)) {
	w := tabwriter.NewWriter(b, 0, 0, 3, ' ', 0)
	f(w)
	_ = w.Flush() // a strings.Builder takes everything
}

func indented(lines []string) string {
	return "  " + strings.Join(lines, "\n  ") + "\n"
}
