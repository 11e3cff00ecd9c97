// Package codec is the floor of the codec benchmarks: by hand, for the one
// message of each, it reads every field into a plain struct, with the checks that
// keep it inside of the frame, or writes every byte of it with the lengths worked
// out, and allocates nothing that was not there before.
package codec

import (
	"encoding/binary"
	"slices"
)

// PacketIn is what a packet-in says.
type PacketIn struct {
	XID, BufferID       uint32
	TotalLen            uint16
	Reason, Table       uint8
	Cookie              uint64
	InPort              uint32
	Match, Data         []byte
	MatchKind, MatchLen uint16
}

// Decode reads a packet-in of 1.3.
//
//go:noinline
func (m *PacketIn) Decode(b []byte) bool {
	if len(b) < 32 || b[0] != 4 || b[1] != 10 || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return false
	}
	m.XID = binary.BigEndian.Uint32(b[4:])
	m.BufferID = binary.BigEndian.Uint32(b[8:])
	m.TotalLen = binary.BigEndian.Uint16(b[12:])
	m.Reason, m.Table = b[14], b[15]
	m.Cookie = binary.BigEndian.Uint64(b[16:])
	m.MatchKind = binary.BigEndian.Uint16(b[24:])
	m.MatchLen = binary.BigEndian.Uint16(b[26:])
	end := 24 + (int(m.MatchLen)+7)&^7 + 2
	if m.MatchKind != 1 || m.MatchLen < 4 || end > len(b) {
		return false
	}
	m.Match = b[28 : 24+m.MatchLen]
	for at := 28; at+4 <= 24+int(m.MatchLen); {
		n := int(b[at+3])
		if at+4+n > 24+int(m.MatchLen) {
			return false
		}
		if binary.BigEndian.Uint32(b[at:]) == 0x80000004 {
			m.InPort = binary.BigEndian.Uint32(b[at+4:])
		}
		at += 4 + n
	}
	m.Data = b[end:]
	return true
}

// Flow is what the flow-mod and the flow statistics of the benchmarks say.
type Flow struct {
	Cookie, CookieMask, Packets, Bytes     uint64
	BufferID, OutPort, OutGroup, Sec, Nsec uint32
	Idle, Hard, Priority, Flags            uint16
	Table, Command                         uint8
	InPort                                 uint32
	EthDst, SetSrc                         [6]byte
	EthType                                uint16
	PCP                                    uint8
	Output                                 uint32
	MaxLen                                 uint16
	Has                                    uint8
}

// What of the match and the actions there is.
const (
	HasInPort = 1 << iota
	HasEthDst
	HasEthType
	HasPCP
	HasSetSrc
	HasOutput
)

// DecodeMod reads a flow-mod of 1.3.
//
//go:noinline
func (m *Flow) DecodeMod(b []byte) bool {
	if len(b) < 56 || b[0] != 4 || b[1] != 14 || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return false
	}
	m.Cookie = binary.BigEndian.Uint64(b[8:])
	m.CookieMask = binary.BigEndian.Uint64(b[16:])
	m.Table, m.Command = b[24], b[25]
	m.Idle = binary.BigEndian.Uint16(b[26:])
	m.Hard = binary.BigEndian.Uint16(b[28:])
	m.Priority = binary.BigEndian.Uint16(b[30:])
	m.BufferID = binary.BigEndian.Uint32(b[32:])
	m.OutPort = binary.BigEndian.Uint32(b[36:])
	m.OutGroup = binary.BigEndian.Uint32(b[40:])
	m.Flags = binary.BigEndian.Uint16(b[44:])
	return m.matchAndActions(b[48:])
}

// matchAndActions reads a match and instructions with any of the fields and
// actions that the benchmark's messages have.
func (m *Flow) matchAndActions(b []byte) bool {
	if len(b) < 8 || binary.BigEndian.Uint16(b) != 1 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 4 || (n+7)&^7 > len(b) {
		return false
	}
	var has uint8
	for o := b[4:n]; len(o) > 0; {
		if len(o) < 4 || len(o) < 4+int(o[3]) {
			return false
		}
		switch h := binary.BigEndian.Uint32(o); h {
		case 0x80000004:
			m.InPort = binary.BigEndian.Uint32(o[4:])
			has |= HasInPort
		case 0x80000606:
			copy(m.EthDst[:], o[4:10])
			has |= HasEthDst
		case 0x80000a02:
			m.EthType = binary.BigEndian.Uint16(o[4:])
			has |= HasEthType
		case 0x80000e01:
			m.PCP = o[4]
			has |= HasPCP
		default:
			return false
		}
		o = o[4+int(o[3]):]
	}
	for b = b[(n+7)&^7:]; len(b) > 0; {
		if len(b) < 8 {
			return false
		}
		t, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if t != 4 || n < 8 || n > len(b) {
			return false
		}
		for a := b[8:n]; len(a) > 0; {
			if len(a) < 16 {
				return false
			}
			t, n := binary.BigEndian.Uint16(a), int(binary.BigEndian.Uint16(a[2:]))
			if n != 16 {
				return false
			}
			switch {
			case t == 0:
				m.Output = binary.BigEndian.Uint32(a[4:])
				m.MaxLen = binary.BigEndian.Uint16(a[8:])
				has |= HasOutput
			case t == 25 && binary.BigEndian.Uint32(a[4:]) == 0x80000806:
				copy(m.SetSrc[:], a[8:14])
				has |= HasSetSrc
			default:
				return false
			}
			a = a[16:]
		}
		b = b[n:]
	}
	m.Has = has
	return true
}

