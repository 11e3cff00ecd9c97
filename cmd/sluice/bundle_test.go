package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestBundleVerb(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V13}, Bundles: true})
	d.bridge(simswitch.Config{Name: "old", DPID: 2, Versions: []ofp.Version{ofp.V12}})
	const file = `# all that a bundle may have
group group_id=1,type=select,bucket=output:1
group add group_id=2,type=all,bucket=group:1   # uses the first
flow add priority=5,ip,actions=group:2
flow priority=6,arp,actions=NORMAL

flow modify arp,actions=drop
group modify group_id=1,type=select,bucket=output:2
packet-out in_port=CONTROLLER,packet=ffffffffffff0000000000010806,actions=output:1
flow delete_strict priority=5,tcp
`
	if out := d.must(file, "bundle", "br0", "-"); out != "" {
		t.Errorf("bundle prints %q", out)
	}
	flows := "priority=6,arp actions=drop\npriority=5,ip actions=group:2\n"
	has := func() string {
		var lines []string
		for _, l := range strings.Split(strings.TrimSpace(d.must("", "dump-flows", "br0")), "\n") {
			lines = append(lines, l[strings.Index(l, "priority="):])
		}
		return strings.Join(lines, "\n") + "\n"
	}
	if diff := cmp.Diff(flows, has()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	groups := "group_id=1,type=select,bucket=actions=output:2\ngroup_id=2,type=all,bucket=actions=group:1\n"
	if diff := cmp.Diff(groups, d.must("", "dump-groups", "br0")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, row := range []struct {
		name string
		in   string
		args []string
		says []string
	}{
		{"refused", "flow add priority=9,udp,actions=drop\n\nflow add priority=8,udp,actions=group:7\n", []string{"bundle", "br0", "-"},
			[]string{"sluice: br0 refused 1 of 2 changes: OFPBAC_BAD_OUT_GROUP; nothing was changed\n  line 3: priority=8,udp,actions=group:7\n", "\n  of 2 changes: 0 done, 1 refused\n"}},
		{"no bundles", "flow add priority=9,udp,actions=drop\n", []string{"bundle", "old", "-"}, []string{"sluice: old, which speaks OpenFlow 1.2, has no bundles: send it without; nothing was changed\n$"}},
		{"kind", "flow add arp,actions=drop\nflwo add udp,actions=drop\n", []string{"bundle", "br0", "-"}, []string{`sluice: line 2: "flwo": want flow, group or packet-out`}},
		{"1.5", "group insert_bucket group_id=1,command_bucket_id=last,bucket=output:1\n", []string{"bundle", "br0", "-"}, []string{"sluice: line 1: insert_bucket: needs OpenFlow 1.5"}},
		{"typo", "flow add arp,actions=drop\nflow   delete   nw_srcc=1\n", []string{"bundle", "br0", "-"}, []string{"  line 2: nw_srcc=1\n          ^\n"}},
		{"add-flow", "", []string{"add-flow", "--bundle", "br0", "actions=group:7"}, []string{"sluice: br0 refused: OFPBAC_BAD_OUT_GROUP; nothing was changed\n"}},
		{"add-flows", "udp,actions=drop\nactions=group:7\n", []string{"add-flows", "--bundle", "br0", "-"}, []string{"line 2: actions=group:7", "of 2 changes: 0 done, 1 refused\n"}},
		{"mod-flows", "", []string{"mod-flows", "--bundle", "br0", "arp,actions=group:7"}, []string{"OFPBAC_BAD_OUT_GROUP; nothing was changed"}},
		{"replace-flows", "udp,actions=drop\nactions=group:7\n", []string{"replace-flows", "--bundle", "br0", "-"}, []string{"OFPBAC_BAD_OUT_GROUP; nothing was changed"}},
		{"del-flows", "", []string{"del-flows", "--bundle", "old"}, []string{"has no bundles"}},
		{"add-group", "", []string{"add-group", "--bundle", "old", "group_id=4,type=all"}, []string{"has no bundles"}},
		{"add-groups", "group_id=4,type=all\ngroup_id=5,type=all,bucket=group:9\n", []string{"add-groups", "--bundle", "br0", "-"}, []string{"refused 1 of 2", "nothing was changed"}},
		{"mod-group", "", []string{"mod-group", "--bundle", "br0", "group_id=77,type=all"}, []string{"OFPGMFC_UNKNOWN_GROUP; nothing was changed"}},
		{"del-groups", "", []string{"del-groups", "--bundle", "old"}, []string{"has no bundles"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := d.sluice(row.in, row.args...)
			if r.code != exitError {
				t.Errorf("exit status %d", r.code)
			}
			for _, s := range row.says {
				if whole, ok := strings.CutSuffix(s, "$"); ok && r.err != whole || !ok && !strings.Contains(r.err, s) {
					t.Errorf("said\n%swant %q", r.err, s)
				}
			}
		})
	}
	if diff := cmp.Diff(flows, has()); diff != "" {
		t.Errorf("after what was refused (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(groups, d.must("", "dump-groups", "br0")); diff != "" {
		t.Errorf("after what was refused (-want +got):\n%s", diff)
	}
	d.must("tcp,actions=drop\n", "replace-flows", "--bundle", "br0", "-")
	d.must("", "del-groups", "--bundle", "br0")
	if got := d.must("", "dump-flows", "br0"); strings.Count(got, "\n") != 1 || !strings.Contains(got, "tcp actions=drop") {
		t.Errorf("after replace-flows: %q", got)
	}
}
