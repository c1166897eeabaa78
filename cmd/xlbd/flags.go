// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func flags() []cli.Flag {
	dirs := control.DefaultDirs()
	return []cli.Flag{
		&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Value: defaultFile, EnvVars: []string{"XLB_FILE"},
			Usage: "the configuration `FILE`"},
		&cli.BoolFlag{Name: "test", Aliases: []string{"t"},
			Usage: "check the configuration file, print all findings, and end"},
		&cli.StringFlag{Name: "engine", Value: "auto", EnvVars: []string{"XLB_ENGINE"},
			Usage: "`ENGINE` that balances: auto, xdp or ipvs (not yet in this version)"},
		&cli.StringFlag{Name: "run-dir", Value: dirs.Run, EnvVars: []string{"XLB_RUN_DIR"},
			Usage: "`DIR` of the control socket and the locks"},
		&cli.StringFlag{Name: "pin-dir", Value: dirs.Pin, EnvVars: []string{"XLB_PIN_DIR"},
			Usage: "`DIR` of the pinned programs and maps, in a bpffs"},
		&cli.StringFlag{Name: "state-dir", Value: dirs.State, EnvVars: []string{"XLB_STATE_DIR"},
			Usage: "`DIR` of what survives a reboot"},
		&cli.BoolFlag{Name: "version", Usage: "print the version, and end"},
	}
}

// helpText is what --help prints.
const helpText = `xlbd balances TCP and UDP connections in XDP, as its configuration file says.

Usage:
  xlbd [FLAGS]

Flags:
{{range .VisibleFlags}}  {{.}}
{{end}}
Examples:
  xlbd                                   run, with /etc/xlb/xlb.yaml
  xlbd -t                                check the file: every mistake, with line and column
  xlbd -f lab.yaml --run-dir /run/xlb2 --pin-dir /sys/fs/bpf/xlb2 --state-dir /var/lib/xlb2
                                         a second director, in another network namespace

Signals:
  HUP         read the file again; one with findings changes nothing
  TERM, INT   end; the kernel goes on balancing what it has

Exit codes:
  0 done, 1 failed (-t: the file has findings), 2 wrong usage
`
