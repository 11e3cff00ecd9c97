package ofp

import (
	"encoding/binary"
	"strconv"
)

// packetText prints an Ethernet frame. What is not there, because the frame ends
// too early, is printed as zero, as Open vSwitch does.
type packetText struct {
	b    []byte
	rest []byte
	sum  string // name of the checksum at the end, if there is one
	csum uint64
}

// appendPacket appends what an Ethernet frame is, as the fields of a match that
// has no wildcards, in the order of a match.
func appendPacket(b []byte, frame []byte) []byte {
	p := packetText{b: b, rest: frame}
	var eth [12]byte
	if len(frame) >= 14 {
		copy(eth[:], frame)
		p.rest = frame[12:]
	} else {
		p.rest = nil
	}
	var tags []uint16
	for len(tags) < 2 && len(p.rest) >= 6 && (p.peek16() == 0x8100 || p.peek16() == 0x88a8) {
		tags = append(tags, binary.BigEndian.Uint16(p.rest[2:]))
		p.rest = p.rest[4:]
	}
	ethType := p.ethType()
	var l3 func(*packetText)
	word := ""
	switch ethType {
	case ethIPv4:
		word, l3 = p.ipv4()
	case ethIPv6:
		word, l3 = p.ipv6()
	case ethARP, ethRARP:
		word, l3 = "arp", (*packetText).arp
		if ethType == ethRARP {
			word = "rarp"
		}
	case ethMPLS, ethMPLSM:
		word, l3 = "mpls", (*packetText).mpls
		if ethType == ethMPLSM {
			word = "mplsm"
		}
	}
	if word != "" {
		p.text(word + ",")
	}
	p.tags(tags)
	p.text(",dl_src=")
	p.b = appendMAC(p.b, eth[6:])
	p.text(",dl_dst=")
	p.b = appendMAC(p.b, eth[:6])
	if l3 != nil {
		l3(&p)
	} else {
		p.text(",dl_type=0x")
		p.b = appendHex(p.b, uint64(ethType), 4)
	}
	if p.sum != "" {
		p.text(" " + p.sum + ":")
		p.b = appendHex(p.b, p.csum, 1)
	}
	return p.b
}

func (p *packetText) text(s string) { p.b = append(p.b, s...) }

func (p *packetText) number(name string, v uint64) {
	p.b = append(p.b, ',')
	p.b = append(p.b, name...)
	p.b = append(p.b, '=')
	p.b = strconv.AppendUint(p.b, v, 10)
}

func (p *packetText) value(name string, id FieldID, v []byte) {
	p.b = append(p.b, ',')
	p.b = append(p.b, name...)
	p.b = append(p.b, '=')
	p.b = appendValue(p.b, &fields[id], v, nil)
}

func (p *packetText) peek16() uint16 { return binary.BigEndian.Uint16(p.rest) }

