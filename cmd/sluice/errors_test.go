package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestErrorsOnTheTerminal(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V10}, MaxFlows: 2})
	d.bridge(simswitch.Config{Name: "same", DPID: 0x15})
	d.bridge(simswitch.Config{Name: "same", DPID: 0x16})
	gone := listen(t)
	nobody := gone.Addr().String()
	gone.Close()
	for _, row := range []struct {
		name string
		in   string
		args []string
		code int
		says []string
	}{
		{"no daemon", "", []string{"-a", nobody, "switches"}, exitError, []string{"sluice: cannot reach sluiced at " + nobody + ": connection refused; start it with `sluiced` or name another address with -a\n"}},
		{"unknown switch", "", []string{"show", "br9"}, exitError, []string{`sluice: no switch "br9" is connected`, "`sluice switches`"}},
		{"typo in a flow", "", []string{"add-flow", "br0", "ip,nw_srcc=1.2.3.4,actions=drop"}, exitError,
			[]string{"sluice: col 4: ", "nw_srcc", "\n  ip,nw_srcc=1.2.3.4,actions=drop\n     ^\n"}},
		{"typo in a file", "arp,actions=drop\n\nip,nw_src=1.2.3.4.5,actions=drop\n", []string{"add-flows", "br0", "-"}, exitError,
			[]string{"  line 3: ip,nw_src=1.2.3.4.5,actions=drop\n"}},
		{"typo in a filter", "", []string{"dump-flows", "br0", "tcp,tp_dts=80"}, exitError, []string{"tp_dts", "\n      ^\n"}},
		{"typo in a packet", "", []string{"packet-out", "br0", "in_port=1,paket=ff,actions=drop"}, exitError, []string{"paket", "\n            ^\n"}},
		{"version", "", []string{"add-flow", "br0", "table=3,actions=drop"}, exitError, []string{"not in OpenFlow 1.0", "table 3", "nothing was changed\n  table=3,actions=drop\n$"}},
		{"version in a file", "arp,actions=drop\ntable=3,actions=drop\n", []string{"add-flows", "br0", "-"}, exitError,
			[]string{"sluice: flow_mod: table 3: not in OpenFlow 1.0, the version of br0; nothing was changed\n  line 2: table=3,actions=drop\n  of 2 changes: 0 done, 1 refused, 1 not sent\n$"}},
		{"version in a packet", "", []string{"packet-out", "br0", "in_port=1,packet=ff,actions=group:1"}, exitError,
			[]string{"sluice: packet_out: action group: not in OpenFlow 1.0, the version of br0; nothing was changed\n  in_port=1,packet=ff,actions=group:1\n$"}},
		{"unknown switch for a flow", "", []string{"add-flow", "br9", "actions=drop"}, exitError, []string{"sluice: no switch \"br9\" is connected\n  `sluice switches` lists those that are connected\n$"}},
		{"ambiguous switch", "", []string{"del-flows", "same"}, exitError, []string{`sluice: ambiguous switch name: "same" is the name of 0000000000000015, 0000000000000016; use the DPID`}},
		{"empty switch", "", []string{"show", ""}, exitUsage, []string{"SWITCH is empty"}},
		{"empty flow", "", []string{"add-flow", "br0", ""}, exitError, []string{"sluice: col 1: no actions; want actions=..., such as actions=output:1 or actions=drop\n$"}},
		{"other server", "", []string{"-a", d.openflow, "switches"}, exitError, []string{"sluice: what listens at " + d.openflow + " does not speak gRPC; -a wants"}},
		{"full table", "priority=1,actions=drop\npriority=2,actions=drop\n# comment\npriority=3,actions=drop\n", []string{"add-flows", "br0", "-"}, exitError,
			[]string{"br0 refused 1 of 3", "OFPFMFC_", "  line 4: priority=3,actions=drop\n", "sluice: br0 refused 1 of 3 changes: OFPFMFC_", "\n  of 3 changes: 2 done, 1 refused\n", "dump-tables"}},
		{"unknown verb", "", []string{"dmp-flows", "br0"}, exitUsage, []string{`unknown command "dmp-flows"`, "dump-flows", "--help"}},
		{"unknown flag", "", []string{"switches", "--nosuch"}, exitUsage, []string{"--nosuch", "see sluice switches --help"}},
		{"missing argument", "", []string{"add-flow", "br0"}, exitUsage, []string{"FLOW is missing"}},
		{"unquoted flow", "", []string{"add-flow", "br0", "priority=1", "actions=drop"}, exitUsage, []string{"quotes"}},
		{"bad output", "", []string{"-o", "xml", "switches"}, exitUsage, []string{"text, json or yaml"}},
		{"no file", "", []string{"add-flows", "br0", "/nonexistent/flows"}, exitError, []string{"/nonexistent/flows"}},
		{"unknown port", "", []string{"dump-ports", "br0", "eth99"}, exitError, []string{"sluice: the switch has no port \"eth99\"\n$"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := d.sluice(row.in, row.args...)
			if r.code != row.code {
				t.Errorf("status %d, want %d", r.code, row.code)
			}
			if r.out != "" {
				t.Errorf("prints %q", r.out)
			}
			if !strings.HasPrefix(r.err, "sluice: ") {
				t.Errorf("error is %q", r.err)
			}
			wantTexts(t, "error", r.err+"$", row.says...) // the $ is the end
			if strings.Contains(r.err, "rpc error") || strings.Contains(r.err, "changes[") {
				t.Errorf("the error speaks of gRPC: %s", r.err)
			}
		})
	}
}

