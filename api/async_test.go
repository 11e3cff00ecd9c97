package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

func reasons(names ...string) *sluicev1.AsyncReasons { return &sluicev1.AsyncReasons{Reasons: names} }

func TestAsync(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		client := sluicev1.NewSwitchServiceClient(r.conn)
		if _, err := client.GetAsync(t.Context(), &sluicev1.GetAsyncRequest{Switch: "br0"}); v < ofp.V13 && (status.Code(err) != codes.FailedPrecondition || infoReason(err) != "OPENFLOW_VERSION") {
			t.Errorf("never set: %v", err)
		}
		want := &sluicev1.AsyncConfig{
			Master: &sluicev1.AsyncMasks{PacketIn: reasons("action", "reason_30"), PortStatus: reasons(), FlowRemoved: reasons("idle", "hard", "delete", "group_delete")},
			Slave:  &sluicev1.AsyncMasks{PacketIn: reasons(), PortStatus: reasons("add", "delete", "modify"), FlowRemoved: reasons("hard")},
		}
		set, err := client.SetAsync(t.Context(), &sluicev1.SetAsyncRequest{Switch: "br0", Change: &sluicev1.AsyncConfig{
			Master: &sluicev1.AsyncMasks{PacketIn: reasons("reason_30", "action"), PortStatus: reasons()},
			Slave:  &sluicev1.AsyncMasks{FlowRemoved: reasons("hard")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, set.GetConfig(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
		got, err := client.GetAsync(t.Context(), &sluicev1.GetAsyncRequest{Switch: "br0"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.GetConfig(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(ofp.AsyncMasks{PacketIn: [2]uint32{1<<30 | 2}, PortStatus: [2]uint32{0, 7}, FlowRemoved: [2]uint32{15, 2}}, sim.Async()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAsyncErrors(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.bridge(ofp.V13)
	client := sluicev1.NewSwitchServiceClient(r.conn)
	for _, row := range []struct {
		name string
		sw   string
		c    *sluicev1.AsyncConfig
		code codes.Code
		says string
	}{
		{"nothing", "br0", nil, codes.InvalidArgument, "change: is empty"},
		{"nothing, deeper", "br0", &sluicev1.AsyncConfig{Slave: &sluicev1.AsyncMasks{}}, codes.InvalidArgument, "change: is empty"},
		{"reason", "br0", &sluicev1.AsyncConfig{Slave: &sluicev1.AsyncMasks{PortStatus: reasons("add", "gone")}}, codes.InvalidArgument,
			`change.slave.port_status: port-status has no reason "gone": want add, delete, modify`},
		{"no switch", "nosuch", &sluicev1.AsyncConfig{Slave: &sluicev1.AsyncMasks{PortStatus: reasons()}}, codes.NotFound, "nosuch"},
	} {
		_, err := client.SetAsync(t.Context(), &sluicev1.SetAsyncRequest{Switch: row.sw, Change: row.c})
		if status.Code(err) != row.code {
			t.Errorf("%s: %v", row.name, err)
		}
		wantTexts(t, row.name, status.Convert(err).Message(), row.says)
	}
	if sim.Async() != ofp.DefaultAsync() {
		t.Errorf("the switch has %+v", sim.Async())
	}
}
