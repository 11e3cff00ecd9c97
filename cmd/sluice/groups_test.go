package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestGroupVerbs(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V13}})
	d.bridge(simswitch.Config{Name: "br1", DPID: 2, Versions: []ofp.Version{ofp.V11}})
	const file = "# two groups\ngroup_id=1,type=select,bucket=output:1,bucket=weight:2,actions=output:2\n\nadd group_id=2,type=all\n"
	d.must(file, "add-groups", "br0", "-")
	d.must("", "add-group", "br0", "group_id=3,type=indirect,bucket=output:3")
	d.must("", "mod-group", "br0", "group_id=2,type=ff,bucket=watch_port:1,actions=output:1")
	d.must("", "mod-group", "--may-create", "br0", "group_id=4,type=all")
	want := "group_id=1,type=select,bucket=actions=output:1,bucket=weight:2,actions=output:2\n" +
		"group_id=2,type=ff,bucket=watch_port:1,actions=output:1\n" +
		"group_id=3,type=indirect,bucket=actions=output:3\n" +
		"group_id=4,type=all\n"
	dumped := d.must("", "dump-groups", "br0")
	if diff := cmp.Diff(want, dumped); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d.must(dumped, "add-groups", "br1", "-")
	if diff := cmp.Diff(want, d.must("", "dump-groups", "br1")); diff != "" {
		t.Errorf("on another switch (-want +got):\n%s", diff)
	}
	for _, arg := range []string{"3", "group_id=3"} {
		if got := d.must("", "dump-groups", "br0", arg); got != "group_id=3,type=indirect,bucket=actions=output:3\n" {
			t.Errorf("dump-groups br0 %s: %q", arg, got)
		}
	}
	stats := regexp.MustCompile(`^group_id=3,duration=0s,ref_count=0,packet_count=0,byte_count=0,bucket0:packet_count=0,byte_count=0\n$`)
	if got := d.must("", "dump-group-stats", "br0", "3"); !stats.MatchString(got) {
		t.Errorf("dump-group-stats: %q", got)
	}
	if got := d.must("", "dump-group-stats", "br0"); strings.Count(got, "\n") != 4 {
		t.Errorf("dump-group-stats: %q", got)
	}
	wantTexts(t, "dump-group-features", d.must("", "dump-group-features", "br0"), "Group table:\n", "    fast failover group:\n       max_groups=0xffffff00\n")
	var parsed struct {
		Groups []struct {
			Group struct {
				ID   int
				Type string
			}
			Text string
		}
	}
	if err := json.Unmarshal([]byte(d.must("", "-o", "json", "dump-groups", "br0")), &parsed); err != nil || len(parsed.Groups) != 4 ||
		parsed.Groups[1].Group.ID != 2 || parsed.Groups[1].Group.Type != "GROUP_TYPE_FAST_FAILOVER" || parsed.Groups[3].Text != "group_id=4,type=all" {
		t.Errorf("json: %v, %+v", err, parsed)
	}
	wantTexts(t, "yaml", d.must("", "-o", "yaml", "dump-group-stats", "br0"), "groups:\n  - id: 1\n    ref_count: 0\n")
	if got := d.must("", "-o", "json", "add-group", "br0", "group_id=5,type=all"); got != "{\n  \"confirmed\": 1\n}\n" {
		t.Errorf("json of a write: %q", got)
	}
	d.must("group_id=1\ngroup_id=5\n", "del-groups", "br0", "-")
	d.must("", "del-groups", "br0", "group_id=2")
	if got := d.must("", "dump-groups", "br0"); strings.Count(got, "\n") != 2 {
		t.Errorf("after deleting: %q", got)
	}
	d.must("", "del-groups", "br0")
	if got := d.must("", "dump-groups", "br0"); got != "" {
		t.Errorf("after deleting all: %q", got)
	}
	if got := d.must("", "-o", "json", "dump-groups", "br0"); got != "{\n  \"groups\": []\n}\n" {
		t.Errorf("json of none: %q", got)
	}
}

