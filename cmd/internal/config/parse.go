// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/xlb-project/xlb/lb"
)

// maxSize of a file in bytes; 16,384 real servers take about one million.
const maxSize = 16 << 20

// Load reads a file. Errors: that of reading it, or [Findings].
func Load(file string, features lb.Features) (*Config, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(file, data, features)
}

// Parse reads data; file is what findings call it, features what the engine
// can do. The error, if any, is [Findings]. An empty file is a good one: no
// interface, no virtual server, all defaults.
func Parse(file string, data []byte, features lb.Features) (*Config, error) {
	data = unixLines(data)
	r := &reader{
		file:    file,
		lines:   strings.Split(string(data), "\n"),
		anchors: map[string]ast.Node{},
		budget:  2*len(data) + spare,
		keys:    map[string][]string{},
	}
	c := r.parse(data, features)
	if len(r.findings) > 0 {
		return nil, r.findings.sorted()
	}
	return c, nil
}

// unixLines ends every line by a newline alone. A carriage return is a line's
// end to YAML, too.
func unixLines(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// parse reports what cannot be read and returns what could.
func (r *reader) parse(data []byte, features lb.Features) *Config {
	c := defaults()
	root := r.document(data)
	if root != nil {
		r.collectAnchors(root)
		s := schema{reader: r, features: features}
		s.config(root, c)
	}
	return c
}

// document is the root of the only document, nil if there is none.
func (r *reader) document(data []byte) ast.Node {
	if len(data) > maxSize {
		r.reportAt(nil, "the file is larger than %d MiB; that is no configuration", maxSize>>20)
		return nil
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		r.reportAt(nil, "the file holds a zero byte; that is no text")
		return nil
	}
	file, err := parseYAML(data)
	if err != nil {
		r.syntax(err)
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root == nil:
			root = doc.Body
		default:
			r.report(doc.Body, "a second YAML document begins here; put everything into one")
		}
	}
	return root
}

// parseYAML calls the YAML library. A panic in there must not take down a
// daemon that was only asked to reload.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML library fails on this file: %v", p)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// syntax reports what the YAML library says.
func (r *reader) syntax(err error) {
	var located yaml.Error
	var at *token.Token
	message := err.Error()
	if errors.As(err, &located) {
		at, message = located.GetToken(), located.GetMessage()
	}
	r.reportAt(at, "not YAML: %s", message)
}
