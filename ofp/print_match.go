package ofp

import (
	"encoding/hex"
	"slices"
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
	var buf [24]MatchField
	have, unknown := m.fieldsToPrint(buf[:0])
	word, wordHasProto := keywordOf(have)
	sep := func() {
		if len(b) > start {
			b = append(b, ',')
		}
	}
	keyword := func() {
		if v != 0 && find(have, FieldRecircID) != nil && needsFrame(have) {
			sep()
			b = append(b, "eth"...) // which Open vSwitch says of recirculated packets only
		}
		if word != "" {
			sep()
			b = append(b, word...)
		}
	}
	said := false
	for i := range have {
		f := &have[i]
		if !said && printRank[f.ID] > printRank[FieldUnknown] {
			said = true
			keyword()
		}
		switch f.ID {
		case FieldEthType:
			if word != "" {
				continue
			}
		case FieldIPProto:
			if wordHasProto {
				continue
			}
		case FieldPacketType:
			if v != 0 && f.Mask == nil && noBits(f.Value) {
				continue // Open vSwitch does not say that packets are Ethernet frames
			}
		case FieldVLANVID:
			sep()
			b = appendVLAN(b, f, find(have, FieldVLANPCP), v)
			continue
		case FieldVLANPCP:
			if find(have, FieldVLANVID) != nil {
				continue
			}
		}
		sep()
		b = appendField(b, m, f, v, n)
	}
	if !said {
		keyword()
	}
	if !unknown {
		return b
	}
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
	return b
}

// fieldsToPrint appends the fields that say something to have, in the order in
// which they are printed: a mask of all ones is dropped, and Open vSwitch knows
// the long registers by the short ones that they are made of. The flag tells of
// fields of unknown kinds, which are left out.
func (m *Match) fieldsToPrint(have []MatchField) (_ []MatchField, unknown bool) {
	add := func(f MatchField) {
		at := len(have)
		for at > 0 && printRank[have[at-1].ID] > printRank[f.ID] {
			at--
		}
		have = slices.Insert(have, at, f)
	}
	for f := range m.All() {
		switch {
		case f.ID == FieldUnknown || f.ID >= numMatchFields:
			unknown = unknown || f.ID == FieldUnknown
			continue
		case f.Mask == nil:
		case !fields[f.ID].any(f.Mask):
			continue
		case fields[f.ID].exact(f.Mask):
			f.Mask = nil
		}
		for r := range f.registers() {
			if r.ID == f.ID || !m.Has(r.ID) {
				add(r)
			}
		}
	}
	return have, unknown
}

// needsFrame reports whether packets that have the fields are Ethernet frames.
func needsFrame(have []MatchField) bool {
	return slices.ContainsFunc(have, func(f MatchField) bool { return f.ID.needsFrame() })
}

// find returns the field in a list, or nil.
func find(have []MatchField, id FieldID) *MatchField {
	for i := range have {
		if have[i].ID == id {
			return &have[i]
		}
	}
	return nil
}

// keywordOf returns the word for the match's protocol, or "", and whether it
// stands for the IP protocol too.
func keywordOf(have []MatchField) (string, bool) {
	eth, proto := find(have, FieldEthType), find(have, FieldIPProto)
	if eth == nil || eth.Mask != nil {
		return "", false
	}
	t, _ := eth.Uint()
	p := uint64(0)
	if proto != nil && proto.Mask == nil {
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
	if pcp != nil {
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
func appendField(b []byte, m *Match, f *MatchField, v Version, n *Names) []byte {
	info := &fields[f.ID]
	name := fieldTexts[f.ID].match
	for _, need := range info.Needs {
		if !m.satisfies(need) { // a short name would mean another field
			name = info.Name
		}
	}
	switch {
	case f.ID == FieldIPDSCP && f.Mask == nil:
		dscp, _ := f.Uint()
		b = append(b, "nw_tos="...)
		return strconv.AppendUint(b, dscp<<2, 10)
	case v == 0 && (f.ID == FieldTunGTPUFlags || f.ID == FieldTunGTPUMsgType):
		name = info.Name // which Open vSwitch takes, too
	case info.Variable && f.Mask != nil && noBits(f.Mask): // that the packet has it is all that counts
		return append(b, name...)
	}
	b = append(b, name...)
	b = append(b, '=')
	if v != 0 && fieldTexts[f.ID].noMask {
		return appendValue(b, info, f.Value, n)
	}
	return appendMasked(b, info, f, n)
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
