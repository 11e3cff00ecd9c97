package desired

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// effect is what one message does at one place.
type effect struct {
	message       int // index
	at            place
	before, after value // nil: nothing
}

// decider works out what messages do to a book. It changes nothing in it.
type decider struct {
	state    *State
	book     *book
	owner    ownerID
	version  ofp.Version
	extended bool // tables are named in 1.0, too
	names    func(ownerID) string
	pack     packer
	expect   int // about so many effects

	// has reads the flows that the switch has; nil: they do not count.
	has func() ([]ofp.FlowStats, error)

	index   int             // of the message at hand
	earlier []*ofp.FlowMod  // the messages before it that delete flows, or add transient ones
	there   []ofp.FlowMod   // what has has read
	asked   bool            // it has
	overlay map[place]value // what the messages before it have changed
	effects []effect
}

func (d *decider) value(p place) value {
	if v, ok := d.overlay[p]; ok {
		return v
	}
	return d.book.value(p)
}

// put notes that a place gets a value, nil to clear it. It fails if somebody else
// has the place.
func (d *decider) put(p place, v value, what func() string) error {
	before := d.value(p)
	if before == nil && v == nil {
		return nil
	}
	if before != nil && before.owner() != d.owner {
		return &OwnerError{Index: d.index, What: what(), Owner: d.names(before.owner())}
	}
	if d.overlay == nil {
		d.overlay = make(map[place]value, d.expect)
		d.effects = make([]effect, 0, d.expect)
	}
	d.overlay[p] = v
	d.effects = append(d.effects, effect{d.index, p, before, v})
	return nil
}

// unclaimed fails if an app has a place.
func (d *decider) unclaimed(p place) error {
	if e := d.state.claimed(d.book, p); e != nil {
		e.Index = d.index
		return e
	}
	return nil
}

// message works out what one message does.
func (d *decider) message(i int, m ofp.Message) error {
	d.index = i
	switch m := m.(type) {
	case *ofp.FlowMod:
		err := d.flow(m)
		if d.has != nil && d.version <= ofp.V11 && (m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict || transient(m)) {
			d.earlier = append(d.earlier, m)
		}
		return err
	case *ofp.GroupMod:
		return d.group(m)
	case *ofp.MeterMod:
		return d.meter(m)
	}
	return nil // it changes nothing that is kept
}

func (d *decider) flow(m *ofp.FlowMod) error {
	what := func(table uint8, priority uint16, match *ofp.Match) func() string {
		return func() string {
			m := ofp.NewFlowMod(ofp.FlowDeleteStrict)
			m.Table, m.Priority, m.Match = table, priority, *match
			return "flow " + m.String()
		}
	}
	if m.Command == ofp.FlowAdd {
		return d.add(m, what(m.Table, m.Priority, &m.Match))
	}
	q := ofp.FlowFilter{Table: m.Table, OutPort: ofp.PortAny, OutGroup: ofp.GroupAny, Match: m.Match}
	deletes := m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict
	if deletes {
		q.OutPort, q.OutGroup = m.OutPort, m.OutGroup
	}
	if d.version == ofp.V10 {
		if deletes && m.Table == 0 && !m.NXTable && !d.extended {
			q.Table = ofp.TableAll // 1.0 by itself names no table
		}
	} else {
		q.Cookie, q.CookieMask = m.Cookie, m.CookieMask
	}
	strict := m.Command == ofp.FlowModifyStrict || m.Command == ofp.FlowDeleteStrict
	if strict {
		if e := d.state.claimedBy(d.book, m); e != nil {
			e.Index = d.index
			return e
		}
	}
	found := false
	err := d.each(kindFlow, func() []place {
		if strict && q.Table != ofp.TableAll {
			return []place{flowPlace(m.Table, m.Priority, &m.Match)}
		}
		return nil
	}, func(p place, v value, is ofp.Message) error {
		f, ok := is.(*ofp.FlowMod)
		if !ok || strict && (f.Priority != m.Priority || !f.Match.Equal(&m.Match)) || !q.Selects(f.Table, f.Cookie, &f.Match, f.Instructions) {
			return nil
		}
		found = true
		if deletes {
			return d.put(p, nil, what(f.Table, f.Priority, &f.Match))
		}
		changed := *f
		changed.Instructions = m.Instructions
		if d.version == ofp.V10 {
			changed.Cookie = m.Cookie
		}
		now, err := d.pack.pack(d.owner, &changed)
		if err != nil {
			return err
		}
		return d.put(p, now, what(f.Table, f.Priority, &f.Match))
	})
	if err == nil && !found && !deletes && d.version <= ofp.V11 && (d.version == ofp.V10 || m.CookieMask == 0) {
		if !strict {
			if others, err := d.others(m); err != nil || others {
				return err
			}
		}
		err = d.add(m, what(m.Table, m.Priority, &m.Match)) // a modify of nothing adds, in 1.0 and 1.1
	}
	return err
}

