package ofp

import "fmt"

// Validate checks what a switch would refuse a group-mod for, whatever the
// version (section 7.3.4.3 of OpenFlow 1.3.5). The error names the field. What
// was decoded need not be valid, and is encoded as it came.
func (m *GroupMod) Validate() error {
	switch {
	case m.Command > GroupDelete && m.Command != GroupAddOrModify:
		return fmt.Errorf("command %d: want add (0), modify (1) or delete (2)", uint16(m.Command))
	case m.Command == GroupDelete && m.Group == GroupAll:
	case m.Group > GroupMax:
		return fmt.Errorf("group_id %d: want at most %d", m.Group, GroupMax)
	}
	if m.Command == GroupDelete {
		if len(m.Buckets) > 0 {
			return fmt.Errorf("%d buckets: a delete has none", len(m.Buckets))
		}
		return nil
	}
	return validBuckets(m.Group, m.GroupType, m.Buckets)
}

// Validate checks that a switch could have the group.
func (g *GroupDesc) Validate() error {
	if g.Group > GroupMax {
		return fmt.Errorf("group_id %d: want at most %d", g.Group, GroupMax)
	}
	return validBuckets(g.Group, g.GroupType, g.Buckets)
}

func validBuckets(group uint32, t GroupType, buckets []Bucket) error {
	if t > GroupTypeFastFailover {
		return fmt.Errorf("type %d: want all (0), select (1), indirect (2) or ff (3)", uint8(t))
	}
	for i := range buckets {
		if err := buckets[i].valid(group, t); err != nil {
			return fmt.Errorf("bucket %d: %w", i, err)
		}
	}
	if t == GroupTypeIndirect && len(buckets) != 1 {
		return fmt.Errorf("%d buckets: an indirect group has one", len(buckets))
	}
	return nil
}

// valid checks a bucket of a group. All actions of the set may stand in it, but
// not the group itself.
func (k *Bucket) valid(group uint32, t GroupType) error {
	switch {
	case k.Weight != 0 && t != GroupTypeSelect:
		return fmt.Errorf("weight %d: only buckets of a select group have one", k.Weight)
	case k.WatchPort == 0:
		return fmt.Errorf("watch_port 0: ports begin at 1; PortAny (%d) watches none", uint32(PortAny))
	case k.WatchPort != PortAny && k.WatchPort.Reserved():
		return fmt.Errorf("watch_port %s: want a port that the switch has", k.WatchPort)
	case k.WatchGroup != GroupAny && k.WatchGroup > GroupMax:
		return fmt.Errorf("watch_group %d: want at most %d, or GroupAny (%d) for none", k.WatchGroup, GroupMax, GroupAny)
	case k.WatchGroup == group:
		return fmt.Errorf("watch_group %d: a group cannot watch itself", group)
	case t == GroupTypeFastFailover && k.WatchPort == PortAny && k.WatchGroup == GroupAny:
		return fmt.Errorf("watch_port and watch_group: a bucket of a fast failover group needs one of them")
	}
	for i := range k.Actions {
		a := &k.Actions[i]
		if err := a.Validate(); err != nil {
			return fmt.Errorf("action %s: %w", a.Type, err)
		}
		if a.Type == ActionGroup && a.Arg == group {
			return fmt.Errorf("action group: group %d cannot contain itself", group)
		}
	}
	return nil
}
