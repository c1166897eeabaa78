// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long Stop waits after SIGTERM, and how long Wait waits for output that a grandchild holds open, by default.
const patience = 5 * time.Second

// Cmd is a command that runs in a namespace. It is an exec.Cmd, whose fields are set before Start as usual.
//
// Unlike `ip netns exec`, which remounts /sys and so hides /sys/fs/bpf, the command sees all mounts of its parent. (Thus
// /sys/class/net shows the first namespace's interfaces; netlink and /proc/net show the right ones.) It leads a process group
// of its own and is killed when this program dies, however that happens.
type Cmd struct {
	*exec.Cmd
	StopTimeout time.Duration // how long Stop waits after SIGTERM; 5 s by default

	ns   *NS
	once sync.Once
	done chan struct{} // closed when the process has been waited for
	err  error         // of Wait; valid once done is closed
}

// Command returns a command to run in the namespace. When ctx ends, its whole process group is killed.
func (ns *NS) Command(ctx context.Context, name string, args ...string) *Cmd {
	c := &Cmd{Cmd: exec.CommandContext(ctx, name, args...), StopTimeout: patience, ns: ns, done: make(chan struct{})}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return c.signal(unix.SIGKILL) }
	c.WaitDelay = patience
	return c
}

// Start starts the command. The lab kills it on Close and reports it then, unless it has ended.
func (c *Cmd) Start() error {
	l := c.ns.lab
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("netns: start %s in %v: %w", c.Path, c.ns, ErrClosed)
	}
	started := make(chan error, 2)
	go func() {
		started <- c.ns.Do(func() error {
			if err := c.Cmd.Start(); err != nil {
				return err
			}
			started <- nil
			<-c.done // Pdeathsig watches the thread, so the thread has to live as long as the process
			return nil
		})
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("netns: start %s in %v: %w", c.Path, c.ns, err)
	}
	l.cmds = append(l.cmds, c)
	return nil
}

// Wait waits for the command to end, as exec.Cmd's Wait does. It may be called again and from several goroutines.
func (c *Cmd) Wait() error {
	c.once.Do(func() {
		c.err = c.Cmd.Wait()
		close(c.done)
	})
	return c.err
}

// Run starts the command and waits for it.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns its standard output. An error carries what went to standard error.
func (c *Cmd) Output() ([]byte, error) {
	var stdout, stderr bytes.Buffer
	c.Stdout = &stdout
	if c.Stderr == nil {
		c.Stderr = &stderr
	}
	err := c.Run()
	if err != nil && stderr.Len() > 0 {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and returns its standard output and standard error together.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}

// Stop ends the command: SIGTERM to its process group, and SIGKILL after StopTimeout, which is an error. How the command took it does not matter
// here; Wait tells. Stopping a command that has ended does nothing.
func (c *Cmd) Stop() error {
	if c.Process == nil {
		return nil
	}
	_ = c.signal(unix.SIGTERM) // it may have ended by itself
	go func() { _ = c.Wait() }()
	select {
	case <-c.done:
		return nil
	case <-time.After(c.StopTimeout):
		c.kill()
		<-c.done
		return fmt.Errorf("netns: %s in %v did not end within %v of SIGTERM and was killed", c, c.ns, c.StopTimeout)
	}
}

// running says whether the process is there and has not ended. It must have been started.
func (c *Cmd) running() bool {
	select {
	case <-c.done:
		return false
	default:
	}
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, c.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo == 0
}

// kill kills the process group.
func (c *Cmd) kill() { _ = c.signal(unix.SIGKILL) }

// signal sends s to the process group, unless its leader has been waited for and the number may be another's by now.
func (c *Cmd) signal(s syscall.Signal) error {
	select {
	case <-c.done:
		return nil
	default:
	}
	err := unix.Kill(-c.Process.Pid, s)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}
