// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/test/netns"
)

const threadNS = "/proc/thread-self/ns/net"

func TestDoEntersTheNamespace(t *testing.T) {
	lab := netns.ForTest(t)
	a, b := newNS(t, lab, "a"), newNS(t, lab, "b")
	outside := readlink(t, threadNS)
	var inA, inB string
	if err := a.Do(func() error {
		inA = readlink(t, threadNS)
		return b.Do(func() error { // nesting is fine: each Do has its own thread
			inB = readlink(t, threadNS)
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	if inA == outside || inB == outside || inA == inB {
		t.Errorf("namespaces outside %s, in a %s, in b %s: want three different ones", outside, inA, inB)
	}
	if now := readlink(t, threadNS); now != outside {
		t.Errorf("after Do the caller is in %s, before in %s", now, outside)
	}
	var st unix.Stat_t
	if err := unix.Stat(a.Path(), &st); err != nil || fmt.Sprintf("net:[%d]", st.Ino) != inA {
		t.Errorf("%s is namespace %d, error %v; want %s", a.Path(), st.Ino, err, inA)
	}
}

// No thread may stay in a namespace, least of all the main thread, which cannot end: it would keep the namespace alive and
// show the wrong one to whoever looks at the process.
func TestDoLeavesNoThreadBehind(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	outside := readlink(t, threadNS)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if err := ns.Do(func() error { runtime.Gosched(); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	netns.Eventually(t, 5*time.Second, func() error { // threads end a moment after their function
		tasks, err := filepath.Glob("/proc/self/task/*/ns/net")
		for _, task := range tasks {
			if in, err := os.Readlink(task); err == nil && in != outside {
				return fmt.Errorf("%s is in %s, not in %s", task, in, outside)
			}
		}
		return err
	})
}

func TestDoHandsOnHowItsFunctionEnds(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	t.Run("error", func(t *testing.T) {
		want := errors.New("some error")
		if err := ns.Do(func() error { return want }); !errors.Is(err, want) {
			t.Errorf("got %v, want the function's own error", err)
		}
	})
	t.Run("panic", func(t *testing.T) {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v, want boom", got)
			}
		}()
		err := ns.Do(func() error { panic("boom") })
		t.Errorf("Do returned %v", err)
	})
	t.Run("Goexit, as t.FailNow does", func(t *testing.T) {
		returned, ended := false, make(chan struct{})
		go func() {
			defer close(ended)
			_ = ns.Do(func() error { runtime.Goexit(); return nil })
			returned = true
		}()
		<-ended
		if returned {
			t.Error("Do returned, where its function ended the goroutine")
		}
	})
}

func TestSysctl(t *testing.T) {
	lab := netns.ForTest(t)
	a, b := newNS(t, lab, "a"), newNS(t, lab, "b")
	if err := a.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	for ns, want := range map[*netns.NS]string{a: "1", b: "0"} {
		if got, err := ns.Sysctl("net.ipv4.ip_forward"); got != want || err != nil {
			t.Errorf("ip_forward in %v is %q, error %v; want %s", ns, got, err, want)
		}
	}
	if got, err := a.Sysctl("net/ipv4/conf/lo/forwarding"); got != "1" || err != nil {
		t.Errorf("with slashes: %q, error %v; want 1", got, err)
	}
	if _, err := a.Sysctl("net.ipv4.no_such_thing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a setting that does not exist: %v", err)
	}
	if err := a.SetSysctl("net.ipv4.ip_forward", "maybe"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a bad value: %v", err)
	}
}

func TestNewNSIsQuietAndUsable(t *testing.T) {
	ns := newNS(t, netns.ForTest(t), "a")
	ping(t, ns, netip.MustParseAddr("127.0.0.1"))
	if got, err := ns.Sysctl("net.ipv6.conf.default.disable_ipv6"); err == nil && got != "1" {
		t.Errorf("disable_ipv6 is %s: neighbour discovery would disturb counters", got)
	}
	if got := ns.FullName(); got != filepath.Base(ns.Path()) || ns.Name() != "a" || ns.String() != got {
		t.Errorf("names %q, %q, %q", got, ns.Path(), ns.Name())
	}
}

func newNS(t *testing.T, lab *netns.Lab, name string) *netns.NS {
	t.Helper()
	ns, err := lab.NewNS(name)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

func readlink(t *testing.T, path string) string {
	t.Helper()
	target, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
