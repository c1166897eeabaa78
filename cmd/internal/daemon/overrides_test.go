// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func edits() []control.Edit {
	weight := 0
	return []control.Edit{
		{Op: control.ServerAdd, Server: "tcp:192.0.2.1:80"},
		{Op: control.RealAdd, Server: "tcp:192.0.2.1:80", Real: "10.2.0.11:80", Weight: &weight},
	}
}

func TestStore(t *testing.T) {
	s := store{filepath.Join(t.TempDir(), "made", "when needed")}
	if got, err := s.load(); err != nil || got != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
	for range 2 { // the second replaces the first
		if err := s.save(edits()); err != nil {
			t.Fatal(err)
		}
		got, err := s.load()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(edits(), got); diff != "" {
			t.Errorf("-saved +loaded:\n%s", diff)
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the directory: %v, %v", entries, err)
	}
	if err := s.save(nil); err != nil {
		t.Fatal(err)
	}
	if got, err := s.load(); err != nil || len(got) != 0 {
		t.Errorf("after saving none: %v, %v", got, err)
	}
}

func TestStoreBadFile(t *testing.T) {
	tests := map[string]string{
		"empty":     "",
		"cut":       `{"version": 1, "edits": [{"op": "server-`,
		"no object": `[1, 2]`,
		"newer":     `{"version": 2, "edits": []}`,
		"other":     `{}`,
	}
	for name, text := range tests {
		t.Run("bad "+name, func(t *testing.T) {
			s := store{t.TempDir()}
			if err := os.WriteFile(s.path(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := s.load()
			if err == nil || !strings.Contains(err.Error(), s.path()) || !strings.Contains(err.Error(), "remove") {
				t.Errorf("got %v; want the file's name and what to do", err)
			}
		})
	}
}

// TestStoreFailedWrite: what cannot be written leaves what was there.
func TestStoreFailedWrite(t *testing.T) {
	dir := t.TempDir()
	blocked := store{filepath.Join(dir, "file", "below a file")}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := blocked.save(edits()); err == nil {
		t.Error("saved below a file")
	}
	// A directory in the file's place makes the rename fail.
	s := store{t.TempDir()}
	if err := os.Mkdir(s.path(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.save(edits()); err == nil {
		t.Error("replaced a directory")
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
