// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// command is one command: the one source of its parsing, its help, its section
// in docs/commands.md and its completion.
type command struct {
	name    string
	args    string // what comes after the name, such as "PROTO:ADDR:PORT ADDR:PORT"
	summary string // one line, without a full stop
	text    string // paragraphs, wrapped
	// examples that can be pasted, each with what it does.
	examples []example
	flags    []cli.Flag
	sub      []*command
	parent   *command
	hidden   bool // in neither help nor documentation

	// min and max number of arguments; max is many for no limit.
	min, max int
	// kinds of the arguments, for completion; the last one repeats.
	kinds []kind
	run   func(*call) error
}

// many is no limit.
const many = 1 << 30

type example struct{ what, line string }

// commands is the tree of all commands; its root is xlbctl itself.
func commands() *command {
	root := &command{
		name:    "xlbctl",
		summary: "Operate xlb, the XDP load balancer",
		text: `Attaches xlb to interfaces, changes and lists virtual servers, and shows what
goes on. While xlbd runs, commands go to it; without it they work on the
kernel's tables directly, as ipvsadm does.

A virtual server is written PROTO:ADDR:PORT, such as tcp:192.0.2.1:80; a real
server ADDR:PORT. Flags may stand before and after them.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found.`,
		examples: []example{
			{"Balance a web server over two real servers", "xlbctl attach eth0 eth1"},
			{"", "xlbctl server add tcp:192.0.2.1:80"},
			{"", "xlbctl real add tcp:192.0.2.1:80 10.0.0.1:80"},
			{"", "xlbctl real add tcp:192.0.2.1:80 10.0.0.2:80 --weight 2"},
			{"See how they are used", "xlbctl list -n --stats"},
		},
		flags: globalFlags(),
		sub: []*command{
			attachCommand(), detachCommand(), statusCommand(), serverCommand(), realCommand(),
			listCommand(), connCommand(), statsCommand(), clearCommand(), zeroCommand(),
			resetCommand(), reloadCommand(), versionCommand(), completionCommand(), completeCommand(), docsCommand(),
		},
	}
	root.adopt()
	return root
}

// adopt tells every command below c who its parent is.
func (c *command) adopt() {
	for _, s := range c.sub {
		s.parent = c
		s.adopt()
	}
}

// path is the command as typed: "xlbctl real add".
func (c *command) path() string {
	if c.parent == nil {
		return c.name
	}
	return c.parent.path() + " " + c.name
}

// find is the command of that name directly below c, or nil.
func (c *command) find(name string) *command {
	for _, s := range c.sub {
		if s.name == name {
			return s
		}
	}
	return nil
}

// flag is c's own flag of that name, long or short, or nil.
func (c *command) flag(name string) cli.Flag {
	for _, f := range c.flags {
		for _, n := range f.Names() {
			if n == name {
				return f
			}
		}
	}
	return nil
}

// visible are the commands below c that help names.
func (c *command) visible() []*command {
	var list []*command
	for _, s := range c.sub {
		if !s.hidden {
			list = append(list, s)
		}
	}
	return list
}

// perform checks how many arguments there are, and runs the command.
func (c *command) perform(call *call) error {
	n := call.NArg()
	if n >= c.min && n <= c.max {
		return c.run(call)
	}
	wants := "takes no arguments"
	switch {
	case c.max > 0 && n < c.min:
		wants = "needs " + c.args
	case c.max > 0:
		wants = "takes " + c.args + " only"
	}
	what := "nothing was given"
	if n > 0 {
		what = "given: " + strings.Join(call.Args().Slice(), " ")
	}
	return control.Errorf(control.CodeUsage, "%s %s; %s", c.path(), wants, what).
		WithHint("see: %s --help", c.path())
}
