// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	stdmaps "maps"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// State is what is in the kernel, as [Status] finds it.
type State struct {
	PinDir string
	// Present: a whole data path is pinned. Otherwise nothing below is set.
	Present bool
	Version string // of the program that made or last migrated it
	// Netns is the network namespace that it serves, by inode; Here: it is
	// this one. Interfaces are known only then.
	Netns uint64
	Here  bool
	// Interrupted: a migration waits to be finished by the next attach.
	Interrupted bool
	// Problem is why what stands below could not be read, as when another
	// version made the maps; empty if nothing was in the way.
	Problem   string
	Migrating bool // packets without a connection are dropped at the moment

	Active     Program   // in the slot; its ID is 0 when the slot is empty
	Programs   []Program // pinned
	Maps       []Table
	Interfaces []Interface

	// Heartbeat is how long ago the daemon gave a sign of life; Alive: lately
	// enough that the data path leaves next hops to it.
	Heartbeat time.Duration
	Alive     bool
}

// Program is a program in the kernel.
type Program struct {
	Name string
	ID   ebpf.ProgramID
	Tag  string // hash of its code
}

// Table is a map in the kernel.
type Table struct {
	Name     string
	ID       ebpf.MapID
	Capacity int // entries
	Used     int // entries; -1 where every entry always exists
	Bytes    int // of the kernel's memory; 0: not known
}

// Interface is one that xlb is attached to, or was.
type Interface struct {
	Name  string
	Index int // 0: it does not exist now
	Port  uint16
	Mode  Mode // Native or Generic; Auto while the attachment is dead
	// Dead: the interface was deleted, or has come back as another one:
	// [Attach] attaches that under the number it had.
	Dead bool
	MAC  maps.MAC
	MTU  int
}

// Status tells what is pinned in d.Pin. It needs no lock and changes nothing;
// that nothing is pinned is no error. Counting the connections of a full
// table takes a second.
func Status(d Dirs) (*State, error) {
	d = d.withDefaults()
	p := &plane{pins: pins{d.Pin}, source: bpf.LoadLb}
	var err error
	if p.netns, err = netnsID(); err != nil {
		return nil, err
	}
	st := &State{PinDir: d.Pin, Interrupted: exists(p.pins.incoming())}
	found, err := p.openAny(st)
	defer p.close()
	if err != nil || !found {
		return st, err
	}
	return st, p.status(st)
}

// openAny is open for the maps of any namespace.
func (p *plane) openAny(st *State) (bool, error) {
	found, err := p.open()
	st.Here = !errors.Is(err, ErrNetns)
	if !st.Here {
		p.progs, err = openPrograms(p.pins.dir(maps.ProgramDir))
		found = err == nil
	}
	st.Present, st.Version, st.Netns = found, p.id.Version, p.id.Netns
	return found, err
}

func (p *plane) status(st *State) (err error) {
	if st.Programs, err = describePrograms(p.progs); err != nil {
		return err
	}
	if st.Maps, err = describeMaps(p.maps); err != nil {
		return err
	}
	if st.Problem = text(p.view()); st.Problem != "" {
		return nil
	}
	if st.Active, err = p.active(); err != nil {
		return err
	}
	if st.Migrating, err = p.set.Settings.Migrating(); err != nil {
		return err
	}
	age, known, err := heartbeatAge(p.set)
	if err != nil {
		return err
	}
	st.Heartbeat, st.Alive = age, known && age <= maps.HeartbeatLimit
	if st.Here {
		st.Interfaces, err = p.describeInterfaces()
	}
	return err
}

// text is an error's text; empty for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// active is the program in the slot.
func (p *plane) active() (Program, error) {
	id, err := p.set.Program.Active()
	if errors.Is(err, maps.ErrNotFound) {
		return Program{}, nil
	}
	if err != nil {
		return Program{}, err
	}
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return Program{}, fmt.Errorf("opening the active program: %w", err)
	}
	defer prog.Close()
	return describeProgram(prog)
}

func describeProgram(prog *ebpf.Program) (Program, error) {
	info, err := prog.Info()
	if err != nil {
		return Program{}, fmt.Errorf("asking about a program: %w", err)
	}
	id, _ := info.ID()
	return Program{Name: info.Name, ID: id, Tag: info.Tag}, nil
}

func describePrograms(progs map[string]*ebpf.Program) ([]Program, error) {
	var all []Program
	for _, name := range slices.Sorted(stdmaps.Keys(progs)) {
		d, err := describeProgram(progs[name])
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func describeMaps(ms map[string]*ebpf.Map) ([]Table, error) {
	var all []Table
	for _, name := range slices.Sorted(stdmaps.Keys(ms)) {
		m := ms[name]
		info, err := m.Info()
		if err != nil {
			return nil, fmt.Errorf("asking about map %s: %w", name, err)
		}
		t := Table{Name: name, Capacity: int(m.MaxEntries()), Used: -1}
		t.ID, _ = info.ID()
		if bytes, ok := info.Memlock(); ok {
			t.Bytes = int(bytes)
		}
		if m.Type() == ebpf.Hash || m.Type() == ebpf.LRUHash {
			if t.Used, err = count(m); err != nil {
				return nil, fmt.Errorf("counting map %s: %w", name, err)
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// describeInterfaces tells of every pinned link, by name.
func (p *plane) describeInterfaces() ([]Interface, error) {
	names, err := p.pins.interfaces()
	if err != nil {
		return nil, err
	}
	numbers, err := p.pins.portNames()
	if err != nil {
		return nil, err
	}
	all := make([]Interface, 0, len(names))
	for _, name := range slices.Sorted(slices.Values(names)) {
		i, err := p.describeInterface(name)
		if err != nil {
			return nil, err
		}
		for number, whose := range numbers {
			if whose == name {
				i.Port = number
			}
		}
		all = append(all, i)
	}
	return all, nil
}

func (p *plane) describeInterface(name string) (Interface, error) {
	out := Interface{Name: name, Dead: true}
	l, err := openLink(p.pins, name)
	if err != nil {
		return out, err
	}
	defer l.link.Close()
	i, err := findInterface(name)
	if errors.Is(err, ErrInterface) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Index, out.MAC, out.MTU = i.index, i.mac, i.mtu
	if l.ifindex != uint32(i.index) {
		return out, nil
	}
	st, err := readXDP(i.index)
	out.Mode, out.Dead = st.mode, false
	return out, err
}
