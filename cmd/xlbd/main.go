// SPDX-License-Identifier: Apache-2.0

// Command xlbd is the daemon: it attaches the load balancer to interfaces,
// keeps the kernel's virtual servers as the configuration file and the
// operator want them, checks real servers and serves metrics. When it dies,
// the kernel goes on balancing; when it starts, it adopts what is there.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args, program{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, serve: serve})
	stop()
	os.Exit(code)
}
