// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// crowd is many connections at a time to an echo server behind the virtual address.
type crowd struct {
	t     *testing.T
	conns []net.Conn
}

// newCrowd opens n connections, each of which has echoed something.
func newCrowd(t *testing.T, topo *netns.Topology, n int) *crowd {
	t.Helper()
	return newCrowdFrom(t, topo, n, &net.Dialer{})
}

// newCrowdFrom is newCrowd with a dialer that says where the connections come from.
func newCrowdFrom(t *testing.T, topo *netns.Topology, n int, dialer *net.Dialer) *crowd {
	t.Helper()
	c := &crowd{t: t, conns: make([]net.Conn, n)}
	t.Cleanup(c.close)
	c.each(0, n, func(i int) (err error) {
		c.conns[i], err = topo.Client.DialWith(t.Context(), dialer, "tcp", topo.VIP.String()+":7")
		return err
	})
	if t.Failed() {
		t.FailNow()
	}
	c.mustEcho(0, n)
	return c
}

func (c *crowd) close() {
	for _, conn := range c.conns {
		if conn != nil {
			conn.Close()
		}
	}
}

// mustEcho sends something over the connections from..to and expects it back over each.
func (c *crowd) mustEcho(from, to int) {
	c.t.Helper()
	c.each(from, to, func(i int) error { return traffic.Echo(c.conns[i], fmt.Sprintf("hello %d", i)) })
}

// each calls f for the connections from..to at the same time, a hundred at most, and reports how many failed.
func (c *crowd) each(from, to int, f func(i int) error) {
	c.t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, to-from)
	room := make(chan struct{}, 100)
	for i := from; i < to; i++ {
		room <- struct{}{}
		wg.Go(func() {
			errs[i-from] = f(i)
			<-room
		})
	}
	wg.Wait()
	failed := 0
	var last error
	for _, err := range errs {
		if err != nil {
			failed, last = failed+1, err
		}
	}
	if failed > 0 {
		c.t.Errorf("%d of %d connections broke; one of them: %v", failed, to-from, last)
	}
}

// TestConcurrent: 2,000 connections at a time, counted exactly, all usable.
func TestConcurrent(t *testing.T) {
	const n = 2000
	topo := netns.TwoArmForTest(t, 3)
	d := echoDirector(t, topo, "")
	c := newCrowd(t, topo, n)
	c.mustEcho(0, n)
	reals := d.list().Services[0].Reals
	var active int64
	for _, r := range reals {
		active += r.Active
		if r.Active < n/3 || r.Active > n/3+1 {
			t.Errorf("%s has %d of %d connections", r.Key, r.Active, n)
		}
	}
	if active != n {
		t.Errorf("%d connections are active, %d are open", active, n)
	}
	c.close()
	netns.Eventually(t, 20*time.Second, func() error {
		for _, r := range d.list().Services[0].Reals {
			if r.Active != 0 {
				return fmt.Errorf("%s still has %d active connections", r.Key, r.Active)
			}
		}
		return nil
	})
	d.noDrift()
}