// add puts a flow, unless it is transient.
func (d *decider) add(m *ofp.FlowMod, what func() string) error {
	p := flowPlace(m.Table, m.Priority, &m.Match)
	if err := d.unclaimed(p); err != nil {
		return err
	}
	if m.IdleTimeout != 0 || m.HardTimeout != 0 {
		if d.value(p) != nil {
			return fmt.Errorf("%s: a flow with timeouts would take the place of one that is to stay; delete that first", what())
		}
		return nil
	}
	keep := *m
	keep.Command, keep.BufferID, keep.OutPort, keep.OutGroup, keep.CookieMask = ofp.FlowAdd, ofp.NoBuffer, ofp.PortAny, ofp.GroupAny, 0
	keep.Flags &^= ofp.FlowCheckOverlap | ofp.FlowResetCounts // about this adding, not about the flow
	v, err := d.pack.pack(d.owner, &keep)
	if err != nil {
		return err
	}
	return d.put(p, v, what)
}

func (d *decider) group(m *ofp.GroupMod) error {
	what := func(id uint32) func() string { return func() string { return fmt.Sprintf("group %d", id) } }
	switch m.Command {
	case ofp.GroupDelete:
		gone := map[uint32]bool{m.Group: true}
		err := d.each(kindGroup, func() []place {
			if m.Group != ofp.GroupAll {
				return []place{groupPlace(m.Group)}
			}
			return nil
		}, func(p place, v value, is ofp.Message) error {
			g := is.(*ofp.GroupMod)
			gone[g.Group] = true
			return d.put(p, nil, what(g.Group))
		})
		if err != nil {
			return err
		}
		// With a group go the flows that use it (section 6.5 of OpenFlow 1.3.5).
		return d.users(func(i *ofp.Instruction) bool {
			return slices.ContainsFunc(i.Actions, func(a ofp.Action) bool {
				return a.Type == ofp.ActionGroup && (gone[a.Arg] || m.Group == ofp.GroupAll)
			})
		})
	case ofp.GroupModify:
		if d.value(groupPlace(m.Group)) == nil {
			return nil // somebody else's, or none
		}
	}
	keep := *m
	keep.Command = ofp.GroupAdd
	v, err := d.pack.pack(d.owner, &keep)
	if err != nil {
		return err
	}
	return d.put(groupPlace(m.Group), v, what(m.Group))
}

func (d *decider) meter(m *ofp.MeterMod) error {
	what := func(id uint32) func() string { return func() string { return fmt.Sprintf("meter %d", id) } }
	switch m.Command {
	case ofp.MeterDelete:
		err := d.each(kindMeter, func() []place {
			if m.Meter != ofp.MeterAll {
				return []place{meterPlace(m.Meter)}
			}
			return nil
		}, func(p place, v value, is ofp.Message) error {
			return d.put(p, nil, what(is.(*ofp.MeterMod).Meter))
		})
		if err != nil {
			return err
		}
		return d.users(func(i *ofp.Instruction) bool {
			return i.Type == ofp.InstructionMeter && (i.Meter == m.Meter || m.Meter == ofp.MeterAll)
		})
	case ofp.MeterModify:
		if d.value(meterPlace(m.Meter)) == nil {
			return nil
		}
	}
	keep := *m
	keep.Command = ofp.MeterAdd
	v, err := d.pack.pack(d.owner, &keep)
	if err != nil {
		return err
	}
	return d.put(meterPlace(m.Meter), v, what(m.Meter))
}

// users takes the flows away that have an instruction for which uses holds.
func (d *decider) users(uses func(*ofp.Instruction) bool) error {
	return d.each(kindFlow, nil, func(p place, v value, is ofp.Message) error {
		f, ok := is.(*ofp.FlowMod)
		if !ok || !slices.ContainsFunc(f.Instructions, func(i ofp.Instruction) bool { return uses(&i) }) {
			return nil
		}
		return d.put(p, nil, func() string {
			return fmt.Sprintf("flow table=%d, priority %d, which goes with it,", f.Table, f.Priority)
		})
	})
}

// each calls f for what is wanted at each of the places that only tells, or, if
// it tells none, for all of the kind, in the order of their places.
func (d *decider) each(kind byte, only func() []place, f func(place, value, ofp.Message) error) error {
	var places []place
	if only != nil {
		places = only()
	}
	if places == nil {
		d.book.mu.Lock()
		places, _ = d.book.items.sorted(kind)
		d.book.mu.Unlock()
		for p := range maps.Keys(d.overlay) {
			if p[0] == kind {
				places = append(places, p)
			}
		}
		slices.Sort(places)
		places = slices.Compact(places)
	}
	for _, p := range places {
		v := d.value(p)
		if v == nil {
			continue
		}
		m, err := v.message()
		if err != nil {
			return err
		}
		if err := f(p, v, m); err != nil {
			return err
		}
	}
	return nil
}
