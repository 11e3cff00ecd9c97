package ofp

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Subfield is a run of bits of a field, such as Nicira's actions read and write.
// Bits are counted from the least significant one.
type Subfield struct {
	Field FieldID // FieldUnknown for a header that no field has
	Ofs   uint16  // of the first bit
	Bits  uint16  // how many; at least 1

	// header is what stood on the wire, with an experimenter in its lower 32
	// bits, where it is other than what would be written; else 0.
	header uint64
}

// Whole returns all bits of a field.
func Whole(f FieldID) Subfield { return Subfield{Field: f, Bits: uint16(f.Info().width())} }

// width is how many bits actions can write of the field: those of a VLAN
// identifier are without its present bit.
func (f *FieldInfo) width() int {
	if f.ID == FieldVLANVID {
		return 12
	}
	return f.Bits
}

// Validate checks that the field has the bits.
func (s Subfield) Validate() error {
	info := s.Field.Info()
	switch {
	case info == nil && s.header != 0:
		return nil // what is unknown stays as it came
	case info == nil:
		return fmt.Errorf("subfield: %w: no field %d", ErrMalformed, s.Field)
	case s.Bits == 0 || int(s.Ofs)+int(s.Bits) > info.width():
		return fmt.Errorf("subfield: %w: %d bits from bit %d of %s, which has %d", ErrMalformed, s.Bits, s.Ofs, info.Name, info.width())
	}
	return nil
}

// String returns the bits as ovs-ofctl prints them, such as "NXM_NX_REG0[0..15]".
func (s Subfield) String() string { return string(appendSubfield(nil, s)) }

func appendSubfield(b []byte, s Subfield) []byte {
	width := 0
	if info := s.Field.Info(); info != nil {
		b = append(b, info.formName()...)
		width = info.width()
	} else {
		b = append(b, headerText(s.header)...)
	}
	b = append(b, '[')
	switch {
	case s.Ofs == 0 && int(s.Bits) == width:
	case s.Bits == 1:
		b = strconv.AppendUint(b, uint64(s.Ofs), 10)
	default:
		b = strconv.AppendUint(b, uint64(s.Ofs), 10)
		b = append(b, ".."...)
		b = strconv.AppendUint(b, uint64(s.Ofs)+uint64(s.Bits)-1, 10)
	}
	return append(b, ']')
}

// received notes the header that stood on the wire, in a place for which want is
// the version of OpenFlow, or 0 for Nicira's own numbers.
func (s *Subfield) received(h uint64, want Version) {
	s.Field, s.header = fieldOfHeader(h), h
	if s.Field != FieldUnknown && h == fields[s.Field].header(want) {
		s.header = 0
	}
}

// wireHeader is the header to write.
func (s *Subfield) wireHeader(want Version) uint64 {
	if s.header != 0 || s.Field.Info() == nil {
		return s.header
	}
	return fields[s.Field].header(want)
}

// header32 walks a header of four bytes, which b holds, as in reg_load, reg_move
// and learn. What the header says of the bits is all of them; the caller sets Ofs
// and Bits. what names the header for an error.
func (s *Subfield) header32(c *cursor, b []byte, what string) {
	if !c.wr {
		s.received(uint64(binary.BigEndian.Uint32(b))<<32, 0)
		c.keepRaw(s.none())
		return
	}
	h := s.wireHeader(0)
	if uint32(h) != 0 {
		c.bad(what, "%s has no header of 32 bits", s.Field)
		return
	}
	binary.BigEndian.PutUint32(b, uint32(h>>32))
}

// headerNX walks a header of four bytes, or eight with an experimenter, at the
// place at hand, as in output_reg2 and reg_load2. want is the version whose
// numbers are to be written, or 0 for Nicira's own.
func (s *Subfield) headerNX(c *cursor, want Version, what string) {
	if c.wr {
		h := s.wireHeader(want)
		if h == 0 {
			c.bad(what, "no field")
			return
		}
		b := c.room(4)
		binary.BigEndian.PutUint32(b, uint32(h>>32))
		if h>>48 == oxmExperimenter {
			binary.BigEndian.PutUint32(c.room(4), uint32(h))
		}
		return
	}
	h := uint64(binary.BigEndian.Uint32(c.fixed(4, what))) << 32
	if h>>48 == oxmExperimenter {
		h |= uint64(binary.BigEndian.Uint32(c.fixed(4, what)))
	}
	if c.err == nil {
		s.received(h, want)
		c.keepRaw(s.none())
	}
}

