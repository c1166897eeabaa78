// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"os"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestEveryMetricIsDocumented: the page names each family, and no others.
func TestEveryMetricIsDocumented(t *testing.T) {
	const page = "../../../docs/configuration.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for _, name := range regexp.MustCompile("`(xlb_[a-z_]+)`").FindAllStringSubmatch(string(text), -1) {
		described[name[1]] = true
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(full()))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !described[f.GetName()] {
			t.Errorf("%s does not describe %s", page, f.GetName())
		}
		delete(described, f.GetName())
	}
	for name := range described {
		t.Errorf("%s describes %s, which is not exported", page, name)
	}
}
