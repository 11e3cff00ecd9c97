package ofp

import (
	"fmt"
	"strconv"
)

// Names translates between names and numbers of one switch. Both functions may
// be nil; a nil *Names knows no names.
type Names struct {
	Port     func(name string) (PortNo, bool)
	PortName func(no PortNo) (string, bool)
}

// TextError says where a text could not be read.
type TextError struct {
	Col  int    // of the first byte that is wrong, counted from 1
	Text string // what stands there
	Msg  string // what is wrong with it, and what was expected
	Err  error  // ErrVersion for what no version that Sluice speaks can say, else nil
}

func (e *TextError) Unwrap() error { return e.Err }

func (e *TextError) Error() string { return fmt.Sprintf("col %d: %s", e.Col, e.Msg) }

// ParseFlow reads a flow in the syntax of ovs-ofctl(8): what add-flow takes for
// FlowAdd, mod-flows for FlowModify, del-flows for FlowDelete, and the last two
// with --strict for the strict commands. The text of a delete has no actions,
// and may have out_port and out_group. Lines that FlowStats.String printed are
// taken too; their counters are ignored.
//
// What Open vSwitch would drop from a flow with a warning is an error here, such
// as nw_dst without ip. So is an action on a field that the flow's packets do not
// have, such as set_field:1.2.3.4->ip_dst without ip. What OpenFlow 1.0 takes and
// later versions do not, such as dec_ttl without ip, is for ValidateFor to refuse.
// Errors are of type *TextError. The time taken grows with the length of the text
// and no faster.
func ParseFlow(text string, command FlowCommand, n *Names) (*FlowMod, error) {
	p := textParser{s: text, names: n}
	m := p.flow(command)
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

// ParseMatch reads a match in the syntax of ovs-fields(7), such as
// "tcp,nw_dst=10.0.0.0/8,tp_dst=80". Errors are of type *TextError.
func ParseMatch(text string, n *Names) (Match, error) {
	p := textParser{s: text, names: n}
	var m Match
	mt := matchText{m: &m}
	for at := 0; ; {
		var it textItem
		var ok bool
		if it, at, ok = p.next(at, len(text)); !ok {
			break
		}
		if isBits(it) {
			mt.bits(&p, it)
		} else if key, known := textKeys[it.key]; known && key.kind < keyTable {
			mt.add(&p, it, key)
		} else {
			p.unknown(it, "field", isMatchKey)
		}
	}
	mt.finish(&p)
	if p.err != nil {
		return Match{}, p.err
	}
	return m, nil
}

// ParseActions reads actions and instructions in the syntax of ovs-actions(7),
// such as "set_queue:1,output:2,goto_table:3" or "drop". Errors are of type
// *TextError.
func ParseActions(text string, n *Names) ([]Instruction, error) {
	p := textParser{s: text, names: n}
	is := p.instructions(0, len(text), nil)
	if p.err != nil {
		return nil, p.err
	}
	return is, nil
}

// textParser reads one text. It remembers the first error, after which further
// steps change nothing that is returned.
type textParser struct {
	s       string
	names   *Names
	err     error
	context actionContext
}

// textItem is one "key", "key=value", "key:value" or "key(value)" of a text.
type textItem struct {
	key, val string
	at       int // of the key
	valAt    int // of the value
	has      bool
}

// name is the key as an error names it.
func (it textItem) name() string { return it.key }

func isSeparator(c byte) bool {
	return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// next splits the item off that starts at or after at, which ends before end.
// The flag is false at the end of the text and after an error.
func (p *textParser) next(at, end int) (it textItem, rest int, ok bool) {
	if p.err != nil {
		return it, end, false
	}
	s := p.s[:end]
	for at < end && isSeparator(s[at]) {
		at++
	}
	if at == end {
		return it, end, false
	}
	it.at = at
	if s[at] == '"' { // a port name in quotes stands for itself
		at = p.quoted(at, end)
	}
	for at < end && !isSeparator(s[at]) && s[at] != '=' && s[at] != ':' && s[at] != '(' {
		at++
	}
	it.key = s[it.at:at]
	if at == end || isSeparator(s[at]) {
		return it, at, p.err == nil
	}
	it.has = true
	if s[at] == '(' {
		it.valAt = at + 1
		closing := p.closing(at, end)
		if p.err != nil {
			return it, end, false
		}
		it.val = s[it.valAt:closing]
		at = closing + 1
		if it.key == "check_pkt_larger" { // its destination stands behind
			for at < end && !isSeparator(s[at]) {
				at++
			}
			it.val = s[it.valAt:at]
		}
		if at < end && !isSeparator(s[at]) {
			p.fail(at, end, "%q after the closing parenthesis of %s; want a comma", s[at:min(end, at+16)], it.key)
		}
		return it, at, p.err == nil
	}
	at++
	it.valAt = at
	for at < end && !isSeparator(s[at]) {
		switch s[at] {
		case '(':
			at = p.closing(at, end)
		case '"':
			at = p.quoted(at, end) - 1
		}
		if p.err != nil {
			return it, end, false
		}
		at++
	}
	it.val = s[it.valAt:at]
	return it, at, true
}

// closing returns the place of the parenthesis that closes the one at open.
func (p *textParser) closing(open, end int) int {
	depth := 0
	for at := open; at < end; at++ {
		switch p.s[at] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return at
			}
		}
	}
	p.fail(open, open+1, "parenthesis is not closed")
	return end - 1
}

