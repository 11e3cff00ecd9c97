package simswitch

import (
	"iter"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Flow is one entry of a flow table. It owns its memory.
type Flow struct {
	Priority     uint16
	Cookie       uint64
	IdleTimeout  uint16 // seconds; 0: none
	HardTimeout  uint16 // seconds; 0: none
	Flags        ofp.FlowFlags
	Match        ofp.Match
	Instructions []ofp.Instruction

	Packets uint64
	Bytes   uint64
	Added   time.Duration // on the datapath's clock
	Used    time.Duration // when a packet last took it, or Added
}

// Table is one flow table. The zero Table is empty and ready.
type Table struct {
	Lookups uint64 // packets looked up
	Matched uint64 // packets that a flow took
	Miss    uint32 // what becomes of those that none took, one of ofp.TableMiss; 1.0 to 1.2

	flows []*Flow // highest priority first, then by age
	index map[flowID]*Flow
}

// flowID is what makes a flow the same flow.
type flowID struct {
	priority uint16
	match    string
}

func id(priority uint16, m *ofp.Match) flowID { return flowID{priority, m.Key()} }

// Len returns the number of flows.
func (t *Table) Len() int { return len(t.flows) }

// All yields the flows, highest priority first. The table must not change
// meanwhile.
func (t *Table) All() iter.Seq[*Flow] { return slices.Values(t.flows) }

// Lookup returns the flow that takes the packet: the first of the highest
// priority, or nil.
func (t *Table) Lookup(p *Packet) *Flow {
	t.Lookups++
	for _, f := range t.flows {
		if p.Matches(&f.Match) {
			t.Matched++
			return f
		}
	}
	return nil
}

// Find returns the flow with that priority and match, or nil.
func (t *Table) Find(priority uint16, m *ofp.Match) *Flow { return t.index[id(priority, m)] }

// Put adds a flow, in place of one with the same priority and match.
func (t *Table) Put(f *Flow) {
	if old := t.Find(f.Priority, &f.Match); old != nil {
		t.flows[slices.Index(t.flows, old)] = f
	} else {
		at, _ := slices.BinarySearchFunc(t.flows, f.Priority, func(g *Flow, priority uint16) int {
			if g.Priority >= priority {
				return -1
			}
			return 1
		})
		t.flows = slices.Insert(t.flows, at, f)
	}
	if t.index == nil {
		t.index = map[flowID]*Flow{}
	}
	t.index[id(f.Priority, &f.Match)] = f
}

// Remove takes the flows out for which gone holds, and returns them.
func (t *Table) Remove(gone func(*Flow) bool) (removed []*Flow) {
	t.flows = slices.DeleteFunc(t.flows, func(f *Flow) bool {
		if !gone(f) {
			return false
		}
		removed = append(removed, f)
		delete(t.index, id(f.Priority, &f.Match))
		return true
	})
	return removed
}

// Overlaps reports whether a flow of that priority can take a packet that m
// takes too (OFPFF_CHECK_OVERLAP, section 6.4 of OpenFlow 1.3.5).
func (t *Table) Overlaps(priority uint16, m *ofp.Match) bool {
	return slices.ContainsFunc(t.flows, func(f *Flow) bool {
		return f.Priority == priority && f.Match.Overlaps(m)
	})
}
