package desired

import (
	"context"
	"errors"
	"sync"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/store"
)

// kept is what became of a transaction.
type kept struct {
	store.Done                // its Revision is 0 where it was undone
	stored     bool           // it was, if only until it was undone
	first      store.Revision // that it was stored as
}

// errRepeated keeps a bundle from being carried out again.
var errRepeated = errors.New("it was carried out before, by the request of the same id")

// keep stores a transaction and has the switch carry it out as far as its level
// says. A bundle is given to the switch while the disk writes, and is carried out
// when that is done, or never.
func (d *State) keep(ctx context.Context, sw Switch, b *book, t Txn, effects []effect, x store.Txn) (k kept, err error) {
	stored := func() {
		k.first, k.stored = k.Revision, true
		b.exhumed = nil
		b.carry(effects, k.Revision)
		if t.settings != nil {
			b.noteSettings(t.settings.after, k.Revision)
		}
	}
	if !t.staged(sw) {
		if k.Done, err = d.commit(ctx, x); err != nil || k.Repeated {
			k.first, b.noted = k.Revision, Known{} // nothing of it is stored
			return k, err
		}
		stored()
		switch {
		case t.Level == Stored:
			b.setBehind(true)
		case t.Level == Sent && !t.Bundle && len(t.Messages) > 0:
			if err = d.sendOnly(ctx, sw, b, t, effects, k.first); err == nil && t.settings != nil {
				// These are confirmed all the same: the next message could overtake none.
				if err = t.settings.carryOut(ctx, sw); err != nil {
					err = &InDoubtError{k.first, err}
				}
			}
		default:
			k.Revision, err = d.settled(ctx, sw, b, t, effects, k.first, t.carryOut(ctx, sw, nil))
		}
		return k, err
	}
	staging, drop := context.WithCancel(ctx)
	defer drop()
	ended := make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		if k.Done, failed = d.commit(ctx, x); failed != nil || k.Repeated {
			drop()
		}
	}()
	when := sync.OnceValue(func() error {
		<-ended
		k.first = k.Revision
		switch {
		case failed != nil:
			return failed
		case k.Repeated:
			return errRepeated
		}
		stored()
		return nil
	})
	err = t.carryOut(staging, sw, when)
	if when() != nil {
		b.noted = Known{}
		return k, failed
	}
	k.Revision, err = d.settled(ctx, sw, b, t, effects, k.first, err)
	return k, err
}

// staged reports whether the switch may be given a transaction before it is stored,
// because it does nothing about it until it is told to.
func (t *Txn) staged(sw Switch) bool {
	switch {
	case t.Level == Stored:
		return false
	case t.Bundle:
		return true
	case t.Level == Sent:
		return false
	}
	all := pieces(sw.Version(), t.Messages)
	return len(all) > 0 && all[0].bundled
}

// permit waits until messages may be carried out; nil is at once.
func permit(when func() error) error {
	if when == nil {
		return nil
	}
	if err := when(); err != nil {
		return &channel.WriteError{Err: err, Untouched: true}
	}
	return nil
}
