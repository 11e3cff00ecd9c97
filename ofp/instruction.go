package ofp

import "encoding/binary"

// InstructionType is the type of an instruction; its values are those of all
// versions since 1.1 (ofp_instruction_type, section 7.2.4 of OpenFlow 1.3.5).
type InstructionType uint16

// Instruction types.
const (
	InstructionGotoTable     InstructionType = 1
	InstructionWriteMetadata InstructionType = 2
	InstructionWriteActions  InstructionType = 3
	InstructionApplyActions  InstructionType = 4
	InstructionClearActions  InstructionType = 5
	InstructionMeter         InstructionType = 6 // 1.3
	InstructionExperimenter  InstructionType = 0xffff
)

// Instruction is what a flow does with a packet. OpenFlow 1.0 has none: there a
// flow's actions are one InstructionApplyActions, and a flow without
// instructions drops.
type Instruction struct {
	Type         InstructionType
	Table        uint8    // goto_table
	Meter        uint32   // meter
	Metadata     uint64   // write_metadata
	MetadataMask uint64   // write_metadata
	Actions      []Action // write_actions, apply_actions
	Data         []byte   // experimenter, and types that are not known: all after the length
}

// instructionInfo is one row of the table of instructions.
type instructionInfo struct {
	typ  InstructionType
	name string
	from Version
	len  int // 0: varies
}

var instructions = [...]instructionInfo{
	{InstructionGotoTable, "goto_table", V11, 8},
	{InstructionWriteMetadata, "write_metadata", V11, 24},
	{InstructionWriteActions, "write_actions", V11, 0},
	{InstructionApplyActions, "apply_actions", V11, 0},
	{InstructionClearActions, "clear_actions", V11, 8},
	{InstructionMeter, "meter", V13, 8},
	{InstructionExperimenter, "experimenter", V11, 0},
}

func (t InstructionType) info() *instructionInfo {
	if t >= 1 && t <= InstructionMeter {
		return &instructions[t-1]
	}
	if t == InstructionExperimenter {
		return &instructions[len(instructions)-1]
	}
	return nil
}

// String returns the specification's name in small letters, such as
// "apply_actions".
func (t InstructionType) String() string {
	if i := t.info(); i != nil {
		return i.name
	}
	return "unknown"
}

// Apply returns the instruction to apply actions at once: the form that every
// version has.
func Apply(as ...Action) Instruction {
	return Instruction{Type: InstructionApplyActions, Actions: as}
}

// WriteActions returns the instruction to add actions to the action set.
func WriteActions(as ...Action) Instruction {
	return Instruction{Type: InstructionWriteActions, Actions: as}
}

// GotoTable returns the instruction to go on in a later table.
func GotoTable(table uint8) Instruction {
	return Instruction{Type: InstructionGotoTable, Table: table}
}

// walkInstructions walks what a flow does, which fills the structure at hand:
// instructions, or plain actions in 1.0.
func walkInstructions(c *cursor, is *[]Instruction) {
	if c.v == V10 {
		walkPlainActions(c, is)
		return
	}
	if c.wr {
		for i := range *is {
			c.say.last = i == len(*is)-1
			writeInstruction(c, &(*is)[i])
		}
		return
	}
	list(c, is, "instruction", readInstruction)
}

func walkPlainActions(c *cursor, is *[]Instruction) {
	if !c.wr {
		*is = (*is)[:0]
		if !c.more() {
			return
		}
		i := extend(is)
		*i = Instruction{Type: InstructionApplyActions, Actions: i.Actions}
		walkActions(c, &i.Actions)
		return
	}
	for n := range *is {
		i := &(*is)[n]
		switch {
		case i.Type != InstructionApplyActions && c.say.extensions:
			c.buf = encodeExtendedInstruction(c, c.buf, i)
		case i.Type != InstructionApplyActions:
			c.lacks("instruction " + i.Type.String())
			return
		case n > 0 && !c.say.extensions:
			c.lacks("a second instruction apply_actions")
			return
		default:
			walkActions(c, &i.Actions)
		}
	}
}

func readInstruction(c *cursor, i *Instruction) {
	if c.left() < 4 {
		c.short("instruction", 4)
		return
	}
	b := c.buf[c.off:c.end]
	t, n := InstructionType(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
	if n < 8 || n&7 != 0 || n > len(b) {
		c.off += 2
		c.bad("instruction length", "%d, want a multiple of 8, at least 8 and at most %d", n, len(b))
		return
	}
	*i = Instruction{Type: t, Actions: i.Actions[:0]}
	info := t.info()
	if info != nil && info.from > c.v {
		c.lacks("instruction " + info.name)
		return
	}
	if t == InstructionApplyActions || t == InstructionWriteActions { // nearly all there are
		outer := c.enter(n)
		c.off += 8
		walkActions(c, &i.Actions)
		c.leave(outer)
		return
	}
	if info != nil && info.len != 0 && n != info.len {
		c.off += 2
		c.bad("instruction "+info.name, "length %d, want %d", n, info.len)
		return
	}
	outer := c.enter(n)
	c.off += 4
	if info == nil {
		c.rest(&i.Data)
	} else {
		i.body(c)
	}
	c.leave(outer)
}

func writeInstruction(c *cursor, i *Instruction) {
	start := len(c.buf)
	if i.Type == InstructionApplyActions || i.Type == InstructionWriteActions { // nearly all there are
		b := appendWord(c.buf, uint64(i.Type)<<48)
		b = encodeActions(c, b, i.Actions)
		n := len(b) - start
		if n > 0xffff {
			c.tooLong()
		}
		binary.BigEndian.PutUint16(b[start+2:], uint16(n))
		c.buf = b
		return
	}
	info := i.Type.info()
	if info != nil && info.from > c.v {
		c.lacks("instruction " + info.name)
		return
	}
	binary.BigEndian.PutUint16(c.room(4), uint16(i.Type))
	if info == nil {
		c.rest(&i.Data)
	} else {
		i.body(c)
	}
	c.pad8(start)
	c.setLen16(start, 2)
}

// body is what follows the instruction's length, but of those with actions.
func (i *Instruction) body(c *cursor) {
	switch i.Type {
	case InstructionGotoTable:
		c.u8(c.fixed(4, "instruction goto_table"), &i.Table)
	case InstructionWriteMetadata:
		b := c.fixed(20, "instruction write_metadata")
		c.u64(b[4:], &i.Metadata)
		c.u64(b[12:], &i.MetadataMask)
	case InstructionClearActions:
		c.skip(4, "instruction clear_actions")
	case InstructionMeter:
		c.u32(c.fixed(4, "instruction meter"), &i.Meter)
	case InstructionExperimenter:
		c.rest(&i.Data)
	}
}

// CloneInstructions returns instructions that share no memory with is.
func CloneInstructions(is []Instruction) []Instruction {
	if is == nil {
		return nil
	}
	out := make([]Instruction, len(is))
	for n, i := range is {
		i.Actions = cloneActions(i.Actions)
		if i.Data != nil {
			i.Data = append([]byte{}, i.Data...)
		}
		out[n] = i
	}
	return out
}
