package ofp

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// versionNX stands for the version of a match that came in Nicira's own format,
// which is the same in every version.
const versionNX = Version(0x80)

// walkNXMatch is nx_match, the match of Nicira's messages: fields as in OXM, with
// Nicira's numbers for those that have one, n bytes without the padding to a
// multiple of 8 that follows them. It returns n, which writing finds out.
func walkNXMatch(c *cursor, n int, m *Match) int {
	if !c.wr {
		return m.readNX(c, n, nil, nil)
	}
	return m.writeNX(c, 0, 0)
}

// walkNXMatchCookie is walkNXMatch where the match can have the cookie that flows
// must have, as the last of its fields. A mask of 0 says that it has none.
func walkNXMatchCookie(c *cursor, n int, m *Match, cookie, mask *uint64) int {
	if !c.wr {
		return m.readNX(c, n, cookie, mask)
	}
	return m.writeNX(c, *cookie, *mask)
}

func (m *Match) readNX(c *cursor, n int, cookie, mask *uint64) int {
	m.Reset()
	if n > c.left() {
		c.short("nx_match", n)
		return n
	}
	body := c.buf[c.off : c.off+n]
	if _, ok := scanOXM(c, body, "nx_match field"); !ok {
		return n
	}
	c.off += n
	if c.skip((8-n&7)&7, "nx_match padding"); c.err != nil {
		return n
	}
	m.oxm = append(m.oxm, body...)
	if cookie != nil {
		m.oxm, *cookie, *mask, _ = cutCookie(m.oxm)
		if _, _, _, twice := cutCookie(bytes.Clone(m.oxm)); twice {
			c.bad("nx_match field", "cookie stands twice")
			return n
		}
	}
	m.translateNXM()
	w := cursor{wr: true}
	again := m.nx(&w)
	if cookie != nil {
		again = appendCookie(again, *cookie, *mask)
	}
	if w.err != nil || !bytes.Equal(again, body) {
		m.received, m.receivedVersion = append(m.received, body...), versionNX
	}
	return n
}

// cutCookie takes the cookie out of the fields in b, whose bytes it moves, and
// returns it with its mask, and whether there was one.
func cutCookie(b []byte) (rest []byte, cookie, mask uint64, ok bool) {
	for at := 0; at < len(b); {
		h := binary.BigEndian.Uint32(b[at:])
		n := 4 + int(h&0xff)
		if !isCookie(h) {
			at += n
			continue
		}
		cookie, mask = binary.BigEndian.Uint64(b[at+4:]), ^uint64(0)
		if h&0x100 != 0 {
			if mask = binary.BigEndian.Uint64(b[at+12:]); mask == 0 {
				cookie = 0 // that every flow has
			}
		}
		return append(b[:at], b[at+n:]...), cookie, mask, true
	}
	return b, 0, 0, false
}

// appendCookie appends a cookie as the last of the fields, unless it is one that
// every flow has.
func appendCookie(b []byte, cookie, mask uint64) []byte {
	switch mask {
	case 0:
		return b
	case ^uint64(0):
		b = binary.BigEndian.AppendUint32(b, nxmCookie)
		return binary.BigEndian.AppendUint64(b, cookie)
	}
	b = binary.BigEndian.AppendUint32(b, nxmCookieMasked)
	b = binary.BigEndian.AppendUint64(b, cookie)
	return binary.BigEndian.AppendUint64(b, mask)
}

func (m *Match) writeNX(c *cursor, cookie, mask uint64) int {
	start := len(c.buf)
	c.buf = append(c.buf, m.bodyNX(c, cookie, mask)...)
	n := len(c.buf) - start
	c.pad8(start)
	return n
}

// bodyNX is the match with the cookie: as it came, with the cookie wherever it
// stood, unless the cookie has been changed since.
func (m *Match) bodyNX(c *cursor, cookie, mask uint64) []byte {
	if len(m.received) == 0 || m.receivedVersion != versionNX {
		return appendCookie(m.nx(c), cookie, mask)
	}
	// A cookie that is a field of the match like others is none of a flow-mod's.
	if _, _, _, field := cutCookie(bytes.Clone(m.oxm)); field {
		return appendCookie(slices.Clip(m.received), cookie, mask)
	}
	rest, old, oldMask, _ := cutCookie(bytes.Clone(m.received))
	if old == cookie && oldMask == mask {
		return m.received
	}
	return appendCookie(rest, cookie, mask)
}

// nx returns the fields with the numbers that Nicira's format has for them. It
// fails on a port that has more than 16 bits.
func (m *Match) nx(c *cursor) []byte {
	out := make([]byte, 0, len(m.oxm))
	for b := m.oxm; len(b) > 0; {
		f, rest := nextOXM(b)
		raw := b[:len(b)-len(rest)]
		b = rest
		switch f.ID {
		case FieldUnknown:
			out = append(out, raw...)
		case FieldInPort:
			p := PortNo(beUint(f.Value))
			if p >= port10Max && p < PortMax {
				c.lacks("match field in_port above 65279")
			}
			out = appendTLV(out, fields[FieldInPort16].own, []byte{byte(p >> 8), byte(p)}, nil)
		case FieldIPDSCP:
			out = appendTLV(out, fields[FieldIPToS].own, []byte{f.Value[0] << 2}, nil)
		case FieldVLANVID, FieldVLANPCP:
			if f.ID == FieldVLANPCP && m.Has(FieldVLANVID) {
				continue // it was written with the identifier
			}
			out = m.appendTCI(out)
		default:
			if x := &fields[f.ID]; !x.openVSwitch() {
				c.lacks("match field " + x.Name)
			}
			out = appendTLV(out, fields[f.ID].in(0), f.Value, f.Mask)
		}
	}
	return out
}

// appendTCI appends vlan_vid and vlan_pcp as one field.
func (m *Match) appendTCI(b []byte) []byte {
	value, mask, _ := m.Uint(FieldVLANVID)
	if v, _, ok := m.Uint(FieldVLANPCP); ok {
		value, mask = value|v<<13, mask|0xe000
	}
	if value == VLANNone && mask == 0x1fff {
		mask = 0xffff // as Open vSwitch says that there is no tag
	}
	x := fields[FieldVLANTCI].own
	v := []byte{byte(value >> 8), byte(value)}
	if mask == 0xffff {
		return appendTLV(b, x, v, nil)
	}
	return appendTLV(b, x, v, []byte{byte(mask >> 8), byte(mask)})
}
