// Package readme runs what README.md tells its readers to type, so that it stays
// true.
//
// A fenced block of sh, bash, shell or console is run as it stands, by bash -eu,
// in the order of the document, in a copy of the source tree and beside a private
// Open vSwitch: ovs-vsctl, mn and the controller's usual ports mean that one. It
// must end within a minute with status 0. Of a console block, the lines that
// begin with "$ " are run, and the others are the output that they must have.
//
// An HTML comment before a block, which readers do not see, says otherwise:
//
//	<!-- test: skip REASON -->           it is not run; the test tells the reason
//	<!-- test: within 3m -->             it may take that long
//	<!-- test: fails -->                 its status must not be 0
//	<!-- test: outside -->               it is run on the machine itself, which has
//	                                     the network; what "go install" puts into
//	                                     GOBIN is in the path of later blocks
//	<!-- test: background until CMD -->  it goes on running; what follows starts
//	                                     when the shell command CMD succeeds
//	<!-- test: file NAME -->             a block of any language is saved as NAME,
//	                                     for later blocks to use
//	<!-- test: output -->                a block of any language is the output of
//	                                     the block run before
//
// and, on its own, with as many lines as it takes:
//
//	<!-- test: setup
//	shell commands
//	-->
//
// Output is compared line by line, in order. Numbers may differ, and so may the
// width of space; "…" stands for any text, and on a line by itself for any lines.
// Of a hexadecimal number the letters must be the same: write "…" where one varies.
package readme

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// kind is what becomes of a block.
type kind int

const (
	run kind = iota
	skip
	background
	file
	output
)

func (k kind) String() string {
	return [...]string{"run", "skip", "background", "file", "output"}[k]
}

// block is a piece of the document that the test does something with.
type block struct {
	line   int // of the document, where its text begins
	kind   kind
	text   string // the commands, the file's content or the output
	want   string // of a console block: the output it shows
	arg    string // skip's reason, background's command, file's name
	fails  bool
	alone  bool // run outside the switch's namespace
	within time.Duration
}

// defaultLimit ends what hangs. Some commands build programs, which takes a
// minute on a machine that does other things besides.
const defaultLimit = 3 * time.Minute

var (
	fence     = regexp.MustCompile("^( {0,3})(```+|~~~+)[ \t]*([^`]*)$")
	directive = regexp.MustCompile(`^<!--\s*test:\s*(\S+)\s*(.*?)\s*-->$`)
	setup     = regexp.MustCompile(`^<!--\s*test:\s*setup$`)
)

// shells are the languages of blocks that are run without being told to.
var shells = map[string]bool{"sh": true, "bash": true, "shell": true, "console": true}

// parse finds the blocks of a Markdown document. The error names the line.
func parse(document string) ([]block, error) {
	var blocks []block
	lines := strings.Split(document, "\n")
	// next is what the directives since the last block say of the next one.
	next := block{within: defaultLimit}
	told := 0 // the line of the first of them
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t\r")
		if setup.MatchString(line) {
			end := i + 1
			for end < len(lines) && strings.TrimSpace(lines[end]) != "-->" {
				end++
			}
			if end == len(lines) {
				return nil, fmt.Errorf("line %d: the setup has no end: want a line -->", i+1)
			}
			blocks = append(blocks, block{line: i + 2, text: strings.Join(lines[i+1:end], "\n"), within: defaultLimit})
			i = end
			continue
		}
		if m := directive.FindStringSubmatch(line); m != nil {
			if err := next.direct(m[1], m[2]); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			if told == 0 {
				told = i + 1
			}
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(line), "<!-- test") || strings.HasPrefix(strings.TrimSpace(line), "<!--test") {
			return nil, fmt.Errorf("line %d: %q is no directive: want <!-- test: WORD … -->", i+1, line)
		}
		m := fence.FindStringSubmatch(line)
		if m == nil {
			if told != 0 && line != "" {
				return nil, fmt.Errorf("line %d: no block follows the directive", told)
			}
			continue
		}
		end := i + 1
		for end < len(lines) && strings.TrimSpace(lines[end]) != m[2] {
			end++
		}
		if end == len(lines) {
			return nil, fmt.Errorf("line %d: the block has no end: want a line %s", i+1, m[2])
		}
		var body []string
		for _, l := range lines[i+1 : end] {
			body = append(body, strings.TrimPrefix(l, m[1]))
		}
		language, _, _ := strings.Cut(strings.TrimSpace(m[3]), " ")
		next.line, next.text = i+2, strings.Join(body, "\n")
		if language == "console" && (next.kind == run || next.kind == background) {
			next.text, next.want = session(body)
		}
		if told != 0 || shells[language] {
			blocks = append(blocks, next)
		}
		next, told, i = block{within: defaultLimit}, 0, end
	}
	if told != 0 {
		return nil, fmt.Errorf("line %d: no block follows the directive", told)
	}
	return blocks, nil
}

