package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// RoleHandler is what a Session may have besides: it hears that this controller's
// role on the switch has changed, in order with the switch's other events; changes
// that come fast are told as one, with the role at their end. Attach
// is called with the role at hand, which Switch.Role tells. An app that prepares a
// switch does so when the role is no longer slave.
type RoleHandler interface {
	Role(now ofp.RoleState)
}

// Errors about roles; test with errors.Is.
var (
	// ErrSlave: this controller is a slave of the switch, which would refuse what
	// changes it. Nothing was sent.
	ErrSlave = channel.ErrSlave
	// ErrStale: the generation id is older than that of the last election that
	// the switch knows of.
	ErrStale = errors.New("generation id is stale")
	// ErrNoRoles: the switch has no roles. Every controller is equal there.
	ErrNoRoles = errors.New("switch has no roles")
)

// slaveError is ErrSlave about a switch.
type slaveError Switch

func (e *slaveError) Error() string {
	name := (*Switch)(e).Name()
	return fmt.Sprintf("%v on %s: write through the master, or sluice set-role %s master", ErrSlave, name, name)
}

func (e *slaveError) Unwrap() error { return ErrSlave }

// refused returns the error of sending m as a slave, or nil if it may be sent.
func (s *Switch) refused(m ofp.Message) error {
	if !s.conn.Slave() || !channel.Forbidden(m) {
		return nil
	}
	s.c.stats.Drops[channel.DropSlave].Add(1)
	return (*slaveError)(s)
}

// refusedWrite is refused for a Write.
func (s *Switch) refusedWrite(msgs []ofp.Message) error {
	if !s.conn.Slave() {
		return nil
	}
	for _, m := range msgs {
		if err := s.refused(m); err != nil {
			return &WriteError{Err: err}
		}
	}
	return nil
}

// Role returns this controller's role on the switch as the switch last told it, and
// the generation id that came with it: equal where nobody ever asked for one
// (section 6.3.4 of OpenFlow 1.3.5). Open vSwitch tells in OpenFlow 1.3 that another
// controller became the master; in earlier versions, and of other switches, the
// first command that is refused does. AskRole asks.
func (s *Switch) Role() ofp.RoleState { return s.conn.Role() }

// RoleSince returns since when the role is what Role says, as far as the connection
// goes back, and whether the switch gave it without being asked: to another
// controller, as a rule.
func (s *Switch) RoleSince() (since time.Time, taken bool) {
	if since, taken = s.conn.RoleSince(); since.Before(s.since) {
		since = s.since
	}
	return since, taken
}

// AskRole asks the switch what this controller's role is, and with which generation
// id the last election was. OpenFlow 1.0 and 1.1 cannot ask: there it is Role. It
// fails as Request does, or with ErrNoRoles.
func (s *Switch) AskRole(ctx context.Context) (ofp.RoleState, error) {
	unlock, err := s.lockRole(ctx)
	if err != nil {
		return ofp.RoleState{}, err
	}
	defer unlock()
	return s.askRole(ctx)
}

func (s *Switch) askRole(ctx context.Context) (ofp.RoleState, error) {
	if s.Version() < ofp.V12 {
		return s.Role(), nil
	}
	got, err := s.conn.RequestRole(ctx, ofp.RoleState{Role: ofp.RoleNoChange})
	return got, noRoles(err)
}

// SetRole asks the switch for a role, and returns the role that it gives with the
// generation id of the election.
//
// A generation id that want names is used as it is: if it is older than what the
// switch knows, SetRole fails with ErrStale. With ofp.NoGeneration a master takes
// the one after the switch's own, and a slave the switch's own; if another
// controller is elected in between, that is tried once more. Generation ids are
// compared as section 6.3.5 of OpenFlow 1.3.5 says, and OpenFlow 1.0 and 1.1
// (Nicira's roles) have none: naming one is ofp.ErrVersion there.
//
// A controller that becomes a slave sends no command any more before it asks to be
// one, and what was sent before is processed; it fails with a barrier's errors
// then. One that becomes master or equal sends commands once the switch has said
// so. SetRole fails with ErrNoRoles where the switch knows none, and else as
// Request does. The role is asked for again when the switch comes back.
func (s *Switch) SetRole(ctx context.Context, want ofp.RoleState) (ofp.RoleState, error) {
	unlock, err := s.lockRole(ctx)
	if err != nil {
		return ofp.RoleState{}, err
	}
	defer unlock()
	got, err := s.setRole(ctx, want)
	if err != nil {
		return got, err
	}
	s.c.roles.remember(s.dpid, got)
	return got, s.configure(ctx)
}

