package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

const (
	waitingLimit = 1024    // transactions that wait for their turn
	groupBytes   = 8 << 20 // of edits that are written in one go, unless one alone has more
)

// waiting is a transaction that waits for its turn.
type waiting struct {
	txn   Txn
	size  int
	done  Done
	err   error
	ended chan struct{}
	taken atomic.Bool // by who carries it out, or back by who wanted it
}

// committer carries transactions out in the order in which they come, those that
// have come meanwhile together: so that many callers share what a write to the
// disk takes.
type committer struct {
	queue   chan *waiting
	ending  chan struct{} // closed when no more are taken
	end     sync.Once
	hangs   func() error // why what was begun does not end; nil if that is not known
	running sync.WaitGroup
}

// start starts the goroutine that carries out; stop ends and awaits it.
func (c *committer) start(carryOut func([]*waiting)) {
	c.queue = make(chan *waiting, waitingLimit)
	c.ending = make(chan struct{})
	c.running.Go(func() { c.run(carryOut) })
}

func (c *committer) stop() {
	c.end.Do(func() { close(c.ending) })
	c.running.Wait()
}

func (c *committer) run(carryOut func([]*waiting)) {
	for {
		select {
		case w := <-c.queue:
			var group []*waiting
			size := 0
			for more := true; more; {
				if w.taken.CompareAndSwap(false, true) {
					group, size = append(group, w), size+w.size
				}
				if more = size < groupBytes; !more {
					break
				}
				select {
				case w = <-c.queue:
				default:
					more = false
				}
			}
			if len(group) == 0 {
				continue
			}
			carryOut(group)
			for _, w := range group {
				close(w.ended)
			}
		case <-c.ending:
			return
		}
	}
}

// Commit is that of Store.
func (c *committer) Commit(ctx context.Context, t Txn) (Done, error) {
	if err := errors.Join(ctx.Err(), t.check()); err != nil {
		return Done{}, fmt.Errorf("store: %w", err)
	}
	w := &waiting{txn: t, ended: make(chan struct{})}
	for i := range t.Edits {
		w.size += len(t.Edits[i].Key) + len(t.Edits[i].Value)
	}
	select {
	case <-c.ending:
		return Done{}, fmt.Errorf("store: %w", ErrClosed)
	default:
	}
	select {
	case c.queue <- w:
	case <-ctx.Done():
		return Done{}, c.tooLate(ctx)
	case <-c.ending:
		return Done{}, fmt.Errorf("store: %w", ErrClosed)
	}
	select {
	case <-w.ended:
	case <-c.ending:
	case <-ctx.Done():
		if w.taken.CompareAndSwap(false, true) {
			return Done{}, c.tooLate(ctx)
		} // else it is begun
	}
	select {
	case <-w.ended:
	case <-c.ending:
		c.running.Wait()
		select {
		case <-w.ended:
		default: // it was never begun
			return Done{}, fmt.Errorf("store: %w", ErrClosed)
		}
	}
	if w.err != nil {
		return Done{}, fmt.Errorf("store: %w", w.err)
	}
	return w.done, nil
}

// tooLate is the error of a transaction whose context has ended before its turn. Nothing
// of it was begun.
func (c *committer) tooLate(ctx context.Context) error {
	if c.hangs != nil {
		if err := c.hangs(); err != nil {
			return fmt.Errorf("store: %w: %w", err, ctx.Err())
		}
	}
	return fmt.Errorf("store: %w", ctx.Err())
}
