package simswitch

import (
	"maps"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// meter is one meter and what it counts.
type meter struct {
	ofp.MeterConfig
	stats ofp.MeterCounters
	added time.Duration
}

// MeterMod adds, changes or deletes meters as section 6.4 of OpenFlow 1.3.5 says.
// ReasonUnknown means that it was done; the message is not kept. Meters count,
// and let everything through.
func (d *Datapath) MeterMod(m *ofp.MeterMod) ofp.ErrorReason {
	old := d.meters[m.Meter]
	switch {
	case m.Command == ofp.MeterDelete:
		for id := range d.meters {
			if id == m.Meter || m.Meter == ofp.MeterAll {
				delete(d.meters, id)
				d.deleteUsers(func(f *Flow) bool { return f.meter() == id }, ofp.RemovedMeterDelete)
			}
		}
		return ofp.ReasonUnknown
	case m.Command > ofp.MeterDelete:
		return ofp.MeterModFailedBadCommand
	case m.Command == ofp.MeterAdd && old != nil:
		return ofp.MeterModFailedMeterExists
	case m.Command == ofp.MeterModify && old == nil:
		return ofp.MeterModFailedUnknownMeter
	case m.Validate() != nil:
		return ofp.MeterModFailedBadBand
	}
	x := &meter{added: d.now, stats: ofp.MeterCounters{Meter: m.Meter, Bands: make([]ofp.BandStats, len(m.Bands))}}
	x.MeterConfig = ofp.MeterConfig{Flags: m.Flags, Meter: m.Meter}
	for _, k := range m.Bands {
		k.Data = slices.Clone(k.Data)
		x.Bands = append(x.Bands, k)
	}
	d.meters[m.Meter] = x
	return ofp.ReasonUnknown
}

// meter returns the meter that a flow's packets pass, or 0.
func (f *Flow) meter() uint32 {
	for i := range f.Instructions {
		if f.Instructions[i].Type == ofp.InstructionMeter {
			return f.Instructions[i].Meter
		}
	}
	return 0
}

// passMeter counts a packet.
func (d *Datapath) passMeter(f *Flow, p *Packet) {
	if m := d.meters[f.meter()]; m != nil {
		m.stats.Packets++
		m.stats.Bytes += uint64(len(p.Frame))
	}
}

// Meters returns one meter, or all with MeterAll, by ascending number.
func (d *Datapath) Meters(id uint32) []ofp.MeterConfig {
	var out []ofp.MeterConfig
	for _, n := range slices.Sorted(maps.Keys(d.meters)) {
		if id == n || id == ofp.MeterAll {
			out = append(out, d.meters[n].MeterConfig)
		}
	}
	return out
}

// MeterStats tells the counters of a meter, or of all with MeterAll.
func (d *Datapath) MeterStats(id uint32) []ofp.MeterCounters {
	var out []ofp.MeterCounters
	for _, n := range slices.Sorted(maps.Keys(d.meters)) {
		if id != n && id != ofp.MeterAll {
			continue
		}
		m := d.meters[n]
		s := m.stats
		for i := range d.tables {
			for f := range d.tables[i].All() {
				if f.meter() == n {
					s.Flows++
				}
			}
		}
		age := d.now - m.added
		s.DurationSec, s.DurationNsec = uint32(age/time.Second), uint32(age%time.Second)
		out = append(out, s)
	}
	return out
}

// MeterFeatures tells what meters there can be.
func (d *Datapath) MeterFeatures() *ofp.MeterFeatures {
	return &ofp.MeterFeatures{MaxMeter: 1000, MaxBands: 4, BandTypes: 1<<ofp.BandDrop | 1<<ofp.BandDSCPRemark,
		Capabilities: uint32(ofp.MeterKbps | ofp.MeterPktps | ofp.MeterBurst | ofp.MeterStats)}
}
