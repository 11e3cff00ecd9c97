package ofp

// nxmFields are the numbers by which Open vSwitch knew fields before OXM gave
// them others, class and number of its NXM format. It still sends them in
// versions whose OXM lacks the field. Only those are here that have the width
// that the field has in OXM.
var nxmFields = map[uint32]FieldID{
	0x0000<<7 | 1:  FieldEthDst,
	0x0000<<7 | 2:  FieldEthSrc,
	0x0000<<7 | 3:  FieldEthType,
	0x0000<<7 | 6:  FieldIPProto,
	0x0000<<7 | 7:  FieldIPv4Src,
	0x0000<<7 | 8:  FieldIPv4Dst,
	0x0000<<7 | 9:  FieldTCPSrc,
	0x0000<<7 | 10: FieldTCPDst,
	0x0000<<7 | 11: FieldUDPSrc,
	0x0000<<7 | 12: FieldUDPDst,
	0x0000<<7 | 13: FieldICMPv4Type,
	0x0000<<7 | 14: FieldICMPv4Code,
	0x0000<<7 | 15: FieldARPOp,
	0x0000<<7 | 16: FieldARPSPA,
	0x0000<<7 | 17: FieldARPTPA,
	0x0001<<7 | 16: FieldTunnelID,
	0x0001<<7 | 17: FieldARPSHA,
	0x0001<<7 | 18: FieldARPTHA,
	0x0001<<7 | 19: FieldIPv6Src,
	0x0001<<7 | 20: FieldIPv6Dst,
	0x0001<<7 | 21: FieldICMPv6Type,
	0x0001<<7 | 22: FieldICMPv6Code,
	0x0001<<7 | 23: FieldIPv6NDTarget,
	0x0001<<7 | 24: FieldIPv6NDSLL,
	0x0001<<7 | 25: FieldIPv6NDTLL,
	0x0001<<7 | 27: FieldIPv6FLabel,
	0x0001<<7 | 28: FieldIPECN,
}

// fromNXM returns the field that an unknown one is by its NXM number, or the
// field as it is.
func fromNXM(f MatchField) MatchField {
	if f.ID != FieldUnknown {
		return f
	}
	id := nxmFields[f.Header>>9]
	if id == FieldUnknown {
		return f
	}
	n := fields[id].Bytes()
	switch {
	case f.Header&0x100 == 0 && len(f.Value) == n:
		return MatchField{ID: id, Header: fields[id].Header(false), Value: f.Value}
	case f.Header&0x100 != 0 && len(f.Value) == 2*n:
		return MatchField{ID: id, Header: fields[id].Header(true), Value: f.Value[:n], Mask: f.Value[n:]}
	}
	return f
}

// translateNXM puts the fields that have an NXM number in the form that OXM gives
// them, in canonical order. One that does not fit its field, or that stands there
// already, stays as it is.
func (m *Match) translateNXM() {
	var o Match
	var rest []byte
	for b := m.oxm; len(b) > 0; {
		f, after := nextOXM(b)
		if f = fromNXM(f); f.ID == FieldUnknown || o.Has(f.ID) || o.SetMasked(f.ID, f.Value, f.Mask) != nil {
			rest = append(rest, b[:len(b)-len(after)]...)
		}
		b = after
	}
	m.oxm = append(append(m.oxm[:0], o.oxm...), rest...)
}
