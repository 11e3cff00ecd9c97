package simswitch

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Features tells what the switch is; its ports too where the version has them
// there.
func (d *Datapath) Features() *ofp.FeaturesReply {
	m := &ofp.FeaturesReply{
		DPID: d.cfg.DPID, Buffers: uint32(d.cfg.Buffers), Tables: uint8(len(d.tables)),
		Capabilities: ofp.CapFlowStats | ofp.CapTableStats | ofp.CapPortStats,
	}
	if d.Version == ofp.V10 {
		m.Actions = 0xfff
	}
	if d.Version < ofp.V13 {
		m.Ports = d.Ports()
	}
	return m
}

// Desc describes the switch in words.
func (d *Datapath) Desc() *ofp.Desc {
	return &ofp.Desc{
		Manufacturer: "Sluice", Hardware: "simulated switch", Software: "simswitch", Serial: "none", Datapath: d.cfg.Name,
	}
}

// Flows returns the flows that the filter is about, by table, then the highest
// priority first.
func (d *Datapath) Flows(q *ofp.FlowFilter) []ofp.FlowStats {
	var out []ofp.FlowStats
	for i := range d.tables {
		if q.Table != uint8(i) && q.Table != ofp.TableAll {
			continue
		}
		for f := range d.tables[i].All() {
			if !q.Selects(q.Table, f.Cookie, &f.Match, f.Instructions) {
				continue
			}
			age := d.now - f.Added
			s := ofp.FlowStats{
				Table: uint8(i), DurationSec: uint32(age / time.Second), DurationNsec: uint32(age % time.Second),
				Priority: f.Priority, IdleTimeout: f.IdleTimeout, HardTimeout: f.HardTimeout,
				Cookie: f.Cookie, Packets: f.Packets, Bytes: f.Bytes,
				Match: f.Match.Clone(), Instructions: ofp.CloneInstructions(f.Instructions),
			}
			if d.Version >= ofp.V13 {
				s.Flags = f.Flags
			}
			out = append(out, s)
		}
	}
	return out
}

// Aggregate sums over the flows that the filter is about.
func (d *Datapath) Aggregate(q *ofp.FlowFilter) *ofp.AggregateReply {
	var out ofp.AggregateReply
	for _, f := range d.Flows(q) {
		out.Packets += f.Packets
		out.Bytes += f.Bytes
		out.Flows++
	}
	return &out
}

// TableStats tells about every table.
func (d *Datapath) TableStats() []ofp.TableStats {
	out := make([]ofp.TableStats, len(d.tables))
	for i := range d.tables {
		t := &d.tables[i]
		out[i] = ofp.TableStats{Table: uint8(i), Active: uint32(t.Len()), Lookups: t.Lookups, Matched: t.Matched}
		if d.Version < ofp.V13 {
			out[i].Name = fmt.Sprintf("table%d", i)
			out[i].MaxEntries = d.maxFlows()
			if d.Version > ofp.V10 {
				out[i].Config = t.Miss
			}
		}
	}
	return out
}

func (d *Datapath) maxFlows() uint32 {
	if d.cfg.MaxFlows == 0 {
		return 1_000_000
	}
	return uint32(d.cfg.MaxFlows)
}

// PortStats tells the counters of a port, or of all with PortAny.
func (d *Datapath) PortStats(no ofp.PortNo) []ofp.PortStats {
	var out []ofp.PortStats
	for _, p := range d.ports {
		if no != ofp.PortAny && no != p.No {
			continue
		}
		if d.Version >= ofp.V13 {
			age := d.now - p.added
			p.stats.DurationSec, p.stats.DurationNsec = uint32(age/time.Second), uint32(age%time.Second)
		}
		out = append(out, p.stats)
	}
	return out
}

