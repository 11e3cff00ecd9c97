package ofp

import (
	"bytes"
	"slices"
)

// Clone returns a message that shares no memory with m, nor with the frame that
// m was decoded from. Of nil it returns nil.
func Clone(m Message) Message {
	if absent(m) {
		return m
	}
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
		return copyOf(m)
	case *SetConfig:
		return copyOf(m)
	case *GroupMod:
		return m.Clone()
	case *PortMod:
		return copyOf(m)
	case *TableMod:
		return copyOf(m)
	case *QueueGetConfigRequest:
		return copyOf(m)
	case *QueueGetConfigReply:
		return m.Clone()
	case *RoleRequest:
		return copyOf(m)
	case *RoleReply:
		return copyOf(m)
	case *GetAsyncReply:
		return copyOf(m)
	case *SetAsync:
		return copyOf(m)
	case *MeterMod:
		return m.Clone()
	case *MultipartRequest:
		return &MultipartRequest{Flags: m.Flags, Body: clonePart(m.Body)}
	case *MultipartReply:
		return &MultipartReply{Flags: m.Flags, Body: clonePart(m.Body)}
	case *FeaturesRequest, *GetConfigRequest, *BarrierRequest, *BarrierReply, *GetAsyncRequest:
		return m // nothing in them to share
	case vendorBody:
		return m.clone().(Message)
	}
	panic("ofp: Clone does not know " + m.Type().String())
}

// copyOf copies a struct that aliases nothing.
func copyOf[T any](p *T) *T {
	o := *p
	return &o
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
func (m *PortStatus) Clone() *PortStatus { return copyOf(m) }

// Clone returns a filter that shares no memory with p.
func (p *FlowFilter) Clone() FlowFilter {
	o := *p
	o.Match = p.Match.Clone()
	return o
}

// cloneActions copies actions and what they alias.
func cloneActions(as []Action) []Action {
	if as == nil {
		return nil
	}
	out := make([]Action, len(as))
	for i, a := range as {
		if a.Value != nil {
			a.Value = append([]byte{}, a.Value...)
		}
		if !absent(a.Ext) {
			a.Ext = a.Ext.clone()
		}
		out[i] = a
	}
	return out
}
