// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb/xdp"
	"github.com/xlb-project/xlb/lb/xdp/sweep"
	"github.com/xlb-project/xlb/loader"
	"github.com/xlb-project/xlb/maps"
)

// heartbeatTime is how often the data path hears that the daemon lives.
const heartbeatTime = time.Second

// xdpNode is this machine with XDP.
type xdpNode struct {
	control.Node
	options loader.Options
	log     *slog.Logger
}

// NewXDPNode is the network namespace of this process with XDP in it. tables
// are the sizes that opening the engine brings about.
func NewXDPNode(dirs control.Dirs, tables config.Tables, version string, log *slog.Logger) Node {
	return &xdpNode{
		Node: control.NewNode(dirs),
		log:  log,
		options: loader.Options{
			Dirs:    loader.Dirs{Pin: dirs.Pin, Run: dirs.Run},
			Version: version,
			Daemon:  true,
			Log:     log,
			Sizes: loader.Sizes{
				Connections: tables.Connections, HalfOpen: tables.HalfOpen,
				Services: tables.VirtualServers, Reals: tables.RealServers,
			},
		},
	}
}

// Same asks the kernel for the interface of that name.
func (n *xdpNode) Same(i control.Interface) bool {
	now, err := net.InterfaceByName(i.Name)
	return err == nil && now.Index == i.Index
}

// Open makes or adopts the pinned data path and opens it.
func (n *xdpNode) Open(ctx context.Context, changed func()) (Engine, error) {
	made, err := loader.Attach(ctx, n.options)
	if err != nil {
		return nil, err
	}
	n.log.Info("data path is in the kernel", "created", made.Created, "programs_replaced", made.Programs, "maps_replaced", made.Migrated)
	set, err := loader.OpenSet(n.options.Pin)
	if err != nil {
		return nil, err
	}
	tell := func(string) { changed() }
	engine, err := xdp.New(set, xdp.Options{Lost: tell, Returned: tell, Log: n.log})
	if err != nil {
		return nil, errors.Join(err, set.Close())
	}
	return &xdpEngine{Engine: engine, set: set, log: n.log}, nil
}

// xdpEngine is the engine with its upkeep.
type xdpEngine struct {
	*xdp.Engine
	set     *maps.Set
	log     *slog.Logger
	drifted atomic.Bool // a difference was logged
}

// Run keeps next hops true, ends idle connections, and gives the heartbeat.
func (e *xdpEngine) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.Follow(ctx) })
	group.Go(func() error { return e.beat(ctx) })
	group.Go(func() error {
		return sweep.New(sweep.Over(e.set), sweep.Options{}).Run(ctx, e.swept)
	})
	return group.Wait()
}

// beat gives the heartbeat every second.
func (e *xdpEngine) beat(ctx context.Context) error {
	tick := time.NewTicker(heartbeatTime)
	defer tick.Stop()
	for {
		if err := e.Heartbeat(); err != nil {
			return fmt.Errorf("heartbeat: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Close lets go of the engine and its maps, which stay pinned.
func (e *xdpEngine) Close() error {
	return errors.Join(e.Engine.Close(), e.set.Close())
}

// swept takes in what a sweep found: what nobody refers to any more is freed.
func (e *xdpEngine) swept(r sweep.Report, err error) {
	if err == nil {
		err = e.Swept(r)
	}
	if err != nil {
		e.log.Error("sweeping the connections", "error", err)
		return
	}
	if drifted := r.Drift != 0; drifted != e.drifted.Swap(drifted) {
		e.log.Warn("counts of connections and connections differ", "difference", r.Drift)
	}
}
