package ofp

import (
	"bytes"
	"slices"
)

func clonePart(p Part) Part {
	if absent(p) {
		return p
	}
	switch p := p.(type) {
	case *RawPart:
		return &RawPart{PartKind: p.PartKind, Body: bytes.Clone(p.Body)}
	case *ExperimenterPart:
		return &ExperimenterPart{Experimenter: p.Experimenter, Data: bytes.Clone(p.Data)}
	case *FlowStatsRequest:
		return &FlowStatsRequest{p.FlowFilter.Clone()}
	case *AggregateRequest:
		return &AggregateRequest{p.FlowFilter.Clone()}
	case *FlowStatsReply:
		return &FlowStatsReply{Flows: cloneEach(p.Flows, func(f *FlowStats) { *f = f.Clone() })}
	case *GroupStatsReply:
		return &GroupStatsReply{Groups: cloneEach(p.Groups, func(g *GroupStats) { g.Buckets = slices.Clone(g.Buckets) })}
	case *GroupDescReply:
		return &GroupDescReply{Groups: cloneEach(p.Groups, func(g *GroupDesc) { g.Buckets = cloneBuckets(g.Buckets) })}
	case *MeterStatsReply:
		return &MeterStatsReply{Meters: cloneEach(p.Meters, func(m *MeterCounters) { m.Bands = slices.Clone(m.Bands) })}
	case *MeterConfigReply:
		return &MeterConfigReply{Meters: cloneEach(p.Meters, func(m *MeterConfig) { m.Bands = cloneBands(m.Bands) })}
	case *TableFeaturesRequest:
		return &TableFeaturesRequest{Tables: cloneTables(p.Tables)}
	case *TableFeaturesReply:
		return &TableFeaturesReply{Tables: cloneTables(p.Tables)}
	case *QueueStatsReply:
		return &QueueStatsReply{Queues: slices.Clone(p.Queues)}
	case *PortStatsReply:
		return &PortStatsReply{Ports: slices.Clone(p.Ports)}
	case *TableStatsReply:
		return &TableStatsReply{Tables: slices.Clone(p.Tables)}
	case *PortDescReply:
		return &PortDescReply{Ports: slices.Clone(p.Ports)}
	case *Desc:
		return copyOf(p)
	case *AggregateReply:
		return copyOf(p)
	case *PortStatsRequest:
		return copyOf(p)
	case *QueueStatsRequest:
		return copyOf(p)
	case *GroupStatsRequest:
		return copyOf(p)
	case *GroupFeatures:
		return copyOf(p)
	case *MeterStatsRequest:
		return copyOf(p)
	case *MeterConfigRequest:
		return copyOf(p)
	case *MeterFeatures:
		return copyOf(p)
	case nil, *DescRequest, *TableStatsRequest, *PortDescRequest, *GroupDescRequest, *GroupFeaturesRequest, *MeterFeaturesRequest:
		return p // nothing in them to share
	case vendorBody:
		return p.clone().(Part)
	}
	panic("ofp: Clone does not know a part of kind " + p.Kind().String())
}

// cloneEach copies a slice and then, with own, what its elements alias.
func cloneEach[T any](s []T, own func(*T)) []T {
	o := slices.Clone(s)
	for i := range o {
		own(&o[i])
	}
	return o
}

func cloneBuckets(s []Bucket) []Bucket {
	return cloneEach(s, func(k *Bucket) { k.Actions = cloneActions(k.Actions) })
}

func cloneBands(s []MeterBand) []MeterBand {
	return cloneEach(s, func(k *MeterBand) { k.Data = bytes.Clone(k.Data) })
}

func cloneTables(s []TableFeatures) []TableFeatures {
	return cloneEach(s, func(t *TableFeatures) {
		t.Properties = cloneEach(t.Properties, func(p *TableProperty) { p.Data = bytes.Clone(p.Data) })
	})
}

// Clone returns a message that shares no memory with m.
func (m *GroupMod) Clone() *GroupMod {
	o := *m
	o.Buckets = cloneBuckets(m.Buckets)
	return &o
}

// Clone returns a message that shares no memory with m.
func (m *MeterMod) Clone() *MeterMod {
	o := *m
	o.Bands = cloneBands(m.Bands)
	return &o
}

// Clone returns a message that shares no memory with m.
func (m *QueueGetConfigReply) Clone() *QueueGetConfigReply {
	own := func(p *QueueProperty) { p.Data = bytes.Clone(p.Data) }
	return &QueueGetConfigReply{Port: m.Port, Queues: cloneEach(m.Queues, func(q *Queue) { q.Properties = cloneEach(q.Properties, own) })}
}
