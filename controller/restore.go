package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Txn is a transaction on one switch, see Switch.Apply.
type Txn = desired.Txn

// Errors of Switch.Apply besides those of Switch.Write.
type (
	// OwnerError says that what a transaction would change belongs to somebody
	// else. Nothing has changed.
	OwnerError = desired.OwnerError
	// QuotaError says that an owner would have more flows than it may have. Nothing
	// has changed.
	QuotaError = desired.QuotaError
	// InDoubtError says that a transaction is stored, and that the switch has not
	// confirmed it.
	InDoubtError = desired.InDoubtError
	// UndoneError says that the switch has refused some of a transaction, and that
	// what is kept of the rest was undone.
	UndoneError = desired.UndoneError
)

// Apply carries a transaction out. Where the controller keeps desired state
// (Config.Desired), what has no timeouts is stored before it is carried out, the
// transaction is carried out whole or not at all, and the switch is brought back
// to its outcome whenever it comes back without it; Apply then also fails with an
// *OwnerError, a *QuotaError, an *InDoubtError, an *UndoneError, or what the store says. Without desired state it
// is Write, or WriteBundle where a bundle is asked for, as far as Txn.Level says, and the revision is 0: Stored and an expected
// revision fail with ErrNoState.
func (s *Switch) Apply(ctx context.Context, t Txn) (store.Revision, error) {
	d := s.c.cfg.Desired
	switch {
	case d == nil && (t.Level == LevelStored || t.Expected != nil):
		return 0, ErrNoState
	case d == nil:
		return 0, t.WriteOnly(ctx, s)
	}
	if err := s.refusedWrite(t.Messages); err != nil {
		return 0, err
	}
	rev, err := d.Apply(ofOwners(ctx), s, t)
	if doubt := (*InDoubtError)(nil); errors.As(err, &doubt) || err == nil && t.Level == LevelStored {
		s.restore.soon(time.Now())
	}
	if err == nil && slices.ContainsFunc(t.Messages, removes) {
		s.roomMade()
	}
	return rev, err
}

// roomMade has a switch that had no room for something compared soon, at most once
// in retryFirst.
func (s *Switch) roomMade() {
	if d := s.c.cfg.Desired; d != nil && d.Short(s.dpid) {
		s.restore.within(time.Now().Add(retryFirst))
	}
}

// removes reports whether m deletes something.
func removes(m ofp.Message) bool {
	switch m := m.(type) {
	case *ofp.FlowMod:
		return m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict
	case *ofp.GroupMod:
		return m.Command == ofp.GroupDelete
	case *ofp.MeterMod:
		return m.Command == ofp.MeterDelete
	}
	return false
}

// The level of a transaction or wish: how far it must have come for its caller to
// go on.
const (
	LevelConfirmed = desired.Confirmed
	LevelStored    = desired.Stored
	LevelSent      = desired.Sent
	LevelVerified  = desired.Verified
)

// Level is how far a transaction must have come for its caller to go on.
type Level = desired.Level

// DifferError says that a switch has confirmed a message, and has something else.
type DifferError = desired.DifferError

// ErrTransient says that what is never stored was to be stored only.
var ErrTransient = desired.ErrTransient

// Extended reports whether the switch is spoken to with Open vSwitch's
// extensions.
func (s *Switch) Extended() bool { return s.conn.Extended() }

// MissesExtensions reports whether Open vSwitch's extensions are wanted and not used,
// because the switch told after the handshake alone that it is Open vSwitch. They are
// used from its next connection on.
func (s *Switch) MissesExtensions() bool { return s.conn.MissesExtensions() }

