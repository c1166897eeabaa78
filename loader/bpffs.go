// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// systemBPFFS is where a bpffs is mounted by convention (bpftool, iproute2,
// systemd), and the only place where this package mounts one.
const systemBPFFS = "/sys/fs/bpf"

// ensureBPFFS makes sure that dir is, or will be, on a bpffs. Below
// /sys/fs/bpf it mounts one if need be, elsewhere it says how.
func ensureBPFFS(dir string) error {
	ok, err := onBPFFS(dir)
	if err != nil || ok {
		return err
	}
	if dir != systemBPFFS && !strings.HasPrefix(dir, systemBPFFS+"/") {
		return fmt.Errorf("pin directory %s: %w: mount one with \"mount -t bpf bpf %s\", or name another directory with --pin-dir", dir, ErrNoBPFFS, dir)
	}
	if !sameMounts() {
		return fmt.Errorf("pin directory %s: %w, and what this process mounts would vanish with it, because it has a mount namespace of its own (as under \"ip netns exec\"): enter the network namespace alone with \"nsenter --net=/run/netns/NAME\"", dir, ErrNoBPFFS)
	}
	if err := unix.Mount("bpf", systemBPFFS, "bpf", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700"); err != nil {
		return fmt.Errorf("mounting a bpffs (\"mount -t bpf bpf %s\"): %w", systemBPFFS, err)
	}
	return nil
}

// onBPFFS says whether dir, or the nearest directory above that exists, is on
// a bpffs.
func onBPFFS(dir string) (bool, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == nil {
			return st.Type == unix.BPF_FS_MAGIC, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return false, fmt.Errorf("pin directory: %w", &os.PathError{Op: "statfs", Path: dir, Err: err})
		}
		dir = filepath.Dir(dir)
	}
}

// sameMounts says whether a mount made here is seen by the whole machine (or
// container), and so outlives this process.
func sameMounts() bool {
	own, err := os.Readlink("/proc/thread-self/ns/mnt")
	if err != nil {
		return false
	}
	first, err := os.Readlink("/proc/1/ns/mnt")
	return err == nil && own == first
}
