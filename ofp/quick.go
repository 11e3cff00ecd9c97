package ofp

import (
	"encoding/binary"
	"slices"
)

// The messages that a switch and a reactive app exchange for each packet have a
// quick way here: straight from the struct to the bytes, or back, in one pass. It
// takes the plain ones and leaves all others, and all errors, to the walk of the
// cursor, which writes and reads the same; tests compare the two.

// Numbers on the wire that the quick ways write and read.
const (
	kindPacketIn  = 10
	kindPacketOut = 13
	kindFlowMod   = 14
)

// appendQuick appends m in one pass if it is plain. Else it reports false, with
// nothing appended.
func (e *Encoder) appendQuick(dst []byte, v Version, xid uint32, m Message) ([]byte, bool) {
	switch m := m.(type) {
	case *FlowMod:
		if m == nil {
			return dst, false
		}
		switch v {
		case V10:
			return m.appendQuick10(dst, xid)
		case V12, V13:
			return m.appendQuick(dst, v, xid)
		}
	case *PacketOut:
		if m != nil {
			return m.appendQuick(dst, v, xid)
		}
	}
	return dst, false
}

// enlarge returns dst with n bytes more, which are all to be written.
func enlarge(dst []byte, n int) []byte {
	l := len(dst)
	if cap(dst)-l < n {
		dst = slices.Grow(dst, n)
	}
	return dst[:l+n]
}

// wide reports whether 1.0 has no room for the port's number.
func wide(p PortNo) bool { return p >= port10Max && p < PortMax }

// sameFlags are the flags that every version has at the same place.
const sameFlags = FlowSendFlowRem | FlowCheckOverlap

// onlyOutput returns the one output action of a flow that has it and nothing
// else. A flow without instructions is plain and has none.
func (m *FlowMod) onlyOutput() (out *Action, plain bool) {
	if len(m.Instructions) == 0 {
		return nil, true
	}
	i := &m.Instructions[0]
	if len(m.Instructions) > 1 || i.Type != InstructionApplyActions || len(i.Actions) != 1 {
		return nil, false
	}
	out = &i.Actions[0]
	return out, out.output()
}

// output reports whether a is an output and nothing else.
func (a *Action) output() bool { return a.Type == ActionOutput && a.Ext == nil && a.Subtype == 0 }

// quickOXM is how long the fields of a match may be to be written in one pass.
const quickOXM = 1024

// appendQuick writes a flow-mod of 1.2 or 1.3 whose match is as this package
// understands it, and which outputs to one port or drops.
func (m *FlowMod) appendQuick(dst []byte, v Version, xid uint32) ([]byte, bool) {
	out, plain := m.onlyOutput()
	oxm := m.Match.oxm
	if !plain || m.Flags&^sameFlags != 0 || len(m.Match.received) > 0 || len(oxm) > quickOXM || v == V12 && !m.Match.same12() {
		return dst, false
	}
	const fixed = HeaderLen + 40
	match := (4 + len(oxm) + 7) &^ 7
	n := fixed + match
	if out != nil {
		n += 24
	}
	dst = enlarge(dst, n)
	b := dst[len(dst)-n:]
	be := binary.BigEndian
	head := b[:fixed+8]
	be.PutUint64(b[fixed+match-8:], 0) // padding; first, since it may be the head of the match
	be.PutUint64(head, uint64(v)<<56|kindFlowMod<<48|uint64(n)<<32|uint64(xid))
	be.PutUint64(head[8:], m.Cookie)
	be.PutUint64(head[16:], m.CookieMask)
	be.PutUint64(head[24:], uint64(m.Table)<<56|uint64(m.Command)<<48|uint64(m.IdleTimeout)<<32|uint64(m.HardTimeout)<<16|uint64(m.Priority))
	be.PutUint64(head[32:], uint64(m.BufferID)<<32|uint64(m.OutPort))
	be.PutUint64(head[40:], uint64(m.OutGroup)<<32|uint64(m.Flags)<<16)
	be.PutUint32(head[48:], 1<<16|uint32(4+len(oxm)))
	copy(b[fixed+4:], oxm)
	if out != nil {
		b = b[fixed+match:][:24]
		be.PutUint64(b, uint64(InstructionApplyActions)<<48|24<<32)
		be.PutUint64(b[8:], 16<<32|uint64(out.Arg))
		be.PutUint64(b[16:], uint64(out.MaxLen)<<48)
	}
	return dst, true
}

// same12 reports whether 1.2 has every field of the match as 1.3 has it.
func (m *Match) same12() bool {
	for b := m.oxm; len(b) > 0; b = b[4+int(b[3]):] {
		h := binary.BigEndian.Uint32(b)
		if row := &basicFields[h>>9&127]; h != row.oxm && h != row.oxmMasked || !row.same12 {
			return false
		}
	}
	return true
}

