// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func TestArrange(t *testing.T) {
	const real = "real add tcp:192.0.2.1:80 10.0.0.1:80"
	tests := []struct{ name, in, want string }{
		{"flags first", "real add --weight 2 tcp:192.0.2.1:80 10.0.0.1:80", "real add --weight=2 -- tcp:192.0.2.1:80 10.0.0.1:80"},
		{"flags last", real + " --weight 2", "real add --weight=2 -- tcp:192.0.2.1:80 10.0.0.1:80"},
		{"flags in between", "real add tcp:192.0.2.1:80 --weight=2 10.0.0.1:80", "real add --weight=2 -- tcp:192.0.2.1:80 10.0.0.1:80"},
		{"short flags", real + " -w 2 -f nat", "real add --weight=2 --forward=nat -- tcp:192.0.2.1:80 10.0.0.1:80"},
		{"a negative number is a value", real + " -w -1", "real add --weight=-1 -- tcp:192.0.2.1:80 10.0.0.1:80"},
		{"global flags anywhere", "-o json real --run-dir /r add a b --pin-dir=/p", "--output=json --run-dir=/r --pin-dir=/p real add -- a b"},
		{"a flag without a value", "list -n --stats", "list --numeric=true --stats=true --"},
		{"a flag that is said to be false", "list --stats=false", "list --stats=false --"},
		{"one dash will do", "list -stats", "list --stats=true --"},
		{"two dashes end the flags", "attach -- -eth0 --mode", "attach -- -eth0 --mode"},
		{"a dash alone is an argument", "attach -", "attach -- -"},
		{"an empty argument stays", "attach  --mode=", "attach --mode= -- "},
		{"a flag of the same name as a command", "conn --server tcp:192.0.2.1:80 --real=10.0.0.1:80", "conn --server=tcp:192.0.2.1:80 --real=10.0.0.1:80 --"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := arrange(commands(), strings.Split(tt.in, " "))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(l.arguments()[1:], " "); got != tt.want {
				t.Errorf("%q was arranged as %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestArrangeRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"lsit", `xlbctl has no command "lsit"; did you mean "list"?`},
		{"server ad tcp:192.0.2.1:80", `xlbctl server has no command "ad"; did you mean "add"?`},
		{"server remove", `xlbctl server has no command "remove"`},
		{"frobnicate", `xlbctl has no command "frobnicate"`},
		{"-- list", `xlbctl has no command "list"`},
		{"list --stat", `xlbctl list has no flag --stat; did you mean "--stats"?`},
		{"list --state-dri x", `did you mean "--state-dir"?`},
		{"list -x", `xlbctl list has no flag -x`},
		{"list --weight 2", `xlbctl list has no flag --weight`},
		{"--weight 2 real add a b", `xlbctl has no flag --weight`},
		{"real add a b --weight", `--weight needs a value: --weight N`},
		{"attach eth0 -o", `-o needs a value: --output FORMAT`},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			_, err := arrange(commands(), strings.Fields(tt.in))
			if !errors.Is(err, control.ErrUsage) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			if hint := control.AsError(err).Hint; !strings.HasSuffix(hint, " --help") {
				t.Errorf("hint: %s", hint)
			}
		})
	}
}

// Where a flag stands makes no difference.
func TestArrangeAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.Permutation([][]string{
			{"tcp:192.0.2.1:80", "10.0.0.1:80"}, {"--weight", "2"}, {"-f", "nat"}, {"-o=json"}, {"--run-dir", "/r"},
		}).Draw(t, "order")
		l, err := arrange(commands(), append([]string{"real", "add"}, slices.Concat(groups...)...))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(l.local)
		slices.Sort(l.global)
		got := strings.Join(l.arguments(), " ")
		if want := "xlbctl --output=json --run-dir=/r real add --forward=nat --weight=2 -- tcp:192.0.2.1:80 10.0.0.1:80"; got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func FuzzArrange(f *testing.F) {
	for _, seed := range []string{"real add a b --weight 2", "help real", "-o json", "list --", "-- x", "server -=", "a\x00b", "--=", "- -"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Split(text, " ")
		l, err := arrange(commands(), words)
		if err != nil {
			if !errors.Is(err, control.ErrUsage) {
				t.Errorf("%q: %v is no usage error", text, err)
			}
			return
		}
		if l.command == nil {
			t.Errorf("%q: no command", text)
		}
	})
}

func TestDidYouMean(t *testing.T) {
	names := []string{"list", "stats", "status", "reload"}
	for typed, want := range map[string]string{
		"lst": "list", "LIST": "list", "statsu": "stats", "statuss": "status", "relaod": "reload", "xyzzy": "", "": "",
	} {
		got := didYouMean(typed, names)
		if want == "" && got != "" || want != "" && got != `; did you mean "`+want+`"?` {
			t.Errorf("didYouMean(%q) = %q, want %q", typed, got, want)
		}
	}
}
