package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

func flow(t testing.TB, text string) ofp.FlowMod {
	t.Helper()
	f, err := ofp.ParseFlow(text, ofp.FlowAdd, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return *f
}

// stats is the flow as a switch tells it.
func stats(f ofp.FlowMod) ofp.FlowStats {
	return ofp.FlowStats{
		Table: f.Table, Priority: f.Priority, Cookie: f.Cookie, IdleTimeout: f.IdleTimeout, HardTimeout: f.HardTimeout,
		Flags: f.Flags, Match: f.Match, Instructions: f.Instructions,
	}
}

func group(t testing.TB, text string) ofp.GroupMod {
	t.Helper()
	g, err := ofp.ParseGroup(text, ofp.GroupAdd, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return *g
}

func desc(g ofp.GroupMod) ofp.GroupDesc {
	return ofp.GroupDesc{GroupType: g.GroupType, Group: g.Group, Buckets: g.Buckets}
}

func meter(t testing.TB, text string) ofp.MeterMod {
	t.Helper()
	m, err := ofp.ParseMeter(text, ofp.MeterAdd)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return *m
}

// texts are flows, groups and meters, each in a line of ovs-ofctl's text after
// the word that says which.
type texts []string

func (x texts) wants(t testing.TB) *Wants {
	t.Helper()
	var w Wants
	for _, line := range x {
		switch kind, text, _ := strings.Cut(line, " "); kind {
		case "flow":
			w.Flows = append(w.Flows, flow(t, text))
		case "group":
			w.Groups = append(w.Groups, group(t, text))
		case "meter":
			w.Meters = append(w.Meters, meter(t, text))
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return &w
}

func (x texts) has(t testing.TB) *Has {
	t.Helper()
	var h Has
	w := x.wants(t)
	for _, f := range w.Flows {
		h.Flows = append(h.Flows, stats(f))
	}
	for _, g := range w.Groups {
		h.Groups = append(h.Groups, desc(g))
	}
	for _, m := range w.Meters {
		h.Meters = append(h.Meters, ofp.MeterConfig{Flags: m.Flags, Meter: m.Meter, Bands: m.Bands})
	}
	return &h
}

// show returns a plan in lines: each stage's changes, and where barriers are.
func show(p *Plan) []string {
	var out []string
	for _, s := range p.Stages {
		if s.Barrier {
			out = append(out, "barrier")
		}
		for _, c := range s.Changes {
			what := ""
			switch m := c.Message.(type) {
			case *ofp.FlowMod:
				what = strings.TrimSpace(m.String())
			case *ofp.GroupMod:
				what = fmt.Sprintf("%d", m.Group)
			case *ofp.MeterMod:
				what = fmt.Sprintf("%d", m.Meter)
			}
			out = append(out, fmt.Sprintf("%s %s %s", c.Action, c.Object, what))
		}
	}
	for _, k := range p.Kept {
		out = append(out, fmt.Sprintf("kept %s %d, in use: %t", k.Object, k.Have, k.InUse))
	}
	for _, u := range p.Unable {
		out = append(out, fmt.Sprintf("unable %s %d: %v", u.Object, u.Want, u.Err))
	}
	return out
}

func TestPlans(t *testing.T) {
	keepOthers := Rules{
		Flow: func(f *ofp.FlowStats) Policy {
			if f.Cookie>>48 == 1 {
				return Remove
			}
			return Keep
		},
	}
	for _, tt := range []struct {
		name       string
		version    ofp.Version
		has, wants texts
		rules      Rules
		plan       []string
	}{
		{name: "nothing"},
		{
			name:  "all is there, in other words",
			has:   texts{"flow priority=5,tcp,nw_dst=10.0.0.0/8,actions=set_field:1->reg0,output:2,goto_table:3"},
			wants: texts{"flow priority=5,tcp,nw_dst=10.1.2.3/255.0.0.0,tp_src=0/0,actions=set_field:1->reg0,output:2,goto_table:3"},
		},
		{
			name: "one of each way",
			has: texts{
				"flow priority=1,ip,actions=output:1", "flow priority=2,ip,cookie=1,actions=output:1",
				"flow priority=3,ip,actions=output:1", "flow priority=4,ip,actions=drop",
			},
			wants: texts{
				"flow priority=1,ip,actions=output:2", "flow priority=2,ip,cookie=2,actions=output:1",
				"flow priority=5,ip,actions=output:1", "flow priority=4,ip,actions=drop",
			},
			plan: []string{
				"add flow priority=5,ip actions=output:1",
				"replace flow cookie=0x2,priority=2,ip actions=output:1",
				"modify flow priority=1,ip actions=output:2",
				"barrier",
				"delete flow table=0,priority=3,ip",
			},
		},
		{
			name:    "what is wanted and cannot be had is not somebody else's",
			version: ofp.V12,
			has:     texts{"flow priority=1,ip,cookie=0x1000000000000,actions=output:1", "flow priority=2,ip,cookie=0x1000000000000,actions=output:1"},
			wants:   texts{"flow priority=1,ip,actions=meter:1"},
			rules:   keepOthers,
			plan:    []string{"delete flow table=0,priority=2,ip", "unable flow 0: flow_mod: instruction meter: not in OpenFlow 1.2"},
		},
		{
			name:    "where it may be told in poorer words nothing is known for somebody else's",
			version: ofp.V10,
			has:     texts{"flow priority=1,tcp,cookie=0x1000000000000,actions=output:1"},
			wants:   texts{"flow priority=1,tcp,tcp_flags=+syn,actions=output:1"},
			rules:   keepOthers,
			plan:    []string{"kept flow 0, in use: false", "unable flow 0: flow_mod: match field tcp_flags: not in OpenFlow 1.0"},
		},
		{
			name:  "a reserved cookie stands for the one that is there",
			has:   texts{"flow priority=1,ip,cookie=5,actions=output:1", "flow priority=2,ip,cookie=5,actions=output:1"},
			wants: texts{"flow priority=1,ip,cookie=0xffffffffffffffff,actions=output:1", "flow priority=2,ip,cookie=0xffffffffffffffff,actions=output:2"},
			plan:  []string{"modify flow cookie=0xffffffffffffffff,priority=2,ip actions=output:2"},
		},
		{
			name:  "a flow that overlaps goes first",
			has:   texts{"flow priority=1,tcp,actions=output:1", "flow priority=1,udp,actions=output:1"},
			wants: texts{"flow priority=1,tcp,tp_dst=80,actions=output:2"},
			plan: []string{
				"delete flow table=0,priority=1,tcp",
				"barrier",
				"add flow priority=1,tcp,tp_dst=80 actions=output:2",
				"barrier",
				"delete flow table=0,priority=1,udp",
			},
		},
		{
			name:  "all that go first where there is no room",
			has:   texts{"flow priority=1,tcp,actions=output:1"},
			wants: texts{"flow priority=2,tcp,actions=output:2"},
			rules: Rules{RemoveFirst: true},
			plan: []string{
				"delete flow table=0,priority=1,tcp", "barrier",
				"add flow priority=2,tcp actions=output:2",
			},
		},
		{
			name: "groups in a chain, before the flows and after them",
			has: texts{
				"group group_id=7,type=all,bucket=group:8", "group group_id=8,type=all,bucket=output:1",
				"flow priority=1,ip,actions=group:7", "meter meter=9,kbps,band=type=drop,rate=1",
			},
			wants: texts{
				"group group_id=1,type=all,bucket=group:2", "group group_id=2,type=all,bucket=group:3", "group group_id=3,type=all,bucket=output:1",
				"meter meter=4,kbps,band=type=drop,rate=1", "flow priority=2,ip,actions=meter:4,group:1",
			},
			plan: []string{
				"add meter 4",
				"add group 3", "barrier", "add group 2", "barrier", "add group 1", "barrier",
				"add flow priority=2,ip actions=meter:4,group:1", "barrier",
				"delete flow table=0,priority=1,ip", "barrier",
				"delete group 7", "barrier", "delete group 8", "barrier",
				"delete meter 9",
			},
		},
		{
			name:  "groups and meters change in place",
			has:   texts{"group group_id=1,type=select,bucket=weight:1,output:1", "meter meter=1,kbps,band=type=drop,rate=1", "group group_id=2,type=all,bucket=output:1"},
			wants: texts{"group group_id=1,type=select,bucket=weight:2,output:1", "meter meter=1,kbps,band=type=drop,rate=2", "group group_id=2,type=all,bucket=output:1"},
			plan:  []string{"modify meter 1", "modify group 1"},
		},
		{
			name:  "what is not ours stays, with what it uses",
			has:   texts{"flow priority=1,ip,actions=group:1", "flow cookie=0x1000000000000,priority=2,ip,actions=drop", "group group_id=1,type=all,bucket=group:2", "group group_id=2,type=all,bucket=output:1", "group group_id=3,type=all,bucket=output:1"},
			rules: keepOthers,
			plan: []string{
				"delete flow table=0,priority=2,ip", "barrier", "delete group 3",
				"kept flow 0, in use: false", "kept group 0, in use: true", "kept group 1, in use: true",
			},
		},
		{
			name:    "what a version cannot say is left out, with what needs it",
			version: ofp.V10,
			wants: texts{
				"flow priority=1,ip,actions=output:1", "flow priority=2,ipv6,ipv6_src=::1,actions=drop",
				"group group_id=1,type=all,bucket=output:1", "flow priority=3,ip,actions=group:1",
			},
			plan: []string{
				"add flow priority=1,ip actions=output:1",
				"unable group 0: group_mod: message: not in OpenFlow 1.0",
				"unable flow 1: flow_mod: match field ipv6_src: not in OpenFlow 1.0",
				"unable flow 2: flow_mod: action group: not in OpenFlow 1.0",
			},
		},
		{
			name:  "the same flow twice",
			wants: texts{"flow priority=1,ip,actions=output:1", "flow priority=1,ip,actions=output:2"},
			plan:  []string{"add flow priority=1,ip actions=output:1", "unable flow 1: the same table, priority and match as flow 0"},
		},
		{
			name:  "a table that is not there",
			wants: texts{"flow table=9,actions=drop"},
			plan:  []string{"unable flow 0: needs table 9: the switch has 4 tables"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sw := Switch{Version: ofp.V13, Tables: 4}
			if tt.version != 0 {
				sw.Version = tt.version
			}
			p := Make(sw, tt.has.has(t), tt.wants.wants(t), tt.rules)
			if d := cmp.Diff(tt.plan, show(p)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			for _, u := range p.Unable {
				if tt.version == ofp.V10 && !errors.Is(u.Err, ofp.ErrVersion) {
					t.Errorf("%v is no ErrVersion", u.Err)
				}
			}
		})
	}
}
