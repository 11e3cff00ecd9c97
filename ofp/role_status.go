package ofp

// RoleStatusReason says why a controller's role changed
// (ofp_controller_role_reason).
type RoleStatusReason uint8

// Reasons.
const (
	RoleMasterRequest    RoleStatusReason = 0 // another controller became the master
	RoleConfig           RoleStatusReason = 1 // the switch was configured so
	RoleExperimenterData RoleStatusReason = 2
)

// RoleStatus tells a controller that its role has changed without its asking: an
// extension of the ONF to 1.3, which OpenFlow 1.4 took in (its section 7.4.4).
type RoleStatus struct {
	RoleState
	Reason     RoleStatusReason
	Properties []Property
}

// Type returns TypeRoleStatus.
func (*RoleStatus) Type() Type { return TypeRoleStatus }

func (m *RoleStatus) walk(c *cursor) {
	b := c.fixed(16, "role_status")
	c.u32(b, (*uint32)(&m.Role))
	c.u8(b[4:], (*uint8)(&m.Reason))
	c.u64(b[8:], &m.Generation)
	list(c, &m.Properties, "property", walkProperty)
}

func (m *RoleStatus) clone() any {
	o := *m
	o.Properties = cloneProperties(m.Properties)
	return &o
}

func (m *RoleStatus) print(p *printer) {
	p.role(m.Role, m.Generation, m.Generation != NoGeneration)
	p.text(" reason=")
	if int(m.Reason) < len(roleReasonNames) {
		p.text(roleReasonNames[m.Reason])
	} else {
		p.text("(unknown)")
	}
}

// RequestForward tells a controller that another one changed a group or a meter:
// an extension of the ONF to 1.3, which OpenFlow 1.4 took in (its section 7.4.6),
// and Open vSwitch's own in older versions (NXT_REQUESTFORWARD).
type RequestForward struct {
	XID     uint32  // of the message
	Message Message // a GroupMod, in 1.0 an NXGroupMod, or a MeterMod
}

// Type returns TypeRequestForward.
func (*RequestForward) Type() Type { return TypeRequestForward }

func (m *RequestForward) walk(c *cursor) {
	start := c.mark()
	if !c.wr && c.left() >= HeaderLen {
		m.XID = uint32(beUint(c.buf[c.off+4 : c.off+8]))
	}
	walkInner(c, &m.Message, false)
	if c.wr && c.err == nil {
		putUint(c.buf[start+4:start+8], uint64(m.XID))
	}
}

func (m *RequestForward) clone() any {
	o := *m
	o.Message = Clone(m.Message)
	return &o
}

func (m *RequestForward) print(p *printer) {
	if absent(m.Message) {
		return
	}
	switch m.Message.(type) {
	case *GroupMod, *NXGroupMod:
		p.text(" reason=group_mod")
	case *MeterMod:
		p.text(" reason=meter_mod")
	default:
		p.text(" reason=" + m.Message.Type().String())
	}
	p.body(m.Message, nil)
}
