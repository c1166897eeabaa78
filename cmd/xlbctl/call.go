// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// call is one run of a command.
type call struct {
	*cli.Context
	program program
	out     io.Writer // standard output, buffered
}

// json says whether JSON was asked for.
func (c *call) json() bool { return c.String("output") == outputJSON }

// with runs f with whoever owns the virtual servers. What says what is going
// on; it is shown when that takes long.
func (c *call) with(what string, f func(control.Controller) error) error {
	defer c.waiting(what)()
	ctl, err := c.program.open(c.Context.Context, dirsOf(c.Context))
	if err != nil {
		return err
	}
	defer ctl.Close() // holds nothing that could be lost
	return f(ctl)
}

// printf writes to standard output; errors show when it is flushed.
func (c *call) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// print writes a document as JSON.
func (c *call) print(document any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// done is what "-o json" prints of a command that has nothing to say.
type done struct {
	APIVersion string         `json:"api_version"`
	Done       bool           `json:"done"`
	Edits      []control.Edit `json:"edits,omitempty"`
}

// finish prints that the command is done, for programs: people see the prompt.
func (c *call) finish(edits ...control.Edit) error {
	if !c.json() {
		return nil
	}
	return c.print(done{APIVersion: control.APIVersion, Done: true, Edits: edits})
}

// show prints a document as JSON, or in words.
func (c *call) show(document any, words func()) error {
	if c.json() {
		return c.print(document)
	}
	words()
	return nil
}
