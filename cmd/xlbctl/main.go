// SPDX-License-Identifier: Apache-2.0

// Command xlbctl is what an operator types: it attaches the load balancer to
// interfaces, changes and lists virtual servers as ipvsadm does, and shows
// what goes on. While xlbd runs, it asks xlbd; else it works on the kernel's
// maps itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

//go:generate sh -c "go run . docs >../../docs/commands.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // who interrupts twice does not want to wait
	code := run(ctx, os.Args[1:], program{stdout: os.Stdout, stderr: os.Stderr, open: open})
	stop()
	os.Exit(code)
}

// open is the daemon while it runs, else the node itself.
func open(ctx context.Context, dirs control.Dirs) (control.ControllerCloser, error) {
	return control.Open(ctx, dirs.Run, 0, func() (control.ControllerCloser, error) {
		return control.NewDirect(control.NewNode(dirs)), nil
	})
}
