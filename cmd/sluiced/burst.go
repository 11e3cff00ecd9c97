package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// A request with very many changes makes some hundred megabytes, little of which
// stays. The runtime collects whenever the heap has doubled, which is half a dozen
// times until a small one has grown so far, and took a quarter of the processor time
// of a push of 100,000 flows. So while there is such a request the heap may grow by
// about what it needs before it is collected, and no further.

const (
	burstLeast = 5_000     // changes that are many
	burstEach  = 1536      // bytes for each
	burstMost  = 256 << 20 // bytes for all requests together
)

// burst gives the collector of garbage room for large requests. The zero value is
// ready; it may be used from any goroutine.
type burst struct {
	mu    sync.Mutex // a leaf
	at    uint64     // bytes for the requests that are at hand
	room  uint64     // bytes that the heap may grow by; 0: as ever
	base  int        // percent by which it may grow as ever; of room alone
	armed bool       // again is called after the next collection
}

// begin gives room for a request with so many changes, until over is called and the
// daemon is looked after again.
func (b *burst) begin(changes int) (over func()) {
	if changes < burstLeast {
		return func() {}
	}
	n := uint64(changes) * burstEach
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.room == 0 {
		b.base = gcPercent()
	}
	b.at += n
	b.room = max(b.room, min(b.at, burstMost))
	b.set()
	return func() {
		b.mu.Lock()
		b.at -= n
		b.mu.Unlock()
	}
}

// settle has the collector be as ever if there is no large request.
func (b *burst) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == 0 && b.room > 0 {
		b.room = 0
		debug.SetGCPercent(b.base)
	}
}

// set tells the collector. Percents are of what is in use, which each collection
// finds anew.
func (b *burst) set() {
	debug.SetGCPercent(burstPercent(b.base, readMemory().live, b.room))
	if !b.armed {
		b.armed = true
		runtime.SetFinalizer(&struct{ *burst }{b}, func(x *struct{ *burst }) { x.again() })
	}
}

// again is called after a collection.
func (b *burst) again() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = false
	if b.room > 0 {
		b.set()
	}
}

// burstPercent is by how much a heap, live bytes of which are in use, may grow to
// have room beside what it may grow as ever; base < 0 is without bound. The runtime
// takes a heap of less than 4 MiB for one of 4 MiB.
func burstPercent(base int, live, room uint64) int {
	if base < 0 {
		return base
	}
	return base + int(100*room/max(live, 4<<20))
}

// gcPercent is what GOGC says, -1 if it is off.
func gcPercent() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 || s[0].Value.Uint64() > math.MaxInt32 {
		return -1
	}
	return int(s[0].Value.Uint64())
}
