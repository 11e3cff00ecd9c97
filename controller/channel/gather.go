package channel

import (
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

func (c *Conn) ungather() {
	g := &c.soon
	g.on = false
	c.Flush()
	c.out.release()
	if g.lent != nil {
		if cap(g.frames) <= 2*gatherBytes { // else the garbage collector's
			*g.lent = g.frames[:0]
			gatherBuffers.Put(g.lent)
		}
		g.lent, g.frames = nil, nil
	}
}
