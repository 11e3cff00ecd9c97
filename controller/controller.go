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
// Serve starts and awaits one goroutine for each connection, which is the reader of
// package channel; that starts and awaits the writer and the dispatcher. Apps run in
// the dispatcher, or in the reader in its place. Controller.mu guards the registry; it
// is a leaf, never held while an app, a switch or the socket is waited for.
//
// At most Config.MaxPending connections wait for their switch to be ready; others
// wait for their turn, for Config.AdmitTimeout at most (admit.go). Lines about
// connections are held back where there would be many of a kind (quiet.go). What a
// connection may hold, and what happens when it is
// full, is in package channel. What is written there under Handler is all that
// this package knows of a connection.
package controller

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/desired"
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
	// peers which only connect cannot use up what switches need. One source has
	// three quarters of that at most, a source being an IPv4 address or the first
	// 64 bits of an IPv6 address. Default 1,024.
	MaxPending int
	// ConnectRate is how many connections a second one source may begin, and
	// ConnectRateTotal how many all may; twice as many at once. Below zero there is
	// no limit. Default 2,000 and 5,000.
	ConnectRate      int
	ConnectRateTotal int
	// AdmitTimeout is how long a connection may wait until these bounds let it
	// begin. Then it is closed, and counted. When four times MaxPending wait, others
	// wait in the kernel, and are closed if for half a second none of those before
	// gets on. Default 5 s.
	AdmitTimeout time.Duration
	// TLS is for Connect to switches that listen with TLS.
	TLS *channel.TLS
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
	// Async is what switches are to send of their own accord, see Switch.SetAsync,
	// which changes it for one switch.
	// With nil it is what the switch chooses, by the specifications all to masters
	// and equals but packets whose TTL is invalid, and port status to slaves.
	Async *ofp.AsyncMasks
	// Desired is what switches should have, kept over restarts; nil: nothing is
	// kept. The controller does not close its store.
	Desired *desired.State
	// ReconcilePeriod is how often Maintain compares a switch with its desired state
	// though nothing tells that it differs, a fifth more or less. 0: five minutes;
	// negative: never; else a second at least.
	ReconcilePeriod time.Duration

	restoreWait time.Duration // of tests; 0: the constant
}

// Controller holds the switches and dispatches their events. It is a
// prometheus.Collector of metrics named sluice_….
type Controller struct {
	cfg       Config
	log       logrus.FieldLogger
	apps      []*app
	stats     channel.Stats
	metrics   metrics
	serving   atomic.Int32 // listeners
	admission admission
	quiet     quiet
	roles     roles
	asyncs    asyncs

	mu       sync.Mutex
	switches map[ofp.DPID]*Switch
	arrival  chan struct{}              // closed when the next switch is ready; nil if nobody waits
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
	c.cfg.ReconcilePeriod = cmp.Or(c.cfg.ReconcilePeriod, reconcilePeriod)
	if c.cfg.restoreWait == 0 {
		c.cfg.restoreWait = restoreWait
	}
	if c.cfg.PanicLimit == 0 {
		c.cfg.PanicLimit = 10
	}
	if c.cfg.RoleTimeout == 0 {
		c.cfg.RoleTimeout = 5 * time.Second
	}
	c.cfg.MaxPending = cmp.Or(c.cfg.MaxPending, 1024)
	c.cfg.ConnectRate = cmp.Or(c.cfg.ConnectRate, 2000)
	c.cfg.ConnectRateTotal = cmp.Or(c.cfg.ConnectRateTotal, 5000)
	c.cfg.AdmitTimeout = cmp.Or(c.cfg.AdmitTimeout, 5*time.Second)
	c.admission.init(&c.cfg)
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
	return c, nil
}
