// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func TestReloadChangesOnlyWhatDiffers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start(web + "  - listen: udp:192.0.2.1:53\n  - listen: tcp:192.0.2.1:81\n")
		pass(time.Second)
		w.kernel.changes()
		checked := c.owner.health.Results()
		w.write("log: {level: debug}\n" + web + "  - listen: udp:192.0.2.1:53\n    real_servers: [{address: \"10.2.0.11:53\"}]\n  - listen: tcp:192.0.2.1:82\n")
		r, err := c.Reload(t.Context())
		if err != nil || r.Changed != 3 || r.File != w.file() {
			t.Errorf("%+v, %v", r, err)
		}
		want := []string{"remove tcp:192.0.2.1:81", "change udp:192.0.2.1:53", "add tcp:192.0.2.1:82"}
		if diff := cmp.Diff(want, w.kernel.changes()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		// Checks of what did not change were not begun anew.
		pass(time.Millisecond)
		for key, result := range c.owner.health.Results() {
			if before := checked[key]; result.Since != before.Since || result.Passed < before.Passed {
				t.Errorf("the check of %v was begun anew: %+v, %+v", key, before, result)
			}
		}
		if r, err := c.Reload(t.Context()); err != nil || r.Changed != 0 {
			t.Errorf("the same again: %+v, %v", r, err)
		}
	})
}

func TestReloadOfABadFile(t *testing.T) {
	tests := []struct{ name, file, say string }{
		{"bad key", strings.Replace(web, "virtual_servers", "virtual_serverz", 1), `did you mean "virtual_servers"`},
		{"bad YAML", "a: [", "not YAML"},
		{"bad server that cannot be reached", web + "      - address: 10.9.0.1:80\n", "no route"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c, _ := w.start(web)
				w.kernel.missing[netip.MustParseAddr("10.9.0.1")] = true
				w.kernel.changes()
				loaded := c.owner.view().loaded
				pass(time.Second)
				w.write(test.file)
				_, err := c.Reload(t.Context())
				if !errors.Is(err, control.ErrConflict) || !strings.Contains(err.Error(), test.say) {
					t.Errorf("got %v", err)
				}
				if changes := w.kernel.changes(); len(changes) != 0 {
					t.Errorf("it changed %v", changes)
				}
				snapshot := source{c.owner, "test"}.Snapshot()
				if snapshot.Reload.OK || snapshot.Reload.Success != loaded {
					t.Errorf("metrics: %+v", snapshot.Reload)
				}
				if err := c.owner.view().ready(); err != nil {
					t.Errorf("no longer ready: %v", err)
				}
				s, err := c.Status(t.Context())
				if err != nil || s.Daemon.Reload.OK || !strings.Contains(s.Findings[0].Message, test.say) {
					t.Errorf("status: %+v, %v", s, err)
				}
				w.write(web)
				if _, err := c.Reload(t.Context()); err != nil {
					t.Error(err)
				}
				if snapshot := (source{c.owner, "test"}).Snapshot(); !snapshot.Reload.OK || !snapshot.Reload.Success.After(loaded) {
					t.Errorf("metrics after mending it: %+v", snapshot.Reload)
				}
			})
		})
	}
}

// TestReloadWhileARouteIsMissing: what worked before is not refused.
func TestReloadWhileARouteIsMissing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start(web)
		w.kernel.missing[netip.MustParseAddr("10.2.0.11")] = true
		w.write(web + "      - address: 10.2.0.13:80\n")
		if _, err := c.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.holds("tcp:192.0.2.1:80 -> 10.2.0.11:80/1 10.2.0.12:80/1 10.2.0.13:80/1")
	})
}

func TestReloadOfInterfacesAndSettings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write("interfaces: [eth0]\n")
		c, _ := w.start("interfaces: [eth0]\n")
		w.write("interfaces: [eth0, eth1]\nlog: {level: debug, format: json}\ntables: {connections: 5000}\ntimeouts: {udp: 7s}\n")
		if _, err := c.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.kernel.attached; !cmp.Equal(got, []string{"eth0", "eth1"}) {
			t.Errorf("attached: %v", got)
		}
		if got := w.kernel.state().Timeouts.UDP; got != 7*time.Second {
			t.Errorf("timeout of UDP: %v", got)
		}
		for _, say := range []string{"tables are resized when xlbd starts", "log.format is changed when xlbd starts"} {
			if !strings.Contains(w.log.String(), say) {
				t.Errorf("the log does not say %q", say)
			}
		}
		// An interface that leaves the file stays: connections may go that way.
		w.write("interfaces: [eth1]\n")
		if _, err := c.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.kernel.attached; !cmp.Equal(got, []string{"eth0", "eth1"}) {
			t.Errorf("attached: %v", got)
		}
	})
}

func TestReloadMakesOverridesStale(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start(web)
		if err := c.Edit(t.Context(), []control.Edit{drain(webServer, "10.2.0.12:80")}); err != nil {
			t.Fatal(err)
		}
		w.write(strings.Replace(web, "      - address: 10.2.0.12:80\n", "", 1))
		r, err := c.Reload(t.Context())
		if err != nil || len(r.Stale) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		w.holds("tcp:192.0.2.1:80 -> 10.2.0.11:80/1")
		s, err := c.Status(t.Context())
		if err != nil || !strings.Contains(fmt.Sprint(s.Findings), "does not fit the file") {
			t.Errorf("%+v, %v", s.Findings, err)
		}
		w.write(web) // it fits again
		if r, err := c.Reload(t.Context()); err != nil || len(r.Stale) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		w.holds("tcp:192.0.2.1:80 -> 10.2.0.11:80/1 10.2.0.12:80/0")
	})
}

func TestLevelFollowsTheFile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write("log: {level: warn}\n")
		opt := w.options()
		if _, err := assemble(opt); err != nil {
			t.Fatal(err)
		}
		if got := opt.Level.Level(); got != slog.LevelWarn {
			t.Errorf("level %v", got)
		}
	})
}

func TestDetach(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, _ := w.start("interfaces: [eth0]\n")
		ctx := t.Context()
		for _, r := range []control.DetachRequest{{Interface: "eth0"}, {All: true}} {
			if _, err := c.Detach(ctx, r); !errors.Is(err, control.ErrConflict) {
				t.Errorf("%+v, which the file wants: %v", r, err)
			}
		}
		if r, err := c.Attach(ctx, control.AttachRequest{Interface: "eth1"}); err != nil || !r.Interface.Attached {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := c.Attach(ctx, control.AttachRequest{Interface: "eth9"}); err == nil {
			t.Error("attached what is not there")
		}
		if r, err := c.Detach(ctx, control.DetachRequest{Interface: "eth1"}); err != nil || len(r.Interfaces) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := c.Detach(ctx, control.DetachRequest{Interface: "eth1"}); !errors.Is(err, control.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
		w.write("")
		if _, err := c.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		if r, err := c.Detach(ctx, control.DetachRequest{All: true}); err != nil || !r.Removed {
			t.Errorf("%+v, %v", r, err)
		}
		pass(time.Minute)
		if w.kernel.tables || w.kernel.opens != 1 {
			t.Error("the tables were made again after detach --all")
		}
		if _, err := c.Attach(ctx, control.AttachRequest{Interface: "eth1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Services(ctx); err != nil {
			t.Errorf("no engine after attach: %v", err)
		}
	})
}
