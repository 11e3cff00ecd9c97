package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// newStateDaemon is a daemon that keeps desired state, in memory.
func newStateDaemon(t *testing.T) *daemon {
	t.Helper()
	st, err := desired.New(t.Context(), store.NewMemory(store.Options{History: 20}))
	if err != nil {
		t.Fatal(err)
	}
	return newDaemonWith(t, controller.Config{Desired: st})
}

const netYAML = `switches:
  br0:
    meters:
      - meter=1,kbps,band=type=drop,rate=10
    flows:
      - priority=9,udp,actions=meter:1,group:1
      - priority: 5
        match: {eth_type: 0x0806}
        actions: [{output: {port: 2}}]
    groups:
      - group_id=1,type=all,bucket=output:1,bucket=output:2
  br1:
    flows:
      - arp,actions=drop
`

func TestPlanAndApply(t *testing.T) {
	d := newStateDaemon(t)
	d.bridge(simswitch.Config{Name: "br0"})
	d.bridge(simswitch.Config{Name: "br1", DPID: 2, Versions: []ofp.Version{ofp.V10}})
	wantPlan := `br0
  + meter meter=1,kbps,bands=type=drop,rate=10
  + group group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2
  + flow priority=9,udp actions=meter:1,group:1
  + flow priority=5,arp actions=output:2
br1
  + flow arp actions=drop
plan: 5 to add, 0 to change, 0 to remove; 0 as they should be
`
	if diff := cmp.Diff(wantPlan, d.must(netYAML, "plan", "-f", "-")); diff != "" {
		t.Errorf("plan: -want +got\n%s", diff)
	}
	if out := d.must("", "dump-flows", "br0"); out != "" {
		t.Errorf("a plan has changed something:\n%s", out)
	}
	if r := d.sluice(netYAML, "apply", "-f", "-"); r.code != exitError || !strings.Contains(r.err, "--yes") || d.must("", "dump-flows", "br0") != "" {
		t.Errorf("nobody was asked: %d\n%s%s", r.code, r.out, r.err)
	}
	out := d.must(netYAML, "apply", "--yes", "-f", "-")
	wantTexts(t, "apply", out, wantPlan, "br0: 4 added, 0 changed, 0 removed, confirmed; revision ", "br1: 1 added, ")
	if out := d.must(netYAML, "apply", "--yes", "-f", "-"); out != "nothing to do: 5 as they should be\n" {
		t.Errorf("again: %s", out)
	}

	exported := d.must("", "export")
	if out := d.must(exported, "plan", "--prune", "-f", "-"); out != "nothing to do: 5 as they should be\n" {
		t.Errorf("plan of what was exported: %s\n%s", out, exported)
	}
	if out := d.must(d.must("", "-o", "json", "export", "br1"), "plan", "--prune", "-f", "-"); out != "nothing to do: 1 as they should be\n" {
		t.Errorf("plan of what was exported: %s", out)
	}

	before := d.must("", "-o", "json", "status")
	changed := strings.Replace(strings.Replace(netYAML, "rate=10", "rate=20", 1), "      - priority=9,udp,actions=meter:1,group:1\n", "", 1)
	wantPlan = `br0
  ~ meter meter=1,kbps,bands=type=drop,rate=10
       to meter=1,kbps,bands=type=drop,rate=20
  - flow priority=9,udp actions=meter:1,group:1
plan: 0 to add, 1 to change, 1 to remove; 3 as they should be
`
	out = d.must(changed, "apply", "--prune", "--yes", "--note", "less", "-f", "-")
	wantTexts(t, "apply", out, wantPlan, "br0: 0 added, 1 changed, 1 removed", "br1: nothing to do")
	wantTexts(t, "history", d.must("", "history"), "less")

	_, rev, _ := strings.Cut(before, `"revision": "`)
	rev, _, _ = strings.Cut(rev, `"`)
	wantTexts(t, "rollback", d.must("", "rollback", "--yes", rev), "  + flow priority=9,udp actions=meter:1,group:1\n", "plan: 1 to add, 1 to change, 0 to remove; 2 as they should be\n", "br0: 1 added, 1 changed, 0 removed")
	if out := d.must(netYAML, "plan", "--prune", "-f", "-"); out != "nothing to do: 5 as they should be\n" {
		t.Errorf("after rollback: %s", out)
	}
	if out := d.must("", "rollback", "--yes", rev); out != "nothing to do\n" {
		t.Errorf("rollback once more: %s", out)
	}
	r := d.sluice("", "rollback", "9999")
	if wantTexts(t, "rollback", r.err, "there is no such revision"); r.code != exitError {
		t.Errorf("status %d", r.code)
	}
	for range 25 {
		d.must("", "add-flow", "br1", "udp,actions=drop")
		d.must("", "del-flows", "br1", "udp")
	}
	r = d.sluice("", "rollback", rev)
	if wantTexts(t, "rollback", r.err, "history is not kept so far back"); r.code != exitError {
		t.Errorf("status %d", r.code)
	}
}

