package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/ovs"
)

// flowMods is how many flow-mods sluiced has sent.
func (l *lab) flowMods(t *testing.T) int {
	t.Helper()
	_, body, err := l.HTTP(t.Context(), "/metrics")
	l.check(err)
	m := regexp.MustCompile(`(?m)^sluice_openflow_messages_sent_total\{type="(?i:flow_?mod|OFPT_FLOW_MOD)"\} (\S+)$`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("/metrics counts no flow-mods:\n%s", body)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	l.check(err)
	return int(n)
}

// stands waits until sluice status tells so many installed, pending and degraded of
// a bridge.
func (l *lab) stands(t *testing.T, bridge string, installed, pending, degraded int) {
	t.Helper()
	want := regexp.MustCompile(fmt.Sprintf(`(?m)^%s .*?\b%d +%d +%d +`, bridge, installed, pending, degraded))
	l.check(ovs.Wait(l.within(2*time.Minute), "the flows of "+bridge, func(context.Context) error {
		if out := l.sluice(t, "status"); !want.MatchString(out) {
			return fmt.Errorf("not yet %d installed, %d pending, %d degraded:\n%s", installed, pending, degraded, out)
		}
		return nil
	}))
}

// TestTableFull: of thirty flows ten fit; the others are degraded, with the reason,
// and few are tried until there is room, and then all come by themselves.
func TestTableFull(t *testing.T) {
	t.Parallel()
	for _, v := range []version{versions[0], versions[3]} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "--apps", "none")
			l.expected = []string{"TABLE_FULL", "OFPBFC_MSG_FAILED"} // of the bundle that found it out
			l.bridge(v.bridge, 1, v.protocol)
			l.ready(heal, v.bridge)
			_, err := l.Vsctl(t.Context(), "--", "--id=@ft", "create", "Flow_Table", "flow_limit=10", "overflow_policy=refuse", "--", "set", "Bridge", v.bridge, "flow_tables=0=@ft")
			l.check(err)
			var flows strings.Builder
			for i := range 30 {
				fmt.Fprintf(&flows, "priority=%d,ip,actions=drop\n", i+1)
			}
			file := filepath.Join(t.TempDir(), "flows.txt")
			l.check(os.WriteFile(file, []byte(flows.String()), 0o600))
			l.sluice(t, "add-flows", "--level", "stored", v.bridge, file)
			l.stands(t, v.bridge, 10, 0, 20)
			if n := l.flowMods(t); n > 90 {
				t.Errorf("%d flow-mods were sent for thirty flows", n)
			}
			if out := l.sluice(t, "status", v.bridge); strings.Count(out, "TABLE_FULL") != 20 {
				t.Errorf("the reason is not told:\n%s", out)
			}
			// One flow a comparison.
			before := l.flowMods(t)
			for range 3 {
				if out, err := l.Run(t.Context(), filepath.Join(bin, "sluice"), "reconcile", v.bridge); err == nil {
					t.Errorf("reconcile: %s", out)
				}
			}
			if n := l.flowMods(t) - before; n < 3 || n > 3+8 { // and what sluiced tries by itself
				t.Errorf("%d flow-mods were sent in three comparisons while there was no room", n)
			}
			// What is deleted makes room, and what waits takes it.
			l.sluice(t, "del-flows", "--strict", v.bridge, "priority=30,ip")
			l.stands(t, v.bridge, 10, 0, 19)
			_, err = l.Vsctl(t.Context(), "clear", "Bridge", v.bridge, "flow_tables")
			l.check(err)
			l.stands(t, v.bridge, 29, 0, 0)
		})
	}
}

// TestBridgeComesBackOlder: a bridge that comes back with OpenFlow 1.0 has what 1.0
// can say, and of each other flow it is told why it has not; and all is there again
// when its version is.
func TestBridgeComesBackOlder(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	l.bridge("br0", 1, "OpenFlow13")
	l.ready(heal, "br0")
	l.sluice(t, "add-meter", "br0", "meter=1,kbps,band=type=drop,rate=1")
	l.sluice(t, "add-flow", "br0", "priority=1,ip,actions=drop")
	l.sluice(t, "add-flow", "--level", "verified", "br0", "priority=2,ip,actions=meter:1,NORMAL")
	l.sluice(t, "add-flow", "--level", "sent", "br0", "priority=3,ip,actions=write_metadata:1,goto_table:1")
	l.stands(t, "br0", 4, 0, 0)
	l.check(l.SetProtocols(t.Context(), "br0", "OpenFlow10"))
	l.stands(t, "br0", 1, 0, 3)
	out := l.sluice(t, "status", "br0")
	for _, want := range []string{"meter: not in OpenFlow 1.0", "not in OpenFlow 1.0"} {
		if !strings.Contains(out, want) {
			t.Errorf("status does not say %q:\n%s", want, out)
		}
	}
	l.check(l.SetProtocols(t.Context(), "br0", "OpenFlow13"))
	l.stands(t, "br0", 4, 0, 0)
}
