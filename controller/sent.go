package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// later are the goroutines that wait for a switch's answers after their callers
// have gone on: as many as there are Writes in flight at most. The zero value
// works.
type later struct {
	mu      sync.Mutex
	ended   bool
	running sync.WaitGroup
}

// run runs f in a goroutine, and reports whether it does: not after wait.
func (l *later) run(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.running.Go(f)
	return true
}

// wait returns when all goroutines have ended. The switch must be gone: that ends
// them.
func (l *later) wait() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.running.Wait()
}

// WriteSent is Write that returns when all messages are on their way to the
// switch, and no later message can overtake them. then is called with what Write
// would return, by another goroutine, when the switch has answered or is gone; it
// is not called if WriteSent fails, which it does as Write.
func (s *Switch) WriteSent(ctx context.Context, msgs []ofp.Message, then func(error)) error {
	if err := s.permittedAll(ctx, msgs); err != nil {
		return err
	}
	left, failed := make(chan struct{}), make(chan error, 1)
	// From when all has left its caller cannot end it any more.
	writing, withdraw := context.WithCancel(context.WithoutCancel(ctx))
	start := time.Now()
	if !s.later.run(func() {
		defer withdraw()
		err := s.write(writing, msgs, left)
		s.c.metrics.wrote(time.Since(start), err)
		select {
		case <-left:
			if err != nil && !s.ended() {
				s.log.WithField("error", err).Warn("switch has not confirmed what was written with level sent")
				s.restore.soon(time.Now())
			}
			then(err)
		default:
			failed <- err
		}
	}) {
		withdraw()
		return &channel.WriteError{Err: ErrDisconnected}
	}
	select {
	case <-left:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		withdraw()
	}
	select {
	case <-left: // meanwhile
		return nil
	case err := <-failed:
		if we, ok := errors.AsType[*channel.WriteError](err); ok && errors.Is(we.Err, context.Canceled) {
			we.Err = ctx.Err()
		}
		return err
	}
}
