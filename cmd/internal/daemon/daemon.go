// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/cmd/internal/metrics"
	"github.com/xlb-project/xlb/cmd/internal/notify"
	"github.com/xlb-project/xlb/health"
	"github.com/xlb-project/xlb/lb"
)

// Options are what a daemon is made of. All are required unless they say
// otherwise.
type Options struct {
	File    string         // the configuration, for messages
	Config  *config.Config // as read at the start
	Load    func() (*config.Config, error)
	Dirs    control.Dirs
	Node    Node
	Prober  health.Prober
	Version string
	Log     *slog.Logger
	Level   *slog.LevelVar   // of Log; follows the configuration
	Hangup  <-chan os.Signal // each asks for a reload; nil: none does
	Notify  *notify.Notifier
}

// Run is the daemon, until ctx ends or a part of it cannot go on. What the
// kernel holds stays in either case. A run directory that another daemon uses
// is [control.CodeConflict], and says which process that is.
func Run(ctx context.Context, opt Options) error {
	listener, err := control.Listen(opt.Dirs.Run)
	if err != nil {
		return err
	}
	d, err := assemble(opt)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	opt.Log.Info("xlbd starts", "version", opt.Version, "pid", os.Getpid(), "file", opt.File,
		"virtual_servers", len(d.owner.now.intent.Services), "overrides", len(d.owner.now.overrides))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.owner.run(ctx) })
	group.Go(func() error { return d.owner.health.Run(ctx) })
	group.Go(func() error { return d.metrics.run(ctx) })
	group.Go(func() error { return listener.Serve(ctx, control.Handler(d.controller), opt.Log) })
	group.Go(func() error { return d.hangups(ctx) })
	group.Go(func() error { return d.watchdog(ctx) })
	<-ctx.Done()
	d.tell(opt.Notify.Stopping())
	if err = group.Wait(); err != nil {
		opt.Log.Error("xlbd cannot go on; what is in the kernel goes on forwarding", "error", err)
		return err
	}
	opt.Log.Info("xlbd has stopped; what is in the kernel goes on forwarding")
	return nil
}

// daemon is the parts, wired.
type daemon struct {
	opt        Options
	owner      *owner
	metrics    *metricsServer
	controller *controller
}

// assemble wires the parts; nothing runs yet.
func assemble(opt Options) (*daemon, error) {
	s := store{opt.Dirs.State}
	overrides, err := s.load()
	if err != nil {
		return nil, err
	}
	d := &daemon{opt: opt}
	d.owner = &owner{
		node: opt.Node, load: opt.Load, store: s, log: opt.Log, clock: time.Now,
		health:     health.NewRunner[lb.RealKey](opt.Prober),
		configured: d.configured, started: d.started,
		poked: make(chan struct{}, 1), requests: make(chan request), ended: make(chan struct{}),
		down: map[lb.RealKey]bool{}, told: map[control.Finding]bool{},
	}
	d.metrics = newMetricsServer(metrics.Handler(source{d.owner, opt.Version}), opt.Log)
	d.controller = &controller{owner: d.owner, metrics: d.metrics, about: control.Daemon{
		PID: os.Getpid(), Version: opt.Version, Started: time.Now(), File: opt.File,
	}}
	d.owner.now.loaded = time.Now()
	d.owner.now.reload = control.Reload{Time: d.owner.now.loaded, OK: true}
	d.owner.adopt(layers{opt.Config, overrides})
	d.owner.show()
	return d, nil
}

// configured takes over what is no virtual server.
func (d *daemon) configured(c *config.Config) {
	d.opt.Level.Set(c.Log.Level)
	d.metrics.set(c.Metrics.Listen)
}

// started tells the service manager that the beginning is done.
func (d *daemon) started(v *view) {
	if err := v.ready(); err != nil {
		d.opt.Log.Warn("started, but not everything is as it should be", "error", err)
	}
	d.tell(d.opt.Notify.Ready(statusLine(v)))
}

// statusLine is what "systemctl status" shows.
func statusLine(v *view) string {
	attached := len(v.interfaces) - len(v.missing())
	line := fmt.Sprintf("%d virtual servers, %d real servers, attached to %d interfaces",
		len(v.intent.Services), v.intent.Reals(), attached)
	if err := v.ready(); err != nil {
		line += "; " + summary(err)
	}
	return line
}

// hangups reloads whenever it is asked to.
func (d *daemon) hangups(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.opt.Hangup:
			d.tell(d.opt.Notify.Reloading())
			_, err := d.controller.Reload(ctx)
			if err != nil && ctx.Err() == nil {
				d.opt.Log.Debug("reload", "error", err) // said already, in fewer words
			}
			d.tell(d.opt.Notify.Ready(statusLine(d.owner.view())))
		}
	}
}

// watchdog tells the service manager that the owner is alive.
func (d *daemon) watchdog(ctx context.Context) error {
	interval := d.opt.Notify.WatchdogInterval()
	if interval <= 0 {
		return nil
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if d.owner.do(ctx, func(context.Context) error { return nil }) == nil {
				d.tell(d.opt.Notify.Alive())
			}
		}
	}
}

// tell logs that the service manager could not be told.
func (d *daemon) tell(err error) {
	if err != nil {
		d.opt.Log.Warn("service manager", "error", err)
	}
}
