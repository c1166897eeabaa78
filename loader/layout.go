// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	stdmaps "maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// layoutOf hashes what two programs must agree on to share maps: the shared
// types, and type, sizes and flags of every map. It is never 0.
func layoutOf(spec *ebpf.CollectionSpec) (uint64, error) {
	h := sha256.New()
	for _, name := range mapNames(spec) {
		fmt.Fprintf(h, "map %s %s\n", name, describeMapSpec(spec.Maps[name]))
	}
	for _, name := range []string{"reason", "conn_state", "conn_flag", "forward_method", "scheduler", "expire_args"} {
		t, err := spec.Types.AnyTypeByName(name)
		if err != nil {
			return 0, fmt.Errorf("shared type %s: %w", name, err)
		}
		fmt.Fprintf(h, "type %s %s\n", name, describeType(t))
	}
	return max(binary.BigEndian.Uint64(h.Sum(nil)), 1), nil
}

// mapNames are the maps that are pinned, sorted: all but those that hold
// constants and variables, whose names begin with a dot.
func mapNames(spec *ebpf.CollectionSpec) []string {
	names := slices.Sorted(stdmaps.Keys(spec.Maps))
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") })
}

// describeMapSpec tells all that makes a map what it is.
func describeMapSpec(m *ebpf.MapSpec) string {
	return fmt.Sprintf("%v %d %d %d %#x %s %s", m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags,
		describeType(m.Key), describeType(m.Value))
}

// describeType writes out how a type lies in memory: members by name, offset
// and type; names of structs and typedefs do not matter.
func describeType(t btf.Type) string {
	if t == nil {
		return "-"
	}
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return fmt.Sprintf("int%d.%v", 8*t.Size, t.Encoding)
	case *btf.Array:
		return fmt.Sprintf("[%d]%s", t.Nelems, describeType(t.Type))
	case *btf.Struct:
		return "struct{" + describeMembers(t.Members) + "}"
	case *btf.Union:
		return "union{" + describeMembers(t.Members) + "}"
	case *btf.Enum:
		var b strings.Builder
		for _, v := range t.Values {
			fmt.Fprintf(&b, "%s=%d;", v.Name, v.Value)
		}
		return fmt.Sprintf("enum%d{%s}", 8*t.Size, &b)
	default:
		return fmt.Sprintf("%T", t)
	}
}

func describeMembers(members []btf.Member) string {
	var b strings.Builder
	for _, m := range members {
		fmt.Fprintf(&b, "%s@%d.%d:%s;", m.Name, m.Offset, m.BitfieldSize, describeType(m.Type))
	}
	return b.String()
}

// pinnedTypes finds key and value type of a map in the kernel: the types that
// have the names of the wanted ones. The kernel keeps none for some kinds of
// map, which have plain numbers; then, and for plain numbers, it is nil.
func pinnedTypes(m *ebpf.Map, want *ebpf.MapSpec) (key, value btf.Type, err error) {
	if want.Type == ebpf.ProgramArray || want.Type == ebpf.DevMap {
		return nil, nil, nil
	}
	h, err := m.Handle()
	if err != nil {
		return nil, nil, fmt.Errorf("reading its types: %w", err)
	}
	defer h.Close()
	spec, err := h.Spec(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("decoding its types: %w", err)
	}
	if key, err = sameName(spec, want.Key); err != nil {
		return nil, nil, err
	}
	value, err = sameName(spec, want.Value)
	return key, value, err
}

// sameName finds the struct that has the name of t.
func sameName(spec *btf.Spec, t btf.Type) (btf.Type, error) {
	s, ok := btf.As[*btf.Struct](t)
	if !ok {
		return nil, nil
	}
	var found *btf.Struct
	if err := spec.TypeByName(s.Name, &found); err != nil {
		return nil, fmt.Errorf("struct %s: %w", s.Name, err)
	}
	return found, nil
}

// shapeChanges lists what of a map's outside is not as wanted.
func shapeChanges(m *ebpf.Map, want *ebpf.MapSpec) []string {
	flags := m.Flags()
	if want.Type == ebpf.DevMap {
		flags = want.Flags // the kernel sets one by itself, BPF_F_RDONLY_PROG
	}
	var changed []string
	for _, c := range []struct {
		what     string
		old, new any
	}{
		{"of type", m.Type(), want.Type},
		{"bytes a key", m.KeySize(), want.KeySize},
		{"bytes a value", m.ValueSize(), want.ValueSize},
		{"entries", m.MaxEntries(), want.MaxEntries},
		{"flags", flags, want.Flags},
	} {
		if c.old != c.new {
			changed = append(changed, fmt.Sprintf("%v %s, now %v", c.old, c.what, c.new))
		}
	}
	return changed
}

// difference says in what a pinned map is not as wanted; "" if in nothing.
func difference(m *ebpf.Map, want *ebpf.MapSpec) (string, error) {
	if changed := shapeChanges(m, want); len(changed) > 0 {
		return strings.Join(changed, ", "), nil
	}
	key, value, err := pinnedTypes(m, want)
	if err != nil {
		return "", err
	}
	for _, pair := range [][2]btf.Type{{key, want.Key}, {value, want.Value}} {
		if pair[0] != nil && describeType(pair[0]) != describeType(pair[1]) {
			return "its members differ", nil
		}
	}
	return "", nil
}
