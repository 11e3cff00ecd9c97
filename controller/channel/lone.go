package channel

import "github.com/sluice-sdn/sluice/ofp"

// A lone packet-in is handled by the reader, where that saves waking the dispatcher
// for it. The reader takes the dispatcher's place under inbox.mu: only if the
// dispatcher has looked and found nothing, and nothing has come since; and until
// the reader leaves, the dispatcher takes nothing. So the handler is called by one
// goroutine at a time, in the order of the events, and what is the dispatcher's
// alone is the reader's meanwhile.
//
// While the handler runs nobody reads. So the handler must say for the packet at
// hand that it will wait for nothing, and there must be room in the outbox.

// alone handles the one packet-in of the chunk, if the dispatcher has nothing to do
// and the handler waits for nothing. It is the reader's.
func (c *Conn) alone() bool {
	b := c.r.chunk
	if c.prompt == nil || b.events[0].typ != ofp.TypePacketIn || !c.in.enter() {
		return false
	}
	ok := c.out.full() == nil && c.prompt.Prompt(c, b)
	if ok {
		c.waited = false
		c.gatherOne()
		c.prompt.Events(c, b)
		c.ungatherOne()
		b.events = b.events[:0]
		c.r.stalled = false // nothing waits in the inbox
	}
	c.in.leave()
	return ok
}

// enter lets the reader take the dispatcher's place, if that has nothing to do,
// until leave.
func (q *inbox) enter() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.standin = q.rests && !q.closed && !q.over && len(q.queue) == 0 && q.spill.Batch == nil
	return q.standin
}

// leave gives the place back. What others have posted meanwhile is the
// dispatcher's.
func (q *inbox) leave() {
	q.mu.Lock()
	q.standin = false
	wake := q.spill.Batch != nil
	q.mu.Unlock()
	if wake {
		signal(q.wake)
	}
}