// Reconcile compares the switch with its desired state now, and sends the
// difference. It fails with ErrNoState where the controller keeps none, and else
// as requests and writes do.
func (s *Switch) Reconcile(ctx context.Context) (desired.Report, error) {
	d := s.c.cfg.Desired
	if d == nil {
		return desired.Report{}, ErrNoState
	}
	if s.conn.Slave() {
		return desired.Report{}, (*slaveError)(s)
	}
	s.watchFlows(ctx)
	s.restore.begin()
	r, err := d.Reconcile(stage(ofOwners(ctx), s, 0, 1), s)
	if err == nil {
		err = s.resettle(ctx)
	}
	s.c.metrics.reconciled(r, err)
	s.toldForeign(&r)
	before, _ := s.restore.restless(time.Now())
	s.restore.done(time.Now(), s.c.cfg.ReconcilePeriod, r, err)
	if times, gap := s.restore.restless(time.Now()); before == 0 && times > 0 {
		s.log.WithFields(logrus.Fields{"times": times, "every": gap}).Warn("switch is not as it should be whenever it was brought back: it is compared less often; does it keep what it confirms, or does somebody else change it?")
	}
	if err == nil && (r.Changed > 0 || r.Refused > 0 || r.Unable > 0) {
		fields := logrus.Fields{"changed": r.Changed, "same": r.Same, "foreign": r.Foreign, "first": r.First, "took": r.Duration.Round(time.Millisecond)}
		log := s.log.WithFields(fields)
		if r.Refused+r.Unable > 0 {
			log.WithFields(logrus.Fields{"refused": r.Refused, "unable": r.Unable}).Warn("switch cannot have all that it should")
		} else {
			log.Info("switch is brought to its desired state")
		}
	}
	return r, err
}

// ErrReused means that the request id of a transaction was used for another one.
var ErrReused = store.ErrReused

// ErrNoState means that the controller keeps no desired state.
var ErrNoState = errors.New("no desired state is kept; start sluiced with --state DIR")

// restoreTimeout bounds the comparison of a switch that connects, and each later
// one that nobody asked for. restoreWait is how long a switch that connects is kept
// from the apps for it: most comparisons take milliseconds, one of 100,000 flows a
// second, and a switch that hides what it has is of use all the same.
const (
	restoreTimeout = 30 * time.Second
	restoreWait    = 10 * time.Second
)

// restored compares a switch that has just connected with its desired state,
// before any app sees it, or at least before restoreWait is over: then the
// comparison goes on beside the apps. What fails is tried again by Maintain.
func (s *Switch) restored() {
	if s.c.cfg.Desired == nil || s.conn.Slave() {
		return
	}
	s.restore.later(time.Now().Add(restoreTimeout)) // Maintain need not begin another
	compared := make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), restoreTimeout)
	s.giveUp = cancel
	s.work.Go(func() {
		defer close(compared)
		defer cancel()
		if _, err := s.Reconcile(ctx); err != nil && !s.ended() {
			s.log.WithField("error", err).Warn("switch is not brought to its desired state yet")
		}
	})
	wait := time.NewTimer(s.c.cfg.restoreWait)
	defer wait.Stop()
	select {
	case <-compared:
	case <-s.Done():
	case <-wait.C:
		s.log.WithField("waited", s.c.cfg.restoreWait).Warn("switch is slow to tell what it has: apps get it while it is compared with its desired state")
	}
}

const (
	maintainTick  = 250 * time.Millisecond
	maintainMost  = 8 // switches that are compared at the same time
	maintainAgain = 4 // of these, such as failed the last time
)