func TestMeterVerbs(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V13}})
	d.must("", "add-meter", "br0", "meter=1,kbps,band=type=drop,rate=1000")
	d.must("", "add-meter", "br0", "meter=2,pktps,burst,stats,band=type=drop,rate=100,burst_size=20")
	d.must("", "mod-meter", "br0", "meter=1,kbps,band=type=drop,rate=2000")
	d.must("", "add-flow", "br0", "in_port=1,actions=meter:1,output:2")
	want := "meter=1 kbps bands=\ntype=drop rate=2000\nmeter=2 pktps burst stats bands=\ntype=drop rate=100 burst_size=20\n"
	if diff := cmp.Diff(want, d.must("", "dump-meters", "br0")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := d.must("", "dump-meters", "br0", "meter=1"); got != "meter=1 kbps bands=\ntype=drop rate=2000\n" {
		t.Errorf("dump-meters br0 meter=1: %q", got)
	}
	if got := d.must("", "meter-stats", "br0", "1"); got != "meter:1 flow_count:1 packet_in_count:0 byte_in_count:0 duration:0s bands:\n0: packet_count:0 byte_count:0\n" {
		t.Errorf("meter-stats: %q", got)
	}
	if got := d.must("", "meter-features", "br0"); got != "max_meter:1000 max_bands:4 max_color:0\nband_types: drop dscp_remark\ncapabilities: kbps pktps burst stats\n" {
		t.Errorf("meter-features: %q", got)
	}
	var parsed struct {
		Meters []struct{ Meter struct{ ID int } }
	}
	if err := json.Unmarshal([]byte(d.must("", "-o", "json", "dump-meters", "br0")), &parsed); err != nil || len(parsed.Meters) != 2 || parsed.Meters[1].Meter.ID != 2 {
		t.Errorf("json: %v, %+v", err, parsed)
	}
	d.must("", "del-meters", "br0", "meter=1")
	if got := d.must("", "dump-flows", "br0"); got != "" {
		t.Errorf("the flow that used the meter is there: %s", got)
	}
	d.must("", "del-meter", "br0")
	if got := d.must("", "dump-meters", "br0"); got != "" {
		t.Errorf("after deleting all: %q", got)
	}
}

func TestGroupAndMeterErrors(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V13}})
	d.bridge(simswitch.Config{Name: "old", DPID: 2, Versions: []ofp.Version{ofp.V10}})
	d.must("", "add-group", "br0", "group_id=1,type=all")
	for _, row := range []struct {
		name string
		in   string
		args []string
		code int
		says []string
	}{
		{"version", "", []string{"add-group", "old", "group_id=1,type=all"}, exitError, []string{"sluice: group_mod: ", "not in OpenFlow 1.0", "nothing was changed\n  group_id=1,type=all\n$"}},
		{"version of a list", "", []string{"dump-meters", "old"}, exitError, []string{"not in OpenFlow 1.0, the version of old\n$"}},
		{"there already", "", []string{"add-group", "br0", "group_id=1,type=all"}, exitError, []string{"sluice: br0 refused: OFPGMFC_GROUP_EXISTS\n  group_id=1,type=all\n", "mod-group"}},
		{"in a file", "group_id=7,type=all\ngroup_id=1,type=all\ngroup_id=8,type=all\n", []string{"add-groups", "br0", "-"}, exitError,
			[]string{"br0 refused 1 of 3 changes: OFPGMFC_GROUP_EXISTS\n  line 2: group_id=1,type=all\n", "of 3 changes: 2 done, 1 refused\n"}},
		{"typo", "", []string{"add-group", "br0", "group_id=1,tipe=all"}, exitError, []string{"sluice: col 12: ", "\n  group_id=1,tipe=all\n             ^\n"}},
		{"typo in a meter", "meter=1,kbps,band=type=drop,rate=1\nmeter=2,kbits\n", []string{"del-meters", "br0", "-"}, exitError, []string{"\n  line 1: meter=1,kbps"}},
		{"no such meter", "", []string{"mod-meter", "br0", "meter=9,kbps,band=type=drop,rate=1"}, exitError, []string{"OFPMMFC_UNKNOWN_METER", "add-meter"}},
		{"flow with a meter that is missing", "", []string{"add-flow", "br0", "actions=meter:9,output:1"}, exitError, []string{"OFPMMFC_UNKNOWN_METER"}},
		{"no number", "", []string{"dump-groups", "br0", "one"}, exitUsage, []string{`"one" is no number: want group_id=NUMBER or all`}},
		{"no switch", "", []string{"dump-groups", "br9"}, exitError, []string{`no switch "br9" is connected`}},
		{"missing", "", []string{"add-meter", "br0"}, exitUsage, []string{"METER is missing"}},
		{"no file", "", []string{"add-groups", "br0", "/nonexistent"}, exitError, []string{"/nonexistent"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := d.sluice(row.in, row.args...)
			if r.code != row.code || r.out != "" {
				t.Errorf("status %d, want %d; prints %q", r.code, row.code, r.out)
			}
			wantTexts(t, "error", r.err+"$", row.says...)
		})
	}
}
