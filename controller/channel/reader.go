package channel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// reader is what the reader goroutine keeps between two chunks.
type reader struct {
	chunk      *Batch
	start, end int             // of the bytes in chunk.buf that are not cut yet
	last       int             // bytes of the last read
	raw        syscall.RawConn // what a quiet reader waits at; nil if it must wait in a read
	take       func(fd uintptr) bool
	n          int       // what take has read
	err        error     // why it has not
	deadline   time.Time // that the socket has
	turn       turn
	misses     int       // silent intervals in a row
	whole      bool      // a message was cut off since part was set
	part       time.Time // since when a message is not whole; zero: none is there
	stalled    bool      // the reader's patience with a full inbox is at its end
	spilled    int       // bytes read in overload since the reader has last waited
	limits     *limiter  // nil: none
	in         tally
	errMsg     ofp.Error
	packetIn   ofp.PacketIn
	dec        ofp.Decoder
}

// fill reads once, behind what is not cut yet, and returns the socket's error.
// There is always room: cut leaves less than one message.
func (c *Conn) fill(deadline time.Time) error {
	r := &c.r
	if r.raw != nil && r.start == r.end {
		return c.fillReady(deadline)
	}
	if r.chunk == nil {
		r.chunk = newChunk(false)
	}
	need := r.end - r.start + 1
	if need > ofp.HeaderLen {
		need = int(binary.BigEndian.Uint16(r.chunk.buf[r.start+2:]))
	}
	// Under load chunks grow; what fits in a small one is taken for idleness.
	large := need > smallChunk || r.last >= smallChunk/2
	if large && len(r.chunk.buf) < largeChunk || !large && len(r.chunk.buf) > smallChunk && r.end-r.start < smallChunk {
		fresh := newChunk(large)
		r.end = copy(fresh.buf, r.chunk.buf[r.start:r.end])
		r.start = 0
		r.chunk.recycle()
		r.chunk = fresh
	} else if r.start > 0 {
		r.end = copy(r.chunk.buf, r.chunk.buf[r.start:r.end])
		r.start = 0
	}
	if err := c.until(deadline); err != nil {
		return err
	}
	n, err := c.nc.Read(r.turn.most(r.chunk.buf[r.end:]))
	return c.filled(n, err)
}

// filled notes what a read has brought.
func (c *Conn) filled(n int, err error) error {
	r := &c.r
	if c.rec != nil && n > 0 {
		c.rec.Received(r.chunk.buf[r.end : r.end+n])
	}
	r.end += n
	r.last = n
	if n > 0 {
		return nil
	}
	return err
}

// until sets the deadline of the next read. It fails if the connection has ended
// already: fail sets a deadline, too, and that one counts.
func (c *Conn) until(deadline time.Time) error {
	if !deadline.Equal(c.r.deadline) {
		if err := c.nc.SetReadDeadline(deadline); err != nil {
			return err
		}
		c.r.deadline = deadline
	}
	select {
	case <-c.done:
		return c.end
	default:
		return nil
	}
}

// fillReady is fill where nothing is left to be cut. It waits without a buffer: the
// one that is taken when there is something to read was in use a moment ago, and is
// still close to the processor, however many connections there are.
func (c *Conn) fillReady(deadline time.Time) error {
	r := &c.r
	if r.chunk != nil {
		r.chunk.recycle()
		r.chunk, r.start, r.end = nil, 0, 0
	}
	if err := c.until(deadline); err != nil {
		return err
	}
	r.n, r.err = 0, nil
	if err := r.raw.Read(r.take); err != nil {
		return err
	}
	return c.filled(r.n, r.err)
}

// next cuts one frame off; ok is false if there is no whole one. A length below
// that of a header ends the connection: nobody knows where the next message
// begins.
func (c *Conn) next() (h ofp.Header, frame []byte, at int, ok bool, err *CloseError) {
	r := &c.r
	b := r.chunk.buf[r.start:r.end]
	if len(b) < ofp.HeaderLen {
		return h, nil, 0, false, nil
	}
	h = ofp.Header{
		Version: ofp.Version(b[0]),
		Kind:    b[1],
		Length:  binary.BigEndian.Uint16(b[2:]),
		XID:     binary.BigEndian.Uint32(b[4:]),
	}
	n := int(h.Length)
	if n < ofp.HeaderLen {
		return h, nil, 0, false, closef(ReasonBadLength, "message of %d bytes, at least %d", n, ofp.HeaderLen)
	}
	if n > len(b) {
		return h, nil, 0, false, nil
	}
	at = r.start
	r.start += n
	return h, b[:n:n], at, true, nil
}

// read is the reader once the switch is known.
func (c *Conn) read() *CloseError {
	for {
		start := c.r.start
		if err := c.cut(); err != nil {
			return err
		}
		c.r.whole = c.r.whole || c.r.start != start
		if err := c.deliver(); err != nil {
			return err
		}
		turns.took(&c.r.turn, c.r.last)
		if err := c.fillAlive(); err != nil {
			return err
		}
	}
}

