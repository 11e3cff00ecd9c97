package ofp

import (
	"bytes"
	"encoding/binary"
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
		*cookie, *mask = m.cutCookie()
	}
	m.received = append(m.received, m.oxm...)
	m.translateNXM()
	w := cursor{wr: true}
	if again := m.nx(&w); w.err == nil && bytes.Equal(again, m.received) {
		m.received = m.received[:0]
	} else {
		m.receivedVersion = versionNX
	}
	return n
}

// cutCookie takes the cookie out of a match and returns it with its mask.
func (m *Match) cutCookie() (cookie, mask uint64) {
	for at := 0; at < len(m.oxm); {
		h := binary.BigEndian.Uint32(m.oxm[at:])
		n := 4 + int(h&0xff)
		if !isCookie(h) {
			at += n
			continue
		}
		cookie, mask = binary.BigEndian.Uint64(m.oxm[at+4:]), ^uint64(0)
		if h&0x100 != 0 {
			if mask = binary.BigEndian.Uint64(m.oxm[at+12:]); mask == 0 {
				cookie = 0 // that every flow has
			}
		}
		m.oxm = append(m.oxm[:at], m.oxm[at+n:]...)
		return cookie, mask
	}
	return 0, 0
}

func (m *Match) writeNX(c *cursor, cookie, mask uint64) int {
	body := m.received
	if len(body) == 0 || m.receivedVersion != versionNX {
		body = m.nx(c)
	}
	start := len(c.buf)
	c.buf = append(c.buf, body...)
	switch mask {
	case 0:
	case ^uint64(0):
		c.buf = binary.BigEndian.AppendUint32(c.buf, nxmCookie)
		c.buf = binary.BigEndian.AppendUint64(c.buf, cookie)
	default:
		c.buf = binary.BigEndian.AppendUint32(c.buf, nxmCookieMasked)
		c.buf = binary.BigEndian.AppendUint64(c.buf, cookie)
		c.buf = binary.BigEndian.AppendUint64(c.buf, mask)
	}
	n := len(c.buf) - start
	c.pad8(start)
	return n
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
