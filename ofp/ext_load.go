package ofp

import (
	"encoding/binary"
	"fmt"
)

// Load writes a number into bits of a field (NXAST_REG_LOAD). More than 64 bits,
// and the fields that have no number of 32 bits, are written by a set_field with
// a mask.
type Load struct {
	Dst   Subfield // of at most 64 bits
	Value uint64
}

// subRegLoad2 is the subtype of NXAST_REG_LOAD2.
const subRegLoad2 = 33

func (e *Load) walk(c *cursor, _ uint16) {
	b := c.fixed(14, "action reg_load")
	e.Dst.header32(c, b[2:], "action reg_load")
	e.Dst.run(c, b, "action reg_load")
	c.u64(b[6:], &e.Value)
}

func (e *Load) writes() FieldID  { return e.Dst.Field }
func (e *Load) clone() Extension { o := *e; return &o }

func (e *Load) appendText(b []byte, _ Version, _ *Names) []byte {
	b = appendHash(append(b, "load:"...), e.Value, 0)
	return appendSubfield(append(b, "->"...), e.Dst)
}

func (e *Load) validate() error {
	switch err := e.Dst.writable(); {
	case err != nil:
		return err
	case e.Dst.Bits < 64 && e.Value>>e.Dst.Bits != 0:
		return fmt.Errorf("0x%x does not fit into the %d bits of %s", e.Value, e.Dst.Bits, e.Dst)
	}
	return nil
}

// hasHeader32 reports whether Nicira's actions can name the field in 32 bits, and
// write it bit by bit. The others are written by a set_field.
func (f *FieldInfo) hasHeader32() bool { return uint32(f.header(0)) == 0 && !f.Variable }

// loadsOf returns what writes the bits of a field that the mask has, each run of
// them by itself.
func loadsOf(f FieldID, value, mask []byte) []*Load {
	var out []*Load
	bit := func(b []byte, i int) uint64 { return uint64(b[len(b)-1-i/8] >> (i % 8) & 1) }
	var l *Load
	for i := range min(8*len(mask), f.Info().width()) {
		if bit(mask, i) == 0 {
			l = nil
			continue
		}
		if l == nil || l.Dst.Bits == 64 {
			l = &Load{Dst: Subfield{Field: f, Ofs: uint16(i)}}
			out = append(out, l)
		}
		l.Value |= bit(value, i) << l.Dst.Bits
		l.Dst.Bits++
	}
	return out
}

// encodeLoads appends a set_field as Nicira's actions, which write a field with
// or without a mask: a load for each run of bits, or one NXAST_REG_LOAD2 where the
// field is not named in 32 bits.
func encodeLoads(c *cursor, b []byte, a *Action) (out []byte, ok bool) {
	x := fromNXM(a.Field())
	info := x.ID.Info()
	if info == nil || info.ReadOnly {
		return b, false
	}
	if int(a.Arg&0xff) != len(a.Value) || !info.holds(len(x.Value)) || x.Mask != nil && len(x.Mask) != len(x.Value) {
		c.bad("action set_field", "%s: value of %d bytes", x.ID, len(a.Value))
		return b, true
	}
	if !info.hasHeader32() {
		form := *a
		form.Subtype = subRegLoad2
		return encodeForm(c, b, &form), true
	}
	mask := x.Mask
	if mask == nil {
		mask = info.full
	}
	loads := loadsOf(x.ID, x.Value, mask)
	if len(loads) == 0 {
		c.bad("action set_field", "%s: the mask has no bits", x.ID)
	}
	for _, l := range loads {
		b = appendLoad(b, info.nxm(), int(l.Dst.Ofs), int(l.Dst.Bits), l.Value)
	}
	return b, true
}

// onlyExtended reports whether no version before 1.5 has an action that says what
// the set_field does, but Open vSwitch has.
func (a *Action) onlyExtended() bool {
	if a.Type != ActionSetField {
		return false
	}
	info := fromNXM(a.Field()).ID.Info()
	return info != nil && (a.Arg&0x100 != 0 || info.Since == 0)
}

// readRegLoad2 makes a set_field of NXAST_REG_LOAD2, unless the field is unknown
// or not whole.
func (a *Action) readRegLoad2() {
	body := a.Value[2:]
	if len(body) < 4 {
		return
	}
	h := binary.BigEndian.Uint32(body)
	end := 4 + int(h&0xff)
	if end > len(body) || len(body)-end >= 8 {
		return
	}
	for _, x := range body[end:] {
		if x != 0 {
			return
		}
	}
	s := Action{Type: ActionSetField, Subtype: subRegLoad2, Arg: h, Value: body[4:end:end]}
	if x := fromNXM(s.Field()); x.ID != FieldUnknown && x.ID.Info().holds(len(x.Value)) && (x.Mask == nil || len(x.Mask) == len(x.Value)) {
		*a = s
	}
}

// holds reports whether a value of the field can have n bytes.
func (f *FieldInfo) holds(n int) bool {
	return n == f.Bytes() || f.Variable && n < f.Bytes()
}

// appendRegLoad2 appends a set_field as NXAST_REG_LOAD2.
func appendRegLoad2(c *cursor, b []byte, a *Action) []byte {
	if int(a.Arg&0xff) != len(a.Value) {
		c.bad("action set_field", "field 0x%08x: value of %d bytes", a.Arg, len(a.Value))
		return b
	}
	n := (extensionHeader + 4 + len(a.Value) + 7) &^ 7
	b = appendNicira(b, uint16(n), subRegLoad2)
	binary.BigEndian.PutUint32(b[len(b)-n+extensionHeader:], a.Arg)
	copy(b[len(b)-n+extensionHeader+4:], a.Value)
	return b
}

// SetFieldMasked writes the bits of a header field that the mask has. Value and
// mask must have the field's length. No version before 1.5 has such an action; it
// is written as those of Open vSwitch that load bits.
func SetFieldMasked(f FieldID, value, mask []byte) Action {
	if mask == nil {
		return SetField(f, value)
	}
	info := f.Info()
	var both []byte
	if exp := info.Experimenter(); exp != 0 {
		both = binary.BigEndian.AppendUint32(nil, exp)
	}
	both = append(append(both, value...), mask...)
	return Action{Type: ActionSetField, Arg: info.Header(true)&^0xff | uint32(len(both)), Value: both}
}
