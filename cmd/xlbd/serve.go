// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/daemon"
	"github.com/xlb-project/xlb/cmd/internal/notify"
	"github.com/xlb-project/xlb/cmd/internal/version"
	"github.com/xlb-project/xlb/health"
)

// serve is the daemon on this machine, until ctx ends.
func serve(ctx context.Context, s settings) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	return daemon.Run(ctx, daemon.Options{
		File:    s.file,
		Config:  s.config,
		Load:    func() (*config.Config, error) { return config.Load(s.file, s.features) },
		Dirs:    s.dirs,
		Node:    daemon.NewXDPNode(s.dirs, s.config.Tables, version.Version(), s.log),
		Prober:  &health.TCP{},
		Version: version.Version(),
		Log:     s.log,
		Level:   s.level,
		Hangup:  hangup,
		Notify:  notify.New(s.getenv),
	})
}
