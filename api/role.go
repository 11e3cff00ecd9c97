package api

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func (s *switches) GetRole(ctx context.Context, r *sluicev1.GetRoleRequest) (*sluicev1.GetRoleResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	state, err := sw.AskRole(ctx)
	if errors.Is(err, controller.ErrNoRoles) {
		state, err = sw.Role(), nil // what Sluice keeps to of its own accord
	}
	if err != nil {
		return nil, roleError(sw, err)
	}
	return &sluicev1.GetRoleResponse{State: fromRole(state)}, nil
}

func (s *switches) SetRole(ctx context.Context, r *sluicev1.SetRoleRequest) (*sluicev1.SetRoleResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	want := ofp.RoleState{Role: ofp.Role(r.GetRole()), Generation: ofp.NoGeneration}
	switch r.GetRole() {
	case sluicev1.ControllerRole_CONTROLLER_ROLE_EQUAL:
		if r.GenerationId != nil {
			return nil, invalid(bad("generation_id", "%d: equal has none", r.GetGenerationId()))
		}
	case sluicev1.ControllerRole_CONTROLLER_ROLE_MASTER, sluicev1.ControllerRole_CONTROLLER_ROLE_SLAVE:
		if r.GenerationId != nil {
			want.Generation = r.GetGenerationId()
		}
		if r.GenerationId != nil && want.Generation == ofp.NoGeneration {
			return nil, invalid(bad("generation_id", "%d: stands for none; leave it out", r.GetGenerationId()))
		}
	default:
		return nil, invalid(bad("role", "%s: want CONTROLLER_ROLE_EQUAL, _MASTER or _SLAVE", r.GetRole()))
	}
	state, err := sw.SetRole(ctx, want)
	if err != nil {
		return nil, roleError(sw, err)
	}
	return &sluicev1.SetRoleResponse{State: fromRole(state)}, nil
}

// fromRole is a role in the API's numbers, which are OpenFlow's.
func fromRole(s ofp.RoleState) *sluicev1.RoleState {
	out := &sluicev1.RoleState{Role: sluicev1.ControllerRole(s.Role)}
	if s.Generation != ofp.NoGeneration {
		out.GenerationId = &s.Generation
	}
	return out
}

// roleError is the status of a failed request for a role.
func roleError(sw *controller.Switch, err error) error {
	switch {
	case errors.Is(err, controller.ErrStale):
		return withDetails(codes.FailedPrecondition, err.Error(), roleInfo(sw, "STALE_GENERATION_ID"))
	case errors.Is(err, controller.ErrNoRoles):
		return withDetails(codes.FailedPrecondition, fmt.Sprintf("%s has no roles: every controller is equal there", sw.Name()), roleInfo(sw, "NO_ROLES"))
	}
	return readError(sw, err)
}

// slaveStatus is the status of what a slave must not send.
func slaveStatus(sw controller.Target, details ...proto.Message) error {
	return withDetails(codes.FailedPrecondition,
		fmt.Sprintf("this controller is slave on %s: write through the master, or sluice set-role %[1]s master; nothing was changed", sw.Name()), append(details, roleInfo(sw, "SLAVE"))...)
}

func roleInfo(sw controller.Target, reason string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: reason, Domain: errorDomain, Metadata: map[string]string{
		"switch": valid(sw.Name()), "dpid": sw.DPID().String(), "openflow": sw.Version().String(),
	}}
}
