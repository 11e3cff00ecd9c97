package desired

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Switch is what a transaction needs of a connected switch.
type Switch interface {
	DPID() ofp.DPID
	Version() ofp.Version
	// Extended reports whether Open vSwitch's extensions may be used.
	Extended() bool
	// Tables is how many flow tables it has, 0 if that is not known.
	Tables() int
	// Write is that of controller.Switch.
	Write(ctx context.Context, msgs []ofp.Message) error
	// WriteBundleWhen and Bundles are those of controller.Switch.
	WriteBundleWhen(ctx context.Context, msgs []ofp.Message, when func() error) error
	Bundles(ctx context.Context) (bool, error)
	// WriteSent is that of controller.Switch.
	WriteSent(ctx context.Context, msgs []ofp.Message, then func(error)) error
	// Settle has it set up as settings say, as far as it is not. It fails with an
	// *UnsettledError about what the switch refuses.
	Settle(ctx context.Context, s Settings) error
	Flows(ctx context.Context, filter ofp.FlowFilter) ([]ofp.FlowStats, error)
	Groups(ctx context.Context, id uint32) ([]ofp.GroupDesc, error)
	Meters(ctx context.Context, id uint32) ([]ofp.MeterConfig, error)
}

// State is the desired state of all switches. Its methods may be called from any
// goroutine.
type State struct {
	store   store.Store
	quotas  Quotas
	foreign Foreign
	apps    map[ownerID]string // names by numbers

	ownerTurn  chan struct{} // of capacity 1: held by who makes an owner
	recallTurn chan struct{} // of capacity 1: held by who restores a backup

	mu     sync.Mutex
	books  map[ofp.DPID]*book
	known  map[ofp.DPID]Known
	owners map[string]ownerID
	names  map[ownerID]string
}

// New returns the desired state that a store holds. It reads all of it. The
// store remains the caller's to close, after the last use of the state.
func New(ctx context.Context, s store.Store) (*State, error) {
	d := &State{store: s, ownerTurn: make(chan struct{}, 1), recallTurn: make(chan struct{}, 1), books: make(map[ofp.DPID]*book), known: make(map[ofp.DPID]Known), owners: make(map[string]ownerID), names: make(map[ownerID]string)}
	now := time.Now().UnixNano()
	rev, err := s.Scan(ctx, nil, func(r store.Record) error { return d.load(r, now) })
	if err != nil {
		return nil, fmt.Errorf("desired state: %w", err)
	}
	for _, b := range d.books {
		b.settled = rev
	}
	return d, nil
}

// load takes over one record, whose slices are not kept, at a time in nanoseconds
// since 1970.
func (d *State) load(r store.Record, now int64) error {
	kind := r.Key[0]
	if kind == kindOwner {
		if len(r.Value) != 2 {
			return fmt.Errorf("owner %q: %w", r.Key[1:], store.ErrDamaged)
		}
		name, id := string(r.Key[1:]), ownerID(binary.BigEndian.Uint16(r.Value))
		d.owners[name], d.names[id] = id, name
		return nil
	}
	if kind == kindForgotten && len(r.Key) == 1 {
		return nil // its revision is asked for when it is needed
	}
	if len(r.Key) < 9 {
		return fmt.Errorf("key %x: %w", r.Key, store.ErrFormat)
	}
	b := d.book(ofp.DPID(binary.BigEndian.Uint64(r.Key[1:])))
	rest := r.Key[9:]
	switch kind {
	case kindFlow, kindGroup, kindMeter:
		p := place(kind) + place(rest)
		b.noteFlow(p, r.Value)
		b.items.put(p, r.Value, now)
	case kindTombstone:
		b.graves[place(rest)] = slices.Clone(r.Value)
	case kindSettings:
		return b.loadSettings(r.Value)
	case kindSwitch:
		return d.loadKnown(b, r.Value)
	case kindHead:
		b.head = r.Revision
		b.changes = binary.BigEndian.Uint64(append(make([]byte, 8), r.Value...)[len(r.Value):])
	default:
		return fmt.Errorf("key %x: %w", r.Key, store.ErrFormat)
	}
	return nil
}

