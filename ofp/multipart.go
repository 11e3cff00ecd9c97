package ofp

import "fmt"

// PartKind is what a statistics or multipart message is about
// (ofp_multipart_type, section 7.3.5 of OpenFlow 1.3.5).
type PartKind uint16

// Kinds of multipart messages; the values are those of all versions that have
// the kind.
const (
	PartDesc          PartKind = 0
	PartFlow          PartKind = 1
	PartAggregate     PartKind = 2
	PartTable         PartKind = 3
	PartPort          PartKind = 4
	PartQueue         PartKind = 5
	PartGroup         PartKind = 6
	PartGroupDesc     PartKind = 7
	PartGroupFeatures PartKind = 8
	PartMeter         PartKind = 9
	PartMeterConfig   PartKind = 10
	PartMeterFeatures PartKind = 11
	PartTableFeatures PartKind = 12
	PartPortDesc      PartKind = 13 // 1.3; Open vSwitch has it in all versions
	PartExperimenter  PartKind = 0xffff
)

// MultipartMore says that another segment of the same request or reply follows
// (OFPMPF_REPLY_MORE, OFPMPF_REQ_MORE).
const MultipartMore uint16 = 1 << 0

// Part is the body of a multipart message. The set is closed: only this package
// adds to it.
type Part interface {
	// Kind returns what the part is about.
	Kind() PartKind
	walk(*cursor)
}

// partInfo is one row of the table of multipart kinds.
type partInfo struct {
	kind    PartKind
	name    string
	request func() Part // nil: kept as RawPart
	reply   func() Part
}

var parts = [...]partInfo{
	{PartDesc, "desc", func() Part { return new(DescRequest) }, func() Part { return new(Desc) }},
	{PartFlow, "flow", func() Part { return new(FlowStatsRequest) }, func() Part { return new(FlowStatsReply) }},
	{PartAggregate, "aggregate", func() Part { return new(AggregateRequest) }, func() Part { return new(AggregateReply) }},
	{PartTable, "table", func() Part { return new(TableStatsRequest) }, func() Part { return new(TableStatsReply) }},
	{PartPort, "port", func() Part { return new(PortStatsRequest) }, func() Part { return new(PortStatsReply) }},
	{PartQueue, "queue", nil, nil},
	{PartGroup, "group", nil, nil},
	{PartGroupDesc, "group_desc", nil, nil},
	{PartGroupFeatures, "group_features", nil, nil},
	{PartMeter, "meter", nil, nil},
	{PartMeterConfig, "meter_config", nil, nil},
	{PartMeterFeatures, "meter_features", nil, nil},
	{PartTableFeatures, "table_features", nil, nil},
	{PartPortDesc, "port_desc", func() Part { return new(PortDescRequest) }, func() Part { return new(PortDescReply) }},
	{PartExperimenter, "experimenter", nil, nil},
}

func (k PartKind) info() *partInfo {
	if int(k) < len(parts)-1 {
		return &parts[k]
	}
	if k == PartExperimenter {
		return &parts[len(parts)-1]
	}
	return nil
}

// String returns the kind's name in small letters, such as "port_desc".
func (k PartKind) String() string {
	if i := k.info(); i != nil {
		return i.name
	}
	return fmt.Sprintf("kind %d", uint16(k))
}

// RawPart is a body that is not modelled.
type RawPart struct {
	PartKind PartKind
	Body     []byte // aliases the frame
}

// Kind returns the kind as on the wire.
func (p *RawPart) Kind() PartKind { return p.PartKind }
func (p *RawPart) walk(c *cursor) { c.rest(&p.Body) }

// MultipartRequest asks the switch for state; called stats_request before 1.3.
type MultipartRequest struct {
	Flags uint16
	Body  Part
}

// MultipartReply is one segment of the answer; called stats_reply before 1.3.
type MultipartReply struct {
	Flags uint16
	Body  Part
}

// More reports whether another segment follows.
func (m *MultipartReply) More() bool { return m.Flags&MultipartMore != 0 }

// Request returns a request with the given body.
func Request(body Part) *MultipartRequest { return &MultipartRequest{Body: body} }

// Type returns TypeMultipartRequest.
func (*MultipartRequest) Type() Type { return TypeMultipartRequest }

// Type returns TypeMultipartReply.
func (*MultipartReply) Type() Type { return TypeMultipartReply }

func (m *MultipartRequest) walk(c *cursor) {
	walkMultipart(c, &m.Flags, &m.Body, func(i *partInfo) func() Part { return i.request })
}

func (m *MultipartReply) walk(c *cursor) {
	walkMultipart(c, &m.Flags, &m.Body, func(i *partInfo) func() Part { return i.reply })
}

func walkMultipart(c *cursor, flags *uint16, body *Part, make func(*partInfo) func() Part) {
	n := 8
	if c.v == V10 {
		n = 4
	}
	b := c.fixed(n, "multipart")
	if c.wr && *body == nil {
		c.bad("multipart body", "none")
		return
	}
	var kind uint16
	if c.wr {
		kind = uint16((*body).Kind())
	}
	c.u16(b, &kind)
	c.u16(b[2:], flags)
	if !c.wr {
		*body = reuse(*body, PartKind(kind), make)
	}
	(*body).walk(c)
}

// reuse returns old if it can hold a body of that kind, else a new one.
func reuse(old Part, kind PartKind, make func(*partInfo) func() Part) Part {
	var newPart func() Part
	if i := kind.info(); i != nil {
		newPart = make(i)
	}
	if raw, ok := old.(*RawPart); ok && newPart == nil {
		raw.PartKind = kind
		return raw
	}
	if newPart == nil {
		return &RawPart{PartKind: kind}
	}
	if _, raw := old.(*RawPart); old != nil && !raw && old.Kind() == kind {
		return old
	}
	return newPart()
}

// DescRequest asks for a Desc.
type DescRequest struct{}

// Kind returns PartDesc.
func (*DescRequest) Kind() PartKind { return PartDesc }
func (*DescRequest) walk(*cursor)   {}

// Desc describes a switch in words (ofp_desc, section 7.3.5.1 of OpenFlow
// 1.3.5). Each text has at most 255 bytes, the serial number 31.
type Desc struct {
	Manufacturer string
	Hardware     string
	Software     string
	Serial       string
	Datapath     string // what people call the switch; Open vSwitch sends the bridge's name
}

// Kind returns PartDesc.
func (*Desc) Kind() PartKind { return PartDesc }

func (p *Desc) walk(c *cursor) {
	c.text(c.fixed(256, "manufacturer"), &p.Manufacturer, "manufacturer")
	c.text(c.fixed(256, "hardware"), &p.Hardware, "hardware")
	c.text(c.fixed(256, "software"), &p.Software, "software")
	c.text(c.fixed(32, "serial"), &p.Serial, "serial")
	c.text(c.fixed(256, "datapath"), &p.Datapath, "datapath")
}

// PortDescRequest asks for the ports.
type PortDescRequest struct{}

// Kind returns PartPortDesc.
func (*PortDescRequest) Kind() PartKind { return PartPortDesc }
func (*PortDescRequest) walk(*cursor)   {}

// PortDescReply lists the ports (section 7.3.5.7 of OpenFlow 1.3.5).
type PortDescReply struct{ Ports []Port }

// Kind returns PartPortDesc.
func (*PortDescReply) Kind() PartKind   { return PartPortDesc }
func (p *PortDescReply) walk(c *cursor) { list(c, &p.Ports, "port", walkPort) }
