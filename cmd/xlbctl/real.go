// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

const realArgs = serverArgs + " ADDR:PORT"

func realCommand() *command {
	return &command{
		name: "real", summary: "Add, change and remove real servers",
		text: `A real server is where a virtual server sends connections. With nat its
answers must come back through this director: make it the servers' gateway.`,
		sub: []*command{
			{
				name: "add", args: realArgs, min: 2, max: 2, kinds: []kind{kindServer, kindNone},
				summary: "Add a real server to a virtual server",
				text:    `It is an error if the virtual server has it already.`,
				examples: []example{
					{"", "xlbctl real add tcp:192.0.2.1:80 10.0.0.1:80"},
					{"Take no new connections yet", "xlbctl real add tcp:192.0.2.1:80 10.0.0.2:8080 --weight 0"},
				},
				flags: realFlags("nat", "1"),
				run:   editReal(control.RealAdd),
			},
			{
				name: "edit", args: realArgs, min: 2, max: 2, kinds: []kind{kindServer, kindReal},
				summary: "Change a real server",
				text:    `What is not given stays as it is, and so do its connections.`,
				examples: []example{
					{"Take no new connections; those that it has go on", "xlbctl real edit tcp:192.0.2.1:80 10.0.0.1:80 --weight 0"},
				},
				flags: realFlags("", ""),
				run:   editReal(control.RealEdit),
			},
			{
				name: "del", args: realArgs, min: 2, max: 2, kinds: []kind{kindServer, kindReal},
				summary:  "Remove a real server from a virtual server",
				text:     `It gets no new connections. Those that it has go on until they end.`,
				examples: []example{{"", "xlbctl real del tcp:192.0.2.1:80 10.0.0.1:80"}},
				run:      editReal(control.RealDel),
			},
		},
	}
}

func realFlags(forward, weight string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "forward", Aliases: []string{"f"}, Value: forward,
			Usage: "`METHOD` how packets get there: nat (addresses are rewritten both ways)"},
		&cli.IntFlag{Name: "weight", Aliases: []string{"w"}, DefaultText: weight,
			Usage: "`N` its share relative to the others; 0 takes no new connections"},
	}
}

// editReal runs one of the edits of a real server.
func editReal(op control.Op) func(*call) error {
	return func(c *call) error {
		e := control.Edit{Op: op, Server: c.Args().Get(0), Real: c.Args().Get(1), Forward: c.String("forward")}
		if c.IsSet("weight") {
			weight := c.Int("weight")
			e.Weight = &weight
		}
		if op == control.RealEdit && e.Forward == "" && e.Weight == nil {
			return nothingToChange("--weight or --forward")
		}
		return c.edit(e)
	}
}
