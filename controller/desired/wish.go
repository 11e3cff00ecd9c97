package desired

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Wish is what an owner wants of a switch. What messages it takes is worked out
// from what is desired of the switch already, and only the difference is sent.
type Wish struct {
	// Owner, Author, Note and Request are those of a Txn.
	Owner, Author, Note, Request string
	// Things are flow-mods without timeouts, group-mods and meter-mods, which may
	// use each other in any order; their commands do not count.
	Things []ofp.Message
	// Prune has all go that the owner wanted before, and that Things does not
	// have.
	Prune bool
	// Former is wanted in place of Things, whoever owns it, if it is not nil.
	Former *Former
	// Settings is how the switch is to be set up; nil: as it is. It is the switch's,
	// and nobody's in particular.
	Settings *SettingsWish
	// Level is how far the wish must have come for Fulfil to return.
	Level Level
	// Expected, if it is not nil, is the revision that the caller knows: what is
	// desired of the switch must not have changed since (ErrConflict).
	Expected *store.Revision

	forget string // see store.Txn.Forget
}

// Step is what a wish changes about one flow, group or meter.
type Step struct {
	Thing         int         // index into Wish.Things; -1: none of them
	Before, After ofp.Message // that add it; nil: it is not there
	// Setting is what changes about a setting, in the stead of all others.
	Setting *SettingStep
}

// Outlook is what a wish comes to.
type Outlook struct {
	Steps []Step // in the order in which they are carried out
	Same  int    // of what is wished for, how much is desired already
	// Revision is that of the outcome; for a plan, one to expect when the wish is
	// carried out.
	Revision store.Revision

	dpid ofp.DPID
	back map[place]value // what was there before; nil: nothing
	was  *Settings       // if they have changed

	author, request string // of the wish
}

// ThingError says that something of a wish cannot be.
type ThingError struct {
	Thing int // index into Wish.Things
	Err   error
}

// Error returns the reason.
func (e *ThingError) Error() string { return fmt.Sprintf("thing %d: %v", e.Thing, e.Err) }

// Unwrap returns the reason.
func (e *ThingError) Unwrap() error { return e.Err }

// ChangedError is an ErrConflict: what is desired of a switch has changed since
// the revision that was expected.
type ChangedError struct{ Revision, Expected store.Revision }

// Error names both revisions.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%v at revision %d, after revision %d, which was expected", store.ErrConflict, e.Revision, e.Expected)
}

// Unwrap returns store.ErrConflict.
func (e *ChangedError) Unwrap() error { return store.ErrConflict }

// Plan works out what Fulfil would do, and does nothing. For a wish with a request id
// that was carried out that is nothing.
func (d *State) Plan(ctx context.Context, sw Switch, w Wish) (Outlook, error) {
	b, err := d.take(ctx, sw.DPID())
	if err != nil {
		return Outlook{}, err
	}
	defer d.release(b)
	rev := d.store.Revision()
	owner := d.expectOwner(w.Owner)
	x, err := d.prepare(sw, b, &w, owner)
	if changed := (*ChangedError)(nil); errors.As(err, &changed) && w.Request != "" {
		return d.plannedBefore(ctx, b, &w, owner, err)
	}
	if err != nil {
		return Outlook{}, err
	}
	if w.Request != "" {
		if o, err := d.plannedBefore(ctx, b, &w, owner, errNew); !errors.Is(err, errNew) {
			return o, err
		}
	}
	x.Revision = rev
	return x.Outlook, nil
}

// Fulfil has a switch and the store have what a wish says, whole or not at all, as
// Apply does. Besides the errors of Apply, in whose *channel.WriteError an index
// is one into Things or -1, it fails with a *ThingError, and with a *ChangedError.
func (d *State) Fulfil(ctx context.Context, sw Switch, w Wish) (Outlook, error) {
	b, err := d.take(ctx, sw.DPID())
	if err != nil {
		return Outlook{}, err
	}
	defer d.release(b)
	var out Outlook
	err = errRenumbered
	for errors.Is(err, errRenumbered) {
		out, err = d.fulfil(ctx, sw, b, w, d.expectOwner(w.Owner))
	}
	return out, err
}