// DecodeStats reads the flows of a flow statistics reply of 1.3 into out, which it
// uses again.
//
//go:noinline
func DecodeStats(b []byte, out []Flow) ([]Flow, bool) {
	if len(b) < 16 || b[0] != 4 || b[1] != 19 || int(binary.BigEndian.Uint16(b[2:])) != len(b) || binary.BigEndian.Uint16(b[8:]) != 1 {
		return out, false
	}
	out = out[:0]
	for b = b[16:]; len(b) > 0; {
		if len(b) < 56 {
			return out, false
		}
		n := int(binary.BigEndian.Uint16(b))
		if n < 56 || n > len(b) {
			return out, false
		}
		out = append(out, Flow{})
		m := &out[len(out)-1]
		m.Table = b[2]
		m.Sec = binary.BigEndian.Uint32(b[4:])
		m.Nsec = binary.BigEndian.Uint32(b[8:])
		m.Priority = binary.BigEndian.Uint16(b[12:])
		m.Idle = binary.BigEndian.Uint16(b[14:])
		m.Hard = binary.BigEndian.Uint16(b[16:])
		m.Flags = binary.BigEndian.Uint16(b[18:])
		m.Cookie = binary.BigEndian.Uint64(b[24:])
		m.Packets = binary.BigEndian.Uint64(b[32:])
		m.Bytes = binary.BigEndian.Uint64(b[40:])
		if !m.matchAndActions(b[48:n]) {
			return out, false
		}
		b = b[n:]
	}
	return out, true
}

// AppendMod writes the fields and actions that the message has, of those that
// matchAndActions reads, and works out every length.
//
//go:noinline
func (m *Flow) AppendMod(dst []byte, xid uint32) []byte {
	const most = 128
	start := len(dst)
	if cap(dst)-start < most {
		dst = slices.Grow(dst, most)
	}
	b := dst[start : start+most]
	be := binary.BigEndian
	be.PutUint64(b, 0x040e<<48|uint64(xid))
	be.PutUint64(b[8:], m.Cookie)
	be.PutUint64(b[16:], m.CookieMask)
	b[24], b[25] = m.Table, m.Command
	be.PutUint16(b[26:], m.Idle)
	be.PutUint16(b[28:], m.Hard)
	be.PutUint16(b[30:], m.Priority)
	be.PutUint32(b[32:], m.BufferID)
	be.PutUint32(b[36:], m.OutPort)
	be.PutUint32(b[40:], m.OutGroup)
	be.PutUint16(b[44:], m.Flags)
	be.PutUint16(b[46:], 0)
	clear(b[48:88]) // the match and its padding
	n := 52
	if m.Has&HasInPort != 0 {
		be.PutUint64(b[n:], 0x80000004<<32|uint64(m.InPort))
		n += 8
	}
	if m.Has&HasEthDst != 0 {
		be.PutUint32(b[n:], 0x80000606)
		copy(b[n+4:n+10], m.EthDst[:])
		n += 10
	}
	if m.Has&HasEthType != 0 {
		be.PutUint32(b[n:], 0x80000a02)
		be.PutUint16(b[n+4:], m.EthType)
		n += 6
	}
	if m.Has&HasPCP != 0 {
		be.PutUint32(b[n:], 0x80000e01)
		b[n+4] = m.PCP
		n += 5
	}
	be.PutUint32(b[48:], 1<<16|uint32(n-48))
	actions := (n + 7) &^ 7
	at := actions + 8
	if m.Has&HasSetSrc != 0 {
		be.PutUint64(b[at:], 25<<48|16<<32|0x80000806)
		copy(b[at+8:at+14], m.SetSrc[:])
		b[at+14], b[at+15] = 0, 0
		at += 16
	}
	if m.Has&HasOutput != 0 {
		be.PutUint64(b[at:], 16<<32|uint64(m.Output))
		be.PutUint64(b[at+8:], uint64(m.MaxLen)<<48)
		at += 16
	}
	be.PutUint64(b[actions:], 4<<48|uint64(at-actions)<<32)
	be.PutUint16(b[2:], uint16(at))
	return dst[:start+at]
}
