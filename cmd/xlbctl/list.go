// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func listCommand() *command {
	return &command{
		name: "list", max: 0,
		summary: "List virtual servers and their real servers",
		text: `Prints the layout of "ipvsadm -L": sorted by address, the forwarding method as
Masq, Route or Tunnel. Bytes are those of IP packets. What only xlbd knows
(checks, overrides, foreign virtual servers) shows in "xlbctl status" and with
-o json, which keeps the order in which real servers were added.`,
		examples: []example{
			{"As ipvsadm -Ln", "xlbctl list -n"},
			{"What has passed since it was added, or since zero", "xlbctl list -n --stats"},
			{"What passes per second, measured over one second", "xlbctl list -n --rate"},
			{"Real servers that take no new connections",
				`xlbctl list -o json | jq -r '.services[].reals[] | select(.weight == 0) | .key'`},
		},
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "numeric", Aliases: []string{"n"}, Usage: "addresses and ports as numbers, nothing is looked up"},
			&cli.BoolFlag{Name: "stats", Usage: "connections, packets and bytes"},
			&cli.BoolFlag{Name: "rate", Usage: "connections, packets and bytes per second"},
		},
		run: list,
	}
}

// rateInterval is the time over which rates are measured.
const rateInterval = time.Second

func list(c *call) error {
	if c.Bool("stats") && c.Bool("rate") {
		return control.Errorf(control.CodeUsage, "--stats and --rate cannot be shown at once")
	}
	var l *control.Listing
	err := c.with("reading the virtual servers", func(ctl control.Controller) (err error) {
		if l, err = ctl.Services(c.Context.Context); err == nil && c.Bool("rate") {
			l, err = measured(c.Context.Context, ctl, l)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.show(l, func() {
		names := numeric
		if !c.Bool("numeric") {
			names = resolve(c.Context.Context, l)
		}
		printListing(c.out, l, layoutOf(c), names)
	})
}

func layoutOf(c *call) layout {
	switch {
	case c.Bool("stats"):
		return layoutStats
	case c.Bool("rate"):
		return layoutRate
	}
	return layoutPlain
}

// measured is a second listing, with the rates since the first.
func measured(ctx context.Context, ctl control.Controller, first *control.Listing) (*control.Listing, error) {
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("measuring rates: %w", context.Cause(ctx))
	case <-time.After(rateInterval):
	}
	second, err := ctl.Services(ctx)
	if err != nil {
		return nil, err
	}
	fillRates(first, second)
	return second, nil
}

// fillRates fills in the rates of b, a later listing than a.
func fillRates(a, b *control.Listing) {
	before := map[string]control.Counters{}
	for _, s := range a.Services {
		before[s.Key] = s.Counters
		for _, r := range s.Reals {
			before[s.Key+" "+r.Key] = r.Counters
		}
	}
	d := b.Time.Sub(a.Time)
	for i := range b.Services {
		s := &b.Services[i]
		s.Rates = rates(before[s.Key], s.Counters, d)
		for j := range s.Reals {
			r := &s.Reals[j]
			r.Rates = rates(before[s.Key+" "+r.Key], r.Counters, d)
		}
	}
}

// rates are the differences per second, rounded.
func rates(a, b control.Counters, d time.Duration) *control.Rates {
	per := func(a, b uint64) uint64 {
		if b < a || d <= 0 { // set to 0, or added again, in between
			return 0
		}
		return uint64(float64(b-a)/d.Seconds() + 0.5)
	}
	return &control.Rates{
		Connections: per(a.Connections, b.Connections),
		InPackets:   per(a.InPackets, b.InPackets), InBytes: per(a.InBytes, b.InBytes),
		OutPackets: per(a.OutPackets, b.OutPackets), OutBytes: per(a.OutBytes, b.OutBytes),
	}
}
