package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestGroupsAndMeters lets packets through groups, in the versions that have
// them, and a meter, and compares what sluice and ovs-ofctl print.
func TestGroupsAndMeters(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	var bridges []string
	for i, v := range versions[1:] {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	for _, v := range versions[1:] {
		h := l.hosts(v.bridge, v.net, 2)
		t.Run(v.name, func(t *testing.T) {
			a, b := h[0], h[1]
			l.sluice(t, "add-group", v.bridge, fmt.Sprintf("group_id=1,type=select,bucket=output:%d", b.Port))
			l.sluice(t, "add-group", v.bridge, fmt.Sprintf("group_id=2,type=all,bucket=output:%d", a.Port))
			l.sluice(t, "add-flow", v.bridge, fmt.Sprintf("in_port=%d,actions=group:1", a.Port))
			l.sluice(t, "add-flow", v.bridge, fmt.Sprintf("in_port=%d,actions=group:2", b.Port))
			l.reaches(t, a, b)
			theirs, err := l.Ofctl(t.Context(), "dump-groups", v.bridge)
			if err != nil {
				t.Fatal(err)
			}
			_, theirs, _ = strings.Cut(theirs, "\n")
			if ours := l.sluice(t, "dump-groups", v.bridge); strings.ReplaceAll(theirs, "\n ", "\n") != " "+ours {
				t.Errorf("dump-groups prints\n%s\novs-ofctl\n%s", ours, theirs)
			}
			if v.name == "1.3" {
				l.sluice(t, "add-meter", v.bridge, "meter=1,kbps,band=type=drop,rate=100000")
				l.sluice(t, "add-flow", v.bridge, fmt.Sprintf("in_port=%d,actions=meter:1,group:1", a.Port))
				l.reaches(t, a, b)
				if out := l.sluice(t, "meter-stats", v.bridge, "meter=1"); !strings.Contains(out, "flow_count:1 ") {
					t.Errorf("meter-stats: %s", out)
				}
				l.sluice(t, "del-meters", v.bridge)
			}
			l.sluice(t, "del-groups", v.bridge, "group_id=1")
			l.blocked(t, a, b)
			l.sluice(t, "del-groups", v.bridge)
			if out := l.sluice(t, "dump-flows", v.bridge); strings.Contains(out, "group:") {
				t.Errorf("flows outlive their groups:\n%s", out)
			}
		})
	}
}
