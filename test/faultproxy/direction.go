package faultproxy

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	headerLen  = 8
	versionTop = 0x10     // no OpenFlow version has a higher number
	smallBuf   = 4 << 10  // for reading, at first
	largeBuf   = 64 << 10 // longer than any message
	holdTime   = 50 * time.Millisecond
)

// direction is one way through a connection. The fields below mu belong to it,
// the last group to the reader.
type direction struct {
	pair     *pair
	up       bool
	src, dst *net.TCPConn
	other    *direction
	out      queue
	passed   atomic.Bool   // the end was handed on
	changed  chan struct{} // Set was called; holds one
	paceRand *rand.Rand    // of the writer

	mu     sync.Mutex
	fresh  bool // next is to be taken over
	next   []active
	nthSet int

	faults     []active
	rand       *rand.Rand
	began      time.Time
	bytes      int64
	messages   int64
	buf        []byte
	start, end int  // of what is not handed on yet, in buf
	raw        bool // not OpenFlow
	discard    bool // the direction was ended
	held       []byte
	heldUntil  time.Time
	due        time.Time // of the latest message that was delayed
}

// active is a fault that may have begun.
type active struct {
	Fault
	fired bool
}

func (d *direction) init(c *pair, up bool, src, dst *net.TCPConn, other *direction) {
	d.pair, d.up, d.src, d.dst, d.other = c, up, src, dst, other
	d.changed = make(chan struct{}, 1)
	d.out.init()
	d.paceRand = d.source(1 << 32)
	d.buf = make([]byte, smallBuf)
}

// source returns draws that depend on the seed, the connection, the direction
// and n.
func (d *direction) source(n int) *rand.Rand {
	which := uint64(d.pair.n) << 1
	if d.up {
		which |= 1
	}
	return rand.New(rand.NewPCG(d.pair.p.seed^uint64(n)<<40, which))
}

