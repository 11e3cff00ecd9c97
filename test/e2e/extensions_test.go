package e2e

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestExtensions writes flows to a bridge of OpenFlow 1.0 that only Open
// vSwitch's extensions can say, and reads them back; without the setting they
// are refused by name.
func TestExtensions(t *testing.T) {
	t.Parallel()
	flows := []struct{ text, is, without string }{
		{"table=1,priority=7,ipv6,ipv6_dst=2001:db8::/32,actions=set_field:5->reg3,resubmit(,2)", "table=1, priority=7,ipv6,ipv6_dst=2001:db8::/32 actions=load:0x5->NXM_NX_REG3[],resubmit(,2)", "1.0"},
		{"table=2,reg3=5,tcp6,tp_dst=443,actions=dec_ttl,output:1", "table=2, tcp6,reg3=0x5,tp_dst=443 actions=dec_ttl,output:1", "1.0"},
	}
	t.Run("on", func(t *testing.T) {
		l := newLab(t, "--apps", "none", "--extensions")
		l.bridge("br10", 1, "OpenFlow10")
		l.bridge("br13", 2, "OpenFlow13")
		l.ready(heal, "br10", "br13")
		for _, f := range flows {
			for _, b := range []string{"br10", "br13"} {
				l.sluice(t, "add-flow", b, f.text)
			}
		}
		theirs, err := l.Run(t.Context(), "ovs-ofctl", "-F", "nxm", "dump-flows", "br10")
		l.check(err)
		ours := l.sluice(t, "dump-flows", "br10")
		for _, f := range flows {
			fields, actions, _ := strings.Cut(f.is, " actions=")
			table, fields, _ := strings.Cut(fields, ", ")
			for _, out := range []struct{ of, text string }{{"ovs-ofctl", theirs}, {"sluice", ours}} {
				found := false
				for line := range strings.Lines(out.text) {
					found = found || strings.Contains(line, table) && strings.Contains(line, fields) && strings.Contains(line, "actions="+actions+"\n")
				}
				if !found {
					t.Errorf("%s dump-flows br10 does not show %q:\n%s", out.of, f.is, out.text)
				}
			}
		}
		l.sluice(t, "del-flows", "br10", "table=2")
		if left := l.sluice(t, "dump-flows", "br10"); !strings.Contains(left, "table=1") || strings.Contains(left, "table=2,") {
			t.Errorf("after del-flows br10 table=2:\n%s", left)
		}
		l.sluice(t, "del-flows", "br10")
		if left := l.sluice(t, "dump-flows", "br10"); strings.Contains(left, "actions=") {
			t.Errorf("after del-flows br10:\n%s", left)
		}
	})
	t.Run("off", func(t *testing.T) {
		l := newLab(t, "--apps", "none")
		l.bridge("br10", 1, "OpenFlow10")
		l.ready(heal, "br10")
		for _, f := range flows {
			if err := l.refused(t, "br10", f.text); status.Code(err) != codes.Unimplemented && status.Code(err) != codes.InvalidArgument && status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), f.without) {
				t.Errorf("add-flow %q: %v", f.text, err)
			}
		}
	})
}
