package api

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// collect returns the items of a stream.
func collect[R, T any](t *testing.T, s grpc.ServerStreamingClient[R], err error, items func(*R) []T) []T {
	t.Helper()
	var all []T
	for err == nil {
		var r *R
		if r, err = s.Recv(); err == nil {
			all = append(all, items(r)...)
		}
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	return all
}

func groupText(s string) *sluicev1.GroupSpec {
	return &sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Text{Text: s}}
}

func addGroup(s *sluicev1.GroupSpec) *sluicev1.GroupChange {
	return &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Add{Add: s}}
}

func TestGroups(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		api := sluicev1.NewGroupServiceClient(r.conn)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		failover := &sluicev1.Group{Id: ptr(uint32(2)), Type: sluicev1.GroupType_GROUP_TYPE_FAST_FAILOVER, Buckets: []*sluicev1.Bucket{
			{Actions: []*sluicev1.Action{output(1)}, WatchPort: "eth1"}, {Actions: []*sluicev1.Action{output(2)}, WatchGroup: ptr(uint32(1))}}}
		w, err := api.WriteGroups(ctx, &sluicev1.WriteGroupsRequest{Switch: "br0", Changes: []*sluicev1.GroupChange{
			addGroup(groupText("group_id=1,type=select,bucket=weight:3,actions=output:1,bucket=output:2")),
			addGroup(&sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Group{Group: failover}}),
		}})
		if v == ofp.V10 {
			if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "not in OpenFlow 1.0") {
				t.Errorf("in 1.0: %v", err)
			}
			return
		}
		if err != nil || w.GetConfirmed() != 2 {
			t.Fatalf("%v, %v", w, err)
		}
		failover.Buckets[0].WatchPort = "1" // as the switch knows it
		want := []*sluicev1.GroupEntry{
			{Text: "group_id=1,type=select,bucket=weight:3,actions=output:1,bucket=actions=output:2",
				Group: &sluicev1.Group{Id: ptr(uint32(1)), Type: sluicev1.GroupType_GROUP_TYPE_SELECT, Buckets: []*sluicev1.Bucket{
					{Actions: []*sluicev1.Action{output(1)}, Weight: ptr(uint32(3))}, {Actions: []*sluicev1.Action{output(2)}, Weight: ptr(uint32(1))}}}},
			{Text: "group_id=2,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:1,actions=output:2", Group: failover},
		}
		list := func(q *sluicev1.ListGroupsRequest) []*sluicev1.GroupEntry {
			q.Switch = "br0"
			s, err := api.ListGroups(ctx, q)
			return collect(t, s, err, (*sluicev1.ListGroupsResponse).GetGroups)
		}
		if d := cmp.Diff(want, list(&sluicev1.ListGroupsRequest{}), protocmp.Transform()); d != "" {
			t.Errorf("groups (-want +got):\n%s", d)
		}
		if d := cmp.Diff(want[1:], list(&sluicev1.ListGroupsRequest{Group: ptr(uint32(2))}), protocmp.Transform()); d != "" {
			t.Errorf("one group (-want +got):\n%s", d)
		}
		r.mustWrite(addTexts("in_port=1,actions=group:1"))
		s, err := api.ListGroupStats(ctx, &sluicev1.ListGroupStatsRequest{Switch: "br0", Group: ptr(uint32(1))})
		stats := collect(t, s, err, (*sluicev1.ListGroupStatsResponse).GetGroups)
		if len(stats) != 1 || stats[0].GetRefCount() != 1 || len(stats[0].GetBuckets()) != 2 || stats[0].PacketCount == nil ||
			!strings.HasPrefix(stats[0].GetText(), "group_id=1,") || (stats[0].DurationSeconds != nil) != (v == ofp.V13) {
			t.Errorf("statistics: %v", stats)
		}
		f, err := api.GetGroupFeatures(ctx, &sluicev1.GetGroupFeaturesRequest{Switch: "br0"})
		if v == ofp.V11 {
			if status.Code(err) != codes.FailedPrecondition {
				t.Errorf("features in 1.1: %v", err)
			}
		} else if err != nil || len(f.GetTypes()) != 4 || f.GetTypes()[3].GetType() != sluicev1.GroupType_GROUP_TYPE_FAST_FAILOVER ||
			!strings.HasPrefix(f.GetText(), " Group table:\n") || cmp.Diff([]string{"select_liveness", "chaining"}, f.GetCapabilities()) != "" {
			t.Errorf("features: %v, %v", err, f)
		}
		if _, err := api.WriteGroups(ctx, &sluicev1.WriteGroupsRequest{Switch: "br0", Changes: []*sluicev1.GroupChange{
			{Change: &sluicev1.GroupChange_Modify{Modify: groupText("group_id=1,type=all,bucket=output:3")}},
			{Change: &sluicev1.GroupChange_AddOrModify{AddOrModify: groupText("group_id=9,type=all")}},
			{Change: &sluicev1.GroupChange_Delete{Delete: groupText("group_id=2")}},
		}}); err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, g := range list(&sluicev1.ListGroupsRequest{}) {
			texts = append(texts, g.GetText())
		}
		if d := cmp.Diff([]string{"group_id=1,type=all,bucket=actions=output:3", "group_id=9,type=all"}, texts); d != "" {
			t.Errorf("changed (-want +got):\n%s", d)
		}
		if _, err := api.WriteGroups(ctx, &sluicev1.WriteGroupsRequest{Switch: "br0", Changes: []*sluicev1.GroupChange{
			{Change: &sluicev1.GroupChange_Delete{}}}}); err != nil || len(list(&sluicev1.ListGroupsRequest{})) != 0 {
			t.Errorf("delete all: %v", err)
		}
		if got := r.list(&sluicev1.ListFlowsRequest{}); len(got) != 0 {
			t.Errorf("the flow that used a group is there: %v", got)
		}
	})
}

