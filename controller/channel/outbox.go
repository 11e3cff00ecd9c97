package channel

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

const (
	writeSlice  = 64 << 10             // bytes written before the urgent lane is looked at again
	urgentLimit = 64 << 10             // bytes in the urgent lane
	heldBytes   = 32 << 10             // bytes in a held outbox that wake the writer all the same
	holdTime    = 2 * time.Millisecond // how long a message may stay in a held outbox
	keepBytes   = 256 << 10            // a written buffer of at most that size is used again
	softLimit   = 128 << 10            // bytes that make the dispatcher wait for the writer
)

// outbox holds what is to be written. Senders encode into it under its mutex;
// the writer swaps the buffers and writes.
type outbox struct {
	mu      sync.Mutex
	enc     ofp.Encoder
	version ofp.Version
	xid     uint32 // the last one given out
	urgent  []byte // goes before bulk
	bulk    []byte
	spare   []byte // a written buffer, to be used again
	queued  int    // bytes of bulk that are not written yet, those being written included
	limit   int    // the high-water mark
	soft    int    // where the dispatcher waits a moment
	low     int    // where those who wait for room are woken
	sent    tally
	loose   int           // barriers given to send whose replies have not come
	held    bool          // a batch of events is being handled
	armed   bool          // holdTimer runs
	woken   bool          // the writer knows that there is something
	closed  bool          // nothing is accepted any more
	room    chan struct{} // closed when queued has fallen to low; nil if nobody waits

	wake      chan struct{} // to the writer
	holdTimer *time.Timer
	drops     *Stats
}

func (o *outbox) init(limit int, stats *Stats) {
	o.limit = limit
	o.soft = min(limit, softLimit)
	o.low = o.soft / 2
	o.wake = make(chan struct{}, 1)
	o.drops = stats
}

// wakeLocked reports whether the caller must signal the writer once it has let
// go of the mutex.
func (o *outbox) wakeLocked() bool {
	if o.woken {
		return false
	}
	if o.held && len(o.bulk) < heldBytes {
		if !o.armed {
			o.armed = true
			if o.holdTimer == nil {
				o.holdTimer = time.AfterFunc(holdTime, o.flush)
			} else {
				o.holdTimer.Reset(holdTime)
			}
		}
		return false
	}
	o.woken = true
	return true
}

// nextXID returns a transaction identifier; 0 is left to the switch's own
// messages.
func (o *outbox) nextXID() uint32 {
	o.xid++
	if o.xid == 0 {
		o.xid = 1
	}
	return o.xid
}

// looseReply reports whether a barrier's reply that nobody waits for may be that
// of one given to send. They are counted, not told apart.
func (o *outbox) looseReply() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.loose == 0 {
		return false
	}
	o.loose--
	return true
}

// reserve returns the first of n successive transaction identifiers.
func (o *outbox) reserve(n int) uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.xid+uint32(n) < o.xid {
		o.xid = 0
	}
	first := o.xid + 1
	o.xid += uint32(n)
	return first
}

// send encodes m into the bulk lane under a new xid.
func (o *outbox) send(m ofp.Message) error {
	typ := m.Type()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return ErrDisconnected
	}
	if o.queued > o.limit {
		if typ == ofp.TypePacketOut || o.queued > 2*o.limit {
			o.mu.Unlock()
			if typ == ofp.TypePacketOut {
				o.drops.Drops[DropPacketOut].Add(1)
			} else {
				o.drops.Drops[DropMessage].Add(1)
			}
			return ErrOverloaded
		}
	}
	err := o.encodeLocked(o.nextXID(), m)
	if typ == ofp.TypeBarrierRequest && err == nil {
		o.loose++
	}
	wake := err == nil && o.wakeLocked()
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
	return err
}

func (o *outbox) encodeLocked(xid uint32, m ofp.Message) error {
	before := len(o.bulk)
	b, err := o.enc.Append(o.bulk, o.version, xid, m)
	if err != nil {
		return err
	}
	o.bulk = b
	o.queued += len(b) - before
	o.sent.add(m.Type())
	return nil
}

// request encodes m into the bulk lane, or in front of it, and wakes the writer
// even if the outbox is held. There is always room: requests are bounded by
// their number.
func (o *outbox) request(xid uint32, m ofp.Message, urgent bool) error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return ErrDisconnected
	}
	var err error
	if urgent {
		o.urgent, err = o.enc.Append(o.urgent, o.version, xid, m)
		if err == nil {
			o.sent.add(m.Type())
		}
	} else {
		err = o.encodeLocked(xid, m)
	}
	o.mu.Unlock()
	if err == nil {
		o.flush()
	}
	return err
}

