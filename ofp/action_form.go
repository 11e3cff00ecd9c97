package ofp

import "encoding/binary"

// readStandard makes of the experimenter's action the standard one that it says,
// unless it has bytes that the latter has no place for.
func (a *Action) readStandard(row *extensionInfo) {
	if row.action == ActionSetField {
		a.readRegLoad2()
		return
	}
	if len(a.Value) != 8 {
		return
	}
	s := Action{Type: row.action, Subtype: row.subtype}
	switch actions[row.action].shape {
	case shape8:
		s.Arg = uint32(a.Value[2])
	case shape16:
		s.Arg = uint32(binary.BigEndian.Uint16(a.Value[2:]))
	case shape32:
		s.Arg = binary.BigEndian.Uint32(a.Value[4:])
	}
	if s.formWord() == binary.BigEndian.Uint64(a.Value) {
		*a = s
	}
}

// formWord is the second half of a standard action in the form of Nicira's that
// its subtype stands for: the argument stands where a C compiler would put it.
func (a *Action) formWord() uint64 {
	w := uint64(a.Subtype) << 48
	switch actions[a.Type].shape {
	case shape8:
		w |= uint64(uint8(a.Arg)) << 40
	case shape16:
		w |= uint64(uint16(a.Arg)) << 32
	case shape32:
		w |= uint64(a.Arg)
	}
	return w
}

// encodeForm appends an action that has an extension, or a standard one that has
// a subtype. The latter is written as Nicira's where the version has no other.
func encodeForm(c *cursor, b []byte, a *Action) []byte {
	if a.Ext != nil {
		if s, ok := a.Ext.(standardizer); ok && a.Subtype == 0 && !absent(s) {
			if std, ok := s.standard(c.v); ok {
				return encodeAction(c, b, &std)
			}
		}
		c.buf = b
		a.writeExtension(c)
		return c.buf
	}
	row := extensionByKind[niciraID<<16|uint64(a.Subtype)]
	if row == nil || row.action != a.Type {
		c.bad("action "+a.Type.String(), "subtype %d is not a form of it", a.Subtype)
		return b
	}
	if row.last != 0 && c.v > row.last {
		std := *a
		std.Subtype = 0
		return encodeAction(c, b, &std)
	}
	switch actions[a.Type].shape {
	case shape8:
		c.fits(a, 8)
	case shape16:
		c.fits(a, 16)
	case shapeField:
		return appendRegLoad2(c, b, a)
	}
	b = appendWord(b, kindExperimenter<<48|16<<32|niciraID)
	return appendWord(b, a.formWord())
}
