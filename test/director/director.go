// SPDX-License-Identifier: Apache-2.0

package director

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/test/netns"
)

// MetricsAddress is where xlbd serves its metrics, in the director's namespace.
const MetricsAddress = "127.0.0.1:9112"

// Director is a namespace in which xlb runs.
type Director struct {
	Topology *netns.Topology
	PinDir   string // --pin-dir, in a bpffs of the lab's own
	Config   string // xlbd's file
	Mode     string // of attaching, as the configuration has it; "": auto
	Log      *Log   // what xlbd says

	programs string
	dirs     []string
	daemon   *netns.Cmd
}

// New prepares a director; nothing runs yet. xlbd and xlbctl are in programs,
// files go to dir, which must exist.
func New(topo *netns.Topology, programs, dir string) (*Director, error) {
	fs, err := topo.Lab.BPFFS()
	if err != nil {
		return nil, err
	}
	d := &Director{
		Topology: topo, PinDir: filepath.Join(fs, "xlb"), Config: filepath.Join(dir, "xlb.yaml"), Log: &Log{}, programs: programs,
	}
	d.dirs = []string{"--run-dir", filepath.Join(dir, "run"), "--pin-dir", d.PinDir, "--state-dir", filepath.Join(dir, "state")}
	return d, nil
}

// Interfaces are the names that xlb attaches to.
func (d *Director) Interfaces() []string {
	if d.Topology.ClientSide == d.Topology.ServerSide {
		return []string{d.Topology.ClientSide.Name()}
	}
	return []string{d.Topology.ClientSide.Name(), d.Topology.ServerSide.Name()}
}

// Write writes the configuration: the interfaces, the metrics address, and the rest.
func (d *Director) Write(rest string) error {
	mode := d.Mode
	if mode == "" {
		mode = "auto"
	}
	var text strings.Builder
	text.WriteString("interfaces:\n")
	for _, name := range d.Interfaces() {
		fmt.Fprintf(&text, "  - {name: %s, mode: %s}\n", name, mode)
	}
	fmt.Fprintf(&text, "metrics: {listen: %q}\n%s", MetricsAddress, rest)
	return os.WriteFile(d.Config, []byte(text.String()), 0o644)
}

// Start starts xlbd and waits until it is ready.
func (d *Director) Start(ctx context.Context) error {
	args := append([]string{"-f", d.Config}, d.dirs...)
	d.daemon = d.Topology.Director.Command(context.WithoutCancel(ctx), filepath.Join(d.programs, "xlbd"), args...)
	d.daemon.Stdout, d.daemon.Stderr = d.Log, d.Log
	if err := d.daemon.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return d.waitReady(ctx)
}

func (d *Director) waitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := d.Get("/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("xlbd does not become ready: %w; it said:\n%s", err, d.Log)
		case <-tick.C:
		}
	}
}

// Stop ends xlbd in good order, if it runs.
func (d *Director) Stop() error {
	if d.daemon == nil {
		return nil
	}
	err := d.daemon.Stop()
	d.daemon = nil
	return err
}

// Kill ends xlbd as a crash would.
func (d *Director) Kill() error {
	if d.daemon == nil {
		return errors.New("xlbd does not run")
	}
	err := d.daemon.Process.Signal(unix.SIGKILL)
	_ = d.daemon.Wait() // says that it was killed
	d.daemon = nil
	return err
}

// Close stops xlbd and removes everything from the kernel.
func (d *Director) Close() error {
	err := d.Stop()
	if out, detach := d.Ctl("detach", "--all"); detach != nil {
		err = errors.Join(err, fmt.Errorf("detach --all: %w\n%s", detach, out))
	}
	return err
}

// Ctl runs xlbctl and returns all that it prints.
func (d *Director) Ctl(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args = append(d.dirs[:len(d.dirs):len(d.dirs)], args...)
	out, err := d.Topology.Director.Command(ctx, filepath.Join(d.programs, "xlbctl"), args...).CombinedOutput()
	return string(out), err
}

// Get fetches from xlbd's HTTP address.
func (d *Director) Get(path string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return d.Topology.Director.Dial(ctx, network, addr)
		},
	}}
	resp, err := client.Get("http://" + MetricsAddress + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(body), err
}
