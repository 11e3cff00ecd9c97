package desired

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/sluice-sdn/sluice/ofp"
)

// Guard keeps apps and owners out of each other's flows on one switch. What an app
// sends is neither stored nor brought back: it is only noted, in memory, which of
// its lasting flows are there, until the switch is gone.
type Guard struct {
	d *State
	b *book
}

// Guard returns that of a switch, for one connection. Whoever asks for it closes it
// when the connection has ended.
func (d *State) Guard(dpid ofp.DPID) *Guard {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.bookLocked(dpid)
	b.holds++
	b.guards++
	return &Guard{d, b}
}

// Close ends a guard, once: of a switch of which nothing was ever wanted nothing is
// kept, then, but what it was (Remember). An app that still sends to the switch,
// which can only fail, may ask all the same.
func (g *Guard) Close() {
	g.d.mu.Lock()
	g.b.guards--
	g.d.mu.Unlock()
	g.d.letGo(g.b)
}

// maxClaims bounds the apps' lasting flows that are noted for a switch. Those beyond
// it are not protected from owners.
const maxClaims = 10_000

// levels is where in the tables a book has flows: a bit for each of 4,096 classes of
// table and priority. Bits are never taken away. It may be read without a lock.
type levels [64]atomic.Uint64

func (l *levels) bit(table uint8, priority uint16) (*atomic.Uint64, uint64) {
	h := (uint32(table)<<16 | uint32(priority)) * 0x9e3779b1 >> 20
	return &l[h>>6], 1 << (h & 63)
}

func (l *levels) add(p place) {
	if p[0] == kindFlow {
		word, bit := l.bit(p[1], uint16(p[2])<<8|uint16(p[3]))
		word.Or(bit)
	}
}

// Permit is asked about each flow-mod of an app, before it is sent, and fails with
// an *OwnerError, whose Index is 0, if it would change what an owner has. A lasting
// flow that it permits is the app's from then on. A flow with a timeout, such as is
// added for each pair of hosts, costs a look at a bit where no owner has a flow
// like it, and no memory.
func (g *Guard) Permit(m *ofp.FlowMod) error {
	if m.Command == ofp.FlowAdd && m.IdleTimeout|m.HardTimeout != 0 {
		if word, bit := g.b.levels.bit(m.Table, m.Priority); word.Load()&bit == 0 {
			return nil
		}
	}
	about, owner, err := g.b.permit(m)
	if err == nil && about != nil {
		err = &OwnerError{What: describe(about), Owner: g.d.ownerName(owner)}
	}
	return err
}

// permit returns the flow that an owner has and m would change, nil if there is none:
// then m is noted.
func (b *book) permit(m *ofp.FlowMod) (about *ofp.FlowMod, owner ownerID, _ error) {
	if m.Table == ofp.TableAll || m.Command == ofp.FlowModify || m.Command == ofp.FlowDelete {
		return b.permitMany(m)
	}
	p := flowPlace(m.Table, m.Priority, &m.Match)
	b.mu.Lock()
	defer b.mu.Unlock()
	if x, ok := b.items.get(p); ok {
		return m, x.value.owner(), nil
	}
	switch lasting := m.IdleTimeout == 0 && m.HardTimeout == 0; {
	case m.Command == ofp.FlowAdd && lasting:
		if b.claims == nil {
			b.claims = make(map[place]*ofp.FlowMod)
		}
		if len(b.claims) < maxClaims || b.claims[p] != nil {
			own := m.Clone()
			own.BufferID = ofp.NoBuffer
			b.claims[p] = own
		}
	case m.Command == ofp.FlowAdd, m.Command == ofp.FlowDeleteStrict:
		delete(b.claims, p)
	case b.claims[p] != nil:
		b.claims[p].Instructions = m.Clone().Instructions
	}
	return nil, 0, nil
}

