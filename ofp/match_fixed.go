package ofp

import (
	"bytes"
	"math/bits"
)

// fixedMatch is the ofp_match of OpenFlow 1.0 and 1.1: a structure with a place
// for each field, of which protocols share some (section 5.2.3 of OpenFlow 1.0.0
// and A.2.3 of 1.1.0). Masks here have ones where bits matter, as in OXM; on the
// wire it is the other way round.
type fixedMatch struct {
	wild                               uint32 // bits of 1.1's ofp_flow_wildcards
	inPort                             PortNo
	dlSrc, dlSrcMask, dlDst, dlDstMask MAC
	vlan                               uint16 // 12 bits, or vlanNone or vlanAny
	pcp                                uint8
	dlType                             uint16
	tos, proto                         uint8 // tos: DSCP in the six upper bits
	nwSrc, nwSrcMask, nwDst, nwDstMask uint32
	tpSrc, tpDst                       uint16
	label                              uint32
	tc                                 uint8
	metadata, metadataMask             uint64
}

// Special VLAN identifiers of the fixed matches (OFPVID_NONE, OFPVID_ANY).
const (
	vlanNone = 0xffff
	vlanAny  = 0xfffe // 1.1 only
)

// Wildcard bits of OpenFlow 1.1 (ofp_flow_wildcards, section A.2.3 of 1.1.0).
const (
	wildInPort = 1 << iota
	wildVLAN
	wildPCP
	wildType
	wildTOS
	wildProto
	wildTPSrc
	wildTPDst
	wildLabel
	wildTC
	wildAll = 1<<10 - 1
)

// Wildcard bits of OpenFlow 1.0 (ofp_flow_wildcards, section 5.2.3 of 1.0.0),
// where they are other than those of 1.1.
const (
	wild10DLSrc      = 1 << 2
	wild10DLDst      = 1 << 3
	wild10Type       = 1 << 4
	wild10NWSrcShift = 8
	wild10NWDstShift = 14
	wild10PCP        = 1 << 20
	wild10TOS        = 1 << 21
)

// wildSame are the bits that 1.0 and 1.1 have at the same place.
const wildSame = wildInPort | wildVLAN | wildProto | wildTPSrc | wildTPDst

var macAll = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

const fixedMatchLen10, fixedMatchLen11 = 40, 88

func walkFixedMatch(c *cursor, m *Match) {
	if c.wr {
		if len(m.received) > 0 && m.receivedVersion == c.v {
			c.buf = append(c.buf, m.received...)
			return
		}
		if c.v == V10 {
			if f, ok := m.frame10(); ok {
				f.put(c.space(fixedMatchLen10))
				return
			}
		}
		var f fixedMatch
		f.fromOXM(c, m)
		f.walk(c)
		return
	}
	at := c.off
	var f fixedMatch
	f.walk(c)
	m.Reset()
	if c.err != nil {
		return
	}
	f.toOXM(c.v, m)

	// Keep the bytes if what was understood would not give them again.
	var buf [fixedMatchLen11]byte
	w := cursor{buf: buf[:0], wr: true, v: c.v}
	f = fixedMatch{}
	f.fromOXM(&w, m)
	f.walk(&w)
	if got := c.buf[at:c.off]; w.err != nil || !bytes.Equal(w.buf, got) {
		m.received = append(m.received[:0], got...)
		m.receivedVersion = c.v
	}
}

func (f *fixedMatch) walk(c *cursor) {
	if c.v == V10 {
		f.walk10(c)
	} else {
		f.walk11(c)
	}
}

func (f *fixedMatch) walk10(c *cursor) {
	b := c.fixed(fixedMatchLen10, "match")[:fixedMatchLen10]
	wild := f.wildcards10(c)
	c.u32(b, &wild)
	if !c.wr {
		f.fromWildcards10(wild)
	}
	c.port16(b[4:], &f.inPort, "match field in_port")
	c.bytes(b[6:12], f.dlSrc[:])
	c.bytes(b[12:18], f.dlDst[:])
	c.u16(b[18:], &f.vlan)
	c.u8(b[20:], &f.pcp)
	c.u16(b[22:], &f.dlType)
	c.u8(b[24:], &f.tos)
	c.u8(b[25:], &f.proto)
	c.u32(b[28:], &f.nwSrc)
	c.u32(b[32:], &f.nwDst)
	c.u16(b[36:], &f.tpSrc)
	c.u16(b[38:], &f.tpDst)
}

