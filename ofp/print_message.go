package ofp

import (
	"encoding/binary"
	"strconv"
)

var flowCommandNames = [...]string{"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"}

// flowMod leaves out the group of a delete, as Open vSwitch does; so does filter,
// and the cookie. A match of 1.0 without wildcards has the highest priority,
// whatever stands there (section 3.4 of OpenFlow 1.0).
func (p *printer) flowMod(m *FlowMod, frame []byte) {
	if p.v == V10 && len(frame) > HeaderLen+4 && binary.BigEndian.Uint32(frame[HeaderLen:])&(1<<22-1) == 0 {
		highest := *m
		highest.Priority = 0xffff
		m = &highest
	}
	p.flowModWith(m, func() {
		adds := m.Command == FlowAdd || p.v == V10
		if adds && m.Cookie != 0 && m.Cookie != ^uint64(0) {
			p.f("cookie:0x%x ", m.Cookie)
		}
		if !adds && m.CookieMask != 0 {
			p.f("cookie:0x%x/0x%x ", m.Cookie, m.CookieMask)
		}
	})
}

// flowModWith prints a flow-mod with what cookie says of its cookies.
func (p *printer) flowModWith(m *FlowMod, cookie func()) {
	if int(m.Command) < len(flowCommandNames) {
		p.text(" " + flowCommandNames[m.Command])
	} else {
		p.number(" cmd:", uint64(m.Command))
	}
	if m.Table != 0 && (p.v != V10 || m.Table != TableAll || m.NXTable) {
		p.number(" table:", uint64(m.Table))
	}
	p.text(" ")
	before := len(p.b)
	p.b = appendRule(p.b, m.Priority, &m.Match, p.v, nil)
	if len(p.b) > before {
		p.text(" ")
	}
	cookie()
	if m.IdleTimeout != 0 {
		p.f("idle:%d ", m.IdleTimeout)
	}
	if m.HardTimeout != 0 {
		p.f("hard:%d ", m.HardTimeout)
	}
	if m.BufferID != NoBuffer {
		p.f("buf:0x%x ", m.BufferID)
	}
	if m.OutPort != PortAny {
		p.f("out_port:%s ", m.OutPort)
	}
	p.b = appendFlags(p.b, m.Flags, ' ')
	p.text("actions=")
	p.b = appendInstructions(p.b, m.Instructions, p.v, nil)
}

func (p *printer) flowRemoved(m *FlowRemoved) {
	p.flowRemovedWith(m, p.v != V10 && m.Table != TableAll)
}

func (p *printer) flowRemovedWith(m *FlowRemoved, table bool) {
	p.text(" ")
	p.b = appendRule(p.b, m.Priority, &m.Match, p.v, nil)
	p.text(" reason=")
	p.reason(flowRemovedReasonNames, uint8(m.Reason))
	if table {
		p.number(" table_id=", uint64(m.Table))
	}
	if m.Cookie != 0 {
		p.f(" cookie:0x%x", m.Cookie)
	}
	p.text(" duration")
	p.b = appendDuration(p.b, m.DurationSec, m.DurationNsec)
	p.number(" idle", uint64(m.IdleTimeout))
	if m.HardTimeout != 0 {
		p.number(" hard", uint64(m.HardTimeout))
	}
	p.number(" pkts", m.Packets)
	p.number(" bytes", m.Bytes)
}

func (p *printer) packetIn(m *PacketIn) {
	cookie := m.Cookie
	if p.v < V13 {
		cookie = ^uint64(0)
	}
	match := &m.Match
	if p.v == V11 {
		own := m.Match.Clone()
		own.Delete(FieldInPhyPort) // 1.1 always has it, and Open vSwitch leaves it out
		match = &own
	}
	p.packetInHead(m.Table, cookie, uint64(m.TotalLen), match, m.Reason, m.Data, m.BufferID)
	p.text("\n")
	p.b = appendPacket(p.b, m.Data)
}

// packetInHead is the first line of a packet-in of any form; a cookie of all ones
// is none.
func (p *printer) packetInHead(table uint8, cookie, total uint64, match *Match, reason PacketInReason, data []byte, buffer uint32) {
	if table != 0 {
		p.number(" table_id=", uint64(table))
	}
	if cookie != ^uint64(0) {
		p.f(" cookie=0x%x", cookie)
	}
	p.number(" total_len=", total)
	p.text(" ")
	p.b = appendMatch(p.b, match, p.v, nil)
	p.text(" (via ")
	p.reason(packetInReasonNames, uint8(reason))
	p.number(") data_len=", uint64(len(data)))
	if buffer == NoBuffer {
		p.text(" (unbuffered)")
		if total != uint64(len(data)) {
			p.text(" (***total_len != data_len***)")
		}
	} else {
		p.f(" buffer=0x%08x", buffer)
		if total < uint64(len(data)) {
			p.text(" (***total_len < data_len***)")
		}
	}
}

// reason prints the name of a reason, or its number.
func (p *printer) reason(names bitNames, reason uint8) {
	if int(reason) < len(names) {
		p.text(names[reason])
	} else {
		p.number("", uint64(reason))
	}
}

