package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// flowFile writes a file with flows.
func flowFile(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDiffFlowsOfFiles: the expected lines are those that ovs-ofctl 3.1 prints of
// the same files, but for their order.
func TestDiffFlowsOfFiles(t *testing.T) {
	d := newDaemon(t)
	a := flowFile(t, "priority=5,ip,nw_dst=10.0.0.1,actions=output:1", "table=3,cookie=0x5,tcp,actions=mod_dl_src:02:00:00:00:00:01,output:2",
		"idle_timeout=5,arp,actions=drop # a comment", "actions=NORMAL", "", "send_flow_rem,udp,actions=1", "priority=7,icmp,actions=1,2")
	b := flowFile(t, "priority=5,ip,nw_dst=10.0.0.1,actions=output:2", "table=3,cookie=0x6,tcp,actions=set_field:02:00:00:00:00:01->eth_src,output:2",
		"udp,actions=5", "udp,actions=1", "actions=drop", "priority=7,icmp,actions=output:1,output:2")
	want := `- actions=NORMAL
+ actions=drop
-arp idle_timeout=5 actions=drop
-priority=5,ip,nw_dst=10.0.0.1 actions=output:1
+priority=5,ip,nw_dst=10.0.0.1 actions=output:2
-table=3 tcp cookie=0x5 actions=mod_dl_src:02:00:00:00:00:01,output:2
+table=3 tcp cookie=0x6 actions=set_field:02:00:00:00:00:01->eth_src,output:2
`
	if r := d.sluice("", "diff-flows", a, b); r.code != exitDiffer || r.out != want || r.err != "" {
		t.Errorf("status %d\n%s%s\nwant\n%s", r.code, r.out, r.err, want)
	}
	text, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	if out := d.must(string(text), "diff-flows", a, "-"); out != "" {
		t.Errorf("a file differs from itself:\n%s", out)
	}
	if r := d.sluice("", "diff-flows", "-", "-"); r.code != exitUsage {
		t.Errorf("status %d", r.code)
	}
	r := d.sluice("", "diff-flows", a, flowFile(t, "", "ip,nw_srcc=1.2.3.4,actions=drop"))
	if r.code != exitError {
		t.Errorf("status %d", r.code)
	}
	wantTexts(t, "stderr", r.err, ":2: col 4: ", "nw_srcc", "\n  ip,nw_srcc=1.2.3.4,actions=drop\n")
}

// TestReplaceFlows gives switches of all versions the flows of a file; what is the
// same is not sent again, though the version has other words for it.
func TestReplaceFlows(t *testing.T) {
	for _, v := range []ofp.Version{ofp.V10, ofp.V11, ofp.V12, ofp.V13} {
		t.Run(v.String(), func(t *testing.T) {
			d := newDaemon(t)
			d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{v}})
			d.must("arp,actions=drop\npriority=9,ip,actions=output:1\npriority=8,cookie=5,udp,actions=drop\n", "add-flows", "br0", "-")
			file := flowFile(t, "priority=9,ip,actions=output:2", "priority=8,cookie=5,udp,actions=drop", "tcp,actions=mod_nw_dst:10.0.0.1,mod_tp_dst:81,output:1")
			r := d.sluice("", "diff-flows", "br0", file)
			if want := "-priority=9,ip actions=output:1\n+priority=9,ip actions=output:2\n"; r.code != exitDiffer || !strings.Contains(r.out, want) || !strings.Contains(r.out, "-arp actions=drop\n") {
				t.Errorf("status %d\n%s%s\nwant %s", r.code, r.out, r.err, want)
			}
			if out := d.must("", "-o", "json", "replace-flows", "br0", file); !strings.Contains(out, `"confirmed": 3`) {
				t.Errorf("sent: %s", out)
			}
			if out := d.must("", "diff-flows", "br0", file); out != "" {
				t.Errorf("they differ still:\n%s", out)
			}
			for _, x := range []struct{ flag, n string }{{"--readd=false", "0"}, {"--readd", "3"}} {
				if out := d.must("", "-o", "json", "replace-flows", x.flag, "br0", file); !strings.Contains(out, `"confirmed": `+x.n) {
					t.Errorf("%s: sent: %s", x.flag, out)
				}
			}
			r = d.sluice("priority=1,actions=drop\nip,nw_src=1.2.3.4.5,actions=drop\n", "replace-flows", "br0", "-")
			if r.code != exitError || !strings.Contains(r.err, "-:2: col") {
				t.Errorf("status %d: %s", r.code, r.err)
			}
			if out := d.must("", "diff-flows", "br0", file); out != "" {
				t.Errorf("a file that cannot be read has changed the switch:\n%s", out)
			}
		})
	}
}
