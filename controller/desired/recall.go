package desired

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Recall says how a backup is to be restored.
type Recall struct {
	Author, Note string
	// Expected, if it is not nil, is the revision that the caller knows: nothing
	// that is desired may have changed since (ErrConflict).
	Expected *store.Revision
	// PlanOnly has nothing changed: only told what would.
	PlanOnly bool
}

// Recalled is what restoring a backup has changed, or would.
type Recalled struct {
	Backup   store.Revision // of the backup
	Revision store.Revision // with the outcome; of a plan, one to expect
	Switches []RecalledSwitch
}

// RecalledSwitch counts flows, groups and meters of one switch.
type RecalledSwitch struct {
	DPID                 ofp.DPID
	Added, Changed, Gone int
	Same                 int
	Settings             bool // whether how users have set it up is another
}

// ErrRecalling means that another backup is being restored.
var ErrRecalling = errors.New("another backup is being restored; try again when that is done")

// Recall has what a backup holds be desired of all switches, in the stead of what
// is, as one transaction: the history is kept, and what goes leaves tombstones.
// Owners are known by their names. The backup is received and checked whole before
// anything changes. The switches are not told: the caller has them compared.
// Tombstones of the backup are left out: what was to go then is wanted by nobody.
// What was set and the backup does not have is lifted, as in a wish.
//
// It fails with an *OwnerError where an app has the place of a flow, ErrRecalling,
// ErrChanged (a *ChangedError), what store.Receive says, store.ErrLimit if too much
// changes for one transaction, or what the store says; then nothing has changed but
// that owners may have got a number.
func (d *State) Recall(ctx context.Context, backup io.Reader, o Recall) (r Recalled, err error) {
	select {
	case d.recallTurn <- struct{}{}:
		defer func() { <-d.recallTurn }()
	default:
		return r, ErrRecalling
	}
	c, err := store.Receive(ctx, d.store, backup)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	in, err := d.read(ctx, c, o.PlanOnly)
	if err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	books := d.holdAll(in.switches)
	for _, b := range books {
		defer d.letGo(b)
	}
	for _, b := range books {
		if err := b.take(ctx); err != nil {
			return r, err
		}
		defer b.giveBack()
	}
	r.Backup, r.Revision = in.revision, d.store.Revision()
	x := store.Txn{Author: o.Author, Note: o.Note}
	effects, changed := make([][]effect, len(books)), make([]bool, len(books))
	for i, b := range books {
		if err := d.unchanged(b, o.Expected); err != nil {
			return r, err
		}
		var s RecalledSwitch
		if effects[i], s, err = in.effects(ctx, d, b); err != nil {
			return r, fmt.Errorf("backup: %w", err)
		}
		settings, err := in.settled(b, &s)
		if err != nil {
			return r, err
		}
		if len(effects[i]) == 0 && !s.Settings {
			continue
		}
		r.Switches, changed[i] = append(r.Switches, s), true
		if o.PlanOnly {
			continue
		}
		one := d.txn(b, Txn{}, effects[i])
		x.If, x.Edits = append(x.If, one.If...), append(x.Edits, one.Edits...)
		if s.Settings {
			x.Edits = append(x.Edits, settings)
		}
	}
	if o.PlanOnly || len(r.Switches) == 0 {
		return r, nil
	}
	done, err := d.commit(ctx, x)
	if err != nil {
		return r, err
	}
	for i, b := range books {
		if !changed[i] {
			continue
		}
		b.noteSettings(in.settings[b.dpid], done.Revision)
		b.exhumed = nil
		b.carry(effects[i], done.Revision)
	}
	r.Revision = done.Revision
	return r, nil
}

// settled compares how users have set a switch up with the backup, and returns what
// has the store hold what the backup does.
func (in *recalled) settled(b *book, s *RecalledSwitch) (store.Edit, error) {
	b.mu.Lock()
	was := b.settings.clone()
	b.mu.Unlock()
	now := in.settings[b.dpid]
	s.Settings = len(settingSteps(&was, &now)) > 0
	now = moved(&was, &now)
	in.settings[b.dpid] = now
	return now.edit(b.dpid)
}

// recalled is a backup with what its owners' numbers are here.
type recalled struct {
	copy     *store.Copy
	revision store.Revision
	switches map[ofp.DPID]bool
	settings map[ofp.DPID]Settings
	owners   map[ownerID]ownerID
	pack     packer
}

