// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// BPFFS returns the root of a bpf file system of the lab's own, mounted on first use, so that no test touches /sys/fs/bpf. Closing the lab
// unmounts it, which also unpins all that is pinned there.
func (l *Lab) BPFFS() (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return "", fmt.Errorf("netns: mount a bpffs: %w", ErrClosed)
	}
	if l.bpffs != "" {
		return l.bpffs, nil
	}
	dir := filepath.Join(l.Dir(), "bpf")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("netns: mount a bpffs: %w", err)
	}
	if err := unix.Mount("bpf", dir, "bpf", 0, "mode=0700"); err != nil {
		return "", fmt.Errorf("netns: mount a bpffs on %s: %w", dir, err)
	}
	l.bpffs = dir
	return dir, nil
}
