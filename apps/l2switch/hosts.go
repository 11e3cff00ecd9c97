package l2switch

import (
	"iter"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// host is where a host was last seen, and when on the session's clock. It is a
// slot of the table; an empty one has no key.
type host struct {
	key  uint64 // with the bit used
	port ofp.PortNo
	seen uint32 // seconds
}

// used is set in the key of every slot that holds a host; key never sets it.
const used = 1 << 63

// sighting says what a packet tells about its sender.
type sighting uint8

const (
	seenAgain sighting = iota
	seenFirst
	seenElsewhere // it was on another port
	seenNot       // it is new, and the table is full
)

// grace is added to the time after which no flow can be left, for switches that
// look at their timeouts now and then.
const grace = 5

// hosts is the table of one switch's hosts. A host is known for age seconds
// after it was seen, and remembered for twice that and a little: a flow to it is
// only made while it is known and lives at most age seconds, so whoever has
// flows is remembered, and its move is noticed.
//
// A small table is open-addressed, and at most three quarters of it are in use; a
// large one is packed, and 72 to 80 % are. In both a host is found by a hash whose key is secret and
// drawn for each table, so that no peer can choose addresses that collide.
type hosts struct {
	packed    *packed // a large table, or nil
	slots     []host  // a small one: a power of two; a host is at its hash or in the run behind
	n         int     // hosts
	secret    [2]uint64
	max       int
	packs     int    // from how many hosts on the table is packed
	age       uint32 // seconds
	nextSweep uint32
	loaded    uint64 // of no meaning: what load has read
}

// minPacked is from how many hosts on a table is packed: a smaller one stays in
// the nearest caches as it is.
const minPacked = 3072

func newHosts(limit int, age time.Duration) hosts {
	return hosts{
		slots: make([]host, 8), secret: [2]uint64{rand.Uint64(), rand.Uint64() | 1},
		max: limit, packs: minPacked, age: uint32(age / time.Second),
	}
}

// slot returns the slot of a key in a small table, or the empty one where it
// belongs.
func (t *hosts) slot(k uint64) *host {
	hi, lo := bits.Mul64(k^t.secret[0], t.secret[1])
	for i := hi ^ lo; ; i++ {
		h := &t.slots[i&uint64(len(t.slots)-1)]
		if h.key == k|used || h.key == 0 {
			return h
		}
	}
}

// all yields the hosts that are there now. The table may be rebuilt meanwhile.
func (t *hosts) all() iter.Seq[host] {
	if t.packed != nil {
		return t.packed.all()
	}
	slots := t.slots
	return func(yield func(host) bool) {
		for _, h := range slots {
			if h.key != 0 && !yield(h) {
				return
			}
		}
	}
}

// with yields all other hosts, and this one.
func (t *hosts) with(h host) iter.Seq[host] {
	others := t.all()
	return func(yield func(host) bool) {
		for o := range others {
			if o.key != h.key && !yield(o) {
				return
			}
		}
		yield(h)
	}
}

// rebuild makes a table of these hosts, n in number, with room for more.
func (t *hosts) rebuild(n int, all iter.Seq[host], now uint32) {
	t.n = n
	if t.packed = t.pack(all, now); t.packed != nil {
		t.slots = nil
		return
	}
	t.slots = make([]host, max(8, 1<<bits.Len(uint(4*n/3))))
	for h := range all {
		*t.slot(h.key &^ used) = h
	}
}

// pack returns a packed table of these hosts, or nil if they are few, or their
// places or times do not fit.
func (t *hosts) pack(all iter.Seq[host], now uint32) *packed {
	if t.n < t.packs || 3*t.age+grace > maxTime {
		return nil
	}
	for lines := max(minLines, t.n*100/(72*lineSlots)); lines <= maxLines; lines += lines / 16 {
		p := newPacked(lines, t.forgotten(now))
		room := true
		for h := range all {
			if room = p.put(h); !room {
				break
			}
		}
		switch {
		case len(p.places) > maxPlaces*3/4: // else new places would have it rebuilt too often
			return nil
		case room:
			return p
		}
	}
	return nil
}

// forgotten returns a time: hosts last seen then, or before, are forgotten in the
// next sweep.
func (t *hosts) forgotten(now uint32) uint32 { return now - min(now, 2*t.age+grace+1) }

// remove removes the hosts that are gone and returns how many there were.
func (t *hosts) remove(now uint32, gone func(h host) bool) (n int) {
	all := t.all()
	for h := range all {
		if gone(h) {
			n++
		}
	}
	if n > 0 {
		t.rebuild(t.n-n, func(yield func(host) bool) {
			for h := range all {
				if !gone(h) && !yield(h) {
					return
				}
			}
		}, now)
	}
	return n
}

// learn notes that a host was seen on a port.
func (t *hosts) learn(k uint64, port ofp.PortNo, now uint32) sighting {
	if p := t.packed; p != nil {
		if now-p.base > maxTime {
			p.rebase(t.forgotten(now))
		}
		if l, i, x, w := p.slot(k); l != nil {
			as := seenAgain
			if w.port != port {
				as = seenElsewhere
			}
			if !p.learn(l, i, x, w, port, now) {
				t.rebuild(t.n, t.with(host{k | used, port, now}), now)
			}
			return as
		}
	} else {
		h := t.slot(k)
		switch {
		case h.key != 0 && h.port == port:
			if h.seen != now { // a table that is only read stays in the cache
				h.seen = now
			}
			return seenAgain
		case h.key != 0:
			h.port, h.seen = port, now
			return seenElsewhere
		}
	}
	if now >= t.nextSweep {
		t.sweep(now)
	}
	if t.n >= t.max {
		return seenNot
	}
	t.add(host{k | used, port, now}, now)
	return seenFirst
}

// add adds a host that is new.
func (t *hosts) add(h host, now uint32) {
	n := t.n + 1
	switch {
	case t.packed != nil && 100*n <= 80*lineSlots*len(t.packed.lines) && t.packed.put(h):
	case t.packed == nil && 4*n <= 3*len(t.slots):
		*t.slot(h.key &^ used) = h
	default:
		t.rebuild(n, t.with(h), now)
	}
	t.n = n
}

// sweep forgets the hosts that can have no flows any more. It runs at most once
// in a tenth of the age, when a new host comes.
func (t *hosts) sweep(now uint32) {
	t.nextSweep = now + max(t.age/10, 1)
	t.remove(now, func(h host) bool { return now-h.seen > 2*t.age+grace })
}

// load prepares the table for so many packets, if they are many for its size: most
// of it is needed then, and to read all of it, one line after the other, costs less
// than to wait for a line here and one there. Ten lines are read in the time of
// one such wait.
func (t *hosts) load(packets int) {
	const aLine = 64 / 16 // slots that a processor loads at once
	var x uint64
	switch p := t.packed; {
	case p != nil && len(p.lines) <= 10*packets:
		for i := range p.lines {
			x ^= p.lines[i].tags[0]
		}
	case p == nil && len(t.slots) <= 10*aLine*packets:
		for i := 0; i < len(t.slots); i += aLine {
			x ^= t.slots[i].key
		}
	}
	t.loaded = x
}

// find returns the port of a known host.
func (t *hosts) find(k uint64, now uint32) (ofp.PortNo, bool) {
	if p := t.packed; p != nil {
		_, _, x, w := p.slot(k)
		if w == nil {
			return 0, false
		}
		return w.port, now-p.seen(x) <= t.age
	}
	h := t.slot(k)
	return h.port, h.key != 0 && now-h.seen <= t.age
}

// forget removes all hosts on a port and returns how many there were.
func (t *hosts) forget(port ofp.PortNo, now uint32) int {
	return t.remove(now, func(h host) bool { return h.port == port })
}
