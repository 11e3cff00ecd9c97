package channel

import (
	"errors"

	"github.com/sluice-sdn/sluice/ofp"
)

// ErrBundleLooseFlows means that a bundle changes or deletes many flows by what they
// match, after it has added many.
var ErrBundleLooseFlows = errors.New("changes or deletes flows by what they match, too often after it has added many; name these strictly, or put it before the additions")

// loosePairs bounds the comparisons of messages that change or delete what matches
// with the additions before them in one bundle: they take a fraction of a second.
const loosePairs = 1 << 22

// withAdded puts in front of a message that changes or deletes all flows that match
// a strict one, with the same conditions, for each flow that an earlier message of
// the bundle adds and that it covers. It says what the switch should do anyway. Open
// vSwitch 3.1 does not find these flows where no flow before the bundle had the same
// mask in the table, and some have lower priorities: what it iterates over is
// published when the bundle is carried out. Strictly named it does find them.
//
// origin is that of withoutUsers. It fails with ErrBundleLooseFlows, or with
// ErrBundleTooLong if there are more than MaxBundle messages then, and bad is the
// index of the message that is too much.
func withAdded(msgs []ofp.Message) (out []ofp.Message, origin []int, bad int, err error) {
	var added []*ofp.FlowMod
	modified := false // an added flow may have other instructions by now
	pairs := 0
	for i, m := range msgs {
		f, _ := m.(*ofp.FlowMod)
		if f != nil && (f.Command == ofp.FlowModify || f.Command == ofp.FlowDelete) && len(added) > 0 {
			if pairs += len(added); pairs > loosePairs {
				return nil, nil, i, ErrBundleLooseFlows
			}
			if origin == nil {
				out = append(out, msgs[:i]...)
				for n := range i {
					origin = append(origin, n)
				}
			}
			for _, a := range added {
				if !reaches(f, a, modified) {
					continue
				}
				if len(out) >= MaxBundle {
					return nil, nil, i, ErrBundleTooLong
				}
				out, origin = append(out, strictly(f, a)), append(origin, i)
			}
		}
		if origin != nil {
			out, origin = append(out, m), append(origin, i)
		}
		switch {
		case f == nil:
		case f.Command == ofp.FlowAdd:
			added = append(added, f)
		case f.Command == ofp.FlowModify || f.Command == ofp.FlowModifyStrict:
			modified = true
		}
	}
	if origin == nil {
		out = msgs
	}
	if len(out) > MaxBundle {
		return nil, nil, len(msgs) - 1, ErrBundleTooLong
	}
	return out, origin, 0, nil
}

// reaches reports whether f may be about a flow that a has added. What only holds for
// the instructions that a gave it is not looked at where these may have changed.
func reaches(f, a *ofp.FlowMod, modified bool) bool {
	q := ofp.FlowFilter{Table: f.Table, OutPort: ofp.PortAny, OutGroup: ofp.GroupAny, Cookie: f.Cookie, CookieMask: f.CookieMask, Match: f.Match}
	if f.Command == ofp.FlowDelete && !modified {
		q.OutPort, q.OutGroup = f.OutPort, f.OutGroup
	}
	return q.Selects(a.Table, a.Cookie, &a.Match, a.Instructions)
}

// strictly is f about one flow alone.
func strictly(f, a *ofp.FlowMod) *ofp.FlowMod {
	m := *f
	m.Command = ofp.FlowModifyStrict
	if f.Command == ofp.FlowDelete {
		m.Command = ofp.FlowDeleteStrict
	}
	m.Table, m.Priority, m.Match = a.Table, a.Priority, a.Match
	return &m
}

// composed are the origins of what was made of what was made of something. nil
// stands for nothing having been put in.
func composed(first, second []int) []int {
	if first == nil || second == nil {
		if first == nil {
			return second
		}
		return first
	}
	out := make([]int, len(second))
	for i, n := range second {
		out[i] = first[n]
	}
	return out
}
