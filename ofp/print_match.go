package ofp

import (
	"encoding/hex"
	"math/bits"
	"net/netip"
	"strconv"
)

// String returns the match as ovs-ofctl prints it, such as
// "tcp,nw_dst=10.0.0.0/8,tp_dst=80". A match that every packet meets gives "".
// ParseMatch takes the text again, unless the match has fields of unknown kinds.
func (m *Match) String() string { return string(appendMatch(nil, m, 0, nil)) }

// appendMatch appends the text of a match. The version is that of the message
// which it came in, or 0.
func appendMatch(b []byte, m *Match, v Version, n *Names) []byte {
	start := len(b)
	if m.oxm11 && v != 0 {
		v = V12
	}
	var have [numFields]MatchField
	unknown := false
	for f := range m.All() {
		if f.Mask != nil && noBits(f.Mask) {
			continue
		}
		if f.ID == FieldUnknown {
			unknown = true
			continue
		}
		if f.Mask != nil && fields[f.ID].exact(f.Mask) {
			f.Mask = nil
		}
		have[f.ID] = f
	}
	sep := func() {
		if len(b) > start {
			b = append(b, ',')
		}
	}
	if word, proto := keywordOf(m, &have); word != "" {
		b = append(b, word...)
		have[FieldEthType] = MatchField{}
		if proto {
			have[FieldIPProto] = MatchField{}
		}
	}
	for _, id := range printOrder {
		f := &have[id]
		if f.Value == nil {
			continue
		}
		switch id {
		case FieldVLANVID:
			sep()
			b = appendVLAN(b, f, &have[FieldVLANPCP], v)
			continue
		case FieldVLANPCP:
			if have[FieldVLANVID].Value != nil {
				continue
			}
		}
		sep()
		b = appendField(b, m, f, n)
	}
	if unknown {
		for f := range m.All() {
			if f.ID != FieldUnknown {
				continue
			}
			sep()
			b = append(b, "oxm_0x"...)
			b = appendHex(b, uint64(f.Header), 8)
			b = append(b, "=0x"...)
			b = hex.AppendEncode(b, f.Value)
		}
	}
	return b
}

// keywordOf returns the word for the match's protocol, or "", and whether it
// stands for the IP protocol too.
func keywordOf(m *Match, have *[numFields]MatchField) (string, bool) {
	eth, proto := &have[FieldEthType], &have[FieldIPProto]
	if eth.Value == nil || eth.Mask != nil {
		return "", false
	}
	t, _ := eth.Uint()
	p := uint64(0)
	if proto.Value != nil && proto.Mask == nil {
		p, _ = proto.Uint()
	}
	word := ""
	for i := range matchKeywords {
		w := &matchKeywords[i]
		if uint64(w.ethType) != t {
			continue
		}
		if w.ipProto == 0 && word == "" {
			word = w.name
		}
		if w.ipProto != 0 && uint64(w.ipProto) == p {
			return w.name, true
		}
	}
	return word, false
}

// appendVLAN appends the fields of a tag as Open vSwitch prints them: as
// identifier and priority where both are simple, else as the bits of a tag.
func appendVLAN(b []byte, vid, pcp *MatchField, v Version) []byte {
	value, mask := vid.Uint()
	if pcp.Value != nil {
		x, _ := pcp.Uint()
		value |= x << 13
		mask |= 0xe000
	}
	idMask := mask & 0xfff
	if mask&value&VLANPresent != 0 && (idMask == 0 || idMask == 0xfff) && (idMask != 0 || mask&0xe000 != 0) {
		if idMask != 0 {
			b = append(b, "dl_vlan="...)
			b = strconv.AppendUint(b, value&0xfff, 10)
		}
		if mask&0xe000 != 0 {
			if idMask != 0 {
				b = append(b, ',')
			}
			b = append(b, "dl_vlan_pcp="...)
			b = strconv.AppendUint(b, value>>13, 10)
		}
		return b
	}
	// The fixed matches of 1.0 and 1.1 say with one number that there is no tag,
	// and so does Open vSwitch. Text that is no message's does likewise: with a
	// mask, ovs-ofctl add-flow would not take it for a switch of 1.1.
	if v < V12 && value == VLANNone && mask == 0x1fff {
		mask = 0xffff
	}
	b = append(b, "vlan_tci=0x"...)
	b = appendHex(b, value&mask, 4)
	if mask != 0xffff {
		b = append(b, "/0x"...)
		b = appendHex(b, mask, 4)
	}
	return b
}