// wholeMisses is how many times as long as silence a message may take to become
// whole: 64 KiB in 80 seconds by default.
const wholeMisses = 4

// fillAlive is fill with the liveness clock: each silent interval asks for an
// echo, and one too many ends the connection. So does a message that does not become
// whole in wholeMisses times as long: where lengths are wrong, the answers to echoes
// are taken for a part of it, and nothing else is ever heard.
func (c *Conn) fillAlive() *CloseError {
	r := &c.r
	for {
		// The deadline is moved only when a quarter of it is gone, which saves
		// a timer's change for most chunks.
		deadline := r.deadline
		now := time.Now()
		switch limit := wholeMisses * time.Duration(c.cfg.EchoMisses+1) * c.cfg.EchoInterval; {
		case r.end == r.start:
			r.part = time.Time{}
		case r.whole || r.part.IsZero():
			r.part = now
		case now.Sub(r.part) > limit:
			return closef(ReasonDead, "a message is not whole after %v", limit)
		}
		r.whole = false
		if left := deadline.Sub(now); left < c.cfg.EchoInterval*3/4 || left > c.cfg.EchoInterval {
			deadline = now.Add(c.cfg.EchoInterval)
		}
		err := c.fill(deadline)
		switch {
		case err == nil:
			r.misses = 0
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			select {
			case <-c.done:
				return c.end
			default:
			}
			if r.misses >= c.cfg.EchoMisses {
				return closef(ReasonDead, "%d echo requests unanswered", r.misses)
			}
			r.misses++
			r.last = 0
			c.out.trim()
			c.in.trim()
			c.out.answer(c.version, c.out.reserve(1), &ofp.EchoRequest{})
		default:
			return readError(err)
		}
	}
}

func readError(err error) *CloseError {
	if e, ok := errors.AsType[*CloseError](err); ok {
		return e
	}
	if peerGone(err) {
		return &CloseError{ReasonPeerClosed, err}
	}
	if words := tlsWords(err); words != "" { // a switch that listens looks at our certificate last
		return closef(ReasonTLSHandshake, "%s", words)
	}
	return &CloseError{ReasonIO, err}
}

// cut takes the whole frames of the chunk: it settles what can be settled here
// and marks the rest as events.
func (c *Conn) cut() *CloseError {
	r := &c.r
	listened := c.taps.list.Load() != nil
	for {
		h, frame, at, ok, err := c.next()
		if err != nil || !ok {
			r.in.addTo(&c.stats.In)
			return err
		}
		typ := h.Type()
		if typ == ofp.TypeExperimenter {
			r.in.add(ofp.TypeOf(frame))
		} else {
			r.in.add(typ)
		}
		if listened {
			c.taps.hear(false, frame)
		}
		if h.Version != c.version && typ != ofp.TypeHello {
			if typ == ofp.TypeError {
				// A switch says no under another version: still a no. It is not
				// answered, as no error ever is.
				c.replies.fail(h.XID, fmt.Errorf("%w: it has version %s, %s was negotiated", ErrUnreadable, h.Version, c.version))
			} else {
				c.out.answer(c.version, h.XID, ofp.NewError(ofp.BadRequestBadVersion, frame))
			}
			c.complained.Do(func() {
				c.log.WithField("message_version", h.Version).Warn("switch sends messages of a version that was not negotiated")
			})
			c.stats.Undecodable.Add(1)
			continue
		}
		if typ == ofp.TypePacketIn || !c.settle(h, typ, frame) {
			r.chunk.events = append(r.chunk.events, event{start: uint32(at), end: uint32(at + len(frame)), typ: typ})
			if typ == ofp.TypePacketIn && !listened {
				r.more(binary.BigEndian.Uint16(frame))
			}
		}
	}
}

// more marks the packet-ins that follow the first one of a run, without what
// other messages need; head is what they begin with, version and type.
func (r *reader) more(head uint16) {
	b, at, events := r.chunk.buf[:r.end], r.start, r.chunk.events
	for len(b)-at >= ofp.HeaderLen {
		h := binary.BigEndian.Uint32(b[at:])
		n := int(h & 0xffff)
		if uint16(h>>16) != head || n < ofp.HeaderLen || n > len(b)-at {
			break
		}
		events = append(events, event{start: uint32(at), end: uint32(at + n), typ: ofp.TypePacketIn})
		at += n
	}
	r.in.addMany(ofp.TypePacketIn, len(events)-len(r.chunk.events))
	r.start, r.chunk.events = at, events
}

