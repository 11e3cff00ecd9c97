package ofp

import (
	"math"
	"net/netip"
	"slices"
	"strings"
)

// matchText collects the fields of a match as its text is read. Names that
// stand for several fields are decided at the end, so that the order of a text
// does not matter.
type matchText struct {
	m       *Match
	at      [numFields]int32 // where the text names the field, plus one; 0: not
	implied [numFields]bool  // the field came from a word such as tcp
	later   [len(choices)]textItem
}

// add reads one item of a match.
func (t *matchText) add(p *textParser, it textItem, key textKey) {
	switch key.kind {
	case keyField:
		t.field(p, it, key.field)
	case keyChoice:
		if t.later[key.index].key != "" {
			p.fail(it.at, it.at+len(it.key), "%s stands twice", it.key)
		}
		t.later[key.index] = it
	case keyWord:
		if it.has {
			p.badValue(it, "takes no value")
			return
		}
		w := &matchKeywords[key.index]
		t.imply(p, it, FieldEthType, uint64(w.ethType))
		if w.ipProto != 0 {
			t.imply(p, it, FieldIPProto, uint64(w.ipProto))
		}
	case keyEth:
		if it.has {
			p.badValue(it, "takes no value")
		} else if t.once(p, it, FieldPacketType) {
			t.m.SetUint(FieldPacketType, 0)
		}
	case keyVLAN:
		t.vlan(p, it)
	case keyVLANTCI:
		t.vlanTCI(p, it)
	case keyTOS:
		v := p.uint(it, 255)
		if v&3 != 0 {
			p.badValue(it, "the lower two bits of %d are ECN, which nw_ecn matches; want a multiple of 4", v)
		}
		if t.once(p, it, FieldIPDSCP) {
			t.m.SetUint(FieldIPDSCP, v>>2)
		}
	}
}

// once notes that it names the field, and fails if another item did.
func (t *matchText) once(p *textParser, it textItem, id FieldID) bool {
	if t.at[id] != 0 {
		p.fail(it.at, it.at+len(it.key), "%s stands twice", it.key)
	}
	t.at[id] = int32(it.at) + 1
	return p.err == nil
}

// imply sets a field for a word. Another word or the field itself may say the
// same.
func (t *matchText) imply(p *textParser, it textItem, id FieldID, v uint64) {
	if old, _, ok := t.m.Uint(id); ok && old != v {
		p.fail(it.at, it.at+len(it.key), "%s contradicts the %s before it", it.key, fieldTexts[id].match)
		return
	}
	t.implied[id] = true
	if t.at[id] == 0 {
		t.at[id] = int32(it.at) + 1
		t.m.SetUint(id, v)
	}
}

// field reads the value of a field.
func (t *matchText) field(p *textParser, it textItem, id FieldID) {
	var buf fieldBytes
	value, mask := p.fieldValue(it, id, &buf)
	if p.err != nil {
		return
	}
	if t.implied[id] {
		if old, _, _ := t.m.Uint(id); mask != nil || old != beUint(value) {
			p.badValue(it, "contradicts the word for a protocol before it")
		}
		t.implied[id] = false
		return
	}
	if !t.once(p, it, id) {
		return
	}
	if err := t.m.SetMasked(id, value, mask); err != nil {
		p.badValue(it, "%v", err)
	}
}

// vlan reads dl_vlan, the VLAN identifier without its present bit.
func (t *matchText) vlan(p *textParser, it textItem) {
	v := p.uint(it, 0xffff)
	switch {
	case v == vlanNone:
		v = VLANNone
	case v < 4096:
		v |= VLANPresent
	default:
		p.badValue(it, "%d is out of range; want 0 to 4095, or 0xffff for packets without a tag", v)
	}
	if t.once(p, it, FieldVLANVID) {
		t.m.SetUint(FieldVLANVID, v)
	}
}

// vlanTCI reads vlan_tci, the identifier, the present bit and the priority in
// one number.
func (t *matchText) vlanTCI(p *textParser, it textItem) {
	const pcp = 0xe000
	whole := it
	var maskText string
	var hasMask bool
	it.val, maskText, hasMask = strings.Cut(it.val, "/")
	v, mask := p.uint(it, 0xffff), uint64(0xffff)
	if hasMask {
		it.valAt += len(it.val) + 1
		it.val = maskText
		mask = p.uint(it, 0xffff)
	}
	v &= mask
	if v != 0 && v&VLANPresent == 0 && !hasMask {
		p.badValue(whole, "packets without a tag have vlan_tci=0x0000")
	}
	if !t.once(p, it, FieldVLANVID) || mask&pcp != 0 && !t.once(p, it, FieldVLANPCP) {
		return
	}
	t.m.setTCI(v, mask)
}

