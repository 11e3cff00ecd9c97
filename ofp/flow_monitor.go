package ofp

import "encoding/binary"

// FlowMonitorFlags say what a flow monitor tells of (nx_flow_monitor_flags).
type FlowMonitorFlags uint16

// Flow monitor flags.
const (
	MonitorInitial FlowMonitorFlags = 1 << 0 // the flows that are there
	MonitorAdd     FlowMonitorFlags = 1 << 1 // flows as they are added
	MonitorDelete  FlowMonitorFlags = 1 << 2 // flows as they go
	MonitorModify  FlowMonitorFlags = 1 << 3 // flows as they are changed
	MonitorActions FlowMonitorFlags = 1 << 4 // the flows' actions, too
	MonitorOwn     FlowMonitorFlags = 1 << 5 // the controller's own changes in full
)

var flowMonitorFlagNames = bitNames{"initial", "add", "delete", "modify", "actions", "own"}

// FlowMonitor says which changes of flows a controller wants to be told.
type FlowMonitor struct {
	ID      uint32 // the controller's number for it, for FlowMonitorCancel
	Flags   FlowMonitorFlags
	OutPort PortNo // only flows that output there, or PortAny
	Table   uint8  // or TableAll
	Match   Match  // only flows that match this, or more closely
}

// FlowMonitorRequest starts monitors (NXST_FLOW_MONITOR up to 1.2,
// ONFST_FLOW_MONITOR in 1.3). The reply with the flows that are there has the
// request's transaction identifier, those with later changes have zero.
type FlowMonitorRequest struct{ Monitors []FlowMonitor }

// FlowMonitorReply tells of flows.
type FlowMonitorReply struct{ Updates []FlowUpdate }

// FlowEvent is what happened to a flow (nx_flow_update_event).
type FlowEvent uint16

// Flow events.
const (
	FlowAdded       FlowEvent = 0
	FlowDeleted     FlowEvent = 1
	FlowModified    FlowEvent = 2
	FlowAbbreviated FlowEvent = 3 // what the request with XID asked for, of the controller itself
)

// FlowUpdate tells what happened to a flow (nx_flow_update_full and
// nx_flow_update_abbrev).
type FlowUpdate struct {
	Event       FlowEvent
	Reason      uint16 // of FlowDeleted: a FlowRemovedReason
	Priority    uint16
	IdleTimeout uint16 // seconds
	HardTimeout uint16 // seconds
	Table       uint8
	Cookie      uint64
	XID         uint32 // of FlowAbbreviated, which has nothing else

	Match        Match
	Instructions []Instruction // with MonitorActions; none of FlowDeleted
}

// Kind returns PartExperimenter.
func (*FlowMonitorRequest) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*FlowMonitorReply) Kind() PartKind { return PartExperimenter }

func (p *FlowMonitorRequest) walk(c *cursor) { list(c, &p.Monitors, "monitor", walkFlowMonitor) }
func (p *FlowMonitorReply) walk(c *cursor)   { list(c, &p.Updates, "update", walkFlowUpdate) }

func walkFlowMonitor(c *cursor, m *FlowMonitor) {
	b := c.fixed(16, "monitor")
	start := c.mark()
	c.u32(b, &m.ID)
	c.u16(b[4:], (*uint16)(&m.Flags))
	at := 8 // of the match's length
	if c.v >= V13 {
		at = 6
		c.port32(b[8:], &m.OutPort)
		c.u8(b[12:], &m.Table)
	} else {
		c.port16(b[6:], &m.OutPort, "out_port")
		c.u8(b[10:], &m.Table)
	}
	walkSizedMatch(c, &m.Match, b, start, 16, at)
}

// walkSizedMatch walks a match whose length stands at offset at of the head bytes
// in b, which end at start. In 1.3 it is OpenFlow's own, and its length is that
// without the padding.
func walkSizedMatch(c *cursor, m *Match, b []byte, start, head, at int) {
	if c.v < V13 {
		n := walkNXMatch(c, int(binary.BigEndian.Uint16(b[at:])), m)
		if c.wr {
			binary.BigEndian.PutUint16(c.buf[start-head+at:], uint16(n))
		}
		return
	}
	n := binary.BigEndian.Uint16(b[at:])
	if !c.wr && c.left() >= 4 {
		if own := binary.BigEndian.Uint16(c.buf[c.off+2:]); own != n {
			c.bad("match length", "%d, but the match says %d", n, own)
			return
		}
	}
	walkMatch(c, m)
	if c.wr && c.err == nil {
		copy(c.buf[start-head+at:start-head+at+2], c.buf[start+2:start+4])
	}
}

