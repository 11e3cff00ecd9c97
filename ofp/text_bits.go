package ofp

import (
	"math/bits"
	"strings"
)

// flagWords are the names of a field's bits, the least significant one first.
type flagWords []string

var (
	tcpFlagWords = flagWords{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"}
	tunFlagWords = flagWords{"oam"}
	ctStateWords = flagWords{"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"}
)

// Bits of FieldCTState (ovs-fields(7)).
const (
	ctInv = 0x10
	ctTrk = 0x20
	ctAll = 0xff
	// ctKnownBits are set for packets of a known connection only.
	ctKnownBits = ctAll &^ (ctInv | ctTrk)
)

func flagNames(f FieldFormat) flagWords {
	switch f {
	case FormatTCPFlags:
		return tcpFlagWords
	case FormatTunFlags:
		return tunFlagWords
	}
	return ctStateWords
}

// all are the bits that have names.
func (w flagWords) all() uint64 { return 1<<len(w) - 1 }

// appendExact appends the names of the bits that are set.
func (w flagWords) appendExact(b []byte, v uint64) []byte {
	if v == 0 {
		return append(b, '0')
	}
	return w.appendEach(b, v, func(bit uint64, first bool) string {
		if first {
			return ""
		}
		return "|"
	})
}

// appendMasked appends the names of the bits in the mask, each after its sign. All
// bits together are written as an exact value, but where there is one only.
func (w flagWords) appendMasked(b []byte, v, mask uint64) []byte {
	if mask&w.all() == w.all() && len(w) > 1 && v&^w.all() == 0 {
		return w.appendExact(b, v)
	}
	return w.appendEach(b, mask, func(bit uint64, _ bool) string {
		if v&bit != 0 {
			return "+"
		}
		return "-"
	})
}

func (w flagWords) appendEach(b []byte, set uint64, before func(bit uint64, first bool) string) []byte {
	for first := true; set != 0; first = false {
		i := bits.TrailingZeros64(set)
		b = append(b, before(1<<i, first)...)
		if i < len(w) {
			b = append(b, w[i]...)
		} else {
			b = appendHash(b, 1<<i, 0)
		}
		set &^= 1 << i
	}
	return b
}

func (w flagWords) bit(name string) uint64 {
	for i, n := range w {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// flags reads the bits of a field: "syn|ack" for a whole value, "+syn-ack" for
// some of the bits, or a number that may have a mask.
func (p *textParser) flags(it textItem, w flagWords) (value, mask uint64) {
	s := it.val
	if s[0] >= '0' && s[0] <= '9' {
		text, maskText, masked := strings.Cut(s, "/")
		maskItem := it
		maskItem.val, maskItem.valAt = maskText, it.valAt+len(text)+1
		it.val = text
		value, mask = p.uint(it, w.all()), w.all()
		if masked {
			mask = p.uint(maskItem, w.all())
		}
		return value & mask, mask
	}
	signed := s[0] == '+' || s[0] == '-'
	for at := 0; at < len(s); {
		plus := true
		if signed {
			plus = s[at] == '+'
			at++
		}
		end := at
		for end < len(s) && (signed && s[end] != '+' && s[end] != '-' || !signed && s[end] != '|') {
			end++
		}
		name := s[at:end]
		bit := w.bit(name)
		switch {
		case bit == 0:
			p.fail(it.valAt+at, it.valAt+end, "%s: unknown flag %q; want %s", it.key, clip(name), strings.Join(w, ", "))
			return 0, 0
		case mask&bit != 0:
			p.fail(it.valAt+at, it.valAt+end, "%s: flag %s stands twice", it.key, name)
			return 0, 0
		}
		mask |= bit
		if plus {
			value |= bit
		}
		at = end
		if !signed && at < len(s) {
			if at++; at == len(s) {
				p.fail(it.valAt+at-1, it.valAt+at, "%s: a flag is missing after the |", it.key)
			}
		}
	}
	if !signed {
		mask = w.all()
	}
	return value, mask
}

// fragWords are the words for values and masks of FieldIPFrag: bit 0 says that the
// packet is a fragment, bit 1 that it is not the first one.
var fragWords = [...]struct {
	name        string
	value, mask uint8
}{
	{"no", 0, 3}, {"first", 1, 3}, {"later", 3, 3}, {"yes", 1, 1}, {"not_later", 0, 2},
	{"no", 0, 1}, {"later", 2, 2}, // other ways to say the same, as Open vSwitch prints them
}

func fragName(value, mask uint8) string {
	for _, w := range fragWords {
		if w.value == value && w.mask == mask {
			return w.name
		}
	}
	return "<error>"
}

// frag reads one of the words for fragments.
func (p *textParser) frag(it textItem) (value, mask uint64) {
	for _, w := range fragWords {
		if w.name == it.val {
			return uint64(w.value), uint64(w.mask)
		}
	}
	p.badValue(it, "%q is none of no, yes, first, later, not_later", clip(it.val))
	return 0, 0
}

// packetType reads "(namespace,type)".
func (p *textParser) packetType(it textItem) uint64 {
	ns, typ, ok := strings.Cut(it.val, ",")
	if !ok || len(ns) < 2 || len(typ) < 2 || ns[0] != '(' || typ[len(typ)-1] != ')' {
		p.badValue(it, "%q is no packet type; want one such as (0,0) or (1,0x0800)", clip(it.val))
		return 0
	}
	nsItem, typItem := it, it
	nsItem.val, nsItem.valAt = strings.Trim(ns[1:], " "), it.valAt+1
	typItem.val, typItem.valAt = strings.Trim(typ[:len(typ)-1], " "), it.valAt+len(ns)+1
	return p.uint(nsItem, 0xffff)<<16 | p.uint(typItem, 0xffff)
}

// bigNumber reads a number of up to len(b) bytes into the end of b, and returns how
// many bytes it needs. More than 64 bits are hexadecimal.
func (p *textParser) bigNumber(it textItem, b []byte) int {
	clear(b)
	digits, isHex := strings.CutPrefix(it.val, "0x")
	if !isHex {
		putUint(b[max(0, len(b)-8):], p.uint(it, 1<<63-1|1<<63))
	} else {
		digits = strings.TrimLeft(digits, "0")
		if digits == "" && len(it.val) == 2 || len(digits) > 2*len(b) {
			p.badValue(it, "%q; want a number of at most %d bytes", clip(it.val), len(b))
			return 0
		}
		for i := range len(digits) {
			d, ok := hexDigit(digits[len(digits)-1-i])
			if !ok {
				p.badValue(it, "%q is not a number", clip(it.val))
				return 0
			}
			b[len(b)-1-i/2] |= d << (i % 2 * 4)
		}
	}
	n := len(b)
	for n > 0 && b[len(b)-n] == 0 {
		n--
	}
	return n
}
