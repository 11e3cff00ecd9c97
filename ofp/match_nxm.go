package ofp

import "encoding/binary"

// nxmCookie is a header that says nothing about packets: in Nicira's flow-mods
// and requests it stands for the cookie that flows must have. It has the number
// of mpls_ttl, and another length.
const (
	nxmCookie       = classNXMNX<<16 | 30<<9 | 8
	nxmCookieMasked = classNXMNX<<16 | 30<<9 | 1<<8 | 16
)

func isCookie(h uint32) bool { return h == nxmCookie || h == nxmCookieMasked }

// fieldAt returns the field that b begins with, whatever its mask bit and length,
// or FieldUnknown. Only the form that a Match holds is known.
func fieldAt(b []byte) FieldID {
	h := binary.BigEndian.Uint32(b)
	if h>>16 == oxmBasic {
		return basicFields[h>>9&127].id
	}
	return rarerField(h, b[4:])
}

// rarerField is fieldOf for the other classes; payload is what follows the
// header.
func rarerField(h uint32, payload []byte) FieldID {
	id := aliasOf(h, payload)
	if id == FieldUnknown || fields[id].own.class != uint16(h>>16) {
		return FieldUnknown
	}
	return id
}

// aliasOf returns the field that a header stands for in any of its forms, or
// FieldUnknown.
func aliasOf(h uint32, payload []byte) FieldID {
	if class := h >> 16; class <= classNXMNX {
		if isCookie(h) {
			return FieldUnknown
		}
		return nxmField[h>>9&255]
	}
	key := uint64(h) << 32
	if h>>16 == oxmExperimenter {
		if len(payload) < 4 || h&0xff < 4 {
			return FieldUnknown
		}
		key |= uint64(binary.BigEndian.Uint32(payload))
	}
	return fieldByKey[headerKey(key)]
}

// fromNXM returns the field that an unknown one is by another of its forms, or
// the field as it is.
func fromNXM(f MatchField) MatchField {
	if f.ID != FieldUnknown {
		return f
	}
	id := aliasOf(f.Header, f.Value)
	if id == FieldUnknown {
		return f
	}
	info := &fields[id]
	b := f.Value
	if f.Header>>16 == oxmExperimenter {
		b = b[4:]
	}
	switch n := info.Bytes(); {
	case f.Header&0x100 == 0 && len(b) == n:
		return MatchField{ID: id, Header: info.Header(false), Value: b}
	case f.Header&0x100 != 0 && len(b) == 2*n:
		return MatchField{ID: id, Header: info.Header(true), Value: b[:n], Mask: b[n:]}
	}
	return f
}

// translateNXM puts the fields that have another form in the one that a Match
// holds, in canonical order. One that does not fit its field, or that stands there
// already, stays as it is.
func (m *Match) translateNXM() {
	var o Match
	var rest []byte
	for b := m.oxm; len(b) > 0; {
		f, after := nextOXM(b)
		if f = fromNXM(f); f.ID == FieldUnknown || !o.take(f) {
			rest = append(rest, b[:len(b)-len(after)]...)
		}
		b = after
	}
	m.oxm = append(append(m.oxm[:0], o.oxm...), rest...)
}

// take adds a field in the form of OpenFlow, and reports whether that can be: a
// field of Open vSwitch's that has another place for its bits becomes the one, or
// the two, that match the same.
func (m *Match) take(f MatchField) bool {
	switch f.ID {
	case FieldInPort16:
		if f.Mask != nil || m.Has(FieldInPort) {
			return false
		}
		p := uint64(beUint(f.Value))
		if p >= port10Max {
			p |= 0xffff0000
		}
		m.SetUint(FieldInPort, p)
		return true
	case FieldIPToS:
		v := beUint(f.Value)
		if f.Mask != nil || v&3 != 0 || m.Has(FieldIPDSCP) {
			return false
		}
		m.SetUint(FieldIPDSCP, v>>2)
		return true
	case FieldVLANTCI:
		value, mask := f.Uint()
		if m.Has(FieldVLANVID) || m.Has(FieldVLANPCP) || m.Has(FieldVLANTCI) {
			return false
		}
		m.setTCI(value, mask)
		return true
	}
	return !m.Has(f.ID) && m.SetMasked(f.ID, f.Value, f.Mask) == nil
}

// setTCI matches the bits of a VLAN tag: identifier, present bit and priority, as
// Open vSwitch has them in one field. Where vlan_vid and vlan_pcp can say it, these
// are set.
func (m *Match) setTCI(value, mask uint64) {
	const pcp = 0xe000
	value &= mask
	switch {
	case value == 0 && mask == 0xffff: // no tag
		mask = 0x1fff
	case mask&pcp != 0 && (mask&pcp != pcp || value&VLANPresent == 0):
		m.SetUintMasked(FieldVLANTCI, value, mask)
		return
	}
	m.SetUintMasked(FieldVLANVID, value&0x1fff, mask&0x1fff)
	if mask&pcp != 0 {
		m.SetUint(FieldVLANPCP, value>>13)
	}
}
