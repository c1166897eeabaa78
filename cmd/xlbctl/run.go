// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
)

// program is what xlbctl needs of the world.
type program struct {
	stdout, stderr io.Writer
	open           func(context.Context, control.Dirs) (control.ControllerCloser, error)
}

// run runs one command line, without the program's name, and is its exit code.
func run(ctx context.Context, args []string, p program) int {
	root := commands()
	line, err := arrange(root, args)
	if err != nil {
		return p.fail(outputTable, err)
	}
	if line.help {
		fmt.Fprint(p.stdout, line.command.help())
		return exitDone
	}
	if len(line.command.sub) > 0 {
		fmt.Fprint(p.stderr, line.command.help())
		return exitUsage
	}
	out := bufio.NewWriter(p.stdout)
	format := outputTable
	app := p.app(root, out, &format)
	err = app.RunContext(ctx, line.arguments())
	if flushed := out.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("writing the output: %w", flushed)
	}
	if err != nil {
		return p.fail(format, err)
	}
	return exitDone
}

// app is the commands as urfave/cli runs them. Help, order of flags and
// arguments and unknown words are dealt with before (see arrange).
func (p program) app(root *command, out io.Writer, format *string) *cli.App {
	usage := func(_ *cli.Context, err error, _ bool) error { return control.Errorf(control.CodeUsage, "%w", err) }
	return &cli.App{
		Name:            root.name,
		HideHelp:        true,
		HideHelpCommand: true,
		HideVersion:     true,
		Flags:           root.flags,
		Commands:        p.convert(root.sub, out, usage),
		Before: func(c *cli.Context) (err error) {
			*format, err = outputOf(c)
			return err
		},
		OnUsageError:   usage,
		ExitErrHandler: func(*cli.Context, error) {},
		Writer:         out,
		ErrWriter:      p.stderr,
	}
}

func (p program) convert(list []*command, out io.Writer, usage cli.OnUsageErrorFunc) []*cli.Command {
	converted := make([]*cli.Command, 0, len(list))
	for _, c := range list {
		converted = append(converted, &cli.Command{
			Name: c.name, HideHelp: true, HideHelpCommand: true, Flags: c.flags, OnUsageError: usage,
			Subcommands: p.convert(c.sub, out, usage),
			Action:      func(ctx *cli.Context) error { return c.perform(&call{Context: ctx, program: p, out: out}) },
		})
	}
	return converted
}

// fail prints an error and is its exit code.
func (p program) fail(format string, err error) int {
	e := control.AsError(err)
	if format == outputJSON {
		lines := json.NewEncoder(p.stderr)
		lines.SetEscapeHTML(false)
		_ = lines.Encode(e) // nobody is there to be told
	} else {
		fmt.Fprintln(p.stderr, "xlbctl: "+e.Message)
		if e.Hint != "" {
			fmt.Fprintln(p.stderr, "  "+e.Hint)
		}
	}
	switch {
	case errors.Is(e, control.ErrUsage):
		return exitUsage
	case errors.Is(e, control.ErrNotFound):
		return exitNotFound
	}
	return exitFailed
}