// Txn is a transaction on one switch.
type Txn struct {
	// Owner says whose the outcome is; "" is the default owner.
	Owner string
	// Author and Note are for the history; Request lets it be sent again, see
	// store.Txn. All may be empty.
	Author, Note, Request string
	// Level is how far the transaction must have come for Apply to return.
	Level Level
	// Expected, if it is not nil, is the revision that the caller knows: what is
	// desired of the switch must not have changed since (ErrConflict).
	Expected *store.Revision
	// Messages are flow-mods, group-mods and meter-mods.
	Messages []ofp.Message
	// Bundle has the messages be one bundle, whatever they are; where the switch
	// has none, Apply fails with a *channel.WriteError that wraps ErrNoBundles.
	Bundle bool

	settings *settingsChange // of a wish; they are carried out after the messages
}

// InDoubtError says that a transaction is stored and that the switch has not
// confirmed all of it.
type InDoubtError struct {
	Revision store.Revision
	Err      error // a *channel.WriteError, or why nothing could be undone
}

// Error says what will become of it.
func (e *InDoubtError) Error() string {
	return fmt.Sprintf("%v; stored as revision %d, and done when the switch is compared with it", e.Err, e.Revision)
}

// Unwrap returns the cause.
func (e *InDoubtError) Unwrap() error { return e.Err }

// UndoneError says that the switch has refused some of a transaction, and that
// the rest of it was undone, in the store and on the switch.
type UndoneError struct {
	Err *channel.WriteError
	// Transient says that the switch took flows with timeouts, or may have: they
	// are not stored, and stay until they run out.
	Transient bool
}

func (e *UndoneError) Error() string { return e.Err.Error() }

// Unwrap returns what the switch refused.
func (e *UndoneError) Unwrap() error { return e.Err }

// undoTimeout bounds what brings a switch back to where it was.
const undoTimeout = 10 * time.Second

// Apply carries a transaction out on a connected switch, as the package comment
// says. Its errors: a *channel.WriteError about messages that cannot be said, and
// then nothing has changed; an *UndoneError about those that were refused; an
// *OwnerError; a *QuotaError; an *InDoubtError; what the store or the context say, and then
// nothing has changed either; a *ChangedError. A transaction in which nothing is
// to be kept is a Write with its errors: nothing of it is undone. With a Level other
// than Confirmed it returns sooner or later, as that says; what Verified finds
// different is an *InDoubtError whose items are *DifferErrors.
func (d *State) Apply(ctx context.Context, sw Switch, t Txn) (rev store.Revision, err error) {
	b, err := d.take(ctx, sw.DPID())
	if err != nil {
		return 0, err
	}
	defer d.release(b)
	err = errRenumbered
	for errors.Is(err, errRenumbered) {
		rev, err = d.apply(ctx, sw, b, t, d.expectOwner(t.Owner))
	}
	return rev, err
}

// apply is Apply for the number that its owner has, or would be given. The caller has
// the turn.
func (d *State) apply(ctx context.Context, sw Switch, b *book, t Txn, owner ownerID) (store.Revision, error) {
	if t.Level == Stored {
		if err := storable(t.Messages); err != nil {
			return 0, err
		}
	}
	t.Messages = stamped(owner, sw.Version(), t.Messages)
	content, err := sayable(sw, t.Messages, t.Request != "")
	if err != nil {
		return 0, err
	}
	if err := d.unchanged(b, t.Expected); err != nil {
		return d.orRepeated(ctx, sw, b, &t, content, err)
	}
	// It may adopt flows: what is decided comes after it.
	if err := d.catchUp(ctx, sw, b, t.Level); err != nil {
		return 0, err
	}
	if err := d.unchanged(b, t.Expected); err != nil {
		return 0, err
	}
	dec := decider{state: d, book: b, owner: owner, version: sw.Version(), extended: sw.Extended(), names: d.ownerName, expect: len(t.Messages)}
	if t.Level != Stored {
		dec.has = func() ([]ofp.FlowStats, error) { return sw.Flows(ctx, ofp.AllFlows()) }
	}
	for i, m := range t.Messages {
		if err := dec.message(i, m); err != nil {
			return 0, err
		}
	}
	if t.Bundle {
		if err := hasBundles(ctx, sw); err != nil {
			return 0, err
		}
	}
	if err := d.within(b, dec.effects, owner, t.Owner); err != nil {
		return d.orRepeated(ctx, sw, b, &t, content, err)
	}
	if len(dec.effects) == 0 && t.Request != "" {
		if rev, err := d.orRepeated(ctx, sw, b, &t, content, errNew); !errors.Is(err, errNew) {
			return rev, err
		}
	}
	if len(dec.effects) > 0 || t.Level != Stored && owner.stands(t.Messages) {
		if err := d.makeOwner(ctx, t.Owner, owner); err != nil {
			return 0, err
		}
	}
	if t.Level != Stored { // else nothing is sent
		defer d.putBack(ctx, sw, b, t.Messages)
	}
	if len(dec.effects) == 0 {
		return d.store.Revision(), t.WriteOnly(ctx, sw)
	}
	x := d.txn(b, t, dec.effects)
	x.Content = content
	done, err := d.keep(ctx, sw, b, t, dec.effects, x)
	if done.Repeated {
		return done.Revision, d.stillSo(ctx, sw, b, t.Level, done.Revision, b.outcome(dec.effects))
	}
	return done.Revision, err
}