// Maintain keeps switches at their desired state until ctx ends: it compares each
// one from time to time, soon after something was left in doubt or was lost, and
// again and again, at growing intervals, where the switch did not answer or
// refused. Those that have been due the longest come first. When it returns, every
// goroutine that it started has ended.
func (c *Controller) Maintain(ctx context.Context) {
	if c.cfg.Desired == nil {
		<-ctx.Done()
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	tick := time.NewTicker(maintainTick)
	defer tick.Stop()
	var mu sync.Mutex
	busy := make(map[*Switch]bool) // whether it failed the last time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var due []dueSwitch
		now := time.Now()
		mu.Lock()
		again := 0
		for _, failed := range busy {
			if failed {
				again++
			}
		}
		for _, s := range c.Switches() {
			if _, is := busy[s]; is || s.conn.Slave() {
				continue
			}
			if at, failed := s.restore.next(); !now.Before(at) {
				due = append(due, dueSwitch{s, at, failed})
			}
		}
		due = admitDue(due, maintainMost-len(busy), maintainAgain-again)
		for _, d := range due {
			busy[d.s] = d.failed
		}
		mu.Unlock()
		for _, d := range due {
			running.Go(func() {
				defer func() {
					mu.Lock()
					delete(busy, d.s)
					mu.Unlock()
				}()
				one, cancel := context.WithTimeout(ctx, restoreTimeout)
				defer cancel()
				if _, err := d.s.Reconcile(one); err != nil && !d.s.ended() && ctx.Err() == nil {
					d.s.log.WithField("error", err).Warn("switch is not brought to its desired state yet")
				}
			})
		}
	}
}

// dueSwitch is a switch that is to be compared.
type dueSwitch struct {
	s      *Switch
	at     time.Time // since when
	failed bool      // the last time
}

// admitDue returns those that are compared now: the longest due, as many as there
// are places, and no more that failed the last time than again. So switches that
// never answer, each of which takes restoreTimeout, do not keep the others waiting.
func admitDue(due []dueSwitch, places, again int) []dueSwitch {
	slices.SortStableFunc(due, func(a, b dueSwitch) int { return a.at.Compare(b.at) })
	var now []dueSwitch
	for _, d := range due {
		if len(now) >= places {
			break
		}
		if d.failed {
			if again <= 0 {
				continue
			}
			again--
		}
		now = append(now, d)
	}
	return now
}

// lost looks whether a flow that the switch has removed was to stay, and has the
// switch compared soon if so.
func (s *Switch) lost(m *ofp.FlowRemoved) {
	s.roomMade()
	if d := s.c.cfg.Desired; d != nil && m.Reason != ofp.RemovedIdleTimeout && m.Reason != ofp.RemovedHardTimeout && d.Wants(s.dpid, m.Table, m.Priority, &m.Match) {
		s.restore.drifted(time.Now(), driftGap)
	}
}

// StateSummary returns what the desired state of a switch comes to. Its fault says,
// too, that the switch is compared less often since it is never as it should be.
func (s *Switch) StateSummary() (desired.Summary, error) {
	if s.c.cfg.Desired == nil {
		return desired.Summary{}, ErrNoState
	}
	x := s.c.cfg.Desired.Summary(s.dpid)
	if times, gap := s.restore.restless(time.Now()); times > 0 {
		why := fmt.Sprintf("it told of differences, and had some, in %d comparisons in a row: so there is none for %v after each; does the switch keep what it confirms, or does somebody else change it?", times, gap)
		if x.Fault != "" {
			why = x.Fault + "; " + why
		}
		x.Fault = why
	}
	return x, nil
}

var _ desired.Switch = (*Switch)(nil)

func (s *Switch) forgetState() {
	if d := s.c.cfg.Desired; d != nil {
		d.Gone(s.dpid)
	}
}

// The desired state, as it is told.
type (
	// StateSummary counts what a switch should have.
	StateSummary = desired.Summary
	// StateItem is something that a switch should have.
	StateItem = desired.Item
	// StateChange is a transaction of the history.
	StateChange = desired.Change
	// StateReport is what a comparison came to.
	StateReport = desired.Report
	// StateCondition is how something stands on its switch.
	StateCondition = desired.Condition
)

// How something stands on its switch.
const (
	StatePending   = desired.Pending
	StateInstalled = desired.Installed
	StateDegraded  = desired.Degraded
)

// State returns the desired state, or ErrNoState.
func (c *Controller) State() (*desired.State, error) {
	if c.cfg.Desired == nil {
		return nil, ErrNoState
	}
	return c.cfg.Desired, nil
}
