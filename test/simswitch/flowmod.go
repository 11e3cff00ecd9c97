package simswitch

import (
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// FlowMod adds, changes or deletes flows as section 6.4 of OpenFlow 1.3.5 and
// 4.6 of 1.0.0 say. ReasonUnknown means that it was done; the message is not
// kept.
func (d *Datapath) FlowMod(m *ofp.FlowMod) ofp.ErrorReason {
	del := m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict
	if why := d.checkFlowMod(m, del); why != ofp.ReasonUnknown {
		return why
	}
	if del {
		for i := range d.tables {
			if m.Table == uint8(i) || m.Table == ofp.TableAll || d.Version == ofp.V10 {
				d.deleteFlows(uint8(i), m)
			}
		}
		return ofp.ReasonUnknown
	}
	t := &d.tables[m.Table]
	why := ofp.ReasonUnknown
	if m.Command == ofp.FlowAdd {
		why = d.addFlow(t, m)
	} else if !d.modifyFlows(t, m) && d.Version <= ofp.V11 && (m.CookieMask == 0 || d.Version == ofp.V10) {
		why = d.addFlow(t, m) // 1.0 and 1.1: a modify of nothing adds
	}
	if why != ofp.ReasonUnknown || m.BufferID == ofp.NoBuffer {
		return why
	}
	p, why := d.unbuffer(m.BufferID)
	if why == ofp.ReasonUnknown {
		d.run(p, 0)
	}
	return why
}

func (d *Datapath) checkFlowMod(m *ofp.FlowMod, del bool) ofp.ErrorReason {
	switch {
	case m.Command > ofp.FlowDeleteStrict:
		return ofp.FlowModFailedBadCommand
	case int(m.Table) >= len(d.tables) && !(del && m.Table == ofp.TableAll):
		return ofp.FlowModFailedBadTableID
	case m.Match.Validate() != nil:
		return ofp.BadMatchBadPrereq
	case del:
		return ofp.ReasonUnknown
	}
	for i := range m.Instructions {
		in := &m.Instructions[i]
		if slices.ContainsFunc(m.Instructions[:i], func(o ofp.Instruction) bool { return o.Type == in.Type }) {
			return ofp.BadInstructionUnsupInst
		}
		switch in.Type {
		case ofp.InstructionGotoTable:
			if in.Table <= m.Table || int(in.Table) >= len(d.tables) {
				return ofp.BadInstructionBadTableID
			}
		case ofp.InstructionMeter:
			if d.meters[in.Meter] == nil {
				return ofp.MeterModFailedUnknownMeter
			}
		case ofp.InstructionApplyActions, ofp.InstructionWriteActions:
			if why := d.checkActions(in.Actions, false); why != ofp.ReasonUnknown {
				return why
			}
		case ofp.InstructionClearActions, ofp.InstructionWriteMetadata:
		default:
			return ofp.BadInstructionUnknownInst
		}
	}
	return ofp.ReasonUnknown
}

func (d *Datapath) addFlow(t *Table, m *ofp.FlowMod) ofp.ErrorReason {
	if m.Flags&ofp.FlowCheckOverlap != 0 && t.Overlaps(m.Priority, &m.Match) {
		return ofp.FlowModFailedOverlap
	}
	old := t.Find(m.Priority, &m.Match)
	if old == nil && d.cfg.MaxFlows > 0 && t.Len() >= d.cfg.MaxFlows {
		return ofp.FlowModFailedTableFull
	}
	f := &Flow{
		Priority: m.Priority, Cookie: m.Cookie, IdleTimeout: m.IdleTimeout, HardTimeout: m.HardTimeout, Flags: m.Flags,
		Match: canonical(&m.Match), Instructions: ofp.CloneInstructions(m.Instructions), Added: d.now, Used: d.now,
	}
	// Since 1.2 a flow that replaces another goes on with its counters, unless
	// the message says to reset them.
	if old != nil && d.Version >= ofp.V12 && m.Flags&ofp.FlowResetCounts == 0 {
		f.Packets, f.Bytes = old.Packets, old.Bytes
	}
	t.Put(f)
	return ofp.ReasonUnknown
}

// modifyFlows gives flows new instructions and reports whether there was one.
// Timeouts and flags stay; the cookie changes in 1.0 only, as in Open vSwitch,
// since later versions use it to choose.
func (d *Datapath) modifyFlows(t *Table, m *ofp.FlowMod) (found bool) {
	for f := range d.chosen(t, m) {
		found = true
		f.Instructions = ofp.CloneInstructions(m.Instructions)
		if d.Version == ofp.V10 {
			f.Cookie = m.Cookie
		}
		if d.Version >= ofp.V12 && m.Flags&ofp.FlowResetCounts != 0 {
			f.Packets, f.Bytes = 0, 0
		}
	}
	return found
}

func (d *Datapath) deleteFlows(table uint8, m *ofp.FlowMod) {
	t := &d.tables[table]
	gone := d.chosen(t, m)
	for _, f := range t.Remove(func(f *Flow) bool { return gone[f] }) {
		d.removed(table, f, ofp.RemovedDelete)
	}
}

// chosen returns the flows that a modify or delete is about.
func (d *Datapath) chosen(t *Table, m *ofp.FlowMod) map[*Flow]bool {
	q := ofp.FlowFilter{OutPort: ofp.PortAny, OutGroup: ofp.GroupAny, Match: m.Match}
	strict := m.Command == ofp.FlowModifyStrict || m.Command == ofp.FlowDeleteStrict
	if m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict {
		q.OutPort, q.OutGroup = m.OutPort, m.OutGroup
	}
	if d.Version >= ofp.V11 {
		q.Cookie, q.CookieMask = m.Cookie, m.CookieMask
	}
	out := map[*Flow]bool{}
	for f := range t.All() {
		if strict && (f.Priority != m.Priority || !f.Match.Equal(&m.Match)) {
			continue
		}
		if q.Selects(q.Table, f.Cookie, &f.Match, f.Instructions) {
			out[f] = true
		}
	}
	return out
}

// canonical returns the match as a switch tells it: fields in order, no bytes
// of the version that it came in.
func canonical(m *ofp.Match) ofp.Match {
	var out ofp.Match
	for f := range m.All() {
		if f.ID == ofp.FieldUnknown || out.SetMasked(f.ID, f.Value, f.Mask) != nil {
			return m.Clone()
		}
	}
	return out
}
