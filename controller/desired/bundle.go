package desired

import (
	"context"
	"errors"
	"slices"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// Messages are sent as a bundle where the switch has bundles: all of them are
// carried out, or none. Open vSwitch takes no meter-mods into one, so those go
// before or behind it, as they come.

// piece is a run of messages, which is sent by itself.
type piece struct {
	from, to int
	bundled  bool
}

// hasBundles fails if the switch has no bundles.
func hasBundles(ctx context.Context, sw Switch) error {
	is, err := sw.Bundles(ctx)
	if err == nil && !is {
		err = &channel.WriteError{Err: channel.ErrNoBundles, Untouched: true}
	}
	return err
}

// carryOut has a switch carry the transaction out, once when, if it is not nil,
// returns; not at all if that fails.
func (t *Txn) carryOut(ctx context.Context, sw Switch, when func() error) (err error) {
	switch {
	case t.Bundle:
		err = sw.WriteBundleWhen(ctx, t.Messages, when)
	case len(t.Messages) > 0:
		err = carryOut(ctx, sw, t.Messages, when)
	}
	if err == nil && t.settings != nil {
		err = t.settings.carryOut(ctx, sw)
	}
	return err
}

// mostPieces bounds how many pieces messages are sent in; more of them would be
// slow.
const mostPieces = 3

// bundlable reports whether m may be in a bundle. Barriers are left out of one: it
// is carried out in order.
func bundlable(m ofp.Message) bool {
	switch m.(type) {
	case *ofp.FlowMod, *ofp.GroupMod, *ofp.BarrierRequest:
		return true
	}
	return false
}

// checksOverlap reports whether m is to be refused where it overlaps a flow of its
// priority (section 6.4 of OpenFlow 1.3.5). Open vSwitch 3.1 may not find those that
// the same bundle has added, and takes what it should refuse: such messages are sent
// one by one, unless a bundle is asked for.
func checksOverlap(m ofp.Message) bool {
	f, ok := m.(*ofp.FlowMod)
	return ok && f.Command == ofp.FlowAdd && f.Flags&ofp.FlowCheckOverlap != 0
}

// pieces says how messages are sent to a switch of a version.
func pieces(v ofp.Version, msgs []ofp.Message) []piece {
	whole := []piece{{to: len(msgs)}}
	if v != ofp.V13 || len(msgs) < 2 { // nobody else has bundles, and one message needs none
		return whole
	}
	if slices.ContainsFunc(msgs, checksOverlap) {
		return whole
	}
	var all []piece
	for i, m := range msgs {
		is := bundlable(m)
		if len(all) == 0 || all[len(all)-1].bundled != is {
			if len(all) == mostPieces {
				return whole
			}
			all = append(all, piece{from: i, bundled: is})
		}
		all[len(all)-1].to = i + 1
	}
	for i, p := range all {
		n := 0
		for _, m := range msgs[p.from:p.to] {
			if m.Type() != ofp.TypeBarrierRequest {
				n++
			}
		}
		all[i].bundled = p.bundled && n > 1
	}
	return all
}

// carryOut has a switch carry messages out, as a bundle where it can. It stops at
// the first piece that fails; where it is the first one, Untouched may be set. Its
// error is a *channel.WriteError about msgs, as far as it is one. when is called
// before the switch carries out the first, unless it is nil.
func carryOut(ctx context.Context, sw Switch, msgs []ofp.Message, when func() error) error {
	for _, p := range pieces(sw.Version(), msgs) {
		err := p.send(ctx, sw, msgs, when)
		we := (*channel.WriteError)(nil)
		if errors.As(err, &we) {
			if p.from > 0 {
				we.Untouched = false
			}
			return we
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// repairBundles is how many bundles a piece is tried in, each without what the
// switch has refused of the one before, until it is written message by message:
// Open vSwitch says of a bundle no more than the first message that it refuses.
const repairBundles = 3

// repair has a switch carry out as much of the messages as it takes. A
// *channel.WriteError without Err tells what it has refused; the others are
// carried out.
func repair(ctx context.Context, sw Switch, msgs []ofp.Message) error {
	var refused []channel.ItemError
	for _, p := range pieces(sw.Version(), msgs) {
		left, origin := msgs[p.from:p.to], make([]int, 0, p.to-p.from)
		for i := range left {
			origin = append(origin, p.from+i)
		}
		for try := 1; len(left) > 0; try++ {
			err := piece{to: len(left), bundled: p.bundled && try <= repairBundles}.send(ctx, sw, left, nil)
			we := (*channel.WriteError)(nil)
			if err == nil {
				break
			}
			if !errors.As(err, &we) || we.Err != nil {
				return err
			}
			if i := slices.IndexFunc(we.Errors, func(e channel.ItemError) bool { return noRoom(e.Err) && roomOf(left[e.Index]) != (room{}) }); i >= 0 && we.Untouched {
				r := refusals{msgs: msgs, all: refused}
				if err := r.try(origin, func(list []ofp.Message) error { return repairFull(ctx, sw, list, roomOf(left[we.Errors[i].Index])) }); err != nil {
					return err
				}
				refused = r.all
				break
			}
			bad := make(map[int]bool, len(we.Errors))
			for _, e := range we.Errors {
				bad[e.Index] = true
				e.Index = origin[e.Index]
				refused = append(refused, e)
			}
			if !we.Untouched {
				break
			}
			left, origin = without(left, bad), without(origin, bad)
		}
	}
	if refused == nil {
		return nil
	}
	slices.SortFunc(refused, func(a, b channel.ItemError) int { return a.Index - b.Index })
	return &channel.WriteError{Errors: refused, Sent: len(msgs), Confirmed: len(msgs)}
}

func without[T any](all []T, bad map[int]bool) []T {
	kept := make([]T, 0, len(all))
	for i, x := range all {
		if !bad[i] {
			kept = append(kept, x)
		}
	}
	return kept
}

// send sends a piece, and has it carried out as carryOut says. Its errors are about
// msgs.
func (p piece) send(ctx context.Context, sw Switch, msgs []ofp.Message, when func() error) error {
	part := msgs[p.from:p.to]
	if p.bundled {
		origin := make([]int, 0, len(part))
		mods := make([]ofp.Message, 0, len(part))
		for i, m := range part {
			if m.Type() != ofp.TypeBarrierRequest {
				mods, origin = append(mods, m), append(origin, p.from+i)
			}
		}
		err := sw.WriteBundleWhen(ctx, mods, when)
		we := (*channel.WriteError)(nil)
		if !errors.As(err, &we) {
			return err
		}
		if !unbundled(ctx, we) {
			out := *we
			out.Errors = slices.Clone(we.Errors)
			for i, e := range out.Errors {
				out.Errors[i].Index = origin[e.Index]
			}
			if we.Sent > 0 {
				out.Sent = p.to
			}
			out.Confirmed = p.from
			return &out
		}
	}
	if err := permit(when); err != nil {
		return err
	}
	err := sw.Write(ctx, part)
	we := (*channel.WriteError)(nil)
	if !errors.As(err, &we) || p.from == 0 {
		return err
	}
	out := *we
	out.Errors = slices.Clone(we.Errors)
	for i := range out.Errors {
		out.Errors[i].Index += p.from
	}
	out.Sent, out.Confirmed = we.Sent+p.from, we.Confirmed+p.from
	return &out
}

// unbundled reports whether a bundle was refused because it was one, so that the
// messages may well be taken by themselves.
func unbundled(ctx context.Context, we *channel.WriteError) bool {
	if !we.Untouched || ctx.Err() != nil {
		return false
	}
	if errors.Is(we.Err, channel.ErrNoBundles) || errors.Is(we.Err, channel.ErrBundleTooLong) || errors.Is(we.Err, channel.ErrBundleAllGroups) || errors.Is(we.Err, channel.ErrBundleLooseFlows) || aboutBundles(we.Err) {
		return true
	}
	return slices.ContainsFunc(we.Errors, func(e channel.ItemError) bool { return aboutBundles(e.Err) })
}

// aboutBundles reports whether an error is one of the switch about bundles.
func aboutBundles(err error) bool {
	s, ok := errors.AsType[*channel.SwitchError](err)
	if !ok {
		return false
	}
	return s.Reply.Reason.TypeName() == "OFPET_BUNDLE_FAILED"
}
