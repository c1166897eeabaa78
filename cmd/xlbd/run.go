// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/cmd/internal/version"
	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // the configuration has findings, or the daemon cannot run
	exitUsage  = 2
)

// defaultFile is the configuration.
const defaultFile = "/etc/xlb/xlb.yaml"

// program is what xlbd needs of the world.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	serve          func(context.Context, settings) error
}

// settings are what the command line says.
type settings struct {
	file     string
	dirs     control.Dirs
	features lb.Features
	config   *config.Config
	getenv   func(string) string
	log      *slog.Logger
	level    *slog.LevelVar
}

// errUsage is a command line that makes no sense.
var errUsage = errors.New("wrong usage")

// run runs one command line, the program's name first, and is its exit code.
func run(ctx context.Context, args []string, p program) int {
	err := p.app().RunContext(ctx, args)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errUsage):
		fmt.Fprintf(p.stderr, "xlbd: %v\nSee xlbd --help.\n", err)
		return exitUsage
	}
	e := control.AsError(err)
	fmt.Fprintf(p.stderr, "xlbd: %s\n", e.Message)
	if e.Hint != "" {
		fmt.Fprintf(p.stderr, "  %s\n", e.Hint)
	}
	return exitFailed
}

func (p program) app() *cli.App {
	return &cli.App{
		Name:                   "xlbd",
		CustomAppHelpTemplate:  helpText,
		HideHelpCommand:        true,
		HideVersion:            true,
		Flags:                  flags(),
		UseShortOptionHandling: false,
		Writer:                 p.stdout,
		ErrWriter:              p.stderr,
		ExitErrHandler:         func(*cli.Context, error) {},
		OnUsageError:           func(_ *cli.Context, err error, _ bool) error { return fmt.Errorf("%w: %w", errUsage, err) },
		Action:                 p.action,
	}
}

// action does what the command line says.
func (p program) action(c *cli.Context) error {
	switch {
	case c.NArg() > 0:
		return fmt.Errorf("%w: %q is no flag, and xlbd takes no arguments", errUsage, c.Args().First())
	case c.Bool("version"):
		fmt.Fprintln(p.stdout, "xlbd", version.Version())
		return nil
	}
	features, err := engineFeatures(c.String("engine"))
	if err != nil {
		return err
	}
	s := settings{file: c.String("file"), features: features, getenv: p.getenv, level: new(slog.LevelVar), dirs: control.Dirs{
		Run: c.String("run-dir"), Pin: c.String("pin-dir"), State: c.String("state-dir"),
	}}
	s.config, err = config.Load(s.file, features)
	if c.Bool("test") {
		return p.report(s, err)
	}
	if err != nil {
		return explain(s.file, err)
	}
	s.log = newLogger(p.stderr, s.config.Log, s.level)
	return p.serve(c.Context, s)
}

// report is what -t prints.
func (p program) report(s settings, err error) error {
	var findings config.Findings
	if errors.As(err, &findings) {
		fmt.Fprintln(p.stdout, findings)
		return fmt.Errorf("%s has %s", s.file, count(len(findings), "finding"))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s is good: %s, %s\n", s.file,
		count(len(s.config.Interfaces), "interface"), count(len(s.config.VirtualServers), "virtual server"))
	return nil
}

// explain says what follows from a bad file.
func explain(file string, err error) error {
	return control.Errorf(control.CodeConflict, "%w", err).
		WithHint("nothing was changed: what is in the kernel goes on. Mend the file and check it: xlbd -t -f %s", file)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// engineFeatures is what the chosen engine can do.
func engineFeatures(engine string) (lb.Features, error) {
	switch engine {
	case "auto", "xdp":
		return xdp.Abilities(), nil
	case "ipvs":
		return lb.Features{}, fmt.Errorf("%w: --engine ipvs is not yet in this version; use xdp or auto", errUsage)
	}
	return lb.Features{}, fmt.Errorf("%w: --engine %q is not known; there are auto, xdp and ipvs", errUsage, engine)
}

// newLogger logs as the configuration says; level can be changed later.
func newLogger(w io.Writer, c config.Log, level *slog.LevelVar) *slog.Logger {
	level.Set(c.Level)
	opt := &slog.HandlerOptions{Level: level}
	if c.JSON {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
