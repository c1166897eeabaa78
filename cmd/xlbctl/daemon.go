// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xlb-project/xlb/cmd/internal/control"
)

func clearCommand() *command {
	return &command{
		name: "clear", max: 0,
		summary: "Remove every virtual server",
		text: `As "ipvsadm -C". While xlbd runs, these are overrides over its file; virtual
servers that are not xlbd's are left alone.`,
		examples: []example{{"", "xlbctl clear"}},
		run: func(c *call) error {
			var r *control.ClearResult
			err := c.with("removing the virtual servers", func(ctl control.Controller) (err error) {
				r, err = ctl.Clear(c.Context.Context)
				return err
			})
			if err != nil {
				return err
			}
			return c.show(r, func() {
				if r.Foreign > 0 {
					c.printf("%d virtual servers are not xlbd's and were left alone\n", r.Foreign)
				}
			})
		},
	}
}

func zeroCommand() *command {
	return &command{
		name: "zero", args: "[PROTO:ADDR:PORT]", max: 1, kinds: []kind{kindServer},
		summary: "Set traffic counters to 0",
		text:    `As "ipvsadm -Z": of one virtual server with its real servers, or of all.`,
		examples: []example{
			{"", "xlbctl zero"},
			{"", "xlbctl zero tcp:192.0.2.1:80"},
		},
		run: func(c *call) error {
			server, err := optionalServer(c)
			if err != nil {
				return err
			}
			err = c.with("setting counters to 0", func(ctl control.Controller) error {
				return ctl.Zero(c.Context.Context, control.ZeroRequest{Server: server})
			})
			if err != nil {
				return err
			}
			return c.finish()
		},
	}
}

func resetCommand() *command {
	return &command{
		name: "reset", args: "[PROTO:ADDR:PORT]", max: 1, kinds: []kind{kindServer},
		summary: "End overrides, so that xlbd's file has the say again",
		text: `Of one virtual server with its real servers, or of all. "xlbctl status" lists
the overrides that are in force.`,
		examples: []example{
			{"", "xlbctl reset"},
			{"", "xlbctl reset tcp:192.0.2.1:80"},
		},
		run: func(c *call) error {
			server, err := optionalServer(c)
			if err != nil {
				return err
			}
			var r *control.ResetResult
			err = c.with("ending overrides", func(ctl control.Controller) (err error) {
				r, err = ctl.Reset(c.Context.Context, control.ResetRequest{Server: server})
				return err
			})
			if err != nil {
				return err
			}
			return c.show(r, func() {
				for _, e := range r.Ended {
					c.printf("ended: %s\n", editLine(e))
				}
			})
		},
	}
}

func reloadCommand() *command {
	return &command{
		name: "reload", max: 0,
		summary: "Have xlbd read its file again",
		text: `Returns when the file is applied. A file with a mistake changes nothing, and
every mistake is listed with its line. Overrides stay in force.`,
		examples: []example{{"Check first", "xlbd -t && xlbctl reload"}},
		run: func(c *call) error {
			var r *control.ReloadResult
			err := c.with("reloading", func(ctl control.Controller) (err error) {
				r, err = ctl.Reload(c.Context.Context)
				return err
			})
			if err != nil {
				return err
			}
			return c.show(r, func() {
				c.printf("%s: %d virtual servers changed\n", r.File, r.Changed)
				for _, e := range r.Stale {
					c.printf("override no longer fits the file: %s\n", editLine(e))
				}
			})
		},
	}
}

// optionalServer is the virtual server that was named, or empty.
func optionalServer(c *call) (string, error) {
	name := c.Args().First()
	if name == "" && c.NArg() == 0 {
		return "", nil
	}
	_, err := control.ParseServer(name)
	return name, err
}
