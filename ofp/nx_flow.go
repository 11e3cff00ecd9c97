package ofp

import "encoding/binary"

// NXFlowMod is a flow-mod whose match has Nicira's fields (NXT_FLOW_MOD). Table
// travels in the upper byte of the command, which the connection must have turned
// on with NXFlowModTableID; OutGroup and CookieMask have no place.
type NXFlowMod struct {
	FlowMod // Cookie: of the flow when this is done; all ones leave it as it is

	// Which flows a modify or delete is about, by their cookies.
	MatchCookie, MatchCookieMask uint64
}

// Type returns TypeNXFlowMod.
func (*NXFlowMod) Type() Type { return TypeNXFlowMod }

func (m *NXFlowMod) walk(c *cursor) {
	if c.wr && m.CookieMask != 0 {
		c.lacks("cookie_mask")
	}
	b := c.fixed(32, "flow_mod")
	m.settings10(c, b, true)
	n := int(binary.BigEndian.Uint16(b[24:]))
	start := c.mark()
	n = walkNXMatchCookie(c, n, &m.Match, &m.MatchCookie, &m.MatchCookieMask)
	if c.wr {
		binary.BigEndian.PutUint16(c.buf[start-8:], uint16(n))
		c.say.match = &m.Match
	}
	walkInstructions(c, &m.Instructions)
}

func (m *NXFlowMod) clone() any {
	return &NXFlowMod{FlowMod: *m.FlowMod.Clone(), MatchCookie: m.MatchCookie, MatchCookieMask: m.MatchCookieMask}
}

func (m *NXFlowMod) print(p *printer) {
	p.flowModWith(&m.FlowMod, func() {
		if m.Cookie != 0 && m.Cookie != ^uint64(0) {
			p.f("cookie:0x%x ", m.Cookie)
		}
		if m.MatchCookieMask != 0 {
			p.f("cookie:0x%x/0x%x ", m.MatchCookie, m.MatchCookieMask)
		}
	})
}

// NXFlowRemoved is a flow-removed whose match has Nicira's fields
// (NXT_FLOW_REMOVED). It has no hard timeout.
type NXFlowRemoved struct{ FlowRemoved } // Table: TableAll where the switch does not tell it

// Type returns TypeNXFlowRemoved.
func (*NXFlowRemoved) Type() Type { return TypeNXFlowRemoved }

func (m *NXFlowRemoved) walk(c *cursor) {
	b := c.fixed(40, "flow_removed")
	table := m.Table + 1
	c.u64(b, &m.Cookie)
	c.u16(b[8:], &m.Priority)
	c.u8(b[10:], (*uint8)(&m.Reason))
	c.u8(b[11:], &table)
	c.u32(b[12:], &m.DurationSec)
	c.u32(b[16:], &m.DurationNsec)
	c.u16(b[20:], &m.IdleTimeout)
	c.u64(b[24:], &m.Packets)
	c.u64(b[32:], &m.Bytes)
	if c.wr {
		if m.HardTimeout != 0 {
			c.lacks("hard_timeout")
		}
		start := len(c.buf)
		n := walkNXMatch(c, 0, &m.Match)
		binary.BigEndian.PutUint16(c.buf[start-18:], uint16(n))
		return
	}
	m.Table, m.HardTimeout = table-1, 0
	walkNXMatch(c, int(binary.BigEndian.Uint16(b[22:])), &m.Match)
}

func (m *NXFlowRemoved) clone() any       { return &NXFlowRemoved{*m.FlowRemoved.Clone()} }
func (m *NXFlowRemoved) print(p *printer) { p.flowRemovedWith(&m.FlowRemoved, m.Table != TableAll) }
