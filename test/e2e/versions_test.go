package e2e

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/ovs"
)

// TestVersions has four bridges, one a version, and looks at each of them at
// what a user does.
func TestVersions(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "l2switch")
	var bridges []string
	hosts := map[string][]*ovs.Host{}
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		hosts[v.bridge] = l.hosts(v.bridge, v.net, 2)
		bridges = append(bridges, v.bridge)
	}
	got := l.ready(heal, bridges...)
	for _, v := range versions {
		if got[v.bridge] != v.name {
			t.Errorf("%s speaks %q, want %q", v.bridge, got[v.bridge], v.name)
		}
	}
	if out := l.sluice(t, "switches"); !strings.Contains(out, "br10") || !strings.Contains(out, "br13") {
		t.Errorf("sluice switches:\n%s", out)
	}
	l.sluiceJSON(t, "switches")

	t.Run("bridges", func(t *testing.T) { // waits for the parallel ones
		for _, v := range versions {
			t.Run(v.name, func(t *testing.T) {
				t.Parallel()
				h := hosts[v.bridge]
				t.Run("learning switch", func(t *testing.T) { l.learns(t, v, h[0], h[1]) })
				t.Run("tcp", func(t *testing.T) { tcp(t, h[0], h[1]) })
				t.Run("flow by gRPC", func(t *testing.T) { l.flowByGRPC(t, v, h[0], h[1]) })
				t.Run("structured flow", func(t *testing.T) { l.structuredFlow(t, v, h[0], h[1]) })
				t.Run("flow by command line", func(t *testing.T) { l.flowByCommandLine(t, v, h[0], h[1]) })
				t.Run("delete in all tables", func(t *testing.T) { l.deleteEverywhere(t, v) })
				t.Run("rewritten", func(t *testing.T) { l.rewritten(t, v, h[0], h[1]) })
				t.Run("packet-out", func(t *testing.T) { l.packetOut(t, v, h[0]) })
				t.Run("ports", func(t *testing.T) { l.ports(t, v, h) })
				t.Run("dump-flows again", func(t *testing.T) { l.dumpFlowsAgain(t, v) })
			})
		}
	})
	l.metrics(t)
}

func (l *lab) learns(t *testing.T, v version, a, b *ovs.Host) {
	l.reaches(t, a, b)
	l.reaches(t, b, a)
	// The packets go by flows, not by the controller.
	flows := l.sluice(t, "dump-flows", v.bridge)
	for _, h := range []*ovs.Host{a, b} {
		if !strings.Contains(flows, h.MAC.String()) {
			t.Errorf("no flow for %s (%s) in\n%s", h.Name, h.MAC, flows)
		}
	}
	out, err := l.Ofctl(t.Context(), "dump-flows", v.bridge)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "idle_timeout=") {
		t.Errorf("no flow has an idle timeout:\n%s", out)
	}
}

func tcp(t *testing.T, a, b *ovs.Host) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ln, err := b.Listen(ctx, b.IP.String()+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	const size = 1 << 20
	sent := make(chan error, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			_, err = c.Write(make([]byte, size))
			c.Close()
		}
		sent <- err
	}()
	c, err := a.Dial(ctx, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline)
	if got, err := io.Copy(io.Discard, c); err != nil || got != size {
		t.Errorf("received %d bytes of %d: %v", got, size, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// write makes one change and demands that the switch confirmed it.
func (l *lab) write(t *testing.T, bridge string, change *sluicev1.FlowChange) {
	t.Helper()
	resp, err := sluicev1.NewFlowServiceClient(l.conn).WriteFlows(t.Context(),
		&sluicev1.WriteFlowsRequest{Switch: bridge, Changes: []*sluicev1.FlowChange{change}})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Confirmed != 1 {
		t.Fatalf("confirmed %d changes, want 1", resp.Confirmed)
	}
}

func text(flow string) *sluicev1.FlowSpec {
	return &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Text{Text: flow}}
}

func add(spec *sluicev1.FlowSpec) *sluicev1.FlowChange {
	return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: spec}}
}

func deleteStrict(spec *sluicev1.FlowSpec) *sluicev1.FlowChange {
	return &sluicev1.FlowChange{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: spec}}
}

