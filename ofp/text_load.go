package ofp

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
)

// arrow splits an item's value at "->".
func (p *textParser) arrow(it textItem, example string) (left, right textItem) {
	left, right = it, it
	i := strings.Index(it.val, "->")
	if !it.has || i < 0 {
		p.badValue(it, "needs an arrow, such as %s", example)
		return left, right
	}
	left.val = it.val[:i]
	right.val, right.valAt = it.val[i+len("->"):], it.valAt+i+len("->")
	return left, right
}

// loads reads load:VALUE->DST. What one action does not hold takes several.
func (p *textParser) loads(as []Action, it textItem) []Action {
	it, right := p.arrow(it, "load:0x5->reg0[0..15]")
	dst := p.wholeSubfield(right)
	if p.err != nil {
		return as
	}
	if err := dst.assignable(); err != nil {
		p.badValue(right, "%v", err)
		return as
	}
	info := dst.Field.Info()
	value := p.wide(it, int(dst.Bits))
	if p.err != nil {
		return as
	}
	n := info.Bytes()
	shifted, mask := make([]byte, n), make([]byte, n)
	for i := range int(dst.Bits) {
		at := i + int(dst.Ofs)
		bit := byte(1) << (at % 8)
		mask[n-1-at/8] |= bit
		if value[len(value)-1-i/8]>>(i%8)&1 != 0 {
			shifted[n-1-at/8] |= bit
		}
	}
	if info.hasHeader32() {
		for _, l := range loadsOf(dst.Field, shifted, mask) {
			as = append(as, Extend(l))
		}
		return as
	}
	if info.Variable { // of as many bytes as matter
		used := max(len(bytes.TrimLeft(mask, "\x00")), 1)
		if bytes.Equal(mask, info.full) {
			used, mask = len(bytes.TrimLeft(shifted, "\x00")), nil
		} else {
			mask = mask[n-used:]
		}
		shifted = shifted[n-used:]
	} else if bytes.Equal(mask, info.full) {
		mask = nil
	}
	a := SetFieldMasked(dst.Field, shifted, mask)
	a.Subtype = subRegLoad2
	return append(as, a)
}

// wide reads a number of at most so many bits.
func (p *textParser) wide(it textItem, bits int) []byte {
	out := make([]byte, max((bits+7)/8, 8))
	digits, isHex := strings.CutPrefix(strings.ToLower(it.val), "0x")
	if !isHex || len(digits) <= 16 {
		v := p.uint(it, math.MaxUint64>>max(64-bits, 0))
		binary.BigEndian.PutUint64(out[len(out)-8:], v)
		return out
	}
	digits = strings.TrimLeft(digits, "0")
	if 4*len(digits) > 8*len(out) {
		p.badValue(it, "%s does not fit into %d bits", clip(it.val), bits)
		return out
	}
	for i := range len(digits) {
		d, ok := hexDigit(digits[len(digits)-1-i])
		if !ok {
			p.badValue(it, "%q is not a number", clip(it.val))
			return out
		}
		out[len(out)-1-i/2] |= d << (i % 2 * 4)
	}
	for i := bits; i < 8*len(out); i++ {
		if out[len(out)-1-i/8]>>(i%8)&1 != 0 {
			p.badValue(it, "%s does not fit into %d bits", clip(it.val), bits)
			return out
		}
	}
	return out
}

// loadText is loads where there is room for one action.
func loadText(p *textParser, it textItem, _ *Match) Extension {
	as := p.loads(nil, it)
	if len(as) == 1 && as[0].Ext != nil {
		return as[0].Ext
	}
	p.badValue(it, "takes more than one action")
	return &Load{}
}
