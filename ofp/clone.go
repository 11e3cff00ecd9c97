package ofp

import (
	"bytes"
	"slices"
)

// Clone returns a message that shares no memory with m, nor with the frame that
// m was decoded from.
func Clone(m Message) Message {
	switch m := m.(type) {
	case *Raw:
		return &Raw{Kind: m.Kind, Body: bytes.Clone(m.Body)}
	case *Hello:
		return m.Clone()
	case *Error:
		return m.Clone()
	case *EchoRequest:
		return &EchoRequest{Data: bytes.Clone(m.Data)}
	case *EchoReply:
		return &EchoReply{Data: bytes.Clone(m.Data)}
	case *Experimenter:
		return &Experimenter{Experimenter: m.Experimenter, Data: bytes.Clone(m.Data)}
	case *FeaturesReply:
		return m.Clone()
	case *PacketIn:
		return m.Clone()
	case *PacketOut:
		return m.Clone()
	case *FlowMod:
		return m.Clone()
	case *FlowRemoved:
		return m.Clone()
	case *PortStatus:
		return m.Clone()
	case *GetConfigReply:
		o := *m
		return &o
	case *SetConfig:
		o := *m
		return &o
	case *NXFlowModTableID:
		o := *m
		return &o
	case *MultipartRequest:
		return &MultipartRequest{Flags: m.Flags, Body: clonePart(m.Body)}
	case *MultipartReply:
		return &MultipartReply{Flags: m.Flags, Body: clonePart(m.Body)}
	case *FeaturesRequest, *GetConfigRequest, *BarrierRequest, *BarrierReply:
		return m // nothing in them to share
	}
	panic("ofp: Clone does not know " + m.Type().String())
}

func clonePart(p Part) Part {
	switch p := p.(type) {
	case *RawPart:
		return &RawPart{PartKind: p.PartKind, Body: bytes.Clone(p.Body)}
	case *FlowStatsRequest:
		return &FlowStatsRequest{p.FlowFilter.Clone()}
	case *AggregateRequest:
		return &AggregateRequest{p.FlowFilter.Clone()}
	case *FlowStatsReply:
		o := &FlowStatsReply{Flows: slices.Clone(p.Flows)}
		for i := range o.Flows {
			o.Flows[i] = p.Flows[i].Clone()
		}
		return o
	case *Desc:
		o := *p
		return &o
	case *AggregateReply:
		o := *p
		return &o
	case *PortStatsRequest:
		o := *p
		return &o
	case *PortStatsReply:
		return &PortStatsReply{Ports: slices.Clone(p.Ports)}
	case *TableStatsReply:
		return &TableStatsReply{Tables: slices.Clone(p.Tables)}
	case *PortDescReply:
		return &PortDescReply{Ports: slices.Clone(p.Ports)}
	case nil, *DescRequest, *TableStatsRequest, *PortDescRequest:
		return p // nothing in them to share
	}
	panic("ofp: Clone does not know a part of kind " + p.Kind().String())
}

// Clone returns a message that shares no memory with m.
func (m *Hello) Clone() *Hello {
	o := &Hello{Elements: slices.Clone(m.Elements), Raw: bytes.Clone(m.Raw)}
	for i := range o.Elements {
		e := &o.Elements[i]
		e.Bitmaps, e.Data = slices.Clone(e.Bitmaps), bytes.Clone(e.Data)
	}
	return o
}

// Clone returns a message that shares no memory with m.
func (m *FeaturesReply) Clone() *FeaturesReply {
	o := *m
	o.Ports = slices.Clone(m.Ports)
	return &o
}

// Clone returns a message that shares no memory with m.
func (m *PacketOut) Clone() *PacketOut {
	o := *m
	o.Actions, o.Data = cloneActions(m.Actions), bytes.Clone(m.Data)
	return &o
}

// Clone returns a message that shares no memory with m.
func (m *FlowRemoved) Clone() *FlowRemoved {
	o := *m
	o.Match = m.Match.Clone()
	return &o
}

// Clone returns a message that shares no memory with m.
func (m *PortStatus) Clone() *PortStatus {
	o := *m
	return &o
}

// Clone returns a filter that shares no memory with p.
func (p *FlowFilter) Clone() FlowFilter {
	o := *p
	o.Match = p.Match.Clone()
	return o
}
