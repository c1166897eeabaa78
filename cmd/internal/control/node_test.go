// SPDX-License-Identifier: Apache-2.0

package control

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/loader"
)

func TestNewInterface(t *testing.T) {
	tests := []struct {
		name string
		in   loader.Interface
		want Interface
	}{
		{"attached", loader.Interface{Name: "eth0", Index: 2, Port: 1, Mode: loader.Native},
			Interface{Name: "eth0", Index: 2, Mode: "native", Attached: true}},
		{"gone", loader.Interface{Name: "eth0", Port: 1, Dead: true},
			Interface{Name: "eth0", Problem: "there is no such interface now"}},
		{"come back", loader.Interface{Name: "eth0", Index: 9, Port: 1, Dead: true},
			Interface{Name: "eth0", Index: 9, Problem: "it was deleted and has come back: xlbctl attach eth0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, newInterface(tt.in)); diff != "" {
				t.Errorf("unexpected interface (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewAttachResult(t *testing.T) {
	got := newAttachResult(&loader.Attachment{
		Interface: "eth0", Index: 2, Port: 1, Mode: loader.Generic, Reason: "no XDP", Kept: true,
		Findings: []loader.Finding{
			{Severity: loader.Warning, What: "rx-vlan offload is on", Why: "tags are invisible", Fix: "ethtool -K eth0 rxvlan off"},
			{Severity: loader.Info, What: "one queue"},
		},
	})
	want := &AttachResult{
		Interface: Interface{Name: "eth0", Index: 2, Mode: "generic", Attached: true}, Already: true, Reason: "no XDP",
		Findings: []Finding{
			{Severity: SeverityWarning, Interface: "eth0", Message: "rx-vlan offload is on: tags are invisible", Fix: "ethtool -K eth0 rxvlan off"},
			{Severity: SeverityInfo, Interface: "eth0", Message: "one queue"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexpected result (-want +got):\n%s", diff)
	}
}

func TestNodeRefusesNonsense(t *testing.T) {
	n := NewNode(Dirs{Run: t.TempDir(), Pin: t.TempDir()})
	_, noInterface := n.Attach(t.Context(), AttachRequest{})
	_, noMode := n.Attach(t.Context(), AttachRequest{Interface: "eth0", Mode: "fast"})
	_, nothing := n.Detach(t.Context(), DetachRequest{})
	_, both := n.Detach(t.Context(), DetachRequest{Interface: "eth0", All: true})
	for name, err := range map[string]error{"no interface": noInterface, "no mode": noMode, "nothing": nothing, "both": both} {
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A daemon that appears between the look at the socket and the lock is not
// written past.
func TestWriterRefusesBesideDaemon(t *testing.T) {
	n := NewNode(Dirs{Run: serve(t, new(sample)), Pin: t.TempDir()})
	if _, err := n.Writer(t.Context()); !errors.Is(err, ErrUnavailable) || AsError(err).Hint != "run the command again" {
		t.Errorf("Writer() = %v", err)
	}
	without := NewNode(Dirs{Run: t.TempDir(), Pin: t.TempDir()})
	for range 2 { // the second one finds the lock free again
		if _, err := without.Writer(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Writer() = %v", err)
		}
	}
}

// Who is not root is not told to attach what may be attached.
func TestNotAttached(t *testing.T) {
	m := &machine{dirs: loader.Dirs{Pin: "/sys/fs/bpf/xlb"}}
	for uid, want := range map[int]string{
		0: "attach it: xlbctl attach eth0", 1000: "only root sees what is there: run it with sudo",
	} {
		if err := AsError(m.notAttached(uid)); err.Hint != want || err.Message != "xlb is not attached: nothing is pinned in /sys/fs/bpf/xlb" {
			t.Errorf("uid %d: %q, hint %q", uid, err.Message, err.Hint)
		}
	}
}
