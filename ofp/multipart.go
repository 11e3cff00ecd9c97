package ofp

import (
	"fmt"
	"reflect"
)

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
	kind PartKind
	name string
	from Version      // the first that has the kind; in older ones it is kept as RawPart
	body [2]*bodyInfo // of a request, of a reply
}

// bodyInfo is one struct that holds a body.
type bodyInfo struct {
	typ  reflect.Type
	make func() Part
}

func body[T any, P interface {
	*T
	Part
}]() *bodyInfo {
	return &bodyInfo{reflect.TypeFor[P](), func() Part { return P(new(T)) }}
}

const request, reply = 0, 1

var parts = [...]partInfo{
	{PartDesc, "desc", V10, [2]*bodyInfo{body[DescRequest](), body[Desc]()}},
	{PartFlow, "flow", V10, [2]*bodyInfo{body[FlowStatsRequest](), body[FlowStatsReply]()}},
	{PartAggregate, "aggregate", V10, [2]*bodyInfo{body[AggregateRequest](), body[AggregateReply]()}},
	{PartTable, "table", V10, [2]*bodyInfo{body[TableStatsRequest](), body[TableStatsReply]()}},
	{PartPort, "port", V10, [2]*bodyInfo{body[PortStatsRequest](), body[PortStatsReply]()}},
	{PartQueue, "queue", V10, [2]*bodyInfo{body[QueueStatsRequest](), body[QueueStatsReply]()}},
	{PartGroup, "group", V11, [2]*bodyInfo{body[GroupStatsRequest](), body[GroupStatsReply]()}},
	{PartGroupDesc, "group_desc", V11, [2]*bodyInfo{body[GroupDescRequest](), body[GroupDescReply]()}},
	{PartGroupFeatures, "group_features", V12, [2]*bodyInfo{body[GroupFeaturesRequest](), body[GroupFeatures]()}},
	{PartMeter, "meter", V13, [2]*bodyInfo{body[MeterStatsRequest](), body[MeterStatsReply]()}},
	{PartMeterConfig, "meter_config", V13, [2]*bodyInfo{body[MeterConfigRequest](), body[MeterConfigReply]()}},
	{PartMeterFeatures, "meter_features", V13, [2]*bodyInfo{body[MeterFeaturesRequest](), body[MeterFeatures]()}},
	{PartTableFeatures, "table_features", V13, [2]*bodyInfo{body[TableFeaturesRequest](), body[TableFeaturesReply]()}},
	{PartPortDesc, "port_desc", V10, [2]*bodyInfo{body[PortDescRequest](), body[PortDescReply]()}},            // Open vSwitch has it in all versions
	{PartExperimenter, "experimenter", V10, [2]*bodyInfo{body[ExperimenterPart](), body[ExperimenterPart]()}}, // and those of vendorParts
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

func (m *MultipartRequest) walk(c *cursor) { walkMultipart(c, &m.Flags, &m.Body, request) }
func (m *MultipartReply) walk(c *cursor)   { walkMultipart(c, &m.Flags, &m.Body, reply) }

// multipartHead is the length of what stands before a multipart message's body.
func multipartHead(v Version) int {
	if v == V10 {
		return 4
	}
	return 8
}

func walkMultipart(c *cursor, flags *uint16, body *Part, direction int) {
	b := c.fixed(multipartHead(c.v), "multipart")
	if c.err != nil {
		return
	}
	var kind uint16
	if c.wr {
		if absent(*body) {
			c.fail("multipart body", errNone)
			return
		}
		if c.say.extensions && c.v < V12 {
			if nx := niciraPart(c.v, *body); nx != nil {
				body = &nx
			}
		}
		kind = uint16((*body).Kind())
	}
	c.u16(b, &kind)
	c.u16(b[2:], flags)
	if PartKind(kind) == PartExperimenter {
		walkVendorPart(c, body, direction)
		return
	}
	var want *bodyInfo
	if i := PartKind(kind).info(); i != nil {
		if c.v >= i.from {
			want = i.body[direction]
		} else if _, isRaw := (*body).(*RawPart); c.wr && !isRaw {
			c.lacks("multipart " + i.name)
			return
		}
	}
	raw, isRaw := (*body).(*RawPart)
	switch fits := want != nil && reflect.TypeOf(*body) == want.typ; {
	case c.wr && !fits && !isRaw:
		c.bad("multipart body", "%T does not belong here", *body)
		return
	case c.wr || fits:
	case want != nil:
		*body = want.make()
	case isRaw:
		raw.PartKind = PartKind(kind)
	default:
		*body = &RawPart{PartKind: PartKind(kind)}
	}
	(*body).walk(c)
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
