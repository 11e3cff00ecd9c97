package ofp

import (
	"slices"
	"strings"
)

// keyValues calls f with each "key", "key=value", "key:value" or "key(value)" of
// an item's value, until there is an error.
func (p *textParser) keyValues(it textItem, f func(arg textItem)) {
	end := it.valAt + len(it.val)
	for at := it.valAt; it.has; {
		arg, rest, ok := p.next(at, end)
		if !ok {
			return
		}
		f(arg)
		at = rest
	}
}

// notAmong fails about an argument that an action does not have, and names the
// one that looks most like it.
func (p *textParser) notAmong(arg textItem, action string, names ...string) {
	best, bestDistance := "", 1+min(len(arg.key)/2, 3)
	for _, name := range names {
		if d := editDistance(clip(arg.key), name, bestDistance); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	if best != "" {
		p.fail(arg.at, arg.at+len(arg.key), "%s: unknown argument %q; did you mean %s?", action, clip(arg.key), best)
		return
	}
	p.fail(arg.at, arg.at+len(arg.key), "%s: unknown argument %q; want %s", action, clip(arg.key), strings.Join(names, ", "))
}

// onceKeys are the keys of the arguments that were read.
type onceKeys []string

// note fails about an argument that stands twice.
func (k *onceKeys) note(p *textParser, arg textItem) {
	if slices.Contains(*k, arg.key) {
		p.fail(arg.at, arg.at+len(arg.key), "%s stands twice", clip(arg.key))
	}
	if len(*k) < 32 { // no action has more
		*k = append(*k, arg.key)
	}
}

// wholeSubfield reads an item's value as the bits of a field.
func (p *textParser) wholeSubfield(it textItem) Subfield {
	end := it.valAt + len(it.val)
	if !it.has || it.val == "" {
		p.badValue(it, "needs a field, such as reg0[0..15]")
		return Subfield{}
	}
	s, rest := p.subfield(it.valAt, end)
	if rest < end {
		p.fail(rest, end, "%s: %q after %s", clip(it.key), clip(p.s[rest:end]), s)
	}
	return s
}

// nested reads the actions that stand between the parentheses of another one.
func (p *textParser) nested(it textItem, m *Match, outer string) []Action {
	if p.context.deep++; p.context.deep >= maxNesting {
		p.fail(it.at, it.at+len(it.key), "more than %d lists of actions inside each other", maxNesting)
		return nil
	}
	before := p.context
	p.context = actionContext{outer: outer, deep: before.deep, protocol: before.protocol}
	as := p.actions(it.valAt, it.valAt+len(it.val), m)
	before.deep--
	p.context = before
	return as
}
