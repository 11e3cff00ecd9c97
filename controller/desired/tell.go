package desired

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Switches returns the switches of which something is wanted or set, by ascending DPID.
func (d *State) Switches() []ofp.DPID {
	d.mu.Lock()
	books := maps.Clone(d.books)
	d.mu.Unlock()
	maps.DeleteFunc(books, func(_ ofp.DPID, b *book) bool { return b.empty() && b.unset() })
	return slices.Sorted(maps.Keys(books))
}

// Item is something that a switch should have.
type Item struct {
	Message   ofp.Message // a *ofp.FlowMod, *ofp.GroupMod or *ofp.MeterMod that adds it, as its owner has written it
	Owner     string
	Condition Condition
	Since     time.Time // of the condition
	Why       string    // it is degraded
}

// Items returns what a switch should have, groups and meters after flows.
func (d *State) Items(dpid ofp.DPID) ([]Item, error) {
	var items []Item
	for x, err := range d.EachItem(dpid) {
		if err != nil {
			return nil, err
		}
		items = append(items, x)
	}
	return items, nil
}

// EachItem is Items, as it was when the iteration began, one after the other: they
// take a fifth of the memory as long as nobody asks for them. An error is the last.
func (d *State) EachItem(dpid ofp.DPID) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		b := d.look(dpid)
		if b == nil {
			return
		}
		b.mu.Lock()
		_, kept := b.items.sorted(0)
		b.mu.Unlock()
		for _, x := range kept {
			m, err := x.value.message()
			if err != nil {
				yield(Item{}, fmt.Errorf("switch %s: %w", dpid, err))
				return
			}
			if !yield(Item{Message: x.value.unstamped(m), Owner: d.ownerName(x.value.owner()), Condition: x.condition, Since: time.Unix(0, x.since), Why: x.why}, nil) {
				return
			}
		}
	}
}

// Change is a transaction of the history.
type Change struct {
	Revision              store.Revision
	Time                  time.Time
	Author, Note, Request string
	Switches              []ofp.DPID
	Added, Changed, Gone  int // flows, groups, meters and settings
}

// History returns the last changes, the latest first, at most limit of them. What
// the store does for itself is left out.
func (d *State) History(ctx context.Context, limit int) ([]Change, error) {
	var all []Change
	last := d.store.Revision()
	// Those that are left out make it take more than limit revisions.
	for span := store.Revision(limit); ; span *= 4 {
		all = all[:0]
		from := last - min(span, last)
		oldest, err := d.store.Oldest()
		if err != nil {
			return nil, err
		}
		from = max(from, oldest-1)
		trail, err := d.settingsAfter(ctx, from)
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		err = d.store.History(ctx, from, func(c store.Change) error {
			x, ok, err := summarize(&c, trail)
			if ok {
				all = append(all, x)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		if len(all) >= limit || from <= oldest-1 {
			slices.Reverse(all)
			return all[:min(len(all), limit)], nil
		}
	}
}

// ItemChange is what a change did to a flow, group, meter or setting.
type ItemChange struct {
	DPID          ofp.DPID
	Kind          string      // "flow", "group" or "meter"; "" of a setting
	Before, After ofp.Message // that add it; nil: it was not there
	// Setting is what it did to a setting, in the stead of both.
	Setting *SettingStep
	// Superseded says that a later change has changed it again, and that After is
	// not known any more.
	Superseded bool
}

// Follow calls f for the changes after a revision, oldest first, with what each
// did, and returns the last revision that there is: where to follow from when
// Changed tells that there are more. What the store does for itself is left out. It
// fails with store.ErrCompacted if the history does not reach back so far, with
// ErrFuture, with what f says, or if something cannot be read.
func (d *State) Follow(ctx context.Context, after store.Revision, f func(Change, iter.Seq2[ItemChange, error]) error) (store.Revision, error) {
	if last := d.store.Revision(); after > last {
		return 0, fmt.Errorf("revision %d: %w: the last one is %d", after, ErrFuture, last)
	}
	trail, err := d.settingsAfter(ctx, after)
	if err != nil {
		return after, err
	}
	err = d.store.History(ctx, after, func(c store.Change) error {
		after = c.Revision
		x, ok, err := summarize(&c, trail)
		if !ok || err != nil {
			return err
		}
		return f(x, itemChanges(&c, trail))
	})
	return after, err
}

// Changed returns a channel that is closed when there is a revision after the given
// one.
func (d *State) Changed(after store.Revision) <-chan struct{} { return d.store.Changed(after) }

// Oldest returns the oldest revision of the history.
func (d *State) Oldest() (store.Revision, error) { return d.store.Oldest() }

// itemChanges decodes what a change did, one thing after the other.
func itemChanges(c *store.Change, trail settingsTrail) iter.Seq2[ItemChange, error] {
	return func(yield func(ItemChange, error) bool) {
		for _, e := range c.Edits {
			switch e.Key[0] {
			case kindFlow, kindGroup, kindMeter:
			case kindSettings:
				if !trail.changes(c.Revision, &e, yield) {
					return
				}
				continue
			default:
				continue
			}
			x := ItemChange{Kind: objectOf(place(e.Key[:1])).String(), DPID: ofp.DPID(binary.BigEndian.Uint64(e.Key[1:])), Superseded: !e.Removed && e.After == nil}
			var err error
			if e.Before != nil {
				x.Before, err = value(e.Before).message()
			}
			if e.After != nil && err == nil {
				x.After, err = value(e.After).message()
			}
			if !yield(x, err) || err != nil {
				return
			}
		}
	}
}

// summarize counts what a change of the store did to what is wanted.
func summarize(c *store.Change, trail settingsTrail) (Change, bool, error) {
	x := Change{Revision: c.Revision, Time: c.Time, Author: c.Author, Note: c.Note, Request: c.Request}
	switches := make(map[ofp.DPID]bool)
	for _, e := range c.Edits {
		switch e.Key[0] {
		case kindFlow, kindGroup, kindMeter:
		case kindSettings:
			switches[ofp.DPID(binary.BigEndian.Uint64(e.Key[1:]))] = true
			if err := trail.count(&e, &x); err != nil {
				return x, false, err
			}
			continue
		default:
			continue
		}
		switches[ofp.DPID(binary.BigEndian.Uint64(e.Key[1:]))] = true
		switch {
		case e.Before == nil:
			x.Added++
		case e.Removed:
			x.Gone++
		default:
			x.Changed++
		}
	}
	x.Switches = slices.Sorted(maps.Keys(switches))
	return x, len(switches) > 0, nil
}

// Revision returns that of the last change of the store.
func (d *State) Revision() store.Revision { return d.store.Revision() }

// Health tells whether the store can be written.
func (d *State) Health() store.Health { return d.store.Health() }

// Backup writes a copy of the store, which can be used in its place.
func (d *State) Backup(w io.Writer) error {
	_, err := d.store.Backup(w)
	return err
}