// read goes through the whole backup: nothing in it may be what this version does
// not know.
func (d *State) read(ctx context.Context, c *store.Copy, plan bool) (*recalled, error) {
	in := &recalled{copy: c, switches: make(map[ofp.DPID]bool), settings: make(map[ofp.DPID]Settings), owners: map[ownerID]ownerID{0: 0}}
	names := make(map[ownerID]string)
	var err error
	in.revision, err = c.Scan(ctx, nil, func(r store.Record) error {
		switch kind := r.Key[0]; kind {
		case kindOwner:
			if len(r.Value) != 2 {
				return fmt.Errorf("owner %q: %w", r.Key[1:], store.ErrDamaged)
			}
			names[ownerID(binary.BigEndian.Uint16(r.Value))] = string(r.Key[1:])
		case kindFlow, kindGroup, kindMeter:
			if len(r.Key) < 9 || len(r.Value) < valueHead {
				return fmt.Errorf("key %x: %w", r.Key, store.ErrFormat)
			}
			m, err := value(r.Value).message()
			if err != nil {
				return fmt.Errorf("key %x: %w", r.Key, err)
			}
			if p := placeOf(m); string(p.key(ofp.DPID(binary.BigEndian.Uint64(r.Key[1:])))) != string(r.Key) {
				return fmt.Errorf("key %x: %w: it is not that of %v", r.Key, store.ErrDamaged, m)
			}
			in.switches[ofp.DPID(binary.BigEndian.Uint64(r.Key[1:]))] = true
		case kindSettings:
			if len(r.Key) != 9 {
				return fmt.Errorf("key %x: %w", r.Key, store.ErrFormat)
			}
			dpid := ofp.DPID(binary.BigEndian.Uint64(r.Key[1:]))
			x, err := readSettings(dpid, r.Value)
			if err != nil {
				return err
			}
			in.switches[dpid], in.settings[dpid] = true, x
		case kindHead, kindTombstone, kindSwitch, kindForgotten:
			// Switches are as they are now.
		default:
			return fmt.Errorf("key %x: %w", r.Key, store.ErrFormat)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		if plan {
			in.owners[id] = d.expectOwner(names[id])
		} else if in.owners[id], err = d.owner(ctx, names[id]); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// placeOf returns where a flow, group or meter has its place, "" for another
// message.
func placeOf(m ofp.Message) place {
	switch m := m.(type) {
	case *ofp.FlowMod:
		return flowPlace(m.Table, m.Priority, &m.Match)
	case *ofp.GroupMod:
		return groupPlace(m.Group)
	case *ofp.MeterMod:
		return meterPlace(m.Meter)
	}
	return "?"
}

// effects compares a book with the backup. The caller has its turn.
func (in *recalled) effects(ctx context.Context, d *State, b *book) (all []effect, s RecalledSwitch, err error) {
	s.DPID = b.dpid
	wanted := make(map[place]bool)
	for _, kind := range []byte{kindFlow, kindGroup, kindMeter} {
		_, err := in.copy.Scan(ctx, binary.BigEndian.AppendUint64([]byte{kind}, uint64(b.dpid)), func(r store.Record) error {
			p := place(kind) + place(r.Key[9:])
			wanted[p] = true
			after, err := in.value(slices.Clone(r.Value))
			if err != nil {
				return err
			}
			before := b.value(p)
			switch {
			case string(before) == string(after):
				s.Same++
				return nil
			case before == nil:
				if e := d.claimed(b, p); e != nil {
					e.Index = -1
					return fmt.Errorf("switch %s: %w", b.dpid, e)
				}
				s.Added++
			default:
				s.Changed++
			}
			all = append(all, effect{-1, p, before, after})
			return nil
		})
		if err != nil {
			return nil, s, err
		}
	}
	b.mu.Lock()
	places, items := b.items.sorted(0)
	b.mu.Unlock()
	for i, p := range places {
		if !wanted[p] {
			all = append(all, effect{-1, p, items[i].value, nil})
			s.Gone++
		}
	}
	return all, s, nil
}

// value returns a value of the backup as it would be written here: with the number
// that its owner has here, also in the cookie if that was left to Sluice.
func (in *recalled) value(v value) (value, error) {
	was := v.owner()
	now, ok := in.owners[was]
	if !ok {
		return nil, fmt.Errorf("owner %d: %w: it has no name", was, store.ErrDamaged)
	}
	if now == was {
		return v, nil
	}
	m, err := v.message()
	if err != nil {
		return nil, err
	}
	if plain := v.unstamped(m); plain != m {
		m = stamped(now, ofp.V13, []ofp.Message{plain})[0]
	}
	return in.pack.pack(now, m)
}
