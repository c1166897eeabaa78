// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
)

func TestStatusNothing(t *testing.T) {
	s := newSite(t)
	if st := s.status(); st.Present || st.PinDir != s.options.Pin || !st.Here || len(st.Maps) != 0 {
		t.Errorf("state %+v", st)
	}
}

// TestStatusOfAnotherVersion tells what it can of maps that it cannot read.
func TestStatusOfAnotherVersion(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	path := pins{s.options.Pin}.mapFile(bpf.LbMapServices4)
	check(t, os.Remove(path))
	other, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 20, ValueSize: 4, MaxEntries: 7})
	check(t, err)
	defer other.Close()
	check(t, other.Pin(path))
	st := s.status()
	if !st.Present || !strings.Contains(st.Problem, "map services4: key and value have 20 and 4 bytes") || len(st.Programs) != 3 {
		t.Errorf("state %+v", st)
	}
	for _, m := range st.Maps {
		if m.Name == bpf.LbMapServices4 && m.Capacity != 7 {
			t.Errorf("map %+v", m)
		}
	}
}

// TestNoMountInOwnNamespace does not mount a bpffs that would vanish with the
// process, as under "ip netns exec".
func TestNoMountInOwnNamespace(t *testing.T) {
	s := newSite(t)
	err := s.do(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			t.Fatal(err)
		}
		check(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		for {
			if err := unix.Unmount(systemBPFFS, unix.MNT_DETACH); err != nil {
				break
			}
		}
		return ensureBPFFS(systemBPFFS + "/xlb")
	})
	wantError(t, err, ErrNoBPFFS, "nsenter --net=")
}
