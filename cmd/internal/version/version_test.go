// SPDX-License-Identifier: Apache-2.0

package version

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	built := func(main string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: main}, Settings: settings}
	}
	rev := debug.BuildSetting{Key: "vcs.revision", Value: commit}
	clean := debug.BuildSetting{Key: "vcs.modified", Value: "false"}
	dirty := debug.BuildSetting{Key: "vcs.modified", Value: "true"}

	tests := []struct {
		name   string
		linked string
		info   *debug.BuildInfo
		want   string
	}{
		{"linked", "v1.2.3-4-gabcdef0", built("v9.9.9", rev), "v1.2.3-4-gabcdef0"},
		{"linked, no build info", "v1.2.3", nil, "v1.2.3"},
		{"make without git leaves it to go", "unknown", built("v1.2.3"), "v1.2.3"},
		{"go install", "", built("v1.2.3"), "v1.2.3"},
		{"go build in a clone", "", built("(devel)", rev, clean), "git-0123456789ab"},
		{"go build in a changed clone", "", built("(devel)", dirty, rev), "git-0123456789ab-dirty"},
		{"short revision", "", built("", debug.BuildSetting{Key: "vcs.revision", Value: "0123"}), "git-0123"},
		{"changed, but no revision", "", built("(devel)", dirty), "unknown"},
		{"nothing", "", built(""), "unknown"},
		{"no build info", "", nil, "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := choose(tt.linked, tt.info); got != tt.want {
				t.Errorf("choose() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestVersionIsNeverEmpty(t *testing.T) {
	if Version() == "" {
		t.Error("Version() is empty")
	}
}

// TestLinkedName fails when the variable is renamed here but not in the
// Makefile: the linker sets a name that does not exist without a word.
func TestLinkedName(t *testing.T) {
	const want = "v0.0.0-linked"
	makefile, err := os.ReadFile(filepath.Join("..", "..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	const name = "github.com/xlb-project/xlb/cmd/internal/version.version"
	if !strings.Contains(string(makefile), "-X "+name+"=") {
		t.Fatalf("the Makefile does not set %s", name)
	}
	out, err := exec.Command("go", "test", "-count=1", "-run", "TestPrint", "-v",
		"-ldflags", "-X "+name+"="+want, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go test: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), want) {
		t.Errorf("linked with version %s, it says:\n%s", want, out)
	}
}

// TestPrint prints the version for TestLinkedName.
func TestPrint(t *testing.T) {
	t.Log(Version())
}
