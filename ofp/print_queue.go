package ofp

import (
	"cmp"
	"slices"
)

func (p *printer) queueConfig(m *QueueGetConfigReply) {
	if len(m.Queues) == 0 {
		return
	}
	p.text(" ")
	if m.Port != 0 {
		p.text("port=" + m.Port.String() + "\n")
	}
	queues := slices.Clone(m.Queues)
	slices.SortStableFunc(queues, func(a, b Queue) int { return cmp.Compare(a.ID, b.ID) })
	for i := range queues {
		q := &queues[i]
		p.number("queue ", uint64(q.ID))
		p.text(":")
		p.queueRate(" min_rate:", QueueMinRate, q)
		p.queueRate(" max_rate:", QueueMaxRate, q)
		p.text("\n")
	}
}

// queueRate prints the last of the queue's rates of a type, if it has one.
func (p *printer) queueRate(name string, typ uint16, q *Queue) {
	rate := ^uint16(0)
	for i := range q.Properties {
		if q.Properties[i].Type == typ {
			rate = q.Properties[i].Rate
		}
	}
	switch {
	case rate == ^uint16(0):
	case rate < QueueRateUnknown:
		p.f("%s%d.%d%%", name, rate/10, rate%10)
	default:
		p.text(name + "(disabled)")
	}
}

func (p *printer) queueStatsRequest(m *QueueStatsRequest) {
	port := m.Port
	if p.v == V10 && port == PortAll {
		port = PortAny
	}
	p.text(" port=" + port.String() + " queue=")
	p.queueName(m.Queue)
}

func (p *printer) queueName(queue uint32) {
	if queue == QueueAll {
		p.text("ALL")
	} else {
		p.number("", uint64(queue))
	}
}

func (p *printer) queueStats(m *QueueStatsReply) {
	p.f(" %d queues\n", len(m.Queues))
	for i := range m.Queues {
		q := &m.Queues[i]
		p.text("  port " + q.Port.String() + " queue ")
		p.queueName(q.Queue)
		p.text(": ")
		p.counter("bytes=", q.TxBytes)
		p.counter(", pkts=", q.TxPackets)
		p.counter(", errors=", q.TxErrors)
		p.text(", duration=")
		before := len(p.b)
		if p.duration("", q.DurationSec, q.DurationNsec, ""); len(p.b) == before {
			p.text("?")
		}
		p.text("\n")
	}
}
