// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/test/netns"
)

func TestCloseRemovesEverything(t *testing.T) {
	lab, ns := openLab(t)
	dir, err := lab.BPFFS()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := lab.BPFFS(); again != dir || err != nil {
		t.Errorf("the second BPFFS returns %s, %v; want %s", again, err, dir)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Type != unix.BPF_FS_MAGIC {
		t.Errorf("%s has file system type %#x, error %v; want a bpffs", dir, st.Type, err)
	}
	if err := lab.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{ns.Path(), lab.Dir()} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(info), filepath.Base(lab.Dir())+"-") || strings.Contains(string(info), lab.Dir()+"/") {
		t.Errorf("something of %s is still mounted, error %v:\n%s", lab.Dir(), err, info)
	}
}

func TestCloseIsIdempotentAndFinal(t *testing.T) {
	lab, ns := openLab(t)
	link, _ := connect(t, lab, netns.End{NS: ns, Name: "a"}, netns.End{NS: ns, Name: "b"})
	for i := range 2 {
		if err := lab.Close(); err != nil {
			t.Errorf("Close %d: %v", i+1, err)
		}
	}
	_, newErr := lab.NewNS("late")
	_, bpfErr := lab.BPFFS()
	_, indexErr := link.Index()
	after := map[string]error{
		"NewNS": newErr, "BPFFS": bpfErr, "Index": indexErr,
		"Do":           ns.Do(func() error { return nil }),
		"Start":        ns.Command(t.Context(), "true").Start(),
		"FaceDirector": link.FaceDirector(),
	}
	for what, err := range after {
		if !errors.Is(err, netns.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", what, err)
		}
	}
}

func TestCloseAfterFailures(t *testing.T) {
	lab, ns := openLab(t)
	if _, err := lab.NewNS(ns.Name()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the same name again: %v", err)
	}
	if _, err := lab.NewNS("no/slash"); err == nil {
		t.Error("a name with a slash was accepted")
	}
	if _, _, err := lab.Connect(netns.End{NS: ns, Name: "this-name-is-too-long"}, netns.End{NS: ns, Name: "b"}); err == nil {
		t.Error("an impossible interface name was accepted")
	}
	if _, err := netns.TwoArm(lab, 1000); err == nil {
		t.Error("1000 servers were accepted")
	}
	half := newNS(t, lab, "half") // as if somebody had removed it by hand
	if err := errors.Join(unix.Unmount(half.Path(), unix.MNT_DETACH), os.Remove(half.Path())); err != nil {
		t.Fatal(err)
	}
	if err := lab.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if left, _ := filepath.Glob(ns.Lab().Dir() + "*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLabsDoNotShareNames(t *testing.T) {
	a, nsA := openLab(t)
	b, nsB := openLab(t)
	if nsA.Name() != nsB.Name() || nsA.FullName() == nsB.FullName() || a.Dir() == b.Dir() {
		t.Errorf("labs %s and %s with namespaces %v and %v", a.Dir(), b.Dir(), nsA, nsB)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := nsB.Do(func() error { return nil }); err != nil {
		t.Errorf("closing one lab hurt the other: %v", err)
	}
}

// A program that is killed cannot clean up. Its direct children go with it, and the next lab removes the rest.
func TestReap(t *testing.T) {
	cmd := helper(t.Context(), "lab")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	name, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("/run/netns", strings.TrimSpace(name))
	direct, detached := longTime(cmd.Process.Pid), longTime(-cmd.Process.Pid)
	if err := netns.Reap(); err != nil {
		t.Error(err)
	}
	if got := commandsIn(path); len(got) != 2 {
		t.Errorf("a living lab was reaped: %q runs in it, want two sleeps", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	netns.Eventually(t, 5*time.Second, func() error { // Pdeathsig, unless another process has reaped the lab by now
		if got := commandsMatching(direct); len(got) > 0 {
			return fmt.Errorf("%q outlived the process that started it", got)
		}
		return nil
	})
	prefix := name[:strings.LastIndex(name, "-")]
	if err := netns.Reap(); err != nil {
		t.Error(err)
	}
	for _, pattern := range []string{"/run/netns/", os.TempDir() + "/"} {
		if left, _ := filepath.Glob(pattern + prefix + "*"); len(left) > 0 {
			t.Errorf("not reaped: %v", left)
		}
	}
	if got := commandsMatching(detached); len(got) > 0 {
		t.Errorf("still running: %q", got)
	}
}

// commandsIn returns the command lines of the processes in the namespace at path.
func commandsIn(path string) []string {
	var want unix.Stat_t
	if err := unix.Stat(path, &want); err != nil {
		return nil
	}
	var out []string
	spaces, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, s := range spaces {
		var st unix.Stat_t
		if unix.Stat(s, &st) != nil || st.Ino != want.Ino {
			continue
		}
		line, _ := os.ReadFile(strings.TrimSuffix(s, "ns/net") + "cmdline")
		out = append(out, strings.ReplaceAll(string(line), "\x00", " "))
	}
	return out
}

// commandsMatching returns the command lines of the sleeps with this argument.
func commandsMatching(argument string) []string {
	var out []string
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range paths {
		if line, _ := os.ReadFile(p); string(line) == "sleep\x00"+argument+"\x00" {
			out = append(out, p)
		}
	}
	return out
}

// openLab returns a lab with a namespace that the test closes itself; it is closed in any case.
func openLab(t *testing.T) (*netns.Lab, *netns.NS) {
	t.Helper()
	lab, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lab.Close() })
	return lab, newNS(t, lab, "a")
}

func connect(t *testing.T, lab *netns.Lab, a, b netns.End) (*netns.Link, *netns.Link) {
	t.Helper()
	la, lb, err := lab.Connect(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return la, lb
}
