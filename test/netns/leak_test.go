// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/test/netns"
)

func TestLeaksFindsEachKind(t *testing.T) {
	tests := map[string]struct {
		leak func(t *testing.T) (undo func())
		want []string // a regular expression for each leak, in their order
	}{
		"namespace": {leakNamespace, []string{
			`^file descriptor: \d+ -> .*net`, `^lab: xlblab-\d+-\d+$`, `^lab: xlblab-\d+-\d+-a$`,
		}},
		"mount":           {leakMount, []string{`^lab: xlblab-\d+-\d+$`, `^mount: bpf on /.*/xlblab-\d+-\d+/bpf$`}},
		"file descriptor": {leakSocket, []string{`^file descriptor: \d+ -> socket:`}},
		"process":         {leakProcess, []string{`^child: process \d+ \(sleep\)$`, `^file descriptor: \d+ -> .*pidfd`}},
		"zombie": {leakZombie, []string{
			`^child: process \d+ \(sleep\) ended, and nobody waited`, `^file descriptor: \d+ -> .*pidfd`,
		}},
		"BPF map": {leakMap, []string{`^BPF map: \d+ leak_map$`, `^file descriptor: \d+ -> anon_inode:bpf-map$`}},
		"pin": {leakPin, []string{
			`^BPF map: \d+ foreign_inner$`, `^BPF map: \d+ foreign_slots$`, `^BPF program: \d+ foreign_prog$`, `^lab: `, `^mount: `,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := snapshot(t)
			undo := tt.leak(t)
			expectLeaks(t, before, tt.want...)
			undo()
			expectLeaks(t, before)
		})
	}
}

func TestLeaksFindsABPFLink(t *testing.T) {
	left, _ := twoHosts(t)
	before := snapshot(t)
	t.Run("leak", func(t *testing.T) {
		attach(t, left, asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()})
		expectLeaks(t, before, `^BPF link: \d+ of program lab_test$`, `^BPF program: \d+ lab_test$`, `^file descriptor: .*link`)
	})
	expectLeaks(t, before)
}

// What another process makes meanwhile is its own affair, though BPF ids are the whole machine's: what it holds by descriptors, by pins,
// and by pins at second hand.
func TestLeaksLeavesOthersAlone(t *testing.T) {
	before, last := snapshot(t), lastMap(t)
	cmd := helper(t.Context(), "bpf")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" || err != nil {
		t.Fatalf("the helper says %q, error %v", line, err)
	}
	if now := lastMap(t); now < last+3 {
		t.Errorf("the newest map is %d, before %d; the helper makes 3", now, last)
	}
	expectLeaks(t, before,
		`^child: process \d+ \(exe\)$`, `^file descriptor: `, `^file descriptor: `, `^file descriptor: `) // two pipes and a pidfd
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	expectLeaks(t, before)
}

func TestLeaksAcceptsWhatWasGivenBack(t *testing.T) {
	before := snapshot(t)
	for _, leak := range []func(*testing.T) func(){leakNamespace, leakMount, leakSocket, leakProcess, leakMap, leakPin} {
		leak(t)()
	}
	expectLeaks(t, before)
}

func leakNamespace(t *testing.T) func() {
	lab, _ := openLab(t)
	return func() { closeLab(t, lab) }
}

func leakMount(t *testing.T) func() {
	lab, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lab.BPFFS(); err != nil {
		t.Fatal(err)
	}
	return func() { closeLab(t, lab) }
}

func leakPin(t *testing.T) func() {
	lab, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := lab.BPFFS()
	if err != nil {
		t.Fatal(err)
	}
	if err := pinArray(filepath.Join(dir, "slots")); err != nil {
		t.Fatal(err)
	}
	return func() { closeLab(t, lab) }
}

func leakSocket(t *testing.T) func() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return func() { l.Close() }
}

func leakProcess(t *testing.T) func() {
	cmd := exec.Command("sleep", longTime(os.Getpid()))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

func leakZombie(t *testing.T) func() {
	cmd := exec.Command("sleep", "0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	return func() { _ = cmd.Wait() }
}

func leakMap(t *testing.T) func() {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "leak_map", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return func() { m.Close() }
}

func closeLab(t *testing.T, lab *netns.Lab) {
	t.Helper()
	if err := lab.Close(); err != nil {
		t.Error(err)
	}
}

func snapshot(t *testing.T) *netns.Snapshot {
	t.Helper()
	s, err := netns.Take()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expectLeaks wants one leak for each pattern, in this order. It looks again for a while, because for a moment the kernel may hold what
// another process of the machine has just given up.
func expectLeaks(t *testing.T, before *netns.Snapshot, patterns ...string) {
	t.Helper()
	netns.Eventually(t, 10*time.Second, func() error {
		got, err := before.Leaks(20 * time.Millisecond)
		if err != nil {
			return err
		}
		ok := len(got) == len(patterns)
		for i := range min(len(got), len(patterns)) {
			ok = ok && regexp.MustCompile(patterns[i]).MatchString(got[i])
		}
		if !ok {
			return fmt.Errorf("leaks:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(patterns, "\n\t"))
		}
		return nil
	})
}

// lastMap returns the id of the machine's newest BPF map.
func lastMap(t *testing.T) (id ebpf.MapID) {
	t.Helper()
	for {
		next, err := ebpf.MapGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return id
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
	}
}