// flowByGRPC pushes a flow that blocks one host's pings, and takes it away.
func (l *lab) flowByGRPC(t *testing.T, v version, a, b *ovs.Host) {
	match := fmt.Sprintf("priority=60000,icmp,nw_src=%s", a.IP)
	l.reaches(t, a, b)
	l.write(t, v.bridge, add(text(match+",actions=drop")))
	l.blocked(t, a, b)
	l.write(t, v.bridge, deleteStrict(text(match)))
	l.reaches(t, a, b)
}

// structuredFlow does the same without text. The switch itself is asked what it
// has.
func (l *lab) structuredFlow(t *testing.T, v version, a, b *ovs.Host) {
	ipv4, icmp, priority, src := uint32(0x0800), uint32(1), uint32(60001), a.IP.String()
	spec := &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Flow{Flow: &sluicev1.Flow{
		Priority: &priority, Cookie: 0x5151,
		Match: &sluicev1.Match{EthType: &ipv4, IpProto: &icmp, Ipv4Src: &src},
	}}}
	l.write(t, v.bridge, add(spec))
	out, err := l.Ofctl(t.Context(), "dump-flows", v.bridge)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("priority=60001,icmp,nw_src=%s actions=drop", src); !strings.Contains(out, want) {
		t.Errorf("Open vSwitch has no flow %q:\n%s", want, out)
	}
	l.blocked(t, a, b)
	l.write(t, v.bridge, deleteStrict(spec))
	l.reaches(t, a, b)
}

func (l *lab) flowByCommandLine(t *testing.T, v version, a, b *ovs.Host) {
	match := fmt.Sprintf("icmp,nw_dst=%s", b.IP)
	l.sluice(t, "add-flow", v.bridge, "priority=60002,"+match+",actions=drop")
	l.blocked(t, a, b)
	l.sluice(t, "mod-flows", v.bridge, match+",actions=NORMAL")
	l.reaches(t, a, b)
	l.sluice(t, "del-flows", v.bridge, match)
	l.reaches(t, a, b)
	if out := l.sluice(t, "dump-flows", v.bridge); strings.Contains(out, "priority=60002") {
		t.Errorf("the flow is still there:\n%s", out)
	}
}

// deleteEverywhere deletes without naming a table, which OpenFlow 1.1 cannot say
// in one message.
func (l *lab) deleteEverywhere(t *testing.T, v version) {
	if v.name == "1.0" {
		return // it has one table
	}
	for _, table := range []int{0, 3, 253} {
		l.sluice(t, "add-flow", v.bridge, fmt.Sprintf("table=%d,priority=7,udp,tp_dst=4242,actions=drop", table))
	}
	l.sluice(t, "del-flows", v.bridge, "udp,tp_dst=4242")
	out, err := l.Ofctl(t.Context(), "dump-flows", v.bridge)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "tp_dst=4242") {
		t.Errorf("flows are left:\n%s", out)
	}
}

// rewritten pushes the same text in every version: an address that no host has
// is answered by b.
func (l *lab) rewritten(t *testing.T, v version, a, b *ovs.Host) {
	nobody := fmt.Sprintf("10.0.%d.99", v.net)
	if _, err := a.Run(t.Context(), "ip", "neigh", "replace", nobody, "lladdr", "02:00:00:00:00:99", "dev", "eth0"); err != nil {
		t.Fatal(err)
	}
	l.sluice(t, "add-flow", v.bridge, fmt.Sprintf("priority=60003,icmp,nw_dst=%s,actions=mod_dl_dst:%s,mod_nw_dst:%s,output:%d", nobody, b.MAC, b.IP, b.Port))
	l.sluice(t, "add-flow", v.bridge, fmt.Sprintf("priority=60003,icmp,nw_src=%s,nw_dst=%s,actions=mod_nw_src:%s,output:%d", b.IP, a.IP, nobody, a.Port))
	out, err := a.Run(t.Context(), "ping", "-n", "-c", "3", "-i", "0.2", "-W", "1", nobody)
	if err != nil || !strings.Contains(out, "3 received") {
		t.Errorf("ping of %s, which is rewritten to %s: %v\n%s", nobody, b.Name, err, out)
	}
	l.sluice(t, "del-flows", v.bridge, "icmp,nw_dst="+nobody)
	l.sluice(t, "del-flows", v.bridge, fmt.Sprintf("icmp,nw_src=%s,nw_dst=%s", b.IP, a.IP))
	l.reaches(t, a, b)
}

