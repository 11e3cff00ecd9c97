package channel

import (
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// classShare is how many bytes of packet-ins of one class are kept aside in
// overload, or one packet-in that is longer.
const classShare = 16 << 10

// spill is what the reader keeps aside while the inbox is full, in the order in
// which it came: all state events, and of the packet-ins of each class as many as
// its share has room for. The dispatcher takes it whole, and the shares are empty
// again. So classes get equal shares of what the apps can do, as far as they have
// packets, and one that sends less than its share loses nothing.
type spill struct {
	*Batch
	state   int             // bytes of state events
	packets [NumClasses]int // bytes
}

// add copies an event, unless it is a packet-in whose class has no room, and
// reports whether it did.
func (s *spill) add(b *Batch, i int) bool {
	typ, frame := b.Event(i)
	if typ != ofp.TypePacketIn {
		s.state += len(frame)
	} else {
		used := &s.packets[b.events[i].class]
		if *used > 0 && *used+len(frame) > classShare {
			return false
		}
		*used += len(frame)
	}
	if s.Batch == nil {
		s.Batch = new(Batch)
	}
	s.keep(typ, frame)
	return true
}

// How much the reader drops in overload before it waits for the apps: it reads
// on, as an echo or a reply may stand behind the packets that are dropped, and
// packets of classes that have room; but it does not spend the processor's time on
// nothing else.
const (
	overloadBytes    = 512 << 10
	overloadPatience = 50 * time.Millisecond
)

// overload keeps of the chunk what there is room for and drops the rest. The
// inbox was full for longer than the reader waits.
func (c *Conn) overload() *CloseError {
	r := &c.r
	r.classify()
	var lost classCounts
	ok := c.in.keep(r.chunk, &lost)
	r.chunk.events = r.chunk.events[:0]
	if lost != (classCounts{}) {
		c.lose(inboxFull, &lost)
		c.pace()
	}
	if !ok {
		return c.awaitSpill()
	}
	return nil
}

// pace makes the reader wait for room, after so many bytes, unless somebody waits
// for a reply.
func (c *Conn) pace() {
	r := &c.r
	if r.spilled += r.last; r.spilled < overloadBytes || c.replies.inFlight() > 0 {
		return
	}
	r.spilled = 0
	t := time.NewTimer(overloadPatience)
	defer t.Stop()
	select {
	case <-c.in.room:
	case <-t.C:
	case <-c.done:
	}
}