func TestGroupErrors(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V13)
	api := sluicev1.NewGroupServiceClient(r.conn)
	spec := func(g *sluicev1.Group) *sluicev1.GroupChange {
		return addGroup(&sluicev1.GroupSpec{Form: &sluicev1.GroupSpec_Group{Group: g}})
	}
	one := ptr(uint32(1))
	all := sluicev1.GroupType_GROUP_TYPE_ALL
	if _, err := api.WriteGroups(t.Context(), &sluicev1.WriteGroupsRequest{Switch: "br0", Changes: []*sluicev1.GroupChange{addGroup(groupText("group_id=7,type=all"))}}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		change *sluicev1.GroupChange
		code   codes.Code
		says   string
	}{
		{"there already", addGroup(groupText("group_id=7,type=all")), codes.AlreadyExists, "OFPGMFC_GROUP_EXISTS"},
		{"not there", &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Modify{Modify: groupText("group_id=8,type=all")}}, codes.FailedPrecondition, "OFPGMFC_UNKNOWN_GROUP"},
		{"nonsense", addGroup(groupText("group_id=1,tipe=all")), codes.InvalidArgument, "changes[0].add.text: col 12"},
		{"nothing", &sluicev1.GroupChange{}, codes.InvalidArgument, "no change is set"},
		{"no group", addGroup(nil), codes.InvalidArgument, "no group is set"},
		{"no id", spec(&sluicev1.Group{Type: all}), codes.InvalidArgument, "changes[0].add.group.id"},
		{"id", spec(&sluicev1.Group{Id: ptr(uint32(0xffffff01)), Type: all}), codes.InvalidArgument, "group.id: 4294967041"},
		{"no type", spec(&sluicev1.Group{Id: one}), codes.InvalidArgument, "group.type"},
		{"weight", spec(&sluicev1.Group{Id: one, Type: sluicev1.GroupType_GROUP_TYPE_SELECT, Buckets: []*sluicev1.Bucket{{Weight: ptr(uint32(1 << 16))}}}), codes.InvalidArgument, "group.buckets[0].weight"},
		{"watched port", spec(&sluicev1.Group{Id: one, Type: all, Buckets: []*sluicev1.Bucket{{WatchPort: "eth99"}}}), codes.InvalidArgument, "group.buckets[0].watch_port"},
		{"two for one", spec(&sluicev1.Group{Id: one, Type: sluicev1.GroupType_GROUP_TYPE_INDIRECT, Buckets: []*sluicev1.Bucket{{}, {}}}), codes.InvalidArgument, "indirect"},
		{"delete with buckets", &sluicev1.GroupChange{Change: &sluicev1.GroupChange_Delete{Delete: &sluicev1.GroupSpec{
			Form: &sluicev1.GroupSpec_Group{Group: &sluicev1.Group{Id: one, Buckets: []*sluicev1.Bucket{{}}}}}}}, codes.InvalidArgument, "group.buckets"},
	} {
		_, err := api.WriteGroups(t.Context(), &sluicev1.WriteGroupsRequest{Switch: "br0", Changes: []*sluicev1.GroupChange{row.change}})
		if status.Code(err) != row.code || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want %v with %q", row.name, err, row.code, row.says)
		}
		if row.code != codes.InvalidArgument {
			var detail *sluicev1.FlowError
			for _, x := range status.Convert(err).Details() {
				if e, ok := x.(*sluicev1.FlowError); ok {
					detail = e
				}
			}
			if !strings.HasPrefix(detail.GetFlow(), "group_id=") || detail.GetCode() == "" {
				t.Errorf("%s: detail %v", row.name, detail)
			}
		}
	}
}
