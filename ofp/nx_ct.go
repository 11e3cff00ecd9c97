package ofp

import "net/netip"

// NXCTFlushZone forgets the connections of a zone (NXT_CT_FLUSH_ZONE).
type NXCTFlushZone struct{ Zone uint16 }

// Type returns TypeNXCTFlushZone.
func (*NXCTFlushZone) Type() Type         { return TypeNXCTFlushZone }
func (m *NXCTFlushZone) walk(c *cursor)   { c.u16(c.fixed(8, "zone")[6:], &m.Zone) }
func (m *NXCTFlushZone) clone() any       { return copyOf(m) }
func (m *NXCTFlushZone) print(p *printer) { p.number(" zone_id=", uint64(m.Zone)) }

// NXCTFlush forgets the connections that it describes (NXT_CT_FLUSH). What has no
// property is not asked about; the accessors read the properties, and NewNXCTFlush
// makes them.
type NXCTFlush struct {
	Protocol   uint8 // of IP; 0: any
	Properties []Property
}

// Properties of NXCTFlush (nx_ct_flush_tlv_type), and of the ends of a connection
// inside them (nx_ct_flush_tuple_tlv_type).
const (
	ctOriginal = 0
	ctReply    = 1
	ctZone     = 2

	ctSrc      = 0
	ctDst      = 1
	ctSrcPort  = 2
	ctDstPort  = 3
	ctICMPID   = 4
	ctICMPType = 5
	ctICMPCode = 6
)

// NXCTTuple is one direction of a connection. What is zero is not asked about.
type NXCTTuple struct {
	Src, Dst           netip.Addr // the zero Addr: any
	SrcPort, DstPort   uint16
	ICMPID             uint16
	ICMPType, ICMPCode uint8
}

// NewNXCTFlush returns the message that forgets the connections of a protocol that
// fit both directions, in a zone, or, if zone is negative, in all. Of ICMP it asks
// about identifier, type and code, of others about ports.
func NewNXCTFlush(protocol uint8, original, back NXCTTuple, zone int) *NXCTFlush {
	m := &NXCTFlush{Protocol: protocol}
	for typ, t := range [...]*NXCTTuple{ctOriginal: &original, ctReply: &back} {
		if inner := t.properties(protocol); len(inner) > 0 {
			m.Properties = append(m.Properties, Property{Type: uint16(typ), Data: nestProperties(inner)})
		}
	}
	if zone >= 0 {
		m.Properties = append(m.Properties, Property{Type: ctZone, Data: []byte{byte(zone >> 8), byte(zone), 0, 0}})
	}
	return m
}

const protocolICMP, protocolICMPv6 = 1, 58

func (t *NXCTTuple) properties(protocol uint8) (ps []Property) {
	add := func(typ uint16, b ...byte) { ps = append(ps, Property{Type: typ, Data: b}) }
	for typ, a := range [...]netip.Addr{ctSrc: t.Src, ctDst: t.Dst} {
		if a.IsValid() {
			b := a.As16()
			add(uint16(typ), b[:]...)
		}
	}
	switch {
	case *t == (NXCTTuple{}):
	case protocol == protocolICMP || protocol == protocolICMPv6:
		add(ctICMPID, byte(t.ICMPID>>8), byte(t.ICMPID), 0, 0)
		add(ctICMPType, t.ICMPType)
		add(ctICMPCode, t.ICMPCode)
	default:
		if t.SrcPort != 0 {
			add(ctSrcPort, byte(t.SrcPort>>8), byte(t.SrcPort), 0, 0)
		}
		if t.DstPort != 0 {
			add(ctDstPort, byte(t.DstPort>>8), byte(t.DstPort), 0, 0)
		}
	}
	return ps
}

// Type returns TypeNXCTFlush.
func (*NXCTFlush) Type() Type { return TypeNXCTFlush }

func (m *NXCTFlush) walk(c *cursor) {
	c.u8(c.fixed(8, "ct_flush"), &m.Protocol)
	list(c, &m.Properties, "property", walkProperty)
}

// Zone returns the zone, if there is one.
func (m *NXCTFlush) Zone() (zone uint16, ok bool) {
	for i := range m.Properties {
		if k := &m.Properties[i]; k.Type == ctZone && len(k.Data) >= 2 { // with whatever is after it
			zone, ok = uint16(beUint(k.Data[:2])), true
		}
	}
	return zone, ok
}

// Original returns what is asked of the direction that began the connection.
func (m *NXCTFlush) Original() NXCTTuple { return m.tuple(ctOriginal) }

// Reply returns what is asked of the other direction.
func (m *NXCTFlush) Reply() NXCTTuple { return m.tuple(ctReply) }

func (m *NXCTFlush) tuple(typ uint16) (t NXCTTuple) {
	for i := range m.Properties {
		if m.Properties[i].Type != typ {
			continue
		}
		for _, p := range m.Properties[i].nested() {
			if (p.Type == ctSrc || p.Type == ctDst) && len(p.Data) == 16 {
				a := netip.AddrFrom16([16]byte(p.Data)).Unmap()
				if p.Type == ctSrc {
					t.Src = a
				} else {
					t.Dst = a
				}
			} else if v, ok := p.uint(2); ok {
				switch p.Type {
				case ctSrcPort:
					t.SrcPort = uint16(v)
				case ctDstPort:
					t.DstPort = uint16(v)
				case ctICMPID:
					t.ICMPID = uint16(v)
				}
			} else if v, ok := p.uint(1); ok {
				switch p.Type {
				case ctICMPType:
					t.ICMPType = uint8(v)
				case ctICMPCode:
					t.ICMPCode = uint8(v)
				}
			}
		}
	}
	return t
}

func (m *NXCTFlush) clone() any {
	return &NXCTFlush{Protocol: m.Protocol, Properties: cloneProperties(m.Properties)}
}

func (m *NXCTFlush) print(p *printer) {
	zone, _ := m.Zone()
	original, back := m.Original(), m.Reply()
	v4 := false
	for _, a := range []netip.Addr{original.Src, original.Dst, back.Src, back.Dst} {
		v4 = v4 || a.Is4()
	}
	p.number(" zone=", uint64(zone))
	p.text(" '")
	p.ctTuple(&original, m.Protocol, v4)
	p.number(",ct_nw_proto=", uint64(m.Protocol))
	p.text("' '")
	p.ctTuple(&back, m.Protocol, v4)
	p.text("'")
}

func (p *printer) ctTuple(t *NXCTTuple, protocol uint8, v4 bool) {
	name := "ct_ipv6_"
	if v4 {
		name = "ct_nw_"
	}
	addr := func(a netip.Addr) string {
		if !a.IsValid() {
			return "::"
		}
		return a.String()
	}
	p.text(name + "src=" + addr(t.Src) + "," + name + "dst=" + addr(t.Dst))
	if protocol == protocolICMP || protocol == protocolICMPv6 {
		p.f(",icmp_id=%d,icmp_type=%d,icmp_code=%d", t.ICMPID, t.ICMPType, t.ICMPCode)
		return
	}
	p.f(",ct_tp_src=%d,ct_tp_dst=%d", t.SrcPort, t.DstPort)
}
