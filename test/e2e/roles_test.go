package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// second is another controller beside the lab's.
type second struct {
	l       *lab
	process *ovs.Process
}

const (
	secondOpenFlow = "127.0.0.1:6654"
	secondGRPC     = "127.0.0.1:8654"
	secondHTTP     = "127.0.0.1:9654"
)

// newSecond starts another controller with the arguments. At the test's end it must
// stop cleanly, and its log be without trouble that is not expected.
func newSecond(l *lab, args ...string) *second {
	l.t.Helper()
	p, err := l.Go("sluiced-2", append([]string{filepath.Join(bin, "sluiced"),
		"--openflow", secondOpenFlow, "--grpc", secondGRPC, "--http", secondHTTP}, args...)...)
	l.check(err)
	s := &second{l, p}
	l.t.Cleanup(func() {
		if err := p.Terminate(5 * time.Second); err != nil {
			l.t.Errorf("the second sluiced after SIGTERM: %v", err)
		}
		for _, line := range ovs.Trouble(p.Output(), l.expected...) {
			l.t.Errorf("in the log of the second sluiced: %s", line)
		}
		if l.t.Failed() {
			l.t.Logf("log of the second sluiced:\n%s", p.Output())
		}
	})
	return s
}

// run runs the command line of one controller, and returns all that it prints.
func (l *lab) run(addr string, args ...string) (string, error) {
	return l.Run(l.t.Context(), append([]string{filepath.Join(bin, "sluice"), "--addr", addr}, args...)...)
}

// become gives a controller a role and waits until the switch has it so.
func (l *lab) become(addr, bridge, role string, more ...string) string {
	l.t.Helper()
	out, err := l.run(addr, append([]string{"set-role", bridge, role}, more...)...)
	l.check(err)
	return strings.TrimSpace(out)
}

// says waits until a command line prints the text, whether it fails or not.
func (l *lab) says(text, addr string, args ...string) {
	l.t.Helper()
	l.check(ovs.Wait(l.within(heal), strings.Join(args, " ")+" to say "+text, func(context.Context) error {
		out, err := l.run(addr, args...)
		if all := fmt.Sprint(out, err); !strings.Contains(all, text) {
			return fmt.Errorf("it says: %s", all)
		}
		return nil
	}))
}

// twoControllers are the controllers of a bridge that has both.
var twoControllers = []string{ovs.ControllerAddr, "tcp:" + secondOpenFlow}

