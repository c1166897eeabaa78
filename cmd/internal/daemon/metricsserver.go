// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/metrics"
)

// bindAgain is how long after a failure the address is tried again.
const bindAgain = 5 * time.Second

// metricsServer serves metrics where the configuration says, which a reload
// may change.
type metricsServer struct {
	handler http.Handler
	log     *slog.Logger

	mu      sync.Mutex
	want    netip.AddrPort
	serving string        // the address; "" while it is not served
	renewed chan struct{} // capacity 1: want is another
}

func newMetricsServer(handler http.Handler, log *slog.Logger) *metricsServer {
	return &metricsServer{handler: handler, log: log, renewed: make(chan struct{}, 1)}
}

// set says where to serve from now on; the zero value: nowhere.
func (m *metricsServer) set(addr netip.AddrPort) {
	m.mu.Lock()
	changed := addr != m.want
	m.want = addr
	m.mu.Unlock()
	if !changed {
		return
	}
	select {
	case m.renewed <- struct{}{}:
	default:
	}
}

// address that is served; "" if none.
func (m *metricsServer) address() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.serving
}

func (m *metricsServer) wanted() netip.AddrPort {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.want
}

func (m *metricsServer) served(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serving = addr
}

// run serves until ctx ends. An address that cannot be had is tried again: the
// balancer does not depend on it.
func (m *metricsServer) run(ctx context.Context) error {
	for ctx.Err() == nil {
		addr := m.wanted()
		current, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.serve(current, addr)
		}()
		select {
		case <-ctx.Done():
		case <-m.renewed:
		}
		cancel()
		<-done
	}
	return nil
}

// serve serves on one address until ctx ends.
func (m *metricsServer) serve(ctx context.Context, addr netip.AddrPort) {
	if !addr.IsValid() {
		return
	}
	failed := false
	for ctx.Err() == nil {
		l, err := metrics.Listen(ctx, addr)
		if err == nil {
			m.served(l.Addr().String())
			m.log.Info("metrics are served", "address", l.Addr())
			err = metrics.Serve(ctx, l, m.handler)
			m.served("")
		}
		if err != nil && ctx.Err() == nil && !failed {
			failed = true
			m.log.Error("metrics are not served, trying again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(bindAgain):
		}
	}
}