// fulfil is Fulfil for the number that its owner has, or would be given. The caller
// has the turn.
func (d *State) fulfil(ctx context.Context, sw Switch, b *book, w Wish, owner ownerID) (Outlook, error) {
	if d.unchanged(b, w.Expected) == nil { // else prepare tells
		// It may adopt flows: what is decided comes after it.
		if err := d.catchUp(ctx, sw, b, w.Level); err != nil {
			return Outlook{}, err
		}
	}
	x, err := d.prepare(sw, b, &w, owner)
	if changed := (*ChangedError)(nil); errors.As(err, &changed) {
		return d.wishedBefore(ctx, sw, b, &w, owner, err)
	}
	if err != nil {
		return Outlook{}, err
	}
	x.Revision = d.store.Revision()
	if len(x.effects) == 0 && x.settings == nil {
		return x.Outlook, d.thereBefore(ctx, sw, b, &w, x)
	}
	if _, err := sayable(sw, x.messages, false); err != nil {
		return Outlook{}, x.toThings(err)
	}
	if w.Former == nil && len(x.effects) > 0 { // else nothing comes to belong to who asks
		if err := d.makeOwner(ctx, w.Owner, owner); err != nil {
			return Outlook{}, err
		}
	}
	t := Txn{Owner: w.Owner, Author: w.Author, Note: w.Note, Request: w.Request, Level: w.Level, Messages: x.messages, settings: x.settings}
	tx := d.txn(b, t, x.effects)
	tx.Content, tx.Forget = x.content, w.forget
	if x.settings != nil {
		edit, err := x.settings.after.edit(b.dpid)
		if err != nil {
			return Outlook{}, err
		}
		tx.Edits = append(tx.Edits, edit)
	}
	x.author, x.request = w.Author, w.Request
	done, err := d.keep(ctx, sw, b, t, x.effects, tx)
	if err != nil && !done.stored {
		return Outlook{}, err
	}
	x.Revision = done.first
	if done.Repeated {
		x.Steps, x.back, x.was = nil, nil, nil
		return x.Outlook, d.stillSo(ctx, sw, b, w.Level, done.Revision, x.things)
	}
	if err != nil {
		return x.Outlook, x.toThings(err)
	}
	return x.Outlook, nil
}

// prepare works out what a wish does. The caller has the turn.
func (d *State) prepare(sw Switch, b *book, w *Wish, owner ownerID) (*difference, error) {
	if err := d.unchanged(b, w.Expected); err != nil {
		return nil, err
	}
	a, err := d.aim(b, w, owner)
	if err != nil {
		return nil, err
	}
	x, err := a.difference(sw, b)
	if err == nil && w.Former == nil {
		err = d.within(b, x.effects, owner, w.Owner)
	}
	if err != nil {
		return nil, err
	}
	c, err := w.settingsOf(b, sw.Version())
	if err != nil || c == nil {
		return x, err
	}
	x.Same += c.same
	if len(c.steps) > 0 {
		x.settings, x.was = c, &c.before
		for i := range c.steps {
			x.Steps = append(x.Steps, Step{Thing: -1, Setting: &c.steps[i]})
		}
	}
	return x, nil
}

// unchanged fails if what is desired of a switch has changed since a revision; where
// nothing is known of it, also if any switch was forgotten since.
func (d *State) unchanged(b *book, expected *store.Revision) error {
	if expected == nil {
		return nil
	}
	// Who knows of a revision that is not there yet knows another store, such as one
	// that was since begun anew, and not what is desired in this one.
	if last := d.store.Revision(); *expected > last {
		return fmt.Errorf("expected revision %d: %w: the last one is %d", *expected, ErrFuture, last)
	}
	r, ok, err := d.store.Get(headKey(b.dpid))
	if err == nil && !ok {
		r, ok, err = d.store.Get(lastForgotten) // perhaps this one
	}
	if err == nil && ok && r.Revision > *expected {
		err = &ChangedError{r.Revision, *expected}
	}
	return err
}

