package ofp

import "bytes"

// isBits reports whether an item's key names bits of a field, as reg0[0..15] does.
func isBits(it textItem) bool { return len(it.key) > 0 && it.key[len(it.key)-1] == ']' }

// bits reads FIELD[FIRST..LAST]=NUMBER, which matches those bits alone. Several
// such items of one field are matched together.
func (t *matchText) bits(p *textParser, it textItem) {
	end := it.at + len(it.key)
	s, rest := p.subfield(it.at, end)
	if p.err != nil {
		return
	}
	info := s.Field.Info()
	switch {
	case rest != end:
		p.fail(rest, end, "%q after the bits of %s", clip(p.s[rest:end]), info.Name)
		return
	case s.Field >= numMatchFields || s.Field == FieldVLANTCI || info.Variable:
		p.fail(it.at, end, "%s: bits of %s cannot be matched by their numbers; want a value with a mask", clip(it.key), info.Name)
		return
	case !fieldTexts[s.Field].mask && int(s.Bits) < info.Bits:
		p.fail(it.at, end, "%s: %s is matched whole, and takes no mask", clip(it.key), info.Name)
		return
	case !it.has || it.val == "":
		p.badValue(it, "needs a number")
		return
	}
	number := p.wide(it, int(s.Bits))
	if p.err != nil {
		return
	}
	n := info.Bytes()
	value, mask := make([]byte, n), make([]byte, n)
	for f := range t.m.All() {
		if f.ID == s.Field {
			copy(value, f.Value)
			if copy(mask, info.full); f.Mask != nil {
				copy(mask, f.Mask)
			}
		}
	}
	for i := range int(s.Bits) {
		at := i + int(s.Ofs)
		b, bit := &value[n-1-at/8], byte(1)<<(at%8)
		*b &^= bit
		if number[len(number)-1-i/8]>>(i%8)&1 != 0 {
			*b |= bit
		}
		mask[n-1-at/8] |= bit
	}
	if bytes.Equal(mask, info.full) {
		mask = nil
	}
	if t.at[s.Field] == 0 {
		t.at[s.Field] = int32(it.at) + 1
	}
	if err := t.m.SetMasked(s.Field, value, mask); err != nil {
		p.badValue(it, "%v", err)
	}
}
