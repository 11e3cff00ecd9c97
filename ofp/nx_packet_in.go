package ofp

import "encoding/binary"

// NXPacketIn is a packet-in whose pipeline fields are Nicira's
// (NXT_PACKET_IN), as NXSetPacketInFormat asks for.
type NXPacketIn struct{ PacketIn } // Table and Cookie in all versions; a cookie of all ones is none

// Type returns TypeNXPacketIn.
func (*NXPacketIn) Type() Type { return TypeNXPacketIn }

func (m *NXPacketIn) walk(c *cursor) {
	b := c.fixed(24, "packet_in")
	c.u32(b, &m.BufferID)
	c.u16(b[4:], &m.TotalLen)
	c.u8(b[6:], (*uint8)(&m.Reason))
	c.u8(b[7:], &m.Table)
	c.u64(b[8:], &m.Cookie)
	if c.wr {
		start := len(c.buf)
		n := walkNXMatch(c, 0, &m.Match)
		binary.BigEndian.PutUint16(c.buf[start-8:], uint16(n))
	} else {
		walkNXMatch(c, int(binary.BigEndian.Uint16(b[16:])), &m.Match)
	}
	c.skip(2, "packet_in padding")
	c.rest(&m.Data)
}

func (m *NXPacketIn) clone() any { return &NXPacketIn{*m.PacketIn.Clone()} }

func (m *NXPacketIn) print(p *printer) {
	p.packetInHead(m.Table, m.Cookie, uint64(m.TotalLen), &m.Match, m.Reason, m.Data, m.BufferID)
	p.text("\n")
	p.b = appendPacket(p.b, m.Data)
}
