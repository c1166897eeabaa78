// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/cmd/internal/version"
)

func versionCommand() *command {
	return &command{
		name: "version", max: 0,
		summary:  "Show the versions of xlbctl and of the xlbd that runs",
		examples: []example{{"", "xlbctl version"}},
		run:      showVersion,
	}
}

// versions is what "version -o json" prints.
type versions struct {
	APIVersion string           `json:"api_version"`
	Xlbctl     string           `json:"xlbctl"`
	Xlbd       *control.Version `json:"xlbd"` // null when none runs
}

// showVersion never fails for want of a daemon: who asks for versions often
// has a problem with it.
func showVersion(c *call) error {
	v := versions{APIVersion: control.APIVersion, Xlbctl: version.Version()}
	ctx, cancel := context.WithTimeout(c.Context.Context, time.Second)
	defer cancel()
	if ctl, err := c.program.open(ctx, dirsOf(c.Context)); err == nil {
		defer ctl.Close()
		if d, err := ctl.Version(ctx); err == nil && d.PID != 0 {
			v.Xlbd = d
		}
	}
	return c.show(v, func() {
		c.printf("xlbctl %s\n", v.Xlbctl)
		if v.Xlbd != nil {
			c.printf("xlbd %s, process id %d\n", v.Xlbd.Version, v.Xlbd.PID)
		}
	})
}
