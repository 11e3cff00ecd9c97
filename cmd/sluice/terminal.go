package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// terminal reports whether a stream is a terminal.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	is, err := f.Stat()
	if err != nil || is.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(is, null)
}

// paint returns a function that colours a line by its sign (+, ~ or -), if the
// output is a terminal and nobody has asked for none ($NO_COLOR, no-color.org).
func paint(out io.Writer) func(sign byte, line string) string {
	if !terminal(out) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return func(_ byte, line string) string { return line }
	}
	return colour
}

func colour(sign byte, line string) string {
	code := map[byte]string{'+': "32", '~': "33", '-': "31"}[sign]
	return "\x1b[" + code + "m" + line + "\x1b[0m"
}

// sure asks whether to go on, unless yes says so. Where nobody can be asked it
// fails.
func (c *client) sure(yes bool, question string) error {
	if yes {
		return nil
	}
	if !terminal(c.in) || !terminal(c.out) || c.output != "text" {
		return fmt.Errorf("nobody can be asked here: add --yes to go on without a question; nothing was changed")
	}
	fmt.Fprintf(c.out, "%s [y/N] ", question)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && line == "" {
		return fmt.Errorf("no answer: %w; nothing was changed", err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return fmt.Errorf("not confirmed; nothing was changed")
}
