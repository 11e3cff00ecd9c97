package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
)

// Quotas bound how many flows an owner may have on one switch. A number of 0 is no
// bound.
type Quotas struct {
	// Each is for owners that Of does not name; the default owner has no name: "".
	Each int
	Of   map[string]int
}

// of returns an owner's bound.
func (q *Quotas) of(owner string) int {
	if n, ok := q.Of[owner]; ok {
		return n
	}
	return q.Each
}

// Limit sets the quotas. What an owner has above its quota already stays, and can
// only become less. It is called before the state is used.
func (d *State) Limit(q Quotas) { d.quotas = q }

// QuotaError says that a transaction would give an owner more flows on a switch
// than it may have. Nothing has changed.
type QuotaError struct {
	DPID  ofp.DPID
	Owner string // "" is the default owner
	Limit int
	Used  int // flows that the owner has
	More  int // flows that would come on top of these
}

// Error says how many there are and how many there may be.
func (e *QuotaError) Error() string {
	owner := "the default owner"
	if e.Owner != "" {
		owner = fmt.Sprintf("%q", e.Owner)
	}
	return fmt.Sprintf("%s may have %d flows on a switch, has %d on %s, and would have %d more", owner, e.Limit, e.Used, e.DPID, e.More)
}

// within fails if effects would give somebody more flows than they may have. The
// caller has the turn. as is the name of owner, which may not have its number yet.
// What goes back to how it was is not bounded, see Wish.Former.
func (d *State) within(b *book, effects []effect, owner ownerID, as string) error {
	if d.quotas.Each == 0 && len(d.quotas.Of) == 0 {
		return nil
	}
	more := make(map[ownerID]int)
	for _, e := range effects {
		if e.at[0] != kindFlow {
			continue
		}
		if e.before != nil {
			more[e.before.owner()]--
		}
		if e.after != nil {
			more[e.after.owner()]++
		}
	}
	for id, n := range more {
		name := d.ownerName(id)
		if id == owner {
			name = as
		}
		limit := d.quotas.of(name)
		if n <= 0 || limit == 0 {
			continue
		}
		b.mu.Lock()
		used := b.items.flows[id]
		b.mu.Unlock()
		if used+n > limit {
			return &QuotaError{DPID: b.dpid, Owner: name, Limit: limit, Used: used, More: n}
		}
	}
	return nil
}

// OwnerFlows returns how many flows each owner has on all switches, by names that
// are valid UTF-8.
func (d *State) OwnerFlows() map[string]int {
	d.mu.Lock()
	books := slices.Collect(maps.Values(d.books))
	d.mu.Unlock()
	out := make(map[string]int)
	for _, b := range books {
		b.mu.Lock()
		flows := maps.Clone(b.items.flows)
		b.mu.Unlock()
		for id, n := range flows {
			out[strings.ToValidUTF8(d.ownerName(id), "\uFFFD")] += n
		}
	}
	return out
}
