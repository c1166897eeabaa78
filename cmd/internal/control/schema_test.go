// SPDX-License-Identifier: Apache-2.0

package control

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files with what comes out")

// documents are an example of everything that is sent, every field filled in.
func documents(t *testing.T) map[string]any {
	docs := map[string]any{
		"request attach":        AttachRequest{Interface: "eth0", Mode: ModeAuto},
		"request detach":        DetachRequest{Interface: "eth0", All: true},
		"request edit":          []Edit{{Op: ServerAdd, Server: web, Scheduler: "rr"}, sampleEdit()},
		"request zero":          ZeroRequest{Server: web},
		"request reset":         ResetRequest{Server: web},
		"line of a stream":      streamItem{Connection: &Connection{}},
		"last line of a stream": streamItem{End: true},
		"stream cut short":      streamItem{Error: Errorf(CodeConflict, "tables are being exchanged")},
		"connection":            sampleConnection(),
		"error":                 Errorf(CodeNotFound, "there is no such thing").WithHint("make it"),
	}
	for name, call := range calls(t.Context()) {
		answer, err := call(new(sample))
		if err != nil {
			t.Fatal(err)
		}
		if answer != nil {
			docs["answer "+name] = answer
		}
	}
	return docs
}

// TestJSONIsStable fails when a name or a type of the API changes. A new field
// is fine, and needs -update; for anything else APIVersion must change.
func TestJSONIsStable(t *testing.T) {
	got, err := json.MarshalIndent(documents(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", "api-"+APIVersion+".json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("the API has changed (-%s +now):\n%s", file, cmp.Diff(string(want), string(got)))
	}
}

// TestJSONExamplesAreComplete: a field that is nowhere filled in would be
// missing in the golden file, and could change without a word.
func TestJSONExamplesAreComplete(t *testing.T) {
	seen := map[string]bool{} // field, to whether any example fills it in
	for _, doc := range documents(t) {
		fields(reflect.ValueOf(doc), seen)
	}
	if len(seen) < 80 {
		t.Errorf("only %d fields were found", len(seen))
	}
	for field, filled := range seen {
		if !filled {
			t.Errorf("no example has a value for %s", field)
		}
	}
}

// fields notes every exported field below v, and whether it is filled in.
func fields(v reflect.Value, seen map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			fields(v.Elem(), seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fields(v.Index(i), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				name := v.Type().String() + "." + f.Name
				seen[name] = seen[name] || !v.Field(i).IsZero()
				fields(v.Field(i), seen)
			}
		}
	}
}

// Lists are lists, never null: scripts loop over them.
func TestJSONEmptyLists(t *testing.T) {
	empty := []any{
		NewListing("v1", sampleTime, twoServers(t), emptyCounters()),
		NewStats(sampleTime, emptyCounters()),
	}
	for _, doc := range empty {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("null")) {
			t.Errorf("%T: %s", doc, text)
		}
	}
}

// The sample's answers all say which version of the API they are of.
func TestJSONSaysItsVersion(t *testing.T) {
	parts := []string{"answer attach", "answer detach"} // xlbctl puts these into a document
	for name, doc := range documents(t) {
		v := reflect.Indirect(reflect.ValueOf(doc))
		if len(name) < 6 || name[:6] != "answer" || slices.Contains(parts, name) {
			continue
		}
		if f := v.FieldByName("APIVersion"); !f.IsValid() || f.String() != APIVersion {
			t.Errorf("%s (%s) does not say its version", name, v.Type())
		}
	}
}
