package desired

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Report is what a comparison of a switch with its book came to.
type Report struct {
	Same     int // things that were there as they should be
	Changed  int // messages that the switch confirmed
	Refused  int // messages that the switch refused
	Unable   int // things that the switch's version cannot have
	Foreign  int // things on the switch that nobody wants, and that stay
	Removed  int // foreign flows that the switch was told to remove, of Changed and Refused
	Adopted  int // foreign things that were taken into the store
	Duration time.Duration
	// First is the first change in words, such as "modify flow priority=1,ip
	// actions=drop"; "" if there is none.
	First string
	// RemovedFlows are the first of those that were removed, in words.
	RemovedFlows []string
	// Fault is why foreign flows could not be adopted.
	Fault error
}

// Reconcile compares a switch with what it should have and sends the difference.
// A reading that fails changes nothing: unknown is not empty. What the switch
// refuses is degraded, with the reason, and no error of Reconcile.
func (d *State) Reconcile(ctx context.Context, sw Switch) (Report, error) {
	b, err := d.take(ctx, sw.DPID())
	if err != nil {
		return Report{}, err
	}
	defer d.release(b)
	r, err := d.bring(ctx, sw, b)
	b.mu.Lock()
	if b.fault = ""; err != nil {
		b.fault = err.Error()
	} else {
		b.checked, b.foreign = time.Now(), r.Foreign
	}
	b.mu.Unlock()
	return r, err
}

// bring compares and repairs. The caller has the turn.
func (d *State) bring(ctx context.Context, sw Switch, b *book) (r Report, err error) {
	start := time.Now()
	defer func() { r.Duration = time.Since(start) }()
	if b.empty() && !d.acts(b) {
		return r, nil
	}
	l, err := b.list()
	if err != nil {
		return r, err
	}
	gone := b.timesGone()
	has, err := read(ctx, sw, &l, d.acts(b))
	if err != nil {
		return r, err
	}
	rules, remove := keepAll(&l), removal{d: d, b: b, on: d.removes(b)}
	rules.Flow = remove.flow
	p := plan.Make(plan.Switch{Version: sw.Version(), Extensions: sw.Extended(), Tables: sw.Tables()}, has, &l.wants, rules)
	flows, groups, meters := d.strangers(b, p, has)
	r.Same, r.Unable, r.Foreign = p.Same, len(p.Unable), len(flows)+len(groups)+len(meters)
	r.Removed, r.RemovedFlows = len(remove.removed), remove.words()
	now := time.Now()
	condition := make(map[place]Condition)
	why := make(map[place]string)
	for _, u := range p.Unable {
		at := l.at(u.Object, u.Want)
		condition[at], why[at] = Degraded, u.Err.Error()
	}
	if !p.Empty() {
		c := p.Stages[0].Changes[0]
		r.First = fmt.Sprintf("%s %s %v", c.Action, c.Object, c.Message)
	}
	short := make(map[place]bool)
	msgs, places := messages(p, &l)
	stays := false // something that was to go
	if len(msgs) > 0 {
		err = b.repairWithin(ctx, sw, msgs, places)
		we := (*channel.WriteError)(nil)
		if errors.As(err, &we) && we.Err == nil {
			for _, e := range we.Errors {
				if at := places[e.Index]; at != "" {
					condition[at], why[at] = Degraded, e.Err.Error()
					if noRoom(e.Err) && roomOf(e.Message) != (room{}) {
						short[at] = true
					}
				} else {
					stays = true
				}
			}
			r.Refused, err = len(we.Errors), nil
		}
		if err != nil {
			return r, fmt.Errorf("repair: %w", err)
		}
		r.Changed = p.Changes() - r.Refused
	}
	b.found(&l, gone, condition, why, now)
	b.setShort(short)
	b.setBehind(false)
	if !stays {
		d.forgetGraves(ctx, sw, b, inUse(p, has))
	}
	if d.foreign.Rule == ForeignAdopt {
		d.adoptByRule(ctx, b, &r, has, p)
	}
	return r, nil
}

// found notes how what is listed stands, as a comparison has found, unless the switch
// has gone meanwhile, which it had done gone times before.
func (b *book) found(l *listing, gone uint64, condition map[place]Condition, why map[place]string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone != gone {
		return
	}
	for _, list := range [][]place{l.flows, l.groups, l.meters} {
		for _, at := range list {
			c, ok := condition[at]
			if !ok {
				c = Installed
			}
			b.items.mark(at, c, why[at], now.UnixNano())
		}
	}
}