// finish decides the names that stand for several fields, and checks that every
// field has what it needs.
func (t *matchText) finish(p *textParser) {
	if p.err != nil {
		return
	}
	t.packetType(p)
	if t.at[FieldVLANPCP] != 0 && t.at[FieldVLANVID] == 0 {
		t.m.SetUintMasked(FieldVLANVID, VLANPresent, VLANPresent)
	}
	for i := range choices {
		if it := t.later[i]; it.key != "" {
			id, ok := t.m.choose(i)
			if !ok {
				t.lacking(p, it.at, it.key, choices[i].of...)
				return
			}
			t.field(p, it, id)
		}
	}
	for f := range t.m.All() {
		for _, need := range fields[f.ID].Needs {
			if !t.m.satisfies(need) {
				at := max(int(t.at[f.ID])-1, 0)
				t.lacking(p, at, p.s[at:at+strings.IndexAny(p.s[at:]+"=", "=:(")], f.ID)
				return
			}
		}
	}
}

// packetType settles what packet_type says besides: that packets are Ethernet
// frames goes without saying where a field needs it, and a packet type of an
// Ethernet type is that one.
func (t *matchText) packetType(p *textParser) {
	v, _, ok := t.m.Uint(FieldPacketType)
	if !ok {
		return
	}
	for f := range t.m.All() {
		if !f.ID.needsFrame() {
			continue
		}
		if f.ID == FieldEthType {
			if typ, _ := f.Uint(); v == 1<<16|typ {
				t.m.Delete(FieldEthType)
				return
			}
		}
		if v != 0 {
			at := max(int(t.at[f.ID])-1, 0)
			p.fail(at, at+1, "%s is of Ethernet frames, and packet_type=(%d,0x%x) of others", fieldTexts[f.ID].match, v>>16, v&0xffff)
			return
		}
		t.m.Delete(FieldPacketType)
		return
	}
}

// choose returns the field that a name of several stands for in this match. If
// none has what it needs, it returns the first.
func (m *Match) choose(choice int) (FieldID, bool) {
	for _, id := range choices[choice].of {
		ok := true
		for _, need := range fields[id].Needs {
			ok = ok && m.satisfies(need)
		}
		if ok {
			return id, true
		}
	}
	return choices[choice].of[0], false
}

// lacking fails about a name that stands for one of these fields, none of which
// has what it needs.
func (t *matchText) lacking(p *textParser, at int, name string, ids ...FieldID) {
	var s []string
	for _, id := range ids {
		if w := t.m.missing(id); w != "" && !slices.Contains(s, w) {
			s = append(s, w)
		}
	}
	p.fail(at, at+len(name), "%s needs %s before or after it", name, strings.Join(s, " or "))
}

// missing says in the words of a match's text what a field needs first. Where
// that is an IP protocol, its name says the Ethernet type, too.
func (m *Match) missing(id FieldID) (words string) {
	for _, need := range fields[id].Needs {
		switch {
		case m.satisfies(need):
		case words == "", need.Field == FieldIPProto:
			words = need.words()
		}
	}
	return words
}

// words says in the words of a match's text what is needed.
func (p Prerequisite) words() string {
	if p.Values == nil {
		switch p.Field {
		case FieldVLANVID:
			return "dl_vlan"
		case FieldCTState:
			return "ct_state=+est or another state of a known connection"
		}
		return fieldTexts[p.Field].match
	}
	var s []string
	for _, v := range p.Values {
		if v == ethRARP && p.Field == FieldEthType && len(p.Values) > 1 {
			continue // arp says enough
		}
		word := fieldTexts[p.Field].match + "=" + formatUint(v, &fields[p.Field])
		for _, w := range matchKeywords {
			if p.Field == FieldEthType && w.ipProto == 0 && uint64(w.ethType) == v ||
				p.Field == FieldIPProto && uint64(w.ipProto) == v {
				word = w.name
				break
			}
		}
		s = append(s, word)
	}
	return strings.Join(s, " or ")
}

func formatUint(v uint64, info *FieldInfo) string {
	var b [8]byte
	putUint(b[:], v)
	return string(appendValue(nil, info, b[8-info.Bytes():], nil))
}

// fieldBytes has room for a value and a mask of the widest field.
type fieldBytes [2][124]byte

