package desired

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// ownerID is an owner's number; the default owner's is 0.
type ownerID uint16

// maxOwners bounds the owners: their numbers stand in the upper 16 bits of
// cookies, of which the upper half is left to apps.
const maxOwners = 1 << 15

// cookie is what a flow has in which the writer has left the cookie to Sluice.
func (id ownerID) cookie() uint64 { return uint64(id) << 48 }

// OwnerError says that what a transaction would change belongs to somebody else.
type OwnerError struct {
	Index int    // of the message; -1: none, it is about what was desired once
	What  string // such as "flow table=0,priority=5,ip"
	Owner string // "" is the default owner
	App   bool   // it is the app of that name, "" for one that is not known
}

// Error names the owner.
func (e *OwnerError) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("%s belongs to %s", e.What, e.Whose())
	}
	return fmt.Sprintf("message %d: %s belongs to %s", e.Index, e.What, e.Whose())
}

// stamped returns messages in which the flows that come have their owner's cookie,
// where they have none: a cookie of 0, said or not, is left to Sluice. The default
// owner's is 0. What it changes it copies.
func stamped(owner ownerID, v ofp.Version, msgs []ofp.Message) []ofp.Message {
	if owner == 0 {
		return msgs
	}
	out := slices.Clone(msgs)
	for i, m := range msgs {
		f, ok := m.(*ofp.FlowMod)
		if !ok || f.Cookie != 0 || f.CookieMask != 0 {
			continue
		}
		// In 1.0 to modify a flow gives it a cookie, and in 1.0 and 1.1 to modify
		// what is not there adds it.
		modify := f.Command == ofp.FlowModify || f.Command == ofp.FlowModifyStrict
		if f.Command == ofp.FlowAdd || modify && v <= ofp.V11 {
			x := *f
			x.Cookie = owner.cookie()
			out[i] = &x
		}
	}
	return out
}

// unstamped returns a message of a book as its owner has written it, as far as
// that is known: without the cookie that stands for the owner alone.
func (v value) unstamped(m ofp.Message) ofp.Message {
	if f, ok := m.(*ofp.FlowMod); ok && f.Cookie != 0 && f.Cookie == v.owner().cookie() {
		x := *f
		x.Cookie = 0
		return &x
	}
	return m
}

// owner returns the number of an owner, a new one if it has none.
func (d *State) owner(ctx context.Context, name string) (ownerID, error) {
	if name == "" {
		return 0, nil
	}
	if id, ok := d.knownOwner(name); ok {
		return id, nil
	}
	if len(name) > store.MaxKey/2 {
		return 0, fmt.Errorf("owner: name of %d bytes: %w", len(name), store.ErrLimit)
	}
	// One at a time: the number is given out when the store has it.
	select {
	case d.ownerTurn <- struct{}{}:
		defer func() { <-d.ownerTurn }()
	case <-ctx.Done():
		return 0, fmt.Errorf("owner %q: %w", name, ctx.Err())
	}
	if id, ok := d.knownOwner(name); ok {
		return id, nil
	}
	id, ok := d.freeNumber(name)
	if !ok {
		return 0, fmt.Errorf("owner %q: there are %d owners, which is the limit: %w", name, maxOwners-1, store.ErrLimit)
	}
	key := append([]byte{kindOwner}, name...)
	_, err := d.store.Commit(ctx, store.Txn{If: []store.Condition{{Key: key}}, Edits: []store.Edit{{Key: key, Value: binary.BigEndian.AppendUint16(nil, uint16(id))}}})
	if err != nil {
		return 0, fmt.Errorf("owner %q: %w", name, err)
	}
	d.mu.Lock()
	d.owners[name], d.names[id] = id, name
	d.mu.Unlock()
	return id, nil
}

// errRenumbered means that an owner has another number than was expected.
var errRenumbered = errors.New("somebody else was given the owner's number meanwhile")

// makeOwner has the store know an owner by the number that was expected. Who fails
// with errRenumbered goes by the number that it has now, once: that is its for ever.
// It comes after all checks: no refused write leaves an owner.
func (d *State) makeOwner(ctx context.Context, name string, expected ownerID) error {
	now, err := d.owner(ctx, name)
	if err == nil && now != expected {
		err = errRenumbered
	}
	return err
}

// stands reports whether messages bear the owner's cookie, which says on the switch
// whose they are.
func (id ownerID) stands(msgs []ofp.Message) bool {
	return id != 0 && slices.ContainsFunc(msgs, func(m ofp.Message) bool {
		f, ok := m.(*ofp.FlowMod)
		return ok && f.Cookie == id.cookie()
	})
}

// freeNumber returns the number that a new owner is given: one that comes from its
// name, so that it is the same in a store that is begun anew, or the next one that
// nobody has. Nobody's number is ever given back.
func (d *State) freeNumber(name string) (id ownerID, ok bool) {
	sum := fnv.New32a()
	sum.Write([]byte(name))
	d.mu.Lock()
	defer d.mu.Unlock()
	const all = maxOwners - 1
	for i := range uint32(all) {
		id := ownerID(1 + (sum.Sum32()%all+i)%all)
		if _, taken := d.names[id]; !taken {
			return id, true
		}
	}
	return 0, false
}

// expectOwner returns the number of an owner, or, for one that is not known yet,
// the one that it would be given.
func (d *State) expectOwner(name string) ownerID {
	if name == "" {
		return 0
	}
	if id, ok := d.knownOwner(name); ok {
		return id
	}
	if id, ok := d.freeNumber(name); ok {
		return id
	}
	return maxOwners // nobody's
}

func (d *State) knownOwner(name string) (ownerID, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, ok := d.owners[name]
	return id, ok
}

func (d *State) ownerName(id ownerID) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[id]
}

// Owner is who has written something.
type Owner struct {
	Name string // "" is the default owner
	// Cookie is that of flows whose writer has left it to Sluice: the owner's
	// number in the upper 16 bits.
	Cookie uint64
	// Flows, Groups and Meters count what is desired.
	Flows, Groups, Meters int
	// Limit is how many flows the owner may have on one switch, 0: no limit.
	Limit int
}

// Owners returns the owners, the default one first, the others by name, with what
// they have on all switches, or on one.
func (d *State) Owners(only *ofp.DPID) []Owner {
	d.mu.Lock()
	var books []*book
	if only == nil {
		books = slices.Collect(maps.Values(d.books))
	} else if b := d.books[*only]; b != nil {
		books = append(books, b)
	}
	all := make(map[ownerID]*Owner, 1+len(d.names))
	all[0] = new(Owner)
	for id, name := range d.names {
		all[id] = &Owner{Name: name, Cookie: id.cookie()}
	}
	d.mu.Unlock()
	for _, b := range books {
		b.mu.Lock()
		for p, x := range b.items.all() {
			o := all[x.value.owner()]
			if o == nil {
				continue // it came meanwhile
			}
			switch p[0] {
			case kindFlow:
				o.Flows++
			case kindGroup:
				o.Groups++
			case kindMeter:
				o.Meters++
			}
		}
		b.mu.Unlock()
	}
	out := make([]Owner, 0, len(all))
	for _, o := range all {
		o.Limit = d.quotas.of(o.Name)
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b Owner) int { return strings.Compare(a.Name, b.Name) })
	return out
}
