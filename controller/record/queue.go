package record

import (
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// What happens on a connection.
type kind uint8

const (
	opened kind = iota
	received
	sent
	known  // text says who the switch is
	missed // lost says how many bytes of each direction are left out here
	ended  // text says why
)

// The directions of a connection, as indices.
const (
	fromSwitch = iota
	toSwitch
)

// event is what happened on a connection, in the order in which it happened.
type event struct {
	stream *stream
	kind   kind
	time   time.Time
	data   []byte // in the block
	text   string
	lost   [2]uint64
}

// block is a piece of the queue: events, and the bytes that they hold.
type block struct {
	buf    []byte
	events []event
	cost   int
}

const (
	blockSize = 256 << 10
	pieceSize = 64 << 10 // the most that one event holds
	eventCost = 128      // bytes that an event is counted for besides its own
)

var blocks = sync.Pool{New: func() any { return &block{buf: make([]byte, 0, blockSize)} }}

// queue holds what is not written yet.
type queue struct {
	limit int
	wake  chan struct{} // there is something
	much  chan struct{} // there is a block full

	mu     sync.Mutex
	list   []*block
	held   int  // bytes of list and of what is being written, with eventCost
	closed bool // nobody will come for more
}

func (q *queue) init(limit int) {
	q.limit = limit
	q.wake, q.much = make(chan struct{}, 1), make(chan struct{}, 1)
}

// room reports whether n bytes more may wait. The caller holds q.mu.
func (q *queue) room(n int) bool { return q.held+n+eventCost <= q.limit }

// put appends an event with a copy of data, which is pieceSize at most. The
// caller holds q.mu and has asked for room, unless the event is one that each
// connection has once.
func (q *queue) put(e event, data []byte) {
	var b *block
	if n := len(q.list); n > 0 {
		b = q.list[n-1]
	}
	if b == nil || len(b.buf)+len(data) > cap(b.buf) {
		if b == nil {
			signal(q.wake)
		} else {
			signal(q.much)
		}
		b = blocks.Get().(*block)
		q.list = append(q.list, b)
	}
	at := len(b.buf)
	b.buf = append(b.buf, data...)
	e.data = b.buf[at:len(b.buf):len(b.buf)]
	b.events = append(b.events, e)
	b.cost += len(data) + eventCost
	q.held += len(data) + eventCost
}

// take returns what waits; done must be called with each block.
func (q *queue) take() []*block {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.list = nil
	return list
}

func (q *queue) done(b *block) {
	q.mu.Lock()
	q.held -= b.cost
	q.mu.Unlock()
	clear(b.events)
	b.buf, b.events, b.cost = b.buf[:0], b.events[:0], 0
	blocks.Put(b)
}

// close lets nothing more in.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

func (q *queue) bytes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// stream is one connection: what those who speak on it need, and, in talk, what
// the writer needs.
type stream struct {
	r    *Recorder
	talk talk

	frames [2]framer // each of the goroutine that speaks in that direction

	// Guarded by queue.mu.
	gap  bool      // something is left out, and nothing has been put since
	skip [2]bool   // up to the start of a message
	lost [2]uint64 // since the last missed event
}

var _ channel.Recording = (*stream)(nil)

// Received implements channel.Recording.
func (s *stream) Received(b []byte) { s.add(received, fromSwitch, b) }

// Sent implements channel.Recording.
func (s *stream) Sent(b []byte) { s.add(sent, toSwitch, b) }

// add puts bytes into the queue, or leaves them out if it is full.
func (s *stream) add(k kind, dir int, b []byte) {
	begin := s.frames[dir].pass(b)
	q := &s.r.queue
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if s.skip[dir] {
		// Once something is left out, half of the queue must be free: so that there
		// are few gaps rather than many.
		if begin < 0 || s.gap && q.held > q.limit/2 {
			s.leaveOut(dir, len(b))
			return
		}
		s.leaveOut(dir, begin)
		if s.gap {
			q.put(event{stream: s, kind: missed, time: now, lost: s.lost}, nil)
			s.gap, s.lost = false, [2]uint64{}
		}
		b, s.skip[dir] = b[begin:], false
	}
	for len(b) > 0 {
		piece := b[:min(len(b), pieceSize)]
		if !q.room(len(piece)) {
			s.gap, s.skip = true, [2]bool{true, true}
			s.leaveOut(dir, len(b))
			return
		}
		q.put(event{stream: s, kind: k, time: now}, piece)
		b = b[len(piece):]
	}
}

func (s *stream) leaveOut(dir, n int) {
	s.lost[dir] += uint64(n)
	s.r.lostQueue.Add(uint64(n))
}
