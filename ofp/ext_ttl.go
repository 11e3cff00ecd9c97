package ofp

import (
	"math"
	"slices"
	"strconv"
)

// DecTTL takes one from the TTL or hop limit. If none is left, the packet goes to
// the controllers of choice instead (NXAST_DEC_TTL_CNT_IDS). The standard action
// sends it to those of identifier 0.
type DecTTL struct {
	Controllers []uint16 // identifiers, which NXT_SET_CONTROLLER_ID gives
	Spare       uint16   // zero bytes, a multiple of 8, that a sender put after them
}

func (e *DecTTL) walk(c *cursor, _ uint16) {
	n := uint16(min(len(e.Controllers), math.MaxUint16))
	b := c.fixed(6, "action dec_ttl")
	c.u16(b, &n)
	c.blank(b[2:])
	if c.wr {
		for _, id := range e.Controllers {
			c.u16(c.room(2), &id)
		}
		for range e.Spare {
			c.room(1)[0] = 0
		}
		return
	}
	e.Controllers = e.Controllers[:0]
	if c.left() < 2*int(n) {
		c.short("controllers of action dec_ttl", 2*int(n))
		return
	}
	e.Controllers = slices.Grow(e.Controllers, int(n))[:n]
	for i := range e.Controllers {
		c.u16(c.fixed(2, "action dec_ttl"), &e.Controllers[i])
	}
	e.Spare = uint16(c.left() &^ 7)
	c.blank(c.fixed(int(e.Spare), "action dec_ttl"))
}

func (e *DecTTL) clone() Extension { return &DecTTL{slices.Clone(e.Controllers), e.Spare} }

func (e *DecTTL) appendText(b []byte, _ Version, _ *Names) []byte {
	b = append(b, "dec_ttl("...)
	for i, id := range e.Controllers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(id), 10)
	}
	return append(b, ')')
}

func (e *DecTTL) validate() error { return fitsAction("dec_ttl", 2*len(e.Controllers)+int(e.Spare)) }

// decTTL reads dec_ttl: the standard action, or that with controllers.
func (p *textParser) decTTL(it textItem) Action {
	if !it.has || it.val == "" {
		return Action{Type: ActionDecNWTTL}
	}
	e := &DecTTL{}
	for _, arg := range p.arguments(it) {
		e.Controllers = append(e.Controllers, uint16(p.uint(arg, math.MaxUint16)))
	}
	return Extend(e)
}
