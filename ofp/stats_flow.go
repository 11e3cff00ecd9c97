package ofp

import "encoding/binary"

// FlowFilter says which flows a statistics request is about
// (ofp_flow_stats_request, section 7.3.5.2 of OpenFlow 1.3.5).
type FlowFilter struct {
	Table      uint8  // or TableAll
	OutPort    PortNo // only flows that output there, or PortAny
	OutGroup   uint32 // only flows that use the group, or GroupAny; 1.1 and later
	Cookie     uint64 // 1.1 and later
	CookieMask uint64 // 1.1 and later
	Match      Match  // only flows that match this, or more closely
}

// AllFlows is the filter that every flow passes.
func AllFlows() FlowFilter {
	return FlowFilter{Table: TableAll, OutPort: PortAny, OutGroup: GroupAny}
}

func (p *FlowFilter) walk(c *cursor) {
	if c.v == V10 {
		if c.wr && p.CookieMask != 0 {
			c.lacks("cookie filter")
		}
		if c.wr && p.OutGroup != GroupAny && p.OutGroup != 0 {
			c.lacks("out_group")
		}
		walkMatch(c, &p.Match)
		b := c.fixed(4, "flow filter")
		c.u8(b, &p.Table)
		c.port16(b[2:], &p.OutPort, "out_port")
		if !c.wr {
			p.OutGroup, p.Cookie, p.CookieMask = GroupAny, 0, 0
		}
		return
	}
	b := c.fixed(32, "flow filter")
	c.u8(b, &p.Table)
	c.port32(b[4:], &p.OutPort)
	c.u32(b[8:], &p.OutGroup)
	c.u64(b[16:], &p.Cookie)
	c.u64(b[24:], &p.CookieMask)
	walkMatch(c, &p.Match)
}

// FlowStatsRequest asks for flows.
type FlowStatsRequest struct{ FlowFilter }

// Kind returns PartFlow.
func (*FlowStatsRequest) Kind() PartKind { return PartFlow }

// AggregateRequest asks for the sum over flows.
type AggregateRequest struct{ FlowFilter }

// Kind returns PartAggregate.
func (*AggregateRequest) Kind() PartKind { return PartAggregate }

// AggregateReply is the sum over flows.
type AggregateReply struct {
	Packets uint64
	Bytes   uint64
	Flows   uint32
}

// Kind returns PartAggregate.
func (*AggregateReply) Kind() PartKind { return PartAggregate }

func (p *AggregateReply) walk(c *cursor) {
	b := c.fixed(24, "aggregate")
	c.u64(b, &p.Packets)
	c.u64(b[8:], &p.Bytes)
	c.u32(b[16:], &p.Flows)
}

// FlowStats is one flow of a switch (ofp_flow_stats).
type FlowStats struct {
	Table        uint8
	DurationSec  uint32 // how long the flow has been there
	DurationNsec uint32 // nanoseconds beyond DurationSec
	Priority     uint16
	IdleTimeout  uint16    // seconds
	HardTimeout  uint16    // seconds
	Flags        FlowFlags // 1.3
	Cookie       uint64
	Packets      uint64
	Bytes        uint64
	Match        Match
	Instructions []Instruction
}

// FlowStatsReply lists flows.
type FlowStatsReply struct{ Flows []FlowStats }

// Kind returns PartFlow.
func (*FlowStatsReply) Kind() PartKind   { return PartFlow }
func (p *FlowStatsReply) walk(c *cursor) { list(c, &p.Flows, "flow", walkFlowStats) }

// Clone returns flow statistics that share no memory with f.
func (f *FlowStats) Clone() FlowStats {
	o := *f
	o.Match = f.Match.Clone()
	o.Instructions = CloneInstructions(f.Instructions)
	return o
}

func walkFlowStats(c *cursor, f *FlowStats) {
	start := c.mark()
	var outer int
	if !c.wr {
		if c.left() < 2 {
			c.short("flow", 2)
			return
		}
		n := int(binary.BigEndian.Uint16(c.buf[c.off:]))
		if n > c.left() || n < 48 {
			c.bad("flow length", "%d, at least 48 and at most %d", n, c.left())
			return
		}
		outer = c.enter(n)
	}
	f.walk(c)
	if c.wr {
		c.setLen16(start, 0)
	} else {
		c.leave(outer)
	}
}

func (f *FlowStats) walk(c *cursor) {
	if c.v == V10 {
		c.u8(c.fixed(4, "flow")[2:], &f.Table)
		walkMatch(c, &f.Match)
		b := c.fixed(44, "flow")
		c.u32(b, &f.DurationSec)
		c.u32(b[4:], &f.DurationNsec)
		c.u16(b[8:], &f.Priority)
		c.u16(b[10:], &f.IdleTimeout)
		c.u16(b[12:], &f.HardTimeout)
		c.u64(b[20:], &f.Cookie)
		c.u64(b[28:], &f.Packets)
		c.u64(b[36:], &f.Bytes)
		if !c.wr {
			f.Flags = 0
		}
		walkInstructions(c, &f.Instructions)
		return
	}
	b := c.fixed(48, "flow")
	c.u8(b[2:], &f.Table)
	c.u32(b[4:], &f.DurationSec)
	c.u32(b[8:], &f.DurationNsec)
	c.u16(b[12:], &f.Priority)
	c.u16(b[14:], &f.IdleTimeout)
	c.u16(b[16:], &f.HardTimeout)
	if c.v >= V13 { // padding before
		f.Flags.walk(c, b[18:])
	} else if !c.wr {
		f.Flags = 0
	}
	c.u64(b[24:], &f.Cookie)
	c.u64(b[32:], &f.Packets)
	c.u64(b[40:], &f.Bytes)
	walkMatch(c, &f.Match)
	walkInstructions(c, &f.Instructions)
}
