package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// use is which groups and meters something uses.
type use struct {
	groups, meters map[uint32]bool
}

func (u *use) instructions(is []ofp.Instruction) {
	for i := range is {
		if is[i].Type == ofp.InstructionMeter {
			note(&u.meters, is[i].Meter)
		}
		u.actions(is[i].Actions)
	}
}

func (u *use) buckets(bs []ofp.Bucket) {
	for i := range bs {
		if bs[i].WatchGroup != ofp.GroupAny {
			note(&u.groups, bs[i].WatchGroup)
		}
		u.actions(bs[i].Actions)
	}
}

func (u *use) actions(as []ofp.Action) {
	for i := range as {
		switch {
		case as[i].Type == ofp.ActionGroup:
			note(&u.groups, as[i].Arg)
		case as[i].Ext == nil:
		default:
			switch e := as[i].Ext.(type) {
			case *ofp.CloneActions:
				u.actions(e.Actions)
			case *ofp.CT:
				u.actions(e.Actions)
			}
		}
	}
}

func note(set *map[uint32]bool, id uint32) {
	if *set == nil {
		*set = make(map[uint32]bool)
	}
	(*set)[id] = true
}

// any reports whether one of the changes adds or changes a group or meter in use.
func (u *use) any(groups, meters []Change) bool {
	return slices.ContainsFunc(groups, func(c Change) bool { return u.groups[c.Message.(*ofp.GroupMod).Group] }) ||
		slices.ContainsFunc(meters, func(c Change) bool { return u.meters[c.Message.(*ofp.MeterMod).Meter] })
}

// lacking returns an error if something uses a group or meter that is wanted and
// cannot be had.
func (m *maker) lacking(is []ofp.Instruction) error {
	if len(m.plan.Unable) == 0 {
		return nil
	}
	var u use
	u.instructions(is)
	for _, x := range m.plan.Unable {
		switch {
		case x.Object == Group && u.groups[m.wants.Groups[x.Want].Group]:
			return fmt.Errorf("group %d: %w", m.wants.Groups[x.Want].Group, x.Err)
		case x.Object == Meter && u.meters[m.wants.Meters[x.Want].Meter]:
			return fmt.Errorf("meter %d: %w", m.wants.Meters[x.Want].Meter, x.Err)
		}
	}
	return nil
}

// keepUsed takes out of the groups and meters that are to go those that something
// uses which stays: a switch would remove its users with them (section 6.5 of
// OpenFlow 1.3.5).
func (m *maker) keepUsed(flowsGone []Change, groups, meters *[]Change) {
	if len(*groups)+len(*meters) == 0 {
		return
	}
	going := make(map[int]bool, len(flowsGone))
	for _, c := range flowsGone {
		going[c.Have] = true
	}
	var u use
	for _, k := range m.plan.Kept {
		switch k.Object {
		case Flow:
			u.instructions(m.has.Flows[k.Have].Instructions)
		case Group:
			u.buckets(m.has.Groups[k.Have].Buckets)
		}
	}
	if m.rules.Gone != nil { // what is wanted goes before it, and may use it
		for i := range m.wants.Flows {
			u.instructions(m.wants.Flows[i].Instructions)
		}
		// A group that uses it does not go with it: some switches refuse to delete one
		// that others use, and Open vSwitch takes the name of one that is not there.
	}
	// What is kept may use another in turn.
	for again := true; again; {
		again = false
		*groups = slices.DeleteFunc(*groups, func(c Change) bool {
			g := &m.has.Groups[c.Have]
			if !u.groups[g.Group] {
				return false
			}
			u.buckets(g.Buckets)
			m.kept(Group, c.Have, true)
			again = true
			return true
		})
	}
	*meters = slices.DeleteFunc(*meters, func(c Change) bool {
		if !u.meters[m.has.Meters[c.Have].Meter] {
			return false
		}
		m.kept(Meter, c.Have, true)
		return true
	})
}

// Uses returns the groups and meters that a flow-mod or group-mod names, in no
// order.
func Uses(m ofp.Message) (groups, meters []uint32) {
	var u use
	switch m := m.(type) {
	case *ofp.FlowMod:
		u.instructions(m.Instructions)
	case *ofp.GroupMod:
		u.buckets(m.Buckets)
	}
	return slices.Collect(maps.Keys(u.groups)), slices.Collect(maps.Keys(u.meters))
}
