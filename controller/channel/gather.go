package channel

import (
	"encoding/binary"
	"sync"

	"github.com/sluice-sdn/sluice/ofp"
)

// How much is gathered before it goes to the outbox.
const (
	gatherMost  = 64       // messages
	gatherBytes = 16 << 10 // bytes, and one message more
)

// gather holds what handlers have given to SendSoon, so that the outbox is locked
// once for many messages. It is the dispatcher's alone. When it is full it goes to
// the outbox; when that is over its high-water mark, or closed, nothing more is
// gathered in this batch, and each message meets the bounds of Send.
type gather struct {
	on     bool // a batch is being handled, and the outbox has room
	enc    ofp.Encoder
	frames []byte
	lent   *[]byte // where frames came from, nil if there are none
	types  tally
	xid    uint32 // the next one
	xids   int    // that are reserved from it on
}

var gatherBuffers = sync.Pool{New: func() any { b := make([]byte, 0, gatherBytes); return &b }}

// SendSoon is Send for the handlers of this connection's own events, which the
// dispatcher calls: m may wait for others until Flush, or until the batch of
// events ends. See Switch.SendSoon of package controller.
func (c *Conn) SendSoon(m ofp.Message) error {
	g := &c.soon
	if !g.on {
		return c.out.send(m)
	}
	if g.xids == 0 || len(g.frames) >= gatherBytes {
		if c.Flush(); !g.on {
			return c.out.send(m)
		}
	}
	typ := m.Type()
	if typ == ofp.TypeBarrierRequest { // the outbox must know of its reply
		c.Flush()
		return c.out.send(m)
	}
	if g.lent == nil {
		g.lent = gatherBuffers.Get().(*[]byte)
		g.frames = (*g.lent)[:0]
	}
	frames, err := g.enc.Append(g.frames, c.version, g.xid, m)
	if err != nil {
		return err
	}
	g.frames = frames
	g.xid++
	g.xids--
	g.types.add(typ)
	return nil
}

// Flush puts what SendSoon has gathered into the outbox. Like SendSoon it is for
// the dispatcher's goroutine.
func (c *Conn) Flush() {
	g := &c.soon
	want := 0
	if g.xids == 0 && g.on {
		want = gatherMost
	}
	if len(g.frames) == 0 && want == 0 {
		return
	}
	first, ok := c.out.gathered(g.frames, &g.types, want)
	g.frames = g.frames[:0]
	g.on = g.on && ok
	if want > 0 {
		g.xid, g.xids = first, want
	}
}

// gather begins a batch, and ungather ends it.
func (c *Conn) gather() {
	c.soon.on = c.out.hold()
	c.soon.enc.Extensions = c.extended
}

// gatherOne begins a batch of one event: what SendSoon is given is gathered until
// the handler is done, and what else is sent is written as it comes.
func (c *Conn) gatherOne() {
	c.soon.on = !c.waited
	c.soon.enc.Extensions = c.extended
}

func (c *Conn) ungather() {
	g := &c.soon
	g.on = false
	c.out.settle(g.frames, &g.types, false)
	g.giveBack()
}

// ungatherOne ends a batch of one event.
func (c *Conn) ungatherOne() {
	g := &c.soon
	g.on = false
	if len(g.frames) > 0 {
		if b := c.out.settle(g.frames, &g.types, true); len(b) > 0 {
			c.writeAtOnce(b)
		}
	}
	g.giveBack()
}

// giveBack gives the buffer back, which is empty or was copied.
func (g *gather) giveBack() {
	if g.lent == nil {
		return
	}
	if cap(g.frames) <= 2*gatherBytes { // else the garbage collector's
		*g.lent = g.frames[:0]
		gatherBuffers.Put(g.lent)
	}
	g.lent, g.frames = nil, nil
}

// gathered appends encoded messages to the apps' stream and does not wait, moves
// their counts, and reserves transaction identifiers. It reports false if no more
// may come so: because the outbox is closed, where nothing is appended, or over
// its high-water mark.
func (o *outbox) gathered(frames []byte, types *tally, xids int) (first uint32, ok bool) {
	o.mu.Lock()
	wake := o.appendLocked(frames, types) && o.wakeLocked()
	ok = !o.closed && o.queued <= o.limit
	first = o.reserveLocked(xids)
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
	return first, ok
}

// appendLocked appends encoded messages to the apps' stream and moves their
// counts. It reports whether there was anything to append.
func (o *outbox) appendLocked(frames []byte, types *tally) bool {
	defer types.clear()
	if o.closed {
		return false
	}
	if o.slave.Load() {
		frames = o.allowed(frames, types)
	}
	if len(frames) == 0 {
		return false
	}
	o.apps.ready()
	o.apps.buf = append(o.apps.buf, frames...)
	o.apps.given += uint64(len(frames))
	o.queued += len(frames)
	o.sent.merge(types)
	return true
}

// allowed returns those of the frames that a slave may send, in their place, and
// counts the others, which were gathered just before the controller became one.
func (o *outbox) allowed(frames []byte, types *tally) []byte {
	kept := frames[:0]
	types.clear()
	for len(frames) > 0 {
		n := int(binary.BigEndian.Uint16(frames[2:]))
		frame := frames[:n:n]
		frames = frames[n:]
		typ := ofp.TypeOf(frame)
		if forbidden>>typ&1 != 0 {
			o.drops.Drops[DropSlave].Add(1)
			continue
		}
		types.add(typ)
		kept = append(kept, frame...)
	}
	return kept
}
