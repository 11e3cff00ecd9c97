package channel

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

const (
	writeSlice  = 64 << 10             // bytes written before the urgent lane is looked at again, while nobody Writes
	urgentLimit = 64 << 10             // bytes in the urgent lane
	heldBytes   = 32 << 10             // bytes in a held outbox that wake the writer all the same
	holdTime    = 2 * time.Millisecond // how long a message may stay in a held outbox
	keepBytes   = 256 << 10            // a written buffer of at most that size is used again, by whoever sends next
	softLimit   = 128 << 10            // bytes that make the dispatcher wait for the writer
	smallWrite  = 64 << 10             // bytes of a Write that waits for no room
)

// outbox holds what is to be written. Senders encode into it under its mutex;
// the writer takes slices and writes them, and the dispatcher the
// answer to a lone event (atonce.go).
//
// There are three lanes. Urgent is what keeps the connection alive, requests that
// need not wait for what was sent before them, and answers: it goes first at
// every slice. Behind it the apps' stream (what Send was given, in its order) and
// each Write are sources that take turns of equal length. See lanes.go.
type outbox struct {
	mu      sync.Mutex
	enc     ofp.Encoder
	version ofp.Version
	xid     uint32 // the last one given out
	urgent  []byte
	apps    stream
	pushes  []*push // in the order of their turns, from at on and then from the first
	at      int     // whose turn is next; that of apps after the last one's
	mixed   []byte  // the turns that are being written
	pushed  int     // bytes of pushes
	large   int     // those of large ones, and what is kept for those that come next
	most    int     // what large may be, unless it is of one alone
	waiters []*ticket

	queued    int // bytes of apps that are not written yet
	unwritten int // those of them that are taken
	limit     int // the high-water mark of apps
	soft      int // where the dispatcher waits a moment
	low       int // where it goes on
	sent      tally
	loose     int           // barriers given to send whose replies have not come
	favoured  bool          // the last slice was urgent
	held      bool          // a batch of events is being handled
	armed     bool          // holdTimer runs
	woken     bool          // the writer is at work, or about to be
	absent    bool          // there is no writer
	idle      bool          // a writer with nothing to do goes
	standin   bool          // the dispatcher writes what it has taken (atonce.go); woken, too
	direct    bool          // it may
	begun     []byte        // what it has taken and not written; the writer goes on with it
	told      bool          // of the writer: what next has returned was heard already
	closed    bool          // nothing is accepted any more
	drained   chan struct{} // closed when queued has fallen to low; nil if nobody waits

	slave     atomic.Bool   // what a slave must not send is refused; becomes true before what follows is locked
	start     func()        // starts the writer; does not wait
	wake      chan struct{} // to the writer
	holdTimer *time.Timer
	standins  sync.WaitGroup // one at most
	drops     *Stats
}

func (o *outbox) init(limit, most int, stats *Stats) {
	o.limit = limit
	o.soft = min(limit, softLimit)
	o.low = o.soft / 2
	o.most = most
	o.absent, o.idle = true, true
	o.wake = make(chan struct{}, 1)
	o.drops = stats
}

