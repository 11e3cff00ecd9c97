package ofp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// Match says which packets a flow takes: those whose fields have the given
// values where the masks have ones. The zero Match takes every packet.
//
// A Match holds OXM fields as bytes, in the order in which they were set or
// decoded, so that what was decoded encodes again to the same bytes. What is set
// through the methods is kept in canonical order. Use Equal and Key to compare,
// not the bytes.
//
// A Match owns its bytes. Copying the struct shares them: use Clone.
type Match struct {
	oxm []byte // OXM fields, headers included, unpadded

	// received holds a match as it came, in receivedVersion, where its bytes are
	// not what oxm would encode to: a match of 1.0 or 1.1 with garbage in
	// wildcarded fields or with bits that no specification names; OXM with numbers
	// of Open vSwitch's own, or with fields of later versions.
	received        []byte
	receivedVersion Version

	// oxm11 tells a match that came as OXM in a 1.1 message, as those of Open
	// vSwitch's flow statistics do, and is to be written so in 1.1.
	oxm11 bool
}

// NewMatch returns the match that takes every packet, whose fields go into room as
// long as they fit there: matches that are made in large numbers may lie in one block
// of memory. The room is the match's from then on.
func NewMatch(room []byte) Match { return Match{oxm: room[:0]} }

// MatchField is one field of a match. Value and Mask alias the match.
type MatchField struct {
	ID     FieldID // FieldUnknown for a field that has no row
	Header uint32  // the OXM header as on the wire
	Value  []byte
	Mask   []byte // nil if the field is matched exactly
}

// Uint returns the value and the mask of a field of at most 64 bits; an exact
// field has all the field's bits in its mask.
func (f *MatchField) Uint() (value, mask uint64) {
	value = beUint(f.Value)
	if f.Mask != nil {
		return value, beUint(f.Mask)
	}
	if i := f.ID.Info(); i != nil && i.Bits < 64 {
		return value, 1<<i.Bits - 1
	}
	if n := 8 * len(f.Value); n < 64 {
		return value, 1<<n - 1
	}
	return value, ^uint64(0)
}

func beUint(b []byte) (v uint64) {
	switch len(b) { // the usual lengths, quickly
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 6:
		return uint64(binary.BigEndian.Uint32(b))<<16 | uint64(binary.BigEndian.Uint16(b[4:]))
	}
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}

func putUint(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte(v)
		v >>= 8
	}
}

// nextOXM splits the first OXM field off b.
func nextOXM(b []byte) (f MatchField, rest []byte) {
	h := binary.BigEndian.Uint32(b)
	n := int(h&0xff) + 4
	return oxmField(h, b[4:n:n]), b[n:]
}

// oxmField is the field of a header and what follows that. The experimenter of a
// field that has a row is no part of its value.
func oxmField(h uint32, payload []byte) MatchField {
	f := MatchField{ID: fieldOf(h), Header: h, Value: payload}
	if f.ID == FieldUnknown {
		if f.ID = rarerField(h, payload); f.ID == FieldUnknown {
			return f
		}
		if h>>16 == oxmExperimenter {
			f.Value = payload[4:]
		}
	}
	if h&0x100 != 0 {
		n := len(f.Value) / 2
		f.Value, f.Mask = f.Value[:n:n], f.Value[n:]
	}
	return f
}

// All yields the fields in order.
func (m *Match) All() iter.Seq[MatchField] {
	return func(yield func(MatchField) bool) {
		for b := m.oxm; len(b) > 0; {
			var f MatchField
			f, b = nextOXM(b)
			if !yield(f) {
				return
			}
		}
	}
}

// Lookup returns the field id, if the match has it.
func (m *Match) Lookup(id FieldID) (MatchField, bool) {
	for b := m.oxm; len(b) > 0; {
		if fieldAt(b) == id && id != FieldUnknown {
			f, _ := nextOXM(b)
			return f, true
		}
		b = b[4+int(b[3]):]
	}
	return MatchField{}, false
}