// appendQuick10 writes a flow-mod of 1.0 whose match has nothing but the ingress
// port and the Ethernet frame's own fields, and which outputs to one port or drops.
func (m *FlowMod) appendQuick10(dst []byte, xid uint32) ([]byte, bool) {
	out, plain := m.onlyOutput()
	if !plain || m.Flags&^sameFlags != 0 || m.Table != 0 || m.CookieMask != 0 || wide(m.OutPort) ||
		m.OutGroup != GroupAny && m.OutGroup != 0 || len(m.Match.received) > 0 {
		return dst, false
	}
	f, ok := m.Match.frame10()
	if !ok {
		return dst, false
	}
	n := HeaderLen + fixedMatchLen10 + 24
	if out != nil {
		if wide(out.Port()) {
			return dst, false
		}
		n += 8
	}
	dst = enlarge(dst, n)
	b := dst[len(dst)-n:]
	be := binary.BigEndian
	be.PutUint64(b, uint64(V10)<<56|kindFlowMod<<48|uint64(n)<<32|uint64(xid))
	f.put(b[HeaderLen : HeaderLen+fixedMatchLen10])
	rest := b[HeaderLen+fixedMatchLen10:]
	_ = rest[23]
	be.PutUint64(rest, m.Cookie)
	be.PutUint64(rest[8:], uint64(m.Command)<<48|uint64(m.IdleTimeout)<<32|uint64(m.HardTimeout)<<16|uint64(m.Priority))
	be.PutUint64(rest[16:], uint64(m.BufferID)<<32|uint64(uint16(m.OutPort))<<16|uint64(m.Flags))
	if out != nil {
		be.PutUint64(rest[24:], 8<<32|uint64(uint16(out.Arg))<<16|uint64(out.MaxLen))
	}
	return dst, true
}

// appendQuick writes a packet-out of at most one output.
func (m *PacketOut) appendQuick(dst []byte, v Version, xid uint32) ([]byte, bool) {
	var actions, arg int
	var maxLen uint16
	if len(m.Actions) > 1 || !v.Supported() || len(m.Data) > MaxMessageLen-64 {
		return dst, false
	}
	if len(m.Actions) == 1 {
		a := &m.Actions[0]
		if !a.output() || v == V10 && wide(a.Port()) {
			return dst, false
		}
		actions, arg, maxLen = 16, int(a.Arg), a.MaxLen
		if v == V10 {
			actions = 8
		}
	}
	be := binary.BigEndian
	if v == V10 {
		if wide(m.InPort) {
			return dst, false
		}
		n := HeaderLen + 8 + actions + len(m.Data)
		dst = enlarge(dst, n)
		b := dst[len(dst)-n:]
		be.PutUint64(b, uint64(V10)<<56|kindPacketOut<<48|uint64(n)<<32|uint64(xid))
		be.PutUint64(b[8:], uint64(m.BufferID)<<32|uint64(uint16(m.InPort))<<16|uint64(actions))
		if actions > 0 {
			be.PutUint64(b[16:], 8<<32|uint64(uint16(arg))<<16|uint64(maxLen))
		}
		copy(b[16+actions:], m.Data)
		return dst, true
	}
	n := HeaderLen + 16 + actions + len(m.Data)
	dst = enlarge(dst, n)
	b := dst[len(dst)-n:]
	be.PutUint64(b, uint64(v)<<56|kindPacketOut<<48|uint64(n)<<32|uint64(xid))
	be.PutUint64(b[8:], uint64(m.BufferID)<<32|uint64(m.InPort))
	be.PutUint64(b[16:], uint64(actions)<<48)
	if actions > 0 {
		be.PutUint64(b[24:], 16<<32|uint64(uint32(arg)))
		be.PutUint64(b[32:], uint64(maxLen)<<48)
	}
	copy(b[24+actions:], m.Data)
	return dst, true
}

// decodeQuick reads a packet-in of 1.0, or one of 1.3 whose match has the ingress
// port alone, in one pass. Else it reports false, with m as it was.
func (m *PacketIn) decodeQuick(frame []byte) bool {
	be := binary.BigEndian
	n := len(frame)
	if n < HeaderLen+10 || frame[1] != kindPacketIn || int(be.Uint16(frame[2:])) != n {
		return false
	}
	switch Version(frame[0]) {
	case V10:
		if frame[HeaderLen+9] != 0 {
			return false
		}
		p := uint32(be.Uint16(frame[HeaderLen+6:]))
		if p >= port10Max {
			p |= 0xffff0000
		}
		m.Match.onlyInPort(p)
		m.BufferID = be.Uint32(frame[HeaderLen:])
		m.TotalLen = be.Uint16(frame[HeaderLen+4:])
		m.Reason = PacketInReason(frame[HeaderLen+8])
		m.Table, m.Cookie = 0, 0
		m.Data = frame[HeaderLen+10 : n : n]
	case V13:
		const match = HeaderLen + 16
		if n < match+18 || be.Uint64(frame[match:]) != 1<<48|12<<32|oxmInPort {
			return false
		}
		m.Match.onlyInPort(be.Uint32(frame[match+8:]))
		m.BufferID = be.Uint32(frame[HeaderLen:])
		m.TotalLen = be.Uint16(frame[HeaderLen+4:])
		m.Reason, m.Table = PacketInReason(frame[HeaderLen+6]), frame[HeaderLen+7]
		m.Cookie = be.Uint64(frame[HeaderLen+8:])
		m.Data = frame[match+18 : n : n]
	default:
		return false
	}
	return true
}

// onlyInPort makes the ingress port all that the match has.
func (m *Match) onlyInPort(p uint32) {
	if cap(m.oxm) < 8 {
		m.oxm = make([]byte, 8, 64)
	}
	m.oxm = m.oxm[:8]
	m.received = m.received[:0]
	m.oxm11 = false
	binary.BigEndian.PutUint64(m.oxm, oxmInPort<<32|uint64(p))
}