// settle takes what is no event.
func (c *Conn) settle(h ofp.Header, typ ofp.Type, frame []byte) bool {
	switch typ {
	case ofp.TypePacketIn, ofp.TypePortStatus, ofp.TypeFlowRemoved:
		return false
	case ofp.TypeEchoRequest:
		c.out.answer(h.Version, h.XID, &ofp.EchoReply{Data: frame[ofp.HeaderLen:]})
	case ofp.TypeEchoReply:
		c.replies.settle(h, typ, frame) // that of a probe has no caller
	case ofp.TypeError:
		return c.settleError(h, frame)
	case ofp.TypeHello:
		// A second hello changes nothing.
	case ofp.TypeFeaturesReply, ofp.TypeGetConfigReply, ofp.TypeMultipartReply, ofp.TypeBarrierReply,
		ofp.TypeQueueGetConfigReply, ofp.TypeRoleReply, ofp.TypeGetAsyncReply:
		if typ == ofp.TypeRoleReply {
			c.hearRole(h, typ, frame)
		}
		if c.replies.settle(h, typ, frame) || typ == ofp.TypeBarrierReply && c.out.looseReply() {
			return true
		}
		if typ == ofp.TypeMultipartReply && h.XID == 0 { // section 2 of Open vSwitch's nicira-ext.h: of a flow monitor
			if news := ofp.LookFlowNews(frame); news != ofp.NoFlowNews {
				return news == ofp.OwnFlowNews
			}
		}
		if typ == ofp.TypeMultipartReply && c.descXID != 0 && h.XID == c.descXID && c.describedLate(frame) {
			return false
		}
		c.stats.Drops[DropLateReply].Add(1)
	case ofp.TypeExperimenter:
		own := ofp.TypeOf(frame)
		if own == ofp.TypeRoleReply || own == ofp.TypeRoleStatus {
			c.hearRole(h, own, frame)
		}
		switch {
		case c.replies.settle(h, typ, frame) || own == ofp.TypeRoleStatus || own == ofp.TypeFlowMonitorPaused:
		case own == ofp.TypeFlowMonitorResumed:
			return false
		default:
			c.stats.Drops[DropUnhandled].Add(1)
		}
	default:
		c.stats.Drops[DropUnhandled].Add(1)
		c.out.answer(c.version, h.XID, ofp.NewError(ofp.BadRequestBadType, frame))
	}
	return true
}

// settleError gives an error to its request; one that nobody claims is an event.
// One that cannot be read fails its request all the same: its xid says that the
// switch has refused.
func (c *Conn) settleError(h ofp.Header, frame []byte) bool {
	m := &c.r.errMsg
	if err := c.r.dec.Decode(frame, m); err != nil {
		c.replies.fail(h.XID, fmt.Errorf("%w: %w", ErrUnreadable, err))
		c.undecodable(frame, err)
		return true
	}
	c.stats.Errors[m.Reason].Add(1)
	if c.enslaves(m) {
		c.hearRole(h, ofp.TypeError, frame)
	}
	return c.replies.fail(h.XID, &SwitchError{m})
}

// deliver hands the events of the chunk to the dispatcher, if there are any, and
// gives the reader a fresh chunk.
func (c *Conn) deliver() *CloseError {
	r := &c.r
	if r.limits != nil && len(r.chunk.events) > 0 {
		c.enforce()
	}
	if c.lost.anything {
		c.tellLosses(false)
	}
	if n := len(r.chunk.events); n == 0 || n == 1 && r.start == r.end && c.alone() {
		return nil
	}
	// What is not cut yet is saved first: the chunk is the dispatcher's once it
	// is in the inbox.
	tail := r.chunk.buf[r.start:r.end]
	var fresh *Batch
	n := 0
	if len(tail) > 0 || r.raw == nil {
		fresh = newChunk(max(r.last, len(tail)) >= smallChunk/2)
		n = copy(fresh.buf, tail)
	}
	if c.in.put(r.chunk) || c.awaitInbox() {
		r.stalled = false
		r.chunk, r.start, r.end = fresh, 0, n
		return nil
	}
	if fresh != nil {
		fresh.recycle()
	}
	return c.overload()
}

// awaitSpill waits for the dispatcher to take what is kept aside, but not for
// long: it may wait for a reply that only the reader can bring.
func (c *Conn) awaitSpill() *CloseError {
	t := time.NewTimer(spillPatience)
	defer t.Stop()
	for c.in.spilled() > spillLimit {
		select {
		case <-c.in.room:
		case <-t.C:
			return closef(ReasonOverflow, "more than %d bytes of events wait, and the apps took none for %v", spillLimit, spillPatience)
		case <-c.done:
			return c.end
		}
	}
	return nil
}

// awaitInbox waits a moment for room and puts the chunk there, unless it has
// waited in vain before and there has been no room since.
func (c *Conn) awaitInbox() bool {
	r := &c.r
	if r.stalled {
		return false
	}
	t := time.NewTicker(replyPatience)
	defer t.Stop()
	for waited := time.Duration(0); ; {
		select {
		case <-c.in.room:
			if c.in.put(r.chunk) {
				return true
			}
		case <-t.C:
			waited += replyPatience
			if waited >= readerPatience || c.replies.inFlight() > 0 {
				r.stalled = true
				return false
			}
		case <-c.done:
			return false
		}
	}
}
