package l2switch

import "encoding/binary"

// Ethernet types.
const (
	typeVLAN = 0x8100
	typeQinQ = 0x88a8
	typeLLDP = 0x88cc
)

// groupBit marks a multicast or broadcast address.
const groupBit = 1 << 40

// header is what the app reads of a frame. Addresses are numbers of 48 bits.
type header struct {
	dst, src  uint64
	etherType uint16 // behind the tags
	vlan      uint16 // as the match field vlan_vid has it: the present bit 0x1000, or 0 for no tag
}

// parse reads the Ethernet header and the VLAN tags of a frame in place. It
// reports false for a frame that ends before they do. The VLAN is that of the
// outer tag.
func parse(b []byte) (h header, ok bool) {
	if len(b) < 14 {
		return h, false
	}
	h.dst = binary.BigEndian.Uint64(b) >> 16
	h.src = binary.BigEndian.Uint64(b[6:]) >> 16
	h.etherType = binary.BigEndian.Uint16(b[12:])
	for at := 14; h.etherType == typeVLAN || h.etherType == typeQinQ; at += 4 {
		if len(b) < at+4 {
			return h, false
		}
		if h.vlan == 0 {
			h.vlan = binary.BigEndian.Uint16(b[at:])&0xfff | 0x1000
		}
		h.etherType = binary.BigEndian.Uint16(b[at+2:])
	}
	return h, true
}

// reserved reports whether bridges keep the frame to themselves: the link-local
// addresses 01:80:c2:00:00:00 to 0f (IEEE 802.1D, table 7-10) and LLDP to any
// address.
func (h *header) reserved() bool {
	return h.etherType == typeLLDP || h.dst&^0xf == 0x0180c2000000
}

// key names a host in a VLAN. A frame with the tag of VLAN 0 has a priority and
// no VLAN, so it counts as untagged.
func key(mac uint64, vlan uint16) uint64 { return mac | uint64(vlan&0xfff)<<48 }