// aim is where a wish wants a book to be: what is to stand at the places that it
// is about, nil for nothing.
type aim struct {
	values  map[place]value
	things  map[place]int // index into Wish.Things
	same    int
	exactly bool   // also who owns it, and in what words it is
	content []byte // a digest of the wish
}

func (d *State) aim(b *book, w *Wish, owner ownerID) (*aim, error) {
	a := &aim{values: make(map[place]value), things: make(map[place]int)}
	if w.Former != nil {
		a.exactly = true
		sum := sha256.Sum256(fmt.Appendf(nil, "former %d", w.Former.Revision))
		a.content = sum[:]
		b.mu.Lock()
		a.same = b.items.len()
		b.mu.Unlock()
		for p, v := range w.Former.values[b.dpid] {
			before := b.value(p)
			if e := d.claimed(b, p); before == nil && v != nil && e != nil {
				e.Index = -1
				return nil, e
			}
			if string(before) != string(v) {
				a.values[p] = v
				if before != nil {
					a.same--
				}
			}
		}
		return a, nil
	}
	sum := sha256.New()
	var pack packer
	for i, m := range stamped(owner, ofp.V13, w.Things) {
		p, v, err := pack.thing(owner, m)
		if err != nil {
			return nil, &ThingError{i, err}
		}
		if first, twice := a.things[p]; twice {
			return nil, &ThingError{i, fmt.Errorf("is wanted twice: %s, and %s before it", describe(m), describe(w.Things[first]))}
		}
		a.things[p] = i
		sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(v))))
		sum.Write(v)
		before := b.value(p)
		if before != nil && before.owner() != owner {
			return nil, &OwnerError{Index: i, What: describe(m), Owner: d.ownerName(before.owner())}
		}
		if e := d.claimed(b, p); before == nil && e != nil {
			e.Index = i
			return nil, e
		}
		if string(before) == string(v) {
			a.same++
			continue
		}
		a.values[p] = v
	}
	if w.Prune {
		sum.Write([]byte("prune"))
		b.mu.Lock()
		for p, x := range b.items.all() {
			if _, wanted := a.things[place(p)]; !wanted && x.value.owner() == owner {
				a.values[place(p)] = nil
			}
		}
		b.mu.Unlock()
	}
	if w.Settings != nil {
		sum.Write(w.Settings.digest())
	}
	a.content = sum.Sum(nil)
	return a, nil
}

// thing returns the place and the value of something that is wished for.
func (p *packer) thing(owner ownerID, m ofp.Message) (place, value, error) {
	switch m := m.(type) {
	case *ofp.FlowMod:
		if m.IdleTimeout != 0 || m.HardTimeout != 0 {
			return "", nil, errTransient
		}
		keep := *m
		keep.Command, keep.BufferID, keep.OutPort, keep.OutGroup, keep.CookieMask = ofp.FlowAdd, ofp.NoBuffer, ofp.PortAny, ofp.GroupAny, 0
		keep.Flags &^= ofp.FlowCheckOverlap | ofp.FlowResetCounts
		v, err := p.pack(owner, &keep)
		return flowPlace(m.Table, m.Priority, &m.Match), v, err
	case *ofp.GroupMod:
		keep := *m
		keep.Command = ofp.GroupAdd
		v, err := p.pack(owner, &keep)
		return groupPlace(m.Group), v, err
	case *ofp.MeterMod:
		keep := *m
		keep.Command = ofp.MeterAdd
		v, err := p.pack(owner, &keep)
		return meterPlace(m.Meter), v, err
	}
	return "", nil, fmt.Errorf("is a %T: want a flow, a group or a meter", m)
}

var errTransient = errors.New("a flow with timeouts is transient and cannot be kept; leave idle_timeout and hard_timeout out, or add it with add-flow")

