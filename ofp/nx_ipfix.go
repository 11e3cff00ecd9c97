package ofp

import "slices"

// NXIPFIXStats counts what was sampled for IPFIX (nx_ipfix_stats_reply). What the
// switch does not count is CounterUnknown.
type NXIPFIXStats struct {
	Flows        uint64 // in all
	CurrentFlows uint64
	Packets      uint64 // sampled
	IPv4Packets  uint64
	IPv6Packets  uint64
	Errors       uint64 // packets that could not be sampled
	IPv4Errors   uint64
	IPv6Errors   uint64
	TxPackets    uint64 // IPFIX packets sent
	TxErrors     uint64
	Set          uint32 // the collectors; of a flow's statistics only
}

func walkIPFIXStats(c *cursor, s *NXIPFIXStats) {
	b := c.fixed(88, "ipfix")
	for i, p := range [...]*uint64{&s.Flows, &s.CurrentFlows, &s.Packets, &s.IPv4Packets, &s.IPv6Packets,
		&s.Errors, &s.IPv4Errors, &s.IPv6Errors, &s.TxPackets, &s.TxErrors} {
		c.u64(b[8*i:], p)
	}
	c.u32(b[80:], &s.Set)
}

// NXIPFIXBridgeRequest asks for the counters of a bridge's sampling
// (NXST_IPFIX_BRIDGE).
type NXIPFIXBridgeRequest struct{}

// NXIPFIXBridgeReply tells them.
type NXIPFIXBridgeReply struct{ NXIPFIXStats }

// NXIPFIXFlowRequest asks for the counters of flows that sample (NXST_IPFIX_FLOW).
type NXIPFIXFlowRequest struct{}

// NXIPFIXFlowReply tells them, one element for each set of collectors.
type NXIPFIXFlowReply struct{ Sets []NXIPFIXStats }

// Kind returns PartExperimenter.
func (*NXIPFIXBridgeRequest) Kind() PartKind { return PartExperimenter }
func (*NXIPFIXBridgeRequest) walk(*cursor)   {}
func (p *NXIPFIXBridgeRequest) clone() any   { return p }
func (*NXIPFIXBridgeRequest) print(*printer) {}

// Kind returns PartExperimenter.
func (*NXIPFIXBridgeReply) Kind() PartKind   { return PartExperimenter }
func (p *NXIPFIXBridgeReply) walk(c *cursor) { walkIPFIXStats(c, &p.NXIPFIXStats) }
func (p *NXIPFIXBridgeReply) clone() any     { return copyOf(p) }

func (p *NXIPFIXBridgeReply) print(t *printer) {
	t.text("\n  bridge ipfix: ")
	t.ipfix(&p.NXIPFIXStats, "                ")
}

// Kind returns PartExperimenter.
func (*NXIPFIXFlowRequest) Kind() PartKind { return PartExperimenter }
func (*NXIPFIXFlowRequest) walk(*cursor)   {}
func (p *NXIPFIXFlowRequest) clone() any   { return p }
func (*NXIPFIXFlowRequest) print(*printer) {}

// Kind returns PartExperimenter.
func (*NXIPFIXFlowReply) Kind() PartKind   { return PartExperimenter }
func (p *NXIPFIXFlowReply) walk(c *cursor) { list(c, &p.Sets, "ipfix", walkIPFIXStats) }
func (p *NXIPFIXFlowReply) clone() any     { return &NXIPFIXFlowReply{Sets: slices.Clone(p.Sets)} }

func (p *NXIPFIXFlowReply) print(t *printer) {
	t.number(" ", uint64(len(p.Sets)))
	t.text(" ids\n")
	for i := range p.Sets {
		t.f("  id %3d: ", p.Sets[i].Set)
		t.ipfix(&p.Sets[i], "          ")
	}
}

func (p *printer) ipfix(s *NXIPFIXStats, indent string) {
	p.counter("flows=", s.Flows)
	p.counter(", current flows=", s.CurrentFlows)
	p.counter(", sampled pkts=", s.Packets)
	p.counter(", ipv4 ok=", s.IPv4Packets)
	p.counter(", ipv6 ok=", s.IPv6Packets)
	p.counter(", tx pkts=", s.TxPackets)
	p.text("\n" + indent)
	p.counter("pkts errs=", s.Errors)
	p.counter(", ipv4 errs=", s.IPv4Errors)
	p.counter(", ipv6 errs=", s.IPv6Errors)
	p.counter(", tx errs=", s.TxErrors)
	p.text("\n")
}
