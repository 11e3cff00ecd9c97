package ofp

// PortStatsRequest asks for the counters of a port, or of all with PortAny
// (ofp_port_stats_request, section 7.3.5.6 of OpenFlow 1.3.5).
type PortStatsRequest struct{ Port PortNo }

// Kind returns PartPort.
func (*PortStatsRequest) Kind() PartKind { return PartPort }

func (p *PortStatsRequest) walk(c *cursor) {
	b := c.fixed(8, "port stats request")
	if c.v == V10 {
		c.port16(b, &p.Port, "port")
	} else {
		c.port32(b, &p.Port)
	}
}

// PortStatsReply lists the counters of ports.
type PortStatsReply struct{ Ports []PortStats }

// Kind returns PartPort.
func (*PortStatsReply) Kind() PartKind   { return PartPort }
func (p *PortStatsReply) walk(c *cursor) { list(c, &p.Ports, "port", walkPortStats) }

// CounterUnknown is the value of a counter that the switch does not have.
const CounterUnknown = ^uint64(0)

// PortStats are the counters of one port (ofp_port_stats). A counter that the
// switch does not have is CounterUnknown.
type PortStats struct {
	Port       PortNo
	RxPackets  uint64
	TxPackets  uint64
	RxBytes    uint64
	TxBytes    uint64
	RxDropped  uint64
	TxDropped  uint64
	RxErrors   uint64
	TxErrors   uint64
	RxFrameErr uint64 // frame alignment errors
	RxOverErr  uint64 // packets with receive overrun
	RxCRCErr   uint64
	Collisions uint64

	DurationSec  uint32 // how long the port has been there; 1.3
	DurationNsec uint32 // nanoseconds beyond DurationSec; 1.3
}

func walkPortStats(c *cursor, p *PortStats) {
	n := 104
	if c.v >= V13 {
		n = 112
	}
	b := c.fixed(n, "port stats")
	if c.v == V10 {
		c.port16(b, &p.Port, "port")
	} else {
		c.port32(b, &p.Port)
	}
	c.u64(b[8:], &p.RxPackets)
	c.u64(b[16:], &p.TxPackets)
	c.u64(b[24:], &p.RxBytes)
	c.u64(b[32:], &p.TxBytes)
	c.u64(b[40:], &p.RxDropped)
	c.u64(b[48:], &p.TxDropped)
	c.u64(b[56:], &p.RxErrors)
	c.u64(b[64:], &p.TxErrors)
	c.u64(b[72:], &p.RxFrameErr)
	c.u64(b[80:], &p.RxOverErr)
	c.u64(b[88:], &p.RxCRCErr)
	c.u64(b[96:], &p.Collisions)
	if c.v >= V13 {
		c.u32(b[104:], &p.DurationSec)
		c.u32(b[108:], &p.DurationNsec)
	} else if !c.wr {
		p.DurationSec, p.DurationNsec = 0, 0
	}
}
