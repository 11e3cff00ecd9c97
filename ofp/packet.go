package ofp

import (
	"bytes"
	"encoding/binary"
)

// PacketInReason says why a packet was sent to the controller
// (ofp_packet_in_reason).
type PacketInReason uint8

// Reasons of a packet-in.
const (
	ReasonNoMatch    PacketInReason = 0 // no flow took it; in 1.3, the table-miss flow did
	ReasonAction     PacketInReason = 1 // an output to the controller
	ReasonInvalidTTL PacketInReason = 2 // the TTL has run out; 1.2 and later
)

// PacketIn brings a packet to the controller (ofp_packet_in, section 7.4.1 of
// OpenFlow 1.3.5).
type PacketIn struct {
	BufferID uint32 // where the switch keeps the packet, or NoBuffer
	TotalLen uint16 // bytes of the whole packet, of which Data may be a part
	Reason   PacketInReason
	Table    uint8  // the table that sent it; 1.1 and later
	Cookie   uint64 // of the flow that sent it; 1.3

	// Match holds the packet's pipeline fields: in_port in all versions,
	// in_phy_port in 1.1 and later, and metadata, tunnel_id and others in 1.2 and
	// later.
	Match Match
	Data  []byte // aliases the frame
}

// Type returns TypePacketIn.
func (*PacketIn) Type() Type { return TypePacketIn }

// InPort returns the port on which the packet came in, or PortAny where the
// switch did not say.
func (m *PacketIn) InPort() PortNo { return m.Match.InPort() }

// Clone returns a message that shares no memory with m.
func (m *PacketIn) Clone() *PacketIn {
	o := *m
	o.Match = m.Match.Clone()
	o.Data = bytes.Clone(m.Data)
	return &o
}

func (m *PacketIn) walk(c *cursor) {
	switch c.v {
	case V10:
		b := c.fixed(10, "packet_in")
		c.u32(b, &m.BufferID)
		c.u16(b[4:], &m.TotalLen)
		m.port(c, b[6:], FieldInPort)
		c.u8(b[8:], (*uint8)(&m.Reason))
		if len(m.Match.received) > 0 || b[9] != 0 {
			m.padding(c, &b[9])
		}
		m.lacks(c, 1)
		c.rest(&m.Data)
	case V11:
		b := c.fixed(16, "packet_in")
		c.u32(b, &m.BufferID)
		m.port(c, b[4:], FieldInPort)
		m.port(c, b[8:], FieldInPhyPort)
		c.u16(b[12:], &m.TotalLen)
		c.u8(b[14:], (*uint8)(&m.Reason))
		c.u8(b[15:], &m.Table)
		m.lacks(c, 2)
		c.rest(&m.Data)
	default:
		n := 8
		if c.v >= V13 {
			n = 16
		}
		b := c.fixed(n, "packet_in")
		_ = b[7]
		c.u32(b, &m.BufferID)
		c.u16(b[4:], &m.TotalLen)
		c.u8(b[6:], (*uint8)(&m.Reason))
		c.u8(b[7:], &m.Table)
		if len(b) == 16 {
			c.u64(b[8:], &m.Cookie)
		} else if !c.wr {
			m.Cookie = 0
		}
		walkMatch(c, &m.Match)
		c.skip(2, "packet_in padding")
		c.rest(&m.Data)
	}
}

// port is one of the ports that 1.0 and 1.1 have instead of a match. in_phy_port
// is the same as in_port where the match does not have it.
func (m *PacketIn) port(c *cursor, b []byte, f FieldID) {
	var p PortNo
	if c.wr {
		p = m.InPort()
		if v, _, ok := m.Match.Uint(f); ok && f != FieldInPort {
			p = PortNo(v)
		}
	}
	if c.v == V10 {
		c.port16(b, &p, "packet_in in_port")
	} else {
		c.port32(b, &p)
	}
	if c.wr {
		return
	}
	if f == FieldInPort {
		m.Match.Reset()
		m.Table, m.Cookie = 0, 0
	}
	m.Match.appendUint(f, uint64(p))
}

// versionPadding says of a match that what was received with it is the padding of
// a 1.0 packet-in, which some switches fill.
const versionPadding Version = 0xfe

// padding is that byte, kept where it is not zero.
func (m *PacketIn) padding(c *cursor, b *byte) {
	if !c.wr {
		m.Match.received = append(m.Match.received[:0], *b)
		m.Match.receivedVersion = versionPadding
	} else if m.Match.receivedVersion == versionPadding {
		*b = m.Match.received[0]
	}
}

// lacks fails if the match being written has more than the ports.
func (m *PacketIn) lacks(c *cursor, ports FieldID) {
	if !c.wr {
		return
	}
	for f := range m.Match.All() {
		if f.ID == FieldUnknown || f.ID > ports {
			c.lacks("packet_in field " + f.ID.String())
			return
		}
	}
}

// PacketOut sends a packet through a switch (ofp_packet_out, section 7.3.7 of
// OpenFlow 1.3.5).
type PacketOut struct {
	BufferID uint32 // a packet that the switch keeps, or NoBuffer and Data
	InPort   PortNo // the ingress port that the packet is to have, or PortAny (1.0) or PortController
	Actions  []Action
	Data     []byte // aliases the frame
}

// Type returns TypePacketOut.
func (*PacketOut) Type() Type { return TypePacketOut }

func (m *PacketOut) walk(c *cursor) {
	var b []byte
	if c.v == V10 {
		b = c.fixed(8, "packet_out")
	} else {
		b = c.fixed(16, "packet_out")
	}
	at := c.mark() // of the actions
	c.u32(b, &m.BufferID)
	var n uint16
	if c.v == V10 {
		c.port16(b[4:], &m.InPort, "packet_out in_port")
		c.u16(b[6:], &n)
	} else {
		c.port32(b[4:], &m.InPort)
		c.u16(b[8:], &n)
	}
	if c.wr {
		c.say.tagged, c.say.last = hasVLANTag(m.Data), true
		walkActions(c, &m.Actions)
		c.say.tagged = false
		l := len(c.buf) - at
		if l > 0xffff {
			c.fail("actions", ErrTooLong)
			return
		}
		if c.v == V10 {
			c.buf[at-2], c.buf[at-1] = byte(l>>8), byte(l)
		} else {
			c.buf[at-8], c.buf[at-7] = byte(l>>8), byte(l)
		}
		c.rest(&m.Data)
		return
	}
	if int(n) > c.left() {
		c.bad("packet_out actions_len", "%d, but %d bytes are left", n, c.left())
		return
	}
	outer := c.enter(int(n))
	walkActions(c, &m.Actions)
	c.leave(outer)
	c.rest(&m.Data)
}

// hasVLANTag reports whether an Ethernet frame begins with a VLAN tag.
func hasVLANTag(frame []byte) bool {
	if len(frame) < 14 {
		return false
	}
	t := binary.BigEndian.Uint16(frame[12:])
	return t == ethVLAN || t == ethVLANOuter
}
