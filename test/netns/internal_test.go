// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// runnerFunc is tests to run.
type runnerFunc func() int

func (f runnerFunc) Run() int { return f() }

func TestRunFailsOnLeaks(t *testing.T) {
	var leaked *os.File
	leak := func(code int) runnerFunc {
		return func() int {
			leaked, _ = os.Open("/dev/null")
			return code
		}
	}
	tests := map[string]struct {
		run     Runner
		timeout time.Duration // short where a leak is certain
		code    int
		output  string
	}{
		"clean":            {runnerFunc(func() int { return 0 }), leakTimeout, 0, ""},
		"failed and clean": {runnerFunc(func() int { return 3 }), leakTimeout, 3, ""},
		"leak":             {leak(0), 0, 1, "-> /dev/null"},
		"failed with leak": {leak(2), 0, 2, "-> /dev/null"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := run(tt.run, &out, tt.timeout); code != tt.code {
				t.Errorf("exit status %d, want %d", code, tt.code)
			}
			if tt.output == "" && out.Len() > 0 || !strings.Contains(out.String(), tt.output) {
				t.Errorf("output %q, want %q", out.String(), tt.output)
			}
			leaked.Close()
		})
	}
}

func TestParseMount(t *testing.T) {
	tests := map[string]struct {
		line string
		want mount
		ok   bool
	}{
		"OK optional field":     {"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n", mount{"/mnt2", "ext3"}, true},
		"OK no optional field":  {"84 22 0:43 / /tmp/x/bpf rw - bpf bpf rw,mode=700", mount{"/tmp/x/bpf", "bpf"}, true},
		"OK space in the path":  {`84 22 0:43 / /tmp/a\040b rw - bpf bpf rw`, mount{"/tmp/a b", "bpf"}, true},
		"bad empty":             {"", mount{}, false},
		"bad no separator":      {"84 22 0:43 / /tmp rw bpf bpf rw", mount{}, false},
		"bad too few fields":    {"84 22 - bpf", mount{}, false},
		"bad nothing after it":  {"84 22 0:43 / /tmp rw - ", mount{}, false},
		"bad nothing but a bar": {" - ", mount{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, ok := parseMount(tt.line); got != tt.want || ok != tt.ok {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
}

func TestParseStat(t *testing.T) {
	tests := map[string]struct {
		line string
		want process
		ok   bool
	}{
		"OK":                 {"17 (sleep) S 16 17 1 0", process{17, 16, 'S', "sleep"}, true},
		"OK odd name":        {"17 (a) Z (b) c) Z 1 2 3", process{17, 1, 'Z', "a) Z (b) c"}, true},
		"bad empty":          {"", process{}, false},
		"bad no parenthesis": {"17 sleep S 16", process{}, false},
		"bad order":          {"17 )sleep( S 16", process{}, false},
		"bad pid":            {"x (sleep) S 16", process{}, false},
		"bad short":          {"17 (sleep) S", process{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, ok := parseStat(tt.line); got != tt.want || ok != tt.ok {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
	if _, ok := parseStat("17 (sleep) S x"); ok {
		t.Error("a parent that is no number was accepted")
	}
}

func TestParseFdinfo(t *testing.T) {
	text := "pos:\t0\nflags:\t02000002\nlink_type:\txdp\nlink_id:\t3\nprog_tag:\tabc\nprog_id:\t17\nmap_id:\tx\n"
	want := []object{{bpfLink, 3}, {program, 17}}
	if diff := cmp.Diff(want, parseFdinfo(text), cmp.AllowUnexported(object{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwnerOf(t *testing.T) {
	tests := map[string]int{ // 0: not a lab's
		"xlblab-12-1": 12, "xlblab-12-1-client": 12, "xlblab-12-": 12,
		"": 0, "xlblab": 0, "xlblab-": 0, "xlblab-12": 0, "xlblab--1": 0, "xlblab-0-1": 0, "xlblab-x-1": 0, "xlb-12-1": 0, "my-xlblab-12-1": 0,
	}
	for name, want := range tests {
		if pid, ok := ownerOf(name); pid != want && ok || ok != (want != 0) {
			t.Errorf("ownerOf(%q) = %d, %v; want %d", name, pid, ok, want)
		}
	}
}

func TestMountMadeBy(t *testing.T) {
	tmp := os.TempDir()
	tests := []struct {
		point, prefix string
		want          bool
	}{
		{tmp + "/xlblab-12-1/bpf", "xlblab-12-1-", true},
		{tmp + "/xlblab-12-1/bpf", "xlblab-12-", true},
		{tmp + "/xlblab-12-11/bpf", "xlblab-12-1-", false},
		{tmp + "/xlblab-120-1/bpf", "xlblab-12-", false},
		{"/run/netns/xlblab-12-1-a", "xlblab-12-1-", true},
		{"/run/netns/xlblab-12-1-a", "xlblab-12-2-", false},
		{"/sys/fs/bpf", "xlblab-12-", false},
		{"/elsewhere/xlblab-12-1/bpf", "xlblab-12-1-", false},
	}
	for _, tt := range tests {
		if got := (mount{point: tt.point}).madeBy(tt.prefix); got != tt.want {
			t.Errorf("%s made by %s*: %v, want %v", tt.point, tt.prefix, got, tt.want)
		}
	}
}

// fakeTB records what a helper does to its test.
type fakeTB struct {
	TB
	fatal string
}

func (f *fakeTB) Helper()                           {}
func (f *fakeTB) Fatalf(format string, args ...any) { f.fatal = fmt.Sprintf(format, args...) }

func TestEventually(t *testing.T) {
	calls := 0
	Eventually(t, time.Minute, func() error {
		if calls++; calls < 3 {
			return os.ErrNotExist
		}
		return nil
	})
	if calls != 3 {
		t.Errorf("%d calls, want 3", calls)
	}
	fake := &fakeTB{}
	Eventually(fake, time.Millisecond, func() error { return os.ErrNotExist })
	if !strings.Contains(fake.fatal, os.ErrNotExist.Error()) {
		t.Errorf("the test failed with %q, want the last error", fake.fatal)
	}
}

// FuzzProcfs feeds the parsers of what the kernel writes.
func FuzzProcfs(f *testing.F) {
	f.Add("36 35 98:0 / /mnt rw - ext3 /dev/root rw")
	f.Add("17 (a) b) S 16 17")
	f.Add("map_id:\t17\n")
	f.Add("xlblab-17-1-client")
	f.Fuzz(func(_ *testing.T, s string) {
		parseMount(s)
		parseStat(s)
		parseFdinfo(s)
		ownerOf(s)
	})
}
