// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namePrefix begins the name of everything that a lab makes outside its namespaces. The owner's pid follows.
const namePrefix = "xlblab-"

// ownPrefix returns what the names made by labs of this process begin with.
func ownPrefix() string { return fmt.Sprintf("%s%d-", namePrefix, os.Getpid()) }

// Reap removes the labs of processes that ended without closing them, with the processes that still run there. [Main] and
// [ForTest] call it.
func Reap() error {
	names, err := labNames()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if pid, ok := ownerOf(name); ok && !alive(pid) {
			errs = append(errs, reap(fmt.Sprintf("%s%d-", namePrefix, pid)))
		}
	}
	return errors.Join(errs...)
}

// reap ends the processes in the namespaces whose names begin with prefix and removes the labs.
func reap(prefix string) error {
	paths, _ := filepath.Glob(filepath.Join(runDir, prefix+"*"))
	for _, path := range paths {
		if id, err := identify(path); err == nil {
			killAll([]nsID{id})
		}
	}
	return remove(prefix)
}

// labNames returns the names of all that labs left in the file system: namespaces and directories.
func labNames() ([]string, error) {
	var names []string
	for _, dir := range []string{runDir, os.TempDir()} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("netns: look for labs: %w", err)
		}
		for _, e := range entries {
			if _, ok := ownerOf(e.Name()); ok {
				names = append(names, e.Name())
			}
		}
	}
	return names, nil
}

// ownerOf returns the pid in the name of something that a lab made.
func ownerOf(name string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, namePrefix)
	if !ok {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "-")
	if !ok {
		return 0, false
	}
	pid, err := strconv.Atoi(number)
	return pid, err == nil && pid > 0
}

// alive says whether a process with this pid exists.
func alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

// remove removes the namespaces, mounts and directories whose names begin with prefix. Whatever is gone already is fine: another
// process may be reaping too.
func remove(prefix string) error {
	var errs []error
	paths, _ := filepath.Glob(filepath.Join(runDir, prefix+"*"))
	for _, path := range paths {
		errs = append(errs, unmount(path), gone(os.Remove(path)))
	}
	mounts, err := mountsOf(prefix)
	errs = append(errs, err)
	for _, m := range mounts {
		errs = append(errs, unmount(m.point))
	}
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	dirs = append(dirs, labDir(prefix))
	for _, dir := range dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("netns: remove %s*: %w", prefix, err)
	}
	return nil
}

// unmount detaches what is mounted at path, if anything is.
func unmount(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return &os.PathError{Op: "unmount", Path: path, Err: err}
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
