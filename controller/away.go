package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Target is a switch that may be written to: a connected one, or one that is away,
// for which what is written is stored. It is *Switch or *Away.
type Target interface {
	desired.Switch
	Name() string
	Names() *ofp.Names
	Apply(ctx context.Context, t Txn) (store.Revision, error)

	slave() bool
	soon() // has it compared soon
}

// Away is a switch that is not connected, as it was at its last connection. All
// that is asked of it fails with ErrAway.
type Away struct {
	c     *Controller
	known desired.Known
	names ofp.Names
}

// ErrAway says that a switch is known, and not connected.
var ErrAway = errors.New("switch is away")

// FindTarget is Find that also finds switches which are not connected, where the
// controller keeps desired state: by the name of their last connection, or by a
// DPID in full. It fails as Find does.
func (c *Controller) FindTarget(ref string) (Target, error) {
	s, err := c.Find(ref)
	if err == nil {
		return s, nil
	}
	d := c.cfg.Desired
	if d == nil || !errors.Is(err, ErrNoSwitch) {
		return nil, err
	}
	dpid, no := ofp.ParseDPID(ref)
	if no == nil && (d.Known(dpid).Version != 0 || len(strings.NewReplacer(":", "", "-", "").Replace(ref)) == 16) {
		return c.away(dpid), nil
	}
	// A switch that has the name now goes before those that had it.
	var had []ofp.DPID
	for _, dpid := range d.KnownAs(ref) {
		if c.byDPID(dpid) == nil {
			had = append(had, dpid)
		}
	}
	switch len(had) {
	case 0:
		return nil, err
	case 1:
		return c.away(had[0]), nil
	}
	return nil, fmt.Errorf("%w: %q was the name of %d switches that are away; use the DPID", ErrAmbiguous, ref, len(had))
}

func (c *Controller) away(dpid ofp.DPID) *Away {
	none := func(string) (ofp.PortNo, bool) { return 0, false }
	return &Away{c, c.cfg.Desired.Known(dpid), ofp.Names{Port: none, PortName: func(ofp.PortNo) (string, bool) { return "", false }}}
}

// DPID returns the switch's datapath identifier.
func (a *Away) DPID() ofp.DPID { return a.known.DPID }

// Name returns what the switch was called, or its DPID.
func (a *Away) Name() string {
	if a.known.Name == "" {
		return a.known.DPID.String()
	}
	return a.known.Name
}

// Met reports whether the switch has ever connected, as far as is known.
func (a *Away) Met() bool { return a.known.Version != 0 }

// Version returns that of the last connection; 1.3, which has words for the most, if
// there was none.
func (a *Away) Version() ofp.Version {
	if a.known.Version == 0 {
		return ofp.V13
	}
	return a.known.Version
}

// Extended reports whether the switch was spoken to with Open vSwitch's extensions,
// or might be.
func (a *Away) Extended() bool { return a.known.Version == 0 || a.known.Extensions }

// Tables returns how many flow tables the switch had, 0 if nobody knows.
func (a *Away) Tables() int { return a.known.Tables }

// Names knows no ports: those of a switch that is away may have other numbers when
// it is back.
func (a *Away) Names() *ofp.Names { return &a.names }

// Apply stores a transaction, of the level Stored. It fails with ErrAway for others.
func (a *Away) Apply(ctx context.Context, t Txn) (store.Revision, error) {
	if t.Level != LevelStored || t.Bundle {
		return 0, ErrAway
	}
	rev, err := a.c.cfg.Desired.Apply(ctx, a, t)
	if err == nil {
		a.soon()
	}
	return rev, err
}

func (a *Away) slave() bool { return false }

// soon has the switch compared soon if it has connected meanwhile.
func (a *Away) soon() {
	if s := a.c.byDPID(a.known.DPID); s != nil {
		s.restore.soon(time.Now())
	}
}

// Write fails with ErrAway.
func (a *Away) Write(context.Context, []ofp.Message) error { return ErrAway }

// WriteSent fails with ErrAway.
func (a *Away) WriteSent(context.Context, []ofp.Message, func(error)) error { return ErrAway }

// WriteBundleWhen fails with ErrAway.
func (a *Away) WriteBundleWhen(context.Context, []ofp.Message, func() error) error { return ErrAway }

// Settle fails with ErrAway.
func (a *Away) Settle(context.Context, Settings) error { return ErrAway }

// Bundles fails with ErrAway.
func (a *Away) Bundles(context.Context) (bool, error) { return false, ErrAway }

// Flows fails with ErrAway.
func (a *Away) Flows(context.Context, ofp.FlowFilter) ([]ofp.FlowStats, error) { return nil, ErrAway }

// Groups fails with ErrAway.
func (a *Away) Groups(context.Context, uint32) ([]ofp.GroupDesc, error) { return nil, ErrAway }

// Meters fails with ErrAway.
func (a *Away) Meters(context.Context, uint32) ([]ofp.MeterConfig, error) { return nil, ErrAway }

// Tables returns how many flow tables the switch has, 0 if it does not say.
func (s *Switch) Tables() int { return int(s.conn.Features().Tables) }

func (s *Switch) slave() bool { return s.conn.Slave() }

func (s *Switch) soon() { s.restore.soon(time.Now()) }

// remember notes what the switch is, for when it is away.
func (s *Switch) remember() {
	if d := s.c.cfg.Desired; d != nil {
		d.Remember(desired.Known{DPID: s.dpid, Name: s.Name(), Version: s.Version(), Extensions: s.Extended(), Tables: s.Tables()})
	}
}

// caughtUp has a switch that has just become known compared once more if something
// was stored for it since it was compared.
func (s *Switch) caughtUp() {
	if d := s.c.cfg.Desired; d != nil && d.Behind(s.dpid) {
		s.soon()
	}
}
