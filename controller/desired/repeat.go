package desired

import (
	"context"
	"errors"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
)

// A transaction with a request id that is sent again is not carried out again. Who
// sends it again does not know what became of it, and is told so as if it were the
// first time: also when the revision that it expects has passed with it, and not
// before the switch has it.

// errNew means that a transaction was not carried out before.
var errNew = errors.New("transaction was not carried out before")

// orRepeated is for a transaction that cannot be carried out because of err: if it
// was carried out before, it tells what became of it, else it fails with err.
func (d *State) orRepeated(ctx context.Context, sw Switch, b *book, t *Txn, content []byte, err error) (store.Revision, error) {
	rev, err := d.repeated(ctx, t.Author, t.Request, content, err)
	if err != nil {
		return 0, err
	}
	return rev, d.stillSo(ctx, sw, b, t.Level, rev, nil)
}

// repeated returns the revision of the first time of a request, and fails with err if
// there was none.
func (d *State) repeated(ctx context.Context, author, request string, content []byte, err error) (store.Revision, error) {
	if request == "" {
		return 0, err
	}
	// A transaction of no edits leaves no trace.
	done, failed := d.store.Commit(ctx, store.Txn{Author: author, Request: request, Content: content})
	switch {
	case failed != nil:
		return 0, failed
	case !done.Repeated:
		return 0, err
	}
	return done.Revision, nil
}

// plannedBefore is wishedBefore for a plan.
func (d *State) plannedBefore(ctx context.Context, b *book, w *Wish, owner ownerID, changed error) (Outlook, error) {
	a, err := d.aim(b, w, owner)
	if err != nil {
		return Outlook{}, changed
	}
	rev, err := d.repeated(ctx, w.Author, w.Request, a.content, changed)
	if err != nil {
		return Outlook{}, err
	}
	return Outlook{Revision: rev, Same: a.same, dpid: b.dpid}, nil
}

// wishedBefore is orRepeated for a wish.
func (d *State) wishedBefore(ctx context.Context, sw Switch, b *book, w *Wish, owner ownerID, changed error) (Outlook, error) {
	a, err := d.aim(b, w, owner)
	if err != nil {
		return Outlook{}, changed
	}
	t := Txn{Author: w.Author, Request: w.Request, Level: w.Level}
	rev, err := d.orRepeated(ctx, sw, b, &t, a.content, changed)
	if rev == 0 {
		return Outlook{}, err
	}
	return Outlook{Revision: rev, Same: a.same, dpid: b.dpid}, err
}

// thereBefore is for a wish that changes nothing: if it was carried out before, it
// returns when the switch is as far as its level says.
func (d *State) thereBefore(ctx context.Context, sw Switch, b *book, w *Wish, x *difference) error {
	rev, err := d.repeated(ctx, w.Author, w.Request, x.content, nil)
	if err != nil || rev == 0 {
		return err
	}
	return d.stillSo(ctx, sw, b, w.Level, rev, x.things)
}

// stillSo returns when a switch is as far as a level says with a transaction that was
// carried out before, as revision rev. It fails with an *InDoubtError if it is not
// known to be, or has refused what the transaction led to: at gives the places of
// that, with the index that its error is told under.
func (d *State) stillSo(ctx context.Context, sw Switch, b *book, level Level, rev store.Revision, at map[place]int) error {
	if level == Stored {
		return nil
	}
	b.mu.Lock()
	unsure := level == Verified || b.items.counts[Pending] > 0 || len(b.graves) > 0
	b.mu.Unlock()
	if unsure {
		if _, err := d.bring(ctx, sw, b); err != nil {
			return &InDoubtError{rev, err}
		}
	}
	we := new(channel.WriteError)
	b.mu.Lock()
	for _, p := range sortedKeys(at) {
		if x, ok := b.items.get(p); ok && x.condition == Degraded {
			m, _ := x.value.message()
			we.Errors = append(we.Errors, channel.ItemError{Index: at[p], Message: m, Err: errors.New(x.why)})
		}
	}
	b.mu.Unlock()
	if we.Errors == nil {
		return nil
	}
	return &InDoubtError{rev, we}
}

// outcome returns where effects lead to something that is there, and by which message.
func (b *book) outcome(effects []effect) map[place]int {
	at := make(map[place]int)
	for _, e := range effects {
		if e.after != nil && string(b.value(e.at)) == string(e.after) {
			at[e.at] = e.message
		}
	}
	return at
}
