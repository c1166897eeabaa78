// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// heldNames lists the named namespaces and the directories of this process' labs.
func heldNames() ([]string, error) {
	names, err := labNames()
	var out []string
	for _, name := range names {
		if strings.HasPrefix(name, ownPrefix()) {
			out = append(out, "lab: "+name)
		}
	}
	return out, err
}

// heldMounts lists what this process' labs have mounted besides namespaces, which are listed by name.
func heldMounts() ([]string, error) {
	mounts, err := mountsOf(ownPrefix())
	var out []string
	for _, m := range mounts {
		if m.fs != "nsfs" {
			out = append(out, fmt.Sprintf("mount: %s on %s", m.fs, m.point))
		}
	}
	return out, err
}

// heldChildren lists the child processes, those that have ended and were not waited for included.
func heldChildren() ([]string, error) {
	var out []string
	for _, p := range processes() {
		switch {
		case p.parent != os.Getpid():
		case p.state == 'Z':
			out = append(out, fmt.Sprintf("child: %v ended, and nobody waited for it", p))
		default:
			out = append(out, fmt.Sprintf("child: %v", p))
		}
	}
	return out, nil
}

// heldFiles lists the open file descriptors. The runtime's own, which it opens when it first polls, are left out.
func heldFiles() ([]string, error) {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("netns: list file descriptors: %w", err)
	}
	var out []string
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the descriptor that read the directory
		}
		if err != nil {
			return nil, fmt.Errorf("netns: list file descriptors: %w", err)
		}
		if target != "anon_inode:[eventpoll]" && target != "anon_inode:[eventfd]" {
			out = append(out, fmt.Sprintf("file descriptor: %s -> %s", e.Name(), target))
		}
	}
	return out, nil
}