// TestHugeArguments: an error repeats the beginning of an argument only.
func TestHugeArguments(t *testing.T) {
	huge := strings.Repeat("é", 1<<20)
	for _, row := range []struct {
		args []string
		says string
	}{
		{[]string{huge}, `unknown command "éé`},
		{[]string{"barrier", "br0", huge}, "is too much"},
		{[]string{"-o", huge, "switches"}, "want text, json or yaml"},
	} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), row.args, nil, &out, &errOut); code != exitUsage {
			t.Errorf("status %d, want %d", code, exitUsage)
		}
		if s := errOut.String(); len(s) > 256 || !strings.Contains(s, row.says) || strings.Contains(s, `\x`) {
			t.Errorf("an error of %d bytes, %.300q; want %q in it", len(s), s, row.says)
		}
	}
}

// TestHintsAreAboutErrorsThatExist: a hint under a name that no error has would
// never be seen.
func TestHintsAreAboutErrorsThatExist(t *testing.T) {
	names := map[string]bool{}
	for r := ofp.ErrorReason(1); r.String() != "unknown"; r++ {
		names[r.String()] = true
	}
	for name := range reasonHints {
		if !names[name] {
			t.Errorf("no OpenFlow error is called %s", name)
		}
	}
}

// TestHowFarAWriteCame: where a switch is silent or goes away, the error says
// what is known.
func TestHowFarAWriteCame(t *testing.T) {
	const two = "arp,actions=drop\nip,actions=drop\n"
	for _, row := range []struct {
		name  string
		fault func(int, ofp.Header, ofp.Message) simswitch.Fault
		in    string
		want  string // a regular expression
	}{
		{"one", simswitch.Silent(ofp.TypeBarrierRequest), "arp,actions=drop",
			"sluice: br0: no answer from the switch in time: 1 of 1 were sent, 0 are confirmed\n" +
				"  of 1 change: 0 done, 1 sent but not confirmed: done or not, see `sluice dump-flows`\n  to wait longer use --timeout\n"},
		{"two", simswitch.Silent(ofp.TypeBarrierRequest), two,
			"sluice: br0: no answer from the switch in time: 2 of 2 were sent, 0 are confirmed\n" +
				"  of 2 changes: 0 done, 2 sent but not confirmed: done or not, see `sluice dump-flows`\n  to wait longer use --timeout\n"},
		{"gone", simswitch.DropAfter(1), two,
			"sluice: br0: switch disconnected: [12] of 2 were sent, 0 are confirmed\n" +
				"  of 2 changes: 0 done, [12] sent but not confirmed: done or not, see `sluice dump-flows`(, 1 not sent)?\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDaemon(t)
			d.bridge(simswitch.Config{Name: "br0"}).SetFaults(row.fault)
			r := d.sluice(row.in, "--timeout", "2s", "add-flows", "br0", "-")
			if r.code != exitError {
				t.Errorf("status %d", r.code)
			}
			if !regexp.MustCompile("^" + row.want + "$").MatchString(r.err) {
				t.Errorf("error is\n%s\nwant\n%s", r.err, row.want)
			}
		})
	}
}

