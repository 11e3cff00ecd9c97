package plan

import (
	"fmt"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// flows compares the flows.
func (m *maker) flows() (c changes) {
	there := make(map[identity]int, len(m.has.Flows))
	contents := make([]content, len(m.has.Flows))
	for i := range m.has.Flows {
		id, form := m.form.had(&m.has.Flows[i])
		there[id], contents[i] = i, form
	}
	wanted := make([]bool, len(m.has.Flows))
	first := make(map[identity]int, len(m.wants.Flows))
	own := make(map[identity]bool) // wanted, and cannot be had: not somebody else's if it is there
	for i := range m.wants.Flows {
		f := &m.wants.Flows[i]
		id, form, err := m.form.wanted(f)
		if err == nil && m.sw.Tables > 0 && int(f.Table) >= m.sw.Tables {
			err = fmt.Errorf("needs table %d: the switch has %d tables", f.Table, m.sw.Tables)
		}
		if err == nil {
			err = m.leadsAstray(f.Instructions)
		}
		if err == nil {
			err = m.lacking(f.Instructions)
		}
		if at, twice := first[id]; err == nil && twice {
			err = fmt.Errorf("the same table, priority and match as flow %d", at)
		}
		if err != nil {
			m.unable(Flow, i, err)
			if id, ok := m.called(f); ok {
				own[id] = true
			} else {
				m.plan.Blurred = true
			}
			continue
		}
		first[id] = i
		at, ok := there[id]
		if ok && form.cookie == reservedCookie {
			form.cookie = contents[at].cookie
		}
		switch {
		case !ok:
			c.come = append(c.come, Change{Flow, Add, i, -1, flowMod(f, ofp.FlowAdd)})
			continue
		case contents[at] == form:
			m.plan.Same++
		case contents[at].sameButInstructions(&form):
			c.come = append(c.come, Change{Flow, Modify, i, at, flowMod(f, ofp.FlowModifyStrict)})
		default:
			c.come = append(c.come, Change{Flow, Replace, i, at, flowMod(f, ofp.FlowAdd)})
		}
		wanted[at] = true
	}
	gone := m.goneFlows()
	for i := range m.has.Flows {
		f := &m.has.Flows[i]
		switch {
		case wanted[i]:
		case m.again(f, first):
			// A switch that tells a flow twice, as also a broken middlebox may have it
			// do, has it once: to delete the other would delete what is wanted.
		case len(gone) > 0 && gone[m.form.identity(f)]:
			c.gone = append(c.gone, Change{Flow, Delete, -1, i, deletion(f)})
		case len(own) > 0 && own[m.form.identity(f)]:
		case m.rules.Flow != nil && (m.plan.Blurred || m.rules.Flow(f) == Keep):
			m.kept(Flow, i, false)
		default:
			c.gone = append(c.gone, Change{Flow, Delete, -1, i, deletion(f)})
		}
	}
	return c
}

// reservedCookie is one that no flow may be given (section 7.3.4.2 of OpenFlow 1.3.5).
// A store may have it from a switch whose flow was adopted. Open vSwitch takes it for
// the cookie that the flow has already: whichever that is, it stays, or a comparison
// would find a difference for ever.
const reservedCookie = ^uint64(0)

// called returns the identity of a flow whatever it does, if the version has words
// for that.
func (m *maker) called(f *ofp.FlowMod) (identity, bool) {
	bare := *f
	bare.Instructions = nil
	id, _, err := m.form.wanted(&bare)
	return id, err == nil
}

// again reports whether a flow has the identity of one that is wanted.
func (m *maker) again(f *ofp.FlowStats, wanted map[identity]int) bool {
	_, is := wanted[m.form.identity(f)]
	return is
}

// leadsAstray returns an error if instructions lead to a table that the switch does
// not have.
func (m *maker) leadsAstray(is []ofp.Instruction) error {
	for i := range is {
		if is[i].Type == ofp.InstructionGotoTable && m.sw.Tables > 0 && int(is[i].Table) >= m.sw.Tables {
			return fmt.Errorf("goto_table: needs table %d: the switch has %d tables", is[i].Table, m.sw.Tables)
		}
	}
	return nil
}

// goneFlows returns the flows that must not be there, as far as the version can say
// their matches: whatever they do.
func (m *maker) goneFlows() map[identity]bool {
	if m.rules.Gone == nil {
		return nil
	}
	gone := make(map[identity]bool, len(m.rules.Gone.Flows))
	for i := range m.rules.Gone.Flows {
		if id, ok := m.called(&m.rules.Gone.Flows[i]); ok {
			gone[id] = true
		}
	}
	return gone
}

// flowMod returns the message that brings a flow about. It shares the flow's
// match and instructions.
func flowMod(f *ofp.FlowMod, command ofp.FlowCommand) *ofp.FlowMod {
	m := *f
	m.Command, m.BufferID, m.OutPort, m.OutGroup = command, ofp.NoBuffer, ofp.PortAny, ofp.GroupAny
	m.CookieMask = 0
	if command == ofp.FlowModifyStrict {
		m.Flags &^= ofp.FlowCheckOverlap | ofp.FlowResetCounts
	}
	return &m
}

// deletion returns the message that removes one flow and no other.
func deletion(f *ofp.FlowStats) *ofp.FlowMod {
	m := ofp.NewFlowMod(ofp.FlowDeleteStrict)
	m.Table, m.Priority, m.Match = f.Table, f.Priority, f.Match
	return m
}

// overlapLimit bounds the pairs of flows that are compared within one table and
// priority. Beyond it flows are taken to overlap.
const overlapLimit = 1 << 20

// overlapping parts the flows that go into those that overlap one that comes, in
// table and priority, and the rest.
func (m *maker) overlapping(gone, come []Change) (before, after []Change) {
	type level struct {
		table    uint8
		priority uint16
	}
	going, coming := make(map[level]int), make(map[level][]*ofp.FlowMod)
	for _, c := range come {
		if f := c.Message.(*ofp.FlowMod); c.Action == Add {
			at := level{f.Table, f.Priority}
			coming[at] = append(coming[at], f)
		}
	}
	for _, c := range gone {
		f := c.Message.(*ofp.FlowMod)
		going[level{f.Table, f.Priority}]++
	}
	for _, c := range gone {
		f := c.Message.(*ofp.FlowMod)
		at := level{f.Table, f.Priority}
		if others := coming[at]; len(others)*going[at] > overlapLimit ||
			slices.ContainsFunc(others, func(o *ofp.FlowMod) bool { return f.Match.Overlaps(&o.Match) }) {
			before = append(before, c)
		} else {
			after = append(after, c)
		}
	}
	return before, after
}
