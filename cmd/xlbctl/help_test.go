// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/lb"
)

var update = flag.Bool("update", false, "rewrite the golden files with what comes out")

// golden compares with a file, or rewrites it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what comes out; if that is right, run go test with -update (-want +got):\n%s", file, diff)
	}
}

// walk calls f with every command.
func walk(c *command, f func(*command)) {
	f(c)
	for _, s := range c.sub {
		walk(s, f)
	}
}

// outcome runs a command line in this process, without anybody to ask.
func outcome(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, program{stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

func TestHelp(t *testing.T) {
	t.Setenv("XLB_RUN_DIR", "") // help must not depend on the environment
	walk(commands(), func(c *command) {
		if c.hidden {
			return
		}
		words := strings.Fields(c.path())[1:]
		t.Run(c.path(), func(t *testing.T) {
			code, stdout, stderr := outcome(t, append(slices.Clone(words), "--help")...)
			if code != exitDone || stderr != "" {
				t.Errorf("exit code %d, errors: %s", code, stderr)
			}
			golden(t, filepath.Join("testdata", "help", strings.ReplaceAll(c.path(), " ", "-")+".txt"), stdout)
			for _, other := range [][]string{append([]string{"help"}, words...), append([]string{"-h"}, words...)} {
				if _, again, _ := outcome(t, other...); again != stdout {
					t.Errorf("xlbctl %s prints something else:\n%s", strings.Join(other, " "), again)
				}
			}
		})
	})
}

// No golden file is of a command that is gone.
func TestHelpFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "help", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	walk(commands(), func(c *command) {
		name := filepath.Join("testdata", "help", strings.ReplaceAll(c.path(), " ", "-")+".txt")
		files = slices.DeleteFunc(files, func(f string) bool { return f == name })
	})
	if len(files) > 0 {
		t.Errorf("of no command: %v", files)
	}
}

// Every command has a summary, a run or commands of its own, and examples that
// parse.
func TestCommandsAreComplete(t *testing.T) {
	walk(commands(), func(c *command) {
		if c.summary == "" || strings.HasSuffix(c.summary, ".") || (c.run == nil) == (len(c.sub) == 0) {
			t.Errorf("%s is not complete", c.path())
		}
		if len(c.examples) == 0 && c.run != nil && !c.hidden {
			t.Errorf("%s has no example", c.path())
		}
		for _, e := range c.examples {
			first, _, _ := strings.Cut(e.line, " ")
			words := strings.Fields(strings.FieldsFunc(e.line, func(r rune) bool { return strings.ContainsRune("|>&;", r) })[0])
			if first == "xlbctl" {
				l, err := arrange(commands(), words[1:])
				if err != nil || l.command.run == nil {
					t.Errorf("example %q: %v", e.line, err)
				} else if n := len(l.args); n < l.command.min || n > l.command.max {
					t.Errorf("example %q has %d arguments", e.line, n)
				}
			}
		}
		for _, text := range strings.Split(c.text, "\n") {
			if len(text) > 80 {
				t.Errorf("%s: a line of %d characters: %s", c.path(), len(text), text)
			}
		}
	})
}

// docs/commands.md says what --help says.
func TestDocsAreCurrent(t *testing.T) {
	_, stdout, _ := outcome(t, "docs")
	golden(t, filepath.Join("..", "..", "docs", "commands.md"), stdout)
}

// Help names the schedulers and methods that there are, no others.
func TestHelpNamesWhatThereIs(t *testing.T) {
	root := commands()
	for _, tt := range []struct {
		command *command
		flag    string
		want    string
	}{
		{root.find("server").find("add"), "scheduler", string(lb.RoundRobin)},
		{root.find("real").find("add"), "forward", string(lb.NAT)},
	} {
		if d := describe(tt.command.flag(tt.flag)); d.value != tt.want || !strings.Contains(d.usage, tt.want) {
			t.Errorf("--%s: default %q, usage %q, want %q", tt.flag, d.value, d.usage, tt.want)
		}
	}
}
