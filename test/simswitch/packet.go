package simswitch

import (
	"encoding/binary"
	"math/bits"

	"github.com/sluice-sdn/sluice/ofp"
)

// Ethernet types and IP protocols that the parser knows.
const (
	etherIPv4   = 0x0800
	etherARP    = 0x0806
	etherVLAN   = 0x8100
	etherQinQ   = 0x88a8
	etherIPv6   = 0x86dd
	etherMPLS   = 0x8847
	etherMPLSM  = 0x8848
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// Packet is a frame on its way through a switch, with the values of its match
// fields. What a truncated header lacks, the packet does not have; no bytes make
// the parser fail.
type Packet struct {
	Frame    []byte
	InPort   ofp.PortNo
	Metadata uint64

	has    uint64     // bit n: the packet has the field n
	values [64][]byte // by ofp.FieldID: the value as OXM has it
	at     [64]int    // where in Frame the value's bytes are, or 0
	l3, l4 int        // where these headers begin, or 0
	fixed  [64 * 8]byte
}

// NewPacket reads the fields of a frame that came in on a port. The packet
// keeps the frame.
func NewPacket(inPort ofp.PortNo, frame []byte) *Packet {
	p := &Packet{Frame: frame, InPort: inPort}
	p.parse()
	return p
}

// Field returns the value of a match field, in the length that OXM gives it, if
// the packet has the field.
func (p *Packet) Field(id ofp.FieldID) ([]byte, bool) {
	if id == ofp.FieldMetadata {
		p.set(id, p.Metadata)
	}
	return p.values[id&63], p.has>>(id&63)&1 == 1
}

// Matches reports whether m takes the packet.
func (p *Packet) Matches(m *ofp.Match) bool {
	for f := range m.All() {
		v, ok := p.Field(f.ID)
		if !ok || f.ID == ofp.FieldUnknown || len(v) != len(f.Value) {
			return false
		}
		for i := range v {
			mask := byte(0xff)
			if f.Mask != nil {
				mask = f.Mask[i]
			}
			if (v[i]^f.Value[i])&mask != 0 {
				return false
			}
		}
	}
	return true
}

// set gives a field of at most 64 bits a value that no whole bytes of the frame
// hold.
func (p *Packet) set(id ofp.FieldID, v uint64) {
	n := id.Info().Bytes()
	b := p.fixed[int(id)*8 : int(id)*8+n : int(id)*8+n]
	for i := range n {
		b[n-1-i] = byte(v >> (8 * i))
	}
	p.values[id], p.at[id] = b, 0
	p.has |= 1 << id
}

// setAt gives a field the bytes of the frame that begin at off, if they are
// there.
func (p *Packet) setAt(id ofp.FieldID, off int) {
	end := off + id.Info().Bytes()
	if end > len(p.Frame) {
		return
	}
	p.values[id], p.at[id] = p.Frame[off:end:end], off
	p.has |= 1 << id
}

// parse reads all fields anew; actions call it after they have changed the
// frame.
func (p *Packet) parse() {
	p.has, p.l3, p.l4 = 0, 0, 0
	p.set(ofp.FieldInPort, uint64(p.InPort))
	p.set(ofp.FieldInPhyPort, uint64(p.InPort))
	p.set(ofp.FieldTunnelID, 0)
	if len(p.Frame) < 14 {
		return
	}
	p.setAt(ofp.FieldEthDst, 0)
	p.setAt(ofp.FieldEthSrc, 6)
	p.set(ofp.FieldVLANVID, ofp.VLANNone)
	off := 12
	for tag := 0; ; tag++ {
		if t := p.u16(off); t != etherVLAN && t != etherQinQ || off+6 > len(p.Frame) {
			break
		}
		if tag == 0 {
			tci := p.u16(off + 2)
			p.set(ofp.FieldVLANVID, uint64(tci&0xfff|ofp.VLANPresent))
			p.set(ofp.FieldVLANPCP, uint64(tci>>13))
		}
		off += 4
	}
	p.setAt(ofp.FieldEthType, off)
	p.l3 = off + 2
	switch p.u16(off) {
	case etherIPv4:
		p.ipv4()
	case etherIPv6:
		p.ipv6()
	case etherARP:
		p.arp()
	case etherMPLS, etherMPLSM:
		if label, ok := p.u32(p.l3); ok {
			p.set(ofp.FieldMPLSLabel, uint64(label>>12))
			p.set(ofp.FieldMPLSTC, uint64(label>>9&7))
			p.set(ofp.FieldMPLSBOS, uint64(label>>8&1))
		}
	}
}

// u16 is the number at off, or 0 beyond the frame.
func (p *Packet) u16(off int) uint16 {
	if off < 0 || off+2 > len(p.Frame) {
		return 0
	}
	return binary.BigEndian.Uint16(p.Frame[off:])
}

func (p *Packet) u32(off int) (uint32, bool) {
	if off < 0 || off+4 > len(p.Frame) {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.Frame[off:]), true
}

func (p *Packet) arp() {
	op := p.u16(p.l3 + 6)
	if p.l3+28 > len(p.Frame) || p.u16(p.l3+2) != etherIPv4 {
		return
	}
	p.set(ofp.FieldARPOp, uint64(op))
	p.setAt(ofp.FieldARPSHA, p.l3+8)
	p.setAt(ofp.FieldARPSPA, p.l3+14)
	p.setAt(ofp.FieldARPTHA, p.l3+18)
	p.setAt(ofp.FieldARPTPA, p.l3+24)
}

func (p *Packet) ipv4() {
	if p.l3+20 > len(p.Frame) {
		return
	}
	h := p.Frame[p.l3:]
	p.set(ofp.FieldIPDSCP, uint64(h[1]>>2))
	p.set(ofp.FieldIPECN, uint64(h[1]&3))
	p.setAt(ofp.FieldIPProto, p.l3+9)
	p.setAt(ofp.FieldIPv4Src, p.l3+12)
	p.setAt(ofp.FieldIPv4Dst, p.l3+16)
	if binary.BigEndian.Uint16(h[6:])&0x1fff == 0 { // no later fragment
		p.transport(h[9], p.l3+max(20, int(h[0]&15)*4))
	}
}

func (p *Packet) ipv6() {
	if p.l3+40 > len(p.Frame) {
		return
	}
	h := p.Frame[p.l3:]
	first, _ := p.u32(p.l3)
	p.set(ofp.FieldIPDSCP, uint64(first>>22&63))
	p.set(ofp.FieldIPECN, uint64(first>>20&3))
	p.set(ofp.FieldIPv6FLabel, uint64(first&0xfffff))
	p.setAt(ofp.FieldIPv6Src, p.l3+8)
	p.setAt(ofp.FieldIPv6Dst, p.l3+24)
	next, off := h[6], p.l3+40
	for off+8 <= len(p.Frame) {
		switch next {
		case 0, 43, 60: // hop-by-hop, routing and destination options
			next, off = p.Frame[off], off+8+8*int(p.Frame[off+1])
			continue
		case 44: // fragment
			later := p.u16(off+2)&^7 != 0
			next, off = p.Frame[off], off+8
			if later {
				p.set(ofp.FieldIPProto, uint64(next))
				return
			}
			continue
		}
		break
	}
	p.set(ofp.FieldIPProto, uint64(next))
	p.transport(next, off)
}

// ports are the fields of a transport header's first bytes.
var ports = map[byte]struct{ src, dst ofp.FieldID }{
	protoTCP:    {ofp.FieldTCPSrc, ofp.FieldTCPDst},
	protoUDP:    {ofp.FieldUDPSrc, ofp.FieldUDPDst},
	protoSCTP:   {ofp.FieldSCTPSrc, ofp.FieldSCTPDst},
	protoICMP:   {ofp.FieldICMPv4Type, ofp.FieldICMPv4Code},
	protoICMPv6: {ofp.FieldICMPv6Type, ofp.FieldICMPv6Code},
}

func (p *Packet) transport(proto byte, off int) {
	f, ok := ports[proto]
	if !ok {
		return
	}
	p.l4 = off
	p.setAt(f.src, off)
	p.setAt(f.dst, off+f.src.Info().Bytes())
	if proto != protoICMPv6 || off+24 > len(p.Frame) {
		return
	}
	if t := p.Frame[off]; t == 135 || t == 136 {
		p.setAt(ofp.FieldIPv6NDTarget, off+8)
		p.ndOptions(off + 24)
	}
}

func (p *Packet) ndOptions(off int) {
	for off+8 <= len(p.Frame) && p.Frame[off+1] > 0 {
		switch p.Frame[off] {
		case 1:
			p.setAt(ofp.FieldIPv6NDSLL, off+2)
		case 2:
			p.setAt(ofp.FieldIPv6NDTLL, off+2)
		}
		off += 8 * int(p.Frame[off+1])
	}
}

// write puts a value into a field of the frame and mends the checksums. A field
// that the packet does not have, or that no bytes of the frame hold, is left
// alone.
func (p *Packet) write(id ofp.FieldID, value []byte) {
	if p.has>>id&1 == 0 {
		return
	}
	v := uint64(0)
	for _, b := range value[max(0, len(value)-8):] {
		v = v<<8 | uint64(b)
	}
	switch {
	case id == ofp.FieldVLANVID && v&ofp.VLANPresent != 0:
		p.tci(0xf000, uint16(v)&0xfff)
	case id == ofp.FieldVLANPCP:
		p.tci(0x1fff, uint16(v)<<13)
	case id == ofp.FieldIPDSCP:
		p.tos(0x03, byte(v)<<2)
	case id == ofp.FieldIPECN:
		p.tos(0xfc, byte(v))
	case p.at[id] != 0 || id == ofp.FieldEthDst:
		copy(p.Frame[p.at[id]:], value)
	}
	p.mend()
	p.parse()
}

// tci changes the outer VLAN tag, if there is one: keep says which bits stay.
func (p *Packet) tci(keep, v uint16) {
	if t := p.u16(12); (t == etherVLAN || t == etherQinQ) && len(p.Frame) >= 18 {
		binary.BigEndian.PutUint16(p.Frame[14:], p.u16(14)&keep|v)
	}
}

// tos changes the ToS byte of IPv4, or the traffic class of IPv6.
func (p *Packet) tos(keep, v byte) {
	if p.u16(p.l3-2) == etherIPv4 {
		p.Frame[p.l3+1] = p.Frame[p.l3+1]&keep | v
		return
	}
	h := p.u16(p.l3)
	class := byte(h>>4)&keep | v
	binary.BigEndian.PutUint16(p.Frame[p.l3:], h&0xf00f|uint16(class)<<4)
}

// checksumAt is where a transport header keeps its checksum; SCTP's is of
// another kind and is left alone.
var checksumAt = map[byte]int{protoTCP: 16, protoUDP: 6, protoICMP: 2, protoICMPv6: 2}

// mend computes the checksums of IPv4 and of what it or IPv6 carries. A
// fragment's and a truncated packet's transport checksum is left alone.
func (p *Packet) mend() {
	var pseudo uint64
	var end int
	switch {
	case p.l3 == 0:
		return
	case p.u16(p.l3-2) == etherIPv4 && p.l3+20 <= len(p.Frame):
		h := p.Frame[p.l3:]
		n := int(h[0]&15) * 4
		if n < 20 || n > len(h) {
			return
		}
		h[10], h[11] = 0, 0
		binary.BigEndian.PutUint16(h[10:], ^sum(h[:n], 0))
		end = p.l3 + int(binary.BigEndian.Uint16(h[2:]))
		if binary.BigEndian.Uint16(h[6:])&0x3fff != 0 {
			return
		}
		pseudo = uint64(sum(h[12:20], 0))
	case p.u16(p.l3-2) == etherIPv6 && p.l3+40 <= len(p.Frame):
		end = p.l3 + 40 + int(p.u16(p.l3+4))
		pseudo = uint64(sum(p.Frame[p.l3+8:p.l3+40], 0))
	default:
		return
	}
	proto, ok := p.Field(ofp.FieldIPProto)
	if !ok || p.l4 == 0 || end > len(p.Frame) || p.l4 >= end {
		return
	}
	at, ok := checksumAt[proto[0]]
	c := p.l4 + at
	if !ok || c+2 > end || proto[0] == protoUDP && p.u16(c) == 0 { // UDP may have none
		return
	}
	if proto[0] == protoICMP {
		pseudo = 0
	} else {
		pseudo += uint64(proto[0]) + uint64(end-p.l4)
	}
	binary.BigEndian.PutUint16(p.Frame[c:], 0)
	s := ^sum(p.Frame[p.l4:end], pseudo)
	if s == 0 && proto[0] == protoUDP {
		s = 0xffff
	}
	binary.BigEndian.PutUint16(p.Frame[c:], s)
}

// sum is the one's complement sum of RFC 1071, begun with s.
func sum(b []byte, s uint64) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	for bits.Len64(s) > 16 {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
