package ofp

import (
	"encoding/binary"
	"math"
)

// SetTunnel sets the identifier of the tunnel that the packet will leave through
// (NXAST_SET_TUNNEL for up to 32 bits, NXAST_SET_TUNNEL64). Since 1.2 it is
// written as a set_field of the tunnel identifier, as Open vSwitch does.
type SetTunnel struct {
	ID   uint64
	Wide bool // named set_tunnel64; an ID of more than 32 bits is so in any case
}

// Subtypes of SetTunnel.
const (
	subSetTunnel   = 2
	subSetTunnel64 = 9
)

func (e *SetTunnel) form(Version, uint16) uint16 {
	if e.Wide || e.ID > math.MaxUint32 {
		return subSetTunnel64
	}
	return subSetTunnel
}

func (e *SetTunnel) standard(v Version) (Action, bool) {
	if v < V12 {
		return Action{}, false
	}
	h := fields[FieldTunnelID].header(v) // in 1.2 a number of Open vSwitch's own
	return Action{Type: ActionSetField, Arg: uint32(h >> 32), Value: binary.BigEndian.AppendUint64(nil, e.ID)}, true
}

func (e *SetTunnel) walk(c *cursor, subtype uint16) {
	if subtype == subSetTunnel {
		id := uint32(e.ID)
		b := c.fixed(6, "action set_tunnel")
		c.blank(b[:2])
		c.u32(b[2:], &id)
		if !c.wr {
			e.ID = uint64(id)
		}
	} else {
		b := c.fixed(14, "action set_tunnel64")
		c.blank(b[:6])
		c.u64(b[6:], &e.ID)
	}
	if !c.wr {
		e.Wide = subtype == subSetTunnel64
	}
}

func (e *SetTunnel) clone() Extension { o := *e; return &o }

func (e *SetTunnel) appendText(b []byte, _ Version, _ *Names) []byte {
	name := "set_tunnel:"
	if e.form(0, 0) == subSetTunnel64 {
		name = "set_tunnel64:"
	}
	return appendHash(append(b, name...), e.ID, 0)
}

func setTunnelText(p *textParser, it textItem, _ *Match) Extension {
	id := p.uint(it, math.MaxUint64)
	return &SetTunnel{ID: id, Wide: it.key == "set_tunnel64" || id > math.MaxUint32}
}
