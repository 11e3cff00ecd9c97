package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"

	"github.com/sluice-sdn/sluice/api"
	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// daemon is a controller with its gRPC port.
type daemon struct {
	t              *testing.T
	c              *controller.Controller
	openflow, grpc string
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func newDaemon(t *testing.T) *daemon {
	t.Helper()
	return newDaemonWith(t, controller.Config{})
}

func newDaemonWith(t *testing.T, cfg controller.Config) *daemon {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	cfg.Logger = log
	c, err := controller.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	of, rpc := listen(t), listen(t)
	s := api.New(c, api.Config{Logger: log})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- c.Serve(ctx, of) }()
	go func() {
		err := s.Serve(rpc)
		if errors.Is(err, grpc.ErrServerStopped) {
			err = nil // a test that ended before this began
		}
		done <- err
	}()
	t.Cleanup(func() {
		stop()
		s.Stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("serve: %v", err)
			}
		}
	})
	return &daemon{t, c, of.Addr().String(), rpc.Addr().String()}
}

// bridge connects a switch.
func (d *daemon) bridge(cfg simswitch.Config) *simswitch.Switch {
	d.t.Helper()
	cfg.MissDrop = true
	s := simswitch.New(cfg)
	d.t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Dial(ctx, d.openflow); err != nil {
		d.t.Fatal(err)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := d.c.Find(s.DPID().String()); err == nil {
			return s
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.t.Fatal("the switch is never ready")
		}
	}
}

type result struct {
	code     int
	out, err string
}

