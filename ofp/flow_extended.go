package ofp

import (
	"encoding/binary"
	"errors"
)

// nxtFlowMod is the number of Nicira's flow-mod (NXT_FLOW_MOD).
const nxtFlowMod = 13

// sayFlowMod10 writes a flow-mod again, which 1.0 could not say, as Nicira's
// flow-mod: its match has every field. It reports whether m is such a flow-mod;
// the cursor then holds that message, or why it cannot be said either.
func (c *cursor) sayFlowMod10(m Message) bool {
	mod, ok := m.(*FlowMod)
	if !ok || c.v != V10 || !c.say.extensions || !errors.Is(c.err, ErrVersion) {
		return false
	}
	c.err = nil
	c.buf = c.buf[:c.base+HeaderLen]
	c.buf[c.base+1] = kindOfExperimenter
	binary.BigEndian.PutUint64(c.space(8), niciraID<<32|nxtFlowMod)
	mod.writeNX(c)
	return true
}

// writeNX is what follows the subtype. The cookies that flows must have stand in
// the match; a modify by cookie leaves the flows' cookies as they are, as it does
// in 1.1 and later.
func (m *FlowMod) writeNX(c *cursor) {
	if m.OutGroup != GroupAny && m.OutGroup != 0 {
		c.lacks("out_group")
	}
	cookie, mask := m.Cookie, m.CookieMask
	switch {
	case m.Command == FlowAdd:
		mask = 0
	case mask != 0 && m.Command <= FlowModifyStrict:
		cookie = ^uint64(0)
	case mask != 0:
		cookie = 0
	}
	command := uint16(m.Table)<<8 | uint16(m.Command)
	b := c.room(32)
	c.u64(b, &cookie)
	c.u16(b[8:], &command)
	c.u16(b[10:], &m.IdleTimeout)
	c.u16(b[12:], &m.HardTimeout)
	c.u16(b[14:], &m.Priority)
	c.u32(b[16:], &m.BufferID)
	c.port16(b[20:], &m.OutPort, "out_port")
	m.Flags.walk(c, b[22:])
	start := len(c.buf)
	n := walkNXMatchCookie(c, 0, &m.Match, &m.Cookie, &mask)
	binary.BigEndian.PutUint16(c.buf[start-8:], uint16(n))
	c.say.match = &m.Match
	walkInstructions(c, &m.Instructions)
}
