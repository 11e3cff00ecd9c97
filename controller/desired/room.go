package desired

import (
	"context"
	"errors"
	"slices"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/ofp"
)

// noRoom reports whether a switch has refused something since it has no room for it.
func noRoom(err error) bool {
	var se *channel.SwitchError
	if !errors.As(err, &se) {
		return false
	}
	switch se.Reply.Reason {
	case ofp.FlowModFailedTableFull, ofp.GroupModFailedOutOfGroups, ofp.GroupModFailedOutOfBuckets, ofp.MeterModFailedOutOfMeters, ofp.MeterModFailedOutOfBands:
		return true
	}
	return false
}

// room is what shares room on a switch: the flows of a table, the groups, the
// meters. The zero value stands for what needs none.
type room struct {
	kind  byte
	table uint8
}

// roomOf returns where a message needs room.
func roomOf(m ofp.Message) room {
	switch m := m.(type) {
	case *ofp.FlowMod:
		if m.Command == ofp.FlowAdd {
			return room{kindFlow, m.Table}
		}
	case *ofp.GroupMod:
		if m.Command == ofp.GroupAdd {
			return room{kind: kindGroup}
		}
	case *ofp.MeterMod:
		if m.Command == ofp.MeterAdd {
			return room{kind: kindMeter}
		}
	}
	return room{}
}

// mostPoured bounds how many messages are tried at once where there was no room:
// one first, and twice as many each time that all had room.
const mostPoured = 1024

// repairWithin is repair that tries what had no room before, the places of b.short,
// after the rest and a few at a time: as long as there is no room one message a
// comparison is sent for each table that is full. What is not tried is refused for
// the reason of what was. The caller has the turn.
func (b *book) repairWithin(ctx context.Context, sw Switch, msgs []ofp.Message, places []place) error {
	held := make(map[room][]int)
	lacks := make(map[place]bool) // groups and meters that are held
	var first []int
	for i, m := range msgs {
		if at := places[i]; at != "" && b.short[at] && roomOf(m) != (room{}) {
			held[roomOf(m)] = append(held[roomOf(m)], i)
			lacks[at] = true
			continue
		}
		first = append(first, i)
	}
	if len(held) == 0 {
		return repair(ctx, sw, msgs)
	}
	var after []int // what uses what is held
	if held[room{kind: kindGroup}] != nil || held[room{kind: kindMeter}] != nil {
		first = slices.DeleteFunc(first, func(i int) bool {
			groups, meters := plan.Uses(msgs[i])
			uses := slices.ContainsFunc(groups, func(id uint32) bool { return lacks[groupPlace(id)] }) ||
				slices.ContainsFunc(meters, func(id uint32) bool { return lacks[meterPlace(id)] })
			if uses {
				after = append(after, i)
			}
			return uses
		})
	}
	r := refusals{msgs: msgs}
	if err := r.try(first, func(list []ofp.Message) error { return repair(ctx, sw, list) }); err != nil {
		return err
	}
	for _, kind := range []byte{kindMeter, kindGroup, kindFlow} {
		for _, in := range sortedRooms(held) {
			if in.kind != kind {
				continue
			}
			if err := r.try(held[in], func(list []ofp.Message) error { return pour(ctx, sw, list) }); err != nil {
				return err
			}
		}
		if kind == kindGroup && after != nil {
			why := r.last
			missing := make(map[int]bool)
			for _, e := range r.all {
				missing[e.Index] = true
			}
			var now []int
			for _, i := range after {
				groups, meters := plan.Uses(msgs[i])
				lacking := slices.ContainsFunc(append(held[room{kind: kindGroup}], held[room{kind: kindMeter}]...), func(h int) bool {
					switch m := msgs[h].(type) {
					case *ofp.GroupMod:
						return missing[h] && slices.Contains(groups, m.Group)
					case *ofp.MeterMod:
						return missing[h] && slices.Contains(meters, m.Meter)
					}
					return false
				})
				if lacking {
					r.all = append(r.all, channel.ItemError{Index: i, Message: msgs[i], Err: why})
				} else {
					now = append(now, i)
				}
			}
			if err := r.try(now, func(list []ofp.Message) error { return repair(ctx, sw, list) }); err != nil {
				return err
			}
		}
	}
	return r.err()
}

