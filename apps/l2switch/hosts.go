package l2switch

import (
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
// The hosts stand in an open-addressed table of which at most three quarters are in use. A
// slot is found by a hash whose key is secret and drawn for each table, so that
// no peer can choose addresses that collide.
type hosts struct {
	slots     []host // a power of two; a host is at its hash or in the run behind
	n         int    // slots in use
	secret    [2]uint64
	max       int
	age       uint32 // seconds
	nextSweep uint32
	touched   uint64 // of no meaning: what touch has loaded
}

func newHosts(limit int, age time.Duration) hosts {
	t := hosts{secret: [2]uint64{rand.Uint64(), rand.Uint64() | 1}, max: limit, age: uint32(age / time.Second)}
	t.rebuild(0)
	return t
}

// looksAhead is from how many slots on the table is too large for the nearest
// caches, so that it pays to load what several packets need at once.
const looksAhead = 4096

// touch loads the slot of a key, or the one before it.
func (t *hosts) touch(k uint64) {
	hi, lo := bits.Mul64(k^t.secret[0], t.secret[1])
	t.touched ^= t.slots[(hi^lo)&uint64(len(t.slots)-1)].key
}

// slot returns the slot of a key, or the empty one where it belongs.
func (t *hosts) slot(k uint64) *host {
	hi, lo := bits.Mul64(k^t.secret[0], t.secret[1])
	for i := hi ^ lo; ; i++ {
		h := &t.slots[i&uint64(len(t.slots)-1)]
		if h.key == k|used || h.key == 0 {
			return h
		}
	}
}

// rebuild moves the hosts, n in number, to a table of the size for them.
func (t *hosts) rebuild(n int) {
	old := t.slots
	t.n = n
	t.slots = make([]host, max(8, 1<<bits.Len(uint(4*(n+1)/3))))
	for _, h := range old {
		if h.key != 0 {
			*t.slot(h.key &^ used) = h
		}
	}
}

// remove removes the hosts that are gone and returns how many there were.
func (t *hosts) remove(gone func(h *host) bool) (n int) {
	for i := range t.slots {
		if h := &t.slots[i]; h.key != 0 && gone(h) {
			h.key = 0
			n++
		}
	}
	if n > 0 {
		t.rebuild(t.n - n)
	}
	return n
}

// learn notes that a host was seen on a port.
func (t *hosts) learn(k uint64, port ofp.PortNo, now uint32) sighting {
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
	if now >= t.nextSweep {
		t.sweep(now)
	}
	if t.n >= t.max {
		return seenNot
	}
	if 4*(t.n+1) > 3*len(t.slots) {
		t.rebuild(t.n)
	}
	*t.slot(k) = host{k | used, port, now}
	t.n++
	return seenFirst
}

// sweep forgets the hosts that can have no flows any more. It runs at most once
// in a tenth of the age, when a new host comes.
func (t *hosts) sweep(now uint32) {
	t.nextSweep = now + max(t.age/10, 1)
	t.remove(func(h *host) bool { return now-h.seen > 2*t.age+grace })
}

// find returns the port of a known host.
func (t *hosts) find(k uint64, now uint32) (ofp.PortNo, bool) {
	h := t.slot(k)
	return h.port, h.key != 0 && now-h.seen <= t.age
}

// forget removes all hosts on a port and returns how many there were.
func (t *hosts) forget(port ofp.PortNo) int {
	return t.remove(func(h *host) bool { return h.port == port })
}
