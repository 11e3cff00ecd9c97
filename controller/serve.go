package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// Serve accepts switches on ln until ctx ends, then flushes and closes every
// connection, closes ln, waits for every goroutine and returns nil. It returns
// early, with an error, only if ln fails. It may be called for several
// listeners.
func (c *Controller) Serve(ctx context.Context, ln net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer func() {
		if stop() {
			ln.Close()
		}
	}()
	c.serving.Add(1)
	defer c.serving.Add(-1)
	for delay := time.Duration(0); ; {
		entered := c.admission.next(ctx)
		nc, err := ln.Accept()
		if err != nil {
			c.admission.abandon(entered)
		}
		switch {
		case err == nil && !entered:
			c.turnAway(nc, channel.ReasonCrowded)
		case err == nil:
			delay = 0
			wg.Go(func() { c.accepted(ctx, nc) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept switches: %w", err)
		default:
			// Out of descriptors, most likely: others will end.
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			c.log.WithField("error", err).WithField("retry_in", delay).Warn("cannot accept a switch")
			select {
			case <-time.After(delay):
			case <-ctx.Done():
			}
		}
	}
}

// accepted serves a peer that has come, when it is admitted.
func (c *Controller) accepted(ctx context.Context, nc net.Conn) {
	leave, refused, ok := c.admission.admit(ctx, nc.RemoteAddr())
	switch {
	case ok:
		s, end := c.connection(ctx, nc, leave)
		s.ran(end, true)
	case ctx.Err() != nil:
		channel.Hangup(nc)
	default:
		c.turnAway(nc, refused)
	}
}

// turnAway closes a connection that may not begin.
func (c *Controller) turnAway(nc net.Conn, why channel.Reason) {
	c.stats.Refused[why].Add(1)
	c.refused(nc.RemoteAddr(), logrus.Fields{"addr": nc.RemoteAddr().String(), "reason": why.String()})
	channel.Hangup(nc)
}

// refused logs that a connection ended before its switch was ready.
func (c *Controller) refused(from net.Addr, fields logrus.Fields) {
	if held, ok := c.quiet.pass(fmt.Sprintf("%v %s", sourceOf(from), fields["reason"])); ok {
		if held > 0 {
			fields["more"] = held
		}
		c.log.WithFields(fields).Warn("connection refused")
	}
}

// connection serves one peer until it is gone. leave is called when the switch is
// ready, or at the end. The switch that is returned is gone.
func (c *Controller) connection(ctx context.Context, nc net.Conn, leave func()) (*Switch, *channel.CloseError) {
	log := c.log.WithField("addr", nc.RemoteAddr().String())
	s := newSwitch(c, log)
	s.leave = leave
	s.conn = channel.New(nc, c.cfg.Channel, &c.stats, log)
	end := s.conn.Run(ctx, (*link)(s))
	if s.owned != nil {
		s.owned.Close()
	}
	if s.since.IsZero() {
		leave()
	}
	return s, end
}

// ran tells how a connection has ended, but not of one that was refused if its
// caller tells that. It stands by itself because its stack would be kept for as
// long as the connection lasts.
func (s *Switch) ran(end *channel.CloseError, refusals bool) {
	fields := logrus.Fields{"addr": s.Addr().String(), "reason": end.Reason.String()}
	if end.Err != nil {
		fields["error"] = end.Err
	}
	if s.conn.Version() != 0 {
		fields["version"] = s.conn.Version().String()
	}
	switch {
	case s.since.IsZero() && end.Reason == channel.ReasonShutdown:
		s.c.log.WithFields(fields).Info("connection closed before the switch was ready")
	case s.since.IsZero() && refusals:
		s.c.refused(s.Addr(), fields)
	case !s.since.IsZero():
		fields["dpid"] = s.dpid.String()
		what := "switch disconnected"
		if s.main != nil {
			fields["auxiliary"] = s.auxiliaryID()
			what = "auxiliary connection closed"
		}
		s.c.changed(s, s.c.log.WithFields(fields), what)
	}
}

// changed logs that a switch has come or gone.
func (c *Controller) changed(s *Switch, log logrus.FieldLogger, what string) {
	if held, ok := c.quiet.pass(what + s.dpid.String()); ok {
		if held > 0 {
			log = log.WithField("more", held)
		}
		log.Info(what)
	}
}

// Ready reports whether a listener is being served.
func (c *Controller) Ready() bool { return c.serving.Load() > 0 }
