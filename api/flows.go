package api

import (
	"context"

	"google.golang.org/grpc"

	"github.com/sluice-sdn/sluice/controller"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

type flows struct {
	sluicev1.UnimplementedFlowServiceServer
	c     *controller.Controller
	burst func(changes int) (over func()) // nil: nobody is told
}

func (s *flows) WriteFlows(ctx context.Context, r *sluicev1.WriteFlowsRequest) (*sluicev1.WriteFlowsResponse, error) {
	sw, err := findTarget(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	if s.burst != nil {
		defer s.burst(len(r.GetChanges()))()
	}
	msgs, err := toMessages(r.GetChanges(), sw.Names(), toFlowMod)
	if err != nil {
		return nil, err
	}
	n, rev, err := apply(ctx, sw, r, r.ExpectedRevision, msgs)
	if err != nil {
		return nil, err
	}
	return &sluicev1.WriteFlowsResponse{Confirmed: n, Revision: rev}, nil
}

// flowsPerResponse bounds one message of the stream: even structured ones stay
// far below the 4 MiB that clients take by default.
const flowsPerResponse = 500

func (s *flows) ListFlows(r *sluicev1.ListFlowsRequest, stream grpc.ServerStreamingServer[sluicev1.ListFlowsResponse]) error {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return err
	}
	names := sw.Names()
	filter, err := toFilter(r.GetFilter(), names)
	if err != nil {
		return invalid(err)
	}
	if _, ok := sluicev1.FlowForm_name[int32(r.GetForm())]; !ok {
		return invalid(bad("form", "%d: want FLOW_FORM_TEXT or FLOW_FORM_STRUCTURED, or none for both", r.GetForm()))
	}
	shown := names
	if !r.GetPortNames() {
		shown = nil
	}
	list, err := sw.Flows(stream.Context(), filter)
	if err != nil {
		return readError(sw, err)
	}
	for len(list) > 0 {
		n := min(len(list), flowsPerResponse)
		part := &sluicev1.ListFlowsResponse{Flows: make([]*sluicev1.FlowEntry, n)}
		for i := range n {
			part.Flows[i] = fromFlow(&list[i], r.GetForm(), shown)
		}
		list = list[n:]
		if err := stream.Send(part); err != nil {
			return err
		}
	}
	return nil
}

func (s *flows) AggregateFlows(ctx context.Context, r *sluicev1.AggregateFlowsRequest) (*sluicev1.AggregateFlowsResponse, error) {
	sw, err := find(s.c, r.GetSwitch())
	if err != nil {
		return nil, err
	}
	filter, err := toFilter(r.GetFilter(), sw.Names())
	if err != nil {
		return nil, invalid(err)
	}
	sum, err := sw.Aggregate(ctx, filter)
	if err != nil {
		return nil, readError(sw, err)
	}
	return &sluicev1.AggregateFlowsResponse{FlowCount: sum.Flows, PacketCount: counter(sum.Packets), ByteCount: counter(sum.Bytes)}, nil
}
