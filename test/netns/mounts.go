// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mount is a line of /proc/self/mountinfo.
type mount struct {
	point string // where it is mounted
	fs    string // its file system's type
}

// mounts returns what is mounted, the latest mount first, which is the order for unmounting.
func mounts() ([]mount, error) {
	data, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("netns: list mounts: %w", err)
	}
	var out []mount
	for line := range strings.Lines(string(data)) {
		if m, ok := parseMount(line); ok {
			out = append([]mount{m}, out...)
		}
	}
	return out, nil
}

// parseMount parses a line such as "36 35 98:0 / /mnt rw shared:1 - ext4 /dev/sda rw" (proc(5)); the fields before "-" vary in number.
func parseMount(line string) (mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 5 || len(right) < 1 {
		return mount{}, false
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	return mount{point: unescape.Replace(left[4]), fs: right[0]}, true
}

// mountsOf returns the mounts that labs whose names begin with prefix made: in their directories and under /run/netns.
func mountsOf(prefix string) ([]mount, error) {
	all, err := mounts()
	var out []mount
	for _, m := range all {
		if m.madeBy(prefix) {
			out = append(out, m)
		}
	}
	return out, err
}

// madeBy says whether m lies where a lab whose name begins with prefix mounts things. The directory of a lab has no dash at the end.
func (m mount) madeBy(prefix string) bool {
	for _, dir := range []string{runDir, os.TempDir()} {
		rel, err := filepath.Rel(dir, m.point)
		if err != nil {
			continue
		}
		first, _, _ := strings.Cut(rel, "/")
		if strings.HasPrefix(first+"-", prefix) {
			return true
		}
	}
	return false
}