// multipart returns the segments that answer a request, or why there are none.
func (d *Datapath) multipart(m *ofp.MultipartRequest) ([]ofp.Part, ofp.ErrorReason) {
	switch q := m.Body.(type) {
	case *ofp.DescRequest:
		return []ofp.Part{d.Desc()}, ofp.ReasonUnknown
	case *ofp.FlowStatsRequest:
		return segments(d, d.Flows(&q.FlowFilter), func(s []ofp.FlowStats) ofp.Part { return &ofp.FlowStatsReply{Flows: s} })
	case *ofp.AggregateRequest:
		return []ofp.Part{d.Aggregate(&q.FlowFilter)}, ofp.ReasonUnknown
	case *ofp.TableStatsRequest:
		return segments(d, d.TableStats(), func(s []ofp.TableStats) ofp.Part { return &ofp.TableStatsReply{Tables: s} })
	case *ofp.PortStatsRequest:
		stats := d.PortStats(q.Port)
		if len(stats) == 0 && q.Port != ofp.PortAny {
			return nil, ofp.BadRequestBadPort
		}
		return segments(d, stats, func(s []ofp.PortStats) ofp.Part { return &ofp.PortStatsReply{Ports: s} })
	case *ofp.GroupDescRequest:
		return segments(d, d.Groups(), func(s []ofp.GroupDesc) ofp.Part { return &ofp.GroupDescReply{Groups: s} })
	case *ofp.GroupStatsRequest:
		return segments(d, d.GroupStats(q.Group), func(s []ofp.GroupStats) ofp.Part { return &ofp.GroupStatsReply{Groups: s} })
	case *ofp.GroupFeaturesRequest:
		return []ofp.Part{d.GroupFeatures()}, ofp.ReasonUnknown
	case *ofp.MeterConfigRequest:
		return segments(d, d.Meters(q.Meter), func(s []ofp.MeterConfig) ofp.Part { return &ofp.MeterConfigReply{Meters: s} })
	case *ofp.MeterStatsRequest:
		return segments(d, d.MeterStats(q.Meter), func(s []ofp.MeterCounters) ofp.Part { return &ofp.MeterStatsReply{Meters: s} })
	case *ofp.MeterFeaturesRequest:
		return []ofp.Part{d.MeterFeatures()}, ofp.ReasonUnknown
	case *ofp.QueueStatsRequest:
		stats, why := d.QueueStats(q)
		if why != ofp.ReasonUnknown {
			return nil, why
		}
		return segments(d, stats, func(s []ofp.QueueStats) ofp.Part { return &ofp.QueueStatsReply{Queues: s} })
	case *ofp.TableFeaturesRequest:
		return segments(d, d.TableFeatures(), func(s []ofp.TableFeatures) ofp.Part { return &ofp.TableFeaturesReply{Tables: s} })
	case *ofp.PortDescRequest:
		if d.Version >= ofp.V13 || d.cfg.PortDesc {
			return segments(d, d.Ports(), func(s []ofp.Port) ofp.Part { return &ofp.PortDescReply{Ports: s} })
		}
	}
	return nil, ofp.BadRequestBadStat
}

// segments cuts a list into parts of at most the configured length, halving it
// until each fits; a part of one item may be longer.
func segments[T any](d *Datapath, items []T, part func([]T) ofp.Part) ([]ofp.Part, ofp.ErrorReason) {
	p := part(items)
	b, err := ofp.Append(nil, d.Version, 0, &ofp.MultipartReply{Body: p})
	switch {
	case len(items) <= 1 || err == nil && len(b) <= d.cfg.SegmentBytes:
		return []ofp.Part{p}, ofp.ReasonUnknown
	case err != nil && !errors.Is(err, ofp.ErrTooLong):
		return []ofp.Part{p}, ofp.ReasonUnknown // encoding it will fail and say why
	}
	first, _ := segments(d, items[:len(items)/2], part)
	second, _ := segments(d, items[len(items)/2:], part)
	return append(first, second...), ofp.ReasonUnknown
}
