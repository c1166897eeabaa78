// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// readTimeout bounds one reading of the engine.
const readTimeout = 5 * time.Second

// Collector exports a [Source].
type Collector struct {
	source Source
	node   nodeFamilies
	server serverFamilies
	daemon daemonFamilies
}

// NewCollector is a prometheus.Collector of everything that source knows.
func NewCollector(source Source) *Collector {
	return &Collector{source: source, node: newNodeFamilies(), server: newServerFamilies(), daemon: newDaemonFamilies()}
}

// Describe names every family.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, families := range [][]family{c.node.all(), c.server.all(), c.daemon.all()} {
		for _, f := range families {
			ch <- f.desc
		}
	}
}

// Collect reads the source. An engine that cannot be read is xlb_engine_up 0
// and leaves out its counters; the daemon's own are always there.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	out := sink(ch)
	c.daemon.collect(out, c.source.Snapshot())
	counters, err := c.source.Counters(ctx)
	out.flag(c.daemon.engineUp, err == nil)
	if err != nil {
		return
	}
	c.node.collect(out, counters)
	c.server.collect(out, counters)
}
