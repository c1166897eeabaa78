// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// targets is what `make` offers, all of it and nothing else.
func targets() []string {
	return strings.Fields(`all build generate test test-unit demo bench soak fuzz lint fmt check-generated
		install uninstall clean help`)
}

// Targets that are meant for people are declared .PHONY, and `make help` shows the text behind "##".
var (
	phony      = regexp.MustCompile(`(?m)^\.PHONY: (.*)$`)
	documented = regexp.MustCompile(`(?m)^([a-z-]+):.*## \S`)
)

func targetRule() rule {
	makefile := func(names []string, comment string) string {
		text := ".PHONY: " + strings.Join(names, " ") + "\n"
		for _, name := range names {
			text += name + ": x" + comment + "\n"
		}
		return text
	}
	all, half := targets(), len(targets())/2
	return rule{name: "targets", check: checkTargets, examples: []example{
		one("OK: one file", "Makefile", makefile(all, " ## Do"), ""),
		{"OK: two files", []string{"Makefile", makefile(all[:half], " ## Do"), "bpf.mk", makefile(all[half:], " ## Do")}, ""},
		one("bad: one missing", "Makefile", makefile(all[1:], " ## Do"), "no target all"),
		one("bad: one more", "Makefile", makefile(append(all, "deploy"), " ## Do"), "deploy"),
		{"bad: not in the help", []string{"Makefile", makefile(all[1:], " ## Do"), "bpf.mk", makefile(all[:1], "")}, "help"},
	}}
}

func checkTargets(tree []*source) []finding {
	var found []finding
	var offered []string
	for _, s := range tree {
		if s.path != "Makefile" && (path.Ext(s.path) != ".mk" || s.inTestdata()) {
			continue
		}
		var helped []string
		for _, m := range documented.FindAllStringSubmatch(string(s.text), -1) {
			helped = append(helped, m[1])
		}
		for _, m := range phony.FindAllStringSubmatch(string(s.text), -1) {
			for _, name := range strings.Fields(m[1]) {
				offered = append(offered, name)
				if !slices.Contains(helped, name) {
					found = append(found, finding{s.path, 1, "target " + name + " is not in make help: add ## and a sentence"})
				}
				if !slices.Contains(targets(), name) {
					found = append(found, finding{s.path, 1, "target " + name + " is not among those agreed on"})
				}
			}
		}
	}
	for _, name := range targets() {
		if len(offered) > 0 && !slices.Contains(offered, name) {
			found = append(found, finding{"Makefile", 1, "there is no target " + name})
		}
	}
	return found
}
