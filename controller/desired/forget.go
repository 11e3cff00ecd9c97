package desired

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// ErrConnected means that a switch is connected, and cannot be forgotten.
var ErrConnected = errors.New("switch is connected")

// ErrUnknown means that there is nothing about a switch to be forgotten.
var ErrUnknown = errors.New("nothing is known of the switch")

// Forgotten counts what was forgotten with a switch.
type Forgotten struct {
	Items      int // flows, groups and meters that it should have
	Tombstones int // what was deleted, and may be there still
	Settings   int // of ports, tables and fragments
	Revision   store.Revision
}

// lastForgotten is the key whose revision is when a switch was last forgotten. What
// says when a switch was last changed goes with it.
var lastForgotten = []byte{kindForgotten}

// ForgetSwitch takes all about a switch out of the store, as if it had never been
// seen: what it should have, what it was to lose, how it was set up, and what it was.
// It is for one that never comes back. If it does, it has what it had, and that is
// foreign. The history is kept: AsOf can make wishes of what was desired of it.
//
// It fails with ErrConnected while the switch is connected, or is coming, with
// ErrUnknown, with ErrLimit if that is too much for one transaction, and with what
// the store says; then nothing has changed.
func (d *State) ForgetSwitch(ctx context.Context, dpid ofp.DPID, author, note string) (Forgotten, error) {
	b, err := d.take(ctx, dpid)
	if err != nil {
		return Forgotten{}, err
	}
	defer d.release(b)
	d.mu.Lock()
	connected, blank := b.guards > 0, b.blank()
	_, known := d.known[dpid]
	if !connected && blank {
		delete(d.known, dpid)
	}
	d.mu.Unlock()
	switch {
	case connected:
		return Forgotten{}, ErrConnected
	case blank && !known:
		return Forgotten{}, ErrUnknown
	case blank:
		return Forgotten{Revision: d.store.Revision()}, nil // the store knows nothing of it
	}
	out, edits := b.oblivion(d.store.Revision())
	done, err := d.commit(ctx, store.Txn{Author: author, Note: note, If: []store.Condition{b.unmoved()}, Edits: edits})
	if err != nil {
		return Forgotten{}, err
	}
	out.Revision = done.Revision
	b.wipe()
	d.mu.Lock()
	if b.guards == 0 { // else it has come meanwhile, and was noted anew
		delete(d.known, dpid)
	}
	d.mu.Unlock()
	return out, nil
}

// oblivion is what has the store know nothing of a switch, at a revision. The caller has
// the turn.
func (b *book) oblivion(now store.Revision) (out Forgotten, edits []store.Edit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out.Items, out.Tombstones = b.items.len(), len(b.graves)
	out.Settings = len(b.settings.Ports) + len(b.settings.Tables)
	if b.settings.Fragments != nil {
		out.Settings++
	}
	for p := range b.items.all() {
		edits = append(edits, store.Edit{Key: place(p).key(b.dpid), Remove: true})
	}
	for p := range b.graves {
		edits = append(edits, store.Edit{Key: p.tombstone(b.dpid), Remove: true, Untold: true})
	}
	edits = b.exhumedEdits(edits)
	if !b.settings.empty() {
		edit, _ := new(Settings).edit(b.dpid) // of none: it cannot fail
		edits = append(edits, edit)
	}
	return out, append(edits,
		store.Edit{Key: knownKey(b.dpid), Remove: true, Untold: true},
		store.Edit{Key: headKey(b.dpid), Remove: true},
		store.Edit{Key: lastForgotten, Value: binary.BigEndian.AppendUint64(nil, uint64(now)), Untold: true},
	)
}

// wipe has a book be as a new one, but for what the guards of the switch have noted.
// The caller has the turn.
func (b *book) wipe() {
	b.exhumed, b.short, b.noted, b.head, b.was = nil, nil, Known{}, 0, nil
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items, b.graves, b.settings = shelf{}, make(map[place]value), Settings{}
	b.appLike, b.lacking, b.behind = false, false, false
	b.changes, b.foreign, b.fault = 0, 0, ""
	b.checked = time.Time{}
}
