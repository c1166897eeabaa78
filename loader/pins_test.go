// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

func TestEncodeName(t *testing.T) {
	for name, want := range map[string]string{"eth0": "eth0", "eth0.100": "eth0:100", "a.b.c": "a:b:c", "br-lan": "br-lan"} {
		if got := encodeName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		// What dev_valid_name in net/core/dev.c lets through, in ASCII.
		name := rapid.StringMatching(`[!-.0-9;-~]{1,15}`).Draw(t, "name")
		pin := encodeName(name)
		if decodeName(pin) != name || strings.ContainsAny(pin, "./") {
			t.Fatalf("%q became %q, and then %q", name, pin, decodeName(pin))
		}
	})
}

func TestPortNames(t *testing.T) {
	lab := netns.ForTest(t)
	root, err := lab.BPFFS()
	check(t, err)
	p := pins{filepath.Join(root, "xlb")}
	if names, err := p.portNames(); err != nil || len(names) != 0 {
		t.Errorf("without a directory: %v, %v", names, err)
	}
	check(t, p.make())
	check(t, p.make())
	check(t, p.reserve(1, "eth0"))
	check(t, p.reserve(2, "eth1.5"))
	check(t, p.reserve(1, "eth7"))
	names, err := p.portNames()
	check(t, err)
	if diff := cmp.Diff(map[uint16]string{1: "eth7", 2: "eth1.5"}, names); diff != "" {
		t.Errorf("port names (-want +got):\n%s", diff)
	}
	if names, err := p.interfaces(); err != nil || len(names) != 0 {
		t.Errorf("links: %v, %v", names, err)
	}
}

func TestDirs(t *testing.T) {
	if got := (Dirs{}).withDefaults(); got != (Dirs{DefaultPinDir, DefaultRunDir}) {
		t.Errorf("defaults %+v", got)
	}
	if got := (Dirs{"/a", "/b"}).withDefaults(); got != (Dirs{"/a", "/b"}) {
		t.Errorf("given %+v", got)
	}
}

func TestOnBPFFS(t *testing.T) {
	lab := netns.ForTest(t)
	root, err := lab.BPFFS()
	check(t, err)
	for dir, want := range map[string]bool{
		root: true, filepath.Join(root, "not", "there"): true, t.TempDir(): false, filepath.Join(t.TempDir(), "not"): false,
	} {
		if got, err := onBPFFS(dir); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", dir, got, err, want)
		}
	}
}

func TestMode(t *testing.T) {
	for _, m := range []Mode{Auto, Native, Generic} {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
	_, err := ParseMode("fast")
	if err == nil || !strings.Contains(err.Error(), `"fast": want auto, native, generic`) {
		t.Errorf("error %v", err)
	}
	if offloaded.String() != "offloaded" || Mode(9).String() != "mode 9" {
		t.Errorf("%v, %v", offloaded, Mode(9))
	}
}

func TestNote(t *testing.T) {
	lab := netns.ForTest(t)
	root, err := lab.BPFFS()
	check(t, err)
	p := pins{filepath.Join(root, "xlb")}
	check(t, os.MkdirAll(p.incoming(), 0o700))
	for _, want := range []note{{}, {1<<32 - 1, 1<<64 - 1, "v1.2.3 (dirty)"}, {5, 6, ""}} {
		check(t, writeNote(p, want))
		if got, err := readNote(p); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
		check(t, os.Remove(noteFile(p)))
	}
}

// FuzzNote reads whatever may stand in a note.
func FuzzNote(f *testing.F) {
	for _, text := range []string{"", "1 2 v", "4294967296 0 ", "0 ffffffffffffffff a b", "1", "x y z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseNote(text)
		if err != nil {
			return
		}
		if again, err := parseNote(n.String()); err != nil || again != n {
			t.Fatalf("%q is %+v, which is %+v, %v", text, n, again, err)
		}
	})
}

// TestReserveNeedsFolder fails where there is no pin directory.
func TestReserveNeedsFolder(t *testing.T) {
	if err := (pins{filepath.Join(t.TempDir(), maps.MapDir)}).reserve(1, "eth0"); err == nil {
		t.Error("a number was reserved nowhere")
	}
}
