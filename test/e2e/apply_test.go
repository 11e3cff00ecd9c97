package e2e

import (
	"fmt"
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
	told, total := map[string]int{}, 0
	for _, v := range versions {
		for _, x := range stateLines {
			if x.from <= v.name {
				l.sluice(t, x.verb, v.bridge, x.text)
				told[v.bridge]++
				total++
			}
		}
	}
	before := map[string]string{}
	for _, v := range versions {
		before[v.bridge] = l.whole(t, v)
	}
	l.file(t, "net.yaml", l.sluice(t, "export"))
	nothing := fmt.Sprintf("nothing to do: %d as they should be\n", total)
	if out := l.sluice(t, "plan", "--prune", "-f", l.path("net.yaml")); out != nothing {
		t.Errorf("the plan of what was exported is not empty:\n%s", out)
	}

	// What the lines themselves say is the same too.
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
	l.file(t, "none.yaml", "switches: {br10: , br11: , br12: , br13: }")
	out := l.sluice(t, "apply", "--prune", "--yes", "-f", l.path("none.yaml"))
	if want := fmt.Sprintf("plan: 0 to add, 0 to change, %d to remove; 0 as they should be\n", total); !strings.Contains(out, want) {
		t.Errorf("to remove everything: %s", out)
	}
	for _, v := range versions {
		l.settled(t, v, "", 0)
	}
	out = l.sluice(t, "apply", "--prune", "--yes", "-f", l.path("net.yaml"))
	if want := fmt.Sprintf("plan: %d to add, 0 to change, 0 to remove; 0 as they should be\n", total); !strings.Contains(out, want) {
		t.Errorf("to add everything: %s", out)
	}
	for _, v := range versions {
		l.settled(t, v, before[v.bridge], told[v.bridge])
	}

	l.sluice(t, "apply", "--prune", "--yes", "-f", l.path("none.yaml"))
	l.sluice(t, "rollback", "--yes", full)
	for _, v := range versions {
		l.settled(t, v, before[v.bridge], told[v.bridge])
	}

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

// revision is that of the last change.
func (l *lab) revision(t *testing.T) string {
	t.Helper()
	_, rev, ok := strings.Cut(l.sluice(t, "status"), "\nrevision ")
	if !ok {
		t.Fatal("status tells no revision")
	}
	return strings.TrimSpace(rev)
}