// TestOneOfSeveralFails has the second of three switches refuse: the first is
// brought back, the third is not tried, and all of that is said.
func TestOneOfSeveralFails(t *testing.T) {
	d := newStateDaemon(t)
	for i, name := range []string{"br0", "br1", "br2"} {
		cfg := simswitch.Config{Name: name, DPID: ofp.DPID(i + 1)}
		if name == "br1" {
			cfg.MaxFlows = 2
		}
		d.bridge(cfg)
		d.must("", "add-flow", name, "priority=1,arp,actions=drop")
	}
	file := "switches:\n"
	for _, name := range []string{"br0", "br1", "br2"} {
		file += "  " + name + ":\n    flows:\n    - priority=3,ip,actions=drop\n    - priority=2,ip,actions=drop\n"
	}
	exported := d.must("", "export")
	r := d.sluice(file, "apply", "--yes", "-f", "-")
	if r.code != exitError {
		t.Errorf("status %d: %s", r.code, r.out)
	}
	wantTexts(t, "stderr", r.err, "sluice: br1: priority=2,ip actions=drop: refused: ", "OFPFMFC_TABLE_FULL", "; brought back to what was desired before: br0; not tried: br2\n", "  -:9: switches.br1.flows[1]\n  priority=2,ip,actions=drop\n")
	for _, name := range []string{"br0", "br1", "br2"} {
		if out := d.must("", "dump-flows", name); strings.Count(out, "\n") != 1 || !strings.Contains(out, "priority=1,arp") {
			t.Errorf("%s has\n%s", name, out)
		}
	}
	if again := d.must("", "export"); again != exported {
		t.Errorf("exported\n%s\nand before\n%s", again, exported)
	}
}

func TestFaultsOfAFile(t *testing.T) {
	d := newStateDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V10}})
	d.must("", "add-flow", "br0", "priority=9,udp,actions=drop")
	for _, row := range []struct {
		name, file string
		says       []string
	}{
		{"empty", "", []string{"sluice: -: is empty"}},
		{"no YAML", "switches:\n  br0: [\n", []string{"sluice: -:"}},
		{"no mapping", "- a\n", []string{"sluice: -:1: want a mapping with switches"}},
		{"unknown field", "switches:\n  br0:\n    flow: []\n", []string{`sluice: -:3: switches.br0: unknown field "flow": want flows, groups, meters`}},
		{"switch twice", "switches:\n  br0:\n  br0:\n", []string{"sluice: -:3: switches: br0 is there already, in line 2"}},
		{"no list", "switches:\n  br0:\n    flows: arp,actions=drop\n", []string{"sluice: -:3: switches.br0.flows: want a list"}},
		{"field of a flow", "switches:\n  br0:\n    flows:\n    - priority: 5\n      prioritty: 5\n", []string{`sluice: -:5: switches.br0.flows[0]: unknown field "prioritty"`}},
		{"type of a field", "switches:\n  br0:\n    flows:\n    - match: {}\n      priority: x\n", []string{"sluice: -:5: switches.br0.flows[0]: ", "priority"}},
		{"range of a field", "switches:\n  br0:\n    flows:\n    - match: {}\n      priority: 70000\n", []string{"  -:5: switches.br0.flows[0].priority\n", "70000: want at most 65535"}},
		{"two documents", "switches: {br0: }\n---\na: b\n", []string{"more than one YAML document"}},
		{"text", "switches:\n  br0:\n    flows:\n    - arp,actions=drop\n    - ip,nw_srcc=1.2.3.4,actions=drop\n", []string{"nw_srcc", "  -:5: switches.br0.flows[1]\n  ip,nw_srcc=1.2.3.4,actions=drop\n     ^\n"}},
		{"version", "switches:\n  br0:\n    groups:\n    - group_id=1,type=all,bucket=output:1\n", []string{"not in OpenFlow 1.0, the version of br0; nothing was changed\n", "  -:4: switches.br0.groups[0]\n"}},
		{"timeout", "switches:\n  br0:\n    flows:\n    - idle_timeout=5,arp,actions=drop\n", []string{"timeouts", "  -:4: switches.br0.flows[0]\n"}},
		{"twice", "switches:\n  br0:\n    flows: [\"arp,actions=drop\", \"arp,actions=1\"]\n", []string{"wanted twice", "  -:3: switches.br0.flows[1]\n"}},
		{"unknown switch", "switches:\n  br9:\n", []string{`no switch "br9" is connected`}},
		{"one switch by two names", "switches:\n  br0:\n  \"0000000000000001\":\n", []string{"switches[0] too"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, verb := range [][]string{{"plan", "--prune", "-f", "-"}, {"apply", "--prune", "--yes", "-f", "-"}} {
				r := d.sluice(row.file, verb...)
				if r.code != exitError || r.out != "" {
					t.Errorf("status %d, %s", r.code, r.out)
				}
				wantTexts(t, "stderr", r.err, row.says...)
			}
		})
	}
	r := d.sluice("switches: {br0: {flows: [\"priority=9,udp,actions=1\"]}}", "plan", "--owner", "me", "-f", "-")
	wantTexts(t, "stderr", r.err, "belongs to the default owner; nothing was changed", "switches.br0.flows[0]")
	if out := d.must("", "dump-flows", "br0"); !strings.Contains(out, "udp actions=drop") {
		t.Error(out)
	}
	if r := d.sluice("", "plan"); r.code != exitUsage {
		t.Errorf("status %d", r.code)
	}
}

