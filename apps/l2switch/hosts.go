package l2switch

import (
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// host is where a host was last seen, and when on the session's clock.
type host struct {
	port ofp.PortNo
	seen uint32 // seconds
}

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
// The table is a map, whose seeded hash no peer can aim at.
type hosts struct {
	m         map[uint64]host
	max       int
	age       uint32 // seconds
	nextSweep uint32
}

func newHosts(limit int, age time.Duration) hosts {
	return hosts{m: map[uint64]host{}, max: limit, age: uint32(age / time.Second)}
}

// learn notes that a host was seen on a port.
func (t *hosts) learn(k uint64, port ofp.PortNo, now uint32) sighting {
	h, ok := t.m[k]
	switch {
	case ok && h.port == port:
		if h.seen != now {
			t.m[k] = host{port, now}
		}
		return seenAgain
	case ok:
		t.m[k] = host{port, now}
		return seenElsewhere
	}
	if now >= t.nextSweep {
		t.sweep(now)
	}
	if len(t.m) >= t.max {
		return seenNot
	}
	t.m[k] = host{port, now}
	return seenFirst
}

// sweep forgets the hosts that can have no flows any more. It runs at most once
// in a tenth of the age, when a new host comes.
func (t *hosts) sweep(now uint32) {
	t.nextSweep = now + max(t.age/10, 1)
	for k, h := range t.m {
		if now-h.seen > 2*t.age+grace {
			delete(t.m, k)
		}
	}
}

// find returns the port of a known host.
func (t *hosts) find(k uint64, now uint32) (ofp.PortNo, bool) {
	h, ok := t.m[k]
	return h.port, ok && now-h.seen <= t.age
}

// forget removes all hosts on a port and returns how many there were.
func (t *hosts) forget(port ofp.PortNo) (n int) {
	for k, h := range t.m {
		if h.port == port {
			delete(t.m, k)
			n++
		}
	}
	return n
}