// wakeLocked sees to it that there is a writer, unless the outbox is held, and
// reports whether the caller must signal it once it has let go of the mutex. It is
// for what apps send: from then on the writer stays.
func (o *outbox) wakeLocked() bool {
	o.idle = false
	if o.woken {
		return false
	}
	if o.held && len(o.apps.buf) < heldBytes {
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
	return o.rouseLocked()
}

// rouseLocked is wakeLocked even if the outbox is held.
func (o *outbox) rouseLocked() bool {
	if o.woken {
		return false
	}
	o.woken = true
	if !o.absent || o.closed || o.start == nil {
		return true
	}
	o.absent = false
	o.start()
	return false
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
	return o.reserveLocked(n)
}

func (o *outbox) reserveLocked(n int) uint32 {
	if o.xid+uint32(n) < o.xid {
		o.xid = 0
	}
	first := o.xid + 1
	o.xid += uint32(n)
	return first
}

// send encodes m into the apps' stream under a new xid.
func (o *outbox) send(m ofp.Message) error {
	typ := m.Type()
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return ErrDisconnected
	}
	if o.slave.Load() && Forbidden(m) {
		o.mu.Unlock()
		o.drops.Drops[DropSlave].Add(1)
		return ErrSlave
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
	o.apps.ready()
	before := len(o.apps.buf)
	b, err := o.enc.Append(o.apps.buf, o.version, xid, m)
	if err != nil {
		return err
	}
	o.apps.buf = b
	o.apps.given += uint64(len(b) - before)
	o.queued += len(b) - before
	o.sent.add(m.Type())
	return nil
}

// request encodes m and wakes the writer even if the outbox is held. An urgent
// one goes in front; any other follows what is in the apps' stream, and so goes
// in front, too, if that is empty. There is always room: requests are bounded by
// their number.
func (o *outbox) request(xid uint32, m ofp.Message, urgent bool) error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return ErrDisconnected
	}
	if o.slave.Load() && Forbidden(m) {
		o.mu.Unlock()
		o.drops.Drops[DropSlave].Add(1)
		return ErrSlave
	}
	var err error
	if urgent || o.apps.empty() {
		var b []byte
		if b, err = o.enc.Append(o.urgent, o.version, xid, m); err == nil {
			o.urgent = b
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

// push gives a Write its turns, or returns where it waits for room (room.go), to
// come again with when there is some. had is that place, or nil the first time.
func (o *outbox) push(p *push, apart bool, had *ticket) (wait *ticket, err error) {
	p.left = 0
	for _, g := range p.groups {
		p.left += len(g)
	}
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return nil, ErrDisconnected
	}
	if wait = o.roomLocked(p.left, had); wait != nil {
		o.mu.Unlock()
		return wait, nil
	}
	p.large = p.left > smallWrite
	if !apart {
		p.after = o.apps.given
	}
	// It is the last of the round that is under way: at the end of the list, those
	// who come all the time would keep the round from ending.
	o.pushes = slices.Insert(o.pushes, o.at, p)
	o.at++
	o.pushed += p.left
	o.mu.Unlock()
	o.flush()
	return nil, nil
}

// withdraw takes back what is left of a Write, and returns how many messages
// were taken.
func (o *outbox) withdraw(p *push) (frames int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p.left > 0 && slices.Contains(o.pushes, p) {
		o.goneLocked(p, p.left)
		p.left, p.groups = 0, nil
		o.removeLocked(p)
	}
	return p.frames
}

// progress returns how many messages of a Write were taken, and how many bytes
// were not.
func (o *outbox) progress(p *push) (frames, left int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return p.frames, p.left
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
	if o.drained == nil {
		o.drained = make(chan struct{})
	}
	return o.drained
}

// flush wakes the writer.
func (o *outbox) flush() {
	o.mu.Lock()
	o.armed = false
	wake := o.rouseLocked()
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
}

// hold keeps the writer asleep while a batch is handled, until settle, a
// request, heldBytes or holdTime. It reports whether there is room.
func (o *outbox) hold() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = true
	return !o.closed && o.queued <= o.limit
}

// close lets the writer end once what is there is written. No other is started.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	if o.holdTimer != nil {
		o.holdTimer.Stop()
	}
	o.mu.Unlock()
	signal(o.wake)
}

// next tells that the last slice is written and returns the one that comes now,
// good until the next call; or nothing, and whether the writer stays.
func (o *outbox) next() (b []byte, stay bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.standin {
		return nil, true
	}
	if o.told = len(o.begun) > 0; o.told {
		b, o.begun, o.woken = o.begun, nil, true
		return b, true
	}
	o.writtenLocked()
	if !o.favoured && len(o.urgent) > 0 {
		b, o.urgent = o.urgent, nil
		o.favoured = true
	} else {
		b = o.nextBulk()
		o.favoured = false
		if len(b) == 0 {
			b, o.urgent = o.urgent, nil
		}
	}
	o.woken = len(b) > 0
	o.sent.addTo(&o.drops.Out)
	stay = o.woken || !o.closed && !o.idle
	o.absent = !stay
	return b, stay
}

// writtenLocked notes that what was taken is written.
func (o *outbox) writtenLocked() {
	o.queued -= o.unwritten
	o.unwritten = 0
	if o.drained != nil && o.queued <= o.low {
		close(o.drained)
		o.drained = nil
	}
	o.apps.recycle()
}

// trim gives back what an idle connection does not need: memory, and the writer.
func (o *outbox) trim() {
	o.mu.Lock()
	o.apps.trim()
	o.idle = true
	wake := !o.absent && o.rouseLocked()
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
}

// waiting returns how many bytes wait to be written.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queued + o.pushed + len(o.urgent)
}

// apartKey is the key of Apart's mark in a context.
type apartKey struct{}

// Apart returns a context for one who neither sends nor has sent anything by
// Send: what is written or asked with it need not wait for what others sent.
func Apart(ctx context.Context) context.Context { return context.WithValue(ctx, apartKey{}, true) }

// goesFirst reports whether a request goes in front of what was sent before it:
// that of another, and what keeps the connection or the controller's role.
func goesFirst(ctx context.Context, m ofp.Message) bool {
	typ := m.Type()
	return typ == ofp.TypeEchoRequest || typ == ofp.TypeRoleRequest || isApart(ctx)
}

func isApart(ctx context.Context) bool { return ctx.Value(apartKey{}) != nil }

// errPushes says that the Writes of a switch hold all that they may.
func errPushes(ctx context.Context, most int) error {
	return fmt.Errorf("%d bytes of other writes wait for the switch: %w", most, ctx.Err())
}
