package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLevelsWhereOneIsRefused writes three flows of which the bridge refuses one,
// with each level. Who waits for the bridge is told which one and why, and nothing of
// it stays; else the other two stay, and status tells of the third.
func TestLevelsWhereOneIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	l.expected = []string{"OFPBAC_BAD_OUT_GROUP", "OFPBFC_MSG_FAILED"}
	const bad, why = "priority=2,udp,actions=group:77", "OFPBAC_BAD_OUT_GROUP"
	some := []version{versions[2], versions[3]} // without bundles, and with them
	for i, v := range some {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
	}
	l.ready(heal, some[0].bridge, some[1].bridge)
	for _, v := range some {
		file := filepath.Join(t.TempDir(), "flows.txt")
		l.check(os.WriteFile(file, []byte("priority=1,tcp,actions=drop\n"+bad+"\npriority=3,icmp,actions=drop\n"), 0o600))
		for _, level := range []string{"confirmed", "verified"} {
			out, err := l.Run(t.Context(), filepath.Join(bin, "sluice"), "add-flows", "--level", level, v.bridge, file)
			if err == nil {
				t.Errorf("%s, %s: %s", v.name, level, out)
				continue
			}
			for _, want := range []string{"line 2", why, bad} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: want %q in\n%v", v.name, level, want, err)
				}
			}
			if all := l.whole(t, v); all != "" {
				t.Errorf("%s, %s: the bridge has\n%s", v.name, level, all)
			}
			l.stands(t, v.bridge, 0, 0, 0)
		}
		for _, level := range []string{"sent", "stored"} {
			l.sluice(t, "add-flows", "--level", level, v.bridge, file)
			l.stands(t, v.bridge, 2, 0, 1)
			out := l.sluice(t, "status", v.bridge)
			if !strings.Contains(out, "degraded since ") || !strings.Contains(out, why) || strings.Count(l.whole(t, v), "\n") != 1 {
				t.Errorf("%s, %s: status tells\n%s\nand the bridge has\n%s", v.name, level, out, l.whole(t, v))
			}
			l.sluice(t, "del-flows", "--level", "verified", v.bridge)
			l.stands(t, v.bridge, 0, 0, 0)
		}
	}
	// A group goes, and the flow that uses it with it.
	v := versions[3]
	file := filepath.Join(t.TempDir(), "changes.txt")
	l.check(os.WriteFile(file, []byte("group add group_id=1,type=all,bucket=output:1\nflow add priority=1,ip,actions=group:1\nflow add priority=2,arp,actions=drop\ngroup delete group_id=1\n"), 0o600))
	l.sluice(t, "bundle", "--level", "verified", v.bridge, file)
	l.stands(t, v.bridge, 1, 0, 0)
}
