package e2e

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// flowLines are the flows of a bridge without what counts up, by ascending priority;
// a flow that has no priority in Open vSwitch's words is first or last.
func (l *lab) flowLines(t *testing.T, bridge string) (lines []string) {
	t.Helper()
	out, err := l.Ofctl(t.Context(), "--no-stats", "--no-names", "dump-flows", bridge)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, " reply ") {
			lines = append(lines, age.ReplaceAllString(line, ""))
		}
	}
	slices.Sort(lines)
	return lines
}

var age = regexp.MustCompile(`(idle|hard)_age=\d+, `)

// TestOwnersAndForeign is about what several writers, and nobody, have on a switch:
// owners are known by cookies and bounded by quotas, conflicts name the owner,
// foreign flows go by the rule, and nothing else goes: no transient flow, no app's,
// none that is excepted, not even when sluiced is killed and started again.
func TestOwnersAndForeign(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--foreign", "remove", "--foreign-keep", "cookie=0x10/0xff; arp", "--owner-flows", "ann=2")
	tested := []version{versions[0], versions[3]}
	var bridges []string
	for i, v := range tested {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		l.hosts(v.bridge, v.net, 2)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	want := map[string][]string{}
	for _, v := range tested {
		l.sluice(t, "add-flow", "--owner", "ann", v.bridge, "priority=20,ip,nw_dst=10.9.0.1,actions=output:1")
		l.sluice(t, "add-flow", "--owner", "ann", v.bridge, "priority=21,cookie=0xfedcba9876543210,ip,nw_dst=10.9.0.2,actions=output:1")
		l.sluice(t, "add-flow", v.bridge, "priority=22,idle_timeout=600,ip,nw_dst=10.9.0.3,actions=output:1")
		l.fails(t, `flow table=0,priority=20,ip,nw_dst=10.9.0.1 on `+v.bridge+` belongs to "ann"; nothing was changed`, "add-flow", v.bridge, "priority=20,ip,nw_dst=10.9.0.1,actions=drop")
		l.fails(t, `belongs to "ann"; nothing was changed`, "del-flows", "--owner", "bob", "--strict", v.bridge, "priority=21,ip,nw_dst=10.9.0.2")
		l.fails(t, `"ann" may have 2 flows on a switch, has 2 on `+v.bridge+`, and would have 1 more; nothing was changed`,
			"add-flow", "--owner", "ann", v.bridge, "priority=23,ip,actions=drop")
		l.fails(t, `flow table=0,priority=0 on `+v.bridge+` belongs to the app "l2switch"; nothing was changed`, "add-flow", v.bridge, "priority=0,actions=drop")
		l.fails(t, "nobody else can write as an app", "add-flow", v.bridge, "priority=0,actions=drop")
		for _, f := range []string{"priority=30,udp,actions=drop", "priority=31,cookie=0x10,tcp,actions=drop", "priority=32,arp,actions=NORMAL", "priority=33,hard_timeout=600,icmp,actions=drop"} {
			_, err := l.Ofctl(t.Context(), "add-flow", v.bridge, f)
			l.check(err)
		}
		foreign := l.sluice(t, "status", v.bridge, "--foreign")
		for _, says := range []string{": flow priority=30,udp actions=drop\n", ": flow cookie=0x10,priority=31,tcp actions=drop: it is excepted by --foreign-keep\n", ": flow priority=32,arp actions=NORMAL: it is excepted by --foreign-keep\n"} {
			if !strings.Contains(foreign, says) {
				t.Errorf("%s: --foreign prints no %q:\n%s", v.bridge, says, foreign)
			}
		}
		if n := strings.Count(foreign, "foreign since "); n != 3 {
			t.Errorf("%s: %d are foreign:\n%s", v.bridge, n, foreign)
		}
		if out := l.sluice(t, "reconcile", v.bridge); !strings.Contains(out, "2 foreign are left alone, 1 removed") {
			t.Errorf("%s: %s", v.bridge, out)
		}
		want[v.bridge] = []string{
			"cookie=0x766c000000000000, priority=20,ip,nw_dst=10.9.0.1 actions=output:1",
			"cookie=0xfedcba9876543210, priority=21,ip,nw_dst=10.9.0.2 actions=output:1",
			"idle_timeout=600, priority=22,ip,nw_dst=10.9.0.3 actions=output:1",
			"cookie=0x10, priority=31,tcp actions=drop", "priority=32,arp actions=NORMAL", "hard_timeout=600, priority=33,icmp actions=drop",
			"cookie=0xd1eb000000000001, priority=0 actions=CONTROLLER:65535",
		}
		slices.Sort(want[v.bridge])
	}
	if out := l.sluice(t, "owners"); !regexp.MustCompile(`(?m)^ann +0x766c000000000000 +4 +0 +0 +2$`).MatchString(out) {
		t.Errorf("owners prints\n%s", out)
	}
	settled := func(t *testing.T) {
		t.Helper()
		for _, v := range tested {
			// The app writes its flow beside the rest.
			err := ovs.Wait(l.within(heal), "the flows", func(context.Context) error {
				if got := l.flowLines(t, v.bridge); !slices.Equal(got, want[v.bridge]) {
					return fmt.Errorf("%s has\n%s\nand should have\n%s", v.bridge, strings.Join(got, "\n"), strings.Join(want[v.bridge], "\n"))
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	settled(t)

	t.Run("sluiced is killed", func(t *testing.T) {
		l.sluiced.Kill()
		l.startSluiced()
		l.ready(heal, bridges...)
		for _, v := range tested {
			l.sluice(t, "reconcile", v.bridge)
		}
		settled(t)
	})

	t.Run("what is adopted comes back", func(t *testing.T) {
		for _, v := range tested {
			out := l.sluice(t, "adopt", "--owner", "old", v.bridge, "tcp")
			if !strings.HasPrefix(out, "flow cookie=0x10,priority=31,tcp actions=drop\n1 adopted; revision ") {
				t.Errorf("%s: adopt prints\n%s", v.bridge, out)
			}
			l.fails(t, `belongs to "old"`, "del-flows", "--strict", v.bridge, "priority=31,tcp")
			// With the switch goes what is not kept: what is excepted and foreign, and
			// what is transient.
			want[v.bridge] = slices.DeleteFunc(want[v.bridge], func(s string) bool { return strings.Contains(s, "timeout") || strings.Contains(s, "arp") })
		}
		l.KillVswitchd()
		l.check(l.StartVswitchd(l.within(heal)))
		l.ready(heal, bridges...)
		settled(t)
	})
}

// TestAppFindsAnOwnersFlow: an app that starts where an owner has a flow that it
// wants to write leaves it as it is, and the log says why, and whose it is.
func TestAppFindsAnOwnersFlow(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	v := versions[3]
	l.bridge(v.bridge, 1, v.protocol)
	l.hosts(v.bridge, v.net, 2)
	l.ready(heal, v.bridge)
	l.sluice(t, "add-flow", "--owner", "ann", v.bridge, "priority=0,actions=NORMAL")
	before := l.flowLines(t, v.bridge)
	l.sluiced.Kill()
	l.args = []string{"--apps", "l2switch"}
	l.startSluiced()
	l.ready(heal, v.bridge)
	l.check(ovs.Wait(l.within(heal), "the log", func(context.Context) error {
		out := l.sluiced.Output()
		for _, says := range []string{"an app may not change what an owner has", "flow table=0,priority=0", "ann"} {
			if !strings.Contains(out, says) {
				return fmt.Errorf("no %q in the log", says)
			}
		}
		return nil
	}))
	if now := l.flowLines(t, v.bridge); !slices.Equal(now, before) {
		t.Errorf("%s has %v, and had %v", v.bridge, now, before)
	}
	// What the owner does with all flows that match is not about the app, and the
	// app's flow comes back at once where the owner makes room for it.
	l.sluice(t, "del-flows", "--owner", "ann", v.bridge)
	l.sluiced.Kill()
	l.startSluiced()
	l.ready(heal, v.bridge)
	miss := []string{"cookie=0xd1eb000000000001, priority=0 actions=CONTROLLER:65535"}
	wait := func(what string) {
		t.Helper()
		l.check(ovs.Wait(l.within(heal), what, func(context.Context) error {
			if now := l.flowLines(t, v.bridge); !slices.Equal(now, miss) {
				return fmt.Errorf("%s has %v", v.bridge, now)
			}
			return nil
		}))
	}
	wait("the app's flow")
	l.sluice(t, "add-flow", "--owner", "ann", v.bridge, "priority=5,arp,actions=NORMAL")
	l.sluice(t, "del-flows", "--owner", "ann", v.bridge)
	wait("the app's flow, after all were deleted")
}
