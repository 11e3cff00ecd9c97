package channel

import (
	"bytes"

	"github.com/sluice-sdn/sluice/ofp"
)

// relaying is what the dispatcher of an auxiliary connection reads events with.
type relaying struct {
	dec      ofp.Decoder
	packetIn ofp.PacketIn
}

// Relay hands the events of a batch of another connection of the same switch, an
// auxiliary one, to the dispatcher of this one, in their order: so they come to the
// Handler one at a time with this connection's. What cannot be read is refused on
// the connection that it came on. Relay waits for room, which is that of a storm of
// this connection's own; meanwhile what comes on the other one waits or is dropped as
// its own bounds say. It fails with ErrDisconnected when either connection ends. Only
// the Handler of from calls it.
func (c *Conn) Relay(from *Conn, b *Batch) error {
	if from.relaying == nil {
		from.relaying = new(relaying)
	}
	r := from.relaying
	kept := b.events[:0]
	for i := range b.events {
		e := b.events[i]
		typ, frame := b.Event(i)
		var err error
		switch typ {
		case ofp.TypePacketIn:
			if err = r.dec.Decode(frame, &r.packetIn); err == nil {
				e.class = classOf(r.packetIn.Data)
			}
		case ofp.TypeRoleStatus:
			c.role.set(from.Role(), false)
		default:
			_, _, err = ofp.Decode(bytes.Clone(frame))
		}
		if err != nil {
			from.undecodable(frame, err)
			continue
		}
		kept = append(kept, e)
	}
	b.events = kept
	for i := 0; i < b.Len(); {
		next, room, ok := c.in.inject(b, i)
		if !ok {
			return ErrDisconnected
		}
		i = next
		if room == nil {
			continue
		}
		select {
		case <-room:
		case <-c.done:
			return ErrDisconnected
		case <-from.done:
			return ErrDisconnected
		}
	}
	return nil
}

// inject copies the events of b from the i-th on after all that is there, as far as
// there is room, and returns the first that is left with a channel that is closed
// when there may be room for it, or nil. It reports false once the connection has
// ended.
func (q *inbox) inject(b *Batch, i int) (next int, room <-chan struct{}, ok bool) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return i, nil, false
	}
	wake := false
	for ; i < len(b.events) && q.spill.state <= spillLimit && q.spill.add(b, i); i++ {
		wake = true
	}
	if i < len(b.events) {
		if q.guests == nil {
			q.guests = make(chan struct{})
		}
		room = q.guests
	}
	wake = wake && q.rouseLocked()
	q.mu.Unlock()
	if wake {
		signal(q.wake)
	}
	return i, room, true
}

// close ends the taking: no dispatcher is started any more.
func (q *inbox) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}
