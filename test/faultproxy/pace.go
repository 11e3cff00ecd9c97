package faultproxy

import (
	"sync"
	"time"
)

// ending is how a direction ends.
type ending uint8

const (
	none    ending = iota
	fin            // no more bytes
	rst            // both connections are reset
	silence        // nobody is told
)

// piece is bytes that are written together, or the end.
type piece struct {
	b     []byte
	due   time.Time // zero: at once
	rate  int       // bytes a second; 0: no bound
	split int       // bytes a write; 0: no bound
	end   ending
}

const (
	queueLimit = 256 << 10 // bytes that wait to be written
	joinLimit  = 64 << 10  // bytes that are written at once
)

// queue is between the reader and the writer of a direction. It takes a piece if
// it holds less than queueLimit; the reader waits for that.
type queue struct {
	mu    sync.Mutex
	items []piece
	bytes int           // of items, and of the one being written
	some  chan struct{} // there is something; holds one
	room  chan struct{} // there may be room; holds one
}

func (q *queue) init() {
	q.some, q.room = make(chan struct{}, 1), make(chan struct{}, 1)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put waits for room and appends p, which joins the one before it if both go out
// at once.
func (q *queue) put(p piece, done <-chan struct{}) {
	for {
		q.mu.Lock()
		if q.bytes < queueLimit {
			q.bytes += len(p.b)
			if last := len(q.items) - 1; last >= 0 && q.items[last].joins(&p) {
				q.items[last].b = append(q.items[last].b, p.b...)
			} else {
				q.items = append(q.items, p)
			}
			q.mu.Unlock()
			signal(q.some)
			return
		}
		q.mu.Unlock()
		select {
		case <-q.room:
		case <-done:
			return
		}
	}
}

func (p *piece) joins(next *piece) bool {
	return p.due.IsZero() && next.due.IsZero() && p.rate == next.rate && p.split == next.split && p.end == none && next.end == none &&
		len(p.b)+len(next.b) <= joinLimit
}

// take waits for the next piece; ok is false when the connection is over.
func (q *queue) take(done <-chan struct{}) (p piece, ok bool) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			p = q.items[0]
			q.items[0] = piece{}
			q.items = q.items[1:]
			q.mu.Unlock()
			return p, true
		}
		q.items = nil
		q.mu.Unlock()
		select {
		case <-q.some:
		case <-done:
			return p, false
		}
	}
}

// written takes n bytes off.
func (q *queue) written(n int) {
	q.mu.Lock()
	q.bytes -= n
	q.mu.Unlock()
	signal(q.room)
}

// write is the writer goroutine: it writes what the reader gives it, when it is
// due. When the destination is gone it throws away what comes, and resets the
// source if that has been told of the destination's end and sends all the same.
func (d *direction) write() {
	var free time.Time // when a throttle lets the next write go
	gone := false
	for {
		p, ok := d.out.take(d.pair.done)
		if !ok || !d.await(p.due) {
			return
		}
		switch p.end {
		case fin:
			_ = d.dst.CloseWrite() // fails if it is gone
			return
		case rst:
			d.pair.abort()
			return
		case silence:
			return
		}
		size := len(p.b)
		for !gone && len(p.b) > 0 {
			n := len(p.b)
			if p.split > 0 {
				n = min(n, 1+d.paceRand.IntN(p.split))
				d.count(Split)
			}
			if p.rate > 0 {
				n = min(n, max(1, p.rate/50))
				if !d.await(free) {
					return
				}
				if now := time.Now(); now.After(free) {
					free = now
				}
				free = free.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
				d.count(Throttle)
			}
			if _, err := d.dst.Write(p.b[:n]); err != nil {
				gone = true
			}
			p.b = p.b[n:]
		}
		d.out.written(size)
		if gone && d.other.passed.Load() {
			d.pair.abort()
			return
		}
	}
}

// await waits for a time, and reports whether the connection still stands then.
func (d *direction) await(t time.Time) bool {
	wait := time.Until(t)
	if t.IsZero() || wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.pair.done:
		return false
	}
}