// answer encodes m in front of everything. What finds no room is dropped: the
// switch asks faster than it reads.
func (o *outbox) answer(v ofp.Version, xid uint32, m ofp.Message) {
	o.mu.Lock()
	var full bool
	if !o.closed {
		if full = len(o.urgent) > urgentLimit; !full {
			if b, err := o.enc.Append(o.urgent, v, xid, m); err == nil {
				o.urgent = b
				o.sent.add(m.Type())
			}
		}
	}
	o.mu.Unlock()
	if full {
		o.drops.Drops[DropAnswer].Add(1)
		return
	}
	o.flush()
}

// answerRaw is answer for an encoded error.
func (o *outbox) answerRaw(frame []byte) {
	o.mu.Lock()
	if !o.closed {
		o.urgent = append(o.urgent, frame...)
		o.sent.add(ofp.TypeError)
	}
	o.mu.Unlock()
	o.flush()
}

// write appends encoded messages, waiting on ctx for room. types counts them.
func (o *outbox) write(ctx context.Context, done <-chan struct{}, frames []byte, types *tally) error {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return ErrDisconnected
		}
		if o.queued <= o.limit {
			o.bulk = append(o.bulk, frames...)
			o.queued += len(frames)
			for t, n := range types.n {
				if n > 0 {
					o.sent.n[t] += n
					o.sent.seen |= 1 << t
				}
			}
			o.mu.Unlock()
			o.flush()
			return nil
		}
		room := o.roomLocked()
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
			return ErrDisconnected
		}
	}
}

func (o *outbox) roomLocked() <-chan struct{} {
	if o.room == nil {
		o.room = make(chan struct{})
	}
	return o.room
}

// full returns a channel that is closed when much has been written, or nil if
// little waits. It is asked between batches, long before the high-water mark: so
// the buffers stay small, and close to the processor.
func (o *outbox) full() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.queued <= o.soft {
		return nil
	}
	return o.roomLocked()
}

// flush wakes the writer.
func (o *outbox) flush() {
	o.mu.Lock()
	wake := !o.woken
	o.woken = true
	o.armed = false
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
}

// hold keeps the writer asleep while a batch is handled, until release, a
// request, heldBytes or holdTime.
func (o *outbox) hold() {
	o.mu.Lock()
	o.held = true
	o.mu.Unlock()
}

func (o *outbox) release() {
	o.mu.Lock()
	o.held = false
	if o.armed {
		o.armed = false
		o.holdTimer.Stop()
	}
	wake := !o.woken && len(o.bulk) > 0
	o.woken = o.woken || wake
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
}

// close lets the writer end once what is there is written.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	if o.holdTimer != nil {
		o.holdTimer.Stop()
	}
	o.mu.Unlock()
	signal(o.wake)
}

// next returns what is to be written, or nothing and whether more may come.
func (o *outbox) next(written []byte) (urgent, bulk []byte, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(written) <= keepBytes && cap(written) > cap(o.spare) {
		o.spare = written[:0]
	}
	urgent, o.urgent = o.urgent, nil
	if len(o.bulk) > 0 { // else its memory stays where it is
		bulk, o.bulk, o.spare = o.bulk, o.spare, nil
	}
	o.woken = false
	o.sent.addTo(&o.drops.Out)
	return urgent, bulk, !o.closed
}

// wrote takes n bytes off what is queued, and returns what became urgent.
func (o *outbox) wrote(n int) (urgent []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queued -= n
	if o.room != nil && o.queued <= o.low {
		close(o.room)
		o.room = nil
	}
	urgent, o.urgent = o.urgent, nil
	return urgent
}

// trim gives back memory that an idle connection does not need.
func (o *outbox) trim() {
	o.mu.Lock()
	o.spare = nil
	if len(o.bulk) == 0 {
		o.bulk = nil
	}
	o.mu.Unlock()
}

// waiting returns how many bytes wait to be written.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queued + len(o.urgent)
}

// wholeMessages returns the length of the longest run of whole messages at the
// start of b that is at most n bytes long, or of the first one if that is longer.
func wholeMessages(b []byte, n int) int {
	if len(b) <= n {
		return len(b)
	}
	at := 0
	for at < len(b) {
		l := int(binary.BigEndian.Uint16(b[at+2:]))
		if at > 0 && at+l > n {
			break
		}
		at += l
	}
	return at
}
