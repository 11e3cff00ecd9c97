package ofp

import (
	"bytes"
	"encoding/binary"
)

// toOXM adds what the structure says to m, which is empty. A field whose
// protocol is not matched means nothing and is left out, as switches do.
func (f *fixedMatch) toOXM(v Version, m *Match) {
	has := func(bit uint32) bool { return f.wild&bit == 0 }
	if has(wildInPort) {
		m.appendUint(FieldInPort, uint64(f.inPort))
	}
	m.appendMasked64(FieldMetadata, f.metadata, f.metadataMask)
	m.appendMAC(FieldEthDst, f.dlDst, f.dlDstMask)
	m.appendMAC(FieldEthSrc, f.dlSrc, f.dlSrcMask)
	if has(wildType) {
		m.appendUint(FieldEthType, uint64(f.dlType))
	}
	f.vlanToOXM(v, m)
	if !has(wildType) {
		return
	}
	if v == V11 && f.dlType == ethIPv6 {
		return // 1.1 has fields of IPv4 only
	}
	switch f.dlType {
	case ethMPLS, ethMPLSM:
		if has(wildLabel) && f.label < 1<<20 {
			m.appendUint(FieldMPLSLabel, uint64(f.label))
		}
		if has(wildTC) && f.tc < 8 {
			m.appendUint(FieldMPLSTC, uint64(f.tc))
		}
	case ethARP, ethRARP:
		if has(wildProto) {
			m.appendUint(FieldARPOp, uint64(f.proto))
		}
		m.appendIPv4(FieldARPSPA, f.nwSrc, f.nwSrcMask)
		m.appendIPv4(FieldARPTPA, f.nwDst, f.nwDstMask)
	case ethIPv4, ethIPv6:
		if has(wildTOS) {
			m.appendUint(FieldIPDSCP, uint64(f.tos>>2))
		}
		if has(wildProto) {
			m.appendUint(FieldIPProto, uint64(f.proto))
		}
		if f.dlType == ethIPv4 {
			m.appendIPv4(FieldIPv4Src, f.nwSrc, f.nwSrcMask)
			m.appendIPv4(FieldIPv4Dst, f.nwDst, f.nwDstMask)
		}
		src, dst := transportFields(f.dlType, f.proto)
		if has(wildProto) && src != FieldUnknown {
			max := uint16(src.Info().max())
			if has(wildTPSrc) && f.tpSrc <= max {
				m.appendUint(src, uint64(f.tpSrc))
			}
			if has(wildTPDst) && f.tpDst <= max {
				m.appendUint(dst, uint64(f.tpDst))
			}
		}
	}
}

// transportFields are the fields that share tp_src and tp_dst.
func transportFields(dlType uint16, proto uint8) (src, dst FieldID) {
	switch {
	case proto == protoTCP:
		return FieldTCPSrc, FieldTCPDst
	case proto == protoUDP:
		return FieldUDPSrc, FieldUDPDst
	case proto == protoSCTP:
		return FieldSCTPSrc, FieldSCTPDst
	case proto == protoICMP && dlType == ethIPv4:
		return FieldICMPv4Type, FieldICMPv4Code
	case proto == protoICMPv6 && dlType == ethIPv6:
		return FieldICMPv6Type, FieldICMPv6Code
	}
	return FieldUnknown, FieldUnknown
}

// vlanToOXM reads the VLAN fields. Where the identifier is wildcarded, 1.0 still
// matches the priority, and with it the presence of a tag; 1.1 ignores it and
// has vlanAny for that.
func (f *fixedMatch) vlanToOXM(v Version, m *Match) {
	hasVLAN, hasPCP := f.wild&wildVLAN == 0, f.wild&wildPCP == 0
	switch {
	case hasVLAN && f.vlan == vlanNone:
		m.appendUint(FieldVLANVID, VLANNone)
		return
	case hasVLAN && f.vlan < 4096:
		m.appendUint(FieldVLANVID, uint64(f.vlan|VLANPresent))
	case v == V11 && hasVLAN && f.vlan == vlanAny, v == V10 && !hasVLAN && hasPCP:
		m.SetUintMasked(FieldVLANVID, VLANPresent, VLANPresent)
	default:
		return
	}
	if hasPCP && f.pcp < 8 {
		m.appendUint(FieldVLANPCP, uint64(f.pcp))
	}
}