// quoted returns the place after the quotation mark that closes the one at open.
func (p *textParser) quoted(open, end int) int {
	for at := open + 1; at < end; at++ {
		switch p.s[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	p.fail(open, open+1, "quotation mark is not closed")
	return end
}

// fail remembers an error about the text from at to end, unless there is one.
func (p *textParser) fail(at, end int, format string, args ...any) {
	if p.err == nil {
		p.err = &TextError{Col: at + 1, Text: p.s[at:min(end, at+80, len(p.s))], Msg: fmt.Sprintf(format, args...)}
	}
}

// badValue fails about an item's value.
func (p *textParser) badValue(it textItem, format string, args ...any) {
	at := it.valAt
	if !it.has {
		at = it.at
	}
	p.fail(at, at+max(len(it.val), 1), "%s: %s", it.name(), fmt.Sprintf(format, args...))
}

// unknown fails about a key, and names the known one that looks most like it.
func (p *textParser) unknown(it textItem, what string, known func(name string) bool) {
	best, bestDistance := "", 1+min(len(it.key)/2, 3)
	if len(it.key) <= 32 {
		for _, name := range textKeyNames {
			if d := editDistance(it.key, name, bestDistance); d < bestDistance && known(name) {
				best, bestDistance = name, d
			}
		}
	}
	hint := ""
	if best != "" {
		hint = "; did you mean " + best + "?"
	}
	p.fail(it.at, it.at+len(it.key), "unknown %s %q%s", what, clip(it.key), hint)
}

// clip shortens what an error quotes.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// editDistance is the number of letters to insert, remove or replace to make b
// of a; from limit on the number may be too small, but not below limit. Both
// are short.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	var row [64]int
	if len(b) >= len(row) {
		return limit
	}
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// parseUint reads a number as strtoul does with base 0: hexadecimal after 0x,
// octal after 0, else decimal.
func parseUint(s string) (uint64, bool) {
	base := 10
	switch {
	case len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	v, err := strconv.ParseUint(s, base, 64)
	return v, err == nil
}

// uint reads an item's value as a number of at most max.
func (p *textParser) uint(it textItem, max uint64) uint64 {
	v, ok := parseUint(it.val)
	switch {
	case !it.has || it.val == "":
		p.badValue(it, "needs a number from 0 to %d", max)
	case !ok:
		p.badValue(it, "%q is not a number; want 0 to %d", clip(it.val), max)
	case v > max:
		p.badValue(it, "%s is out of range; want 0 to %d", clip(it.val), max)
	default:
		return v
	}
	return 0
}

// port reads an item's value as a port.
func (p *textParser) port(it textItem) PortNo {
	no, ok := p.portOf(it.val)
	if !ok {
		p.badValue(it, "unknown port %q; want a number, a name of a port, or one of in_port, table, normal, flood, all, controller, local, any", clip(it.val))
		return 0
	}
	if err := no.validHere(); err != nil {
		p.badValue(it, "%v", err)
	}
	return no
}

func (p *textParser) portOf(s string) (PortNo, bool) {
	if s == "" {
		return 0, false
	}
	if s[0] >= '0' && s[0] <= '9' {
		if v, ok := parseUint(s); ok && v <= 0xffffffff {
			return PortNo(v), true
		}
	} else if no, err := ParsePort(s); err == nil {
		return no, true
	}
	if s[0] == '"' {
		u, err := strconv.Unquote(s)
		if err != nil {
			return 0, false
		}
		s = u
	}
	if p.names != nil && p.names.Port != nil {
		return p.names.Port(s)
	}
	return 0, false
}