// dumpFlowsAgain gives the lines of sluice dump-flows to ovs-ofctl add-flow, and
// demands that the switch has the same flows after as before.
func (l *lab) dumpFlowsAgain(t *testing.T, v version) {
	ctx := t.Context()
	for _, flow := range []string{
		"priority=1000,cookie=0x1234,tcp,nw_src=10.1.0.0/16,tp_dst=80,actions=output:1",
		"priority=1001,dl_vlan=10,dl_vlan_pcp=3,actions=strip_vlan,output:2",
		"priority=1002,arp,arp_tpa=10.1.2.3,actions=FLOOD",
		"priority=1003,udp,in_port=1,tp_src=53,idle_timeout=300,hard_timeout=600,actions=mod_nw_tos:8,output:2",
		"priority=1004,dl_src=02:00:00:00:00:77,actions=CONTROLLER:128,output:LOCAL",
	} {
		l.sluice(t, "add-flow", v.bridge, flow)
	}
	if v.name != "1.0" {
		l.sluice(t, "add-flow", v.bridge, "table=0,priority=1005,ip,nw_proto=47,actions=goto_table:2")
		l.sluice(t, "add-flow", v.bridge, "table=2,priority=1,metadata=0x1/0x1,actions=write_actions(output:1)")
	}
	if v.name == "1.2" || v.name == "1.3" {
		l.sluice(t, "add-flow", v.bridge, "priority=1006,icmp6,ipv6_src=2001:db8::/32,icmp_type=128,actions=set_field:2001:db8::1->ipv6_dst,output:1")
	}
	// The learned flows come and go; these are compared.
	before := l.staticFlows(t, v.bridge)
	if want := map[string]int{"1.0": 5, "1.1": 7, "1.2": 8, "1.3": 8}[v.name]; len(before) != want {
		t.Fatalf("Open vSwitch has %d of the flows, want %d: %q", len(before), want, before)
	}
	lines := l.sluice(t, "dump-flows", v.bridge)
	if _, err := l.Ofctl(ctx, "del-flows", v.bridge); err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if !strings.Contains(line, "actions=") {
			continue
		}
		count++
		if _, err := l.Ofctl(ctx, "add-flow", v.bridge, line); err != nil {
			t.Errorf("ovs-ofctl does not take a line of sluice dump-flows: %v", err)
		}
	}
	if count < len(before) {
		t.Errorf("sluice dump-flows has %d flows:\n%s", count, lines)
	}
	if after := l.staticFlows(t, v.bridge); !slices.Equal(before, after) {
		t.Errorf("flows before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

// staticFlows are the flows of dumpFlowsAgain as ovs-ofctl prints them.
func (l *lab) staticFlows(t *testing.T, bridge string) []string {
	out, err := l.Ofctl(t.Context(), "--no-stats", "dump-flows", bridge)
	if err != nil {
		t.Fatal(err)
	}
	var flows []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.Contains(line, "priority=100") && !strings.Contains(line, "priority=100,") || strings.Contains(line, "table=2") {
			flows = append(flows, line)
		}
	}
	slices.Sort(flows)
	return flows
}

// metrics reads what the controller counted.
func (l *lab) metrics(t *testing.T) {
	status, body, err := l.HTTP(t.Context(), "/metrics")
	if err != nil || status != 200 {
		t.Fatalf("/metrics: %d, %v", status, err)
	}
	for _, v := range versions {
		if !slices.ContainsFunc(strings.Split(body, "\n"), func(line string) bool {
			return strings.HasPrefix(line, "sluice_") && strings.Contains(line, `version="`+v.name+`"`) && strings.HasSuffix(line, " 1")
		}) {
			t.Errorf("/metrics does not tell of one switch of version %s", v.name)
		}
	}
	if status, body, err := l.HTTP(t.Context(), "/healthz"); err != nil || status != 200 {
		t.Errorf("/healthz: %d %q, %v", status, body, err)
	}
}
