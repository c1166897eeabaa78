// SPDX-License-Identifier: Apache-2.0

// Bench measures what the data path costs per packet, next to the floor and to
// the yardstick, in one run: "make bench".
//
// Nanoseconds are this machine's; the ratios to the yardstick (a NAT with one
// LRU lookup and nothing else) are what budgets are written in. Each subject
// is run by a driver that makes the packets; the cost of the driver itself, in
// front of a program that only returns, has been subtracted. Figures are the
// median of several rounds in which all subjects take turns.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	opts := options{}
	flag.IntVar(&opts.rounds, "rounds", 7, "rounds; the median is printed")
	flag.IntVar(&opts.packets, "packets", 1_000_000, "packets per round and subject")
	flag.IntVar(&opts.flows, "flows", 1_000_000, "flows of the largest case")
	flag.Parse()
	if err := run(opts); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct{ rounds, packets, flows int }

func run(opts options) error {
	lab, err := newLab(opts.flows)
	if err != nil {
		return err
	}
	defer lab.close()
	subjects, err := lab.subjects(opts.flows)
	if err != nil {
		return err
	}
	results, err := lab.measure(subjects, opts)
	if err != nil {
		return err
	}
	report(os.Stdout, results)
	return nil
}
