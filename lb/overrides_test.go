// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
)

func TestPutMerges(t *testing.T) {
	file := stateOf(nat(vip, one))
	first := onReal(lb.Change, vip, one, weight(3))
	first.Origin = lb.Origin{By: "a", At: time.Unix(1, 0)}
	second := onReal(lb.Change, vip, one, nil)
	second.Method, second.Origin = ptr(lb.DR), lb.Origin{By: "b", At: time.Unix(2, 0)}
	o := lb.Overrides{}.Put(file, first)
	both := o.Put(file, second)
	got, ok := both.Of(first.Target())
	if !ok || len(both.List()) != 1 || *got.Weight != 3 || *got.Method != lb.DR || got.By != "b" {
		t.Errorf("merged %+v", both.List())
	}
	if before, _ := o.Of(first.Target()); before.Method != nil {
		t.Errorf("merging changed the value from before: %+v", before)
	}
}

// Removing what only an override added leaves nothing behind; removing what the
// file has is remembered, and so is that it is back on other terms.
func TestPutRemove(t *testing.T) {
	file := stateOf(nat(vip, one))
	add := onReal(lb.Add, vip, two, nil)
	if o := (lb.Overrides{}).Put(file, add).Put(file, onReal(lb.Remove, vip, two, nil)); len(o.List()) != 0 {
		t.Errorf("left behind: %+v", o.List())
	}
	gone := lb.Overrides{}.Put(file, onReal(lb.Remove, vip, one, nil))
	if n, ok := gone.Of(add.Target()); ok {
		t.Errorf("an override of something else: %+v", n)
	}
	back := gone.Put(file, onReal(lb.Add, vip, one, nil))
	if list := back.List(); len(list) != 1 || !list[0].Fresh || list[0].Action != lb.Add {
		t.Errorf("removed and added: %+v", list)
	}
	if again, _ := back.Put(file, onReal(lb.Add, vip, one, weight(7))).Of(back.List()[0].Target()); !again.Fresh || *again.Weight != 7 {
		t.Errorf("added once more: %+v", again)
	}
	all := back.Put(file, add).Put(file, lb.Override{Action: lb.Remove, Service: mustKey(vip)})
	if list := all.List(); len(list) != 1 || list[0].Real.IsValid() {
		t.Errorf("the whole virtual server removed: %+v", list)
	}
}

func TestDrop(t *testing.T) {
	file := stateOf(nat(vip, one, two), nat(vip2, one))
	o := lb.Overrides{}
	for _, n := range []lb.Override{
		onReal(lb.Change, vip, one, weight(2)), onReal(lb.Change, vip, two, weight(2)), onReal(lb.Change, vip2, one, weight(2)),
	} {
		o = o.Put(file, n)
	}
	if got := o.Drop(lb.RealKey{Service: mustKey(vip), Real: netip.MustParseAddrPort(one)}); len(got.List()) != 2 {
		t.Errorf("one dropped: %+v", got.List())
	}
	if got := o.DropService(mustKey(vip)); len(got.List()) != 1 || got.List()[0].Service != mustKey(vip2) {
		t.Errorf("a virtual server dropped: %+v", got.List())
	}
	if len(o.List()) != 3 {
		t.Errorf("dropping changed the value from before")
	}
}

func TestOverridesInJSON(t *testing.T) {
	file := stateOf(nat(vip, one))
	n := onReal(lb.Change, vip, one, weight(0))
	n.Origin = lb.Origin{By: "xlbctl", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Why: "disk"}
	data, err := json.Marshal(lb.Overrides{}.Put(file, n))
	want := `{"version":1,"overrides":[{"action":"change","server":"tcp:192.0.2.1:80","real":"10.0.0.1:80","weight":0,` +
		`"by":"xlbctl","at":"2026-01-02T03:04:05Z","why":"disk"}]}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v, want\n%s", data, err, want)
	}
	if data, err := json.Marshal(lb.Overrides{}); err != nil || string(data) != `{"version":1,"overrides":[]}` {
		t.Errorf("none: %s, %v", data, err)
	}
}

func TestReadOverrides(t *testing.T) {
	tests := []struct {
		name, text string
		n          int    // overrides read
		says       string // "": no error
	}{
		{"OK: none", `{"version":1}`, 0, ""},
		{"OK: of a newer program", `{"version":1,"new":{},"overrides":[{"action":"add","server":"tcp:192.0.2.1:80","newer":[1]}]}`, 1, ""},
		{"OK: the later of two counts", `{"version":1,"overrides":[{"action":"add","server":"tcp:192.0.2.1:80"},{"action":"remove","server":"tcp:192.0.2.1:80"}]}`, 1, ""},
		{"bad: no version", `{"overrides":[]}`, 0, "version 0"},
		{"bad: newer version", `{"version":2,"overrides":[]}`, 0, "version 2"},
		{"bad: no JSON", `{`, 0, "unexpected end"},
		{"bad: empty", ``, 0, "unexpected end"},
		{"bad: no action", `{"version":1,"overrides":[{"server":"tcp:192.0.2.1:80"}]}`, 0, "override 1: tcp:192.0.2.1:80: \"\" is no action"},
		{"bad: no virtual server", `{"version":1,"overrides":[{"action":"add"}]}`, 0, "names no virtual server"},
		{"bad: virtual server", `{"version":1,"overrides":[{"action":"add","server":"x"}]}`, 0, "no virtual server"},
		{"bad: scheduler", `{"version":1,"overrides":[{"action":"add","server":"tcp:192.0.2.1:80","scheduler":"x"}]}`, 0, "no scheduler"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var o lb.Overrides
			err := json.Unmarshal([]byte(test.text), &o)
			if len(o.List()) != test.n || (err == nil) != (test.says == "") {
				t.Errorf("%d overrides, %v", len(o.List()), err)
			} else if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
	var o lb.Overrides
	if err := json.Unmarshal([]byte(`{"version":9}`), &o); !errors.Is(err, lb.ErrUnsupported) {
		t.Errorf("newer version: %v", err)
	}
}

// What is saved is what is loaded.
func TestOverridesBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := genState().Draw(t, "file")
		edited, o := file, lb.Overrides{}
		for range rapid.IntRange(0, 6).Draw(t, "commands") {
			var n lb.Override
			n, edited = genCommand(t, edited)
			o = o.Put(file, n)
		}
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var again lb.Overrides
		if err := json.Unmarshal(data, &again); err != nil || len(o.List())+len(again.List()) > 0 && !reflect.DeepEqual(o.List(), again.List()) {
			t.Fatalf("%v: %s became %+v", err, data, again.List())
		}
	})
}

func FuzzOverrides(f *testing.F) {
	f.Add([]byte(`{"version":1,"overrides":[{"action":"add","server":"tcp:192.0.2.1:80","real":"10.0.0.1:80","weight":3}]}`))
	f.Add([]byte(`{"version":1,"overrides":[{"action":"change","server":"udp:[2001:db8::1]:53","scheduler":"wrr","instance":3}]}`))
	f.Add([]byte(`{"version":1,"overrides":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var o, again lb.Overrides
		if json.Unmarshal(data, &o) != nil {
			return
		}
		lb.Compose(stateOf(nat(vip, one)), o, nil)
		written, err := json.Marshal(o)
		if err == nil {
			err = json.Unmarshal(written, &again)
		}
		if err != nil {
			t.Fatalf("read %s, and then: %v: %s", data, err, written)
		}
	})
}
