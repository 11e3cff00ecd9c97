package ofp

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// walkMatch is ofp_match with its padding, in the layout of the version at hand.
func walkMatch(c *cursor, m *Match) {
	switch {
	case c.v <= V11 && (c.v == V10 || !oxmIn11(c, m)):
		walkFixedMatch(c, m)
	case c.wr:
		m.writeOXM(c)
	default:
		m.readOXM(c)
	}
}

func (m *Match) writeOXM(c *cursor) {
	body := m.oxm
	if len(m.received) > 0 && m.receivedVersion&^standardMatch == c.v {
		if m.receivedVersion != c.v {
			c.buf = append(c.buf, m.received...)
			return
		}
		body = m.received
	} else if c.v == V12 {
		body = m.oxm12(c)
	}
	n := 4 + len(body)
	b := c.space((n + 7) &^ 7)
	binary.BigEndian.PutUint64(b[len(b)-8:], 0) // the padding
	binary.BigEndian.PutUint32(b, 1<<16|uint32(uint16(n)))
	copy(b[4:], body)
}

func (m *Match) readOXM(c *cursor) {
	b := c.buf[c.off:c.end]
	if len(b) < 4 {
		c.short("match", 4)
		return
	}
	head := binary.BigEndian.Uint32(b)
	n := int(head & 0xffff)
	if head>>16 != 1 || n < 4 || n > len(b) {
		if head == fixedMatchLen11 && n <= len(b) {
			m.readStandard(c)
			return
		}
		c.badMatch(head, len(b))
		return
	}
	body := b[4:n]
	c.off += 4
	plain, ok := scanOXM(c, body, "match field")
	if !ok {
		return
	}
	m.oxm = append(m.oxm[:0], body...)
	m.received = m.received[:0]
	m.oxm11 = c.v == V11
	if !plain {
		m.keepReceived(c, body)
	}
	c.off += n - 4
	c.skip(-n&7, "match padding")
}

// badMatch fails at the type or the length of a match that is not OXM, or does not
// fit in the bytes that are left.
//
//go:noinline
func (c *cursor) badMatch(head uint32, left int) {
	if t := head >> 16; t != 1 {
		c.bad("match type", "%d, want 1 (OXM)", t)
		return
	}
	c.off += 2
	c.bad("match length", "%d, at least 4 and at most %d", head&0xffff, left)
}

// keepReceived keeps a match as it came, because the fields that it means would not
// be written so. In 1.2 they are if they are what Open vSwitch sends there.
func (m *Match) keepReceived(c *cursor, body []byte) {
	m.received, m.receivedVersion = append(m.received, body...), c.v
	m.translateNXM()
	if c.v == V12 {
		w := cursor{wr: true, v: V12}
		if again := m.oxm12(&w); w.err == nil && bytes.Equal(again, body) {
			m.received = m.received[:0]
		}
	}
}

// standardMatch, added to a version, says that what was received in it is a
// standard match.
const standardMatch Version = 0x40

// readStandard reads the match of 1.1 where it stands in a later version, which
// deprecates it and does not forbid it (OFPMT_STANDARD, section A.2.3.1 of
// OpenFlow 1.2). It is kept as it came.
func (m *Match) readStandard(c *cursor) {
	at, v := c.off, c.v
	c.v = V11
	walkFixedMatch(c, m)
	c.v = v
	if c.err == nil {
		m.received = append(m.received[:0], c.buf[at:c.off]...)
		m.receivedVersion = v | standardMatch
	}
}

// oxmIn11 reports whether the match at hand, in a 1.1 message, is OXM instead of
// the fixed structure.
func oxmIn11(c *cursor, m *Match) bool {
	if !c.wr {
		return c.left() >= 4 && binary.BigEndian.Uint16(c.buf[c.off:]) == 1
	}
	return m.oxm11
}

// scanOXM checks that body is a list of whole OXM fields, that those with a row
// have the length that the row says, and that no field stands twice. Reading
// fails at the first that does not. The match is plain if it can be written in
// the version at hand as this package understands it.
func scanOXM(c *cursor, body []byte, what string) (plain, ok bool) {
	plain = true
	var seen fieldSet
	for b := body; len(b) > 0; {
		if len(b) > 4 { // nearly all fields are of the basic class, and as they should be
			h := binary.BigEndian.Uint32(b)
			n := 4 + int(h&0xff)
			row := &basicFields[h>>9&127]
			if (h == row.oxm || h == row.oxmMasked) && n <= len(b) && !seen.has(row.id) && (row.same12 || c.v != V12) {
				seen.add(row.id)
				b = b[n:]
				continue
			}
		}
		f, n, same := c.scanField(b, len(body)-len(b), what)
		if f != FieldUnknown && seen.has(f) {
			c.off += len(body) - len(b)
			c.bad(what, "%s stands twice", f)
		}
		if c.err != nil {
			return false, false
		}
		seen.add(f)
		plain = plain && same
		b = b[n:]
	}
	return plain, true
}

