// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/loader"
	"github.com/xlb-project/xlb/test/director"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// asDaemon is set where this test program is to be xlbd.
const asDaemon = "XLB_TEST_AS_XLBD"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		main()
		return
	}
	os.Exit(netns.Main(m))
}

// site is a director with two real servers behind it, in namespaces, and the
// daemon as a process of its own.
type site struct {
	*director.Director
	t       *testing.T
	topo    *netns.Topology
	http    *http.Client
	servers []io.Closer
	client  *control.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	topo := netns.TwoArmForTest(t, 2)
	programs, dir := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(programs, "xlbd")); err != nil {
		t.Fatal(err)
	}
	t.Setenv(asDaemon, "1")
	d, err := director.New(topo, programs, dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Director: d, t: t, topo: topo, http: traffic.HTTPClient(topo.Client.NS), client: control.NewClient(filepath.Join(dir, "run"))}
	for i := range topo.Servers {
		s.servers = append(s.servers, nil)
		s.serve(i)
	}
	t.Cleanup(func() {
		s.must(s.client.Close())
		s.must(d.Stop())
		s.must(topo.Director.Do(func() error {
			_, err := loader.DetachAll(context.Background(), loader.Options{Dirs: loader.Dirs{Pin: d.PinDir, Run: filepath.Join(dir, "run")}})
			return err
		}))
		for _, server := range s.servers {
			s.must(server.Close())
		}
		if t.Failed() {
			t.Logf("xlbd said:\n%s", d.Log)
		}
	})
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

// serve starts the HTTP server of a host.
func (s *site) serve(i int) {
	s.t.Helper()
	server, err := traffic.ServeName(s.topo.Servers[i])
	if err != nil {
		s.t.Fatal(err)
	}
	s.servers[i] = server
}

// start starts the daemon with a virtual server over the given hosts.
func (s *site) start(hosts ...*netns.Host) {
	s.t.Helper()
	s.configure(hosts...)
	if err := s.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) configure(hosts ...*netns.Host) {
	s.t.Helper()
	s.must(s.Write("virtual_servers:\n" + director.VirtualServer(s.topo, "tcp", 80, director.CheckTCP, hosts) +
		director.VirtualServer(s.topo, "tcp", 7, director.CheckNone, hosts)))
}

// answers makes requests, all of which must succeed, and says who answered.
func (s *site) answers(n int) map[string]int {
	s.t.Helper()
	who := map[string]int{}
	for range n {
		name, err := traffic.Fetch(s.http, "http://"+s.topo.VIP.String())
		if err != nil {
			s.t.Fatalf("a request failed: %v", err)
		}
		who[name]++
	}
	return who
}

// sees waits until a metric has a value.
func (s *site) sees(sample string) {
	s.t.Helper()
	netns.Eventually(s.t, 20*time.Second, func() error {
		text, err := s.Get("/metrics")
		if err == nil && !strings.Contains(text, "\n"+sample+"\n") {
			err = fmt.Errorf("metrics do not have %s:\n%s", sample, text)
		}
		return err
	})
}

