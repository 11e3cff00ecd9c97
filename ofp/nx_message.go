package ofp

// The messages that Nicira defined and Open vSwitch speaks, in all versions unless
// it says otherwise (nicira-ext.h and ofp-msgs.h of Open vSwitch).

// NXFlowModTableID tells a switch of 1.0 whether the upper byte of a flow-mod's
// command is the number of a table (NXT_FLOW_MOD_TABLE_ID).
type NXFlowModTableID struct {
	Set uint8 // 0: it is not; 1, or anything else: it is
}

// Type returns TypeNXFlowModTableID.
func (*NXFlowModTableID) Type() Type { return TypeNXFlowModTableID }

func (m *NXFlowModTableID) walk(c *cursor) { c.u8(c.fixed(8, "set"), &m.Set) }
func (m *NXFlowModTableID) clone() any     { return copyOf(m) }

func (m *NXFlowModTableID) print(p *printer) {
	p.text(map[bool]string{false: " disable", true: " enable"}[m.Set != 0])
}

// NXFlowFormat is a form of flow-mods and flow statistics.
type NXFlowFormat uint32

// Flow formats.
const (
	NXFlowFormatOpenFlow10 NXFlowFormat = 0 // as OpenFlow 1.0 has them
	NXFlowFormatNXM        NXFlowFormat = 2 // with matches of Nicira's fields
)

// NXSetFlowFormat sets the format in which a switch of 1.0 tells flows
// (NXT_SET_FLOW_FORMAT); 1.0.
type NXSetFlowFormat struct{ Format NXFlowFormat }

// Type returns TypeNXSetFlowFormat.
func (*NXSetFlowFormat) Type() Type       { return TypeNXSetFlowFormat }
func (m *NXSetFlowFormat) walk(c *cursor) { c.u32(c.fixed(4, "format"), (*uint32)(&m.Format)) }
func (m *NXSetFlowFormat) clone() any     { return copyOf(m) }

func (m *NXSetFlowFormat) print(p *printer) {
	switch m.Format {
	case NXFlowFormatOpenFlow10:
		p.text(" format=openflow10")
	case NXFlowFormatNXM:
		p.text(" format=nxm")
	default:
		p.text(" format=(unknown)")
	}
}

// NXPacketInFormat is the form of packet-ins.
type NXPacketInFormat uint32

// Packet-in formats.
const (
	NXPacketInStandard NXPacketInFormat = 0 // PacketIn
	NXPacketInNXM      NXPacketInFormat = 1 // NXPacketIn
	NXPacketIn2Format  NXPacketInFormat = 2 // NXPacketIn2
)

var nxPacketInFormatNames = [...]string{"standard", "nxt_packet_in", "nxt_packet_in2"}

// NXSetPacketInFormat asks for a format of packet-ins (NXT_SET_PACKET_IN_FORMAT).
type NXSetPacketInFormat struct{ Format NXPacketInFormat }

// Type returns TypeNXSetPacketInFormat.
func (*NXSetPacketInFormat) Type() Type       { return TypeNXSetPacketInFormat }
func (m *NXSetPacketInFormat) walk(c *cursor) { c.u32(c.fixed(4, "format"), (*uint32)(&m.Format)) }
func (m *NXSetPacketInFormat) clone() any     { return copyOf(m) }

func (m *NXSetPacketInFormat) print(p *printer) {
	if int(m.Format) < len(nxPacketInFormatNames) {
		p.text(" format=" + nxPacketInFormatNames[m.Format])
		return
	}
	p.number(" format=", uint64(m.Format))
}

// NXFlowAge asks for idle and hard ages in the flow statistics of 1.0
// (NXT_FLOW_AGE).
type NXFlowAge struct{}

// Type returns TypeNXFlowAge.
func (*NXFlowAge) Type() Type     { return TypeNXFlowAge }
func (*NXFlowAge) walk(*cursor)   {}
func (m *NXFlowAge) clone() any   { return m }
func (*NXFlowAge) print(*printer) {}

// NXSetControllerID gives the connection a number, by which the controller action
// names the controllers that a packet goes to (NXT_SET_CONTROLLER_ID).
type NXSetControllerID struct{ ID uint16 }