// set takes the faults that are about the direction, and wakes the reader.
func (d *direction) set(faults []Fault, nth int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next, d.fresh, d.nthSet = nil, true, nth
	for _, f := range faults {
		if f.Kind < NumKinds && f.in(d.up, d.pair.n) {
			d.next = append(d.next, active{Fault: f})
		}
	}
	slices.SortStableFunc(d.next, func(a, b active) int { return int(a.Kind) - int(b.Kind) })
	_ = d.src.SetReadDeadline(time.Unix(1, 0)) // fails only if it is closed
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// read is the reader goroutine: it hands on what comes, with the faults that
// are about messages.
func (d *direction) read() {
	ended := d.receive()
	d.pair.sourceEnded()
	if ended != none && d.lastWords() {
		d.put(piece{end: ended})
		d.passed.Store(true)
		return
	}
	d.put(piece{end: silence})
}

// receive hands on what comes until the source ends, and returns how it did, or
// none if nobody is to be told.
func (d *direction) receive() ending {
	for {
		if over, how := d.act(); over {
			return how
		}
		n, err := d.src.Read(d.buf[d.end:])
		d.end += n
		full := d.end == len(d.buf)
		if over, how := d.take(); over {
			return how
		}
		d.grow(full)
		switch {
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		case d.discard && errors.Is(err, io.EOF):
			return none
		case errors.Is(err, io.EOF):
			return fin
		default:
			return rst
		}
	}
}

// act takes new faults over, does what is due without a message, and sets the
// time when it must be called again.
func (d *direction) act() (over bool, how ending) {
	d.mu.Lock()
	now := time.Now()
	d.renewLocked(now)
	_ = d.src.SetReadDeadline(d.nextTime(now)) // fails only if it is closed, as the next read does
	d.mu.Unlock()
	if d.held != nil && !now.Before(d.heldUntil) {
		d.release(now)
	}
	for i := range d.faults {
		f := &d.faults[i]
		if (f.Kind == Reset || f.Kind == HalfClose) && f.sure() && d.holds(f, now) {
			if over, how := d.fire(f); over {
				return true, how
			}
		}
	}
	return false, none
}

// renewLocked takes new faults over.
func (d *direction) renewLocked(now time.Time) {
	if d.fresh {
		d.faults, d.fresh = d.next, false
		d.rand, d.began = d.source(d.nthSet), now
		d.bytes, d.messages = 0, 0
	}
}

// nextTime is when a window in time begins or ends next, or what is held must
// go; zero: never.
func (d *direction) nextTime(now time.Time) (next time.Time) {
	earlier := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for i := range d.faults {
		earlier(d.began.Add(time.Duration(d.faults[i].Time.From)))
		earlier(d.began.Add(time.Duration(d.faults[i].Time.To)))
	}
	if d.held != nil && !now.Before(d.heldUntil) {
		return now
	}
	if d.held != nil {
		earlier(d.heldUntil)
	}
	return next
}

// holds reports whether the next message is in the fault's window.
func (d *direction) holds(f *active, now time.Time) bool {
	return f.Bytes.holds(d.bytes) && f.Messages.holds(d.messages) && f.Time.holds(int64(now.Sub(d.began)))
}

// happens decides whether a fault happens to the next message, and counts it.
func (d *direction) happens(f *active, now time.Time) bool {
	if !d.holds(f, now) || !f.sure() && d.rand.Float64() >= f.Chance {
		return false
	}
	d.count(f.Kind)
	return true
}

func (d *direction) count(k Kind) { d.pair.p.counts[k].Add(1) }

// fire ends the direction or both, once.
func (d *direction) fire(f *active) (over bool, how ending) {
	if f.fired || d.discard {
		return false, none
	}
	f.fired = true
	d.count(f.Kind)
	if f.Kind == Reset {
		d.discard = true // what was read behind it vanishes
		return true, rst
	}
	d.discard = true
	d.release(time.Now())
	d.put(piece{end: fin})
	d.passed.Store(true)
	return false, none
}

// take cuts what was read into messages and hands them on.
func (d *direction) take() (over bool, how ending) {
	now := time.Now()
	// A read may succeed though Set has ended it.
	d.mu.Lock()
	d.renewLocked(now)
	d.mu.Unlock()
	for d.start < d.end {
		n := d.frame(d.buf[d.start:d.end])
		if n == 0 {
			break
		}
		b := d.buf[d.start : d.start+n]
		d.start += n
		over, how = d.message(b, now)
		d.bytes += int64(n)
		d.messages++
		if over {
			return over, how
		}
	}
	d.end = copy(d.buf, d.buf[d.start:d.end])
	d.start = 0
	return false, none
}

// grow makes the buffer large if much comes, or a message longer than it.
func (d *direction) grow(full bool) {
	if len(d.buf) < largeBuf && (full || d.end >= 4 && int(binary.BigEndian.Uint16(d.buf[2:])) > len(d.buf)) {
		d.buf = append(make([]byte, 0, largeBuf), d.buf[:d.end]...)[:largeBuf]
	}
}

// frame returns the length of the first message in b, or 0 if it is not whole.
func (d *direction) frame(b []byte) int {
	if !d.raw && (b[0] == 0 || b[0] > versionTop || len(b) >= 4 && binary.BigEndian.Uint16(b[2:]) < headerLen) {
		d.raw = true
	}
	switch {
	case d.raw:
		return len(b)
	case len(b) < headerLen || len(b) < int(binary.BigEndian.Uint16(b[2:])):
		return 0
	}
	return int(binary.BigEndian.Uint16(b[2:]))
}

// message hands one message on as the faults want it. b is the reader's.
func (d *direction) message(b []byte, now time.Time) (over bool, how ending) {
	if d.discard {
		return false, none
	}
	for i := range d.faults {
		f := &d.faults[i]
		if f.Kind > Cut {
			break
		}
		lo, hi := d.inside(f, len(b), now)
		if lo >= hi || !f.fired && !f.sure() && d.rand.Float64() >= f.Chance {
			continue
		}
		if f.Kind == Cut {
			f.fired = true
			d.count(Cut)
			d.forward(slices.Concat(b[:lo], b[hi:]), now)
			return false, none
		}
		d.forward(slices.Clone(b[:lo]), now)
		return d.fire(f)
	}
	d.damage(b, now)
	return false, none
}

// inside returns the part of the next message, of n bytes, that is in a fault's
// window.
func (d *direction) inside(f *active, n int, now time.Time) (lo, hi int) {
	if !f.Messages.holds(d.messages) || !f.Time.holds(int64(now.Sub(d.began))) {
		return 0, 0
	}
	lo = int(min(max(f.Bytes.From-d.bytes, 0), int64(n)))
	hi = n
	if f.Bytes.To > 0 {
		hi = int(min(max(f.Bytes.To-d.bytes, 0), int64(n)))
	}
	return lo, hi
}

// cut reports whether an end is to vanish now.
func (d *direction) cut(now time.Time) bool {
	return slices.ContainsFunc(d.faults, func(f active) bool {
		return f.Kind == Cut && (f.fired || f.sure()) && d.holds(&f, now)
	})
}

// lastWords hands on what is left when the source has ended, and reports whether
// its end is to be handed on: at once, or when a cut is over, but no more when
// there is nobody left on either side.
func (d *direction) lastWords() bool {
	if now := time.Now(); !d.discard {
		if d.start < d.end && !d.cut(now) {
			d.forward(slices.Clone(d.buf[d.start:d.end]), now)
		}
		d.release(now)
	}
	for {
		now := time.Now()
		d.mu.Lock()
		d.renewLocked(now)
		d.mu.Unlock()
		if !d.cut(now) {
			return true
		}
		later := make(<-chan time.Time)
		if next := d.nextTime(now); !next.IsZero() {
			t := time.NewTimer(next.Sub(now))
			defer t.Stop()
			later = t.C
		}
		select {
		case <-d.changed:
		case <-later:
		case <-d.pair.silent:
			return false
		case <-d.pair.done:
			return false
		}
	}
}