// settled notes what the carrying out of a stored transaction has come to, and
// undoes it if the switch has refused some.
func (d *State) settled(ctx context.Context, sw Switch, b *book, t Txn, effects []effect, rev store.Revision, err error) (store.Revision, error) {
	if err == nil && len(b.was.missed(effects, t.Messages)) > 0 {
		return rev, d.stillSo(ctx, sw, b, t.Level, rev, b.outcome(effects))
	}
	if err == nil {
		b.confirm(effects, b.was)
		if t.settings != nil {
			d.settledNow(ctx, b)
		}
		if t.Level == Verified {
			err = Verify(ctx, sw, t.Messages)
		}
		if err != nil {
			err = &InDoubtError{rev, err}
		}
		return rev, err
	}
	we := (*channel.WriteError)(nil)
	if !errors.As(err, &we) || we.Err != nil && !(t.Bundle && unbundled(ctx, we)) {
		return rev, &InDoubtError{rev, err}
	}
	return d.undo(ctx, sw, b, t, effects, we, rev)
}

// sayable returns what Write would say of messages that cannot be encoded, before
// anything is stored. content is a digest of their bytes, where it is asked for.
func sayable(sw Switch, msgs []ofp.Message, digest bool) (content []byte, _ error) {
	enc := ofp.Encoder{Extensions: sw.Extended()}
	sum := sha256.New()
	var frame []byte
	var failures []channel.ItemError
	for i, m := range msgs {
		if f, ok := m.(*ofp.FlowMod); ok && f.Table == ofp.TableAll && sw.Version() == ofp.V11 {
			continue // Write says it table by table
		}
		var err error
		if frame, err = enc.Append(frame[:0], sw.Version(), 0, m); err != nil {
			failures = append(failures, channel.ItemError{Index: i, Message: m, Err: err})
		}
		if digest {
			sum.Write(frame)
		}
	}
	if failures != nil {
		return nil, &channel.WriteError{Errors: failures}
	}
	if !digest {
		return nil, nil
	}
	return sum.Sum(nil), nil
}

// txn is the store's side of a transaction.
func (d *State) txn(b *book, t Txn, effects []effect) store.Txn {
	x := store.Txn{Author: t.Author, Note: t.Note, Request: t.Request}
	x.If = []store.Condition{b.unmoved()}
	x.Edits = b.exhumedEdits(make([]store.Edit, 0, len(effects)+len(b.exhumed)+1))
	for _, e := range effects {
		if e.after != nil {
			x.Edits = append(x.Edits, store.Edit{Key: e.at.key(b.dpid), Value: e.after})
			continue
		}
		x.Edits = append(x.Edits, store.Edit{Key: e.at.key(b.dpid), Remove: true}, store.Edit{Key: e.at.tombstone(b.dpid), Value: e.before, Untold: true})
	}
	x.Edits = d.knownEdit(x.Edits, b)
	x.Edits = append(x.Edits, store.Edit{Key: headKey(b.dpid), Value: binary.BigEndian.AppendUint64(nil, b.changes+1)})
	return x
}

// carry takes effects that the store has, as a revision, over into the book.
func (b *book) carry(effects []effect, rev store.Revision) {
	now := time.Now().UnixNano()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes++
	b.head = rev
	b.was = b.standing(effects)
	for _, e := range effects {
		if e.after == nil {
			b.items.remove(e.at)
			b.graves[e.at] = e.before
		} else {
			b.noteFlow(e.at, e.after)
			b.items.put(e.at, e.after, now)
			b.exhumeLocked(e.at)
			// An app that was permitted the place while this was stored has lost it.
			delete(b.claims, e.at)
		}
	}
}