// appendField appends "name=value" or "name=value/mask".
func appendField(b []byte, m *Match, f *MatchField, n *Names) []byte {
	info := &fields[f.ID]
	name := fieldTexts[f.ID].match
	for _, need := range info.Needs {
		if !m.satisfies(need) { // a short name would mean another field
			name = info.Name
		}
	}
	if f.ID == FieldIPDSCP && f.Mask == nil {
		v, _ := f.Uint()
		b = append(b, "nw_tos="...)
		return strconv.AppendUint(b, v<<2, 10)
	}
	b = append(b, name...)
	b = append(b, '=')
	return appendMasked(b, info, f, n)
}

// appendMasked appends the value, and the mask if there is one.
func appendMasked(b []byte, info *FieldInfo, f *MatchField, n *Names) []byte {
	if f.Mask == nil {
		return appendValue(b, info, f.Value, n)
	}
	var value [124]byte
	for i := range f.Value {
		value[i] = f.Value[i] & f.Mask[i]
	}
	switch info.Format {
	case FormatIPv4, FormatIPv6:
		b = appendValue(b, info, value[:len(f.Value)], n)
		b = append(b, '/')
		if l, ok := prefixLen(f.Mask); ok {
			return strconv.AppendInt(b, int64(l), 10)
		}
		return appendValue(b, info, f.Mask, n)
	case FormatMAC:
		b = appendValue(b, info, value[:len(f.Value)], n)
		b = append(b, '/')
		return appendValue(b, info, f.Mask, n)
	}
	digits := fieldTexts[f.ID].digits
	if info.Format != FormatHex {
		digits = 1 // so that a zero has its 0x
	}
	b = appendHash(b, beUint(value[:len(f.Value)]), digits)
	b = append(b, '/')
	return appendHash(b, beUint(f.Mask), digits)
}

func noBits(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// prefixLen returns the length of the prefix that the mask is, if it is one.
func prefixLen(mask []byte) (int, bool) {
	l := 0
	for i, x := range mask {
		k := bits.LeadingZeros8(^x)
		l += k
		if k == 8 {
			continue
		}
		if x<<k != 0 || !noBits(mask[i+1:]) {
			return 0, false
		}
		break
	}
	return l, true
}

// appendValue appends an exact value as the field's format has it.
func appendValue(b []byte, info *FieldInfo, value []byte, n *Names) []byte {
	switch info.Format {
	case FormatHex, FormatEtherType:
		return appendHash(b, beUint(value), fieldTexts[info.ID].digits)
	case FormatPort:
		return appendPort(b, PortNo(beUint(value)), n)
	case FormatMAC:
		return appendMAC(b, value)
	case FormatIPv4:
		return netip.AddrFrom4([4]byte(value)).AppendTo(b)
	case FormatIPv6:
		return appendIPv6(b, [16]byte(value))
	}
	return strconv.AppendUint(b, beUint(value), 10)
}

// appendIPv6 appends an address as the C library does, which takes one of zeros
// but for the last four bytes for an IPv4 address.
func appendIPv6(b []byte, a [16]byte) []byte {
	if noBits(a[:12]) && (a[12] != 0 || a[13] != 0) {
		b = append(b, "::"...)
		return netip.AddrFrom4([4]byte(a[12:])).AppendTo(b)
	}
	return netip.AddrFrom16(a).AppendTo(b)
}

func appendMAC(b, mac []byte) []byte {
	for i, x := range mac {
		if i > 0 {
			b = append(b, ':')
		}
		b = appendHex(b, uint64(x), 2)
	}
	return b
}

// appendHex appends small hexadecimal digits, at least that many.
func appendHex(b []byte, v uint64, digits int) []byte {
	for k := max(1, (bits.Len64(v)+3)/4); k < digits; k++ {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, v, 16)
}

// appendHash appends a hexadecimal number as C's %#x does: a zero has no 0x,
// unless there is a number of digits to keep to.
func appendHash(b []byte, v uint64, digits int) []byte {
	if v == 0 && digits == 0 {
		return append(b, '0')
	}
	b = append(b, "0x"...)
	return appendHex(b, v, digits)
}

// appendPort appends the port's name if n knows one, else its number, or the
// name that the specification gives it.
func appendPort(b []byte, no PortNo, n *Names) []byte {
	if n != nil && n.PortName != nil && !no.Reserved() {
		if name, ok := n.PortName(no); ok && name != "" {
			return appendName(b, name)
		}
	}
	return append(b, no.String()...)
}

// appendName appends a port's name, in quotation marks unless it is a word that
// cannot be mistaken for something else.
func appendName(b []byte, name string) []byte {
	plain := name[0] < '0' || name[0] > '9'
	for i := range len(name) {
		c := name[i]
		plain = plain && (c == '_' || c == '-' || c == '.' || c == '@' ||
			c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	if _, err := ParsePort(name); err == nil || actionTexts[name] != nil || name == "drop" {
		plain = false
	}
	if _, ok := instructionTexts[name]; ok || !plain {
		return strconv.AppendQuote(b, name)
	}
	return append(b, name...)
}
