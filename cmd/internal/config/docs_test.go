// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/xlb-project/xlb/lb"
)

const page = "../../../docs/configuration.md"

// sections are the headings that describe the kinds of objects.
func sections() map[string]string {
	return map[string]string{
		"the configuration": "Top level",
		"an interface":      "interfaces",
		"log":               "log",
		"metrics":           "metrics",
		"tables":            "tables",
		"timeouts":          "timeouts",
		"a virtual server":  "virtual_servers",
		"a real server":     "real_servers",
		"a check":           "check",
	}
}

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// schemaKeys reads the file that has everything and says what it met.
func schemaKeys(t *testing.T) map[string][]string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/good/all_keys.txtar")
	if err != nil {
		t.Fatal(err)
	}
	data := archive.Files[0].Data
	r := &reader{file: "all", lines: strings.Split(string(data), "\n"), anchors: map[string]ast.Node{}, keys: map[string][]string{}, budget: spare}
	r.parse(data, lb.Features{Schedulers: []lb.Scheduler{lb.RoundRobin}, Methods: []lb.Method{lb.NAT}})
	if len(r.findings) > 0 {
		t.Fatal(r.findings)
	}
	return r.keys
}

// TestEveryKeyIsDocumented: the page describes each key of each object in the
// object's section, and no others.
func TestEveryKeyIsDocumented(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")
	text := readPage(t)
	keys := schemaKeys(t)
	for what, heading := range sections() {
		_, section, found := strings.Cut(text, "\n## "+heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !found || len(keys[what]) == 0 {
			t.Errorf("%s: section %q found: %v, keys: %v", what, heading, found, keys[what])
			continue
		}
		described := map[string]bool{}
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			described[m[1]] = true
		}
		for _, key := range keys[what] {
			if !described[key] {
				t.Errorf("%s does not describe %q in section %q", page, key, heading)
			}
			delete(described, key)
		}
		for key := range described {
			t.Errorf("%s describes %q in section %q; there is no such key", page, key, heading)
		}
		delete(keys, what)
	}
	for what := range keys {
		t.Errorf("no section is known for %s", what)
	}
}

// TestAllKeysUsesAll: the corpus' file with all keys has indeed all of them.
func TestAllKeysUsesAll(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/good/all_keys.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for what, keys := range schemaKeys(t) {
		for _, key := range keys {
			if !strings.Contains(string(archive.Files[0].Data), key+":") {
				t.Errorf("key %q of %s is not used", key, what)
			}
		}
	}
}

// TestExamplesParse reads every example of the page, and the packaged file
// with and without its comment signs.
func TestExamplesParse(t *testing.T) {
	features := lb.Features{Schedulers: []lb.Scheduler{lb.RoundRobin}, Methods: []lb.Method{lb.NAT}}
	fence := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	examples := fence.FindAllStringSubmatch(readPage(t), -1)
	if len(examples) < 3 {
		t.Fatalf("only %d examples in %s", len(examples), page)
	}
	for _, example := range examples {
		if _, err := Parse(page, []byte(example[1]), features); err != nil {
			t.Errorf("an example in %s:\n%v", page, err)
		}
	}
	file := filepath.Join("..", "..", "..", "packaging", "xlb.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(file, text, features); err != nil {
		t.Error(err)
	}
	uncommented := regexp.MustCompile("(?m)^#([^ #])").ReplaceAll(text, []byte("$1"))
	uncommented = regexp.MustCompile("(?m)^#( +[-a-z])").ReplaceAllFunc(uncommented, func(m []byte) []byte {
		if regexp.MustCompile(`^#  +`).Match(m) {
			return m[1:]
		}
		return m
	})
	c, err := Parse(file, uncommented, features)
	if err != nil {
		t.Fatalf("without comment signs:\n%v", err)
	}
	if len(c.VirtualServers) == 0 || len(c.Interfaces) == 0 {
		t.Errorf("the comment signs of %s were not taken away:\n%s", file, uncommented)
	}
}