// confirm notes that the switch has carried all effects out. What it was told nothing
// about, since the book alone has changed, stands as it did before, which was says.
func (b *book) confirm(effects []effect, was standing) {
	now := time.Now().UnixNano()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range effects {
		switch {
		case e.after != nil && e.message < 0 && was.has(e.at):
			x := was[e.at]
			b.items.mark(e.at, x.condition, x.why, x.since)
		case e.after != nil:
			b.items.mark(e.at, Installed, "", now)
		case e.message >= 0:
			b.exhumeLocked(e.at)
		} // else nobody has told the switch: it is yet to go
	}
}

// undo brings store and switch back to where they were before effects of which
// the switch has refused some.
func (d *State) undo(ctx context.Context, sw Switch, b *book, t Txn, effects []effect, refused *channel.WriteError, rev store.Revision) (store.Revision, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	failed := make(map[int]bool)
	for _, e := range refused.Errors {
		failed[e.Index] = true
	}
	back := make([]effect, 0, len(effects))
	for _, e := range slices.Backward(effects) {
		back = append(back, effect{e.message, e.at, e.after, e.before})
	}
	// Also what has no effect on the book has one on the switch, where a message
	// before it was refused.
	carriedOut := false
	for i, m := range t.Messages {
		if _, barrier := m.(*ofp.BarrierRequest); !barrier && !failed[i] {
			carriedOut = true
			break
		}
	}
	x := d.txn(b, Txn{Author: t.Author, Note: "undo: " + refusedText(refused)}, back)
	x.Forget = t.Request
	var settings *Settings
	if t.settings != nil {
		settings = new(t.settings.back())
		edit, err := settings.edit(b.dpid)
		if err != nil {
			return rev, &InDoubtError{rev, errors.Join(refused, err)}
		}
		x.Edits = append(x.Edits, edit)
	}
	if len(x.Note) > store.MaxText {
		x.Note = x.Note[:store.MaxText]
	}
	done, err := d.store.Commit(ctx, x)
	if err != nil {
		return rev, &InDoubtError{rev, errors.Join(refused, fmt.Errorf("undo: %w", err))}
	}
	b.exhumed = nil
	was := b.was
	b.carry(back, done.Revision)
	if settings != nil {
		b.noteSettings(*settings, done.Revision)
		if err := sw.Settle(ctx, *settings); err != nil {
			return rev, &InDoubtError{d.store.Revision(), errors.Join(refused, fmt.Errorf("undo: %w", err))}
		}
		d.settledNow(ctx, b)
	}
	if sw.Version() <= ofp.V11 {
		b.buryAdded(t.Messages)
	}
	if carriedOut {
		if _, err := d.bring(ctx, sw, b); err != nil {
			return rev, &InDoubtError{d.store.Revision(), errors.Join(refused, fmt.Errorf("undo: %w", err))}
		}
	} else {
		b.confirm(back, was)
		b.stand(was)
	}
	return 0, &UndoneError{Err: refused, Transient: !refused.Untouched && slices.ContainsFunc(t.Messages, transient)}
}

// transient reports whether m adds a flow that goes by itself.
func transient(m ofp.Message) bool {
	f, ok := m.(*ofp.FlowMod)
	return ok && f.Command == ofp.FlowAdd && (f.IdleTimeout != 0 || f.HardTimeout != 0)
}

// buryAdded makes tombstones for the flows that modifying may have added. In 1.0
// and 1.1 to modify what is not there adds it; and it is not there if the message
// that was to add it was refused.
func (b *book) buryAdded(msgs []ofp.Message) {
	var p packer
	for _, m := range msgs {
		f, ok := m.(*ofp.FlowMod)
		if !ok || f.Command != ofp.FlowModify && f.Command != ofp.FlowModifyStrict {
			continue
		}
		at := flowPlace(f.Table, f.Priority, &f.Match)
		if b.value(at) != nil {
			continue
		}
		added := *f
		added.Command, added.BufferID = ofp.FlowAdd, ofp.NoBuffer
		if v, err := p.pack(0, &added); err == nil {
			b.bury(at, v)
		}
	}
}
