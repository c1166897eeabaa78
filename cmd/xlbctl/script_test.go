// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/test/netns"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"xlbctl": main})
}

// leakChecked fails a run that leaves namespaces, pins or processes behind.
type leakChecked struct{ *testing.M }

func (l leakChecked) Run() int { return netns.Main(l.M) }

// TestScripts runs testdata/script: xlbctl as a process of its own. "daemon"
// in a script starts a daemon with a made-up kernel in $WORK/run, whose socket
// is a real one; "status CODE" fails unless the exec before ended with CODE.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XLB_RUN_DIR", filepath.Join(env.WorkDir, "run"))
			env.Setenv("XLB_PIN_DIR", filepath.Join(env.WorkDir, "pin"))
			env.Setenv("XLB_STATE_DIR", filepath.Join(env.WorkDir, "state"))
			return os.Mkdir(filepath.Join(env.WorkDir, "run"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": daemonCmd,
			"code":   codeCmd,
		},
	})
}

// daemonCmd starts a daemon: "daemon" one that answers, "daemon silent" one
// that never does, "daemon dead" leaves the socket of a killed one.
func daemonCmd(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.Getenv("XLB_RUN_DIR")
	if len(args) == 0 {
		serveDaemon(ts, dir)
		return
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, control.SocketName), Net: "unix"})
	ts.Check(err)
	l.SetUnlinkOnClose(false)
	if args[0] == "dead" {
		ts.Check(l.Close())
		return
	}
	ts.Defer(func() { ts.Check(l.Close()) })
}

func serveDaemon(ts *testscript.TestScript, dir string) {
	l, err := control.Listen(dir)
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx, control.Handler(newFakeDaemon()), slog.New(slog.DiscardHandler)) }()
	ts.Defer(func() {
		cancel()
		if err := <-ended; err != nil {
			ts.Fatalf("the daemon: %v", err)
		}
	})
}

// codeCmd runs xlbctl and compares its exit code: "code 2 list --nonsense".
func codeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: code CODE [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("xlbctl", args[1:]...); err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("xlbctl: %v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s", got, want, fmt.Sprint(args[1:]))
	}
}
