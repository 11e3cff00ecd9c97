package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// How long Connect waits before it tries again: the first time, and at most; and
// how long one try may take.
const (
	connectAgain   = time.Second
	connectAgainAt = 30 * time.Second
	connectTimeout = 10 * time.Second
)

// Connect keeps a connection to a switch that listens, until ctx ends; then it
// flushes and closes the connection, and returns nil. It tries again after a
// second when a connection ends, and after twice as long whenever that fails, up
// to 30 seconds, each time a fifth more or less. There is a line in the log when
// trying fails otherwise than before. It returns early, with an error, only if
// the endpoint wants TLS and Config.TLS is nil.
func (c *Controller) Connect(ctx context.Context, e channel.Endpoint) error {
	if e.Transport == channel.TransportTLS && c.cfg.TLS == nil {
		return fmt.Errorf("connect to %s: TLS wants a certificate", e)
	}
	return c.connect(ctx, e.String(), func(ctx context.Context) (net.Conn, error) {
		nc, err := e.Dial(ctx)
		if err == nil && e.Transport == channel.TransportTLS {
			nc = c.cfg.TLS.Client(nc)
		}
		return nc, err
	})
}

// connect is Connect with any way to dial.
func (c *Controller) connect(ctx context.Context, to string, dial func(context.Context) (net.Conn, error)) error {
	log := c.log.WithField("connect", to)
	again, last := connectAgain, ""
	for ctx.Err() == nil {
		ready, reason, err := c.attempt(ctx, dial)
		if ready {
			again, last = connectAgain, ""
		}
		wait := jitter(again)
		switch {
		case ctx.Err() != nil:
			return nil
		case !ready && reason != last:
			last = reason
			log.WithError(err).WithField("retry_in", wait.Round(time.Millisecond)).Warn("cannot connect to a switch; trying again until it works")
		}
		if !ready {
			again = min(2*again, connectAgainAt)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return nil
}

// attempt serves one connection to a switch until it is gone. It returns whether
// the switch was ready, or what failed, in a word by which one failure is told
// from another.
func (c *Controller) attempt(ctx context.Context, dial func(context.Context) (net.Conn, error)) (ready bool, reason string, err error) {
	dialing, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	nc, err := dial(dialing)
	if err != nil {
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			return false, errno.Error(), err
		}
		return false, err.Error(), err
	}
	s, end := c.connection(ctx, nc, func() {})
	s.ran(end, false)
	if !s.since.IsZero() {
		return true, "", nil
	}
	return false, end.Reason.String(), end
}

// jitter is d, a fifth more or less: many connections that failed together
// should not come back together.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5)
}