// fromOXM fills the structure with what m says, or fails on what it has no
// place for.
func (f *fixedMatch) fromOXM(c *cursor, m *Match) {
	f.wild = wildAll
	for b := m.oxm; len(b) > 0 && c.err == nil; {
		h := binary.BigEndian.Uint32(b)
		n := int(h & 0xff)
		info, value, mask := &fields[fieldOf(h)], b[4:4+n], []byte(nil)
		if info.ID == FieldUnknown {
			if id := fieldAt(b); id != FieldUnknown {
				c.lacks("match field " + id.String())
			}
			c.lacks("match field of an unknown kind")
			return
		}
		b = b[4+n:]
		if h&0x100 != 0 {
			value, mask = value[:n/2], value[n/2:]
		}
		switch {
		case mask == nil && info.over(value):
			c.bad("match field "+info.Name, "0x%x has more than %d bits", bytes.Clone(value), info.Bits)
		case !f.set(c, info, value, mask):
			if mask != nil && info.ID == FieldVLANVID {
				c.lacks("this mask of match field vlan_vid")
			}
			c.lacks("match field " + info.Name)
		case mask != nil && info.ID != FieldVLANVID && !fixedMaskable(c.v, info.ID):
			c.lacks("mask of match field " + info.Name)
		}
	}
	if c.err != nil {
		return
	}
	if c.v != V10 || f.wild&wildVLAN != 0 {
		return
	}
	switch f.vlan {
	case vlanAny:
		// A tag of any kind: 1.1 has a number for it, 1.0 can only say it by the
		// priority that it needs anyway.
		if f.wild&wildPCP != 0 {
			c.lacks("match field vlan_vid for any tag")
		}
		f.wild |= wildVLAN
		f.vlan = 0
	case vlanNone:
		f.wild &^= wildPCP // as Open vSwitch writes it
	}
}

// needs fails unless the fields that the structure already holds say that the
// packet has the field x: there is no other way to tell which of the fields that
// share a place is meant, and switches ignore a field without its prerequisite,
// so that the flow would take more packets than asked for.
func (f *fixedMatch) needs(c *cursor, x FieldID) {
	if x < FieldVLANPCP {
		return
	}
	ip := f.dlType == ethIPv4 || f.dlType == ethIPv6
	src, dst := transportFields(f.dlType, f.proto)
	var ok bool
	switch x {
	case FieldVLANPCP:
		ok = f.wild&wildVLAN == 0 && f.vlan != vlanNone
	case FieldIPDSCP, FieldIPProto:
		ok = ip
	case FieldIPv4Src, FieldIPv4Dst:
		ok = f.dlType == ethIPv4
	case FieldARPOp, FieldARPSPA, FieldARPTPA:
		ok = f.dlType == ethARP || f.dlType == ethRARP
	case FieldMPLSLabel, FieldMPLSTC:
		ok = f.dlType == ethMPLS || f.dlType == ethMPLSM
	case FieldTCPSrc, FieldUDPSrc, FieldSCTPSrc, FieldICMPv4Type, FieldICMPv6Type:
		ok = ip && x == src
	case FieldTCPDst, FieldUDPDst, FieldSCTPDst, FieldICMPv4Code, FieldICMPv6Code:
		ok = ip && x == dst
	default:
		return
	}
	switch {
	case !ok:
		c.fail("match field "+x.String(), ErrPrerequisite)
	case f.dlType == ethIPv6:
		// 1.0 and 1.1 define these places for IPv4 and ARP. Open vSwitch's 1.0 looks
		// at them for IPv6 too; others may take every packet of IPv6.
		c.lacks("match field " + x.String() + " of IPv6")
	}
}

func fixedMaskable(v Version, id FieldID) bool {
	switch id {
	case FieldIPv4Src, FieldIPv4Dst, FieldARPSPA, FieldARPTPA, FieldEthSrc, FieldEthDst:
		return true
	case FieldMetadata:
		return v == V11
	}
	return false
}

