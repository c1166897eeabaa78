// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/pin"
	"golang.org/x/sys/unix"
)

// holdings is a set of BPF objects that other processes hold: by a descriptor, by a pin outside the labs of this process, or through
// another object. The kernel does not say who made an object, but what nobody else holds and was not there before can only be ours.
type holdings map[object]bool

// add adds objects and the maps that programs among them use.
func (h holdings) add(objects ...object) {
	for _, o := range objects {
		if h[o] {
			continue
		}
		h[o] = true
		if o.kind != program {
			continue
		}
		if info := programInfo(o.id); info != nil {
			ids, _ := info.MapIDs()
			for _, id := range ids {
				h[object{bpfMap, uint32(id)}] = true
			}
		}
	}
}

// addEntries adds the programs or maps in a map of such: the kernel shows their ids as its values.
func (h holdings) addEntries(m *ebpf.Map) {
	kinds := map[ebpf.MapType]objectKind{ebpf.ProgramArray: program, ebpf.ArrayOfMaps: bpfMap, ebpf.HashOfMaps: bpfMap}
	kind, ok := kinds[m.Type()]
	if !ok {
		return
	}
	var key, value []byte
	for it := m.Iterate(); it.Next(&key, &value); {
		h.add(object{kind, binary.NativeEndian.Uint32(value)})
	}
}

// addDescriptors adds what other processes have open.
func (h holdings) addDescriptors() {
	paths, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	own := fmt.Sprintf("/proc/%d/", os.Getpid())
	for _, path := range paths {
		if strings.HasPrefix(path, own) {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		objects := parseFdinfo(string(data))
		h.add(objects...)
		if slices.ContainsFunc(objects, func(o object) bool { return o.kind == bpfMap }) {
			h.addMapOf(path)
		}
	}
}

// addMapOf adds what is in the map that a descriptor of another process stands for; path is /proc/PID/fdinfo/FD.
func (h holdings) addMapOf(path string) {
	var pid, fd int
	if _, err := fmt.Sscanf(path, "/proc/%d/fdinfo/%d", &pid, &fd); err != nil {
		return
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(pidfd)
	// The same open file, not one more user of the map: see object.
	if fd, err = unix.PidfdGetfd(pidfd, fd, 0); err != nil {
		return
	}
	if m, err := ebpf.NewMapFromFD(fd); err == nil { // which closes fd otherwise
		h.addEntries(m)
		m.Close()
	}
}

// parseFdinfo returns the objects that a file of /proc/PID/fdinfo names, in lines such as "prog_id:\t17".
func parseFdinfo(data string) []object {
	kinds := map[string]objectKind{"prog_id": program, "map_id": bpfMap, "link_id": bpfLink}
	var out []object
	for line := range strings.Lines(data) {
		key, value, _ := strings.Cut(line, ":")
		kind, ok := kinds[key]
		if id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); ok && err == nil {
			out = append(out, object{kind, uint32(id)})
		}
	}
	return out
}

// addPins adds what is pinned in file systems that are not of this process' labs.
func (h holdings) addPins() error {
	all, err := mounts()
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.fs != "bpf" || m.madeBy(ownPrefix()) {
			continue
		}
		_ = filepath.WalkDir(m.point, func(path string, _ fs.DirEntry, _ error) error {
			h.addPin(path)
			return nil
		})
	}
	return nil
}

// addPin adds what is pinned at path; nothing for a directory, a pin that vanished, or the text files that the kernel puts into a bpffs.
func (h holdings) addPin(path string) {
	pinned, err := pin.Load(path, nil)
	if err != nil {
		return
	}
	defer pinned.Close()
	switch v := pinned.(type) {
	case *ebpf.Program:
		if info, err := v.Info(); err == nil {
			id, _ := info.ID()
			h.add(object{program, uint32(id)})
		}
	case *ebpf.Map:
		if info, err := v.Info(); err == nil {
			id, _ := info.ID()
			h.add(object{bpfMap, uint32(id)})
			h.addEntries(v)
		}
	case link.Link:
		if info, err := v.Info(); err == nil {
			h.add(object{bpfLink, uint32(info.ID)}, object{program, uint32(info.Program)})
		}
	}
}

// removeOthers removes from objects what other processes hold.
func removeOthers(objects map[object]bool) error {
	others := make(holdings)
	mine := func(o object, _ bool) bool { return others[o] }
	if len(objects) > 0 {
		others.addDescriptors()
		maps.DeleteFunc(objects, mine)
	}
	if len(objects) == 0 {
		return nil
	}
	err := others.addPins() // opening a pinned link could delay its end, so this is for the rare case
	maps.DeleteFunc(objects, mine)
	return err
}
