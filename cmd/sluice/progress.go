package main

import (
	"fmt"
	"io"
	"strings"
)

// progress tells on standard error how far long work has come: with a bar on a
// terminal, with lines elsewhere.
type progress struct {
	out   io.Writer
	bar   bool
	total int
	begun bool
}

// newProgress returns one for so many things. It says nothing before its first
// step.
func (c *client) newProgress(total int) *progress {
	return &progress{out: c.errOut, bar: terminal(c.errOut), total: total}
}

const barWidth = 30

// step tells that so many are done.
func (p *progress) step(done int) {
	p.begun = true
	if !p.bar {
		fmt.Fprintf(p.out, "%d of %d done\n", done, p.total)
		return
	}
	full := barWidth * done / max(p.total, 1)
	fmt.Fprintf(p.out, "\r[%s%s] %d of %d", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, p.total)
}

// end leaves the line of the bar.
func (p *progress) end() {
	if p.begun && p.bar {
		fmt.Fprintln(p.out)
	}
}
