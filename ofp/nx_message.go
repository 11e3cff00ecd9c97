package ofp

// NXFlowModTableID tells a switch of 1.0 whether the upper byte of a flow-mod's
// command is the number of a table (NXT_FLOW_MOD_TABLE_ID of Open vSwitch's
// nicira-ext.h).
type NXFlowModTableID struct{ On bool }

// Type returns TypeNXFlowModTableID.
func (*NXFlowModTableID) Type() Type { return TypeNXFlowModTableID }

func (m *NXFlowModTableID) walk(c *cursor) {
	b := c.fixed(8, "set")
	var on uint8
	if m.On {
		on = 1
	}
	c.u8(b, &on)
	if on > 1 {
		c.bad("set", "%d, want 0 or 1", on)
	}
	m.On = on == 1
}