// hangup asks the process for a reload, as systemd does.
func (s *site) hangup() {
	s.t.Helper()
	v, err := s.client.Version(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.must(unix.Kill(v.PID, unix.SIGHUP))
}

func TestBalances(t *testing.T) {
	s := newSite(t)
	s.start(s.topo.Servers...)
	if who := s.answers(20); len(who) != 2 || who[s.topo.Servers[0].Name()] != 10 {
		t.Errorf("answers by server: %v", who)
	}
	status, err := s.client.Status(t.Context())
	if err != nil || status.Engine != "xdp" || len(status.Interfaces) != 2 || status.Interfaces[0].Mode != "native" {
		t.Errorf("%+v, %v", status, err)
	}
	vip := fmt.Sprintf("{virtual_server=\"tcp:%s:80\"}", s.topo.VIP)
	s.sees("xlb_virtual_server_connections_total" + vip + " 20")
	s.sees("xlb_sweep_difference_connections 0")

	s.must(s.servers[0].Close())
	down := fmt.Sprintf("{real_server=\"%s:80\",virtual_server=\"tcp:%s:80\"}", s.topo.Servers[0].Addr, s.topo.VIP)
	s.sees("xlb_check_up" + down + " 0")
	if who := s.answers(10); who[s.topo.Servers[1].Name()] != 10 {
		t.Errorf("answers after a server has gone: %v", who)
	}
	s.serve(0)
	s.sees("xlb_check_up" + down + " 1")
	if who := s.answers(10); who[s.topo.Servers[0].Name()] != 5 {
		t.Errorf("answers after it came back: %v", who)
	}
}

func TestHangup(t *testing.T) {
	s := newSite(t)
	s.start(s.topo.Servers...)
	s.must(s.Write("virtual_serverz: []\n"))
	s.hangup()
	s.sees("xlb_config_last_reload_successful 0")
	if who := s.answers(4); len(who) != 2 {
		t.Errorf("a bad file changed something: %v", who)
	}
	if !strings.Contains(s.Log.String(), "virtual_servers") {
		t.Error("the log does not say what is wrong")
	}
	s.configure(s.topo.Servers[1])
	s.hangup()
	s.sees("xlb_config_last_reload_successful 1")
	if who := s.answers(4); who[s.topo.Servers[1].Name()] != 4 {
		t.Errorf("a good file did not take effect: %v", who)
	}
}

// TestKilled: connections and overrides outlive the daemon, and it finds them.
func TestKilled(t *testing.T) {
	s := newSite(t)
	for _, host := range s.topo.Servers {
		echo, err := traffic.ServeEcho(host.NS, ":7")
		if err != nil {
			t.Fatal(err)
		}
		s.servers = append(s.servers, echo)
	}
	s.start(s.topo.Servers...)
	conn, err := s.topo.Client.Dial(t.Context(), "tcp", net.JoinHostPort(s.topo.VIP.String(), "7"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	s.must(traffic.Echo(conn, "before"))
	drained := control.Edit{Op: control.RealEdit, Server: fmt.Sprintf("tcp:%s:80", s.topo.VIP),
		Real: fmt.Sprintf("%s:80", s.topo.Servers[0].Addr), Weight: new(int)}
	s.must(s.client.Edit(t.Context(), []control.Edit{drained}))

	s.must(s.Kill())
	s.must(traffic.Echo(conn, "without it"))
	s.answers(4)
	s.start(s.topo.Servers...)
	s.must(traffic.Echo(conn, "after"))
	if who := s.answers(4); who[s.topo.Servers[1].Name()] != 4 {
		t.Errorf("the override is gone: %v", who)
	}
	n, err := s.client.CountConnections(t.Context(), control.ConnFilter{State: "ESTABLISHED"})
	if err != nil || n.Count != 1 {
		t.Errorf("established connections: %+v, %v", n, err)
	}
	s.sees("xlb_overrides 1")
}

// TestInterfaceComesBack: it is attached again by itself.
func TestInterfaceComesBack(t *testing.T) {
	s := newSite(t)
	s.start(s.topo.Servers...)
	name := s.topo.ServerSide.Name()
	if err := s.topo.ServerSide.Delete(); err != nil {
		t.Fatal(err)
	}
	s.sees(fmt.Sprintf("xlb_interface_attached{interface=%q} 0", name))
	if err := s.topo.ServerSide.Recreate(); err != nil {
		t.Fatal(err)
	}
	s.sees(fmt.Sprintf("xlb_interface_attached{interface=%q} 1", name))
	netns.Eventually(t, 20*time.Second, func() error {
		_, err := traffic.Fetch(s.http, "http://"+s.topo.VIP.String())
		return err
	})
}

// TestDetachAll: with a daemon that runs everything can be taken out of the
// kernel, if its file does not want it there, and put back.
func TestDetachAll(t *testing.T) {
	s := newSite(t)
	only := fmt.Sprintf("metrics: {listen: %q}\nvirtual_servers:\n", director.MetricsAddress) +
		director.VirtualServer(s.topo, "tcp", 80, director.CheckTCP, s.topo.Servers)
	s.must(os.WriteFile(s.Config, []byte("interfaces: [eth0, eth1]\n"+only), 0o600))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if _, err := s.client.Detach(ctx, control.DetachRequest{All: true}); !errors.Is(err, control.ErrConflict) {
		t.Errorf("detached what the file wants: %v", err)
	}
	s.must(os.WriteFile(s.Config, []byte(only), 0o600))
	if _, err := s.client.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	s.answers(2)
	r, err := s.client.Detach(ctx, control.DetachRequest{All: true})
	if err != nil || !r.Removed || len(r.Interfaces) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := os.Stat(s.PinDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("pins are left: %v", err)
	}
	for _, name := range s.Interfaces() {
		if _, err := s.client.Attach(ctx, control.AttachRequest{Interface: name, Mode: control.ModeNative}); err != nil {
			t.Error(err)
		}
	}
	netns.Eventually(t, 20*time.Second, func() error {
		_, err := s.Get("/readyz")
		return err
	})
	s.answers(4)
}
