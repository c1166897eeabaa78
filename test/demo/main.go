// SPDX-License-Identifier: Apache-2.0

// Demo shows xlb's main job on real traffic: "make demo", as root.
//
// It builds a lab of network namespaces (a client, a director, three real
// servers), lets xlb balance TCP and UDP through native XDP, takes a real
// server away and brings it back, and prints what happened. It needs nothing
// but the two programs, and leaves nothing behind, also when interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/test/netns"
)

func main() { os.Exit(status()) }

// status runs the demo and is its exit status; 130 when interrupted, as shells have it.
func status() int {
	programs := flag.String("programs", "bin", "directory of xlbd and xlbctl")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	err := run(ctx, *programs)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Println("\nInterrupted; the lab has been removed.")
		return 130
	case err != nil:
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, programs string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces and XDP need root: run it as root, or with sudo")
	}
	before, err := netns.Take()
	if err != nil {
		return err
	}
	if err := show(ctx, programs); err != nil {
		return err
	}
	return tidy(before)
}

// tidy checks that nothing is left.
func tidy(before *netns.Snapshot) error {
	left, err := before.Leaks(patience)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %v", left)
	}
	fmt.Println("Nothing is left behind: no namespace, process, program, map or pin.")
	return nil
}
