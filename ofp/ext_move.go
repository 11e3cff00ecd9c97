package ofp

import "fmt"

// Move copies bits of a field to as many of another (NXAST_REG_MOVE, and
// ONFACT_COPY_FIELD of the ONF's extension 320 to 1.3, which 1.5 made standard).
type Move struct{ Src, Dst Subfield }

// Subtypes of Move.
const (
	subRegMove   = 6
	subCopyField = 3200
)

func (e *Move) form(v Version, received uint16) uint16 {
	if received == subCopyField && v >= V13 {
		return subCopyField
	}
	return subRegMove
}

func (e *Move) walk(c *cursor, subtype uint16) {
	var b []byte
	var want Version
	if subtype == subRegMove {
		b = c.fixed(6, "action reg_move")
	} else {
		b = c.fixed(10, "action copy_field")
		c.blank(b[:2])
		c.blank(b[8:])
		b, want = b[2:], V13
	}
	c.u16(b, &e.Src.Bits)
	c.u16(b[2:], &e.Src.Ofs)
	c.u16(b[4:], &e.Dst.Ofs)
	e.Src.headerNX(c, want, "source of action move")
	e.Dst.headerNX(c, want, "destination of action move")
	if !c.wr {
		e.Dst.Bits = e.Src.Bits
	} else if e.Dst.Bits != e.Src.Bits {
		c.bad("action move", "%d bits to %d", e.Src.Bits, e.Dst.Bits)
	}
}

func (e *Move) writes() FieldID  { return e.Dst.Field }
func (e *Move) clone() Extension { o := *e; return &o }

func (e *Move) appendText(b []byte, _ Version, _ *Names) []byte {
	b = appendSubfield(append(b, "move:"...), e.Src)
	return appendSubfield(append(b, "->"...), e.Dst)
}

func (e *Move) validate() error {
	if err := e.Src.Validate(); err != nil {
		return err
	}
	if e.Src.Bits != e.Dst.Bits {
		return fmt.Errorf("%s has %d bits, %s has %d; want as many", e.Src, e.Src.Bits, e.Dst, e.Dst.Bits)
	}
	return e.Dst.assignable()
}

// Push puts bits of a field on a stack that lasts as long as the processing of
// the packet (NXAST_STACK_PUSH).
type Push struct{ Src Subfield }

// Pop takes bits of a field off the stack (NXAST_STACK_POP).
type Pop struct{ Dst Subfield }

func (s *Subfield) stack(c *cursor) {
	c.u16(c.fixed(2, "action stack"), &s.Ofs)
	s.headerNX(c, 0, "action stack")
	c.u16(c.fixed(2, "action stack"), &s.Bits)
}

func (e *Push) walk(c *cursor, _ uint16) { e.Src.stack(c) }
func (e *Pop) walk(c *cursor, _ uint16)  { e.Dst.stack(c) }
func (e *Push) clone() Extension         { o := *e; return &o }
func (e *Pop) clone() Extension          { o := *e; return &o }
func (e *Push) validate() error          { return e.Src.Validate() }
func (e *Pop) validate() error           { return e.Dst.assignable() }

func (e *Push) appendText(b []byte, _ Version, _ *Names) []byte {
	return appendSubfield(append(b, "push:"...), e.Src)
}

func (e *Pop) appendText(b []byte, _ Version, _ *Names) []byte {
	return appendSubfield(append(b, "pop:"...), e.Dst)
}

func moveText(p *textParser, it textItem, _ *Match) Extension {
	left, right := p.arrow(it, "move:reg0[0..15]->reg1[16..31]")
	return &Move{p.wholeSubfield(left), p.wholeSubfield(right)}
}

func pushText(p *textParser, it textItem, _ *Match) Extension { return &Push{p.wholeSubfield(it)} }

func popText(p *textParser, it textItem, _ *Match) Extension { return &Pop{p.wholeSubfield(it)} }
