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
	mu      sync.Mutex
	queue   []*Batch
	spill   spill         // what came while the queue was full; after all of it
	over    bool          // overload: all goes the spill's way, until the dispatcher finds nothing
	absent  bool          // there is no dispatcher
	rests   bool          // the dispatcher has found nothing when it last looked
	standin bool          // the reader handles an event in its place
	idle    bool          // a dispatcher with nothing to do goes
	closed  bool          // no dispatcher is started any more
	guests  chan struct{} // closed when the spill is taken; nil if nobody waits

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
	ok := !q.over && q.spill.Batch == nil && len(q.queue) < inboxDepth
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

// keep begins overload, or goes on with it: it copies what of b there is room for
// aside, counts in lost what is not kept, and returns false if the limit of state
// events is passed: no more may then be kept before some is taken. Packet-ins of b
// must be classified.
func (q *inbox) keep(b *Batch, lost *classCounts) bool {
	q.mu.Lock()
	q.over = true
	wake := q.asideLocked(b, lost)
	full := q.spill.state > spillLimit
	q.mu.Unlock()
	if wake {
		signal(q.wake)
	}
	return !full
}

// post adds b, which holds state events alone, after all that is there. It may be
// called by any goroutine.
func (q *inbox) post(b *Batch) {
	q.mu.Lock()
	wake := !q.closed && q.asideLocked(b, nil)
	q.mu.Unlock()
	if wake {
		signal(q.wake)
	}
}

// asideLocked copies what of b there is room for, and reports whether the
// dispatcher must be signalled.
func (q *inbox) asideLocked(b *Batch, lost *classCounts) (wake bool) {
	for i := range b.events {
		if q.spill.add(b, i) {
			wake = true
		} else {
			lost[b.events[i].class]++
		}
	}
	return wake && q.rouseLocked()
}

// take returns the oldest batch, or nil and whether the dispatcher stays.
func (q *inbox) take() (b *Batch, stay bool) {
	q.mu.Lock()
	if q.standin {
		q.mu.Unlock()
		return nil, true
	}
	was := q.over
	if len(q.queue) > 0 {
		b = q.queue[0]
		q.queue = append(q.queue[:0], q.queue[1:]...)
	} else if b = q.spill.Batch; b != nil {
		q.spill = spill{}
		if q.guests != nil {
			close(q.guests)
			q.guests = nil
		}
	} else {
		q.over = false
	}
	q.rests = b == nil
	stay = b != nil || !q.idle
	q.absent = !stay
	q.mu.Unlock()
	if b != nil || was {
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
	return q.spill.state
}

// depth returns how many batches wait.
func (q *inbox) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.queue)
	if q.spill.Batch != nil {
		n++
	}
	return n
}
