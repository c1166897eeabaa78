// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// kind is what an argument names.
type kind int

const (
	kindNone      kind = iota
	kindInterface      // a network interface of this machine
	kindServer         // a virtual server that there is
	kindReal           // a real server of the virtual server before it
	kindShell
)

func completionContext(c *call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Context.Context, time.Second)
}

// complete is what the last of the words can become. Words before it that make
// no sense complete to nothing.
func (c *call) complete(root *command, words []string) []string {
	if len(words) == 0 {
		return nil
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	if f := openFlag(root, before); f != nil {
		return begin(c.values(f, dirsIn(root, before[:len(before)-1])), last)
	}
	l, err := arrange(root, before)
	if err != nil {
		return nil
	}
	if name, value, given := strings.Cut(last, "="); given && strings.HasPrefix(name, "-") {
		return prefixed(name+"=", begin(c.values(flagNamed(l.command, root, name), dirsIn(root, before)), value))
	}
	if strings.HasPrefix(last, "-") {
		return begin(flagNames(l.command, root), last)
	}
	if list := l.command.visible(); len(list) > 0 {
		var names []string
		for _, s := range list {
			names = append(names, s.name)
		}
		return begin(names, last)
	}
	return begin(c.arguments(l, dirsIn(root, before)), last)
}

// openFlag is the flag that still wants its value after the words, or nil.
func openFlag(root *command, words []string) cli.Flag {
	if len(words) == 0 || slices.Contains(words, "--") {
		return nil
	}
	last := words[len(words)-1]
	l, err := arrange(root, words[:len(words)-1])
	if err != nil || !strings.HasPrefix(last, "-") || strings.Contains(last, "=") {
		return nil
	}
	if f := flagNamed(l.command, root, last); f != nil && takesValue(f) {
		return f
	}
	return nil
}

func flagNamed(c, root *command, word string) cli.Flag {
	name := strings.TrimLeft(word, "-")
	if f := c.flag(name); f != nil {
		return f
	}
	return root.flag(name)
}

func flagNames(c, root *command) []string {
	names := []string{"--help"}
	for _, f := range append(slices.Clone(c.flags), root.flags...) {
		if name := dashed(f.Names()[0]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// dirsIn are the directories that the words and the environment say.
func dirsIn(root *command, words []string) (dirs control.Dirs) {
	l, err := arrange(root, words)
	if err != nil {
		return control.DefaultDirs()
	}
	app := &cli.App{Flags: root.flags, HideHelp: true, ExitErrHandler: func(*cli.Context, error) {},
		Action: func(c *cli.Context) error {
			dirs = dirsOf(c)
			return nil
		}}
	if app.Run(append([]string{root.name}, l.global...)) != nil {
		return control.DefaultDirs()
	}
	return dirs
}

// arguments are what the next argument of a command can be.
func (c *call) arguments(l *line, dirs control.Dirs) []string {
	kinds, n := l.command.kinds, len(l.args)
	if len(kinds) == 0 || n >= l.command.max {
		return nil
	}
	switch kinds[min(n, len(kinds)-1)] {
	case kindInterface:
		return interfaces()
	case kindServer:
		return keysOf(c.servers(dirs))
	case kindReal:
		return realsOf(c.servers(dirs), l.args[n-1])
	case kindShell:
		return shells()
	}
	return nil
}

// values are what a flag's value can be.
func (c *call) values(f cli.Flag, dirs control.Dirs) []string {
	if f == nil {
		return nil
	}
	switch f.Names()[0] {
	case "output":
		return []string{outputTable, outputJSON}
	case "mode":
		return modes()
	case "scheduler":
		return []string{string(lb.RoundRobin)}
	case "forward":
		return []string{string(lb.NAT)}
	case "state":
		return control.States()
	case "server":
		return keysOf(c.servers(dirs))
	case "real":
		return realsOf(c.servers(dirs), "")
	}
	return nil
}

func interfaces() []string {
	list, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
	}
	return names
}

func keysOf(list []control.Service) []string {
	var keys []string
	for _, s := range list {
		keys = append(keys, s.Key)
	}
	return keys
}

// realsOf are the real servers of a virtual server, or with no key of all.
func realsOf(list []control.Service, key string) []string {
	var keys []string
	for _, s := range list {
		if key != "" && s.Key != key {
			continue
		}
		for _, r := range s.Reals {
			keys = append(keys, r.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// begin are the words that begin with a prefix.
func begin(words []string, prefix string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, prefix) })
}

func prefixed(prefix string, words []string) []string {
	for i := range words {
		words[i] = prefix + words[i]
	}
	return words
}