func walkFlowUpdate(c *cursor, u *FlowUpdate) {
	start, outer, ok := c.open(8, "update", 0)
	if !ok {
		return
	}
	event := uint16(u.Event)
	if !c.wr {
		event = binary.BigEndian.Uint16(c.buf[c.off+2:])
		u.Event = FlowEvent(event)
	}
	switch {
	case u.Event == FlowAbbreviated:
		b := c.fixed(8, "update")
		c.u16(b[2:], &event)
		c.u32(b[4:], &u.XID)
		if !c.wr {
			*u = FlowUpdate{Event: u.Event, XID: u.XID, Match: u.Match, Instructions: u.Instructions[:0]}
			u.Match.Reset()
			c.ended("update")
		}
	case u.Event > FlowAbbreviated:
		c.bad("update event", "%d, at most 3", event)
		return
	default:
		u.walk(c, event)
	}
	if c.err == nil {
		c.close(start, outer, 0)
	}
}

func (u *FlowUpdate) walk(c *cursor, event uint16) {
	b := c.fixed(24, "update")
	start := c.mark()
	c.u16(b[2:], &event)
	c.u16(b[4:], &u.Reason)
	c.u16(b[6:], &u.Priority)
	c.u16(b[8:], &u.IdleTimeout)
	c.u16(b[10:], &u.HardTimeout)
	c.u8(b[14:], &u.Table)
	c.u64(b[16:], &u.Cookie)
	if !c.wr {
		u.XID = 0
	}
	walkSizedMatch(c, &u.Match, b, start, 24, 12)
	if c.v >= V13 {
		walkInstructions(c, &u.Instructions)
		return
	}
	// Up to 1.2 there are actions and no instructions around them.
	var as []Action
	if c.wr {
		as = u.actions(c)
	}
	walkActions(c, &as)
	if !c.wr {
		u.Instructions = u.Instructions[:0]
		if len(as) > 0 {
			u.Instructions = append(u.Instructions, Apply(as...))
		}
	}
}

// actions returns what the one instruction applies, if there is one.
func (u *FlowUpdate) actions(c *cursor) []Action {
	switch {
	case len(u.Instructions) == 0:
		return nil
	case len(u.Instructions) > 1 || u.Instructions[0].Type != InstructionApplyActions:
		c.lacks("update with instructions")
		return nil
	}
	return u.Instructions[0].Actions
}

func (p *FlowMonitorRequest) clone() any {
	return &FlowMonitorRequest{Monitors: cloneEach(p.Monitors, func(m *FlowMonitor) { m.Match = m.Match.Clone() })}
}

func (p *FlowMonitorReply) clone() any {
	return &FlowMonitorReply{Updates: cloneEach(p.Updates, func(u *FlowUpdate) {
		u.Match, u.Instructions = u.Match.Clone(), CloneInstructions(u.Instructions)
	})}
}

func (p *FlowMonitorRequest) print(t *printer) {
	for i := range p.Monitors {
		m := &p.Monitors[i]
		t.f("\n id=%d flags=", m.ID)
		t.b = flowMonitorFlagNames.join(t.b, uint32(m.Flags), ',')
		if m.OutPort != PortAny {
			t.text(" out_port=" + m.OutPort.String())
		}
		if m.Table != TableAll {
			t.number(" table=", uint64(m.Table))
		}
		if !m.Match.Empty() {
			t.text(" ")
			t.b = appendMatch(t.b, &m.Match, t.v, nil)
		}
	}
}

var flowEventNames = [...]string{"ADDED", "DELETED", "MODIFIED"}

// print leaves out the priority, as Open vSwitch does.
func (p *FlowMonitorReply) print(t *printer) {
	for i := range p.Updates {
		u := &p.Updates[i]
		if u.Event == FlowAbbreviated {
			t.f("\n event=ABBREV xid=0x%x", u.XID)
			continue
		}
		if int(u.Event) < len(flowEventNames) {
			t.text("\n event=" + flowEventNames[u.Event])
		} else {
			t.number("\n event=", uint64(u.Event)) // that no message has
		}
		if u.Event == FlowDeleted {
			t.text(" reason=")
			if u.Reason < 256 {
				t.reason(flowRemovedReasonNames, uint8(u.Reason))
			} else {
				t.number("", uint64(u.Reason))
			}
		}
		t.number(" table=", uint64(u.Table))
		if u.IdleTimeout != 0 {
			t.number(" idle_timeout=", uint64(u.IdleTimeout))
		}
		if u.HardTimeout != 0 {
			t.number(" hard_timeout=", uint64(u.HardTimeout))
		}
		t.text(" cookie=")
		t.b = append(appendHash(t.b, u.Cookie, 0), ' ')
		before := len(t.b)
		t.b = appendMatch(t.b, &u.Match, t.v, nil)
		if len(u.Instructions) > 0 {
			if len(t.b) > before {
				t.text(" ")
			}
			t.text("actions=")
			t.b = appendInstructions(t.b, u.Instructions, t.v, nil)
		}
	}
}