// TestRoles: two controllers on one bridge of each version hand it over to each
// other, and the one that is a slave changes nothing.
func TestRoles(t *testing.T) {
	ovs.Require(t)
	l := newLab(t, "--apps", "none")
	newSecond(l, "--apps", "none")
	// What the switch says to the one who does not know yet that he is a slave, and
	// to an old generation.
	l.expected = []string{"OFPBRC_EPERM", "OFPBRC_IS_SLAVE", "OFPRRFC_STALE"}
	for _, v := range versions {
		l.check(l.AddBridge(t.Context(), ovs.Bridge{Name: v.bridge, DPID: uint64(v.net), Protocols: []string{v.protocol}, Controllers: twoControllers}))
	}
	const first = ovs.GRPCAddr
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			l := l.in(t)
			generations := v.net >= 12
			role := func(word string, generation int) string {
				if generations {
					return fmt.Sprintf("%s, generation %d", word, generation)
				}
				return word
			}
			wantRole := func(got, want string) {
				t.Helper()
				if got != want {
					t.Errorf("role %q, want %q", got, want)
				}
			}
			wantFlows := func(want ...string) {
				t.Helper()
				out, err := l.Ofctl(t.Context(), "--no-stats", "dump-flows", v.bridge)
				l.check(err)
				for priority := 1; priority <= 9; priority++ {
					text := fmt.Sprintf("priority=%d ", priority)
					if slices.Contains(want, text) != strings.Contains(out, text) {
						t.Errorf("flows %s, want those of %q", out, want)
					}
				}
			}
			slave := "this controller is slave on " + v.bridge + ": write through the master, or sluice set-role " + v.bridge + " master; nothing was changed"
			l.says("role: equal", first, "show", v.bridge)
			l.says("role: equal", secondGRPC, "show", v.bridge)
			for addr, flow := range map[string]string{first: "priority=1,actions=drop", secondGRPC: "priority=2,actions=drop"} {
				if _, err := l.run(addr, "add-flow", v.bridge, flow); err != nil {
					t.Errorf("as equal: %v", err)
				}
			}

			wantRole(l.become(first, v.bridge, "master"), role("master", 0))
			wantRole(l.become(secondGRPC, v.bridge, "slave"), role("slave", 0))
			before := strings.Count(l.Vswitchd().Output(), "IS_SECONDARY")
			if out, err := l.run(secondGRPC, "add-flow", v.bridge, "priority=3,actions=drop"); err == nil || !strings.Contains(err.Error(), slave) {
				t.Errorf("a slave's flow: %s, %v", out, err)
			}
			if n := strings.Count(l.Vswitchd().Output(), "IS_SECONDARY"); n != before {
				t.Error("the slave's flow was sent")
			}
			l.says("priority=1 ", secondGRPC, "dump-flows", v.bridge) // it reads
			_, err := l.run(first, "add-flow", v.bridge, "priority=4,actions=drop")
			l.check(err)
			wantFlows("priority=1 ", "priority=2 ", "priority=4 ")

			wantRole(l.become(secondGRPC, v.bridge, "master"), role("master", 1))
			_, err = l.run(secondGRPC, "add-flow", v.bridge, "priority=5,actions=drop")
			l.check(err)
			if v.net == 13 { // Open vSwitch tells
				l.says("role: slave", first, "show", v.bridge)
			} else {
				said := "OFPBRC_IS_SLAVE"
				if !generations {
					said = "OFPBRC_EPERM"
				}
				out, err := l.run(first, "add-flow", v.bridge, "priority=6,actions=drop")
				if err == nil || !strings.Contains(err.Error(), v.bridge+" refused: "+said) || !strings.Contains(err.Error(), "role") {
					t.Errorf("the flow of one who was master: %s, %v", out, err)
				}
				l.says("role: slave", first, "show", v.bridge)
			}
			if out, err := l.run(first, "add-flow", v.bridge, "priority=6,actions=drop"); err == nil || !strings.Contains(err.Error(), slave) {
				t.Errorf("and then: %s, %v", out, err)
			}
			wantFlows("priority=1 ", "priority=2 ", "priority=4 ", "priority=5 ")

			// Both connect anew: each is what it was.
			_, err = l.Vsctl(t.Context(), "set-controller", v.bridge, "tcp:127.0.0.1:1")
			l.check(err)
			l.says("no switch", first, "show", v.bridge)
			l.says("no switch", secondGRPC, "show", v.bridge)
			_, err = l.Vsctl(t.Context(), append([]string{"set-controller", v.bridge}, twoControllers...)...)
			l.check(err)
			l.says("role: slave", first, "show", v.bridge)
			l.says("role: master", secondGRPC, "show", v.bridge)

			if !generations {
				wantRole(l.become(first, v.bridge, "master"), "master")
				return
			}
			if _, err := l.run(first, "set-role", v.bridge, "master", "--generation-id", "0"); err == nil ||
				!strings.Contains(err.Error(), "generation id is stale: 0, the switch has 1: another controller was elected since") {
				t.Errorf("an old election: %v", err)
			}
			out, err := l.run(first, "get-role", v.bridge)
			l.check(err)
			wantRole(strings.TrimSpace(out), "slave, generation 1")
			wantRole(l.become(first, v.bridge, "master", "--generation-id", "0x7fffffffffffffff"), "master, generation 9223372036854775807")
			wantRole(l.become(secondGRPC, v.bridge, "master"), "master, generation 9223372036854775808")
			out, err = l.run(first, "get-role", v.bridge)
			l.check(err)
			wantRole(strings.TrimSpace(out), "slave, generation 9223372036854775808")
		})
	}
}

// in is the lab for a subtest.
func (l *lab) in(t *testing.T) *lab {
	sub := *l
	sub.t = t
	return &sub
}

// TestRolesOfApps: the learning switch of the master forwards, and that of the one
// who takes its place does then.
func TestRolesOfApps(t *testing.T) {
	ovs.Require(t)
	l := newLab(t, "--role", "master")
	newSecond(l, "--role", "slave")
	l.expected = []string{"OFPBRC_EPERM", "OFPBRC_IS_SLAVE"}
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			l := l.in(t)
			l.check(l.AddBridge(t.Context(), ovs.Bridge{Name: v.bridge, DPID: uint64(v.net), Protocols: []string{v.protocol}, Controllers: twoControllers}))
			hs := l.hosts(v.bridge, v.net, 2)
			l.says("role: master", ovs.GRPCAddr, "show", v.bridge)
			l.says("role: slave", secondGRPC, "show", v.bridge)
			l.reaches(t, hs[0], hs[1])
			_, body, err := l.HTTPFrom(t.Context(), secondHTTP, "/metrics")
			l.check(err)
			want := forwarded(body)
			if l.become(secondGRPC, v.bridge, "master") == "" {
				t.Error("no role is told")
			}
			// The second one deletes what the first one has learned, and learns itself.
			l.check(ovs.Wait(l.within(heal), "the second controller to forward", func(ctx context.Context) error {
				if p, err := hs[0].Ping(ctx, hs[1], 1); err != nil || p.Lost() != 0 {
					return fmt.Errorf("ping: %v, %v", p, err)
				}
				status, body, err := l.HTTPFrom(ctx, secondHTTP, "/metrics")
				if err == nil && (status != 200 || forwarded(body) < want+2) {
					err = fmt.Errorf("it has forwarded %d packets", forwarded(body))
				}
				return err
			}))
			l.reaches(t, hs[0], hs[1])
		})
	}
}

var forwardedLine = regexp.MustCompile(`(?m)^sluice_l2switch_packets_total\{result="forwarded"\} (\d+)$`)

// forwarded reads how many packets the learning switch has forwarded.
func forwarded(metrics string) int {
	m := forwardedLine.FindStringSubmatch(metrics)
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}
