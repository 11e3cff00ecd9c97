package api

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestApplyWhatWasPlanned: what changes between plan and apply stops apply, which
// names the revision; and a request that is sent again is not carried out again.
func TestApplyWhatWasPlanned(t *testing.T) {
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOver(t, controller.Config{Desired: st}, Config{})
	sim := r.connect(simswitch.Config{Name: "br0"})
	state := sluicev1.NewStateServiceClient(r.conn)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	text := func(s string) *sluicev1.FlowSpec { return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: s}} }
	wish := []*sluicev1.SwitchWish{{Switch: "br0", Flows: []*sluicev1.FlowSpec{text("priority=1,arp,actions=drop"), text("priority=2,ip,actions=drop")}}}

	planned, err := state.Plan(ctx, &sluicev1.PlanRequest{Switches: wish})
	if err != nil || len(planned.GetSwitches()[0].GetChanges()) != 2 || len(sim.Flows()) != 0 {
		t.Fatalf("plan: %v, %v; the switch has %d flows", planned, err, len(sim.Flows()))
	}
	other := &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: text("priority=3,udp,actions=drop")}}
	if _, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: []*sluicev1.FlowChange{other}}); err != nil {
		t.Fatal(err)
	}
	_, err = state.Apply(ctx, &sluicev1.ApplyRequest{Switches: wish, ExpectedRevision: &planned.Revision})
	if s := status.Convert(err); s.Code() != codes.Aborted || !strings.Contains(s.Message(), "at revision 1, after the expected 0") || len(sim.Flows()) != 1 {
		t.Errorf("after another change: %v; the switch has %d flows", err, len(sim.Flows()))
	}

	first, err := state.Apply(ctx, &sluicev1.ApplyRequest{Switches: wish, RequestId: "a", Note: "why"})
	if err != nil || len(sim.Flows()) != 3 {
		t.Fatalf("apply: %v; the switch has %d flows", err, len(sim.Flows()))
	}
	prune := &sluicev1.ApplyRequest{Switches: []*sluicev1.SwitchWish{{Switch: "br0"}}, Prune: true}
	if _, err := state.Apply(ctx, prune); err != nil || len(sim.Flows()) != 0 {
		t.Errorf("prune: %v; the switch has %d flows", err, len(sim.Flows()))
	}
	again, err := state.Apply(ctx, &sluicev1.ApplyRequest{Switches: wish, RequestId: "a"})
	if err != nil || len(sim.Flows()) != 0 || again.GetSwitches()[0].GetRevision() != first.GetSwitches()[0].GetRevision() {
		t.Errorf("again: %v, %v; the switch has %d flows", again, err, len(sim.Flows()))
	}
	wish[0].Flows = wish[0].Flows[:1]
	if _, err = state.Apply(ctx, &sluicev1.ApplyRequest{Switches: wish, RequestId: "a"}); status.Code(err) != codes.AlreadyExists {
		t.Errorf("another wish under the same id: %v", err)
	}

	wish[0].Flows = append(wish[0].Flows, text("ip,nw_srcc=1,actions=drop"))
	_, err = state.Apply(ctx, &sluicev1.ApplyRequest{Switches: wish})
	field := ""
	for _, d := range status.Convert(err).Details() {
		if d, ok := d.(*errdetails.BadRequest); ok {
			field = d.GetFieldViolations()[0].GetField()
		}
	}
	if status.Code(err) != codes.InvalidArgument || field != "switches[0].flows[1].text" {
		t.Errorf("%q: %v", field, err)
	}
	back, err := state.Rollback(ctx, &sluicev1.RollbackRequest{Revision: 1})
	if err != nil || len(back.GetSwitches()) != 1 || len(sim.Flows()) != 1 {
		t.Errorf("rollback: %v, %v; the switch has %d flows", back, err, len(sim.Flows()))
	}
	for _, rev := range []uint64{9999, 1 << 63} {
		if _, err := state.Rollback(ctx, &sluicev1.RollbackRequest{Revision: rev}); status.Code(err) != codes.OutOfRange {
			t.Errorf("rollback to %d: %v", rev, err)
		}
	}
}

// TestFollow: an apply that is followed ends with its outcome or its error, and
// nothing is no work.
func TestFollow(t *testing.T) {
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOver(t, controller.Config{Desired: st}, Config{})
	sim := r.connect(simswitch.Config{Name: "br0"})
	state := sluicev1.NewStateServiceClient(r.conn)
	follow := func(q *sluicev1.FollowRequest) (*sluicev1.FollowResponse, error) {
		stream, err := state.Follow(t.Context(), q)
		for last := (*sluicev1.FollowResponse)(nil); ; {
			if err != nil {
				return nil, err
			}
			var x *sluicev1.FollowResponse
			if x, err = stream.Recv(); errors.Is(err, io.EOF) {
				return last, nil
			}
			last = x
		}
	}
	apply := func(flow string) *sluicev1.FollowRequest {
		spec := &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: flow}}
		return &sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Apply{Apply: &sluicev1.ApplyRequest{
			Switches: []*sluicev1.SwitchWish{{Switch: "br0", Flows: []*sluicev1.FlowSpec{spec}}},
		}}}
	}
	done, err := follow(apply("priority=1,arp,actions=drop"))
	if err != nil || done.GetApply().GetSwitches()[0].GetRevision() != 1 || len(sim.Flows()) != 1 {
		t.Errorf("%v, %v; the switch has %d flows", done, err, len(sim.Flows()))
	}
	if done, err = follow(&sluicev1.FollowRequest{Work: &sluicev1.FollowRequest_Reconcile{Reconcile: &sluicev1.ReconcileRequest{Switch: "br0"}}}); err != nil || done.GetReconcile().GetSame() != 1 {
		t.Errorf("%v, %v", done, err)
	}
	if _, err := follow(apply("nonsense")); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "switches[0].flows[0]") {
		t.Errorf("a wrong flow: %v", err)
	}
	if _, err := follow(&sluicev1.FollowRequest{}); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "want apply, rollback or reconcile") {
		t.Errorf("no work: %v", err)
	}
}