func (p *printer) packetOut(m *PacketOut) {
	p.text(" in_port=" + m.InPort.String() + " actions=")
	p.b = appendActions(p.b, m.Actions, p.v, nil)
	if m.BufferID != NoBuffer {
		p.f(" buffer=0x%08x", m.BufferID)
		return
	}
	p.number(" data_len=", uint64(len(m.Data)))
	if len(m.Data) > 0 {
		p.text("\n")
		p.b = appendPacket(p.b, m.Data)
	}
}

// partFlags prints the flags of a multipart message, of which requests know none
// before 1.3.
func (p *printer) partFlags(flags uint16, more bool) {
	if flags == 0 {
		return
	}
	p.text(" flags=")
	if more && flags&MultipartMore != 0 {
		p.text("[more]")
		flags &^= MultipartMore
	}
	if flags != 0 {
		p.f("[***unknown flags 0x%04x***]", flags)
	}
}

// part prints the body of a multipart message.
func (p *printer) part(body Part) {
	if absent(body) {
		return
	}
	switch m := body.(type) {
	case *FlowStatsRequest:
		p.filter(&m.FlowFilter)
	case *AggregateRequest:
		p.filter(&m.FlowFilter)
	case *PortStatsRequest:
		p.text(" port_no=" + m.Port.String())
	case *PortDescRequest:
		p.text(" port=ANY")
	case *Desc:
		p.f("\nManufacturer: %s\nHardware: %s\nSoftware: %s\nSerial Num: %s\nDP Description: %s\n",
			printable(m.Manufacturer), printable(m.Hardware), printable(m.Software), printable(m.Serial), printable(m.Datapath))
	case *FlowStatsReply:
		for i := range m.Flows {
			p.text("\n ")
			p.b = m.Flows[i].appendText(p.b, p.v, nil)
		}
	case *AggregateReply:
		p.f(" packet_count=%d byte_count=%d flow_count=%d", m.Packets, m.Bytes, m.Flows)
	case *PortDescReply:
		p.text("\n")
		p.ports(m.Ports)
	case *PortStatsReply:
		p.portStats(m)
	case *TableStatsReply:
		p.tableStats(m)
	case *QueueStatsRequest:
		p.queueStatsRequest(m)
	case *QueueStatsReply:
		p.queueStats(m)
	case *GroupStatsRequest:
		p.group(m.Group)
	case *GroupStatsReply:
		p.groupStats(m)
	case *GroupDescRequest:
		p.group(GroupAll)
	case *GroupDescReply:
		p.groupDesc(m)
	case *GroupFeatures:
		p.groupFeatures(m)
	case *MeterStatsRequest:
		p.meter(m.Meter)
	case *MeterConfigRequest:
		p.meter(m.Meter)
	case *MeterStatsReply:
		p.meterStats(m)
	case *MeterConfigReply:
		p.meterConfig(m)
	case *MeterFeatures:
		p.meterFeatures(m)
	case *TableFeaturesRequest:
		p.tableFeatures(m.Tables)
	case *TableFeaturesReply:
		p.tableFeatures(m.Tables)
	case *ExperimenterPart:
		p.f(" experimenter=0x%08x, %d bytes of data\n", m.Experimenter, len(m.Data))
		p.dump(m.Data)
	case vendorBody:
		m.print(p)
	case *RawPart:
		if len(m.Body) > 0 {
			p.raw(m.Body)
		}
	}
}

// printable replaces what would change the look of a terminal.
func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < 0x20 || c == 0x7f {
			b[i] = '.'
		}
	}
	return string(b)
}

func (p *printer) filter(m *FlowFilter) {
	if m.Table != TableAll {
		p.number(" table=", uint64(m.Table))
	}
	if m.OutPort != PortAny {
		p.text(" out_port=" + m.OutPort.String())
	}
	if match := appendMatch(nil, &m.Match, p.v, nil); len(match) > 0 {
		p.text(" ")
		p.b = append(p.b, match...)
	}
}

func (p *printer) counter(name string, v uint64) {
	p.text(name)
	p.b = appendCounter(p.b, v)
}

func appendCounter(b []byte, v uint64) []byte {
	if v == CounterUnknown {
		return append(b, '?')
	}
	return strconv.AppendUint(b, v, 10)
}

func (p *printer) portStats(m *PortStatsReply) {
	p.number(" ", uint64(len(m.Ports)))
	p.text(" ports\n")
	for i := range m.Ports {
		s := &m.Ports[i]
		p.f("  port %2s: ", s.Port.String())
		p.counter("rx pkts=", s.RxPackets)
		p.counter(", bytes=", s.RxBytes)
		p.counter(", drop=", s.RxDropped)
		p.counter(", errs=", s.RxErrors)
		p.counter(", frame=", s.RxFrameErr)
		p.counter(", over=", s.RxOverErr)
		p.counter(", crc=", s.RxCRCErr)
		p.text("\n           ")
		p.counter("tx pkts=", s.TxPackets)
		p.counter(", bytes=", s.TxBytes)
		p.counter(", drop=", s.TxDropped)
		p.counter(", errs=", s.TxErrors)
		p.counter(", coll=", s.Collisions)
		p.text("\n")
		if p.v >= V13 && s.DurationSec != ^uint32(0) {
			p.text("           duration=")
			p.b = appendDuration(p.b, s.DurationSec, s.DurationNsec)
			p.text("\n")
		}
	}
}
