// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/director"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// arms runs a test over two interfaces and over one.
func arms(t *testing.T, servers int, test func(t *testing.T, topo *netns.Topology)) {
	t.Run("two arms", func(t *testing.T) { test(t, netns.TwoArmForTest(t, servers)) })
	t.Run("one arm", func(t *testing.T) { test(t, netns.OneArmForTest(t, servers)) })
}

// host is a director whose errors fail the test.
type host struct {
	*director.Director
	t *testing.T
}

// newDirector prepares a director that is closed when the test ends.
func newDirector(t *testing.T, topo *netns.Topology) *host {
	t.Helper()
	d, err := director.New(topo, programs, t.TempDir())
	must(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("xlbd said:\n%s", d.Log)
		}
	})
	return &host{Director: d, t: t}
}

// runDirector runs xlbd with a configuration: the interfaces, and the rest.
func runDirector(t *testing.T, topo *netns.Topology, rest string) *host {
	t.Helper()
	d := newDirector(t, topo)
	must(t, d.Write(rest))
	d.start()
	return d
}

// webDirector runs xlbd with port 80 balanced over all servers, which it checks.
func webDirector(t *testing.T, topo *netns.Topology, rest string) *host {
	t.Helper()
	return runDirector(t, topo, rest+"virtual_servers:\n"+director.VirtualServer(topo, "tcp", 80, director.CheckTCP, topo.Servers))
}

// echoDirector starts echo servers on port 7 and runs xlbd over them.
func echoDirector(t *testing.T, topo *netns.Topology, rest string) *host {
	t.Helper()
	serveEcho(t, topo)
	return runDirector(t, topo, rest+"virtual_servers:\n"+director.VirtualServer(topo, "tcp", 7, director.CheckNone, topo.Servers))
}

func (h *host) start() {
	h.t.Helper()
	must(h.t, h.Start(h.t.Context()))
}

func (h *host) kill() {
	h.t.Helper()
	must(h.t, h.Kill())
}

func (h *host) stats() director.Stats {
	h.t.Helper()
	s, err := h.Stats()
	must(h.t, err)
	return s
}

func (h *host) list() director.Listing {
	h.t.Helper()
	l, err := h.List()
	must(h.t, err)
	return l
}

// noDrift checks that the counts of connections agree with the connections.
func (h *host) noDrift() {
	h.t.Helper()
	if drift := h.stats().Drift; drift != 0 {
		h.t.Errorf("the counts of connections are off by %d", drift)
	}
}

// waitReals waits until n real servers of the first virtual server are in service.
func (h *host) waitReals(n int) {
	h.t.Helper()
	netns.Eventually(h.t, 15*time.Second, func() error {
		if in := h.list().InService(); in != n {
			return fmt.Errorf("%d real servers are in service, want %d", in, n)
		}
		return nil
	})
}

// load is a stream of requests whose errors fail the test.
type load struct {
	*traffic.Load
	t *testing.T
}

// startLoad fetches the virtual server's page again and again.
func startLoad(t *testing.T, topo *netns.Topology, workers int) *load {
	t.Helper()
	l := &load{Load: traffic.StartLoad(topo.Client.NS, "http://"+topo.VIP.String(), workers), t: t}
	t.Cleanup(l.Stop)
	return l
}

// progress waits until n more requests have been answered.
func (l *load) progress(n int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	must(l.t, l.Wait(ctx, n))
}

// endWithoutFailures stops the load and checks that every request was answered.
func (l *load) endWithoutFailures() {
	l.t.Helper()
	l.Stop()
	if c := l.Counts(); len(c.Failures) > 0 {
		l.t.Errorf("%d requests failed, %d were answered; the first failure: %v", len(c.Failures), c.Answered(), c.Failures[0])
	}
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until closes something when the test ends; it takes the results of a constructor.
func until(t *testing.T) func(io.Closer, error) io.Closer {
	t.Helper()
	return func(c io.Closer, err error) io.Closer {
		t.Helper()
		must(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
}

// serveNames starts web servers that answer with their host's name.
func serveNames(t *testing.T, hosts ...*netns.Host) {
	t.Helper()
	for _, h := range hosts {
		until(t)(traffic.ServeName(h))
	}
}

// serveEcho starts an echo server on port 7 of every server.
func serveEcho(t *testing.T, topo *netns.Topology) {
	t.Helper()
	for _, h := range topo.Servers {
		until(t)(traffic.ServeEcho(h.NS, ":7"))
	}
}