// TestApplyNeedsState: without desired state there is nothing to plan against.
func TestApplyNeedsState(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0"})
	for _, args := range [][]string{{"plan", "-f", "-"}, {"apply", "--yes", "-f", "-"}, {"export"}, {"rollback", "1"}} {
		r := d.sluice("switches: {br0: }", args...)
		if wantTexts(t, "stderr", r.err, "--state"); r.code != exitError {
			t.Errorf("%v: status %d", args, r.code)
		}
	}
}

func TestColour(t *testing.T) {
	all := []*sluicev1.SwitchPlan{{Switch: "br0", Same: 2, Changes: []*sluicev1.PlannedChange{
		{Kind: "flow", After: "a"}, {Kind: "flow", Before: "b", After: "c"}, {Kind: "flow", Before: "d"},
	}}}
	var b bytes.Buffer
	printPlan(&b, all, colour)
	want := "br0\n\x1b[32m  + flow a\x1b[0m\n\x1b[33m  ~ flow b\x1b[0m\n\x1b[33m      to c\x1b[0m\n\x1b[31m  - flow d\x1b[0m\nplan: 1 to add, 1 to change, 1 to remove; 2 as they should be\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	if paint(&b)('+', "x") != "x" {
		t.Error("what is no terminal gets colours")
	}
	c := &client{in: strings.NewReader("y\n"), out: &b, output: "text"}
	if err := c.sure(false, "?"); err == nil {
		t.Error("nobody can be asked, and it goes on")
	}
}

// TestOneOfSeveralGoesAway has the second of two switches go in the middle: the
// first is brought back at once, the second when it is back.
func TestOneOfSeveralGoesAway(t *testing.T) {
	d := newStateDaemon(t)
	var br1 *simswitch.Switch
	for i, name := range []string{"br0", "br1"} {
		br1 = d.bridge(simswitch.Config{Name: name, DPID: ofp.DPID(i + 1)})
		d.must("", "add-flow", name, "priority=1,arp,actions=drop")
	}
	exported := d.must("", "export")
	br1.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) simswitch.Fault {
		if f, ok := m.(*ofp.FlowMod); ok && f.Priority == 3 {
			return simswitch.Fault{Disconnect: true}
		}
		return simswitch.Fault{}
	})
	file := "switches:\n"
	for _, name := range []string{"br0", "br1"} {
		file += "  " + name + ":\n    flows:\n    - priority=3,ip,actions=drop\n    - priority=2,ip,actions=drop\n"
	}
	r := d.sluice(file, "apply", "--prune", "--yes", "-f", "-")
	wantTexts(t, "stderr", r.err, "sluice: br1: ", "; brought back to what was desired before: br1, br0\n")
	if r.code != exitError || strings.Contains(r.err, "NOT") {
		t.Errorf("status %d: %s", r.code, r.err)
	}
	br1.SetFaults(nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := br1.Dial(ctx, d.openflow); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := d.c.Find("br1"); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal("br1 is not back")
		case <-time.After(2 * time.Millisecond):
		}
	}
	for _, name := range []string{"br0", "br1"} {
		if out := d.must("", "dump-flows", name); strings.Count(out, "\n") != 1 || !strings.Contains(out, "priority=1,arp") {
			t.Errorf("%s has\n%s", name, out)
		}
	}
	if again := d.must("", "export"); again != exported {
		t.Errorf("exported\n%s\nand before\n%s", again, exported)
	}
}
