package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// maxRoles bounds the switches whose role is remembered.
const maxRoles = 1 << 16

// roles are the roles that this controller is to have when a switch comes back:
// those that were given, or taken away, after the configuration. When there are
// maxRoles, those of more switches are not remembered, and the configuration's
// role is asked for when they come back.
type roles struct {
	mu     sync.Mutex
	of     map[ofp.DPID]ofp.RoleState
	asked  ofp.Role // by the configuration
	chosen uint64   // by the configuration; NoGeneration: none
}

func (r *roles) init(cfg *Config) error {
	r.of = make(map[ofp.DPID]ofp.RoleState)
	r.asked, r.chosen = cfg.Role, ofp.NoGeneration
	switch cfg.Role {
	case ofp.RoleNoChange:
		r.asked = ofp.RoleEqual
	case ofp.RoleEqual, ofp.RoleMaster, ofp.RoleSlave:
	default:
		return fmt.Errorf("role: %s is none that a controller can have: want equal, master or slave", cfg.Role)
	}
	if cfg.Generation != 0 {
		r.chosen = cfg.Generation
	}
	return nil
}

// remember notes what role to ask for when the switch comes back. A slave does not
// keep the generation id: it is not the one who was elected by it.
func (r *roles) remember(dpid ofp.DPID, got ofp.RoleState) {
	if got.Role != ofp.RoleMaster {
		got.Generation = ofp.NoGeneration
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.of[dpid]; ok || len(r.of) < maxRoles {
		r.of[dpid] = got
	}
}

func (r *roles) forget(dpid ofp.DPID) {
	r.mu.Lock()
	delete(r.of, dpid)
	r.mu.Unlock()
}

// wanted returns the role to ask a switch for that connects; ask is false if none
// is to be asked for.
func (r *roles) wanted(dpid ofp.DPID) (want ofp.RoleState, ask bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if want, ok := r.of[dpid]; ok {
		return want, true
	}
	return ofp.RoleState{Role: r.asked, Generation: r.chosen}, r.asked != ofp.RoleEqual
}

// takeRole asks a switch that connects for this controller's role there, before any
// app sees it. A master that was away while another one was elected comes back as
// its slave: to take the switch back is for somebody to decide. The zero error means
// that the role is settled, which it may also be as none; else the connection is to
// end, and the switch tries again.
func (s *Switch) takeRole() error {
	want, ask := s.c.roles.wanted(s.dpid)
	s.unconfigured = ask
	ctx, cancel := context.WithTimeout(context.Background(), s.c.cfg.RoleTimeout)
	defer cancel()
	if err := s.setAsync(ctx); err != nil {
		return err
	}
	if !ask {
		return nil
	}
	if s.Version() < ofp.V12 {
		want.Generation = ofp.NoGeneration
	}
	got, err := s.setRole(ctx, want)
	log := s.log.WithFields(logrus.Fields{"wanted": want.Role.String(), "name": s.Name()})
	if err != nil && errors.Is(err, ErrStale) {
		log.WithError(err).Warn("not elected: this controller is slave until it is given a role")
		got, err = s.setRole(ctx, ofp.RoleState{Role: ofp.RoleSlave, Generation: ofp.NoGeneration})
	}
	switch {
	case errors.Is(err, ErrNoRoles) && want.Role == ofp.RoleSlave:
		s.conn.Abstain(true)
		log.Warn("switch has no roles: this controller keeps from writing to it of its own accord, and gets all that it sends; sluice set-role SWITCH equal ends that")
	case errors.Is(err, ErrNoRoles):
		s.conn.Abstain(false)
		log.Info("switch has no roles: every controller is equal there")
	case errors.Is(err, ErrDisconnected):
		return err
	case err != nil:
		return &channel.CloseError{Reason: channel.ReasonRole, Err: err}
	default:
		s.c.roles.remember(s.dpid, got)
	}
	s.dispatch.roles = s.conn.RoleChanges()
	if err := s.configure(ctx); err != nil {
		return &channel.CloseError{Reason: channel.ReasonRole, Err: err}
	}
	return nil
}
