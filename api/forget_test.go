package api

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestForgetSwitch: what was deleted from a switch that never came, or never comes
// back, is told until the switch is forgotten; and a switch that comes back after all
// keeps what it has.
func TestForgetSwitch(t *testing.T) {
	r := newStateRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	state := sluicev1.NewStateServiceClient(r.conn)
	forget := func(sw string) (*sluicev1.ForgetSwitchResponse, error) {
		return state.ForgetSwitch(ctx, &sluicev1.ForgetSwitchRequest{Switch: sw})
	}
	rows := func() (out []string) {
		all, err := state.GetState(ctx, &sluicev1.GetStateRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all.GetSwitches() {
			out = append(out, s.GetDpid())
		}
		return out
	}
	store := func(sw string, changes []*sluicev1.FlowChange) {
		t.Helper()
		if _, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: sw, Level: stored, Changes: changes}); err != nil {
			t.Fatal(err)
		}
	}
	deletes := func(what *sluicev1.FlowSpec) []*sluicev1.FlowChange {
		return []*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_Delete{Delete: what}}}
	}
	const never = "0000000000000bad"
	const sim = "0000000000000005"

	for _, sw := range []string{never, "br9"} {
		if _, err := forget(sw); status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v", sw, err)
		}
	}
	store(never, addTexts("priority=1,ip,actions=output:1"))
	store(never, deletes(&sluicev1.FlowSpec{}))
	if got := rows(); !slices.Equal(got, []string{never}) {
		t.Fatalf("%q", got)
	}
	x, err := forget(never)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&sluicev1.ForgetSwitchResponse{Dpid: never, Deleting: 1, Revision: 3}, x, protocmp.Transform()); d != "" {
		t.Error(d)
	}
	if got := rows(); len(got) > 0 {
		t.Errorf("%q", got)
	}

	cfg := simswitch.Config{Name: "br0", DPID: 5, Versions: []ofp.Version{ofp.V13}}
	first := r.connect(cfg)
	if _, err := r.at(sluicev1.WriteLevel_WRITE_LEVEL_CONFIRMED, "priority=1,ip,actions=output:1", "priority=2,arp,actions=output:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := forget("br0"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("connected: %v", err)
	}
	r.gone(first)
	store("br0", deletes(text("arp")))
	// Until its apps have let go of it, it counts as connected.
	r.eventually("it is forgotten", func() bool {
		x, err = forget("br0")
		return status.Code(err) != codes.FailedPrecondition
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&sluicev1.ForgetSwitchResponse{Dpid: sim, Items: 1, Deleting: 1, Revision: x.GetRevision()}, x, protocmp.Transform()); d != "" {
		t.Error(d)
	}
	if got := rows(); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if _, err := forget("br0"); status.Code(err) != codes.NotFound {
		t.Errorf("its name is still known: %v", err)
	}
	if err := first.Dial(ctx, r.openflow); err != nil {
		t.Fatal(err)
	}
	r.eventually("it is back", func() bool { _, err := r.c.Find("br0"); return err == nil })
	if all := first.Flows(); len(all) != 2 {
		t.Errorf("%d flows, want both", len(all))
	}
}
