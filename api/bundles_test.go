package api

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestBundleRequests asks for bundles with and without desired state, of a switch
// that has them and of those that have none.
func TestBundleRequests(t *testing.T) {
	flow := func(s string) *sluicev1.BundleChange {
		return &sluicev1.BundleChange{Change: &sluicev1.BundleChange_Flow{Flow: &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: text(s)}}}}
	}
	group := func(s string) *sluicev1.BundleChange {
		return &sluicev1.BundleChange{Change: &sluicev1.BundleChange_Group{Group: &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Add{Add: &sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Text{Text: s}}}}}}
	}
	packet := func(s string) *sluicev1.BundleChange {
		return &sluicev1.BundleChange{Change: &sluicev1.BundleChange_PacketOut{PacketOut: &sluicev1.PacketSpec{Form: &sluicev1.PacketSpec_Text{Text: s}}}}
	}
	for _, row := range []struct {
		name    string
		v       ofp.Version
		bundles bool
		changes []*sluicev1.BundleChange
		code    codes.Code
		says    string
		index   int // of the FlowError; -1: there is none
		flows   int // on the switch afterwards
		packets int // that it has sent
	}{
		{"all kinds", ofp.V13, true, []*sluicev1.BundleChange{
			group("group_id=1,type=all,bucket=output:2"), flow("priority=1,actions=group:1"), flow("priority=2,idle_timeout=60,arp,actions=drop"),
			packet("in_port=CONTROLLER,packet=ffffffffffff0000000000010800,actions=TABLE"),
		}, codes.OK, "", -1, 2, 1},
		{"one is refused", ofp.V13, true, []*sluicev1.BundleChange{flow("priority=1,actions=drop"), flow("priority=2,actions=group:7"), packet("packet=ffffffffffff0000000000010800,actions=output:1")},
			codes.FailedPrecondition, "br0 refused 1 of 3 changes: changes[1]: OFPBAC_BAD_OUT_GROUP; nothing was changed", 1, 0, 0},
		{"no bundles", ofp.V13, false, []*sluicev1.BundleChange{flow("priority=1,actions=drop"), flow("priority=2,actions=drop")},
			codes.FailedPrecondition, "br0, which speaks OpenFlow 1.3, has no bundles: send it without; nothing was changed", -1, 0, 0},
		{"no bundles in 1.2", ofp.V12, true, []*sluicev1.BundleChange{flow("priority=1,actions=drop")},
			codes.FailedPrecondition, "br0, which speaks OpenFlow 1.2, has no bundles: send it without; nothing was changed", -1, 0, 0},
		{"nothing in it", ofp.V13, true, []*sluicev1.BundleChange{flow("priority=1,actions=drop"), {}},
			codes.InvalidArgument, "changes[1]: no change is set: want one of flow, group, packet_out", -1, 0, 0},
		{"a typo", ofp.V13, true, []*sluicev1.BundleChange{packet("paket=ff,actions=drop")}, codes.InvalidArgument, "changes[0].packet_out.text: col 1", -1, 0, 0},
	} {
		for _, kept := range []bool{false, true} {
			name := row.name
			var cfg controller.Config
			if kept {
				name += ", with state"
			}
			t.Run(name, func(t *testing.T) {
				if kept {
					st := store.NewMemory(store.Options{})
					t.Cleanup(func() { _ = st.Close() })
					d, err := desired.New(t.Context(), st)
					if err != nil {
						t.Fatal(err)
					}
					cfg.Desired = d
				}
				r := newRigOver(t, cfg, Config{})
				sim := r.connect(simswitch.Config{Name: "br0", Versions: []ofp.Version{row.v}, Bundles: row.bundles})
				resp, err := sluicev1.NewBundleServiceClient(r.conn).WriteBundle(t.Context(), &sluicev1.WriteBundleRequest{Switch: "br0", Changes: row.changes})
				st := status.Convert(err)
				if st.Code() != row.code || !strings.HasPrefix(st.Message(), row.says) {
					t.Fatalf("%v: %q, want %v: %q", st.Code(), st.Message(), row.code, row.says)
				}
				if err == nil && (int(resp.Confirmed) != len(row.changes) || kept != (resp.Revision != nil)) {
					t.Errorf("response %v", resp)
				}
				index := -1
				for _, d := range st.Details() {
					if e, ok := d.(*sluicev1.FlowError); ok {
						index = int(e.Index)
					}
				}
				if index != row.index || len(sim.Flows()) != row.flows || len(sim.Sent()) != row.packets {
					t.Errorf("about change %d, %d flows, %d packets; want %d, %d, %d", index, len(sim.Flows()), len(sim.Sent()), row.index, row.flows, row.packets)
				}
				if cfg.Desired != nil && err != nil && len(cfg.Desired.Switches()) > 0 {
					t.Error("something is desired of the switch")
				}
			})
		}
	}
}

// The requests for flows and groups ask for a bundle by a field.
func TestBundleField(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.connect(simswitch.Config{Name: "br0", Bundles: true})
	_, err := r.flows.WriteFlows(t.Context(), &sluicev1.WriteFlowsRequest{Switch: "br0", Bundle: true, Changes: add(text("priority=1,actions=drop"), text("actions=group:7"))})
	if status.Code(err) != codes.FailedPrecondition || len(sim.Flows()) > 0 {
		t.Errorf("%v, and there are %d flows", err, len(sim.Flows()))
	}
	groups := sluicev1.NewGroupServiceClient(r.conn)
	var changes []*sluicev1.GroupChange
	for _, s := range []string{"group_id=1,type=all", "group_id=2,type=all,bucket=group:3"} {
		changes = append(changes, &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Add{Add: &sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Text{Text: s}}}})
	}
	if _, err := groups.WriteGroups(t.Context(), &sluicev1.WriteGroupsRequest{Switch: "br0", Changes: changes, Bundle: true}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("%v", err)
	}
	if _, err := r.flows.WriteFlows(t.Context(), &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: add(text("actions=group:1"))}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a group of a refused bundle is there: %v", err)
	}
	if n := sim.Received(ofp.TypeFlowMod); n != 1 {
		t.Errorf("%d flow-mods came outside of bundles, want 1", n)
	}
}