// fieldValue reads "value" or "value/mask" as the field's format has it. The mask
// is nil if there is none. Both are in buf.
func (p *textParser) fieldValue(it textItem, id FieldID, buf *fieldBytes) (value, mask []byte) {
	info := &fields[id]
	n := info.Bytes()
	value, mask = buf[0][:n], buf[1][:n]
	if it.val == "" {
		if info.Variable && !it.has { // the packet has it, whatever its value
			return value[:0], mask[:0]
		}
		p.badValue(it, "needs a value, such as %s=%s", it.key, info.Format.example())
		return nil, nil
	}
	number := func(v, m uint64) {
		putUint(value, v)
		putUint(mask, m)
	}
	switch info.Format {
	case FormatTCPFlags, FormatTunFlags, FormatCTState:
		number(p.flags(it, flagNames(info.Format)))
		return value, mask
	case FormatFrag:
		number(p.frag(it))
		return value, mask
	case FormatPacketType:
		number(p.packetType(it), 0)
		return value, nil
	}
	text, maskText, masked := strings.Cut(it.val, "/")
	maskItem := it
	maskItem.val, maskItem.valAt = maskText, it.valAt+len(text)+1
	it.val = text
	if masked && !fieldTexts[id].mask {
		p.badValue(it, "takes no mask")
		return nil, nil
	}
	switch info.Format {
	case FormatMAC:
		p.mac(it, value)
		if masked {
			p.mac(maskItem, mask)
		}
	case FormatIPv4, FormatIPv6:
		p.address(it, n, value)
		if masked {
			p.addressMask(maskItem, n, mask)
		}
	case FormatPort:
		putUint(value, uint64(p.port(it)))
	default:
		if n > 8 {
			used := p.bigNumber(it, value)
			if masked {
				used = max(used, p.bigNumber(maskItem, mask))
			}
			if info.Variable { // as many bytes as the longer of both has
				value, mask = value[n-used:], mask[n-used:]
			}
			break
		}
		putUint(value, p.uint(it, info.max()))
		if masked && info.Bits == 64 && maskItem.val == "-1" {
			putUint(mask, math.MaxUint64)
		} else if masked {
			putUint(mask, p.uint(maskItem, info.max()))
		}
	}
	if !masked {
		mask = nil
	}
	return value, mask
}

// example is a value in the format, for an error's text.
func (f FieldFormat) example() string {
	switch f {
	case FormatMAC:
		return "00:11:22:33:44:55"
	case FormatIPv4:
		return "192.0.2.1"
	case FormatIPv6:
		return "2001:db8::1"
	case FormatHex:
		return "0x1"
	case FormatEtherType:
		return "0x0800"
	case FormatVLAN:
		return "0x1064"
	}
	return "1"
}

// mac reads six bytes, each of one or two hexadecimal digits.
func (p *textParser) mac(it textItem, b []byte) {
	s := it.val
	for i := range 6 {
		n := 0
		v := byte(0)
		for n < len(s) && n < 2 {
			d, ok := hexDigit(s[n])
			if !ok {
				break
			}
			v = v<<4 | d
			n++
		}
		if n == 0 || i < 5 && (n == len(s) || s[n] != ':') || i == 5 && n != len(s) {
			p.badValue(it, "%q is not an Ethernet address; want one such as 00:11:22:33:44:55", clip(it.val))
			return
		}
		b[i] = v
		if i < 5 {
			s = s[n+1:]
		}
	}
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// address reads an IP address of n bytes.
func (p *textParser) address(it textItem, n int, b []byte) {
	a, err := netip.ParseAddr(it.val)
	switch {
	case err == nil && n == 4 && a.Is4():
		v := a.As4()
		copy(b, v[:])
	case err == nil && n == 16 && a.Is6() && a.Zone() == "":
		v := a.As16()
		copy(b, v[:])
	case n == 4:
		p.badValue(it, "%q is not an IPv4 address; want one such as 192.0.2.1", clip(it.val))
	default:
		p.badValue(it, "%q is not an IPv6 address; want one such as 2001:db8::1", clip(it.val))
	}
}

// addressMask reads the length of a prefix, or a mask written as an address.
func (p *textParser) addressMask(it textItem, n int, b []byte) {
	if strings.ContainsAny(it.val, ".:") {
		p.address(it, n, b)
		return
	}
	l, ok := parseUint(it.val)
	if !ok || l > uint64(8*n) {
		p.badValue(it, "prefix length %q; want 0 to %d", clip(it.val), 8*n)
		return
	}
	for i := range int(l) {
		b[i/8] |= 0x80 >> (i % 8)
	}
}