func sortedRooms(held map[room][]int) []room {
	all := make([]room, 0, len(held))
	for in := range held {
		all = append(all, in)
	}
	slices.SortFunc(all, func(a, b room) int { return int(a.kind)<<8 + int(a.table) - int(b.kind)<<8 - int(b.table) })
	return all
}

// refusals gathers what is refused of msgs.
type refusals struct {
	msgs []ofp.Message
	all  []channel.ItemError
	last error // the last reason
}

// try sends some of the messages. It fails if that ended early.
func (r *refusals) try(which []int, send func([]ofp.Message) error) error {
	if len(which) == 0 {
		return nil
	}
	list := make([]ofp.Message, len(which))
	for n, i := range which {
		list[n] = r.msgs[i]
	}
	err := send(list)
	we := (*channel.WriteError)(nil)
	if err == nil {
		return nil
	}
	if !errors.As(err, &we) || we.Err != nil {
		return err
	}
	for _, e := range we.Errors {
		e.Index = which[e.Index]
		r.all = append(r.all, e)
		r.last = e.Err
	}
	return nil
}

func (r *refusals) err() error {
	if r.all == nil {
		return nil
	}
	slices.SortFunc(r.all, func(a, b channel.ItemError) int { return a.Index - b.Index })
	return &channel.WriteError{Errors: r.all, Sent: len(r.msgs), Confirmed: len(r.msgs)}
}

// pour writes messages that need room of the same kind, a few at a time, until
// there is none. The rest is refused for that reason, and not sent.
func pour(ctx context.Context, sw Switch, msgs []ofp.Message) error {
	r := refusals{msgs: msgs}
	for at, n := 0, 1; at < len(msgs); n = min(2*n, mostPoured) {
		some := make([]int, 0, n)
		for i := at; i < min(at+n, len(msgs)); i++ {
			some = append(some, i)
		}
		before := len(r.all)
		if err := r.try(some, func(list []ofp.Message) error { return sw.Write(ctx, list) }); err != nil {
			return err
		}
		at += len(some)
		i := slices.IndexFunc(r.all[before:], func(e channel.ItemError) bool { return noRoom(e.Err) })
		if i < 0 {
			continue
		}
		for why := r.all[before+i].Err; at < len(msgs); at++ {
			r.all = append(r.all, channel.ItemError{Index: at, Message: msgs[at], Err: why})
		}
	}
	return r.err()
}

// repairFull goes on where a switch has carried out nothing of msgs, since it has no
// room for one: what needs the same room is poured, what does not is repaired as
// ever. Groups and meters come before what may use them, flows after what may make
// room for them.
func repairFull(ctx context.Context, sw Switch, msgs []ofp.Message, in room) error {
	var poured, others []int
	for i, m := range msgs {
		if roomOf(m) == in {
			poured = append(poured, i)
		} else {
			others = append(others, i)
		}
	}
	r := refusals{msgs: msgs}
	rest := func() error {
		return r.try(others, func(list []ofp.Message) error { return repair(ctx, sw, list) })
	}
	if in.kind == kindFlow {
		if err := rest(); err != nil {
			return err
		}
	}
	if err := r.try(poured, func(list []ofp.Message) error { return pour(ctx, sw, list) }); err != nil {
		return err
	}
	if in.kind != kindFlow {
		if err := rest(); err != nil {
			return err
		}
	}
	return r.err()
}

// Short reports whether something that a switch should have had no room there when
// it was compared.
func (d *State) Short(dpid ofp.DPID) bool {
	b := d.look(dpid)
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lacking
}

// setShort notes which places had no room. The caller has the turn.
func (b *book) setShort(short map[place]bool) {
	b.short = short
	b.mu.Lock()
	b.lacking = len(short) > 0
	b.mu.Unlock()
}