// set puts one field into its place and reports whether there is one.
func (f *fixedMatch) set(c *cursor, x *FieldInfo, value, maskBytes []byte) bool {
	switch x.ID {
	case FieldEthDst:
		f.dlDst, f.dlDstMask = toMAC(value), maskMAC(maskBytes)
		return true
	case FieldEthSrc:
		f.dlSrc, f.dlSrcMask = toMAC(value), maskMAC(maskBytes)
		return true
	}
	f.needs(c, x.ID)
	exact := func(bit uint32) { f.wild &^= bit }
	var v, mask uint64
	if len(value) <= 8 {
		v, mask = beUint(value), x.max()
		if maskBytes != nil {
			mask = beUint(maskBytes)
		}
	}
	switch x.ID {
	case FieldInPort:
		exact(wildInPort)
		f.inPort = PortNo(v)
	case FieldMetadata:
		f.metadata, f.metadataMask = v, mask
		return c.v == V11
	case FieldEthType:
		exact(wildType)
		f.dlType = uint16(v)
	case FieldVLANVID:
		exact(wildVLAN)
		switch {
		case mask == 0x1fff && v == VLANNone:
			f.vlan = vlanNone
		case mask == 0x1fff && v&VLANPresent != 0:
			f.vlan = uint16(v &^ VLANPresent)
		case mask == VLANPresent && v == VLANPresent:
			f.vlan = vlanAny
		default:
			return false
		}
	case FieldVLANPCP:
		exact(wildPCP)
		f.pcp = uint8(v)
	case FieldIPDSCP:
		exact(wildTOS)
		f.tos = uint8(v << 2)
	case FieldIPProto:
		exact(wildProto)
		f.proto = uint8(v)
	case FieldARPOp:
		exact(wildProto)
		f.proto = uint8(v)
		return v < 256
	case FieldIPv4Src, FieldARPSPA:
		f.nwSrc, f.nwSrcMask = uint32(v), uint32(mask)
	case FieldIPv4Dst, FieldARPTPA:
		f.nwDst, f.nwDstMask = uint32(v), uint32(mask)
	case FieldTCPSrc, FieldUDPSrc, FieldSCTPSrc, FieldICMPv4Type, FieldICMPv6Type:
		exact(wildTPSrc)
		f.tpSrc = uint16(v)
	case FieldTCPDst, FieldUDPDst, FieldSCTPDst, FieldICMPv4Code, FieldICMPv6Code:
		exact(wildTPDst)
		f.tpDst = uint16(v)
	case FieldMPLSLabel:
		exact(wildLabel)
		f.label = uint32(v)
		return c.v == V11
	case FieldMPLSTC:
		exact(wildTC)
		f.tc = uint8(v)
		return c.v == V11
	default:
		return false
	}
	return true
}

// toMAC is the address in a value of six bytes.
func toMAC(b []byte) MAC { return MAC(b) }

func maskMAC(b []byte) MAC {
	if b == nil {
		return macAll
	}
	return toMAC(b)
}

// The append methods add a field that belongs after all that the match holds,
// whose value is known to fit: the quick way of decoding.

func (m *Match) appendUint(id FieldID, v uint64) {
	info := &fields[id]
	m.oxm = binary.BigEndian.AppendUint32(m.oxm, info.oxm)
	if len(info.full) == 4 {
		m.oxm = binary.BigEndian.AppendUint32(m.oxm, uint32(v))
		return
	}
	for shift := 8 * (info.Bytes() - 1); shift >= 0; shift -= 8 {
		m.oxm = append(m.oxm, byte(v>>shift))
	}
}

func (m *Match) appendMasked64(id FieldID, v, mask uint64) {
	switch mask {
	case 0:
	case ^uint64(0):
		m.appendUint(id, v)
	default:
		m.oxm = binary.BigEndian.AppendUint32(m.oxm, fields[id].oxmMasked)
		m.oxm = binary.BigEndian.AppendUint64(m.oxm, v&mask)
		m.oxm = binary.BigEndian.AppendUint64(m.oxm, mask)
	}
}

func (m *Match) appendIPv4(id FieldID, v, mask uint32) {
	switch mask {
	case 0:
	case ^uint32(0):
		m.appendUint(id, uint64(v))
	default:
		m.oxm = binary.BigEndian.AppendUint32(m.oxm, fields[id].oxmMasked)
		m.oxm = binary.BigEndian.AppendUint32(m.oxm, v&mask)
		m.oxm = binary.BigEndian.AppendUint32(m.oxm, mask)
	}
}

func (m *Match) appendMAC(id FieldID, v, mask MAC) {
	switch mask {
	case MAC{}:
		return
	case macAll:
		m.oxm = binary.BigEndian.AppendUint32(m.oxm, fields[id].oxm)
		m.oxm = append(m.oxm, v[:]...)
	default:
		m.oxm = binary.BigEndian.AppendUint32(m.oxm, fields[id].oxmMasked)
		for i := range v {
			v[i] &= mask[i]
		}
		m.oxm = append(append(m.oxm, v[:]...), mask[:]...)
	}
}
