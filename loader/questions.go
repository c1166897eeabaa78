// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// questions are how each feature is asked for: nil is yes, an error that wraps
// ebpf.ErrNotSupported no, any other "could not tell".
func questions() map[Feature]func() error {
	return map[Feature]func() error{
		FeatureBPF:      askBPF,
		FeatureBTF:      askBTF,
		FeatureXDP:      func() error { return features.HaveProgramType(ebpf.XDP) },
		FeatureFrags:    askFrags,
		FeatureMmap:     func() error { return features.HaveMapFlag(features.BPF_F_MMAPABLE) },
		FeatureBatch:    askBatch,
		FeatureSyscall:  func() error { return features.HaveProgramType(ebpf.Syscall) },
		FeatureJiffies:  func() error { return features.HaveProgramHelper(ebpf.XDP, asm.FnJiffies64) },
		FeatureAtomics:  askAtomics,
		FeatureManaged:  askManaged,
		FeatureDevices:  func() error { return features.HaveMapType(ebpf.DevMap) },
		FeatureTailCall: func() error { return features.HaveMapType(ebpf.ProgramArray) },
	}
}

// askBPF makes the smallest map.
func askBPF() error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w: %w", ebpf.ErrNotSupported, err)
	}
	if err != nil {
		return err
	}
	return m.Close()
}

// askBTF loads the description of one type.
func askBTF() error {
	b, err := btf.NewBuilder([]btf.Type{&btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}}, nil)
	if err != nil {
		return err
	}
	h, err := btf.NewHandle(b)
	if err != nil {
		return err
	}
	return h.Close()
}

// xdpHasFrags is BPF_F_XDP_HAS_FRAGS of linux/bpf.h.
const xdpHasFrags = 1 << 5

func askFrags() error {
	return askProgram(xdpHasFrags, asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()})
}

func askAtomics() error {
	return askProgram(0, asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R1, 1),
		asm.CmpXchg.Mem(asm.RFP, asm.R1, asm.DWord, -8),
		asm.Mov.Imm(asm.R0, 2),
		asm.Return(),
	})
}

// askProgram loads an XDP program that does nothing else: that the kernel
// calls it invalid means that it does not know the thing.
func askProgram(flags uint32, code asm.Instructions) error {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, Flags: flags, Instructions: code, License: "Apache-2.0"})
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: %w", ebpf.ErrNotSupported, err)
	}
	if err != nil {
		return err
	}
	return prog.Close()
}

// askBatch reads an empty map, of which a batch has nothing.
func askBatch() error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return err
	}
	defer m.Close()
	var cursor ebpf.MapBatchCursor
	_, err = m.BatchLookup(&cursor, make([]uint32, 1), make([]uint64, 1), nil)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return err
}

// askManaged goes by the version: asking would change the neighbour table.
// A vendor's kernel may have it earlier.
func askManaged() error {
	version, err := features.LinuxVersionCode()
	if err != nil {
		return err
	}
	if version < 5<<16|16<<8 {
		return errors.New("the kernel's version is below 5.16")
	}
	return nil
}
