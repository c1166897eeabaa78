// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/xlb-project/xlb/test/netns"
)

// programs is where TestMain built xlbd and xlbctl.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "xlb-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "github.com/xlb-project/xlb/cmd/xlbd", "github.com/xlb-project/xlb/cmd/xlbctl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	programs = dir
	return netns.Main(m)
}

// scaled is a count that an issue names: in full in a soak, else a tenth.
func scaled(n int) int {
	if os.Getenv("XLB_SOAK") == "1" {
		return n
	}
	return n / 10
}