// Has reports whether the match has the field id.
func (m *Match) Has(id FieldID) bool {
	_, ok := m.Lookup(id)
	return ok
}

// Uint returns value and mask of a field of at most 64 bits, if the match has
// it.
func (m *Match) Uint(id FieldID) (value, mask uint64, ok bool) {
	f, ok := m.Lookup(id)
	if !ok {
		return 0, 0, false
	}
	value, mask = f.Uint()
	return value, mask, true
}

// InPort returns the ingress port, or PortAny if the match has none.
func (m *Match) InPort() PortNo {
	if b := m.oxm; len(b) >= 8 && binary.BigEndian.Uint32(b) == oxmInPort {
		return PortNo(binary.BigEndian.Uint32(b[4:]))
	}
	if v, _, ok := m.Uint(FieldInPort); ok {
		return PortNo(v)
	}
	return PortAny
}

// Set puts an exact field into the match, in place of one that it has. The
// length of value must be the field's (FieldInfo.Bytes), and no bit beyond the
// field's width may be set.
func (m *Match) Set(id FieldID, value []byte) error { return m.SetMasked(id, value, nil) }

// SetMasked puts a field with a mask into the match, in place of one that it
// has; a nil mask, or one with all the field's bits, makes it exact, one without
// any removes the field. Bits of value outside the mask are cleared.
func (m *Match) SetMasked(id FieldID, value, mask []byte) error {
	info := id.Info()
	if info == nil || id >= numMatchFields {
		return fmt.Errorf("match field %d: unknown", id)
	}
	n := info.Bytes()
	if info.Variable && len(value) < n {
		n = len(value)
	}
	if len(value) != n || mask != nil && len(mask) != n {
		return fmt.Errorf("match field %s: %w: value of %d bytes and mask of %d, want %d", id, ErrMalformed, len(value), len(mask), n)
	}
	if info.Variable && mask != nil && noBits(mask) { // the packet has it: one way to say so
		value, mask, n = value[:0], mask[:0], 0
	}
	if info.over(value) {
		return fmt.Errorf("match field %s: %w: value 0x%x has more than %d bits", id, ErrMalformed, value, info.Bits)
	}
	switch {
	case mask == nil || info.exact(mask):
		mask = nil
	case !info.any(mask):
		m.Delete(id)
		return nil
	}
	// Built before anything moves: value and mask may alias the match.
	var short [8 + 2*16]byte
	tlv := short[:]
	if n > 16 {
		tlv = make([]byte, 8+2*n)
	}
	head := 4
	if h := info.own.header(mask != nil, n); h>>48 == oxmExperimenter {
		binary.BigEndian.PutUint64(tlv, h)
		head = 8
	} else {
		binary.BigEndian.PutUint32(tlv, uint32(h>>32))
	}
	copy(tlv[head:], value)
	l := head + n
	for i := range mask {
		tlv[l] = mask[i] & info.full[i]
		tlv[head+i] &= tlv[l]
		l++
	}
	m.Delete(id)
	m.oxm = slices.Insert(m.oxm, m.place(id), tlv[:l]...)
	return nil
}

// SetUint puts an exact field of at most 64 bits into the match. It panics if
// the field is wider, is unknown, or cannot hold v: those are mistakes in the
// program, not in data; data goes through Set.
func (m *Match) SetUint(id FieldID, v uint64) { m.SetUintMasked(id, v, ^uint64(0)) }

// SetUintMasked is SetUint with a mask, of which bits beyond the field's width
// are ignored.
func (m *Match) SetUintMasked(id FieldID, v, mask uint64) {
	info := id.Info()
	if info == nil || info.Bits > 64 {
		panic(fmt.Sprintf("ofp: match field %s is not of at most 64 bits", id))
	}
	var vb, mb [8]byte
	putUint(vb[:], v)
	putUint(mb[:], mask&info.max())
	n := 8 - info.Bytes()
	if v > info.max() {
		panic(fmt.Sprintf("ofp: match field %s cannot hold %#x", id, v))
	}
	if err := m.SetMasked(id, vb[n:], mb[n:]); err != nil {
		panic("ofp: " + err.Error())
	}
}

