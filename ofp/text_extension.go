package ofp

import "math"

// extensionTexts are the words for the actions of experimenters (ovs-actions(7)),
// and what reads each. The item is the whole action; the match, if there is one,
// decides what depends on the protocol.
var extensionTexts map[string]func(p *textParser, it textItem, m *Match) Extension

func init() { // not in the declaration: what reads a nested action looks here again
	extensionTexts = map[string]func(p *textParser, it textItem, m *Match) Extension{
		"resubmit":  resubmitText,
		"pop_queue": func(p *textParser, it textItem, _ *Match) Extension { p.noValue(it); return &PopQueue{} },
	}
}

// noValue fails about an item that has a value.
func (p *textParser) noValue(it textItem) {
	if it.has && it.val != "" {
		p.badValue(it, "takes no value")
	}
}

// arguments splits what stands between an item's parentheses, or after its
// colon, at the commas that are not inside other parentheses. An argument that
// is left out is empty.
func (p *textParser) arguments(it textItem) []textItem {
	var out []textItem
	start, depth := 0, 0
	for i := 0; i <= len(it.val); i++ {
		if i < len(it.val) {
			switch it.val[i] {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			}
			if it.val[i] != ',' || depth > 0 {
				continue
			}
		}
		arg := textItem{key: it.key, val: it.val[start:i], at: it.at, valAt: it.valAt + start, has: true}
		for len(arg.val) > 0 && isSeparator(arg.val[0]) {
			arg.val, arg.valAt = arg.val[1:], arg.valAt+1
		}
		for len(arg.val) > 0 && isSeparator(arg.val[len(arg.val)-1]) {
			arg.val = arg.val[:len(arg.val)-1]
		}
		out = append(out, arg)
		start = i + 1
	}
	return out
}

func resubmitText(p *textParser, it textItem, _ *Match) Extension {
	e := &Resubmit{InPort: PortInPort, Table: TableAll}
	if !it.has || it.val == "" {
		p.badValue(it, "needs a port, a table, or both, such as resubmit:1 or resubmit(,2)")
		return e
	}
	if p.s[it.valAt-1] == ':' {
		e.InPort = p.port(it)
		return e
	}
	for i, arg := range p.arguments(it) {
		switch {
		case i == 0 && arg.val != "":
			e.InPort = p.port(arg)
		case i == 1 && arg.val != "":
			e.Table = uint8(p.uint(arg, math.MaxUint8))
		case i == 2 && arg.val == "ct":
			e.CT = true
		case i >= 2:
			p.badValue(arg, "unknown argument %q; want resubmit(PORT,TABLE,ct)", clip(arg.val))
		}
	}
	return e
}
