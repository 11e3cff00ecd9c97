package ofp

import (
	"encoding/binary"
	"fmt"
)

// walkMatch is ofp_match with its padding, in the layout of the version at hand.
func walkMatch(c *cursor, m *Match) {
	if c.v == V10 || c.v == V11 && !oxmIn11(c, m) {
		walkFixedMatch(c, m)
		return
	}
	if c.wr {
		body := m.oxm
		if len(m.received) > 0 && m.receivedVersion == c.v {
			body = m.received
		} else {
			m.checkOXM(c)
		}
		n := 4 + len(body)
		b := c.space((n + 7) &^ 7)
		binary.BigEndian.PutUint64(b[len(b)-8:], 0) // the padding
		binary.BigEndian.PutUint32(b, 1<<16|uint32(uint16(n)))
		copy(b[4:], body)
		return
	}
	if c.left() < 4 {
		c.short("match", 4)
		return
	}
	b := c.buf[c.off:c.end]
	n := int(binary.BigEndian.Uint16(b[2:]))
	if t := binary.BigEndian.Uint16(b); t != 1 {
		c.bad("match type", "%d, want 1 (OXM)", t)
		return
	}
	if n < 4 || n > len(b) {
		c.off += 2
		c.bad("match length", "%d, at least 4 and at most %d", n, len(b))
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
		m.received, m.receivedVersion = append(m.received, body...), c.v
		m.translateNXM()
	}
	c.off += n - 4
	c.skip((8-n&7)&7, "match padding")
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
	var seen uint64
	for b := body; len(b) > 0; {
		at := len(body) - len(b)
		if len(b) < 4 {
			c.off += at
			c.short(what, 4)
			return false, false
		}
		h := binary.BigEndian.Uint32(b)
		n := int(h & 0xff)
		if n > len(b)-4 {
			c.off += at
			c.bad(what, "0x%08x has a length of %d bytes, %d left", h, n, len(b)-4)
			return false, false
		}
		if f := fieldOf(h); f != FieldUnknown {
			if h != fields[f].oxm && h != fields[f].oxmMasked {
				c.off += at
				c.bad(what, "%s has %d bytes, want %s", f, n, fields[f].lengths())
				return false, false
			}
			if seen&(1<<f) != 0 {
				c.off += at
				c.bad(what, "%s stands twice", f)
				return false, false
			}
			seen |= 1 << f
			plain = plain && (fields[f].Since <= c.v || c.v != V12)
		} else if _, nxm := nxmFields[h>>9]; nxm {
			plain = false
		}
		b = b[4+n:]
	}
	return plain, true
}

func (f *FieldInfo) lengths() string {
	return fmt.Sprintf("%d, or %d with a mask", f.Bytes(), 2*f.Bytes())
}

// checkOXM fails if the version at hand lacks one of the fields.
func (m *Match) checkOXM(c *cursor) {
	if c.v != V12 {
		return // 1.1 has OXM from Open vSwitch only, which takes every field
	}
	for b := m.oxm; len(b) > 0; {
		h := binary.BigEndian.Uint32(b)
		if f := &fields[fieldOf(h)]; f.Since > c.v {
			c.lacks("match field " + f.Name)
			return
		}
		b = b[4+h&0xff:]
	}
}
