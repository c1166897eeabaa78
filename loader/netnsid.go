// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// netnsID is the inode of the calling thread's network namespace: what
// "readlink /proc/self/ns/net" shows, unique while the namespace lives.
func netnsID() (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return 0, fmt.Errorf("identifying the network namespace: %w", err)
	}
	return st.Ino, nil
}

// checkNetns refuses pins that serve another network namespace than own.
func checkNetns(pinDir string, pinned, own uint64) error {
	if pinned == own {
		return nil
	}
	return fmt.Errorf("pin directory %s: %w (net:[%d], this is net:[%d]): run in that namespace, or give this one directories of its own with --pin-dir and --run-dir", pinDir, ErrNetns, pinned, own)
}
