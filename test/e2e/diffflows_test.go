package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestDiffAndReplaceFlows compares bridges with files by sluice and by ovs-ofctl:
// they say the same, exit alike, and after sluice replace-flows neither finds a
// difference.
func TestDiffAndReplaceFlows(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	var bridges []string
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			// What each version says in the words that it was written in.
			l.file(t, v.bridge+".old", "priority=9,ip,nw_src=10.0.0.0/8,actions=output:1", "cookie=7,tcp,tp_dst=80,actions=CONTROLLER:128",
				"priority=5,idle_timeout=600,arp,actions=NORMAL", "priority=4,in_port=2,actions=FLOOD", "actions=drop", "priority=3,udp,actions=output:1,output:2")
			l.sluice(t, "add-flows", v.bridge, l.path(v.bridge+".old"))
			l.file(t, v.bridge+".new", "priority=9,ip,nw_src=10.0.0.0/8,actions=output:2", "cookie=8,tcp,tp_dst=80,actions=CONTROLLER:128",
				"priority=5,idle_timeout=601,arp,actions=NORMAL", "priority=6,in_port=2,actions=FLOOD", "actions=drop", "priority=3,udp,actions=output:1,output:2")
			for _, file := range []string{".old", ".new"} {
				for _, swap := range []bool{false, true} {
					args := []string{"diff-flows", v.bridge, l.path(v.bridge + file)}
					if swap {
						slices.Reverse(args[1:])
					}
					theirs, err := l.Ofctl(t.Context(), args...)
					ours, errOurs := l.Run(t.Context(), append([]string{filepath.Join(bin, "sluice")}, args...)...)
					if exitStatus(t, err) != exitStatus(t, errOurs) || sorted(theirs) != sorted(ours) {
						t.Errorf("%v: sluice prints, with status %d,\n%s\novs-ofctl, with status %d,\n%s", args, exitStatus(t, errOurs), ours, exitStatus(t, err), theirs)
					}
				}
			}
			l.sluice(t, "replace-flows", v.bridge, l.path(v.bridge+".new"))
			if out, err := l.Ofctl(t.Context(), "diff-flows", v.bridge, l.path(v.bridge+".new")); err != nil || out != "" {
				t.Errorf("after replace-flows: %v\n%s", err, out)
			}
			// A bridge has what it was given, in whatever words.
			var lines []string
			for _, x := range stateLines {
				if x.verb == "add-flow" && x.from <= v.name && !strings.Contains(x.text, "group:") && !strings.Contains(x.text, "meter:") {
					lines = append(lines, x.text)
				}
			}
			l.file(t, v.bridge+".all", lines...)
			l.sluice(t, "replace-flows", v.bridge, l.path(v.bridge+".all"))
			if out := l.sluice(t, "diff-flows", v.bridge, l.path(v.bridge+".all")); out != "" {
				t.Errorf("what was just written differs:\n%s", out)
			}
			if out := l.sluice(t, "-o", "json", "replace-flows", v.bridge, l.path(v.bridge+".all")); !strings.Contains(out, `"confirmed": 0`) {
				t.Errorf("something is sent again: %s", out)
			}
			l.sluice(t, "del-flows", v.bridge)
		})
	}
}

// path is that of a test's own file.
func (l *lab) path(name string) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("%s.%s", l.Name, name))
}

// file writes lines into a file of the test's own.
func (l *lab) file(t *testing.T, name string, lines ...string) {
	t.Helper()
	t.Cleanup(func() { os.Remove(l.path(name)) })
	if err := os.WriteFile(l.path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// exitStatus is the exit status of a command.
func exitStatus(t *testing.T, err error) int {
	t.Helper()
	var failed *ovs.CommandError
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &failed) || !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
