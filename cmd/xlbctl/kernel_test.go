// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xlb-project/xlb/loader"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// operator types xlbctl on a director with the real kernel, without a daemon.
type operator struct {
	t    *testing.T
	topo *netns.Topology
	dirs []string
	pins string
	run  string
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	topo := netns.TwoArmForTest(t, 2)
	bpffs, err := topo.Lab.BPFFS()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := &operator{t: t, topo: topo, pins: filepath.Join(bpffs, "xlb"), run: filepath.Join(dir, "run")}
	o.dirs = []string{"--run-dir", o.run, "--pin-dir", o.pins, "--state-dir", filepath.Join(dir, "state")}
	t.Cleanup(func() { o.types(0, "detach --all") })
	return o
}

// types runs a command line and fails the test unless it ends with the code.
func (o *operator) types(code int, line string) (stdout, stderr string) {
	o.t.Helper()
	ctx := context.WithoutCancel(o.t.Context()) // it is used for cleaning up, too
	cmd := o.topo.Director.Command(ctx, "xlbctl", append(strings.Fields(line), o.dirs...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		o.t.Fatalf("xlbctl %s: exit code %d (%v), want %d\n%s%s", line, got, err, code, &out, &errs)
	}
	return out.String(), errs.String()
}

// shows fails the test unless a command prints what matches, in every line.
func (o *operator) shows(line string, want ...string) {
	o.t.Helper()
	stdout, _ := o.types(0, line)
	for _, pattern := range want {
		if !regexp.MustCompile("(?m)^" + pattern + "$").MatchString(stdout) {
			o.t.Errorf("xlbctl %s does not show %q:\n%s", line, pattern, stdout)
		}
	}
}

// refused fails the test unless a command is refused with a reason that matches.
func (o *operator) refused(code int, line, want string) {
	o.t.Helper()
	if _, stderr := o.types(code, line); !regexp.MustCompile(want).MatchString(stderr) {
		o.t.Errorf("xlbctl %s does not say %q:\n%s", line, want, stderr)
	}
}

// fetch makes n requests to the virtual server and counts who answered.
func (o *operator) fetch(n int) map[string]int {
	o.t.Helper()
	who := map[string]int{}
	client := traffic.HTTPClient(o.topo.Client.NS)
	for range n {
		name, err := traffic.Fetch(client, "http://"+o.topo.VIP.String())
		if err != nil {
			o.t.Fatalf("a request failed: %v", err)
		}
		who[name]++
	}
	return who
}

// An operator goes from nothing to a balanced service and back, all by hand.
func TestByHand(t *testing.T) {
	o := newOperator(t)
	for _, h := range o.topo.Servers {
		server, err := traffic.ServeName(h)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
	}
	web := "tcp:" + o.topo.VIP.String() + ":80"
	first, second := o.topo.Servers[0].Addr.String()+":80", o.topo.Servers[1].Addr.String()+":80"

	o.shows("status", "engine +none", "xlbd +not running", "  attach it: xlbctl attach eth0")
	o.refused(1, "server add "+web, "attach it: xlbctl attach eth0")
	o.refused(1, "attach eth9", "eth9")
	o.shows("attach eth0 eth1 --mode native", "eth0: attached, native mode", "eth1: attached, native mode")
	o.shows("attach eth0", "eth0: was attached already, native mode")
	o.shows("status", "engine +xdp", "interface +eth0 native", "interface +eth1 native", "info: xlbd is not running.*")

	o.types(0, "server add "+web)
	o.types(0, "real add "+web+" "+first)
	o.types(0, "real add "+web+" "+second+" --weight 2")
	o.refused(1, "real add "+web+" "+first, "exists already")
	o.refused(1, "real add "+web+" 10.99.0.1:80", "10.99.0.1:80: nat:")
	o.refused(1, "real edit "+web+" "+first+" --forward dr", "no forwarding method dr")
	o.refused(3, "real del "+web+" 10.2.0.77:80", "has no real server")
	o.shows("list -n", `xlb version \S+ \(size=\d+\)`, "Prot LocalAddress:Port Scheduler Flags", "TCP  10.1.0.100:80 rr",
		"  -> 10.2.0.1:80                  Masq    1      0          0         ",
		"  -> 10.2.0.2:80                  Masq    2      0          0         ")

	if who := o.fetch(10); who["server1"] != 5 || who["server2"] != 5 {
		t.Errorf("ten requests, in turn: %v", who)
	}
	o.shows("list -n --stats", `TCP  10.1.0.100:80 +10( +[1-9]\d*){4}`, `  -> 10.2.0.1:80 +5( +[1-9]\d*){4}`)
	o.shows("list -n --rate", `TCP  10.1.0.100:80( +\d+){5}`)
	o.shows("conn --count", "total +10")
	o.shows("conn --real "+first, `TCP \d\d:\d\d  \w+ +10.1.0.1:\d+ +10.1.0.100:80 +10.2.0.1:80`)
	o.shows("stats", `(tx|redirect) +[1-9]\d*`, `established +10 of .*`)

	o.types(0, "real edit "+web+" "+first+" --weight 0")
	if who := o.fetch(4); who["server2"] != 4 {
		t.Errorf("with server1 drained: %v", who)
	}
	o.types(0, "zero "+web)
	o.shows("list -n --stats", `TCP  10.1.0.100:80( +0){5}`)
	o.types(0, "real del "+web+" "+first)
	o.types(0, "real edit "+web+" "+second+" --weight 1")
	o.shows("list -n", "  -> 10.2.0.2:80 +Masq +1 .*")

	o.shows("detach eth1", "eth1: detached")
	o.refused(3, "detach eth1", "not attached")
	o.shows("list -n", "TCP  10.1.0.100:80 rr") // what is left goes on
	o.types(0, "clear")
	o.shows("list -o json", `  "services": \[\]`)
	o.shows("detach --all", "eth0: detached", "programs, maps and pins are removed")
	if _, err := os.Stat(o.pins); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the pin directory is still there: %v", err)
	}
}

// While somebody else writes, a command waits; reading does not.
func TestTwoWriters(t *testing.T) {
	o := newOperator(t)
	o.types(0, "attach eth0 --mode native")
	lock, err := loader.Acquire(t.Context(), o.run, 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	cmd := o.topo.Director.Command(t.Context(), "xlbctl", append([]string{"server", "add", "tcp:10.1.0.100:80"}, o.dirs...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	go func() { ended <- cmd.Run() }()
	o.shows("list -n", `xlb version .*`)
	select {
	case err := <-ended:
		t.Errorf("it did not wait: %v\n%s", err, &stderr)
	case <-time.After(2500 * time.Millisecond): // long enough for it to say so
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("after the lock was free: %v\n%s", err, &stderr)
	}
	if want := "xlbctl: still changing tcp:10.1.0.100:80 (2s)\n"; !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("it did not say that it waits: %q", &stderr)
	}
	o.shows("list -n", "TCP  10.1.0.100:80 rr")
}
