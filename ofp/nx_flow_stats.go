package ofp

import "encoding/binary"

// NXFlowStatsRequest asks for flows by Nicira's fields (NXST_FLOW); 1.0. OutGroup
// and the cookie of the filter have no place.
type NXFlowStatsRequest struct{ FlowFilter }

// NXAggregateRequest asks for the sum over such flows (NXST_AGGREGATE); 1.0.
type NXAggregateRequest struct{ FlowFilter }

// NXAggregateReply tells the sum.
type NXAggregateReply struct{ AggregateReply }

// NXFlowStatsReply lists flows.
type NXFlowStatsReply struct{ Flows []NXFlowStats }

// NXFlowStats is one flow (nx_flow_stats).
type NXFlowStats struct {
	FlowStats

	// Seconds since the flow last took a packet, and since it was last changed,
	// plus one each; 0 where the switch does not tell, as Open vSwitch does not
	// before an NXFlowAge.
	IdleAge, HardAge uint16
}

// Kind returns PartExperimenter.
func (*NXFlowStatsRequest) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXAggregateRequest) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXAggregateReply) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXFlowStatsReply) Kind() PartKind { return PartExperimenter }

func (p *NXFlowStatsRequest) walk(c *cursor) { p.walkNX(c) }
func (p *NXAggregateRequest) walk(c *cursor) { p.walkNX(c) }
func (p *NXFlowStatsReply) walk(c *cursor)   { list(c, &p.Flows, "flow", walkNXFlowStats) }

func (p *FlowFilter) walkNX(c *cursor) {
	if c.wr && p.CookieMask != 0 {
		c.lacks("cookie filter")
	}
	if c.wr && p.OutGroup != GroupAny && p.OutGroup != 0 {
		c.lacks("out_group")
	}
	b := c.fixed(8, "flow filter")
	c.port16(b, &p.OutPort, "out_port")
	c.u8(b[4:], &p.Table)
	if c.wr {
		start := len(c.buf)
		n := walkNXMatch(c, 0, &p.Match)
		binary.BigEndian.PutUint16(c.buf[start-6:], uint16(n))
		return
	}
	p.OutGroup, p.Cookie, p.CookieMask = GroupAny, 0, 0
	walkNXMatch(c, int(binary.BigEndian.Uint16(b[2:])), &p.Match)
}

func walkNXFlowStats(c *cursor, f *NXFlowStats) {
	start, outer, ok := c.open(48, "flow", 0)
	if !ok {
		return
	}
	b := c.fixed(48, "flow")
	c.u8(b[2:], &f.Table)
	c.u32(b[4:], &f.DurationSec)
	c.u32(b[8:], &f.DurationNsec)
	c.u16(b[12:], &f.Priority)
	c.u16(b[14:], &f.IdleTimeout)
	c.u16(b[16:], &f.HardTimeout)
	c.u16(b[20:], &f.IdleAge)
	c.u16(b[22:], &f.HardAge)
	c.u64(b[24:], &f.Cookie)
	c.u64(b[32:], &f.Packets)
	c.u64(b[40:], &f.Bytes)
	if c.wr {
		n := walkNXMatch(c, 0, &f.Match)
		binary.BigEndian.PutUint16(c.buf[start+18:], uint16(n))
	} else {
		f.Flags = 0
		walkNXMatch(c, int(binary.BigEndian.Uint16(b[18:])), &f.Match)
	}
	walkInstructions(c, &f.Instructions)
	c.close(start, outer, 0)
}

func (p *NXFlowStatsRequest) clone() any { return &NXFlowStatsRequest{p.FlowFilter.Clone()} }
func (p *NXAggregateRequest) clone() any { return &NXAggregateRequest{p.FlowFilter.Clone()} }
func (p *NXAggregateReply) clone() any   { return copyOf(p) }
func (p *NXFlowStatsReply) clone() any {
	return &NXFlowStatsReply{Flows: cloneEach(p.Flows, func(f *NXFlowStats) { f.FlowStats = f.FlowStats.Clone() })}
}

func (p *NXFlowStatsRequest) print(t *printer) { t.filter(&p.FlowFilter) }
func (p *NXAggregateRequest) print(t *printer) { t.filter(&p.FlowFilter) }
func (p *NXAggregateReply) print(t *printer)   { t.part(&p.AggregateReply) }

func (p *NXFlowStatsReply) print(t *printer) {
	for i := range p.Flows {
		f := &p.Flows[i]
		t.text("\n ")
		t.b = f.FlowStats.appendAged(t.b, t.v, nil, f.IdleAge, f.HardAge)
	}
}
