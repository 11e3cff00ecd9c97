package ofp

import "encoding/binary"

// formIn10 are the subtypes of the actions of Open vSwitch that say in 1.0 what
// later versions have an action for: those of the table of extensions.
var formIn10 = func() (t [numActions]uint16) {
	for i := range extensions {
		if e := &extensions[i]; e.action != 0 && e.last == V10 {
			t[e.action] = e.subtype
		}
	}
	return t
}()

// Subtypes of other actions of Open vSwitch.
const (
	subRegLoad       = 7
	subWriteMetadata = 22
)

// encodeExtended appends the action of Open vSwitch that says what the version
// at hand has no action for, if there is one.
func encodeExtended(c *cursor, b []byte, a *Action) (out []byte, ok bool) {
	if c.v > V11 {
		return b, false
	}
	switch a.Type {
	case ActionSetField:
		return encodeLoads(c, b, a)
	case ActionSetNWTTL:
		return appendLoad(b, fields[FieldNWTTL].nxm(), 0, 8, uint64(a.Arg)), a.Arg < 1<<8
	case ActionSetIPECN:
		return appendLoad(b, fields[FieldIPECN].nxm(), 0, 2, uint64(a.Arg)), a.Arg < 1<<2
	}
	form := *a
	if form.Subtype = formIn10[a.Type]; form.Subtype == 0 || c.v != V10 {
		return b, false
	}
	return encodeForm(c, b, &form), true
}

// encodeExtendedInstruction appends what 1.0 has, with Open vSwitch's actions,
// instead of an instruction.
func encodeExtendedInstruction(c *cursor, b []byte, i *Instruction) []byte {
	switch i.Type {
	case InstructionGotoTable:
		a := Extend(&Resubmit{InPort: PortInPort, Table: i.Table})
		return encodeAction(c, b, &a)
	case InstructionWriteMetadata:
		b = appendNicira(b, 32, subWriteMetadata)
		binary.BigEndian.PutUint64(b[len(b)-16:], i.Metadata)
		binary.BigEndian.PutUint64(b[len(b)-8:], i.MetadataMask)
		return b
	case InstructionClearActions:
		return b // 1.0 has no action set that would be full
	}
	c.lacks("instruction " + i.Type.String())
	return b
}

// nxm is the header by which Open vSwitch's own actions name the field.
func (f *FieldInfo) nxm() uint32 { return uint32(f.header(0) >> 32) }

// appendLoad appends an NXAST_REG_LOAD of n bits, the lowest of which is number
// from, of the field with that header.
func appendLoad(b []byte, header uint32, from, n int, v uint64) []byte {
	b = appendNicira(b, 24, subRegLoad)
	binary.BigEndian.PutUint16(b[len(b)-14:], uint16(from<<6|(n-1)))
	binary.BigEndian.PutUint32(b[len(b)-12:], header)
	binary.BigEndian.PutUint64(b[len(b)-8:], v)
	return b
}

// appendNicira appends an action of Open vSwitch of n bytes, of which those after
// the subtype are zero.
func appendNicira(b []byte, n, subtype uint16) []byte {
	b = appendWord(b, kindExperimenter<<48|uint64(n)<<32|niciraID)
	b = appendWord(b, uint64(subtype)<<48)
	for range (n - 16) / 8 {
		b = appendWord(b, 0)
	}
	return b
}