// describe names a flow, group or meter.
func describe(m ofp.Message) string {
	switch m := m.(type) {
	case *ofp.FlowMod:
		is := ofp.NewFlowMod(ofp.FlowDeleteStrict)
		is.Table, is.Priority, is.Match = m.Table, m.Priority, m.Match
		return "flow " + is.String()
	case *ofp.GroupMod:
		return fmt.Sprintf("group %d", m.Group)
	case *ofp.MeterMod:
		return fmt.Sprintf("meter %d", m.Meter)
	}
	return fmt.Sprintf("%T", m)
}

// toThings has an error about messages be about what was wished for.
func (x *difference) toThings(err error) error {
	var we *channel.WriteError
	if errors.As(err, &we) {
		for i := range we.Errors {
			if at := we.Errors[i].Index; at >= 0 && at < len(x.about) {
				we.Errors[i].Index = x.about[at]
			}
		}
	}
	return err
}

// Former is what was desired at a revision, as far as it has changed since.
type Former struct {
	Revision store.Revision
	values   map[ofp.DPID]map[place]value // nil: nothing was there
	settings map[ofp.DPID]Settings        // of those whose have changed
	other    []ofp.DPID
}

// Switches returns the switches of which something else was desired than now.
func (f *Former) Switches() []ofp.DPID { return f.other }

// AsOf returns what was desired at a revision. It fails with store.ErrCompacted if
// the history does not reach back so far.
func (d *State) AsOf(ctx context.Context, rev store.Revision) (*Former, error) {
	if last := d.store.Revision(); rev > last {
		return nil, fmt.Errorf("revision %d: %w: the last one is %d", rev, ErrFuture, last)
	}
	f := &Former{Revision: rev, values: make(map[ofp.DPID]map[place]value), settings: make(map[ofp.DPID]Settings)}
	err := d.store.History(ctx, rev, func(c store.Change) error {
		for _, e := range c.Edits {
			switch e.Key[0] {
			case kindFlow, kindGroup, kindMeter:
			case kindSettings:
				dpid := ofp.DPID(binary.BigEndian.Uint64(e.Key[1:]))
				if _, known := f.settings[dpid]; !known {
					was, err := settingsAt(dpid, e.Before)
					if err != nil {
						return err
					}
					f.settings[dpid] = was
				}
				continue
			default:
				continue
			}
			dpid, p := ofp.DPID(binary.BigEndian.Uint64(e.Key[1:])), place(append([]byte{e.Key[0]}, e.Key[9:]...))
			if f.values[dpid] == nil {
				f.values[dpid] = make(map[place]value)
			}
			if _, known := f.values[dpid][p]; !known { // the oldest change says what was there
				f.values[dpid][p] = e.Before
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("revision %d: %w", rev, err)
	}
	all := make(map[ofp.DPID]bool)
	for dpid := range f.values {
		all[dpid] = true
	}
	for dpid := range f.settings {
		all[dpid] = true
	}
	for _, dpid := range sortedKeys(all) {
		b := d.look(dpid)
		if b == nil {
			b = newBook(dpid)
		}
		if f.differs(b) {
			f.other = append(f.other, dpid)
		}
	}
	return f, nil
}

// differs reports whether something else was desired of a switch.
func (f *Former) differs(b *book) bool {
	for p, v := range f.values[b.dpid] {
		if string(b.value(p)) != string(v) {
			return true
		}
	}
	was, ok := f.settings[b.dpid]
	b.mu.Lock()
	defer b.mu.Unlock()
	return ok && len(settingSteps(&b.settings, &was)) > 0
}

// ErrFuture means that there is no such revision yet.
var ErrFuture = errors.New("there is no such revision")

// Back returns what was desired of the switch before a wish was carried out, as a
// wish: for as long as nobody has changed it since.
func (o *Outlook) Back(note string) Wish {
	former := &Former{values: map[ofp.DPID]map[place]value{o.dpid: o.back}}
	if o.was != nil {
		former.settings = map[ofp.DPID]Settings{o.dpid: *o.was}
	}
	return Wish{Author: o.author, Note: note, forget: o.request, Former: former, Expected: &o.Revision}
}
