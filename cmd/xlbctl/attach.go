// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func attachCommand() *command {
	return &command{
		name: "attach", args: "IFACE...", min: 1, max: many, kinds: []kind{kindInterface},
		summary: "Put xlb onto network interfaces",
		text: `Loads the program and attaches it: native (in the driver) where that can be
had, else generic with a warning and the kernel's reason. It stays attached
when xlbctl and xlbd end. Attach the interfaces of clients and of real servers;
traffic that is for no virtual server passes untouched.

What stands in the way of good service is listed, each with the command that
mends it.`,
		examples: []example{
			{"Clients behind eth0, real servers behind eth1", "xlbctl attach eth0 eth1"},
			{"Fail rather than be slow", "xlbctl attach eth0 --mode native"},
		},
		flags: []cli.Flag{&cli.StringFlag{Name: "mode", Value: string(control.ModeAuto),
			Usage: "`MODE` auto, native (in the driver) or generic (in the stack, slower)"}},
		run: attach,
	}
}

// attachments is what "attach -o json" prints.
type attachments struct {
	APIVersion string                 `json:"api_version"`
	Results    []control.AttachResult `json:"results"`
}

func attach(c *call) error {
	mode := control.Mode(c.String("mode"))
	if err := oneOf("--mode", string(mode), modes()...); err != nil {
		return err
	}
	doc := attachments{APIVersion: control.APIVersion, Results: []control.AttachResult{}}
	err := eachInterface(c, "attaching", func(ctl control.Controller, name string) error {
		r, err := ctl.Attach(c.Context.Context, control.AttachRequest{Interface: name, Mode: mode})
		if err != nil {
			return err
		}
		doc.Results = append(doc.Results, *r)
		if !c.json() {
			c.printAttached(r)
		}
		return nil
	})
	if c.json() && len(doc.Results) > 0 {
		if failed := c.print(doc); err == nil {
			err = failed
		}
	}
	return err
}

func modes() []string {
	return []string{string(control.ModeAuto), string(control.ModeNative), string(control.ModeGeneric)}
}

// eachInterface runs f with each interface that was named, one after the
// other: what was done before an error stays done, and is shown.
func eachInterface(c *call, doing string, f func(control.Controller, string) error) error {
	for _, name := range c.Args().Slice() {
		err := c.with(doing+" "+name, func(ctl control.Controller) error { return f(ctl, name) })
		if err != nil {
			return err
		}
	}
	return nil
}

// printAttached says what came of attaching an interface.
func (c *call) printAttached(r *control.AttachResult) {
	state := "attached"
	if r.Already {
		state = "was attached already"
	}
	c.printf("%s: %s, %s mode\n", r.Interface.Name, state, r.Interface.Mode)
	if r.Reason != "" {
		c.printf("  native mode was refused: %s\n", r.Reason)
	}
	c.printFindings(r.Findings)
}

// printFindings lists findings, each with the command that mends it.
func (c *call) printFindings(list []control.Finding) {
	for _, f := range list {
		where := ""
		if f.Interface != "" {
			where = f.Interface + ": "
		}
		c.printf("%s: %s%s\n", f.Severity, where, f.Message)
		if f.Fix != "" {
			c.printf("  %s\n", f.Fix)
		}
	}
}

func detachCommand() *command {
	return &command{
		name: "detach", args: "IFACE...|--all", min: 0, max: many, kinds: []kind{kindInterface},
		summary: "Take xlb off network interfaces",
		text: `Packets on that interface are the kernel's alone again; virtual servers and
connections are kept for the interfaces that stay. With --all everything goes:
programs, maps, virtual servers and connections.`,
		examples: []example{
			{"Take one interface out", "xlbctl detach eth1"},
			{"Leave nothing behind", "xlbctl detach --all"},
		},
		flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "all interfaces, and everything that xlb has in the kernel"}},
		run:   detach,
	}
}

// detachments is what "detach -o json" prints.
type detachments struct {
	APIVersion string   `json:"api_version"`
	Interfaces []string `json:"interfaces"`
	Removed    bool     `json:"removed"`
}

func detach(c *call) error {
	if c.Bool("all") == (c.NArg() > 0) {
		return control.Errorf(control.CodeUsage, "xlbctl detach needs the names of interfaces, or --all").
			WithHint("see what is attached: xlbctl status")
	}
	doc := detachments{APIVersion: control.APIVersion, Interfaces: []string{}}
	one := func(ctl control.Controller, name string) error {
		r, err := ctl.Detach(c.Context.Context, control.DetachRequest{Interface: name, All: name == ""})
		if err != nil {
			return err
		}
		doc.Interfaces = append(doc.Interfaces, r.Interfaces...)
		doc.Removed = doc.Removed || r.Removed
		return nil
	}
	var err error
	if c.Bool("all") {
		err = c.with("detaching everything", func(ctl control.Controller) error { return one(ctl, "") })
	} else {
		err = eachInterface(c, "detaching", one)
	}
	if err != nil && len(doc.Interfaces) == 0 {
		return err
	}
	shown := c.show(doc, func() {
		for _, name := range doc.Interfaces {
			c.printf("%s: detached\n", name)
		}
		if doc.Removed {
			fmt.Fprintln(c.out, "programs, maps and pins are removed")
		}
	})
	if err != nil {
		return err
	}
	return shown
}
