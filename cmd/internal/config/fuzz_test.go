// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/xlb-project/xlb/cmd/internal/config"
)

// FuzzParse: no input makes the reading panic; it ends with a configuration or
// with findings that point into the file, and twice the same.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 || strings.Count(string(data), "[")+strings.Count(string(data), "{") > 200 {
			return // the YAML library takes quadratic time for nesting
		}
		c, err := config.Parse("fuzz.yaml", data, now())
		again, errAgain := config.Parse("fuzz.yaml", data, now())
		if !reflect.DeepEqual(c, again) || !reflect.DeepEqual(err, errAgain) {
			t.Fatalf("two readings differ: %v, %v", err, errAgain)
		}
		var findings config.Findings
		switch {
		case err == nil && c == nil:
			t.Fatal("neither a configuration nor findings")
		case err == nil:
			acceptable(t, c)
		case !errors.As(err, &findings) || len(findings) == 0:
			t.Fatalf("%T is no findings: %v", err, err)
		}
		pointInto(t, data, findings)
	})
}

// acceptable checks what the rest of the daemon relies on.
func acceptable(t *testing.T, c *config.Config) {
	for _, v := range c.VirtualServers {
		if !v.Addr.IsValid() || v.Protocol == 0 || v.Scheduler == "" {
			t.Fatalf("incomplete virtual server: %+v", v)
		}
		for _, r := range v.Reals {
			if !r.Addr.IsValid() || r.Method == "" || r.Weight < 0 {
				t.Fatalf("incomplete real server: %+v", r)
			}
			if r.Check.Type == config.CheckTCP && (r.Check.Interval <= 0 || r.Check.Timeout <= 0 || r.Check.Rise < 1 || r.Check.Fall < 1) {
				t.Fatalf("incomplete check: %+v", r.Check)
			}
		}
	}
}

func pointInto(t *testing.T, data []byte, findings config.Findings) {
	lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
	for _, f := range findings {
		if f.Line < 1 || f.Line > lines || f.Column < 1 || f.Message == "" {
			t.Fatalf("finding %d:%d %q is not in a file of %d lines", f.Line, f.Column, f.Message, lines)
		}
		if utf8.Valid(data) && !utf8.ValidString(f.String()) {
			t.Fatalf("finding cuts a character: %q", f.String())
		}
	}
}