// lockRole waits for its turn to ask for a role, or for what comes with it.
func (s *Switch) lockRole(ctx context.Context) (unlock func(), err error) {
	select {
	case s.roleTurn <- struct{}{}:
		return func() { <-s.roleTurn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another change of the role, or of what the switch sends: %w", ctx.Err())
	case <-s.Done():
		return nil, ErrDisconnected
	}
}

// elections is how often a generation id that nobody named is chosen: once more
// than the first time.
const elections = 2

func (s *Switch) setRole(ctx context.Context, want ofp.RoleState) (ofp.RoleState, error) {
	switch want.Role {
	case ofp.RoleEqual, ofp.RoleMaster, ofp.RoleSlave:
	default:
		return ofp.RoleState{}, fmt.Errorf("set role: %s is no role that a controller can have: want equal, master or slave", want.Role)
	}
	if want.Role == ofp.RoleEqual || want.Generation != ofp.NoGeneration || s.Version() < ofp.V12 {
		return s.requestRole(ctx, want)
	}
	for try := 1; ; try++ {
		current, err := s.askRole(ctx)
		if err != nil && !switchError(err) {
			return ofp.RoleState{}, fmt.Errorf("set role: ask for the generation id: %w", err)
		}
		if err != nil { // a switch that only knows how to give roles
			current.Generation = s.Role().Generation
		}
		next := want
		next.Generation = election(want.Role, current.Generation)
		got, err := s.requestRole(ctx, next)
		if !errors.Is(err, ErrStale) || try == elections {
			return got, err
		}
	}
}

// election returns the generation id for a role where the switch has the current
// one, ofp.NoGeneration meaning none.
func election(role ofp.Role, current uint64) uint64 {
	if role == ofp.RoleMaster || current == ofp.NoGeneration {
		return current + 1 // of none: 0
	}
	return current
}

// requestRole asks for a role under a generation id.
func (s *Switch) requestRole(ctx context.Context, want ofp.RoleState) (ofp.RoleState, error) {
	send := want
	if want.Role == ofp.RoleEqual && s.Version() >= ofp.V12 {
		send.Generation = 0 // which has no meaning for equal
	}
	got, err := s.conn.RequestRole(ctx, send)
	if reason(err) == ofp.RoleRequestFailedStale {
		text := ""
		if now, err := s.askRole(ctx); err == nil && now.Generation != ofp.NoGeneration {
			text = fmt.Sprintf(", the switch has %d", now.Generation)
		}
		return got, fmt.Errorf("set role %s on %s: %w: %d%s: another controller was elected since; name a later one, or none", want.Role, s.Name(), ErrStale, want.Generation, text)
	}
	if err = noRoles(err); err != nil {
		if errors.Is(err, ErrNoRoles) && want.Role == ofp.RoleEqual {
			s.conn.Abstain(false)
			return s.Role(), nil
		}
		return got, fmt.Errorf("set role %s on %s: %w", want.Role, s.Name(), err)
	}
	if got.Role != want.Role {
		return got, fmt.Errorf("set role %s on %s: the switch answers that it is %s", want.Role, s.Name(), got.Role)
	}
	if s.Version() < ofp.V12 {
		got.Generation = ofp.NoGeneration
	}
	return got, nil
}

// reason returns the OpenFlow error that err is about, or ofp.ReasonUnknown.
func reason(err error) ofp.ErrorReason {
	if e, ok := errors.AsType[*SwitchError](err); ok {
		return e.Reply.Reason
	}
	return ofp.ReasonUnknown
}

func switchError(err error) bool {
	_, ok := errors.AsType[*SwitchError](err)
	return ok && !errors.Is(err, ErrNoRoles)
}

// noRoles makes of an error that says that the switch does not know the request
// ErrNoRoles.
func noRoles(err error) error {
	switch reason(err) {
	case ofp.BadRequestBadType, ofp.BadRequestBadExperimenter, ofp.BadRequestBadExperimenterType, ofp.RoleRequestFailedUnsup:
		return fmt.Errorf("%w: %w", ErrNoRoles, err)
	}
	return err
}

// configure sends, once the role allows it, the configuration that the handshake
// has left out. How another controller has the switch treat fragments stays.
func (s *Switch) configure(ctx context.Context) error {
	if !s.unconfigured || s.conn.Slave() {
		return nil
	}
	c := ofp.SwitchConfig{MissSendLen: s.conn.MissSendLen()}
	now, err := s.Config(ctx)
	switch {
	case err == nil:
		c.Flags = now.Flags
	case reason(err) == ofp.ReasonUnknown:
		return fmt.Errorf("configure %s in its new role: %w", s.Name(), err)
	}
	if err := s.Write(ctx, []ofp.Message{&ofp.SetConfig{SwitchConfig: c}}); err != nil {
		return fmt.Errorf("configure %s in its new role: %w", s.Name(), err)
	}
	s.unconfigured = false
	return nil
}

// tellRole tells the log and the apps if the role has changed since they were told
// last. Only the dispatcher calls it.
func (s *Switch) tellRole() {
	d := &s.dispatch
	before, after := d.roles, s.conn.RoleChanges()
	if after == before {
		return
	}
	d.roles = after
	now := s.Role()
	s.c.metrics.roles[now.Role].Add(1)
	log := s.log.WithFields(logrus.Fields{"role": now.Role.String(), "generation": generation(now.Generation)})
	if after.Unasked == before.Unasked || now.Role != ofp.RoleSlave {
		log.Info("role changed")
	} else {
		s.c.roles.remember(s.dpid, now)
		log.Warn("role changed without asking: another controller was made master")
	}
	if now.Role != ofp.RoleSlave {
		s.restore.soon(time.Now())
	}
	s.remeter() // who was the master meanwhile may have changed it
	for i := range d.handlers {
		if h := &d.handlers[i]; h.role != nil && !h.app.disabled.Load() {
			s.guard(h.app, func() { h.role.Role(now) })
		}
	}
}

// generation is a generation id for the log.
func generation(g uint64) any {
	if g == ofp.NoGeneration {
		return "none"
	}
	return g
}
