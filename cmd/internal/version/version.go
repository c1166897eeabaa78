// SPDX-License-Identifier: Apache-2.0

// Package version says which version of xlb a program is: the same words for
// both programs, for --version, for xlb_build_info and for the log's first line.
package version

import "runtime/debug"

// version is set by the linker (Makefile, LDFLAGS) to what git describe says.
var version string

// unknown is what a program says that was built outside a clone and by hand.
const unknown = "unknown"

// Version is the program's version, such as "v0.3.0" or "v0.3.0-12-g1a2b3c4-dirty"
// (as git describe writes it) in what make built; the module's version in
// what go install built; "git-" and the commit in what go build built in a
// clone; else "unknown". It is never empty.
func Version() string {
	info, _ := debug.ReadBuildInfo()
	return choose(version, info)
}

// choose takes the first source that says something. Info may be nil.
func choose(linked string, info *debug.BuildInfo) string {
	if linked != "" && linked != unknown {
		return linked
	}
	if info == nil {
		return unknown
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	return revision(info.Settings)
}

// revision is the commit that the go command recorded, short as git shows it.
func revision(settings []debug.BuildSetting) string {
	const short = 12
	commit, dirty := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if commit == "" {
		return unknown
	}
	return "git-" + commit[:min(short, len(commit))] + dirty
}
