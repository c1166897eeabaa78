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
			Usage: "`FORMAT` of what is printed: table or json"},
		&cli.StringFlag{Name: "run-dir", Value: dirs.Run, EnvVars: []string{"XLB_RUN_DIR"},
			Usage: "`DIR` of the control socket and the locks"},
		&cli.StringFlag{Name: "pin-dir", Value: dirs.Pin, EnvVars: []string{"XLB_PIN_DIR"},
			Usage: "`DIR` of the pinned programs and maps, in a bpffs"},
		&cli.StringFlag{Name: "state-dir", Value: dirs.State, EnvVars: []string{"XLB_STATE_DIR"},
			Usage: "`DIR` of what survives a reboot"},
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

// describe takes a flag apart. The placeholder for its value stands between
// backquotes in its usage.
func describe(f cli.Flag) described {
	d := described{name: "--" + f.Names()[0]}
	for _, n := range f.Names()[1:] {
		d.short = dashed(n)
	}
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return d
	}
	before, rest, _ := strings.Cut(doc.GetUsage(), "`")
	placeholder, after, quoted := strings.Cut(rest, "`")
	d.usage = before + placeholder + after
	if quoted {
		d.name += " " + placeholder
		d.usage = strings.TrimSpace(before + strings.TrimPrefix(after, " "))
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		d.env = vars[0]
	}
	if s, ok := f.(*cli.StringFlag); ok {
		d.value = s.Value
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
