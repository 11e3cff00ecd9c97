// Package controller is the engine: the registry of connected switches, the
// dispatch of their events to apps, and confirmed writes.
package controller

import (
	"context"
	"errors"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
)

var errSkeleton = errors.New("not implemented")

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
}

// Controller holds the switches and dispatches their events. It is a
// prometheus.Collector of metrics named sluice_….
type Controller struct{}

var _ prometheus.Collector = (*Controller)(nil)

// New returns a controller that serves nothing yet. It fails if the
// configuration contradicts itself: two apps of one name, or no version left.
func New(cfg Config) (*Controller, error) { return nil, errSkeleton }

// Serve accepts switches on ln until ctx ends, then flushes and closes every
// connection, closes ln, waits for every goroutine and returns nil. It returns
// early, with an error, only if ln fails. It may be called for several
// listeners.
func (c *Controller) Serve(ctx context.Context, ln net.Listener) error { return errSkeleton }

// Ready reports whether a listener is being served.
func (c *Controller) Ready() bool { return false }

// Switches returns the connected, ready switches by ascending DPID.
func (c *Controller) Switches() []*Switch { return nil }

// Find returns the switch of that name or DPID (hexadecimal, leading zeros and
// colons at will). A connected switch's name goes before a DPID written the same
// way, such as "b0". It fails with ErrNoSwitch, or with ErrAmbiguous and the
// DPIDs in its text if several switches have the name.
func (c *Controller) Find(ref string) (*Switch, error) { return nil, ErrNoSwitch }

// Describe implements prometheus.Collector.
func (c *Controller) Describe(ch chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *Controller) Collect(ch chan<- prometheus.Metric) {}
