package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

const setupYAML = `switches:
  br0:
    ports:
      eth1: [no-flood, down]
      2: up
    fragments: drop
  br1:
    tables: {all: drop, 3: continue}
`

// TestSettingsInFiles: how switches are set up is planned, applied, exported and
// rolled back, and what is wrong in a file is told with its line.
func TestSettingsInFiles(t *testing.T) {
	d := newStateDaemon(t)
	ports := []ofp.Port{{No: 1, Name: "eth1"}, {No: 2, Name: "eth2"}}
	d.bridge(simswitch.Config{Name: "br0", DPID: 1, Versions: []ofp.Version{ofp.V10}, Ports: ports})
	d.bridge(simswitch.Config{Name: "br1", DPID: 2, Versions: []ofp.Version{ofp.V12}, Ports: ports})
	adds := `br0
  + port eth1 down,no-flood
  + port eth2 up
  + fragments drop
br1
  + table 3 continue
  + table all drop
plan: 5 to add, 0 to change, 0 to remove; 0 as they should be
`
	if diff := cmp.Diff(adds, d.must(setupYAML, "plan", "-f", "-")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	d.must(setupYAML, "apply", "--yes", "-f", "-")
	for _, form := range []string{"text", "yaml", "json"} {
		if out := d.must(d.must("", "-o", form, "export"), "plan", "--prune", "-f", "-"); out != "nothing to do: 5 as they should be\n" {
			t.Errorf("what is exported as %s: %s", form, out)
		}
	}
	edited := "switches: {br0: {ports: {eth1: 'flood'}}, br1: {tables: {all: drop}}}"
	if out := d.must(edited, "plan", "--prune", "-f", "-"); !strings.Contains(out, "  - port eth2 up\n") {
		t.Errorf("a part that is there is whole:\n%s", out)
	}
	edited = "switches: {br0: {ports: {eth1: flood, eth2: up}}, br1: {tables: {all: drop}}}"
	out := d.must(edited, "apply", "--yes", "--prune", "-f", "-")
	for _, line := range []string{"  ~ port eth1 down,no-flood\n      to eth1 flood\n", "  - table 3 continue\n", "br1: 0 added, 0 changed, 1 removed, confirmed; revision "} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if strings.Contains(out, "fragments") {
		t.Errorf("a part that is not there is left alone:\n%s", out)
	}
	d.must("", "rollback", "--yes", "2")
	if out := d.must(setupYAML, "plan", "--prune", "-f", "-"); out != "nothing to do: 5 as they should be\n" {
		t.Errorf("after the rollback: %s", out)
	}
	for _, row := range []struct{ file, want string }{
		{"switches:\n  br0:\n    ports: {eth1: [down, dwn]}", `-:3: switches.br0.ports.eth1: "dwn": want down, flood`},
		{"switches:\n  br0:\n    ports: {eth1: [down, up]}", "-:3: switches.br0.ports.eth1: up: down is there already"},
		{"switches:\n  br0:\n    ports: {eth1: []}", "-:3: switches.br0.ports.eth1: there is no word"},
		{"switches:\n  br0:\n    ports: {eth1: {down: 1}}", "-:3: switches.br0.ports.eth1: want words of mod-port"},
		{"switches:\n  br0:\n    ports: {eth9: down}", "-:3: switches.br0.ports[0]"},
		{"switches:\n  br0:\n    ports: {eth1: down, 1: up}", `"1" is there already`},
		{"switches:\n  br1:\n    tables: {255: drop}", `-:3: switches.br1.tables: table "255"`},
		{"switches:\n  br1:\n    tables: {1: [drop]}", "-:3: switches.br1.tables.1: \"\": want continue, controller, drop"},
		{"switches:\n  br1:\n    fragments: all", `-:3: switches.br1.fragments: "all": want drop, normal`},
		{"switches:\n  br1:\n    ports: {eth1: no-flood}", "br1: port eth1: port_mod: port configuration no_flood: not in OpenFlow 1.2, the version of br1; nothing was changed"},
		{"switches:\n  br0:\n    tables: {1: drop}", "not in OpenFlow 1.0, the version of br0; nothing was changed"},
	} {
		if r := d.sluice(row.file, "plan", "-f", "-"); r.code == 0 || !strings.Contains(r.err, row.want) {
			t.Errorf("%s: exit %d, %s", row.file, r.code, r.err)
		}
	}
}

// TestStatusOfASlave: it is told, and nothing is changed anywhere.
func TestStatusOfASlave(t *testing.T) {
	d := newStateDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", DPID: 1})
	d.bridge(simswitch.Config{Name: "br1", DPID: 2})
	d.must("", "set-role", "br1", "slave")
	for _, args := range [][]string{{"status"}, {"status", "br1"}} {
		out := d.must("", args...)
		if !strings.Contains(out, "br1 (slave)") || !strings.Contains(out, "br1: this controller is slave since ") || !strings.Contains(out, "holds nothing true there") || strings.Contains(out, "br0 (slave)") {
			t.Errorf("%v:\n%s", args, out)
		}
	}
	r := d.sluice("switches: {br0: {flows: ['arp,actions=drop']}, br1: {flows: ['arp,actions=drop']}}", "apply", "--yes", "-f", "-")
	if r.code == 0 || !strings.Contains(r.err, "br1: this controller is its slave: write through the master, or sluice set-role br1 master; nothing was changed") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	if out := d.must("", "history"); strings.Count(out, "\n") != 1 {
		t.Errorf("something was changed:\n%s", out)
	}
}
