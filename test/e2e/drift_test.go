package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestDrift has flows deleted and changed behind Sluice's back, which have no
// send_flow_rem, where no switch is compared by itself: they are put right all the
// same, and a storm of such changes is no storm of comparisons.
func TestDrift(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none", "--reconcile-period", "0")
	var bridges []string
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	ofctl := func(v version, args ...string) string {
		t.Helper()
		out, err := l.Ofctl(t.Context(), append([]string{"-O", v.protocol}, args...)...)
		l.check(err)
		return out
	}
	so := func(v version, what string) {
		t.Helper()
		l.check(ovs.Wait(l.within(heal), v.bridge+": "+what, func(context.Context) error {
			out := ofctl(v, "--no-stats", "dump-flows", v.bridge)
			if !strings.Contains(out, "priority=5,arp actions=ALL") || !strings.Contains(out, "priority=6,tcp,tp_dst=80 actions=drop") {
				return fmt.Errorf("it has\n%s", out)
			}
			return nil
		}))
	}
	for _, v := range versions {
		l.sluice(t, "add-flow", v.bridge, "priority=5,arp,actions=ALL")
		l.sluice(t, "add-flow", v.bridge, "priority=6,tcp,tp_dst=80,actions=drop")
		so(v, "as it was told")
		ofctl(v, "del-flows", v.bridge)
		so(v, "after all were deleted")
		ofctl(v, "--strict", "del-flows", v.bridge, "priority=6,tcp,tp_dst=80")
		so(v, "after one was deleted")
		ofctl(v, "mod-flows", v.bridge, "arp,actions=drop")
		so(v, "after one was changed")
	}
	compared := func() int {
		status, body, err := l.HTTP(t.Context(), "/metrics")
		l.check(err)
		found := regexp.MustCompile(`(?m)^sluice_reconcile_seconds_count\S* (\d+)`).FindAllStringSubmatch(body, -1)
		if status != 200 || found == nil {
			t.Fatalf("/metrics tells no comparisons:\n%s", body)
		}
		sum := 0
		for _, m := range found {
			n, err := strconv.Atoi(m[1])
			l.check(err)
			sum += n
		}
		return sum
	}
	v, before := versions[3], compared()
	const storm = 100
	for range storm {
		ofctl(v, "del-flows", v.bridge)
		ofctl(v, "add-flow", v.bridge, "priority=5,arp,actions=ALL")
	}
	so(v, "after a storm")
	if n := compared() - before; n == 0 || n > storm/4 {
		t.Errorf("%d comparisons after %d deletions", n, storm)
	}
}
