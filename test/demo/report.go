// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/xlb-project/xlb/test/traffic"
)

// report is what the phases saw.
type report struct {
	before, during, after traffic.Counts
	window                traffic.Counts // between the server's end and the check's verdict
	noticed               time.Duration
	udp                   map[string]int
}

// print prints the tables, and fails when the main job was not done.
func (r *report) print(d *demo) error {
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tbefore\tduring\tafter\tUDP\t")
	for _, h := range d.topo.Servers {
		n := h.Name()
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", n, r.before.Hits[n], r.during.Hits[n], r.after.Hits[n], r.udp[n])
	}
	fmt.Fprintf(w, "failures\t%d\t%d\t%d\t0\t\n", len(r.before.Failures), len(r.during.Failures), len(r.after.Failures))
	w.Flush()
	fmt.Printf("\nUntil the check noticed (%v): %d requests answered, %d failed.\n",
		r.noticed.Round(10*time.Millisecond), r.window.Answered(), len(r.window.Failures))
	return errors.Join(r.printPackets(d), r.judge(d))
}

// printPackets shows that it was XDP: by the program's own counters.
func (r *report) printPackets(d *demo) error {
	status, err := d.director.Status()
	if err != nil {
		return err
	}
	var ways []string
	for _, i := range status.Interfaces {
		ways = append(ways, i.Name+" "+i.Mode)
	}
	stats, err := d.director.Stats()
	if err != nil {
		return err
	}
	fmt.Printf("XDP: %s. Packets forwarded in XDP: %d; left to the stack after the rewrite: %d.\n",
		strings.Join(ways, ", "), stats.Forwarded(), stats.Reasons["pass_resolve"])
	out, err := d.director.Ctl("list", "-n")
	fmt.Printf("\n%s\n", out)
	return err
}

// judge checks the numbers that the demo is there to show.
func (r *report) judge(d *demo) error {
	var errs []error
	gone := d.topo.Servers[servers-1].Name()
	if n := len(r.before.Failures) + len(r.during.Failures) + len(r.after.Failures); n > 0 {
		errs = append(errs, fmt.Errorf("%d requests failed while the servers in service were up", n))
	}
	if n := r.during.Hits[gone]; n > 0 {
		errs = append(errs, fmt.Errorf("%s got %d requests after its removal", gone, n))
	}
	for _, h := range d.topo.Servers {
		if n, share := r.before.Hits[h.Name()], r.before.Answered()/servers; n < share-workers || n > share+workers {
			errs = append(errs, fmt.Errorf("%s answered %d requests, its share is %d", h.Name(), n, share))
		}
	}
	return errors.Join(errs...)
}