// scanField checks the field at the start of b, at offset at from the next byte
// to be read. It returns which it is, its length, and whether it is written in the
// version at hand as it came.
//
//go:noinline
func (c *cursor) scanField(b []byte, at int, what string) (f FieldID, n int, same bool) {
	if len(b) < 4 {
		c.off += at
		c.short(what, 4)
		return FieldUnknown, 0, false
	}
	h := binary.BigEndian.Uint32(b)
	n = 4 + int(h&0xff)
	if n > len(b) {
		c.off += at
		c.bad(what, "0x%08x has a length of %d bytes, %d left", h, n-4, len(b)-4)
		return FieldUnknown, 0, false
	}
	same = true
	if f = fieldOf(h); f == FieldUnknown {
		f = rarerField(h, b[4:n])
		same = f != FieldVLANTCI && f < numMatchFields && (f != FieldUnknown || aliasOf(h, b[4:n]) == FieldUnknown)
	}
	if f == FieldUnknown {
		return f, n, same
	}
	info := &fields[f]
	if h != info.oxm && h != info.oxmMasked && !info.fits(h) {
		c.off += at
		c.bad(what, "%s has %d bytes, want %s", f, n-4, info.lengths())
	}
	return f, n, same && (c.v != V12 || info.same12)
}

// fieldSet is a set of fields, with a bit for each number that a FieldID can be.
type fieldSet [4]uint64

func (s *fieldSet) has(f FieldID) bool { return s[f/64]&(1<<(f%64)) != 0 }
func (s *fieldSet) add(f FieldID)      { s[f/64] |= 1 << (f % 64) }

func (f *FieldInfo) lengths() string {
	n, head := f.Bytes(), 0
	if f.own.class == oxmExperimenter {
		head = 4
	}
	if f.Variable {
		return fmt.Sprintf("1 to %d, or an even number to %d with a mask", n, 2*n)
	}
	return fmt.Sprintf("%d, or %d with a mask", n+head, 2*n+head)
}

// sized reports whether a header of the field has one of its lengths, where that
// is always the same. Any length does for one that is not known.
func (f *FieldInfo) sized(h uint32) bool {
	return h == f.oxm || h == f.oxmMasked || f.ID == FieldUnknown
}

// fits reports whether the header has a length that a field of variable length
// can have.
func (f *FieldInfo) fits(h uint32) bool {
	n := int(h & 0xff)
	if h&0x100 != 0 {
		if n%2 != 0 {
			return false
		}
		n /= 2
	}
	return f.Variable && n <= f.Bytes()
}

// oxm12 returns the fields with the headers that they have in 1.2: where that
// lacks one, Open vSwitch's own number takes the place. It fails on a field that
// has none, unless Open vSwitch, which takes the number that the field has later,
// is to be spoken to with extensions.
func (m *Match) oxm12(c *cursor) []byte {
	same := true
	for b := m.oxm; len(b) > 0; b = b[4+int(b[3]):] {
		f := &fields[fieldAt(b)]
		if f.ID == FieldUnknown || f.same12 {
			continue
		}
		same = false
		if !f.writable(V12) && !(c.say.extensions && f.openVSwitch()) {
			c.lacks("match field " + f.Name)
			return nil
		}
	}
	if same {
		return m.oxm
	}
	var out []byte
	for b := m.oxm; len(b) > 0; {
		f, rest := nextOXM(b)
		if f.ID == FieldUnknown || fields[f.ID].same12 {
			out = append(out, b[:len(b)-len(rest)]...)
		} else {
			out = appendTLV(out, fields[f.ID].in(V12), f.Value, f.Mask)
		}
		b = rest
	}
	return out
}

// appendTLV appends a field in one of its forms.
func appendTLV(b []byte, x *form, value, mask []byte) []byte {
	h := x.header(mask != nil, len(value))
	b = binary.BigEndian.AppendUint32(b, uint32(h>>32))
	if x.class == oxmExperimenter {
		b = binary.BigEndian.AppendUint32(b, x.exp)
	}
	return append(append(b, value...), mask...)
}
