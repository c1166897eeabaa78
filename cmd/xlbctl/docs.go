// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func docsCommand() *command {
	return &command{
		name: "docs", hidden: true,
		summary: "Print docs/commands.md",
		run: func(c *call) error {
			c.printf("%s", markdown(commands()))
			return nil
		},
	}
}

// markdown is docs/commands.md: what --help says, for reading.
func markdown(root *command) string {
	var b strings.Builder
	b.WriteString("<!-- SPDX-License-Identifier: Apache-2.0 -->\n")
	b.WriteString("<!-- Made by \"go generate ./cmd/xlbctl\" from what --help prints. Do not edit. -->\n")
	b.WriteString("# xlbctl: the commands\n\n")
	section(&b, root)
	return b.String()
}

// section writes a command, and those below it.
func section(b *strings.Builder, c *command) {
	if c.parent != nil {
		fmt.Fprintf(b, "## %s\n\n", c.path())
	}
	fmt.Fprintf(b, "%s.\n\n```\n%s\n```\n", c.summary, c.usage())
	if c.text != "" {
		fmt.Fprintf(b, "\n%s\n", c.text)
	}
	if len(c.examples) > 0 {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.Join(c.exampleLines(), "\n"))
	}
	flagList(b, c)
	b.WriteString("\n")
	for _, s := range c.visible() {
		section(b, s)
	}
}

func flagList(b *strings.Builder, c *command) {
	flags := c.flags
	if len(flags) == 0 {
		return
	}
	title := "Flags"
	if c.parent == nil {
		title = "Global flags"
	}
	fmt.Fprintf(b, "\n| %s | |\n|---|---|\n", title)
	for _, f := range flags {
		fmt.Fprintf(b, "| %s | %s |\n", flagCell(f), strings.ReplaceAll(describe(f).usage+describe(f).origin(), "|", `\|`))
	}
}

func flagCell(f cli.Flag) string {
	d := describe(f)
	if d.short == "" {
		return "`" + d.name + "`"
	}
	return "`" + d.short + "`, `" + d.name + "`"
}
