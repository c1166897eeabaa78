// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/lb"
)

var update = flag.Bool("update", false, "rewrite the golden files with what comes out")

// now is what the first engine offers.
func now() lb.Features {
	return lb.Features{Schedulers: []lb.Scheduler{lb.RoundRobin}, Methods: []lb.Method{lb.NAT}}
}

// TestGolden reads every case of testdata: xlb.yaml in; config or findings out.
func TestGolden(t *testing.T) {
	for _, verdict := range []string{"good", "bad"} {
		files, err := filepath.Glob(filepath.Join("testdata", verdict, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no cases in testdata/%s: %v", verdict, err)
		}
		for _, file := range files {
			name := verdict + " " + strings.TrimSuffix(filepath.Base(file), ".txtar")
			t.Run(name, func(t *testing.T) { golden(t, file, verdict == "good") })
		}
	}
}

func golden(t *testing.T, file string, good bool) {
	archive, err := txtar.ParseFile(file)
	if err != nil || len(archive.Files) == 0 || archive.Files[0].Name != "xlb.yaml" {
		t.Fatalf("%s has no xlb.yaml: %v", file, err)
	}
	c, err := config.Parse("xlb.yaml", archive.Files[0].Data, now())
	if good != (err == nil) {
		t.Fatalf("good = %v, but the reading says:\n%v", good, err)
	}
	var section, got string
	if good {
		section, got = "config", dump(c)
	} else {
		section, got = "findings", err.Error()+"\n"
		places(t, archive.Files[0].Data, err)
	}
	if *update {
		archive.Files = append(archive.Files[:1], txtar.File{Name: section, Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(archive.Files) != 2 || archive.Files[1].Name != section {
		t.Fatalf("%s has no section %q; run with -update and read what it writes", file, section)
	}
	if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", section, diff)
	}
}

// places checks that every finding points into the file.
func places(t *testing.T, data []byte, err error) {
	t.Helper()
	var findings config.Findings
	if !errors.As(err, &findings) || len(findings) == 0 {
		t.Fatalf("%T is no Findings: %v", err, err)
	}
	lines := strings.Split(string(data), "\n")
	for _, f := range findings {
		if f.Line < 1 || f.Line > len(lines) || f.Column < 1 {
			t.Errorf("%d:%d is not in the file: %s", f.Line, f.Column, f.Message)
		}
		if f.Message == "" || f.File == "" {
			t.Errorf("empty finding: %+v", f)
		}
	}
}

// dump prints a configuration, one noun a line.
func dump(c *config.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "interfaces %+v\nlog %+v\nmetrics %v\nown_all %v\ntables %+v\ntimeouts %+v\n",
		c.Interfaces, c.Log, c.Metrics.Listen, c.OwnAll, c.Tables, c.Timeouts)
	for _, v := range c.VirtualServers {
		fmt.Fprintf(&b, "virtual server %v %v instance %q\n", v.ServiceKey, v.Scheduler, v.Instance)
		for _, r := range v.Reals {
			fmt.Fprintf(&b, "  real server %v %v weight %d, check %+v\n", r.Addr, r.Method, r.Weight, r.Check)
		}
	}
	return b.String()
}