// take splits the first n bytes off; of too few it gives zeros and leaves
// nothing.
func (p *packetText) take(n int) []byte {
	if len(p.rest) < n {
		p.rest = nil
		return make([]byte, n)
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

// ethType reads the Ethernet type; a length stands before LLC, which may hold a
// type again.
func (p *packetText) ethType() uint16 {
	t := binary.BigEndian.Uint16(p.take(2))
	if t == 0 && p.rest == nil || t >= 0x600 {
		return t
	}
	const notEthernetII = 0x05ff
	if len(p.rest) >= 8 && [6]byte(p.rest) == [6]byte{0xaa, 0xaa, 3} {
		if t := binary.BigEndian.Uint16(p.rest[6:]); t >= 0x600 {
			p.rest = p.rest[8:]
			return t
		}
	}
	return notEthernetII
}

func (p *packetText) tags(tags []uint16) {
	for i, t := range tags {
		suffix := ""
		if i > 0 {
			suffix = strconv.Itoa(i)
			p.text(",")
		}
		p.text("dl_vlan" + suffix + "=")
		p.b = strconv.AppendUint(p.b, uint64(t&0xfff), 10)
		p.number("dl_vlan_pcp"+suffix, uint64(t>>13))
	}
	switch len(tags) {
	case 0:
		p.text("vlan_tci=0x0000")
	case 1:
		p.text(",vlan_tci1=0x0000")
	}
}

func (p *packetText) arp() {
	b := p.take(28)
	if [6]byte(b) != [6]byte{0, 1, 8, 0, 6, 4} {
		b = make([]byte, 28)
	}
	p.value("arp_spa", FieldARPSPA, b[14:18])
	p.value("arp_tpa", FieldARPTPA, b[24:28])
	p.number("arp_op", uint64(b[7]))
	p.value("arp_sha", FieldARPSHA, b[8:14])
	p.value("arp_tha", FieldARPTHA, b[18:24])
}

func (p *packetText) mpls() {
	for i := range 3 {
		if i > 0 && len(p.rest) < 4 {
			return
		}
		l := binary.BigEndian.Uint32(p.take(4))
		if i == 0 {
			p.number("mpls_label", uint64(l>>12))
			p.number("mpls_tc", uint64(l>>9&7))
			p.number("mpls_ttl", uint64(l&0xff))
			p.number("mpls_bos", uint64(l>>8&1))
		} else {
			p.number("mpls_lse"+strconv.Itoa(i), uint64(l))
		}
		if l>>8&1 != 0 {
			return
		}
	}
}

// ipv4 reads the header and returns the word for the protocol and what prints
// the rest.
func (p *packetText) ipv4() (string, func(*packetText)) {
	h := make([]byte, 20)
	if n := len(p.rest); n >= 20 {
		head := int(p.rest[0]&15) * 4
		total := int(binary.BigEndian.Uint16(p.rest[2:]))
		if p.rest[0]>>4 == 4 && head >= 20 && head <= total && total <= n {
			h, p.rest = p.rest[:20], p.rest[head:total]
		} else {
			p.rest = nil
		}
	} else {
		p.rest = nil
	}
	word, own := protocolWord(ethIPv4, h[9])
	return word, func(p *packetText) {
		p.value("nw_src", FieldIPv4Src, h[12:16])
		p.value("nw_dst", FieldIPv4Dst, h[16:20])
		if !own {
			p.number("nw_proto", uint64(h[9]))
		}
		frag := binary.BigEndian.Uint16(h[6:])
		p.ip(h[1], h[8], frag&0x2000 != 0, frag&0x1fff != 0)
		p.transport(h[9], ethIPv4, frag&0x1fff != 0)
	}
}

// ipv6 does the same for IPv6, after the extension headers that can be skipped.
func (p *packetText) ipv6() (string, func(*packetText)) {
	h := make([]byte, 40)
	if n := len(p.rest); n >= 40 && 40+int(binary.BigEndian.Uint16(p.rest[4:])) <= n {
		h, p.rest = p.rest[:40], p.rest[40:40+int(binary.BigEndian.Uint16(p.rest[4:]))]
	} else {
		p.rest = nil
	}
	proto := h[6]
	var more, later bool
	for len(p.rest) >= 8 && !later {
		n := 8
		switch proto {
		case 0, 43, 60: // hop-by-hop options, routing, destination options
			n = 8 + 8*int(p.rest[1])
		case 51: // authentication
			n = 8 + 4*int(p.rest[1])
		case 44: // fragment
			frag := binary.BigEndian.Uint16(p.rest[2:])
			more, later = more || frag&1 != 0, later || frag>>3 != 0
		default:
			n = 0
		}
		if n == 0 || n > len(p.rest) {
			break
		}
		proto, p.rest = p.rest[0], p.rest[n:]
	}
	word, own := protocolWord(ethIPv6, proto)
	return word, func(p *packetText) {
		p.value("ipv6_src", FieldIPv6Src, h[8:24])
		p.value("ipv6_dst", FieldIPv6Dst, h[24:40])
		p.text(",ipv6_label=0x")
		p.b = appendHex(p.b, uint64(binary.BigEndian.Uint32(h)&0xfffff), 5)
		if !own {
			p.number("nw_proto", uint64(proto))
		}
		p.ip(h[0]<<4|h[1]>>4, h[7], more, later)
		p.transport(proto, ethIPv6, later)
	}
}

// protocolWord is the word for a protocol, and whether it is of that alone.
func protocolWord(ethType uint16, proto uint8) (string, bool) {
	word := ""
	for _, w := range matchKeywords {
		if w.ethType != ethType {
			continue
		}
		if w.ipProto != 0 && w.ipProto == proto {
			return w.name, true
		}
		if w.ipProto == 0 && word == "" {
			word = w.name
		}
	}
	return word, false
}

func (p *packetText) ip(tos, ttl uint8, more, later bool) {
	p.number("nw_tos", uint64(tos&0xfc))
	p.number("nw_ecn", uint64(tos&3))
	p.number("nw_ttl", uint64(ttl))
	switch {
	case later:
		p.text(",nw_frag=later")
	case more:
		p.text(",nw_frag=first")
	default:
		p.text(",nw_frag=no")
	}
}

// transports are the protocols whose header is printed: its length, and where
// the checksum stands.
var transports = map[uint8]struct {
	length, csum, csumLen int
	name                  string
}{
	protoTCP:    {20, 16, 2, "tcp_csum"},
	protoUDP:    {8, 6, 2, "udp_csum"},
	protoSCTP:   {12, 8, 4, "sctp_csum"},
	protoICMP:   {8, 2, 2, "icmp_csum"},
	protoICMPv6: {4, 2, 2, "icmp6_csum"},
}

var tcpFlagNames = [...]string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"}

func (p *packetText) transport(proto uint8, ethType uint16, later bool) {
	const igmp = 2
	t, ok := transports[proto]
	if proto == igmp && ethType == ethIPv4 && !later {
		b := p.take(8)
		p.number("tp_src", uint64(b[0]))
		p.number("tp_dst", uint64(b[1]))
	}
	if !ok || proto == protoICMP && ethType != ethIPv4 || proto == protoICMPv6 && ethType != ethIPv6 {
		return
	}
	if len(p.rest) >= t.length {
		p.sum, p.csum = t.name, beUint(p.rest[t.csum:t.csum+t.csumLen])
	}
	if later {
		return
	}
	b := p.take(t.length)
	switch proto {
	case protoICMP, protoICMPv6:
		p.number("icmp_type", uint64(b[0]))
		p.number("icmp_code", uint64(b[1]))
		if proto == protoICMPv6 && (b[0] == 135 || b[0] == 136) && b[1] == 0 {
			p.neighbour()
		}
	default:
		p.number("tp_src", uint64(binary.BigEndian.Uint16(b)))
		p.number("tp_dst", uint64(binary.BigEndian.Uint16(b[2:])))
	}
	if proto == protoTCP {
		flags := binary.BigEndian.Uint16(b[12:]) & 0xfff
		p.text(",tcp_flags=")
		if flags == 0 {
			p.text("0")
		}
		sep := ""
		for i, name := range tcpFlagNames {
			if flags&(1<<i) != 0 {
				p.text(sep + name)
				sep = "|"
			}
		}
	}
}

// neighbour prints neighbour discovery after the first four bytes.
func (p *packetText) neighbour() {
	p.take(4)
	target := p.take(16)
	var ll [2][]byte
	ll[0], ll[1] = make([]byte, 6), make([]byte, 6)
	for len(p.rest) >= 8 {
		n := 8 * int(p.rest[1])
		if n == 0 || n > len(p.rest) {
			break
		}
		if t := p.rest[0]; n == 8 && (t == 1 || t == 2) {
			ll[t-1] = p.rest[2:8]
		}
		p.rest = p.rest[n:]
	}
	p.value("nd_target", FieldIPv6NDTarget, target)
	p.value("nd_sll", FieldIPv6NDSLL, ll[0])
	p.value("nd_tll", FieldIPv6NDTLL, ll[1])
}