// max is the field's largest value; the field has at most 64 bits.
func (f *FieldInfo) max() uint64 {
	if f.Bits >= 64 {
		return ^uint64(0)
	}
	return 1<<f.Bits - 1
}

// exact reports whether mask has all bits of the field.
func (f *FieldInfo) exact(mask []byte) bool {
	if len(mask) == 0 { // of a field of variable length: that the packet has it
		return false
	}
	for i, b := range f.full[:len(mask)] {
		if mask[i]&b != b {
			return false
		}
	}
	return true
}

// over reports whether value has bits beyond the field's width.
func (f *FieldInfo) over(value []byte) bool {
	if f.Bits == 8*len(f.full) {
		return false
	}
	for i, x := range f.full[:len(value)] {
		if value[i]&^x != 0 {
			return true
		}
	}
	return false
}

// any reports whether a mask has any of the field's bits, so that the field says
// something. One of variable length says with any mask that the packet has it.
func (f *FieldInfo) any(b []byte) bool {
	if f.Variable {
		return true
	}
	for i, x := range f.full[:len(b)] {
		if x&b[i] != 0 {
			return true
		}
	}
	return false
}

// place is where the field id belongs in canonical order.
func (m *Match) place(id FieldID) int {
	at := 0
	for at < len(m.oxm) {
		if f := fieldAt(m.oxm[at:]); f == FieldUnknown || f > id {
			break
		}
		at += 4 + int(m.oxm[at+3])
	}
	return at
}

// Delete removes the field id.
func (m *Match) Delete(id FieldID) {
	m.received, m.oxm11 = m.received[:0], false
	for at := 0; at < len(m.oxm); {
		n := 4 + int(m.oxm[at+3])
		if fieldAt(m.oxm[at:]) == id {
			m.oxm = slices.Delete(m.oxm, at, at+n)
			return
		}
		at += n
	}
}

// Reset removes all fields and keeps the memory.
func (m *Match) Reset() { m.oxm, m.received, m.oxm11 = m.oxm[:0], m.received[:0], false }

// Empty reports whether the match takes every packet.
func (m *Match) Empty() bool { return len(m.oxm) == 0 }

// Clone returns a match that shares no memory with m.
func (m *Match) Clone() Match {
	return Match{oxm: bytes.Clone(m.oxm), received: bytes.Clone(m.received), receivedVersion: m.receivedVersion, oxm11: m.oxm11}
}

// OXM returns the fields as OXM bytes, unpadded. The bytes belong to the match.
func (m *Match) OXM() []byte { return m.oxm }

// Key returns a string that is the same for every match that takes the same
// packets by the same fields, whatever their order: fields stand in canonical
// order, a mask of all ones is dropped, and a field whose mask is zero too.
func (m *Match) Key() string {
	if m.canonical() {
		return string(m.oxm)
	}
	var c Match
	var unknown [][]byte
	for b := m.oxm; len(b) > 0; {
		var f MatchField
		start := b
		f, b = nextOXM(b)
		ok := f.ID != FieldUnknown
		for r := range f.registers() {
			ok = ok && !c.Has(r.ID) && c.SetMasked(r.ID, r.Value, r.Mask) == nil
		}
		if !ok {
			unknown = append(unknown, start[:len(start)-len(b)])
		}
	}
	slices.SortFunc(unknown, bytes.Compare)
	return string(append(c.oxm, bytes.Join(unknown, nil)...))
}

// registers yields the short registers that a long one is made of, and of any other
// field the field itself.
func (f MatchField) registers() iter.Seq[MatchField] {
	return func(yield func(MatchField) bool) {
		if f.ID < FieldXReg0 || f.ID >= FieldTunMetadata0 {
			yield(f)
			return
		}
		id := FieldReg0 + 2*(f.ID-FieldXReg0)
		if f.ID >= FieldXXReg0 {
			id = FieldReg0 + 4*(f.ID-FieldXXReg0)
		}
		for i := 0; i < len(f.Value); i += 4 {
			info := &fields[id]
			r := MatchField{ID: id, Header: info.oxm, Value: f.Value[i : i+4]}
			if f.Mask != nil {
				if mask := f.Mask[i : i+4]; !info.exact(mask) {
					r.Header, r.Mask = info.oxmMasked, mask
				}
			}
			if (r.Mask == nil || info.any(r.Mask)) && !yield(r) {
				return
			}
			id++
		}
	}
}