// permitMany is permit for a message about all flows that match.
func (b *book) permitMany(m *ofp.FlowMod) (about *ofp.FlowMod, owner ownerID, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// A delete by an app's cookies, as at each host that moves, need not look at the
	// book for as long as no owner's flow can have one of these.
	if m.CookieMask>>48 != 0xffff || m.Cookie>>63 == 0 || b.appLike {
		for p, x := range b.items.all() {
			if p[0] != kindFlow {
				continue
			}
			is, err := x.value.message()
			if err != nil {
				return nil, 0, err
			}
			if f, ok := is.(*ofp.FlowMod); ok && covers(m, f) {
				return f, x.value.owner(), nil
			}
		}
	}
	for p, f := range b.claims {
		switch {
		case !covers(m, f):
		case m.Command == ofp.FlowDelete, m.Command == ofp.FlowDeleteStrict:
			delete(b.claims, p)
		default:
			f.Instructions = m.Clone().Instructions
		}
	}
	return nil, 0, nil
}

// covers reports whether a message is about a flow.
func covers(m, f *ofp.FlowMod) bool {
	if m.Command == ofp.FlowModifyStrict || m.Command == ofp.FlowDeleteStrict {
		if f.Priority != m.Priority || !f.Match.Equal(&m.Match) {
			return false
		}
	}
	q := ofp.FlowFilter{Table: m.Table, OutPort: ofp.PortAny, OutGroup: ofp.GroupAny, Cookie: m.Cookie, CookieMask: m.CookieMask, Match: m.Match}
	if m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict {
		q.OutPort, q.OutGroup = m.OutPort, m.OutGroup
	}
	return q.Selects(f.Table, f.Cookie, &f.Match, f.Instructions)
}

// noteFlow has the guard know of a flow that is wanted. The caller has b.mu, or the
// book alone.
func (b *book) noteFlow(p place, v value) {
	b.levels.add(p)
	b.appLike = b.appLike || p[0] == kindFlow && v.cookieTop()&0x80 != 0
}

// claimed returns whose lasting flow is at a place, if it is an app's.
func (d *State) claimed(b *book, p place) *OwnerError {
	b.mu.Lock()
	m := b.claims[p]
	b.mu.Unlock()
	if m == nil {
		return nil
	}
	return &OwnerError{What: describe(m), App: true, Owner: d.apps[ownerID(m.Cookie>>48)]}
}

// claimedBy is claimed for the flows that a message changes or deletes.
func (d *State) claimedBy(b *book, m *ofp.FlowMod) *OwnerError {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.claims {
		if covers(m, f) {
			return &OwnerError{What: describe(f), App: true, Owner: d.apps[ownerID(f.Cookie>>48)]}
		}
	}
	return nil
}

// again returns the apps' lasting flows that messages have taken from the switch, or
// changed: all flows that match was said, and the app still wants its own.
func (b *book) again(msgs []ofp.Message) (out []ofp.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.claims) == 0 {
		return nil
	}
	for _, p := range sortedKeys(b.claims) {
		f := b.claims[p]
		for _, m := range msgs {
			if m, ok := m.(*ofp.FlowMod); ok && m.Command != ofp.FlowAdd && covers(m, f) {
				x := *f
				out = append(out, &x)
				break
			}
		}
	}
	return out
}

// putBack sends again what messages of a transaction have taken of the apps' lasting
// flows, also where the caller has given up meanwhile. A switch that does not take it
// is asked by the app when it is back.
func (d *State) putBack(ctx context.Context, sw Switch, b *book, msgs []ofp.Message) {
	if again := b.again(msgs); len(again) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		_ = sw.Write(ctx, again)
	}
}

// Whose names the owner.
func (e *OwnerError) Whose() string {
	switch {
	case e.App && e.Owner == "":
		return "an app"
	case e.App:
		return fmt.Sprintf("the app %q", e.Owner)
	case e.Owner == "":
		return "the default owner"
	}
	return fmt.Sprintf("%q", e.Owner)
}
