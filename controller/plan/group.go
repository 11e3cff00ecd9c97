package plan

import (
	"fmt"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// groups compares the groups.
func (m *maker) groups() (c changes) {
	there := make(map[uint32]int, len(m.has.Groups))
	for i := range m.has.Groups {
		there[m.has.Groups[i].Group] = i
	}
	wanted := make(map[uint32]bool, len(m.wants.Groups))
	for i := range m.wants.Groups {
		g := &m.wants.Groups[i]
		form, err := m.form.group(g.GroupType, g.Buckets)
		if err == nil && wanted[g.Group] {
			err = fmt.Errorf("group %d is wanted twice", g.Group)
		}
		wanted[g.Group] = true // also what cannot be said: it is not somebody else's
		if err != nil {
			m.unable(Group, i, err)
			continue
		}
		at, ok := there[g.Group]
		if !ok {
			c.come = append(c.come, Change{Group, Add, i, -1, groupMod(g, ofp.GroupAdd)})
			continue
		}
		h := &m.has.Groups[at]
		if now, err := m.form.group(h.GroupType, h.Buckets); err == nil && now == form {
			m.plan.Same++
		} else {
			c.come = append(c.come, Change{Group, Modify, i, at, groupMod(g, ofp.GroupModify)})
		}
	}
	for i := range m.has.Groups {
		g := &m.has.Groups[i]
		switch {
		case wanted[g.Group]:
		case !m.goneGroup(g.Group) && m.rules.Group != nil && m.rules.Group(g.Group) == Keep:
			m.kept(Group, i, false)
		default:
			c.gone = append(c.gone, Change{Group, Delete, -1, i, &ofp.GroupMod{Command: ofp.GroupDelete, GroupType: g.GroupType, Group: g.Group}})
		}
	}
	return c
}

func groupMod(g *ofp.GroupMod, command ofp.GroupCommand) *ofp.GroupMod {
	m := *g
	m.Command = command
	return &m
}

// meters compares the meters.
func (m *maker) meters() (c changes) {
	there := make(map[uint32]int, len(m.has.Meters))
	for i := range m.has.Meters {
		there[m.has.Meters[i].Meter] = i
	}
	wanted := make(map[uint32]bool, len(m.wants.Meters))
	for i := range m.wants.Meters {
		w := &m.wants.Meters[i]
		form, err := m.form.meter(w.Flags, w.Bands)
		if err == nil && wanted[w.Meter] {
			err = fmt.Errorf("meter %d is wanted twice", w.Meter)
		}
		wanted[w.Meter] = true
		if err != nil {
			m.unable(Meter, i, err)
			continue
		}
		mod := *w
		at, ok := there[w.Meter]
		if !ok {
			mod.Command = ofp.MeterAdd
			c.come = append(c.come, Change{Meter, Add, i, -1, &mod})
			continue
		}
		h := &m.has.Meters[at]
		if now, err := m.form.meter(h.Flags, h.Bands); err == nil && now == form {
			m.plan.Same++
		} else {
			mod.Command = ofp.MeterModify
			c.come = append(c.come, Change{Meter, Modify, i, at, &mod})
		}
	}
	for i := range m.has.Meters {
		h := &m.has.Meters[i]
		switch {
		case wanted[h.Meter]:
		case !m.goneMeter(h.Meter) && m.rules.Meter != nil && m.rules.Meter(h.Meter) == Keep:
			m.kept(Meter, i, false)
		default:
			c.gone = append(c.gone, Change{Meter, Delete, -1, i, &ofp.MeterMod{Command: ofp.MeterDelete, Meter: h.Meter}})
		}
	}
	return c
}

// levels parts groups so that each level uses, of the groups in the list, only
// those of levels before it; or, if they go, is used only by those. Groups that
// use each other in a circle, which a switch refuses, are the last level.
func (m *maker) levels(all []Change, going bool) [][]Change {
	buckets := func(c *Change) []ofp.Bucket {
		if going {
			return m.has.Groups[c.Have].Buckets
		}
		return c.Message.(*ofp.GroupMod).Buckets
	}
	place := make(map[uint32]int, len(all))
	for i := range all {
		place[all[i].Message.(*ofp.GroupMod).Group] = i
	}
	first := make([][]int, len(all)) // of each: those that must come before
	for i := range all {
		uses := use{}
		uses.buckets(buckets(&all[i]))
		for id := range uses.groups {
			other, ok := place[id]
			switch {
			case !ok || other == i:
			case going:
				first[other] = append(first[other], i)
			default:
				first[i] = append(first[i], other)
			}
		}
	}
	level := make([]int, len(all)) // 0: not known yet
	var levels [][]Change
	for left := len(all); left > 0; {
		n := len(levels) + 1
		var now []Change
		for i := range all {
			if level[i] == 0 && !slices.ContainsFunc(first[i], func(o int) bool { return level[o] == 0 || level[o] == n }) {
				level[i] = n
				now = append(now, all[i])
			}
		}
		if len(now) == 0 {
			for i := range all {
				if level[i] == 0 {
					level[i] = n
					now = append(now, all[i])
				}
			}
		}
		left -= len(now)
		levels = append(levels, now)
	}
	return levels
}

func (m *maker) goneGroup(id uint32) bool {
	return m.rules.Gone != nil && slices.ContainsFunc(m.rules.Gone.Groups, func(g ofp.GroupMod) bool { return g.Group == id })
}

func (m *maker) goneMeter(id uint32) bool {
	return m.rules.Gone != nil && slices.ContainsFunc(m.rules.Gone.Meters, func(x ofp.MeterMod) bool { return x.Meter == id })
}
