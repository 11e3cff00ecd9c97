package channel

import (
	"iter"
	"sync"

	"github.com/sluice-sdn/sluice/ofp"
)

// Sizes of a read buffer: that of an idle connection, and that of one under
// load, which holds the longest message.
const (
	smallChunk = 4 << 10
	largeChunk = 64 << 10
)

// Batch holds the events of one chunk. It is valid until Handler.Events returns.
type Batch struct {
	buf    []byte
	events []event
}

// event is one frame in a batch.
type event struct {
	start, end uint32
	typ        ofp.Type
	class      Class // of a packet-in, once it is classified
}

// Len returns the number of events.
func (b *Batch) Len() int { return len(b.events) }

// orNil returns nil in place of an empty batch.
func (b *Batch) orNil() *Batch {
	if b.Len() == 0 {
		return nil
	}
	return b
}

// Event returns the type and the frame of event i.
func (b *Batch) Event(i int) (ofp.Type, []byte) {
	e := &b.events[i]
	return e.typ, b.buf[e.start:e.end:e.end]
}

// All yields the events in order.
func (b *Batch) All() iter.Seq2[ofp.Type, []byte] {
	return func(yield func(ofp.Type, []byte) bool) {
		for i := range b.events {
			if !yield(b.Event(i)) {
				return
			}
		}
	}
}

// keep appends a copy of a frame.
func (b *Batch) keep(typ ofp.Type, frame []byte) {
	start := len(b.buf)
	b.buf = append(b.buf, frame...)
	b.events = append(b.events, event{start: uint32(start), end: uint32(len(b.buf)), typ: typ})
}

var (
	smallBatches = sync.Pool{New: func() any { return &Batch{buf: make([]byte, smallChunk)} }}
	largeBatches = sync.Pool{New: func() any { return &Batch{buf: make([]byte, largeChunk)} }}
)

// newChunk returns an empty batch whose buffer has its full length.
func newChunk(large bool) *Batch {
	if large {
		return largeBatches.Get().(*Batch)
	}
	return smallBatches.Get().(*Batch)
}

// recycle gives a batch back to where newChunk takes it from.
func (b *Batch) recycle() {
	b.events = b.events[:0]
	switch len(b.buf) {
	case smallChunk:
		smallBatches.Put(b)
	case largeChunk:
		largeBatches.Put(b)
	}
}