// canonical reports whether the bytes are what Key returns.
func (m *Match) canonical() bool {
	last := FieldUnknown
	for b := m.oxm; len(b) > 0; {
		var f MatchField
		f, b = nextOXM(b)
		if f.ID <= last || f.ID >= FieldXReg0 && f.ID < FieldTunMetadata0 || f.ID >= numMatchFields {
			return false
		}
		last = f.ID
		info := f.ID.Info()
		want := info.full
		if f.Mask != nil {
			if info.exact(f.Mask) || !info.any(f.Mask) || len(f.Mask) > 0 && noBits(f.Mask) {
				return false
			}
			want = f.Mask
		}
		for i, full := range info.full[:len(f.Value)] {
			if want[i]&^full != 0 || f.Value[i]&^want[i] != 0 {
				return false
			}
		}
	}
	return true
}

// Equal reports whether both matches take the same packets by the same fields.
func (m *Match) Equal(o *Match) bool {
	return bytes.Equal(m.oxm, o.oxm) || m.Key() == o.Key()
}

// Validate checks that every field has what it needs (section 7.2.3.6 of
// OpenFlow 1.3.5). The error names the field, and ErrPrerequisite is in it.
func (m *Match) Validate() error {
	for f := range m.All() {
		info := f.ID.Info()
		if info == nil {
			continue
		}
		for _, need := range info.Needs {
			if !m.satisfies(need) {
				return fmt.Errorf("match field %s: %w: needs %s", f.ID, ErrPrerequisite, need)
			}
		}
		if f.ID.needsFrame() {
			if v, _, ok := m.Uint(FieldPacketType); ok && v != 0 {
				return fmt.Errorf("match field %s: %w: needs packets that are Ethernet frames, not packet_type 0x%08x", f.ID, ErrPrerequisite, v)
			}
		}
	}
	return nil
}

func (m *Match) satisfies(need Prerequisite) bool {
	v, mask, ok := m.Uint(need.Field)
	if !ok {
		if need.Field != FieldEthType {
			return false
		}
		// Packets without an Ethernet header may have its type in the packet type.
		v, _, ok = m.Uint(FieldPacketType)
		return ok && v>>16 == 1 && slices.Contains(need.Values, v&0xffff)
	}
	if need.Values == nil {
		switch need.Field {
		case FieldVLANVID:
			return v&VLANPresent != 0
		case FieldCTState:
			return v&ctKnownBits != 0 || v&ctTrk != 0 && mask&ctInv != 0 && v&ctInv == 0
		case FieldCTNWProto:
			return v != 0
		}
		return true
	}
	info := need.Field.Info()
	return mask == info.max() && slices.Contains(need.Values, v)
}

// String says what is needed, such as "eth_type=0x0800 or 0x86dd".
func (p Prerequisite) String() string {
	s := p.Field.String()
	if p.Values == nil {
		switch p.Field {
		case FieldVLANVID:
			return s + " of a tagged packet"
		case FieldCTState:
			return s + " of a known connection"
		}
	}
	for i, v := range p.Values {
		sep := "="
		if i > 0 {
			sep = " or "
		}
		if p.Field == FieldEthType {
			s += fmt.Sprintf("%s0x%04x", sep, v)
		} else {
			s += fmt.Sprintf("%s%d", sep, v)
		}
	}
	return s
}

// needsFrame reports whether packets that have the field are Ethernet frames.
func (f FieldID) needsFrame() bool {
	return f >= FieldEthDst && f <= FieldVLANPCP || f == FieldVLANTCI
}