// sluice runs one command line.
func (d *daemon) sluice(in string, args ...string) result {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errOut bytes.Buffer
	code := run(ctx, append([]string{"-a", d.grpc}, args...), strings.NewReader(in), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// must runs a command line that succeeds and has nothing to complain about.
func (d *daemon) must(in string, args ...string) string {
	d.t.Helper()
	r := d.sluice(in, args...)
	if r.code != exitDone || r.err != "" {
		d.t.Fatalf("sluice %s: status %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

func wantTexts(t *testing.T, what, s string, texts ...string) {
	t.Helper()
	for _, w := range texts {
		if !strings.Contains(s, w) {
			t.Errorf("%s is\n%s\nwant %q in it", what, s, w)
		}
	}
}

func TestSwitches(t *testing.T) {
	d := newDaemon(t)
	if r := d.sluice("", "switches"); r.code != exitDone || !strings.Contains(r.err, "ovs-vsctl set-controller") || !strings.HasPrefix(r.out, "NAME") {
		t.Errorf("without a switch: %+v", r)
	}
	d.bridge(simswitch.Config{Name: "br0", DPID: 0xa, Versions: []ofp.Version{ofp.V10}})
	d.bridge(simswitch.Config{Name: "a-long-name", DPID: 0xb, Versions: []ofp.Version{ofp.V13}, Ports: simswitch.Ports(12)})
	lines := strings.Split(strings.TrimSpace(d.must("", "switches")), "\n")
	var got [][]string
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) < 6 {
			t.Fatalf("line %q", l)
		}
		got = append(got, append(f[:3:3], f[4]))
		if i := strings.Index(l, f[1]); i != strings.Index(lines[0], "DPID") {
			t.Errorf("columns are not aligned:\n%s", strings.Join(lines, "\n"))
		}
	}
	want := [][]string{{"NAME", "DPID", "VERSION", "PORTS"}, {"br0", "000000000000000a", "1.0", "4"}, {"a-long-name", "000000000000000b", "1.3", "12"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var parsed struct {
		Switches []struct {
			Name, Version, DPID string
			PortCount           int    `json:"port_count" yaml:"port_count"`
			ConnectedSince      string `json:"connected_since" yaml:"connected_since"`
		}
	}
	if err := json.Unmarshal([]byte(d.must("", "-o", "json", "switches")), &parsed); err != nil || len(parsed.Switches) != 2 || parsed.Switches[1].PortCount != 12 || parsed.Switches[0].ConnectedSince == "" {
		t.Errorf("json: %v, %+v", err, parsed)
	}
	parsed.Switches = nil
	if err := yaml.Unmarshal([]byte(d.must("", "-o", "yaml", "switches")), &parsed); err != nil || len(parsed.Switches) != 2 || parsed.Switches[0].Name != "br0" || parsed.Switches[0].Version != "1.0" || parsed.Switches[0].DPID != "000000000000000a" {
		t.Errorf("yaml: %v, %+v\n%s", err, parsed, d.must("", "-o", "yaml", "switches"))
	}
	var loose struct{ Switches []map[string]any }
	if err := yaml.Unmarshal([]byte(d.must("", "-o", "yaml", "switches")), &loose); err != nil || loose.Switches[0]["version"] != "1.0" {
		t.Errorf("the version is to be a string in yaml, too: %v, %v", err, loose)
	}
}

func TestFlows(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			d := newDaemon(t)
			sim := d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{v}})
			other := d.bridge(simswitch.Config{Name: "br1", DPID: 2, Versions: []ofp.Version{v}})
			if out := d.must("", "add-flow", "br0", "priority=10,tcp,tp_dst=80,actions=output:2"); out != "" {
				t.Errorf("add-flow prints %q", out)
			}
			file := filepath.Join(t.TempDir(), "flows")
			if err := os.WriteFile(file, []byte("# some flows\n\npriority=20,arp,actions=NORMAL # all of them\nadd priority=30,udp,actions=output:1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			d.must("", "add-flows", "br0", file)
			d.must("delete_strict priority=30,udp\npriority=40,ip,nw_dst=10.0.0.0/8,actions=drop", "add-flows", "br0", "-")
			d.must("", "mod-flows", "br0", "tcp,actions=output:3")
			d.must("", "mod-flows", "--strict", "br0", "priority=20,arp,actions=FLOOD")

			// What dump-flows prints adds the same flows again.
			dump := d.must("", "dump-flows", "br0")
			d.must(dump, "add-flows", "br1", "-")
			if a, b := matches(sim), matches(other); len(a) != 3 || !cmp.Equal(a, b) {
				t.Errorf("br0 has\n%v\nbr1 has\n%v\nfrom\n%s", a, b, dump)
			}
			for _, l := range strings.Split(strings.TrimSpace(dump), "\n") {
				wantTexts(t, "line", l, "priority=", "actions=")
			}
			wantTexts(t, "dump", dump, "output:3", "FLOOD", "drop")
			wantTexts(t, "dump with names", d.must("", "dump-flows", "--names", "br0"), "output:eth3")
			if out := d.must("", "dump-flows", "br0", "ip,nw_dst=10.0.0.0/8"); strings.Count(out, "\n") != 1 {
				t.Errorf("with a match: %s", out)
			}
			wantTexts(t, "sum", d.must("", "dump-aggregate", "br0"), "packet_count=0 byte_count=0 flow_count=3\n")

			var parsed struct {
				Flows []struct {
					Text string
					Flow struct {
						Priority int
						Match    map[string]any
						Actions  []map[string]map[string]any
					}
				}
			}
			raw := d.must("", "-o", "json", "dump-flows", "br0", "tcp")
			if err := json.Unmarshal([]byte(raw), &parsed); err != nil || len(parsed.Flows) != 1 {
				t.Fatalf("json: %v\n%s", err, raw)
			}
			if f := parsed.Flows[0].Flow; f.Priority != 10 || f.Match["tcp_dst"] != 80.0 || f.Actions[0]["output"]["port"] != 3.0 {
				t.Errorf("json flow is %+v", f)
			}
			if err := json.Unmarshal([]byte(d.must("", "-o", "json", "dump-flows", "br0", "icmp")), &parsed); err != nil || len(parsed.Flows) != 0 {
				t.Errorf("json of no flow: %v, %v", err, parsed)
			}
			if err := yaml.Unmarshal([]byte(d.must("", "-o", "yaml", "dump-flows", "br0")), &parsed); err != nil || len(parsed.Flows) != 3 {
				t.Errorf("yaml: %v, %v", err, parsed)
			}
			d.must("", "del-flows", "--strict", "br0", "priority=10,tcp,tp_dst=80")
			d.must("", "del-flows", "br0", "arp")
			d.must("", "del-flows", "br0")
			if n := len(sim.Flows()); n != 0 {
				t.Errorf("%d flows are left", n)
			}
			if got := d.must("", "-o", "json", "add-flow", "br0", "actions=drop"); got != "{\n  \"confirmed\": 1\n}\n" {
				t.Errorf("json of a write is %q", got)
			}
			if len(sim.Refused()) != 0 {
				t.Errorf("refused: %v", sim.Refused())
			}
		})
	}
}

// matches lists a switch's flows without their counters.
func matches(s *simswitch.Switch) (out []string) {
	for _, f := range s.Flows() {
		m := ofp.NewFlowMod(ofp.FlowAdd)
		m.Table, m.Priority, m.Match, m.Instructions = f.Table, f.Priority, f.Match, f.Instructions
		out = append(out, m.String())
	}
	return out
}

func TestLooking(t *testing.T) {
	d := newDaemon(t)
	sim := d.bridge(simswitch.Config{Name: "br0", Versions: []ofp.Version{ofp.V13}})
	sim.SetLink(2, false)
	sim.Inject(1, make([]byte, 64))
	for _, row := range []struct {
		args []string
		says []string
	}{
		{[]string{"show", "br0"}, []string{"br0: OpenFlow 1.3, dpid 0000000000000001", "capabilities: flow_stats", "eth1"}},
		{[]string{"dump-desc", "br0"}, []string{"DP Description: br0"}},
		{[]string{"dump-ports", "br0"}, []string{"4 ports\n", "  port  4: rx pkts=0"}},
		{[]string{"dump-ports", "br0", "eth1"}, []string{"1 ports\n", "port  1: rx pkts=1, bytes=64, "}},
		{[]string{"dump-ports-desc", "br0"}, []string{" 2(eth2): addr:02:00:00:00:00:02\n     config:     0\n     state:      LINK_DOWN\n"}},
		{[]string{"dump-tables", "br0"}, []string{"  table 0:\n    active=0, lookup=1, matched=0\n"}},
		{[]string{"barrier", "br0"}, nil},
		{[]string{"version"}, []string{"sluice " + buildVersion() + "\n"}},
	} {
		wantTexts(t, strings.Join(row.args, " "), d.must("", row.args...), row.says...)
		var x map[string]any
		raw := d.must("", append([]string{"-o", "json"}, row.args...)...)
		if err := json.Unmarshal([]byte(raw), &x); err != nil {
			t.Errorf("%s as json: %v\n%s", row.args, err, raw)
		}
		if row.args[0] == "show" && (x["switch"] == nil || x["ports"] == nil) {
			t.Errorf("show as json is %s", raw)
		}
		var y map[string]any
		if err := yaml.Unmarshal([]byte(d.must("", append([]string{"-o", "yaml"}, row.args...)...)), &y); err != nil {
			t.Errorf("%s as yaml: %v", row.args, err)
		}
		if len(x) != len(y) {
			t.Errorf("%s: yaml has %v, json %v", row.args, y, x)
		}
	}
}

// TestTerminalIsNotObedient: whatever a switch calls itself and its ports, it
// tells nothing to the terminal and stays in its column.
func TestTerminalIsNotObedient(t *testing.T) {
	d := newDaemon(t)
	ports := simswitch.Ports(2)
	ports[0].Name = "e\x1b[2J\tx\u202e"
	sim := d.bridge(simswitch.Config{Name: "br\x1b]0;x\a\n0\u009b", DPID: 7, Ports: ports})
	clean := func(what, s string) {
		t.Helper()
		if i := strings.IndexFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s has %q in it:\n%q", what, s[i:min(i+4, len(s))], s)
		}
	}
	const br, e = `br\x1b]0;x\a\n0\u009b`, `e\x1b[2J\tx\u202e`
	d.must("", "add-flow", "7", "priority=1,actions=output:1")
	for _, row := range []struct {
		args  []string
		says  []string
		lines int // 0: any
	}{
		{[]string{"switches"}, []string{br + "  0000000000000007"}, 2},
		{[]string{"show", "7"}, []string{br + ": OpenFlow", "datapath: " + br + "\n", e + "  "}, 0},
		{[]string{"dump-desc", "7"}, []string{"DP Description: br.]0;x..0\\u009b\n"}, 5},
		{[]string{"dump-ports-desc", "7"}, []string{" 1(e): "}, 10},
		{[]string{"dump-tables", "7"}, []string{"  table 0:\n"}, 0},
		{[]string{"dump-flows", "--names", "7"}, []string{e}, 1},
		{[]string{"__complete", "-a", d.grpc, "show", ""}, []string{"0000000000000007\tOpenFlow 1.3\n"}, 0},
	} {
		out := d.sluice("", row.args...).out
		wantTexts(t, row.args[0], out, row.says...)
		if row.lines > 0 && strings.Count(out, "\n") != row.lines {
			t.Errorf("%s: not %d lines:\n%s", row.args[0], row.lines, out)
		}
		clean(row.args[0], strings.ReplaceAll(out, "7\tOpenFlow", ""))
	}
	sim.SetFaults(simswitch.RefuseFlow(1, ofp.FlowModFailedEPERM))
	r := d.sluice("", "add-flow", "7", "priority=2,actions=drop")
	clean("an error", r.err)
	wantTexts(t, "an error", r.err, "sluice: "+br+" refused: OFPFMFC_EPERM")
	r = d.sluice("arp,\tx\x1b[2J=1,actions=drop", "add-flows", "7", "-")
	clean("a text with an error", r.err)
	wantTexts(t, "a text with an error", r.err, "\n  line 1: arp,\\tx\\x1b[2J=1,actions=drop\n"+strings.Repeat(" ", len(`  line 1: arp,\t`))+"^\n")
}

// TestVersionFlag: --version prints what the verb prints.
func TestVersionFlag(t *testing.T) {
	d := newDaemon(t)
	if verb, flag := d.must("", "version"), d.must("", "--version"); verb != flag {
		t.Errorf("the verb prints %q, the flag %q", verb, flag)
	}
}

func TestPacketOut(t *testing.T) {
	d := newDaemon(t)
	sim := d.bridge(simswitch.Config{Name: "br0"})
	d.must("", "packet-out", "br0", "in_port=1,packet=ffffffffffff0000000000010806,actions=output:2")
	if sent := sim.Sent(); len(sent) != 1 || sent[0].Port != 2 || len(sent[0].Frame) != 14 {
		t.Errorf("sent %v", sent)
	}
}

func TestCompletion(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0"})
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		script := d.must("", "completion", shell)
		if len(script) < 1000 {
			t.Errorf("%s: no script", shell)
		}
		if shell != "bash" {
			continue
		}
		parse := exec.CommandContext(t.Context(), "bash", "-n")
		parse.Stdin = strings.NewReader(script)
		if out, err := parse.CombinedOutput(); err != nil {
			t.Errorf("bash cannot read its script: %v\n%s", err, out)
		}
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"dump-flows", ""}, "br0\tOpenFlow 1.3"},
		{[]string{"add-fl"}, "add-flows\t"},
		{[]string{"-o", ""}, "json"},
	} {
		if r := d.sluice("", append([]string{"__complete", "-a", d.grpc}, row.args...)...); !strings.Contains(r.out, row.want) {
			t.Errorf("%v completes to %q, want %q in it", row.args, r.out, row.want)
		}
	}
}

func TestEveryVerbHasHelpWithExamples(t *testing.T) {
	d := newDaemon(t)
	for _, verb := range newRoot(&client{}).Commands() {
		name := verb.Name()
		if name == "completion" || name == "help" {
			continue
		}
		wantTexts(t, name+" --help", d.must("", name, "--help"), "Examples:\n  sluice ", "Usage:")
	}
	wantTexts(t, "sluice", d.must(""), "Examples:", "dump-flows")
}

func TestAddressFromEnvironment(t *testing.T) {
	d := newDaemon(t)
	d.bridge(simswitch.Config{Name: "br0"})
	t.Setenv(addressVariable, d.grpc)
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"switches"}, nil, &out, &errOut); code != exitDone || !strings.Contains(out.String(), "br0") {
		t.Errorf("status %d, %s%s", code, &out, &errOut)
	}
}
