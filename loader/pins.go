// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xlb-project/xlb/maps"
)

// Where a director keeps its things unless told otherwise.
const (
	DefaultPinDir = "/sys/fs/bpf/xlb"
	DefaultRunDir = "/run/xlb"
)

// Folders below the pin directory, beside those that package maps names.
const (
	portDir     = "ports"
	incomingDir = "incoming"
)

// Dirs says where one director keeps its things. Two directors in two network
// namespaces of one machine need two of each.
type Dirs struct {
	Pin string // on a bpffs; empty: DefaultPinDir
	Run string // for the lock; empty: DefaultRunDir
}

func (d Dirs) withDefaults() Dirs {
	if d.Pin == "" {
		d.Pin = DefaultPinDir
	}
	if d.Run == "" {
		d.Run = DefaultRunDir
	}
	return d
}

// pins knows where below the pin directory everything is.
type pins struct{ root string }

func (p pins) dir(name string) string     { return filepath.Join(p.root, name) }
func (p pins) mapFile(name string) string { return filepath.Join(p.root, maps.MapDir, name) }
func (p pins) program(name string) string { return filepath.Join(p.root, maps.ProgramDir, name) }
func (p pins) link(ifname string) string {
	return filepath.Join(p.root, maps.LinkDir, encodeName(ifname))
}
func (p pins) port(number uint16) string {
	return filepath.Join(p.root, portDir, strconv.Itoa(int(number)))
}
func (p pins) incoming(elem ...string) string {
	return filepath.Join(append([]string{p.root, incomingDir}, elem...)...)
}

// folders are all that hold pins, the innermost first.
func (p pins) folders() []string {
	return []string{
		p.incoming(maps.MapDir), p.incoming(maps.ProgramDir), p.incoming(),
		p.dir(portDir), p.dir(maps.LinkDir), p.dir(maps.ProgramDir), p.dir(maps.MapDir),
	}
}

// make makes the folders that a working data path has.
func (p pins) make() error {
	for _, name := range []string{maps.MapDir, maps.ProgramDir, maps.LinkDir, portDir} {
		if err := os.MkdirAll(p.dir(name), 0o700); err != nil {
			return fmt.Errorf("making the pin directory: %w", err)
		}
	}
	return nil
}

// A bpffs refuses dots in names, and the kernel refuses colons in interface
// names (dev_valid_name), so one stands for the other.

func encodeName(ifname string) string { return strings.ReplaceAll(ifname, ".", ":") }
func decodeName(pin string) string    { return strings.ReplaceAll(pin, ":", ".") }

// interfaces lists the interfaces that have a pinned link, by name.
func (p pins) interfaces() ([]string, error) {
	names, err := list(p.dir(maps.LinkDir))
	for i := range names {
		names[i] = decodeName(names[i])
	}
	return names, err
}

// portNames reads whose each port number is. A number stays reserved after its
// interface was detached, because connections may refer to it.
func (p pins) portNames() (map[uint16]string, error) {
	files, err := list(p.dir(portDir))
	if err != nil {
		return nil, err
	}
	names := make(map[uint16]string, len(files))
	for _, file := range files {
		n, err := strconv.ParseUint(file, 10, 16)
		if err != nil {
			continue
		}
		target, err := os.Readlink(filepath.Join(p.dir(portDir), file))
		if err != nil {
			return nil, fmt.Errorf("reading whose port %s is: %w", file, err)
		}
		names[uint16(n)] = decodeName(filepath.Base(target))
	}
	return names, nil
}

// reserve notes whose a port number is.
func (p pins) reserve(number uint16, ifname string) error {
	if err := remove(p.port(number)); err != nil {
		return err
	}
	target := filepath.Join("..", maps.LinkDir, encodeName(ifname))
	if err := os.Symlink(target, p.port(number)); err != nil {
		return fmt.Errorf("noting whose port %d is: %w", number, err)
	}
	return nil
}

// list gives the names in a directory; none if there is no such directory.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing pins: %w", err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// remove removes a file, if it is there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a pin: %w", err)
	}
	return nil
}

// exists says whether there is such a file, without following it.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