func (f *fixedMatch) wildcards10(c *cursor) (w uint32) {
	if !c.wr {
		return 0
	}
	w = f.wild&wildSame | f.wild&wildType/wildType*wild10Type | f.wild&wildPCP/wildPCP*wild10PCP | f.wild&wildTOS/wildTOS*wild10TOS
	w |= wildMAC(c, &f.dlSrcMask, wild10DLSrc, "eth_src") | wildMAC(c, &f.dlDstMask, wild10DLDst, "eth_dst")
	prefix := func(mask uint32, shift int, name string) {
		n := bits.TrailingZeros32(mask)
		if mask != ^uint32(0)<<n && mask != 0 {
			c.lacks("mask of match field " + name + " that is no prefix")
		}
		w |= uint32(n) << shift
	}
	prefix(f.nwSrcMask, wild10NWSrcShift, "ipv4_src")
	prefix(f.nwDstMask, wild10NWDstShift, "ipv4_dst")
	return w
}

// wildMAC is the bit where the mask takes any address, and 0 where it takes one.
func wildMAC(c *cursor, mask *MAC, bit uint32, name string) uint32 {
	switch *mask {
	case macAll:
	case MAC{}:
		return bit
	default:
		c.lacks("mask of match field " + name)
	}
	return 0
}

func (f *fixedMatch) fromWildcards10(w uint32) {
	f.wild = wildLabel | wildTC | w&wildSame | w&wild10Type/wild10Type*wildType | w&wild10PCP/wild10PCP*wildPCP | w&wild10TOS/wild10TOS*wildTOS
	if w&wild10DLSrc == 0 {
		f.dlSrcMask = macAll
	}
	if w&wild10DLDst == 0 {
		f.dlDstMask = macAll
	}
	f.nwSrcMask = ^uint32(0) << (w >> wild10NWSrcShift & 63)
	f.nwDstMask = ^uint32(0) << (w >> wild10NWDstShift & 63)
}

func (f *fixedMatch) walk11(c *cursor) {
	b := c.fixed(fixedMatchLen11, "match")[:fixedMatchLen11]
	t, n := uint16(0), uint16(fixedMatchLen11)
	c.u16(b, &t)
	c.u16(b[2:], &n)
	if !c.wr && c.err == nil && (t != 0 || n != fixedMatchLen11) {
		c.off -= fixedMatchLen11
		c.bad("match type", "type %d of %d bytes, want type 0 of %d", t, n, fixedMatchLen11)
		return
	}
	c.port32(b[4:], &f.inPort)
	c.u32(b[8:], &f.wild)
	c.bytes(b[12:18], f.dlSrc[:])
	c.inverse(b[18:24], f.dlSrcMask[:])
	c.bytes(b[24:30], f.dlDst[:])
	c.inverse(b[30:36], f.dlDstMask[:])
	c.u16(b[36:], &f.vlan)
	c.u8(b[38:], &f.pcp)
	c.u16(b[40:], &f.dlType)
	c.u8(b[42:], &f.tos)
	c.u8(b[43:], &f.proto)
	c.u32(b[44:], &f.nwSrc)
	c.inverse32(b[48:], &f.nwSrcMask)
	c.u32(b[52:], &f.nwDst)
	c.inverse32(b[56:], &f.nwDstMask)
	c.u16(b[60:], &f.tpSrc)
	c.u16(b[62:], &f.tpDst)
	c.u32(b[64:], &f.label)
	c.u8(b[68:], &f.tc)
	c.u64(b[72:], &f.metadata)
	ignore := ^f.metadataMask
	c.u64(b[80:], &ignore)
	f.metadataMask = ^ignore
}

func (c *cursor) inverse(b, p []byte) {
	for i := range p {
		if c.wr {
			b[i] = ^p[i]
		} else {
			p[i] = ^b[i]
		}
	}
}

func (c *cursor) inverse32(b []byte, p *uint32) {
	n := ^*p
	c.u32(b, &n)
	*p = ^n
}
