// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/xlb-project/xlb/test/director"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

const (
	servers  = 3
	requests = 6000 // per phase
	workers  = 8
	patience = 15 * time.Second
)

// demo is the lab with all that runs in it.
type demo struct {
	topo     *netns.Topology
	director *director.Director
	web      []io.Closer // a web server per host; nil while it is away
	closers  []io.Closer
	report   report
}

// show runs the phases and prints the report.
func show(ctx context.Context, programs string) (err error) {
	step("Building a lab: client -- director -- %d real servers, each a network namespace", servers)
	lab, err := netns.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	dir, err := os.MkdirTemp("", "xlb-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d, err := newDemo(lab, programs, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.phases(ctx); err != nil {
		return err
	}
	return d.report.print(d)
}

func newDemo(lab *netns.Lab, programs, dir string) (*demo, error) {
	programs, err := filepath.Abs(programs)
	if err != nil {
		return nil, err
	}
	topo, err := netns.TwoArm(lab, servers)
	if err != nil {
		return nil, err
	}
	dir2, err := director.New(topo, programs, dir)
	if err != nil {
		return nil, err
	}
	return &demo{topo: topo, director: dir2, web: make([]io.Closer, servers)}, nil
}

func (d *demo) close() error {
	for _, c := range append(d.closers, d.web...) {
		if c != nil {
			c.Close()
		}
	}
	return d.director.Close()
}

// phases tells the story.
func (d *demo) phases(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{d.start, d.allUp, d.oneLeaves, d.oneReturns, d.datagrams} {
		if err := phase(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// start starts the servers and xlbd.
func (d *demo) start(ctx context.Context) error {
	for i, h := range d.topo.Servers {
		web, err := traffic.ServeName(h)
		if err != nil {
			return err
		}
		d.web[i] = web
		udp, err := traffic.ServeUDP(h.NS, ":53")
		if err != nil {
			return err
		}
		d.closers = append(d.closers, udp)
	}
	step("Starting xlbd: tcp:%[1]s:80 and udp:%[1]s:53, round robin, NAT, a TCP check a second", d.topo.VIP)
	err := d.director.Write("virtual_servers:\n" +
		director.VirtualServer(d.topo, "tcp", 80, director.CheckTCP, d.topo.Servers) +
		director.VirtualServer(d.topo, "udp", 53, director.CheckNone, d.topo.Servers))
	if err != nil {
		return err
	}
	return d.director.Start(ctx)
}

// allUp is normal business.
func (d *demo) allUp(ctx context.Context) error {
	step("Before: %d requests, a connection each, all servers up", requests)
	return d.requests(ctx, &d.report.before)
}

// oneLeaves kills the last server under load, then looks at what it still gets.
func (d *demo) oneLeaves(ctx context.Context) error {
	gone := d.topo.Servers[servers-1]
	step("Taking %s away under load; the check has to notice", gone.Name())
	l := traffic.StartLoad(d.topo.Client.NS, d.url(), workers)
	defer l.Stop()
	begin := time.Now()
	if err := d.web[servers-1].Close(); err != nil {
		return err
	}
	d.web[servers-1] = nil
	if err := d.waitInService(ctx, servers-1); err != nil {
		return err
	}
	d.report.noticed = time.Since(begin)
	l.Stop()
	d.report.window = l.Counts()
	step("Out of service after %v; during: %d requests", d.report.noticed.Round(10*time.Millisecond), requests)
	return d.requests(ctx, &d.report.during)
}

// oneReturns brings it back.
func (d *demo) oneReturns(ctx context.Context) error {
	back := d.topo.Servers[servers-1]
	web, err := traffic.ServeName(back)
	if err != nil {
		return err
	}
	d.web[servers-1] = web
	if err := d.waitInService(ctx, servers); err != nil {
		return err
	}
	step("%s is back; after: %d requests", back.Name(), requests)
	return d.requests(ctx, &d.report.after)
}

// datagrams asks over UDP, a socket per question.
func (d *demo) datagrams(ctx context.Context) error {
	const questions = 300
	step("UDP: %d questions", questions)
	d.report.udp = map[string]int{}
	for i := range questions {
		name, err := d.ask(ctx, i)
		if err != nil {
			return fmt.Errorf("UDP question %d: %w", i, err)
		}
		d.report.udp[name]++
	}
	return nil
}

func (d *demo) ask(ctx context.Context, i int) (string, error) {
	conn, err := d.topo.Client.Dial(ctx, "udp", d.topo.VIP.String()+":53")
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return traffic.AskUDP(conn, fmt.Sprintf("question %d", i))
}

func (d *demo) url() string { return "http://" + d.topo.VIP.String() }

// requests makes a phase's requests and keeps what happened.
func (d *demo) requests(ctx context.Context, into *traffic.Counts) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	l := traffic.StartLoad(d.topo.Client.NS, d.url(), workers)
	err := l.Wait(ctx, requests)
	l.Stop()
	*into = l.Counts()
	return err
}

// waitInService waits until the check has left n real servers in service.
func (d *demo) waitInService(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		l, err := d.director.List()
		if err != nil {
			return err
		}
		if len(l.Services) > 0 && l.InService() == n {
			return nil
		}
	}
	return fmt.Errorf("xlb does not have %d real servers in service; xlbd said:\n%s", n, d.director.Log)
}

// step says what comes next.
func step(format string, args ...any) { fmt.Printf("--> "+format+"\n", args...) }
