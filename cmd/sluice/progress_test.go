package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// everyStep makes every step show until the end of the test.
func everyStep(t *testing.T) {
	before := lineEvery
	lineEvery = 0
	t.Cleanup(func() { lineEvery = before })
}

// TestProgress: long work tells on standard error how far it is, and nothing on
// standard output.
func TestProgress(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0"})
	var in strings.Builder
	for i := range changesPerCall + 1 {
		// One flow, again and again: it is the writing that is long.
		fmt.Fprintf(&in, "priority=1,arp,actions=output:%d\n", i%3+1)
	}
	everyStep(t)
	r := d.sluice(in.String(), "add-flows", "br0", "-")
	if r.code != exitDone || r.out != "" {
		t.Errorf("status %d: %s", r.code, r.out)
	}
	want := "10000 of 50001 done\n20000 of 50001 done\n30000 of 50001 done\n40000 of 50001 done\n50000 of 50001 done\n50001 of 50001 done\n"
	if r.err != want {
		t.Errorf("stderr is\n%s\nwant\n%s", r.err, want)
	}
	d.must("priority=1,arp,actions=drop\n", "add-flows", "br0", "-") // and stderr is empty
}

// TestProgressForms: lines at most every two seconds, and none of work that is over
// before; a bar that is drawn at most five times a second.
func TestProgressForms(t *testing.T) {
	for _, row := range []struct {
		name  string
		bar   bool
		steps []float64 // seconds, of which 20 are the whole
		want  string
	}{
		{"short", false, []float64{0.5, 1, 1.9}, ""},
		{"lines", false, []float64{1, 2.5, 3, 4.4, 4.6, 20}, "sw: 2 of 20 done\nsw: 4 of 20 done\nsw: 20 of 20 done\n"},
		{"ends early", false, []float64{3}, "sw: 3 of 20 done\n"},
		{"short with a bar", true, []float64{0.1}, ""},
		{"bar", true, []float64{0.1, 10, 10.1, 20}, "\r[###############...............] sw: 10 of 20\x1b[K\r[##############################] sw: 20 of 20\x1b[K\n"},
	} {
		var b bytes.Buffer
		begin := time.Unix(0, 0)
		now := begin
		p := &progress{out: &b, bar: row.bar, now: func() time.Time { return now }, last: begin}
		for _, s := range row.steps {
			now = begin.Add(time.Duration(s * float64(time.Second)))
			p.step("sw", int(s), 20, s/20)
		}
		p.end()
		if b.String() != row.want {
			t.Errorf("%s: %q, want %q", row.name, b.String(), row.want)
		}
	}
	var b bytes.Buffer
	p := &progress{out: &b, bar: true, now: time.Now}
	p.remote(&sluicev1.Progress{Switch: "br1\x1b", Done: 1, Switches: 3, Confirmed: 5, Total: 10})
	if want := "\r[###############...............] br1\\x1b (2 of 3): 5 of 10\x1b[K"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestProgressOfApply: apply, rollback and reconcile tell how far sluiced is, whatever
// is on standard output.
func TestProgressOfApply(t *testing.T) {
	everyStep(t)
	d := newStateDaemon(t)
	sim := d.bridge(simswitch.Config{Name: "br0", DPID: 1})
	d.bridge(simswitch.Config{Name: "br1", DPID: 2})
	var net strings.Builder
	net.WriteString("switches:\n  br1: {flows: ['priority=1,arp,actions=drop']}\n  br0:\n    flows:\n")
	for i := range 200 {
		fmt.Fprintf(&net, "      - priority=%d,arp,actions=drop\n", i+1)
	}
	file := write(t, "net.yaml", []byte(net.String()))
	for _, row := range []struct {
		args []string
		says string
		out  string // what standard output begins with
	}{
		{[]string{"-o", "json", "apply", "--yes", "-f", file}, "br0 (2 of 2): ", "{"},
		{[]string{"-o", "yaml", "rollback", "--yes", "0", "br0"}, "br0: ", "switches:"},
		{[]string{"rollback", "--yes", "2", "br0"}, "br0: ", "br0\n"},
		{[]string{"reconcile", "br0"}, "br0: ", "0 as they should be, 200 messages"},
	} {
		if row.args[0] == "reconcile" { // its flows are gone, and nobody has noticed
			sim.Lose()
		}
		release := make(chan struct{})
		barriers := 0
		sim.SetFaults(func(_ int, h ofp.Header, _ ofp.Message) simswitch.Fault {
			if h.Type() != ofp.TypeBarrierRequest {
				return simswitch.Fault{}
			}
			if barriers++; barriers == 2 {
				return simswitch.Fault{Hold: release}
			}
			return simswitch.Fault{}
		})
		errOut := &told{text: row.says, said: release}
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"--addr", d.grpc, "--timeout", patience.String()}, row.args...), strings.NewReader(""), &out, errOut)
		if code != exitDone || !strings.HasPrefix(out.String(), row.out) || strings.Contains(out.String(), " done\n") {
			t.Errorf("%q: status %d, %s\n%.300s", row.args, code, errOut.all.String(), out.String())
		}
		if all := errOut.all.String(); !strings.HasSuffix(all, row.says+"200 of 200 done\n") || !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(row.says)+`(0|32) of 200 done$`).MatchString(all) {
			t.Errorf("%q: %q, want %q and how far it is", row.args, all, row.says)
		}
		sim.SetFaults(nil)
	}
}
