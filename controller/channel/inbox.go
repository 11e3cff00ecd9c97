package channel

import (
	"sync"
)

const (
	inboxDepth = 2       // chunks
	spillLimit = 1 << 20 // bytes of state events kept aside
)

// inbox is the way from the reader to the dispatcher. The package comment says
// what happens when it is full.
type inbox struct {
	mu     sync.Mutex
	queue  []*Batch
	spill  *Batch // state events that came while the queue was full; after all of it
	absent bool   // there is no dispatcher
	idle   bool   // a dispatcher with nothing to do goes

	start func()        // starts the dispatcher; does not wait
	wake  chan struct{} // to the dispatcher: there is something
	room  chan struct{} // to the reader: something was taken
}

func newInbox() inbox {
	return inbox{wake: make(chan struct{}, 1), room: make(chan struct{}, 1), idle: true}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rouseLocked sees to it that there is a dispatcher, and reports whether it must
// be signalled.
func (q *inbox) rouseLocked() bool {
	q.idle = false
	if !q.absent {
		return true
	}
	q.absent = false
	q.start()
	return false
}

// put adds b at the end, or returns false if there is no room for it.
func (q *inbox) put(b *Batch) bool {
	q.mu.Lock()
	ok := q.spill == nil && len(q.queue) < inboxDepth
	wake := false
	if ok {
		q.queue = append(q.queue, b)
		wake = q.rouseLocked()
	}
	q.mu.Unlock()
	if wake {
		signal(q.wake)
	}
	return ok
}

// keep copies b's events for which state holds to the end, whatever the room,
// and returns false if the limit is passed: no more may then be kept before some
// is taken.
func (q *inbox) keep(b *Batch, state func(e event) bool) bool {
	wake := false
	q.mu.Lock()
	for i, e := range b.events {
		if !state(e) {
			continue
		}
		if q.spill == nil {
			q.spill = new(Batch)
		}
		q.spill.keep(b.Event(i))
		wake = q.rouseLocked()
	}
	full := q.spill != nil && len(q.spill.buf) > spillLimit
	q.mu.Unlock()
	if wake {
		signal(q.wake)
	}
	return !full
}

// take returns the oldest batch, or nil and whether the dispatcher stays.
func (q *inbox) take() (b *Batch, stay bool) {
	q.mu.Lock()
	if len(q.queue) > 0 {
		b = q.queue[0]
		q.queue = append(q.queue[:0], q.queue[1:]...)
	} else if b = q.spill; b != nil {
		q.spill = nil
	}
	stay = b != nil || !q.idle
	q.absent = !stay
	q.mu.Unlock()
	if b != nil {
		signal(q.room)
	}
	return b, stay
}

// trim lets a dispatcher go that has nothing to do.
func (q *inbox) trim() {
	q.mu.Lock()
	q.idle = true
	q.mu.Unlock()
	signal(q.wake)
}

// spilled returns how many bytes are kept aside.
func (q *inbox) spilled() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.spill == nil {
		return 0
	}
	return len(q.spill.buf)
}

// depth returns how many batches wait.
func (q *inbox) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.queue)
	if q.spill != nil {
		n++
	}
	return n
}
