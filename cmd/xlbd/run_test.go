// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
)

// execution is what came of a command line.
type execution struct {
	code           int
	stdout, stderr string
	served         *settings
}

func execute(t *testing.T, fail error, args ...string) execution {
	t.Helper()
	var out, err bytes.Buffer
	e := execution{}
	e.code = run(t.Context(), append([]string{"xlbd"}, args...), program{
		stdout: &out, stderr: &err, getenv: func(string) string { return "" },
		serve: func(_ context.Context, s settings) error { e.served = &s; return fail },
	})
	e.stdout, e.stderr = out.String(), err.String()
	return e
}

// file writes a configuration.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "xlb.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCommandLine(t *testing.T) {
	good, bad := file(t, "interfaces: [eth0]\n"), file(t, "interfacs: [eth0]\nown_all: maybe\n")
	missing := filepath.Join(t.TempDir(), "none.yaml")
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts; empty: must be empty
		serves         bool
	}{
		{"OK run", []string{"-f", good}, 0, "", "", true},
		{"OK run with the long flag", []string{"--file", good, "--engine", "xdp"}, 0, "", "", true},
		{"bad run with findings", []string{"-f", bad}, 1, "", `did you mean "interfaces"`, false},
		{"bad run without a file", []string{"-f", missing}, 1, "", "none.yaml", false},
		{"OK test", []string{"-t", "-f", good}, 0, "is good: 1 interface, 0 virtual servers", "", false},
		{"bad test prints all findings", []string{"-t", "-f", bad}, 1, ":2:10: true or false is wanted", "has 2 findings", false},
		{"bad test without a file", []string{"-t", "-f", missing}, 1, "", "none.yaml", false},
		{"OK version", []string{"--version"}, 0, "xlbd ", "", false},
		{"OK help", []string{"--help"}, 0, "Examples:", "", false},
		{"bad argument", []string{"start"}, 2, "", `"start" is no flag`, false},
		{"bad flag", []string{"--fast"}, 2, "", "-fast", false},
		{"bad flag without its value", []string{"-f"}, 2, "", "-f", false},
		{"bad engine", []string{"--engine", "dpdk"}, 2, "", `"dpdk" is not known`, false},
		{"bad engine of a later version", []string{"--engine", "ipvs"}, 2, "", "not yet in this version", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := execute(t, nil, test.args...)
			if got.code != test.code || (got.served != nil) != test.serves {
				t.Errorf("code %d, serves %v; want %d, %v", got.code, got.served != nil, test.code, test.serves)
			}
			for _, stream := range []struct{ name, got, want string }{
				{"stdout", got.stdout, test.stdout}, {"stderr", got.stderr, test.stderr},
			} {
				if !strings.Contains(stream.got, stream.want) || (stream.want == "") != (stream.got == "") {
					t.Errorf("%s: want %q in:\n%s", stream.name, stream.want, stream.got)
				}
			}
		})
	}
}

func TestDirectories(t *testing.T) {
	good := file(t, "")
	if got := execute(t, nil, "-f", good).served.dirs; got != control.DefaultDirs() {
		t.Errorf("defaults: %+v", got)
	}
	want := control.Dirs{Run: "/r", Pin: "/p", State: "/s"}
	if got := execute(t, nil, "-f", good, "--run-dir", "/r", "--pin-dir", "/p", "--state-dir", "/s").served.dirs; got != want {
		t.Errorf("flags: %+v", got)
	}
	t.Setenv("XLB_RUN_DIR", "/r")
	t.Setenv("XLB_PIN_DIR", "/p")
	t.Setenv("XLB_STATE_DIR", "/s")
	t.Setenv("XLB_FILE", good)
	if got := execute(t, nil).served.dirs; got != want {
		t.Errorf("environment: %+v", got)
	}
	if got := execute(t, nil, "--run-dir", "/other").served.dirs.Run; got != "/other" {
		t.Errorf("a flag does not win over the environment: %s", got)
	}
}

func TestFailedDaemon(t *testing.T) {
	refused := control.Errorf(control.CodeConflict, "xlbd with process id 7 has the control socket").WithHint("stop it first")
	got := execute(t, refused, "-f", file(t, ""))
	if got.code != 1 || !strings.Contains(got.stderr, "process id 7") || !strings.Contains(got.stderr, "stop it first") {
		t.Errorf("code %d:\n%s", got.code, got.stderr)
	}
	if got := execute(t, errors.New("no memory"), "-f", file(t, "")); got.code != 1 || !strings.Contains(got.stderr, "no memory") {
		t.Errorf("code %d:\n%s", got.code, got.stderr)
	}
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	level := new(slog.LevelVar)
	log := newLogger(&b, config.Log{Level: slog.LevelWarn, JSON: true}, level)
	log.Info("quiet")
	level.Set(slog.LevelInfo)
	log.Info("loud", "error", errors.New("cause"))
	var line struct{ Msg, Error string }
	if err := json.Unmarshal(b.Bytes(), &line); err != nil || line.Msg != "loud" || line.Error != "cause" {
		t.Errorf("%v: %s", err, &b)
	}
	b.Reset()
	newLogger(&b, config.Log{}, level).Info("text", "n", 1)
	if !strings.Contains(b.String(), "msg=text n=1") {
		t.Errorf("%s", &b)
	}
}
