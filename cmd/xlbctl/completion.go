// SPDX-License-Identifier: Apache-2.0

package main

import (
	"embed"
	"fmt"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// scripts for the shells. All they do is to ask "xlbctl __complete".
//
//go:embed completion
var scripts embed.FS

func shells() []string { return []string{"bash", "zsh", "fish"} }

func completionCommand() *command {
	return &command{
		name: "completion", args: "bash|zsh|fish", min: 1, max: 1, kinds: []kind{kindShell},
		summary: "Print a script that completes commands in a shell",
		text:    `It completes commands, flags, interfaces, virtual servers and real servers.`,
		examples: []example{
			{"This bash", `eval "$(xlbctl completion bash)"`},
			{"Every bash", "xlbctl completion bash >/usr/share/bash-completion/completions/xlbctl"},
			{"Every zsh", `xlbctl completion zsh >"${fpath[1]}/_xlbctl"`},
			{"Every fish", "xlbctl completion fish >/usr/share/fish/vendor_completions.d/xlbctl.fish"},
		},
		run: func(c *call) error {
			shell := c.Args().First()
			if err := oneOf("shell", shell, shells()...); err != nil {
				return err
			}
			text, err := scripts.ReadFile("completion/xlbctl." + shell)
			if err != nil {
				return fmt.Errorf("completion for %s: %w", shell, err)
			}
			_, err = c.out.Write(text)
			return err
		},
	}
}

func completeCommand() *command {
	return &command{
		name: "__complete", args: "WORD...", max: many, hidden: true,
		summary: "Print what the last word can become, a line each",
		run: func(c *call) error {
			for _, candidate := range c.complete(commands(), c.Args().Slice()) {
				c.printf("%s\n", candidate)
			}
			return nil
		},
	}
}

// servers are the virtual servers that there are; none when that is not known
// soon: a key press must not hang.
func (c *call) servers(dirs control.Dirs) []control.Service {
	ctx, cancel := completionContext(c)
	defer cancel()
	ctl, err := c.program.open(ctx, dirs)
	if err != nil {
		return nil
	}
	defer ctl.Close()
	l, err := ctl.Services(ctx)
	if err != nil {
		return nil
	}
	return l.Services
}
