package desired

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// A book is there for as long as something was stored for its switch or somebody
// holds it: the guard of a connection, whoever has its turn or waits for it, and who
// is yet to hear from the switch. What makes a book blank is changed by those that
// hold it alone.

// book returns a switch's book, a new one if it has none.
func (d *State) book(dpid ofp.DPID) *book {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bookLocked(dpid)
}

func (d *State) bookLocked(dpid ofp.DPID) *book {
	b := d.books[dpid]
	if b == nil {
		b = newBook(dpid)
		d.books[dpid] = b
	}
	return b
}

// look returns a switch's book, or nil if nothing was ever wanted of it.
func (d *State) look(dpid ofp.DPID) *book {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.books[dpid]
}

// hold returns a switch's book, a new one if it has none. It stays the switch's book
// until it is let go of.
func (d *State) hold(dpid ofp.DPID) *book {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.bookLocked(dpid)
	b.holds++
	return b
}

// keepHold holds a book once more that the caller holds.
func (d *State) keepHold(b *book) {
	d.mu.Lock()
	b.holds++
	d.mu.Unlock()
}

// letGo ends a hold. A blank book that nobody holds any more is thrown away; and what
// the switch was is forgotten with it, if more of them are remembered than may be.
func (d *State) letGo(b *book) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b.holds--
	if b.holds > 0 || !b.blank() {
		return
	}
	delete(d.books, b.dpid)
	if len(d.known) > maxKnown {
		delete(d.known, b.dpid)
	}
}

// blank reports whether the store has nothing about the switch: a new book would be
// the same. The caller has State.mu, and nobody holds the book, so that nobody
// changes what is asked here.
func (b *book) blank() bool {
	return b.items.len() == 0 && len(b.graves) == 0 && len(b.exhumed) == 0 && b.settings.empty() && b.changes == 0 && b.noted == Known{}
}

// holdAll holds the books of these switches and of all that have one already, and
// returns them by ascending DPID: who takes several turns takes them in this order.
func (d *State) holdAll(switches map[ofp.DPID]bool) []*book {
	d.mu.Lock()
	defer d.mu.Unlock()
	for dpid := range switches {
		d.bookLocked(dpid)
	}
	books := make([]*book, 0, len(d.books))
	for _, dpid := range slices.Sorted(maps.Keys(d.books)) {
		b := d.books[dpid]
		b.holds++
		books = append(books, b)
	}
	return books
}

// take waits for a switch's turn, and returns its book, which the caller holds until
// it releases it.
func (d *State) take(ctx context.Context, dpid ofp.DPID) (*book, error) {
	b := d.hold(dpid)
	if err := b.take(ctx); err != nil {
		d.letGo(b)
		return nil, err
	}
	return b, nil
}

// release gives back what take gave.
func (d *State) release(b *book) {
	b.giveBack()
	d.letGo(b)
}

// take waits for the turn of a book that the caller holds.
func (b *book) take(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for other changes of switch %s: %w", b.dpid, ctx.Err())
	}
}

// giveBack ends the turn.
func (b *book) giveBack() {
	b.was = nil
	<-b.turn
}
