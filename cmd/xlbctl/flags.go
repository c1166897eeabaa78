// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// Formats of the output.
const (
	outputTable = "table"
	outputJSON  = "json"
)

// globalFlags may stand anywhere.
func globalFlags() []cli.Flag {
	dirs := control.DefaultDirs()
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: outputTable,
			Usage: "`FORMAT` how to print: table or json"},
		&cli.StringFlag{Name: "run-dir", Value: dirs.Run, EnvVars: []string{"XLB_RUN_DIR"},
			Usage: "`DIR` where the control socket and the locks are"},
		&cli.StringFlag{Name: "pin-dir", Value: dirs.Pin, EnvVars: []string{"XLB_PIN_DIR"},
			Usage: "`DIR` where programs and maps are pinned, in a bpffs"},
		&cli.StringFlag{Name: "state-dir", Value: dirs.State, EnvVars: []string{"XLB_STATE_DIR"},
			Usage: "`DIR` where overrides are kept over reboots"},
	}
}

// outputOf is the format that was asked for.
func outputOf(c *cli.Context) (string, error) {
	format := c.String("output")
	return format, oneOf("--output", format, outputTable, outputJSON)
}

// dirsOf are the directories that were asked for.
func dirsOf(c *cli.Context) control.Dirs {
	return control.Dirs{Run: c.String("run-dir"), Pin: c.String("pin-dir"), State: c.String("state-dir")}
}

// oneOf refuses a flag's value that is none of those.
func oneOf(flag, value string, values ...string) error {
	for _, v := range values {
		if v == value {
			return nil
		}
	}
	return control.Errorf(control.CodeUsage, "%s %q is not known%s", flag, value, didYouMean(value, values)).
		WithHint("there are: %s", strings.Join(values, ", "))
}

// described is a flag as help and documentation show it.
type described struct {
	name  string // "--weight N"
	short string // "-n", or empty
	usage string
	env   string
	value string // the default, or empty
}

// describe takes a flag apart. Its usage begins with the placeholder for its
// value, between backquotes.
func describe(f cli.Flag) described {
	d := described{name: "--" + f.Names()[0]}
	for _, n := range f.Names()[1:] {
		d.short = dashed(n)
	}
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return d
	}
	d.usage = doc.GetUsage()
	if quoted, ok := strings.CutPrefix(d.usage, "`"); ok {
		placeholder, usage, _ := strings.Cut(quoted, "` ")
		d.name, d.usage = d.name+" "+placeholder, usage
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		d.env = vars[0]
	}
	switch f := f.(type) {
	case *cli.StringFlag:
		d.value = f.Value
	case *cli.IntFlag:
		d.value = f.DefaultText
	}
	return d
}

// takesValue says whether a flag is followed by a value.
func takesValue(f cli.Flag) bool {
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}

// dashed is a flag as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
