// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
)

// ErrClosed says that the lab of a namespace was closed before.
var ErrClosed = errors.New("the lab is closed")

// runDir is where iproute2 looks for named network namespaces.
const runDir = "/run/netns"

// Lab owns network namespaces and everything made in them. Its methods may be called from several goroutines.
type Lab struct {
	prefix string // of the names of namespaces and of the directory: "xlblab-<pid>-<sequence>-"

	mu     sync.Mutex
	closed bool
	spaces []*NS
	cmds   []*Cmd
	pass   *ebpf.Program // what FaceDirector attaches; nil before its first use
	bpffs  string        // where the private bpffs is mounted; "" before its first use
}

// New returns an empty lab. The caller must Close it.
func New() (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("netns: a lab makes network namespaces and needs root: %w", os.ErrPermission)
	}
	for i := 1; ; i++ {
		l := &Lab{prefix: fmt.Sprintf("%s%d-", ownPrefix(), i)}
		err := os.Mkdir(l.Dir(), 0o700) // claims the number
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("netns: make the lab's directory: %w", err)
		}
	}
}

// Dir returns a directory of the lab's own for sockets, configuration and state. Close removes it.
func (l *Lab) Dir() string { return labDir(l.prefix) }

// labDir returns the directory of the lab with the given prefix.
func labDir(prefix string) string {
	return filepath.Join(os.TempDir(), strings.TrimSuffix(prefix, "-"))
}

// NewNS makes a network namespace. Its full name, for `ip netns exec`, is the lab's prefix and name. The loopback interface is up; IPv6
// is silent until an interface gets an IPv6 address, so that no neighbour discovery disturbs counters.
func (l *Lab) NewNS(name string) (*NS, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("netns: make namespace %s: %w", name, ErrClosed)
	}
	ns, err := newNS(l, name)
	if err != nil {
		return nil, fmt.Errorf("netns: make namespace %s%s: %w", l.prefix, name, err)
	}
	l.spaces = append(l.spaces, ns)
	return ns, nil
}

// Close ends every process that runs in the lab and removes its namespaces, mounts and files. It goes on after a failure and
// returns all of them. A process that was still running is an error too: whoever started it forgot to stop it.
// Closing again does nothing.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	errs := l.endProcesses()
	if l.pass != nil {
		errs = append(errs, l.pass.Close())
	}
	for _, ns := range l.spaces {
		errs = append(errs, ns.close())
	}
	return errors.Join(append(errs, remove(l.prefix))...)
}
