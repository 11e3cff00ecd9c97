package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestExportAppliesAgain: what bridges of all versions were told, line by line, is
// exported, applied again with an empty plan, applied to empty bridges, and rolled
// back to; after each the bridge has what it had.
func TestExportAppliesAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	var bridges []string
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		l.hosts(v.bridge, v.net, 2)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	told, total, settings := map[string]int{}, 0, 0
	for _, v := range versions {
		for _, x := range stateLines {
			if x.from <= v.name {
				l.sluice(t, x.verb, v.bridge, x.text)
				told[v.bridge]++
				total++
			}
		}
	}
	bare := map[string]string{}
	for _, v := range versions {
		if v.name == "1.1" {
			// Open vSwitch 3.1 tells the misses of 1.1 by numbers of its own, one more than
			// they were set to, and another where nobody has set them.
			_, err := l.Ofctl(t.Context(), "-O", v.protocol, "mod-table", v.bridge, "all", "controller")
			l.check(err)
		}
		bare[v.bridge] = l.setUp(t, v)
		for _, x := range settingLines {
			if slices.Contains(x.in, v.name) {
				l.sluice(t, strings.Fields(strings.NewReplacer("BRIDGE", v.bridge, "NET", fmt.Sprint(v.net)).Replace(x.line))...)
				total, settings = total+x.adds, settings+x.adds
			}
		}
	}
	before, set := map[string]string{}, map[string]string{}
	for _, v := range versions {
		before[v.bridge], set[v.bridge] = l.whole(t, v), l.setUp(t, v)
		if set[v.bridge] == bare[v.bridge] {
			t.Errorf("nothing is set on %s:\n%s", v.bridge, set[v.bridge])
		}
	}
	setUp := func(after string, want map[string]string) {
		t.Helper()
		for _, v := range versions {
			if now := l.setUp(t, v); now != want[v.bridge] {
				t.Errorf("%s: %s is set up as\n%s\nand was as\n%s", after, v.bridge, now, want[v.bridge])
			}
		}
	}
	l.file(t, "net.json", l.sluice(t, "-o", "json", "export"))
	l.file(t, "net.yaml", l.sluice(t, "export"))
	nothing := fmt.Sprintf("nothing to do: %d as they should be\n", total)
	if out := l.sluice(t, "plan", "--prune", "-f", l.path("net.yaml")); out != nothing {
		t.Errorf("the plan of what was exported is not empty:\n%s", out)
	}
	if out := l.sluice(t, "plan", "--prune", "-f", l.path("net.json")); out != nothing {
		t.Errorf("the plan of what was exported as JSON is not empty:\n%s", out)
	}

	// What the lines themselves say is the same too; they say nothing of settings,
	// which stay.
	nothing = fmt.Sprintf("nothing to do: %d as they should be\n", total-settings)
	var lines strings.Builder
	lines.WriteString("switches:\n")
	for _, v := range versions {
		fmt.Fprintf(&lines, "  %s:\n", v.bridge)
		for _, kind := range []string{"group", "meter", "flow"} {
			list := ""
			for _, x := range stateLines {
				if x.verb == "add-"+kind && x.from <= v.name {
					list += "      - '" + x.text + "'\n"
				}
			}
			if list != "" {
				fmt.Fprintf(&lines, "    %ss:\n%s", kind, list)
			}
		}
	}
	l.file(t, "lines.yaml", lines.String())
	if out := l.sluice(t, "plan", "--prune", "-f", l.path("lines.yaml")); out != nothing {
		t.Errorf("the plan of what was written is not empty:\n%s", out)
	}

	full := l.revision(t)
	l.file(t, "none.yaml", "switches:", "  br10: &none {ports: , tables: , fragments: }", "  br11: *none", "  br12: *none", "  br13: *none")
	out := l.sluice(t, "apply", "--prune", "--yes", "-f", l.path("none.yaml"))
	if want := fmt.Sprintf("plan: 0 to add, 0 to change, %d to remove; 0 as they should be\n", total); !strings.Contains(out, want) {
		t.Errorf("to remove everything: %s", out)
	}
	for _, v := range versions {
		l.settled(t, v, "", 0)
	}
	setUp("nothing is wanted", bare)
	out = l.sluice(t, "apply", "--prune", "--yes", "-f", l.path("net.yaml"))
	if want := fmt.Sprintf("plan: %d to add, 0 to change, 0 to remove; 0 as they should be\n", total); !strings.Contains(out, want) {
		t.Errorf("to add everything: %s", out)
	}
	for _, v := range versions {
		l.settled(t, v, before[v.bridge], told[v.bridge])
	}
	setUp("applied again", set)

	l.sluice(t, "apply", "--prune", "--yes", "-f", l.path("none.yaml"))
	l.sluice(t, "rollback", "--yes", full)
	for _, v := range versions {
		l.settled(t, v, before[v.bridge], told[v.bridge])
	}
	setUp("rolled back", set)

	// A change in place keeps the flow's counters, and nothing else is touched.
	for _, v := range versions {
		l.file(t, "one.yaml", "switches:", "  "+v.bridge+":", "    flows:", "    - priority=10,udp,actions=drop")
		out := l.sluice(t, "apply", "--yes", "-f", l.path("one.yaml"))
		if want := "  ~ flow priority=10,udp actions=NORMAL\n      to priority=10,udp actions=drop\nplan: 0 to add, 1 to change, 0 to remove; 0 as they should be\n"; !strings.Contains(out, want) {
			t.Errorf("%s: %s", v.name, out)
		}
		l.settled(t, v, strings.Replace(before[v.bridge], "priority=10,udp actions=NORMAL", "priority=10,udp actions=drop", 1), told[v.bridge])
	}
}

// settingLines are how bridges are set up, and how many settings each line adds. NET
// is the number of the bridge's network.
var settingLines = []struct {
	in   []string
	line string
	adds int
}{
	{[]string{"1.0"}, "mod-port BRIDGE nNETh1 no-flood", 1},
	{[]string{"1.0", "1.1", "1.2", "1.3"}, "mod-port BRIDGE nNETh2 no-forward", 1},
	{[]string{"1.0", "1.1", "1.2", "1.3"}, "mod-port BRIDGE 2 no-packet-in", 0},
	{[]string{"1.3"}, "mod-port BRIDGE nNETh1 down", 1},
	{[]string{"1.1", "1.2"}, "mod-table BRIDGE all drop", 1},
	{[]string{"1.1", "1.2"}, "mod-table BRIDGE 3 continue", 1},
	{[]string{"1.0", "1.2"}, "set-frags BRIDGE drop", 1},
}

// setUp is how a bridge's ports, tables and fragments are set up.
func (l *lab) setUp(t *testing.T, v version) string {
	t.Helper()
	var all []string
	for _, verb := range []string{"dump-ports-desc", "get-frags", "dump-tables"} {
		out, err := l.Ofctl(t.Context(), "-O", v.protocol, verb, v.bridge)
		l.check(err)
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); strings.Contains(line, "config") && !strings.Contains(line, "reply") || verb == "get-frags" {
				all = append(all, line)
			}
		}
	}
	return strings.Join(all, "\n")
}

// revision is that of the last change.
func (l *lab) revision(t *testing.T) string {
	t.Helper()
	_, rev, ok := strings.Cut(l.sluice(t, "status"), "\nrevision ")
	if !ok {
		t.Fatal("status tells no revision")
	}
	return strings.TrimSpace(rev)
}
