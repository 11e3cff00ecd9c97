package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (s *state) ForgetSwitch(ctx context.Context, r *sluicev1.ForgetSwitchRequest) (*sluicev1.ForgetSwitchResponse, error) {
	if _, err := s.c.State(); err != nil {
		return nil, noState()
	}
	dpid, name, err := s.find(r.GetSwitch())
	if err != nil {
		return nil, err
	}
	name = cmp.Or(name, dpid.String())
	x, err := s.c.Forget(ctx, dpid, author(ctx))
	switch {
	case errors.Is(err, controller.ErrConnected):
		return nil, withDetails(codes.FailedPrecondition, name+" is connected, and would be known again at once; take it away from this controller first (ovs-vsctl del-controller BRIDGE), or delete what it should have no more")
	case errors.Is(err, controller.ErrUnknown):
		return nil, withDetails(codes.NotFound, "nothing is known of "+name+"; `sluice status` lists the switches of which something is wanted")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, status.FromContextError(err).Err()
	case errors.Is(err, controller.ErrTooLarge):
		return nil, withDetails(codes.ResourceExhausted, fmt.Sprintf("%s: %v: delete some of its flows first (sluice del-flows --level stored); nothing was changed", name, err))
	case errors.As(err, new(*controller.ChangedError)):
		return nil, withDetails(codes.Aborted, fmt.Sprintf("%s: %v; nothing was changed", name, err))
	case err != nil:
		if full := diskError(err); full != nil {
			return nil, full
		}
		return nil, withDetails(codes.Internal, err.Error()+"; nothing was changed")
	}
	return &sluicev1.ForgetSwitchResponse{
		Dpid: dpid.String(), Items: uint32(x.Items), Deleting: uint32(x.Tombstones), Settings: uint32(x.Settings), Revision: uint64(x.Revision),
	}, nil
}
