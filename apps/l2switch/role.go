package l2switch

import (
	"context"
	"errors"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
)

// Role implements controller.RoleHandler. As a slave the app leaves packets alone,
// and forgets the hosts, which may move unseen. When it is not one any more it
// prepares the switch, as if that had just connected: another controller may have
// had it meanwhile.
func (s *session) Role(now ofp.RoleState) {
	was := s.slave
	s.slave = now.Role == ofp.RoleSlave
	s.unprepare()
	switch {
	case s.slave:
		s.hosts = newHosts(s.cfg.MaxHosts, s.cfg.Age)
		s.stats.hosts.Store(0)
		clear(s.clean)
	case was:
		s.start()
	}
}

// start prepares the switch, in a goroutine that unprepare waits for. A slave does
// not.
func (a *App) start(s *session, dpid ofp.DPID) {
	if s.slave {
		return
	}
	swept := s.sweep()
	ctx, cancel := context.WithTimeout(context.Background(), attachTimeout)
	s.cancel = cancel
	s.preparing.Go(func() {
		defer cancel()
		err := s.prepare(ctx, swept)
		if err != nil && ctx.Err() != context.Canceled && !errors.Is(err, controller.ErrDisconnected) && !enslaved(err) {
			s.stats.errors.Add(1)
			a.log.WithError(err).WithField("dpid", dpid.String()).Warn("cannot prepare the switch")
		}
	})
}

// unprepare ends the preparation of the switch, if it is under way.
func (s *session) unprepare() {
	s.cancel()
	s.preparing.Wait()
}

// enslaved reports whether err says that the controller is a slave of the switch,
// which is no fault: Role tells what to do about it.
func enslaved(err error) bool {
	if errors.Is(err, controller.ErrSlave) {
		return true
	}
	e, ok := errors.AsType[*controller.SwitchError](err)
	return ok && e.Reply.Reason == ofp.BadRequestIsSlave
}

// failed counts a message that could not be sent. That a switch goes away is no
// fault: it is prepared when it is back.
func (s *session) failed(err error) {
	if err != nil && !errors.Is(err, controller.ErrDisconnected) && !enslaved(err) {
		s.stats.errors.Add(1)
	}
}
