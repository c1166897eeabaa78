// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/lb"
)

// comparable teaches cmp the netip types.
func comparable() cmp.Options {
	return cmp.Options{
		cmpopts.EquateComparable(lb.ServiceKey{}, lb.Real{}),
		cmpopts.EquateEmpty(),
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "xlb.yaml")
	_, err := config.Load(file, now())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("a missing file gives %v; want its name and the cause", err)
	}
	if err := os.WriteFile(file, []byte("own_all: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, now())
	if err != nil || !c.OwnAll {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := config.Load(t.TempDir(), now()); err == nil {
		t.Error("a directory was read as a file")
	}
}

func TestLoadHugeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "xlb.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 1<<40); err != nil {
		t.Skipf("no sparse files here: %v", err) // a file system's limit, not ours
	}
	_, err := config.Load(file, now())
	if err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}

// TestState checks what the engine is asked for.
func TestState(t *testing.T) {
	const file = `
timeouts: {udp: 1m}
virtual_servers:
  - listen: udp:192.0.2.1:53
    real_servers: [{address: "10.2.0.2:53", weight: 0}, {address: "10.2.0.1:53"}]
`
	c, err := config.Parse("xlb.yaml", []byte(file), now())
	if err != nil {
		t.Fatal(err)
	}
	timeouts := lb.DefaultTimeouts()
	timeouts.UDP = time.Minute
	addr := c.VirtualServers[0].Addr
	want := lb.State{
		Timeouts: timeouts,
		Services: []lb.Service{{
			ServiceKey: lb.ServiceKey{Protocol: lb.UDP, Addr: addr},
			Scheduler:  lb.RoundRobin,
			Owner:      lb.OwnerDaemon,
			Reals: []lb.Real{
				{Addr: c.VirtualServers[0].Reals[0].Addr, Method: lb.NAT},
				{Addr: c.VirtualServers[0].Reals[1].Addr, Method: lb.NAT, Weight: 1},
			},
		}},
	}
	if addr.String() != "192.0.2.1:53" || want.Services[0].Reals[0].Addr.String() != "10.2.0.2:53" {
		t.Errorf("addresses: %v", want)
	}
	if diff := cmp.Diff(want, c.State(), comparable()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFeatures: what the engine has decides what the file may say.
func TestFeatures(t *testing.T) {
	const file = `
virtual_servers:
  - listen: tcp:[2001:db8::1]:80
    scheduler: wlc
    forward: dr
`
	rich := lb.Features{Schedulers: []lb.Scheduler{"rr", "wlc"}, Methods: []lb.Method{lb.NAT, lb.DR}, IPv6: true}
	if _, err := config.Parse("xlb.yaml", []byte(file), rich); err != nil {
		t.Errorf("refused although the engine can: %v", err)
	}
	const port = "virtual_servers:\n  - listen: tcp:192.0.2.1:80\n    forward: dr\n    real_servers: [{address: \"10.2.0.1:81\"}]\n"
	if _, err := config.Parse("xlb.yaml", []byte(port), rich); err == nil || !strings.Contains(err.Error(), "dr does not change the port") {
		t.Errorf("what lb refuses was accepted: %v", err)
	}
	var findings config.Findings
	if _, err := config.Parse("xlb.yaml", []byte(file), now()); !errors.As(err, &findings) || len(findings) != 3 {
		t.Errorf("want three findings, got %v", err)
	}
}

// TestLargest reads as many real servers as the tables hold by default.
func TestLargest(t *testing.T) {
	var b strings.Builder
	b.WriteString("virtual_servers:\n")
	for i := range 2048 {
		fmt.Fprintf(&b, "  - listen: tcp:192.0.%d.%d:80\n    real_servers:\n", 2+i/250, 1+i%250)
		for j := range 8 {
			fmt.Fprintf(&b, "      - {address: \"10.%d.%d.%d:80\"}\n", j, i/250, 1+i%250)
		}
	}
	began := time.Now()
	c, err := config.Parse("xlb.yaml", []byte(b.String()), now())
	if err != nil || len(c.VirtualServers) != 2048 {
		t.Fatalf("%v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("reading took %v", took)
	}
}

func TestAliasesThatCircleOrGrow(t *testing.T) {
	circle := "log: &a {level: *a}\nmetrics: {listen: &b *c}\ntables: {connections: &c *b}\n"
	if _, err := config.Parse("xlb.yaml", []byte(circle), now()); err == nil {
		t.Error("a circle of aliases was accepted")
	}
	var b strings.Builder
	b.WriteString("tables: {connections: &n 2000}\nvirtual_servers:\n")
	fmt.Fprintf(&b, "  - &v {listen: \"tcp:192.0.2.1:80\", real_servers: &r [%s{address: \"10.0.0.1:80\", weight: *n}]}\n",
		strings.Repeat("{address: \"10.0.0.1:80\", weight: *n}, ", 500))
	b.WriteString(strings.Repeat("  - *v\n", 1500))
	began := time.Now()
	_, err := config.Parse("xlb.yaml", []byte(b.String()), now())
	if err == nil || !strings.Contains(err.Error(), "grows too large") {
		t.Error("aliases grew without bound")
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("finding it out took %v", took)
	}
}
