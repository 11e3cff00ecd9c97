package ofp

import "slices"

// packetProtocol is what is known of the packet after the actions so far. The
// rules by which actions change it are those of Open vSwitch.
type packetProtocol struct {
	match      *Match  // nil: nothing is known, and nothing is checked
	packetType uint32  // of packets that are no Ethernet frames, else 0
	ethType    uint16  // behind the Ethernet header
	ipProto    uint8   // after an Ethernet type of IP
	icmpType   uint8   // of ICMPv6 with code 0
	later      bool    // a fragment without the header of the IP protocol
	tags       [2]bool // the VLAN tags that the packet has, the outer one first
	lenient    bool    // what only 1.1 and later or Open vSwitch refuses is taken
}

// unknownProtocol is the packet type behind a header that was removed.
const unknownProtocol = 1<<16 | 0xfffe

// protocolOf is what a match says of its packets.
func protocolOf(m *Match) packetProtocol {
	p := packetProtocol{match: m}
	if m == nil {
		return p
	}
	exact := func(f FieldID) uint64 {
		v, mask, ok := m.Uint(f)
		if !ok || mask != f.Info().max() {
			return 0
		}
		return v
	}
	p.packetType = uint32(exact(FieldPacketType))
	p.ethType = uint16(exact(FieldEthType))
	vid, _, _ := m.Uint(FieldVLANVID)
	tci, _, _ := m.Uint(FieldVLANTCI)
	p.tags[0] = (vid|tci)&VLANPresent != 0
	if p.isIP() {
		p.ipProto = uint8(exact(FieldIPProto))
		frag, _, _ := m.Uint(FieldIPFrag)
		p.later = frag&2 != 0
	}
	if code, _, _ := m.Uint(FieldICMPv6Code); code == 0 {
		p.icmpType = uint8(exact(FieldICMPv6Type))
	}
	return p
}

// ether is the Ethernet type of what the packet begins with.
func (p *packetProtocol) ether() uint16 {
	switch {
	case p.packetType == 0:
		return p.ethType
	case p.packetType>>16 == 1:
		return uint16(p.packetType)
	}
	return 0
}

func (p *packetProtocol) isIP() bool { return p.ether() == ethIPv4 || p.ether() == ethIPv6 }

// has reports whether the packet has what is needed.
func (p *packetProtocol) has(need Prerequisite) bool {
	switch need.Field {
	case FieldEthType:
		return slices.Contains(need.Values, uint64(p.ether()))
	case FieldIPProto:
		return !p.later && slices.Contains(need.Values, uint64(p.ipProto))
	case FieldICMPv6Type:
		return slices.Contains(need.Values, uint64(p.icmpType))
	case FieldVLANVID:
		return p.tags[0]
	case FieldInPort:
		return true // every packet came in somewhere
	}
	return p.match.satisfies(need)
}

// missing says in the words of a match's text what of the needs the packet lacks.
// Where that is an IP protocol, its name says the Ethernet type, too.
func (p *packetProtocol) missing(needs []Prerequisite) (words string) {
	for _, need := range needs {
		switch {
		case p.has(need):
		case words == "", need.Field == FieldIPProto:
			words = need.words()
		}
	}
	return words
}

// lacks says what the packet lacks that the action needs, or "".
func (p *packetProtocol) lacks(a *Action) string {
	const in = " in the match or made so by an action before"
	if !p.lenient {
		q := *p
		if _, timeout := a.Ext.(*FinTimeout); timeout {
			q.later = false // it reads nothing of the packet
		}
		if w := q.missing(a.needs()); w != "" {
			return "needs " + w + in
		}
		if a.Type == ActionPushMPLS && p.packetType != 0 {
			return "needs packets that are Ethernet frames"
		}
	}
	_, loads := a.Ext.(*Load)
	for _, f := range a.uses() {
		info := f.Info()
		if info == nil {
			continue
		}
		needs := info.Needs
		if f == FieldVLANVID && (loads || a.Type == ActionSetField) { // which adds no tag
			needs = isTagged
		} else if f >= FieldCTNWProto && f <= FieldCTTPDst { // to act on, a connection is enough
			needs = ctKnown
		}
		if w := p.missing(needs); w != "" {
			return info.Name + " needs " + w + in
		}
		if f.needsFrame() && p.packetType != 0 {
			return info.Name + " needs packets that are Ethernet frames"
		}
	}
	return ""
}

// refuses says what about the packet does not suit the action, and notes what the
// action makes of it.
func (p *packetProtocol) refuses(a *Action) string {
	if p.match == nil {
		return ""
	}
	if why := p.lacks(a); why != "" {
		return why
	}
	switch a.Type {
	case ActionPushMPLS, ActionPopMPLS, ActionPushPBB:
		p.ethType, p.ipProto = uint16(a.Arg), 0
	case ActionPopPBB:
		*p = packetProtocol{} // what is inside is not known
	case ActionSetVLANVID, ActionSetVLANPCP:
		p.tags[0] = p.tags[0] || a.Received != V11 // but for 1.1, they add one if there is none
	case ActionPushVLAN:
		if p.tags[1] && !p.lenient {
			return "the packet has two tags, which are as many as Open vSwitch knows"
		}
		p.tags = [2]bool{true, p.tags[0]}
	case ActionStripVLAN, ActionPopVLAN:
		p.tags = [2]bool{p.tags[1], false}
	case ActionSetField:
		if f := a.Field(); f.ID == FieldVLANTCI {
			p.tags[0] = beUint(f.Value)&VLANPresent != 0
		}
	}
	switch e := a.Ext.(type) {
	case *Load:
		if e.Dst.Field == FieldVLANTCI {
			p.tags[0] = e.Value<<e.Dst.Ofs&VLANPresent != 0
		}
	case *Resubmit:
		if w := p.missing(ctKnown); e.CT && w != "" {
			return "with ct needs " + w + " in the match"
		}
	case *CT:
		switch {
		case !p.isIP():
			return "needs ip or ipv6 in the match"
		case e.ALG == ALGFTP && p.ipProto != protoTCP:
			return "alg=ftp needs tcp in the match"
		case e.ALG == ALGTFTP && p.ipProto != protoUDP:
			return "alg=tftp needs udp in the match"
		}
	case *NAT:
		switch {
		case len(e.AddrMin) == 4 && p.ether() != ethIPv4:
			return "an address of IPv4 needs ip in the match"
		case len(e.AddrMin) == 16 && p.ether() != ethIPv6:
			return "an address of IPv6 needs ipv6 in the match"
		}
	case *Encap:
		p.packetType = e.PacketType
		if e.PacketType>>16 == 1 {
			p.ethType = uint16(e.PacketType)
		}
		if e.PacketType != 0 {
			p.tags[0] = false
		}
	case *Decap:
		if p.packetType == 0 {
			p.packetType = 1<<16 | uint32(p.ethType)
		} else {
			p.packetType, p.ethType = unknownProtocol, 0xffff
		}
	}
	return ""
}
