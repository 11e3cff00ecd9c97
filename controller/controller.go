// Package controller is the engine: the registry of connected switches, the
// dispatch of their events to apps, and confirmed writes.
//
// # Promises
//
// A Switch is seen by nobody before its handshake is done, its ports are
// complete, and every app has attached. At most one Switch has a given DPID: a
// second connection is refused while the first one answers, and replaces it when
// it does not. The events of one switch reach the apps one at a time and in
// order; switches are independent of each other. A panic in an app is recovered,
// counted and logged, the app is disabled if that happens too often, and the
// other apps do not notice.
//
// # Goroutines and locks
//
// Serve starts and awaits one goroutine for each connection, which is the reader
// of package channel; that starts and awaits the writer and the dispatcher. Apps
// run in the dispatcher. Controller.mu guards the registry; it is a leaf, never
// held while an app, a switch or the socket is waited for.
//
// At most Config.MaxPending connections wait for their switch to be ready; more
// wait their turn in the kernel, and are closed if nobody makes room. What a connection may hold, and what happens when it is
// full, is in package channel. What is written there under Handler is all that
// this package knows of a connection.
package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// Config configures a Controller. The zero value works.
type Config struct {
	// Logger receives the engine's log lines; nil means logrus' standard logger.
	Logger logrus.FieldLogger
	// Apps are asked about each event in this order.
	Apps []App
	// Channel bounds each connection.
	Channel channel.Config
	// PanicLimit is how many panics disable an app. Default 10.
	PanicLimit int
	// MaxPending bounds the connections whose switch is not ready yet, so that
	// peers which only connect cannot use up the descriptors that switches need.
	// More wait until one of them is ready or has ended. If none is for half a
	// second, they are closed and counted. Default 1,024.
	MaxPending int
	// ControllerMeter bounds the packets that each switch of OpenFlow 1.3 sends to
	// its controllers by a meter in the switch (OFPM_CONTROLLER); rate 0: nothing
	// is set. See Switch.ControllerMeter.
	ControllerMeter channel.Limit
	// Role is what this controller is to be on every switch: ofp.RoleMaster,
	// ofp.RoleSlave or ofp.RoleEqual, the default, for which nothing is asked.
	// Switch.SetRole changes it for one switch.
	Role ofp.Role
	// Generation is the generation id to ask for Role with; 0: the one after the
	// switch's own. See Switch.SetRole.
	Generation uint64
	// RoleTimeout bounds the questions about the role of a switch that connects, all
	// together. One that does not answer is closed. Default 5 s.
	RoleTimeout time.Duration
	// Async is what switches are to send of their own accord, see Switch.SetAsync.
	// With nil it is what the switch chooses, by the specifications all to masters
	// and equals but packets whose TTL is invalid, and port status to slaves.
	Async *ofp.AsyncMasks
}

// Controller holds the switches and dispatches their events. It is a
// prometheus.Collector of metrics named sluice_….
type Controller struct {
	cfg     Config
	log     logrus.FieldLogger
	apps    []*app
	stats   channel.Stats
	metrics metrics
	serving atomic.Int32 // listeners
	pending crowd        // connections whose switch is not ready
	roles   roles

	mu       sync.Mutex
	switches map[ofp.DPID]*Switch
	claims   map[ofp.DPID]chan struct{} // being attached; closed when that is decided
}

// New returns a controller that serves nothing yet. It fails if the
// configuration contradicts itself: two apps of one name, or no version that can
// be spoken.
func New(cfg Config) (*Controller, error) {
	c := &Controller{
		cfg:      cfg,
		log:      cfg.Logger,
		switches: make(map[ofp.DPID]*Switch),
		claims:   make(map[ofp.DPID]chan struct{}),
	}
	if c.log == nil {
		c.log = logrus.StandardLogger()
	}
	if c.cfg.PanicLimit == 0 {
		c.cfg.PanicLimit = 10
	}
	if c.cfg.RoleTimeout == 0 {
		c.cfg.RoleTimeout = 5 * time.Second
	}
	if c.cfg.MaxPending == 0 {
		c.cfg.MaxPending = 1024
	}
	if err := cfg.Channel.Check(); err != nil {
		return nil, fmt.Errorf("controller: %w", err)
	}
	if err := cfg.ControllerMeter.Check(); err != nil {
		return nil, fmt.Errorf("controller meter: %w", err)
	}
	if err := c.roles.init(&c.cfg); err != nil {
		return nil, fmt.Errorf("controller: %w", err)
	}
	c.cfg.Channel.Withhold = func(dpid ofp.DPID) bool {
		_, ask := c.roles.wanted(dpid)
		return ask
	}
	names := make(map[string]bool)
	for _, a := range cfg.Apps {
		if names[a.Name()] {
			return nil, fmt.Errorf("controller: two apps are named %q", a.Name())
		}
		names[a.Name()] = true
		c.apps = append(c.apps, &app{App: a, limit: int64(c.cfg.PanicLimit)})
	}
	c.metrics.init()
	c.pending.init()
	return c, nil
}

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
	var crowded channel.Throttle
	for delay := time.Duration(0); ; {
		nc, err := ln.Accept()
		switch {
		case err == nil && !c.pending.enter(ctx, c.cfg.MaxPending):
			c.stats.Refused[channel.ReasonCrowded].Add(1)
			nc.Close()
			if held, ok := crowded.Pass(); ok {
				c.log.WithFields(logrus.Fields{
					"addr": nc.RemoteAddr().String(), "reason": channel.ReasonCrowded.String(), "pending": c.cfg.MaxPending, "more": held,
				}).Warn("connection refused")
			}
		case err == nil:
			delay = 0
			wg.Go(func() { c.connection(ctx, nc) })
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

// connection serves one peer until it is gone.
func (c *Controller) connection(ctx context.Context, nc net.Conn) {
	log := c.log.WithField("addr", nc.RemoteAddr().String())
	s := newSwitch(c, log)
	s.conn = channel.New(nc, c.cfg.Channel, &c.stats, log)
	s.ran(s.conn.Run(ctx, (*link)(s)), log)
}

// ran tells how a connection has ended. It stands by itself because its stack
// would be kept for as long as the connection lasts.
func (s *Switch) ran(end *channel.CloseError, log logrus.FieldLogger) {
	if s.since.IsZero() {
		s.c.pending.leave()
	}
	fields := logrus.Fields{"reason": end.Reason.String()}
	if end.Err != nil {
		fields["error"] = end.Err
	}
	if s.conn.Version() != 0 {
		fields["version"] = s.conn.Version().String()
	}
	switch {
	case s.since.IsZero() && end.Reason == channel.ReasonShutdown:
		log.WithFields(fields).Info("connection closed before the switch was ready")
	case s.since.IsZero():
		log.WithFields(fields).Warn("connection refused")
	default:
		fields["dpid"] = s.dpid.String()
		log.WithFields(fields).Info("switch disconnected")
	}
}

// Ready reports whether a listener is being served.
func (c *Controller) Ready() bool { return c.serving.Load() > 0 }
