// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

func realAdd(server, address string) control.Edit {
	return control.Edit{Op: control.RealAdd, Server: server, Real: address}
}

func drain(server, address string) control.Edit {
	return control.Edit{Op: control.RealEdit, Server: server, Real: address, Weight: new(int)}
}

const webServer = "tcp:192.0.2.1:80"

func TestEditsOutliveTheDaemonAndReloads(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, stop := w.start(web)
		edits := []control.Edit{
			drain(webServer, "10.2.0.11:80"), realAdd(webServer, "10.2.0.13:80"),
			{Op: control.ServerAdd, Server: "udp:192.0.2.1:53"},
		}
		if err := c.Edit(t.Context(), edits); err != nil {
			t.Fatal(err)
		}
		want := []string{"tcp:192.0.2.1:80 -> 10.2.0.11:80/0 10.2.0.12:80/1 10.2.0.13:80/1", "udp:192.0.2.1:53 ->"}
		w.holds(want...)
		if _, err := c.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.holds(want...)
		stop()
		w.kernel.tamper(func(s *lb.State) { s.Services = nil }) // a reboot
		c, _ = w.start(web)
		w.holds(want...)
		s, err := c.Status(t.Context())
		if err != nil || len(s.Overrides) != 3 {
			t.Errorf("overrides: %+v, %v", s.Overrides, err)
		}
		list, err := c.Services(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		marks := []bool{list.Services[0].Override, list.Services[1].Override}
		for _, r := range list.Services[0].Reals {
			marks = append(marks, r.Override)
		}
		if diff := cmp.Diff([]bool{true, true, true, false, true}, marks); diff != "" {
			t.Errorf("marks of overrides, -want +got:\n%s", diff)
		}
	})
}

func TestEditIsAllOrNothing(t *testing.T) {
	ok := realAdd(webServer, "10.2.0.13:80")
	tests := []struct {
		name  string
		edits []control.Edit
		want  error
		say   string
	}{
		{"bad second edit", []control.Edit{ok, realAdd(webServer, "10.2.0.11:80")}, control.ErrExists, "exists already"},
		{"bad virtual server", []control.Edit{ok, realAdd("tcp:192.0.2.7:80", "10.2.0.13:80")}, control.ErrNotFound, "192.0.2.7"},
		{"bad syntax", []control.Edit{ok, realAdd("tcp:nowhere", "10.2.0.13:80")}, control.ErrUsage, "nowhere"},
		{"bad scheduler", []control.Edit{ok, {Op: control.ServerEdit, Server: webServer, Scheduler: "wlc"}}, lb.ErrUnsupported, "wlc"},
		{"bad route", []control.Edit{ok, realAdd(webServer, "10.9.0.1:80")}, lb.ErrUnreachable, "no route"},
		{"bad in the kernel", []control.Edit{ok, realAdd(webServer, "10.2.0.66:80")}, errTable, "192.0.2.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c, _ := w.start(web)
				w.kernel.missing[netip.MustParseAddr("10.9.0.1")] = true
				w.kernel.refuse = refuseServer("10.2.0.66:80")
				err := c.Edit(t.Context(), test.edits)
				if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.say) {
					t.Errorf("got %v; want %v that says %q", err, test.want, test.say)
				}
				pass(time.Minute)
				w.holds(webInKernel)
				if kept, err := c.owner.store.load(); err != nil || len(kept) != 0 {
					t.Errorf("kept: %v, %v", kept, err)
				}
				if err := c.owner.view().ready(); err != nil {
					t.Errorf("left behind: %v", err)
				}
			})
		})
	}
}

var errTable = errors.New("table is full")

// refuseServer makes a kernel that will not have a real server.
func refuseServer(addr string) func(lb.ServiceChange) error {
	return func(c lb.ServiceChange) error {
		if c.After != nil && c.After.Index(netip.MustParseAddrPort(addr)) >= 0 {
			return errTable
		}
		return nil
	}
}

// TestEditThatCannotBeKept: what would be lost with the daemon is not done.
func TestEditThatCannotBeKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start(web)
		if err := os.WriteFile(c.owner.store.dir, nil, 0o600); err != nil { // a file where the directory belongs
			t.Fatal(err)
		}
		if err := c.Edit(t.Context(), []control.Edit{realAdd(webServer, "10.2.0.13:80")}); err == nil {
			t.Error("an edit that cannot be saved was accepted")
		}
		pass(time.Minute)
		w.holds(webInKernel)
	})
}

func TestEditedServersAreChecked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("10.2.0.13:80", true)
		c, _ := w.start(web)
		if err := c.Edit(t.Context(), []control.Edit{realAdd(webServer, "10.2.0.13:80")}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		w.holds(webInKernel)
		list, err := c.Services(t.Context())
		if err != nil || len(list.Services[0].Reals) != 3 {
			t.Fatalf("%+v, %v", list, err)
		}
		r := list.Services[0].Reals[2]
		if !r.Removed || r.Health != control.HealthDown || !strings.Contains(r.HealthDetail, "connection refused") {
			t.Errorf("%+v", r)
		}
		if r := list.Services[0].Reals[0]; r.Removed || r.Health != control.HealthUp {
			t.Errorf("%+v", r)
		}
	})
}

func TestReset(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start(web)
		edits := []control.Edit{drain(webServer, "10.2.0.11:80"), {Op: control.ServerAdd, Server: "udp:192.0.2.1:53"}}
		if err := c.Edit(t.Context(), edits); err != nil {
			t.Fatal(err)
		}
		r, err := c.Reset(t.Context(), control.ResetRequest{Server: webServer})
		if err != nil || len(r.Ended) != 1 || r.Ended[0].Op != control.RealEdit {
			t.Errorf("%+v, %v", r, err)
		}
		w.holds(webInKernel, "udp:192.0.2.1:53 ->")
		if r, err := c.Reset(t.Context(), control.ResetRequest{}); err != nil || len(r.Ended) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		w.holds(webInKernel)
		if r, err := c.Reset(t.Context(), control.ResetRequest{}); err != nil || len(r.Ended) != 0 {
			t.Errorf("nothing to end: %+v, %v", r, err)
		}
		if _, err := c.Reset(t.Context(), control.ResetRequest{Server: "nonsense"}); !errors.Is(err, control.ErrUsage) {
			t.Errorf("%v", err)
		}
	})
}

func TestClear(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.kernel.tamper(func(s *lb.State) {
			*s = s.With(lb.Service{ServiceKey: key("tcp:192.0.2.9:80"), Scheduler: lb.RoundRobin})
		})
		c, _ := w.start(web)
		r, err := c.Clear(t.Context())
		if err != nil || r.Removed != 1 || r.Foreign != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		w.holds("tcp:192.0.2.9:80 ->")
		if _, err := c.Reset(t.Context(), control.ResetRequest{}); err != nil {
			t.Fatal(err)
		}
		w.holds(webInKernel, "tcp:192.0.2.9:80 ->")
	})
}

// TestBadOverridesFile: a daemon that does not know what the operator wanted
// does not start, and so takes nothing away.
func TestBadOverridesFile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(web)
		opt := w.options()
		s := store{opt.Dirs.State}
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := assemble(opt); err == nil || !strings.Contains(err.Error(), s.path()) {
			t.Errorf("got %v", err)
		}
	})
}
