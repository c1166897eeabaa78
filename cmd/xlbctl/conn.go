// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func connCommand() *command {
	return &command{
		name: "conn", max: 0,
		summary: "List connections",
		text: `Prints the layout of "ipvsadm -Lnc", established and half-open connections
alike, in no order. A connection is removed when its time is over; each of its
packets sets that time back. All filters must fit.`,
		examples: []example{
			{"Who is connected to a real server", "xlbctl conn --real 10.0.0.1:80 --state established"},
			{"How many come from one network", "xlbctl conn --client 198.51.100.0/24 --count"},
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "server", Usage: "`PROTO:ADDR:PORT` to this virtual server only"},
			&cli.StringFlag{Name: "real", Usage: "`ADDR:PORT` with this real server only"},
			&cli.StringFlag{Name: "client", Usage: "`ADDR` from this client, or network ADDR/BITS, only"},
			&cli.StringFlag{Name: "state", Usage: "`STATE` in this state only: ESTABLISHED, SYN_RECV, UDP, ..."},
			&cli.BoolFlag{Name: "count", Usage: "say how many there are, by state"},
		},
		run: conn,
	}
}

func conn(c *call) error {
	f := control.ConnFilter{
		Server: c.String("server"), Real: c.String("real"), Client: c.String("client"), State: c.String("state"),
	}
	if _, err := f.Parse(); err != nil {
		return err
	}
	return c.with("reading connections", func(ctl control.Controller) error {
		if c.Bool("count") {
			return countConnections(c, ctl, f)
		}
		return listConnections(c, ctl, f)
	})
}

func countConnections(c *call, ctl control.Controller, f control.ConnFilter) error {
	n, err := ctl.CountConnections(c.Context.Context, f)
	if err != nil {
		return err
	}
	return c.show(n, func() {
		for _, state := range slices.Sorted(maps.Keys(n.ByState)) {
			c.printf("%-11s %d\n", state, n.ByState[state])
		}
		c.printf("%-11s %d\n", "total", n.Count)
	})
}

// listConnections prints as it reads: the list may be longer than memory.
func listConnections(c *call, ctl control.Controller, f control.ConnFilter) error {
	line, end := tableConnections(c.out)
	if c.json() {
		line, end = jsonConnections(c.out)
	}
	for conn, err := range ctl.Connections(c.Context.Context, f) {
		if err == nil {
			err = line(conn)
		}
		if err != nil {
			return err
		}
	}
	return end()
}

// tableConnections prints the layout of "ipvsadm -Lnc" (ipvsadm.c, list_conn
// and print_conn).
func tableConnections(w io.Writer) (line func(control.Connection) error, end func() error) {
	const layout = "%-3s %-6s %-11s %-18s %-18s %s\n"
	var header sync.Once
	title := func() {
		fmt.Fprintf(w, "xlb connection entries\n"+layout, "pro", "expire", "state", "source", "virtual", "destination")
	}
	line = func(c control.Connection) error {
		header.Do(title)
		seconds := c.ExpiresMS / 1000
		expire := fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
		_, err := fmt.Fprintf(w, layout, strings.ToUpper(c.Protocol), expire, c.State, c.Client, c.Virtual, c.Real)
		return err
	}
	end = func() error {
		header.Do(title)
		return nil
	}
	return line, end
}

// jsonConnections writes one JSON document, a connection a line. Cut off by an
// error it is no valid JSON, and so not taken for the whole.
func jsonConnections(w io.Writer) (line func(control.Connection) error, end func() error) {
	before := fmt.Sprintf("{\"api_version\": %q, \"connections\": [\n", control.APIVersion)
	line = func(c control.Connection) error {
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s  %s", before, text)
		before = ",\n"
		return err
	}
	end = func() error {
		if before == ",\n" {
			before = "\n"
		}
		_, err := fmt.Fprintf(w, "%s]}\n", before)
		return err
	}
	return line, end
}
