package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestStandard: what Open vSwitch tells of groups in 1.0 is taken as what later
// versions tell.
func TestStandard(t *testing.T) {
	want := ofp.GroupDesc{GroupType: ofp.GroupTypeSelect, Group: 7, Buckets: []ofp.Bucket{
		{Weight: 3, WatchPort: ofp.PortAny, WatchGroup: ofp.GroupAny, Actions: []ofp.Action{ofp.Output(2)}},
	}}
	nx := ofp.NXGroup{GroupType: want.GroupType, Group: want.Group, Buckets: []ofp.NXBucket{ofp.NewNXBucket(0, want.GroupType, want.Buckets[0])}}
	for _, row := range []struct{ from, want ofp.Part }{
		{&ofp.NXGroupDescReply{Groups: []ofp.NXGroup{nx}}, &ofp.GroupDescReply{Groups: []ofp.GroupDesc{want}}},
		{&ofp.NXGroupStatsReply{GroupStatsReply: ofp.GroupStatsReply{Groups: []ofp.GroupStats{{Group: 7}}}}, &ofp.GroupStatsReply{Groups: []ofp.GroupStats{{Group: 7}}}},
		{&ofp.NXGroupFeatures{GroupFeatures: ofp.GroupFeatures{Types: 3}}, &ofp.GroupFeatures{Types: 3}},
		{&ofp.Desc{Hardware: "h"}, &ofp.Desc{Hardware: "h"}},
	} {
		if d := cmp.Diff(row.want, standard(row.from)); d != "" {
			t.Errorf("%T: -want +got\n%s", row.from, d)
		}
	}
}
