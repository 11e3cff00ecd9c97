package api

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// listForeign tells what is foreign on a switch.
func (s *state) listForeign(ref string, stream grpc.ServerStreamingServer[sluicev1.ListStateResponse]) error {
	sw, err := find(s.c, ref)
	if err != nil {
		return err
	}
	items, err := sw.Foreign(stream.Context())
	if err != nil {
		return foreignError(sw, err)
	}
	out := make([]*sluicev1.StateItem, len(items))
	for i, x := range items {
		out[i] = foreignItem(x.Message)
		if !x.Since.IsZero() {
			out[i].Since = timestamppb.New(x.Since)
		}
		switch {
		case x.Known:
			out[i].Owner = valid(x.Owner)
			out[i].Why = fmt.Sprintf("it has the cookie of owner %s, and the store does not know it", ownerName(x.Owner))
		case x.Excepted:
			out[i].Why = "it is excepted by --foreign-keep"
		}
	}
	return inParts(stream, out, func(list []*sluicev1.StateItem) *sluicev1.ListStateResponse {
		return &sluicev1.ListStateResponse{Items: list}
	})
}

func foreignItem(m ofp.Message) *sluicev1.StateItem {
	return &sluicev1.StateItem{Kind: kindOf(m), Text: valid(fmt.Sprint(m)), Condition: sluicev1.StateCondition_STATE_CONDITION_FOREIGN}
}

func foreignError(sw *controller.Switch, err error) error {
	if errors.Is(err, controller.ErrNoState) {
		return noState()
	}
	return stateError(sw, err)
}

func (s *state) Adopt(ctx context.Context, r *sluicev1.AdoptRequest) (*sluicev1.AdoptResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	a := controller.Adoption{Owner: r.GetOwner(), Author: author(ctx), Note: r.GetNote(), PlanOnly: r.GetPlanOnly()}
	if r.GetFilter() != nil {
		filter, err := toFilter(r.GetFilter(), sw.Names())
		if err != nil {
			return nil, invalid(err)
		}
		a.Filter = &filter
	}
	done, err := sw.Adopt(ctx, a)
	if err != nil {
		return nil, foreignError(sw, err)
	}
	out := &sluicev1.AdoptResponse{Unable: uint32(done.Unable), Blurred: uint32(done.Blurred), Revision: uint64(done.Revision)}
	for _, m := range done.Messages {
		x := foreignItem(m)
		x.Owner = valid(r.GetOwner())
		if !r.GetPlanOnly() {
			x.Condition = sluicev1.StateCondition_STATE_CONDITION_INSTALLED
		}
		out.Items = append(out.Items, x)
	}
	return out, nil
}

// pending says why something is not confirmed yet.
func (s *state) pending(x *controller.StateSummary, connected bool) string {
	switch {
	case !connected:
		return s.waits(x.DPID)
	case x.Fault != "":
		return "the last comparison failed: " + x.Fault
	}
	return "the switch has not confirmed it yet"
}
