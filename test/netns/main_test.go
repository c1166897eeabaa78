// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xlb-project/xlb/test/netns"
)

// helperVar makes the test binary play another program; see helper.
const helperVar = "XLB_NETNS_TEST_HELPER"

func TestMain(m *testing.M) {
	if role := os.Getenv(helperVar); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(netns.Main(m))
}

// helper returns a command that runs this test binary in a role of play.
func helper(ctx context.Context, role string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Env = append(os.Environ(), helperVar+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// play does what a helper process does: it says "ready" and waits for the end of its standard input.
func play(role string) error {
	switch role {
	case "lab":
		return playLab()
	case "bpf":
		return playBPF()
	default:
		return fmt.Errorf("no such role: %s", role)
	}
}

// ready tells the test that the helper has done its part, and waits until the test is done with it.
func ready(say string) error {
	fmt.Println(say)
	_, _ = os.Stdin.Read(make([]byte, 1))
	return nil
}

// playLab makes a lab with a mount, a process, and a process that has left its parent's process group and session.
func playLab() error {
	lab, err := netns.New()
	if err != nil {
		return err
	}
	ns, err := lab.NewNS("stale")
	if err != nil {
		return err
	}
	if _, err := lab.BPFFS(); err != nil {
		return err
	}
	if err := ns.Command(context.Background(), "sleep", longTime(os.Getpid())).Start(); err != nil {
		return err
	}
	if err := ns.Command(context.Background(), "setsid", "-f", "sleep", longTime(-os.Getpid())).Run(); err != nil {
		return err
	}
	return ready(ns.FullName()) // the test kills us here
}

// longTime returns an argument for sleep by which to find it again, though others run the same test.
func longTime(pid int) string { return fmt.Sprint(10_000_000 + pid) }

// playBPF holds one map by a descriptor, and one by way of a program that is in a pinned program array.
func playBPF() error {
	lab, err := netns.New()
	if err != nil {
		return err
	}
	defer lab.Close()
	dir, err := lab.BPFFS()
	if err != nil {
		return err
	}
	held, err := ebpf.NewMap(&ebpf.MapSpec{Name: "foreign_fd", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return err
	}
	defer held.Close()
	if err := pinArray(filepath.Join(dir, "slots")); err != nil {
		return err
	}
	return ready("ready")
}

// pinArray pins a program array at path that holds a program that holds a map, and keeps no descriptor of them.
func pinArray(path string) error {
	inner, err := ebpf.NewMap(&ebpf.MapSpec{Name: "foreign_inner", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return err
	}
	defer inner.Close()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "foreign_prog", Type: ebpf.XDP, License: "Apache-2.0",
		Instructions: asm.Instructions{asm.LoadMapPtr(asm.R1, inner.FD()), asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	if err != nil {
		return err
	}
	defer prog.Close()
	slots, err := ebpf.NewMap(&ebpf.MapSpec{Name: "foreign_slots", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	if err != nil {
		return err
	}
	defer slots.Close()
	if err := slots.Put(uint32(1), prog); err != nil {
		return err
	}
	return slots.Pin(path)
}
