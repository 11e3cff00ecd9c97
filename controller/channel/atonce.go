package channel

import "syscall"

// The dispatcher writes itself what a lone event was answered with, where nobody else
// writes or waits to be written: that saves waking the writer for it. After more
// events the writer is woken, for by the time it runs there are often answers to more
// batches, which make one write. It never waits. What the socket does not take at once
// is the writer's, with its deadline, and so is all that others have put into the
// outbox meanwhile.
//
// Who writes is decided under outbox.mu. While standin is set the writer takes
// nothing and none is started; the dispatcher stands in for it only while it
// has nothing in hand (woken is false). So there is one writer at a time,
// and what is taken first is written first.

// atOnceBytes is how much the dispatcher writes itself, at most.
const atOnceBytes = 4 << 10

// atOnce is how the dispatcher writes.
type atOnce struct {
	raw syscall.RawConn
	put func(fd uintptr)
	b   []byte // what is to be written, and then what is left of it
	err error  // why the socket takes nothing more, but for being full
}

// mayWriteAtOnce is called before the dispatcher starts. Where a message takes
// more than a write to the socket, as in TLS, all is the writer's.
func (c *Conn) mayWriteAtOnce() {
	if c.r.raw == nil {
		return
	}
	c.now.raw, c.now.put = c.r.raw, c.now.writeNow
	c.out.mu.Lock()
	c.out.direct = true
	c.out.mu.Unlock()
}

// settle ends a batch: it appends what was gathered last to the apps' stream and lets
// the outbox go. After a batch of one event it returns what the dispatcher is to
// write, and to tell wrote of; if there is none, the writer is awake where it has
// something to do.
func (o *outbox) settle(frames []byte, types *tally, alone bool) (b []byte) {
	o.mu.Lock()
	o.appendLocked(frames, types)
	o.held = false
	if o.armed {
		o.armed = false
		o.holdTimer.Stop()
	}
	wake := false
	switch {
	case o.apps.empty():
	case alone && o.direct && !o.woken && !o.closed && len(o.urgent) == 0 && len(o.pushes) == 0 && len(o.apps.buf) <= atOnceBytes:
		b = o.nextBulk()
		o.woken, o.standin = true, true
		o.standins.Add(1)
		o.sent.addTo(&o.drops.Out)
	default:
		o.idle = false // for what apps send: the writer stays
		wake = o.rouseLocked()
	}
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
	return b
}

// wrote tells what is left of what settle has returned. The writer goes on with
// it, and with what has come meanwhile.
func (o *outbox) wrote(left []byte) {
	o.mu.Lock()
	if o.begun = left; len(left) == 0 {
		o.begun = nil
		o.writtenLocked()
	}
	o.standin, o.woken = false, false
	wake := o.closed
	if len(left) > 0 || len(o.urgent) > 0 || len(o.pushes) > 0 || !o.apps.empty() {
		wake = o.rouseLocked()
	}
	o.mu.Unlock()
	if wake {
		signal(o.wake)
	}
	o.standins.Done()
}

// writeAtOnce writes what settle has returned, as far as that takes no waiting.
func (c *Conn) writeAtOnce(b []byte) {
	c.hearSent(b)
	w := &c.now
	w.b, w.err = b, nil
	if err := w.raw.Control(w.put); err != nil {
		w.err = err
	}
	left, err := w.b, w.err
	w.b, w.err = nil, nil
	if err != nil {
		c.fail(writeError(err))
	}
	c.out.wrote(left)
}
