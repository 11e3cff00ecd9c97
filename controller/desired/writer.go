package desired

import (
	"context"
	"errors"

	"github.com/sluice-sdn/sluice/controller/store"
)

// The books are what this process has read and written. If the store has another
// writer too, what that has changed about a switch since is a conflict: nothing is
// decided by a book that is out of date, and nothing of the other's is overwritten.

// unmoved holds for as long as nobody else has changed what is desired of a switch.
// The caller has the turn.
func (b *book) unmoved() store.Condition {
	return store.Condition{Key: headKey(b.dpid), Revision: b.head}
}

// commit has the store carry a transaction out. It fails with a *ChangedError where
// another writer was there before.
func (d *State) commit(ctx context.Context, x store.Txn) (store.Done, error) {
	done, err := d.store.Commit(ctx, x)
	if c, ok := errors.AsType[*store.ConflictError](err); ok {
		err = &ChangedError{Revision: c.Revision, Expected: c.Condition.Revision}
	}
	return done, err
}
