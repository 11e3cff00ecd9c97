package main

import (
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/simswitch"
)

// TestApplyAgain: a file that is sent again with its request id is not carried out
// again, whoever has changed things since, and whatever revision it expects.
func TestApplyAgain(t *testing.T) {
	const one = "switches: {br0: {flows: [\"arp,actions=drop\"]}}"
	const both = "switches: {br0: {flows: [\"arp,actions=drop\"]}, br1: {flows: [\"arp,actions=drop\"]}}"
	for _, file := range []string{one, both} {
		d := newStateDaemon(t)
		d.bridge(simswitch.Config{Name: "br0"})
		d.bridge(simswitch.Config{Name: "br1", DPID: 2})
		apply := []string{"apply", "--yes", "--request-id", "r1", "--expected-revision", "0", "-f", "-"}
		wantTexts(t, "apply", d.must(file, apply...), "br0: 1 added, 0 changed, 0 removed, confirmed; revision ")
		const nothing = "nothing to do: "
		if out := d.must(file, apply...); !strings.HasPrefix(out, nothing) || strings.Count(out, "\n") != 1 {
			t.Errorf("again: %s", out)
		}
		d.must("", "del-flows", "br0", "arp")
		for _, args := range [][]string{apply, {"apply", "--request-id", "r1", "-f", "-"}, {"-o", "json", "apply", "--yes", "--request-id", "r1", "-f", "-"}} {
			d.must(file, args...)
			if out := d.must("", "dump-flows", "br0"); out != "" {
				t.Errorf("%q carried it out again: %s", args, out)
			}
		}
		for _, row := range []struct {
			file, says string
			args       []string
		}{
			{file, "br0: what it should have has changed: at revision ", []string{"plan", "--expected-revision", "0", "-f", "-"}},
			{file, "br0: what it should have has changed: at revision ", []string{"apply", "--expected-revision", "0", "-f", "-"}},
			{file, "br0: what it should have has changed: at revision ", []string{"apply", "--request-id", "r2", "--expected-revision", "0", "-f", "-"}},
			{file, "expected revision 99: there is no such revision", []string{"apply", "--expected-revision", "99", "-f", "-"}},
			{strings.ReplaceAll(file, "drop", "output:1"), "request_id: it was used for something else", []string{"apply", "--request-id", "r1", "-f", "-"}},
		} {
			r := d.sluice(row.file, row.args...)
			if wantTexts(t, "stderr", r.err, row.says); r.code != exitError || r.out != "" {
				t.Errorf("%q: status %d, %s", row.args, r.code, r.out)
			}
		}
		for _, args := range [][]string{{"apply", "--expected-revision", "x", "-f", "-"}, {"plan", "--expected-revision", "-1", "-f", "-"}, {"plan", "--request-id", "a", "-f", "-"}} {
			if r := d.sluice(file, args...); r.code != exitUsage {
				t.Errorf("%q: status %d, %s", args, r.code, r.err)
			}
		}
		if out := d.must("", "dump-flows", "br0"); out != "" {
			t.Errorf("something was carried out: %s", out)
		}
	}
}