// Type returns TypeNXSetControllerID.
func (*NXSetControllerID) Type() Type         { return TypeNXSetControllerID }
func (m *NXSetControllerID) walk(c *cursor)   { c.u16(c.fixed(8, "controller_id")[6:], &m.ID) }
func (m *NXSetControllerID) clone() any       { return copyOf(m) }
func (m *NXSetControllerID) print(p *printer) { p.number(" id=", uint64(m.ID)) }

// NXRoleRequest is the role request of 1.0 and 1.1 in a later version, which Open
// vSwitch takes there too (NXT_ROLE_REQUEST); 1.2 and 1.3. In 1.0 and 1.1 it is
// what RoleRequest becomes.
type NXRoleRequest struct{ Role Role }

// NXRoleReply answers an NXRoleRequest.
type NXRoleReply struct{ Role Role }

// Type returns TypeNXRoleRequest.
func (*NXRoleRequest) Type() Type         { return TypeNXRoleRequest }
func (m *NXRoleRequest) walk(c *cursor)   { m.Role.walkNX(c) }
func (m *NXRoleRequest) clone() any       { return copyOf(m) }
func (m *NXRoleRequest) print(p *printer) { p.role(m.Role, NoGeneration, false) }

// Type returns TypeNXRoleReply.
func (*NXRoleReply) Type() Type         { return TypeNXRoleReply }
func (m *NXRoleReply) walk(c *cursor)   { m.Role.walkNX(c) }
func (m *NXRoleReply) clone() any       { return copyOf(m) }
func (m *NXRoleReply) print(p *printer) { p.role(m.Role, NoGeneration, false) }

// walkNX is a role as Nicira numbers them: one less than OpenFlow 1.2, which put
// the absence of a change before them. A number that is no role is kept, but for
// the one that would become RoleNoChange.
func (r *Role) walkNX(c *cursor) {
	b := c.fixed(4, "role")
	n := uint32(*r) - 1
	if c.wr && *r == RoleNoChange {
		c.lacks("role nochange")
		return
	}
	c.u32(b, &n)
	if n == ^uint32(0) {
		c.bad("role", "%d", n)
	}
	if !c.wr {
		*r = Role(n + 1)
	}
}

// FlowMonitorCancel ends a flow monitor (NXT_FLOW_MONITOR_CANCEL;
// ONFT_FLOW_MONITOR_CANCEL in 1.3).
type FlowMonitorCancel struct{ ID uint32 }

// Type returns TypeFlowMonitorCancel.
func (*FlowMonitorCancel) Type() Type         { return TypeFlowMonitorCancel }
func (m *FlowMonitorCancel) walk(c *cursor)   { c.u32(c.fixed(4, "id"), &m.ID) }
func (m *FlowMonitorCancel) clone() any       { return copyOf(m) }
func (m *FlowMonitorCancel) print(p *printer) { p.number(" id=", uint64(m.ID)) }

// FlowMonitorPaused tells that flow updates are left out from here on, because
// too many wait to be sent (NXT_FLOW_MONITOR_PAUSED; ONFT_FLOW_MONITOR_PAUSED in
// 1.3).
type FlowMonitorPaused struct{}

// Type returns TypeFlowMonitorPaused.
func (*FlowMonitorPaused) Type() Type     { return TypeFlowMonitorPaused }
func (*FlowMonitorPaused) walk(*cursor)   {}
func (m *FlowMonitorPaused) clone() any   { return m }
func (*FlowMonitorPaused) print(*printer) {}

// FlowMonitorResumed tells that the updates are whole again, those that were left
// out having been made up for (NXT_FLOW_MONITOR_RESUMED;
// ONFT_FLOW_MONITOR_RESUMED in 1.3).
type FlowMonitorResumed struct{}

// Type returns TypeFlowMonitorResumed.
func (*FlowMonitorResumed) Type() Type     { return TypeFlowMonitorResumed }
func (*FlowMonitorResumed) walk(*cursor)   {}
func (m *FlowMonitorResumed) clone() any   { return m }
func (*FlowMonitorResumed) print(*printer) {}