// none reports whether no field at all was read, which cannot be written.
func (s *Subfield) none() bool { return s.Field == FieldUnknown && s.header == 0 }

// isFieldChar reports whether c can stand in a field's name.
func isFieldChar(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// subfieldOf returns the field that a name stands for where actions name bits.
func subfieldOf(name string) FieldID {
	if id, ok := fieldByForm[name]; ok {
		return id
	}
	switch name {
	case "in_port":
		return FieldInPort16
	case "nw_tos":
		return FieldIPToS
	case "vlan_tci":
		return FieldVLANTCI
	}
	switch key := textKeys[name]; key.kind {
	case keyField:
		return key.field
	case keyChoice: // Open vSwitch takes tp_src for tcp_src, and so on
		return choices[key.index].of[0]
	}
	return FieldUnknown
}

// subfield reads "field", "field[]", "field[bit]" or "field[first..last]", which
// begins at at and goes no further than end. It returns the place behind.
func (p *textParser) subfield(at, end int) (s Subfield, rest int) {
	if p.err != nil {
		return s, end
	}
	rest = at
	for rest < end && isFieldChar(p.s[rest]) {
		rest++
	}
	it := textItem{key: p.s[at:rest], at: at}
	if it.key == "" {
		p.fail(at, at+1, "needs a field here, such as reg0[0..15]")
		return s, end
	}
	if s.Field = subfieldOf(it.key); s.Field == FieldUnknown {
		p.unknown(it, "field", func(n string) bool { return subfieldOf(n) != FieldUnknown })
		return s, end
	}
	width := uint64(s.Field.Info().width())
	s.Bits = uint16(width)
	if rest == end || p.s[rest] != '[' {
		return s, rest
	}
	open := rest
	rest++
	if rest < end && p.s[rest] == ']' {
		return s, rest + 1
	}
	first, rest, ok := p.bit(rest, end)
	last := first
	if ok && rest+1 < end && p.s[rest:rest+2] == ".." {
		last, rest, ok = p.bit(rest+2, end)
	}
	switch {
	case !ok || rest == end || p.s[rest] != ']':
		p.fail(open, rest, "want bits as [], [3] or [0..15]")
		return s, end
	case first > last:
		p.fail(open, rest, "the first bit, %d, is after the last, %d", first, last)
	case last >= width:
		p.fail(open, rest, "%s has bits 0 to %d; there is no bit %d", it.key, width-1, last)
	}
	s.Ofs, s.Bits = uint16(first), uint16(last-first+1)
	return s, rest + 1
}

// bit reads a small decimal number.
func (p *textParser) bit(at, end int) (n uint64, rest int, ok bool) {
	for rest = at; rest < end && rest < at+5 && p.s[rest] >= '0' && p.s[rest] <= '9'; rest++ {
		n = 10*n + uint64(p.s[rest]-'0')
	}
	return n, rest, rest > at
}

// run walks first bit and count in two bytes, as in reg_load and output_reg
// (ofs_nbits): 10 bits of one, 6 bits of the other less 1.
func (s *Subfield) run(c *cursor, b []byte, what string) {
	if c.wr {
		if s.Bits < 1 || s.Bits > 64 || s.Ofs > 1023 {
			c.bad(what, "%s: %d bits; want 1 to 64", s, s.Bits)
			return
		}
		binary.BigEndian.PutUint16(b, s.Ofs<<6|(s.Bits-1))
		return
	}
	n := binary.BigEndian.Uint16(b)
	s.Ofs, s.Bits = n>>6, n&63+1
}

// assignable checks that an action can write the bits.
func (s Subfield) assignable() error {
	if err := s.Validate(); err != nil {
		return err
	}
	if info := s.Field.Info(); info != nil && info.ReadOnly {
		return fmt.Errorf("%s cannot be written", info.Name)
	}
	return nil
}

// writable checks that an action of one number can write the bits.
func (s Subfield) writable() error {
	if s.Bits > 64 {
		return fmt.Errorf("%d bits of %s; want at most 64", s.Bits, s)
	}
	return s.assignable()
}
