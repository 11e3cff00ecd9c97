package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
}

// committer carries transactions out in the order in which they come, those that
// have come meanwhile together: so that many callers share what a write to the
// disk takes.
type committer struct {
	queue   chan *waiting
	ending  chan struct{} // closed when no more are taken
	end     sync.Once
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
			group, size := []*waiting{w}, w.size
			for size < groupBytes {
				select {
				case w := <-c.queue:
					group, size = append(group, w), size+w.size
					continue
				default:
				}
				break
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
		return Done{}, fmt.Errorf("store: %w", ctx.Err())
	case <-c.ending:
		return Done{}, fmt.Errorf("store: %w", ErrClosed)
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
