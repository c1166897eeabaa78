// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/cmd/internal/notify"
)

// whole is a daemon with all its sockets, in real time, over a fake kernel.
type whole struct {
	*world
	opt     Options
	hangup  chan os.Signal
	manager *net.UnixConn
	client  *control.Client
	metrics string
	cancel  context.CancelFunc
	done    chan error
}

// freePort is an address that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func startWhole(t *testing.T, text string) *whole {
	t.Helper()
	w := &whole{
		world:  &world{t: t, kernel: newKernel("eth0", "eth1"), dir: t.TempDir(), log: &logBuffer{}},
		hangup: make(chan os.Signal), done: make(chan error, 1), metrics: freePort(t),
	}
	name := filepath.Join(w.dir, "notify")
	var err error
	if w.manager, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	w.write(fmt.Sprintf("metrics: {listen: %q}\n%s", w.metrics, text))
	w.opt = w.options()
	w.opt.Hangup = w.hangup
	w.opt.Notify = notify.New(func(key string) string {
		return map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"}[key]
	})
	w.client = control.NewClient(w.opt.Dirs.Run)
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.done <- Run(ctx, w.opt) }()
	t.Cleanup(func() {
		cancel()
		_, _ = w.client.Close(), w.manager.Close()
	})
	return w
}

// hears waits for a message to the service manager.
func (w *whole) hears(want string) string {
	w.t.Helper()
	buffer := make([]byte, 4096)
	if err := w.manager.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	for {
		n, err := w.manager.Read(buffer)
		if err != nil {
			w.t.Fatalf("waiting for %s: %v\n%s", want, err, w.log)
		}
		if got := string(buffer[:n]); strings.HasPrefix(got, want) {
			return got
		}
	}
}

func (w *whole) get(path string) (int, string, error) {
	response, err := http.Get("http://" + w.metrics + path)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// eventually waits until there is no error.
func (w *whole) eventually(what func() error) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for err := what(); err != nil; err = what() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%v\n%s", err, w.log)
		}
		<-tick.C
	}
}

func (w *whole) serves(path string, code int, part string) {
	w.t.Helper()
	w.eventually(func() error {
		got, body, err := w.get(path)
		if err == nil && (got != code || !strings.Contains(body, part)) {
			err = fmt.Errorf("%s: %d, want %d with %q:\n%s", path, got, code, part, body)
		}
		return err
	})
}

func TestRun(t *testing.T) {
	w := startWhole(t, web)
	if got := w.hears("READY=1"); !strings.Contains(got, "1 virtual servers, 2 real servers, attached to 2 interfaces") {
		t.Errorf("%q", got)
	}
	w.hears("WATCHDOG=1")
	w.holds(webInKernel)
	w.serves("/readyz", 200, "ok")
	if err := w.kernel.connect(); err != nil {
		t.Fatal(err)
	}
	w.serves("/metrics", 200, `xlb_real_server_open_connections{real_server="10.2.0.11:80",state="active",virtual_server="tcp:192.0.2.1:80"} 1`)

	s, err := w.client.Status(t.Context())
	if err != nil || s.Daemon == nil || s.Daemon.PID != os.Getpid() || s.Daemon.Metrics != w.metrics || s.Engine != "fake" || len(s.Interfaces) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := w.client.Edit(t.Context(), []control.Edit{realAdd(webServer, "10.2.0.13:80")}); err != nil {
		t.Error(err)
	}
	w.holds("tcp:192.0.2.1:80 -> 10.2.0.11:80/1 10.2.0.12:80/1 10.2.0.13:80/1")
	w.serves("/metrics", 200, "xlb_overrides 1")
	if n, err := w.client.CountConnections(t.Context(), control.ConnFilter{}); err != nil || n.Count != 1 {
		t.Errorf("%+v, %v", n, err)
	}
	if stats, err := w.client.Stats(t.Context()); err != nil || stats.Established.Used != 1 {
		t.Errorf("%+v, %v", stats, err)
	}

	w.write("nonsense: 1\n")
	w.hangup <- syscall.SIGHUP
	w.hears("RELOADING=1")
	w.hears("READY=1")
	w.serves("/metrics", 200, "xlb_config_last_reload_successful 0")
	w.serves("/readyz", 200, "ok")
	moved := freePort(t)
	w.write(fmt.Sprintf("metrics: {listen: %q}\ninterfaces: [eth0]\n", moved))
	w.hangup <- syscall.SIGHUP
	w.hears("READY=1")
	w.metrics = moved
	w.serves("/metrics", 200, "xlb_config_last_reload_successful 1")

	w.cancel()
	w.hears("STOPPING=1")
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	if _, err := w.client.Version(t.Context()); !errors.Is(err, control.ErrUnavailable) {
		t.Errorf("it still answers: %v", err)
	}
	if len(w.kernel.attached) != 2 {
		t.Error("the end took something off the interfaces")
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	w := startWhole(t, "")
	w.hears("READY=1")
	err := Run(t.Context(), w.opt)
	if !errors.Is(err, control.ErrConflict) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("got %v; want the process id of the first", err)
	}
	w.cancel()
	<-w.done
}

// TestMetricsAddressInUse: the balancer does not depend on its metrics.
func TestMetricsAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	log := &logBuffer{}
	m := newMetricsServer(http.NotFoundHandler(), slog.New(slog.NewTextHandler(log, nil)))
	c, err := config.Parse("xlb.yaml", fmt.Appendf(nil, "metrics: {listen: %q}\n", taken.Addr()), features())
	if err != nil {
		t.Fatal(err)
	}
	m.set(c.Metrics.Listen)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.run(ctx) }()
	w := &whole{world: &world{t: t, log: log}}
	w.eventually(func() error {
		if !strings.Contains(log.String(), "address already in use") {
			return errors.New("nothing was logged")
		}
		return nil
	})
	if got := m.address(); got != "" {
		t.Errorf("says that it serves %s", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