// TestHowFarSeveralCallsCame: what a command does not do in one call is one
// matter nevertheless, and every line is accounted for once.
func TestHowFarSeveralCallsCame(t *testing.T) {
	flow := func(text string, n int) string { return strings.Repeat(text+"\n", n) }
	const gone = "delete_strict arp" // there is no such flow
	d := newDaemon(t)
	sim := d.bridge(simswitch.Config{Name: "br0"})
	for _, row := range []struct {
		name  string
		fault func(int, ofp.Header, ofp.Message) simswitch.Fault
		in    string
		want  string // a regular expression
	}{
		{"refused in the first call", simswitch.RefuseFlow(3, ofp.FlowModFailedEPERM), flow(gone, changesPerCall+7),
			"sluice: br0 refused 1: OFPFMFC_EPERM\n  line 3: arp\n.*OFPFMFC_EPERM.*\n  of 50007 changes: 9999 done, 1 refused, 40007 not sent\n"},
		{"nonsense in the second call", nil, flow(gone, changesPerCall) + "arp,actions=drop\nnonsense\nip,actions=drop\n",
			"(\\d+ of 50003 done\n)*sluice: col 1: .*\n  line 50002: nonsense\n +\\^\n  of 50003 changes: 50000 done, 3 not sent\n"},
		{"gone in the first call", simswitch.DropAfter(1), flow(gone, changesPerCall+7),
			"sluice: br0: switch disconnected\n  of 50007 changes: 0 done, \\d+ sent but not confirmed: done or not, see `sluice dump-flows`, \\d+ not sent\n"},
	} {
		sim.SetFaults(row.fault)
		r := d.sluice(row.in, "add-flows", "br0", "-")
		if r.code != exitError || !regexp.MustCompile("^"+row.want+"$").MatchString(r.err) {
			t.Errorf("%s: status %d, error is\n%s\nwant\n%s", row.name, r.code, r.err, row.want)
			continue
		}
		_, sum, _ := strings.Cut(r.err, "\n  of ")
		var all, parts int
		for i, digits := range regexp.MustCompile(`\d+`).FindAllString(sum, -1) {
			n, _ := strconv.Atoi(digits)
			if i == 0 {
				all = n
			} else {
				parts += n
			}
		}
		if all != parts {
			t.Errorf("%s: the parts add up to %d: %s", row.name, parts, sum)
		}
	}
}

// TestRefusedWithItsBarrier: what is refused is not also without an answer.
func TestRefusedWithItsBarrier(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"arp,actions=drop\n", ""},
		{"arp,actions=drop\nip,actions=drop\nipv6,actions=drop\n",
			"  of 3 changes: 0 done, 1 refused, 2 sent but not confirmed: done or not, see `sluice dump-flows`\n"},
	} {
		d := newDaemon(t)
		first := simswitch.RefuseFlow(1, ofp.FlowModFailedEPERM)
		d.bridge(simswitch.Config{Name: "br0"}).SetFaults(func(n int, h ofp.Header, m ofp.Message) simswitch.Fault {
			if h.Type() == ofp.TypeBarrierRequest {
				return simswitch.Fault{Refuse: ofp.BadRequestEPERM}
			}
			return first(n, h, m)
		})
		r := d.sluice(row.in, "add-flows", "br0", "-")
		wantTexts(t, "error", r.err, "OFPFMFC_EPERM", "refused the barrier: OFPBRC_EPERM", row.want)
		if row.want == "" && strings.Contains(r.err, "sent but not confirmed") {
			t.Errorf("error is\n%s\nwant no word of what is unknown", r.err)
		}
	}
}

// TestStoredButNotSent: what sluiced has stored comes to the switch by itself, and
// what the command has not handed over yet does not.
func TestStoredButNotSent(t *testing.T) {
	stored := uint64(2)
	got := resultLine(&sluicev1.WriteResult{Total: 50_000, Sent: 3_000, StoredRevision: &stored},
		&flowFault{sources: make([]source, 50_000), after: 50_000})
	want := "  of 100000 changes: 0 done, 3000 sent but not confirmed: done or not, see `sluice dump-flows`, 47000 stored but not sent, 50000 not sent"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
