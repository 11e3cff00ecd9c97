package api

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestOwnersOverGRPC: a conflict and a quota are statuses with the item's index, the
// owner and the numbers in their details, by each way to write, and change nothing;
// what is foreign is listed, and adopted.
func TestOwnersOverGRPC(t *testing.T) {
	kept := store.NewMemory(store.Options{})
	t.Cleanup(func() { _ = kept.Close() })
	st, err := desired.New(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	st.Limit(desired.Quotas{Of: map[string]int{"ann": 1}})
	st.Govern(desired.Foreign{}, nil)
	r := newRigOver(t, controller.Config{Desired: st}, Config{})
	sim := r.connect(simswitch.Config{Name: "br0"})
	state := sluicev1.NewStateServiceClient(r.conn)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	write := func(owner string, flows ...string) error {
		_, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "br0", Owner: owner, Changes: addTexts(flows...)})
		return err
	}
	apply := func(owner string, flows ...string) error {
		wish := &sluicev1.SwitchWish{Switch: "br0"}
		for _, f := range flows {
			wish.Flows = append(wish.Flows, text(f))
		}
		_, err := state.Apply(ctx, &sluicev1.ApplyRequest{Owner: owner, Switches: []*sluicev1.SwitchWish{wish}})
		return err
	}
	if err := write("ann", "priority=1,ip,actions=drop"); err != nil {
		t.Fatal(err)
	}
	dpid := sim.DPID().String()
	for way, f := range map[string]func(string, ...string) error{"changes[1]": write, "switches[0].flows[1]": apply} {
		err := f("bob", "priority=2,ip,actions=drop", "priority=1,ip,actions=drop")
		want := &errdetails.ErrorInfo{Reason: "OWNED_BY_ANOTHER", Domain: "sluice", Metadata: map[string]string{"switch": "br0", "dpid": dpid, "owner": "ann", "index": "1"}}
		if d := cmp.Diff(want, detail[*errdetails.ErrorInfo](err), protocmp.Transform()); status.Code(err) != codes.PermissionDenied || d != "" {
			t.Errorf("%s: %v: %s", way, err, d)
		}
		if bad := detail[*errdetails.BadRequest](err); len(bad.GetFieldViolations()) != 1 || bad.GetFieldViolations()[0].GetField() != way {
			t.Errorf("%s: %v", way, bad)
		}
		wantTexts(t, way, status.Convert(err).Message(), `flow table=0,priority=1,ip`, `belongs to "ann"`, "nothing was changed")

		err = f("ann", "priority=3,ip,actions=drop", "priority=4,ip,actions=drop")
		want = &errdetails.ErrorInfo{Reason: "QUOTA_EXCEEDED", Domain: "sluice", Metadata: map[string]string{"switch": "br0", "dpid": dpid, "owner": "ann", "limit": "1", "used": "1", "more": "2"}}
		if d := cmp.Diff(want, detail[*errdetails.ErrorInfo](err), protocmp.Transform()); status.Code(err) != codes.ResourceExhausted || d != "" {
			t.Errorf("%s: %v: %s", way, err, d)
		}
		wantTexts(t, way, status.Convert(err).Message(), `"ann" may have 1 flows on a switch, has 1 on br0, and would have 2 more`, "nothing was changed")
		if n := len(sim.Flows()); n != 1 {
			t.Errorf("%s: the switch has %d flows", way, n)
		}
	}
	if err := write("bob", "priority=5,idle_timeout=60,ip,actions=drop"); err != nil { // bob has a number, and nothing kept
		t.Fatal(err)
	}
	owners, err := state.ListOwners(ctx, &sluicev1.ListOwnersRequest{Switch: "br0"})
	if err != nil || len(owners.GetOwners()) != 3 {
		t.Fatalf("%v, %v", owners, err)
	}
	want := &sluicev1.Owner{Name: "ann", Cookie: 0x766c << 48, Flows: 1, FlowLimit: ptr(uint32(1))}
	if d := cmp.Diff(want, owners.GetOwners()[1], protocmp.Transform()); d != "" {
		t.Error(d)
	}
	if _, err := state.Adopt(ctx, &sluicev1.AdoptRequest{Switch: "br0", Filter: text("priority=x")}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a filter that makes no sense: %v", err)
	}
	for _, f := range []string{"br9", ""} {
		if _, err := state.Adopt(ctx, &sluicev1.AdoptRequest{Switch: f}); status.Code(err) != codes.NotFound && status.Code(err) != codes.InvalidArgument {
			t.Errorf("switch %q: %v", f, err)
		}
	}
}
