package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// parseLines returns the messages of lines: a verb of ovs-ofctl and its argument.
func parseLines(t *testing.T, lines ...string) (all []ofp.Message) {
	t.Helper()
	flows := map[string]ofp.FlowCommand{"add-flow": ofp.FlowAdd, "mod-flows": ofp.FlowModify, "mod-flow": ofp.FlowModifyStrict, "del-flows": ofp.FlowDelete, "del-flow": ofp.FlowDeleteStrict}
	for _, line := range lines {
		verb, arg, _ := strings.Cut(line, " ")
		var m ofp.Message
		var err error
		switch command, isFlow := flows[verb]; {
		case isFlow:
			m, err = ofp.ParseFlow(arg, command, nil)
		case verb == "add-group":
			m, err = ofp.ParseGroup(arg, ofp.GroupAdd, nil)
		case verb == "del-groups":
			m, err = ofp.ParseGroup(arg, ofp.GroupDelete, nil)
		case verb == "add-meter":
			m, err = ofp.ParseMeter(arg, ofp.MeterAdd)
		case verb == "del-meters":
			m, err = ofp.ParseMeter(arg, ofp.MeterDelete)
		default:
			t.Fatalf("what is %q?", verb)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

// TestVerify: what the switch has is compared with what all messages together
// must have led to.
func TestVerify(t *testing.T) {
	for _, tt := range []struct {
		name      string
		has, msgs []string
		want      []Difference
	}{
		{"nothing was said", []string{"add-flow ip,actions=drop"}, nil, []Difference{}},
		{"as it should be", []string{"add-flow priority=1,ip,actions=output:1", "add-flow priority=9,actions=drop"}, []string{"add-flow priority=1,ip,actions=output:1"}, []Difference{}},
		{"not there", nil, []string{"add-flow priority=1,ip,actions=output:1"}, []Difference{{0, ""}}},
		{
			"other actions", []string{"add-flow priority=1,ip,actions=output:2"}, []string{"add-flow priority=2,actions=drop", "add-flow priority=1,ip,actions=output:1"},
			[]Difference{{0, ""}, {1, "priority=1,ip actions=output:2"}},
		},
		{"another cookie", []string{"add-flow cookie=2,ip,actions=drop"}, []string{"add-flow cookie=1,ip,actions=drop"}, []Difference{{0, "cookie=0x2, ip actions=drop"}}},
		{"added and deleted", nil, []string{"add-flow ip,actions=drop", "del-flows ip"}, []Difference{}},
		{"deleted and added", []string{"add-flow tcp,actions=drop"}, []string{"del-flows ip", "add-flow tcp,actions=drop"}, []Difference{}},
		{"not deleted", []string{"add-flow tcp,actions=drop"}, []string{"del-flows ip"}, []Difference{{0, "tcp actions=drop"}}},
		{"the strict one went", []string{"add-flow priority=2,tcp,actions=drop"}, []string{"del-flow priority=1,tcp"}, []Difference{}},
		{"modified after it was added", []string{"add-flow ip,actions=output:2"}, []string{"add-flow ip,actions=output:1", "mod-flows actions=output:2"}, []Difference{}},
		{"not modified", []string{"add-flow ip,actions=output:1"}, []string{"mod-flows actions=output:2"}, []Difference{{0, "ip actions=output:1"}}},
		{"modified, then deleted", []string{"add-flow ip,actions=output:1"}, []string{"mod-flows actions=output:2", "del-flows ip"}, []Difference{{1, "ip actions=output:1"}}},
		{
			"groups and meters", []string{"add-group group_id=1,type=all,bucket=output:2", "add-meter meter=1,kbps,band=type=drop,rate=5", "add-group group_id=9,type=all"},
			[]string{"add-group group_id=1,type=all,bucket=output:1", "add-group group_id=2,type=all", "del-groups group_id=9", "add-meter meter=1,kbps,band=type=drop,rate=5", "del-meters meter=7"},
			[]Difference{{0, "group_id=1,type=all,bucket=actions=output:2"}, {1, ""}, {2, "group_id=9,type=all"}},
		},
		{"went with its group", nil, []string{"add-flow ip,actions=group:1", "del-groups group_id=1"}, []Difference{}},
		{"went with all groups", nil, []string{"add-flow ip,actions=write_actions(group:1)", "del-groups"}, []Difference{}},
		{"went with its meter", nil, []string{"add-flow ip,actions=meter:1,output:1", "del-meters meter=1"}, []Difference{}},
		{"came after its group went", nil, []string{"del-groups group_id=1", "add-flow ip,actions=group:1"}, []Difference{{1, ""}}},
		{"another group went", nil, []string{"add-flow ip,actions=group:1", "del-groups group_id=2"}, []Difference{{0, ""}}},
		{"did not go with its group", []string{"add-flow ip,actions=group:1"}, []string{"del-groups group_id=1"}, []Difference{{0, "ip actions=group:1"}}},
		{"all groups deleted", []string{"add-group group_id=1,type=all"}, []string{"del-groups"}, []Difference{{0, "group_id=1,type=all"}}},
	} {
		var has Has
		for _, m := range parseLines(t, tt.has...) {
			switch m := m.(type) {
			case *ofp.FlowMod:
				has.Flows = append(has.Flows, ofp.FlowStats{Table: m.Table, Priority: m.Priority, Cookie: m.Cookie, Match: m.Match, Instructions: m.Instructions})
			case *ofp.GroupMod:
				has.Groups = append(has.Groups, ofp.GroupDesc{Group: m.Group, GroupType: m.GroupType, Buckets: m.Buckets})
			case *ofp.MeterMod:
				has.Meters = append(has.Meters, ofp.MeterConfig{Meter: m.Meter, Flags: m.Flags, Bands: m.Bands})
			}
		}
		got := Verify(Switch{Version: ofp.V13}, parseLines(t, tt.msgs...), &has)
		for i := range got { // counters are nothing here
			if _, text, ok := strings.Cut(got[i].Has, "n_bytes=0, "); ok {
				cookie, _, _ := strings.Cut(got[i].Has, ", ")
				if cookie == "cookie=0x0" {
					got[i].Has = text
				} else {
					got[i].Has = cookie + ", " + text
				}
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, d)
		}
	}
}
