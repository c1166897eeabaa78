// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// line is a command line, taken apart.
type line struct {
	command *command
	global  []string // flags of xlbctl, as --name=value
	local   []string // flags of the command
	args    []string
	help    bool
}

// arguments is the line in the order that urfave/cli wants, with the program's
// name: it ends a command's flags at the first argument.
func (l *line) arguments() []string {
	out := append([]string{"xlbctl"}, l.global...)
	out = append(out, strings.Fields(l.command.path())[1:]...)
	out = append(out, l.local...)
	return append(append(out, "--"), l.args...)
}

// arrange takes a command line apart. Flags may stand anywhere behind the
// command that they belong to, global ones anywhere at all; "--" ends them.
// What is not known is a usage error that says what may have been meant.
func arrange(root *command, words []string) (*line, error) {
	l := &line{command: root}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "--":
			l.args = append(l.args, words...)
			return l, l.check()
		case len(word) > 1 && word[0] == '-':
			rest, err := l.flag(root, word, words)
			if err != nil {
				return nil, err
			}
			words = rest
		default:
			if err := l.word(root, word); err != nil {
				return nil, err
			}
		}
	}
	return l, l.check()
}

// word takes what is no flag: the name of a command, or an argument.
func (l *line) word(root *command, word string) error {
	if len(l.command.sub) == 0 {
		l.args = append(l.args, word)
		return nil
	}
	next := l.command.find(word)
	switch {
	case next != nil:
		l.command = next
	case word == "help" && l.command == root:
		l.help = true // of the command whose name follows
	default:
		return unknownCommand(l.command, word)
	}
	return nil
}

// flag takes a flag, and its value from the words that follow, of which it
// returns the rest.
func (l *line) flag(root *command, word string, words []string) ([]string, error) {
	name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if name == "help" || name == "h" {
		l.help = true
		return words, nil
	}
	f, into := l.command.flag(name), &l.local
	if f == nil || l.command == root {
		f, into = root.flag(name), &l.global
	}
	if f == nil {
		return nil, unknownFlag(l.command, root, word)
	}
	if !takesValue(f) && !given {
		value = "true"
	} else if !given {
		if len(words) == 0 {
			return nil, control.Errorf(control.CodeUsage, "%s needs a value: %s", word, describe(f).name).
				WithHint("see: %s --help", l.command.path())
		}
		value, words = words[0], words[1:]
	}
	*into = append(*into, dashed(f.Names()[0])+"="+value)
	return words, nil
}

// check refuses arguments where a command was to be.
func (l *line) check() error {
	if len(l.command.sub) > 0 && len(l.args) > 0 && !l.help {
		return unknownCommand(l.command, l.args[0])
	}
	return nil
}

func unknownCommand(c *command, word string) error {
	var names []string
	for _, s := range c.visible() {
		names = append(names, s.name)
	}
	return control.Errorf(control.CodeUsage, "%s has no command %q%s", c.path(), word, didYouMean(word, names)).
		WithHint("see: %s --help", c.path())
}

func unknownFlag(c, root *command, word string) error {
	flag, _, _ := strings.Cut(word, "=")
	names := []string{"--help"}
	for _, list := range [][]cli.Flag{c.flags, root.flags} {
		for _, f := range list {
			names = append(names, dashed(f.Names()[0]))
		}
	}
	return control.Errorf(control.CodeUsage, "%s has no flag %s%s", c.path(), flag, didYouMean(flag, names)).
		WithHint("see: %s --help", c.path())
}
