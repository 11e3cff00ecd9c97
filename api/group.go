package api

import (
	"errors"
	"fmt"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// toGroupMod converts a change of either form. n knows the switch's port names.
func toGroupMod(c *sluicev1.GroupChange, n *ofp.Names) (*ofp.GroupMod, error) {
	switch x := c.GetChange().(type) {
	case *sluicev1.GroupChange_Add:
		return toGroupSpec("add", x.Add, ofp.GroupAdd, n)
	case *sluicev1.GroupChange_Modify:
		return toGroupSpec("modify", x.Modify, ofp.GroupModify, n)
	case *sluicev1.GroupChange_AddOrModify:
		return toGroupSpec("add_or_modify", x.AddOrModify, ofp.GroupAddOrModify, n)
	case *sluicev1.GroupChange_Delete:
		return toGroupSpec("delete", x.Delete, ofp.GroupDelete, n)
	}
	return nil, errors.New("no change is set: want one of add, modify, add_or_modify, delete")
}

func toGroupSpec(field string, s *sluicev1.GroupSpec, command ofp.GroupCommand, n *ofp.Names) (*ofp.GroupMod, error) {
	var m *ofp.GroupMod
	var err error
	switch form := s.GetForm().(type) {
	case *sluicev1.GroupSpec_Text:
		m, err = ofp.ParseGroup(form.Text, command, n)
		err = at("text", err)
	case *sluicev1.GroupSpec_Group:
		m, err = toGroup(form.Group, command, n)
		err = at("group", err)
	default:
		if command == ofp.GroupDelete {
			return &ofp.GroupMod{Command: command, Group: ofp.GroupAll}, nil
		}
		err = errors.New("no group is set: want text or group")
	}
	if err != nil {
		return nil, at(field, err)
	}
	return m, nil
}

func toGroup(g *sluicev1.Group, command ofp.GroupCommand, n *ofp.Names) (*ofp.GroupMod, error) {
	m := &ofp.GroupMod{Command: command, Group: or(g.Id, ofp.GroupAll)}
	if g.Id != nil && m.Group > ofp.GroupMax {
		return nil, bad("id", "%d: want at most %d", m.Group, ofp.GroupMax)
	}
	if command == ofp.GroupDelete {
		if len(g.GetBuckets()) > 0 {
			return nil, bad("buckets", "want none to delete a group: it is chosen by its id")
		}
		return m, nil
	}
	if g.Id == nil {
		return nil, bad("id", "is not set: want the group's number")
	}
	if g.GetType() < sluicev1.GroupType_GROUP_TYPE_ALL || g.GetType() > sluicev1.GroupType_GROUP_TYPE_FAST_FAILOVER {
		return nil, bad("type", "%s: want one of GROUP_TYPE_ALL, _SELECT, _INDIRECT, _FAST_FAILOVER", g.GetType())
	}
	m.GroupType = ofp.GroupType(g.GetType() - sluicev1.GroupType_GROUP_TYPE_ALL)
	for i, k := range g.GetBuckets() {
		b, err := toBucket(k, m.GroupType, n)
		if err != nil {
			return nil, at(fmt.Sprintf("buckets[%d]", i), err)
		}
		m.Buckets = append(m.Buckets, b)
	}
	return m, m.Validate()
}

func toBucket(k *sluicev1.Bucket, t ofp.GroupType, n *ofp.Names) (ofp.Bucket, error) {
	b := ofp.NewBucket()
	if t == ofp.GroupTypeSelect {
		b.Weight = 1
	}
	if k.Weight != nil {
		if k.GetWeight() > 0xffff {
			return b, bad("weight", "%d: want at most 65535", k.GetWeight())
		}
		b.Weight = uint16(k.GetWeight())
	}
	var err error
	if k.GetWatchPort() != "" {
		if b.WatchPort, err = toPort(k.GetWatchPort(), n); err != nil {
			return b, at("watch_port", err)
		}
	}
	b.WatchGroup = or(k.WatchGroup, ofp.GroupAny)
	b.Actions, err = toActions(k.GetActions(), n)
	return b, at("actions", err)
}

// fromGroup converts a group that a switch has.
func fromGroup(g *ofp.GroupDesc) *sluicev1.Group {
	out := &sluicev1.Group{Id: &g.Group}
	if g.GroupType <= ofp.GroupTypeFastFailover {
		out.Type = sluicev1.GroupType(g.GroupType) + sluicev1.GroupType_GROUP_TYPE_ALL
	}
	for i := range g.Buckets {
		k := &g.Buckets[i]
		b := &sluicev1.Bucket{Actions: fromActions(k.Actions)}
		if k.Weight != 0 || g.GroupType == ofp.GroupTypeSelect {
			w := uint32(k.Weight)
			b.Weight = &w
		}
		if k.WatchPort != ofp.PortAny {
			b.WatchPort = k.WatchPort.String()
		}
		if k.WatchGroup != ofp.GroupAny {
			b.WatchGroup = &k.WatchGroup
		}
		out.Buckets = append(out.Buckets, b)
	}
	return out
}
