// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

const serverArgs = "PROTO:ADDR:PORT"

func serverCommand() *command {
	return &command{
		name: "server", summary: "Add, change and remove virtual servers",
		text: `A virtual server is what clients connect to: a protocol, an address and a port.
While xlbd runs, a change is an override over its file: it is kept over restarts
and reloads, and ends with "xlbctl reset".`,
		sub: []*command{
			{
				name: "add", args: serverArgs, min: 1, max: 1,
				summary: "Add a virtual server",
				text:    `It is an error if it exists. Until it has real servers, it drops connections.`,
				examples: []example{
					{"", "xlbctl server add tcp:192.0.2.1:80"},
					{"", "xlbctl server add udp:192.0.2.1:53 --scheduler rr"},
				},
				flags: []cli.Flag{schedulerFlag("rr")},
				run:   editServer(control.ServerAdd),
			},
			{
				name: "edit", args: serverArgs, min: 1, max: 1, kinds: []kind{kindServer},
				summary:  "Change a virtual server",
				text:     `Connections that it has stay where they are.`,
				examples: []example{{"", "xlbctl server edit tcp:192.0.2.1:80 --scheduler rr"}},
				flags:    []cli.Flag{schedulerFlag("")},
				run:      editServer(control.ServerEdit),
			},
			{
				name: "del", args: serverArgs, min: 1, max: 1, kinds: []kind{kindServer},
				summary: "Remove a virtual server and its real servers",
				text: `New connections to it are the kernel's again. Connections that it had go on
until they end.`,
				examples: []example{{"", "xlbctl server del tcp:192.0.2.1:80"}},
				run:      editServer(control.ServerDel),
			},
		},
	}
}

func schedulerFlag(value string) cli.Flag {
	return &cli.StringFlag{Name: "scheduler", Aliases: []string{"s"}, Value: value,
		Usage: "`NAME` how it chooses a real server: rr (one after the other)"}
}

// editServer runs one of the edits of a virtual server.
func editServer(op control.Op) func(*call) error {
	return func(c *call) error {
		e := control.Edit{Op: op, Server: c.Args().Get(0), Scheduler: c.String("scheduler")}
		if op == control.ServerEdit && e.Scheduler == "" {
			return nothingToChange("--scheduler")
		}
		return c.edit(e)
	}
}

func nothingToChange(flags string) error {
	return control.Errorf(control.CodeUsage, "nothing to change was given").WithHint("say what: %s", flags)
}

// edit has a change made. One that makes no sense is refused before anyone is
// asked.
func (c *call) edit(e control.Edit) error {
	if err := e.Check(); err != nil {
		return err
	}
	err := c.with("changing "+e.Server, func(ctl control.Controller) error {
		return ctl.Edit(c.Context.Context, []control.Edit{e})
	})
	if err != nil {
		return err
	}
	return c.finish(e)
}
