package controller

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/ofp"
)

// byOwners marks the context of what the desired state writes: it has looked at who
// owns what itself.
type byOwners struct{}

func ofOwners(ctx context.Context) context.Context { return context.WithValue(ctx, byOwners{}, true) }

// restricted reports whether apps may perhaps not send everything. It is asked for
// each message, and costs no call.
func (s *Switch) restricted() bool { return s.owned != nil || s.conn.Slave() }

// allowed fails with ErrSlave if the role forbids a message of an app, or with an
// *OwnerError.
func (s *Switch) allowed(m ofp.Message) error {
	if err := s.refused(m); err != nil || s.owned == nil {
		return err
	}
	return s.permitted(m)
}

// permitted fails with an *OwnerError if a message of an app would change what an
// owner has in the desired state. Where there is such, s.owned is not nil.
func (s *Switch) permitted(m ofp.Message) error {
	f, ok := m.(*ofp.FlowMod)
	if !ok {
		return nil
	}
	err := s.owned.Permit(f)
	if err != nil {
		s.refuseApp(err)
	}
	return err
}

// permittedAll is permitted for messages that are written. Those before one that is
// not permitted count as sent by the app, though none is sent: it will write them
// again.
func (s *Switch) permittedAll(ctx context.Context, msgs []ofp.Message) error {
	if s.owned == nil || ctx.Value(byOwners{}) != nil {
		return nil
	}
	for i, m := range msgs {
		err := s.permitted(m)
		if owner, ok := errors.AsType[*OwnerError](err); ok {
			owner.Index = i
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseApp logs that an app was kept from something, now and then.
func (s *Switch) refuseApp(err error) {
	held, ok := s.c.quiet.pass("owned " + s.dpid.String())
	if !ok {
		return
	}
	fields := logrus.Fields{"error": err}
	if owner, is := errors.AsType[*OwnerError](err); is {
		fields = logrus.Fields{"what": owner.What, "owner": owner.Whose()}
	}
	if held > 0 {
		fields["held"] = held
	}
	s.log.WithFields(fields).Warn("an app may not change what an owner has; it is not sent")
}
