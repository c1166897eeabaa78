// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"os"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// objectKind is a sort of BPF object, in the word for a message.
type objectKind string

const (
	program objectKind = "program"
	bpfMap  objectKind = "map"
	bpfLink objectKind = "link"
)

// object is a BPF object of the kernel. Ids are not used again until they wrap around.
//
// Looking must not disturb. A map is not opened by its id while it may be in use: a program array that is opened between the closing of its
// last descriptor and its clearing is cleared twice, and then (Linux 6.18) never freed. A link that is held open stays attached
// though its owner has closed it.
type object struct {
	kind objectKind
	id   uint32
}

// objects returns every BPF program, map and link there is.
func objects() ([]object, error) {
	programs, err := walk(program, ebpf.ProgramGetNextID)
	if err != nil {
		return nil, err
	}
	maps, err := walk(bpfMap, ebpf.MapGetNextID)
	if err != nil {
		return nil, err
	}
	links, err := walk(bpfLink, linkGetNextID)
	return append(append(programs, maps...), links...), err
}

// walk follows the ids that next returns from 0 on.
func walk[ID ~uint32](kind objectKind, next func(ID) (ID, error)) ([]object, error) {
	var out []object
	var id ID
	for {
		n, err := next(id)
		if errors.Is(err, os.ErrNotExist) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		id = n
		out = append(out, object{kind, uint32(id)})
	}
}

// linkGetNextID is BPF_LINK_GET_NEXT_ID (bpf(2)), without opening the link as link.Iterator does.
func linkGetNextID(id link.ID) (link.ID, error) {
	attr := struct{ start, next, openFlags uint32 }{start: uint32(id)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_GET_NEXT_ID, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, errno
	}
	return link.ID(attr.next), nil
}

// name returns what the kernel calls the object; ok is false when it is gone. It opens the object: only for what was leaked.
func (o object) name() (name string, ok bool) {
	switch o.kind {
	case program:
		if info := programInfo(o.id); info != nil {
			return info.Name, true
		}
	case bpfMap:
		m, err := ebpf.NewMapFromID(ebpf.MapID(o.id))
		if err != nil {
			return "", false
		}
		defer m.Close()
		if info, err := m.Info(); err == nil {
			return info.Name, true
		}
	case bpfLink:
		l, err := link.NewFromID(link.ID(o.id))
		if err != nil {
			return "", false
		}
		defer l.Close()
		if info, err := l.Info(); err == nil {
			name, _ = object{program, uint32(info.Program)}.name()
			return "of program " + name, true
		}
	}
	return "", false
}

// programInfo returns nil when the program is gone.
func programInfo(id uint32) *ebpf.ProgramInfo {
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return nil
	}
	defer p.Close()
	info, _ := p.Info()
	return info
}