// direct adds what a directive says.
func (b *block) direct(word, rest string) error {
	switch word {
	case "skip":
		b.kind, b.arg = skip, rest
		if rest == "" {
			return fmt.Errorf("skip wants the reason")
		}
	case "background":
		command, ok := strings.CutPrefix(rest, "until ")
		if !ok {
			return fmt.Errorf("background wants: until COMMAND")
		}
		b.kind, b.arg = background, command
	case "file":
		if rest == "" || strings.ContainsAny(rest, "/ ") {
			return fmt.Errorf("file wants a name, without folders")
		}
		b.kind, b.arg = file, rest
	case "output":
		b.kind = output
	case "fails":
		b.fails = true
	case "outside":
		b.alone = true
	case "within":
		d, err := time.ParseDuration(rest)
		if err != nil || d <= 0 {
			return fmt.Errorf("within %q: want a duration such as 3m", rest)
		}
		b.within = d
	default:
		return fmt.Errorf("unknown directive %q: want skip, outside, background, file, output, fails, within or setup", word)
	}
	return nil
}

// session splits a terminal session into its commands and their output. A
// command goes on in the next line after a backslash.
func session(lines []string) (commands, shown string) {
	var c, o []string
	more := false
	for _, line := range lines {
		command, ok := strings.CutPrefix(line, "$ ")
		root, asRoot := strings.CutPrefix(line, "# ")
		switch {
		case more:
			command = strings.TrimPrefix(line, "> ")
		case asRoot && !ok:
			command = root
		case !ok:
			o = append(o, line)
			continue
		}
		c = append(c, command)
		more = strings.HasSuffix(command, `\`)
	}
	return strings.Join(c, "\n"), strings.Join(o, "\n")
}

var (
	numbers = regexp.MustCompile(`[0-9]+`)
	space   = regexp.MustCompile(`\s+`)
)

// compare says how output differs from what the document shows, or "".
func compare(want, got string) string {
	plain := func(s string) string {
		return strings.TrimSpace(space.ReplaceAllString(numbers.ReplaceAllString(s, "0"), " "))
	}
	var have []string
	for line := range strings.Lines(got) {
		if line = strings.TrimSpace(line); line != "" {
			have = append(have, line)
		}
	}
	at, gap := 0, false
	for line := range strings.Lines(want) {
		line = strings.TrimSpace(line)
		switch line {
		case "":
			continue
		case "…":
			gap = true
			continue
		}
		parts := strings.Split(plain(line), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		pattern := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		found := at
		for found < len(have) && !pattern.MatchString(plain(have[found])) {
			found++
		}
		if found == len(have) || found > at && !gap {
			return fmt.Sprintf("the document shows\n\t%s\nbut this comes:\n\t%s", line, strings.Join(have[min(at, len(have)):], "\n\t"))
		}
		at, gap = found+1, false
	}
	if at < len(have) && !gap {
		return fmt.Sprintf("more comes than the document shows:\n\t%s", strings.Join(have[at:], "\n\t"))
	}
	return ""
}
