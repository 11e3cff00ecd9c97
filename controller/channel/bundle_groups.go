package channel

import (
	"errors"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// ErrBundleAllGroups means that a bundle deletes all groups before other changes.
var ErrBundleAllGroups = errors.New("deletes all groups before other changes, and that would crash Open vSwitch if one of those were refused; delete groups by their numbers, or last")

// withoutUsers puts in front of the deletion of a group one of the flows that use
// it, which says what the switch does anyway (section 6.5 of OpenFlow 1.3.5). Open
// vSwitch 3.1 ends with a failed assertion where it goes back on a bundle in which a
// group went and took flows with it; where these went before, it does not. What
// stands behind all other messages is not gone back on.
//
// origin tells which of msgs each message stands for. It fails with
// ErrBundleAllGroups for a deletion of all groups, whose users nobody can name, and
// bad is its index.
func withoutUsers(msgs []ofp.Message) (out []ofp.Message, origin []int, bad int, err error) {
	last := len(msgs) // of the messages that may be refused behind a deletion
	for last > 0 && deletesGroup(msgs[last-1]) {
		last--
	}
	first := slices.IndexFunc(msgs[:last], deletesGroup)
	if first < 0 {
		return msgs, nil, 0, nil
	}
	for i, m := range msgs {
		if i < last && deletesGroup(m) {
			id := m.(*ofp.GroupMod).Group
			if id == ofp.GroupAll {
				return nil, nil, i, ErrBundleAllGroups
			}
			users := ofp.NewFlowMod(ofp.FlowDelete)
			users.Table, users.OutGroup = ofp.TableAll, id
			out, origin = append(out, users), append(origin, i)
		}
		out, origin = append(out, m), append(origin, i)
	}
	return out, origin, 0, nil
}

func deletesGroup(m ofp.Message) bool {
	g, ok := m.(*ofp.GroupMod)
	return ok && g != nil && g.Command == ofp.GroupDelete
}

// originally has an error about what stands for msgs be about msgs.
func originally(err error, msgs []ofp.Message, origin []int) error {
	we, ok := errors.AsType[*WriteError](err)
	if !ok || origin == nil {
		return err
	}
	if we.Sent > 0 {
		we.Sent = len(msgs)
	}
	for i := range we.Errors {
		e := &we.Errors[i]
		e.Index = origin[e.Index]
		e.Message = msgs[e.Index]
	}
	we.Errors = slices.CompactFunc(we.Errors, func(a, b ItemError) bool { return a.Index == b.Index })
	return we
}
