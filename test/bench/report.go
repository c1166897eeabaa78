// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// report prints a table: nanoseconds, and the ratio to the yardstick next to its budget.
func report(w io.Writer, results []result) {
	medians := map[string]float64{}
	for _, r := range results {
		medians[r.name] = r.median()
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "path\tns/packet\tmin\tmax\tfloor\tratio to yardstick\tbudget")
	for _, r := range results {
		lo, hi := r.rounds[0], r.rounds[0]
		for _, v := range r.rounds {
			lo, hi = min(lo, v), max(hi, v)
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%s\n", r.name, r.median(), lo, hi, median(r.floors), ratio(r, medians))
	}
	t.Flush()
	fmt.Fprintln(w, "\nNet of the floor: the test run and its driver in front of \"return XDP_TX\". Median of the rounds.")
	fmt.Fprintln(w, "Yardstick: minimal NAT with one LRU lookup, as many flows.")
}

// ratio is measured / allowed, and whether that holds.
func ratio(r result, medians map[string]float64) string {
	yard := medians[r.yard]
	if yard <= 0 || r.budget == 0 {
		return "-\t-"
	}
	got, verdict := r.median()/yard, "ok"
	if got > r.budget {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%.2f\t%.2f %s", got, r.budget, verdict)
}

// count writes a number of flows as people say it.
func count(n int) string {
	switch {
	case n == 1:
		return "1 flow"
	case n%1_000_000 == 0:
		return fmt.Sprintf("%dM flows", n/1_000_000)
	case n%1000 == 0:
		return fmt.Sprintf("%dk flows", n/1000)
	}
	return fmt.Sprintf("%d flows", n)
}