// timesGone returns how often the switch has gone.
func (b *book) timesGone() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone
}

// read reads what the switch has, as far as somebody wants something of the kind,
// or all.
func read(ctx context.Context, sw Switch, l *listing, all bool) (has *plan.Has, err error) {
	has = new(plan.Has)
	if all || len(l.wants.Flows)+len(l.gone.Flows) > 0 {
		if has.Flows, err = sw.Flows(ctx, ofp.AllFlows()); err != nil {
			return nil, fmt.Errorf("read flows: %w", err)
		}
	}
	if (all || len(l.wants.Groups)+len(l.gone.Groups) > 0) && (sw.Version() >= ofp.V11 || sw.Extended()) {
		if has.Groups, err = sw.Groups(ctx, ofp.GroupAll); err != nil {
			return nil, fmt.Errorf("read groups: %w", err)
		}
	}
	if (all || len(l.wants.Meters)+len(l.gone.Meters) > 0) && sw.Version() >= ofp.V13 {
		if has.Meters, err = sw.Meters(ctx, ofp.MeterAll); err != nil {
			return nil, fmt.Errorf("read meters: %w", err)
		}
	}
	return has, nil
}

// messages returns those of a plan, and for each the place that it is about, ""
// for one that nobody wants and for a barrier.
func messages(p *plan.Plan, l *listing) (msgs []ofp.Message, places []place) {
	for _, s := range p.Stages {
		if s.Barrier {
			msgs, places = append(msgs, &ofp.BarrierRequest{}), append(places, "")
		}
		for _, c := range s.Changes {
			msgs, places = append(msgs, c.Message), append(places, l.at(c.Object, c.Want))
		}
	}
	return msgs, places
}

// forgetGraves removes the tombstones, of which a comparison that was carried out
// whole has left none to stand for anything, but for what is used still, and what the
// switch's version has no words for: that may be there from a time when it spoke another one. If the store
// does not take it, they stay, and do no harm: the next comparison tries again.
func (d *State) forgetGraves(ctx context.Context, sw Switch, b *book, used map[place]bool) {
	enc := ofp.Encoder{Extensions: sw.Extended()}
	b.mu.Lock()
	for p, v := range b.graves {
		if !used[p] && v.deletable(&enc, sw.Version()) {
			b.exhumed = append(b.exhumed, p)
			delete(b.graves, p)
		}
	}
	b.mu.Unlock()
	x := store.Txn{If: []store.Condition{b.unmoved()}, Edits: b.exhumedEdits(nil)}
	if len(x.Edits) == 0 {
		return
	}
	if _, err := d.store.Commit(ctx, x); err == nil {
		b.exhumed = nil
	}
}

// inUse are the places of groups and meters that are to go, and that a plan leaves
// because something wanted uses them.
func inUse(p *plan.Plan, has *plan.Has) map[place]bool {
	used := make(map[place]bool)
	for _, k := range p.Kept {
		switch {
		case !k.InUse:
		case k.Object == plan.Group:
			used[groupPlace(has.Groups[k.Have].Group)] = true
		case k.Object == plan.Meter:
			used[meterPlace(has.Meters[k.Have].Meter)] = true
		}
	}
	return used
}

// Summary counts what one switch should have by how it stands.
type Summary struct {
	DPID       ofp.DPID
	Pending    int
	Installed  int
	Degraded   int
	Tombstones int
	Foreign    int       // as last seen
	Checked    time.Time // when the switch was last compared with it; zero: never
	Fault      string    // why the last comparison failed, "" if it did not
}

// Summary returns a switch's summary.
func (d *State) Summary(dpid ofp.DPID) Summary {
	b := d.look(dpid)
	if b == nil {
		return Summary{DPID: dpid}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.items.counts
	return Summary{
		DPID: dpid, Pending: n[Pending], Installed: n[Installed], Degraded: n[Degraded],
		Tombstones: len(b.graves), Foreign: b.foreign, Checked: b.checked, Fault: b.fault,
	}
}

// Gone notes that a switch is gone: nothing of what it should have is known to be
// there any more.
func (d *State) Gone(dpid ofp.DPID) {
	b := d.look(dpid)
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items.markAll(Pending, time.Now().UnixNano())
	b.claims = nil
	b.gone++
}

// Wants reports whether a flow is wanted of a switch.
func (d *State) Wants(dpid ofp.DPID, table uint8, priority uint16, match *ofp.Match) bool {
	b := d.look(dpid)
	return b != nil && b.value(flowPlace(table, priority, match)) != nil
}
