package ofp

// QueueGetConfigRequest asks for the queues of a port, or of all with PortAny
// (section 7.3.6 of OpenFlow 1.3.5).
type QueueGetConfigRequest struct{ Port PortNo }

// QueueGetConfigReply lists the queues of a port.
type QueueGetConfigReply struct {
	Port   PortNo
	Queues []Queue
}

// Queue is one queue of a port (ofp_packet_queue).
type Queue struct {
	ID         uint32
	Port       PortNo // 1.2 and later
	Properties []QueueProperty
}

// QueueProperty types (ofp_queue_properties).
const (
	QueueMinRate      uint16 = 1
	QueueMaxRate      uint16 = 2 // 1.2 and later
	QueueExperimenter uint16 = 0xffff
)

// QueueRateUnknown and above as a rate mean that there is none.
const QueueRateUnknown = 1001

// QueueProperty is one property of a queue (ofp_queue_prop_header).
type QueueProperty struct {
	Type         uint16
	Rate         uint16 // of a rate: in tenths of a percent of the port's
	Experimenter uint32 // experimenter
	Data         []byte // experimenter, and types that are not known; aliases the frame
}

// Type returns TypeQueueGetConfigRequest.
func (*QueueGetConfigRequest) Type() Type { return TypeQueueGetConfigRequest }

// Type returns TypeQueueGetConfigReply.
func (*QueueGetConfigReply) Type() Type { return TypeQueueGetConfigReply }

func (m *QueueGetConfigRequest) walk(c *cursor) {
	if c.v == V10 {
		c.port16(c.fixed(4, "queue_get_config_request"), &m.Port, "port")
		return
	}
	c.port32(c.fixed(8, "queue_get_config_request"), &m.Port)
}

func (m *QueueGetConfigReply) walk(c *cursor) {
	b := c.fixed(8, "queue_get_config_reply")
	if c.v == V10 {
		c.port16(b, &m.Port, "port")
	} else {
		c.port32(b, &m.Port)
	}
	list(c, &m.Queues, "queue", walkQueue)
}

func walkQueue(c *cursor, q *Queue) {
	n, at := 8, 4
	if c.v >= V12 {
		n, at = 16, 8
	}
	start, outer, ok := c.open(n, "queue", at)
	if !ok {
		return
	}
	b := c.fixed(n, "queue")
	c.u32(b, &q.ID)
	if c.v >= V12 {
		c.port32(b[4:], &q.Port)
	} else if !c.wr {
		q.Port = 0
	}
	list(c, &q.Properties, "queue property", walkQueueProperty)
	c.close(start, outer, at)
}

func walkQueueProperty(c *cursor, p *QueueProperty) {
	start, outer, ok := c.open(8, "queue property", 2)
	if !ok {
		return
	}
	if !c.wr {
		*p = QueueProperty{}
	}
	c.u16(c.fixed(8, "queue property"), &p.Type)
	switch p.Type {
	case QueueMinRate, QueueMaxRate:
		c.u16(c.fixed(8, "queue rate"), &p.Rate)
		c.ended("queue rate")
	case QueueExperimenter:
		c.u32(c.fixed(8, "queue experimenter"), &p.Experimenter)
		c.rest(&p.Data)
	default:
		c.rest(&p.Data)
	}
	c.close(start, outer, 2)
}

// QueueStatsRequest asks for the counters of a queue (section 7.3.5.8 of
// OpenFlow 1.3.5).
type QueueStatsRequest struct {
	Port  PortNo // or PortAny for all
	Queue uint32 // or QueueAll
}

// Kind returns PartQueue.
func (*QueueStatsRequest) Kind() PartKind { return PartQueue }

func (p *QueueStatsRequest) walk(c *cursor) {
	b := c.fixed(8, "queue stats request")
	c.u32(b[4:], &p.Queue)
	if c.v != V10 {
		c.port32(b, &p.Port)
		return
	}
	// In 1.0 OFPP_ALL asks for all ports, and OFPP_NONE says nothing.
	port := swapAllAny(p.Port)
	c.port16(b, &port, "port")
	if !c.wr {
		p.Port = swapAllAny(port)
	}
}

func swapAllAny(p PortNo) PortNo {
	switch p {
	case PortAny:
		return PortAll
	case PortAll:
		return PortAny
	}
	return p
}

// QueueStatsReply lists the counters of queues.
type QueueStatsReply struct{ Queues []QueueStats }

// Kind returns PartQueue.
func (*QueueStatsReply) Kind() PartKind   { return PartQueue }
func (p *QueueStatsReply) walk(c *cursor) { list(c, &p.Queues, "queue", walkQueueStats) }

// QueueStats are the counters of one queue (ofp_queue_stats).
type QueueStats struct {
	Port         PortNo
	Queue        uint32
	TxBytes      uint64
	TxPackets    uint64
	TxErrors     uint64 // packets dropped for overrun
	DurationSec  uint32 // how long the queue has been there; 1.3
	DurationNsec uint32 // nanoseconds beyond DurationSec; 1.3
}

func walkQueueStats(c *cursor, q *QueueStats) {
	n := 32
	if c.v >= V13 {
		n = 40
	}
	b := c.fixed(n, "queue stats")
	if c.v == V10 {
		c.port16(b, &q.Port, "port")
	} else {
		c.port32(b, &q.Port)
	}
	c.u32(b[4:], &q.Queue)
	c.u64(b[8:], &q.TxBytes)
	c.u64(b[16:], &q.TxPackets)
	c.u64(b[24:], &q.TxErrors)
	if c.v >= V13 {
		c.u32(b[32:], &q.DurationSec)
		c.u32(b[36:], &q.DurationNsec)
	} else if !c.wr {
		q.DurationSec, q.DurationNsec = 0, 0
	}
}
