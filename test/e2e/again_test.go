package e2e

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// againFlows are flows that are easily lost on the way, and the versions from
// and to which they can be said.
var againFlows = []struct {
	since, until string
	flow         string
}{
	{"1.0", "1.3", "tcp,nw_src=10.1.0.0/16,tp_dst=80,actions=output:1"},
	{"1.0", "1.3", "tcp,in_port=1,tp_src=22,actions=mod_tp_dst:2222,output:2"},
	{"1.0", "1.3", "udp,nw_dst=10.2.3.4,tp_dst=53,actions=mod_nw_dst:10.2.3.5,mod_nw_tos:8,output:2"},
	{"1.0", "1.3", "icmp,icmp_type=8,icmp_code=0,actions=drop"},
	{"1.0", "1.3", "arp,arp_op=1,arp_tpa=10.0.0.0/24,actions=FLOOD"},
	{"1.0", "1.3", "dl_vlan=10,dl_vlan_pcp=3,actions=strip_vlan,IN_PORT"},
	{"1.0", "1.3", "dl_vlan=9,dl_src=02:00:00:00:00:77,actions=mod_vlan_vid:7,mod_vlan_pcp:2,output:1"},
	{"1.0", "1.3", "ip,nw_tos=32,idle_timeout=300,hard_timeout=600,send_flow_rem,actions=CONTROLLER:128,LOCAL"},
	{"1.1", "1.3", "ip,nw_proto=47,cookie=0x1234567890abcdef,actions=set_queue:3,output:1"},
	{"1.0", "1.3", "vlan_tci=0,dl_src=02:00:00:00:00:78,actions=mod_dl_src:02:00:00:00:00:79,output:1"},
	{"1.0", "1.0", "ip,nw_proto=50,actions=enqueue:1:2"},
	{"1.1", "1.3", "metadata=0x10/0xf0,actions=write_metadata:0xa/0xf,goto_table:2"},
	{"1.1", "1.3", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=clear_actions,write_actions(output:1),goto_table:3"},
	{"1.1", "1.3", "mpls,mpls_label=1048575,mpls_tc=5,actions=pop_mpls:0x0800,dec_ttl,goto_table:1"},
	{"1.1", "1.3", "ip,nw_proto=4,actions=push_mpls:0x8847,set_mpls_ttl:9,output:2"},
	{"1.1", "1.3", "ip,nw_proto=5,actions=push_vlan:0x8100,dec_ttl,mod_nw_ttl:3,output:2"},
	{"1.1", "1.3", "table=7,sctp,tp_dst=5060,actions=drop"},
	{"1.2", "1.3", "ipv6,ipv6_src=2001:db8::/32,ipv6_label=0x12345,actions=set_field:2001:db8::1->ipv6_dst,output:1"},
	{"1.2", "1.3", "icmp6,icmp_type=135,nd_target=2001:db8::/64,actions=output:1"},
	{"1.2", "1.3", "icmp6,icmp_type=136,nd_tll=02:00:00:00:00:00/ff:00:00:00:00:00,actions=output:1"},
	{"1.2", "1.3", "tcp,tp_dst=0x50/0xfff0,actions=drop"},
	{"1.2", "1.3", "arp,arp_sha=02:00:00:00:00:01,actions=set_field:2->arp_op,set_field:10.0.0.9->arp_spa,IN_PORT"},
	{"1.2", "1.3", "vlan_tci=0x1000/0x1000,actions=set_field:4100->vlan_vid,output:2"},
	{"1.2", "1.3", "ip,nw_ecn=1,actions=set_field:2->nw_ecn,output:2"},
	{"1.2", "1.3", "ip,nw_proto=6,actions=set_queue:3,output:1,pop_queue"},
	{"1.3", "1.3", "mpls,mpls_bos=1,actions=output:1"},
	{"1.3", "1.3", "tun_id=0x5/0xff,actions=set_field:0x7->tun_id,output:1"},
}

// TestListedFlowsWrittenAgain: the flows that Open vSwitch has, read in structured
// form and written again, are the same to Open vSwitch.
func TestListedFlowsWrittenAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
	}
	l.ready(heal, versions[0].bridge, versions[1].bridge, versions[2].bridge, versions[3].bridge)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			want := 0
			for i, x := range againFlows {
				if x.since <= v.name && v.name <= x.until {
					l.write(t, v.bridge, add(text("priority="+strconv.Itoa(100+i)+","+x.flow)))
					want++
				}
			}
			has, listed := l.has(t, v.bridge), l.listed(t, v.bridge)
			if len(has) != want || len(listed) != want {
				t.Fatalf("Open vSwitch has %d flows and lists %d, want %d:\n%s", len(has), len(listed), want, strings.Join(has, "\n"))
			}
			l.write(t, v.bridge, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Delete{Delete: &sluicev1.FlowSpec{}}})
			if left := l.has(t, v.bridge); len(left) != 0 {
				t.Fatalf("flows are left: %q", left)
			}
			for _, f := range listed {
				l.write(t, v.bridge, add(&sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Flow{Flow: f}}))
			}
			if d := cmp.Diff(has, l.has(t, v.bridge)); d != "" {
				t.Errorf("Open vSwitch has (-before +after):\n%s", d)
			}
			if d := cmp.Diff(listed, l.listed(t, v.bridge), protocmp.Transform()); d != "" {
				t.Errorf("listed (-before +after):\n%s", d)
			}
		})
	}
}

// has returns the flows of a bridge as ovs-ofctl prints them.
func (l *lab) has(t *testing.T, bridge string) []string {
	t.Helper()
	out, err := l.Ofctl(t.Context(), "--no-stats", "dump-flows", bridge)
	if err != nil {
		t.Fatal(err)
	}
	var flows []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.Contains(line, "actions=") {
			flows = append(flows, line)
		}
	}
	slices.Sort(flows)
	return flows
}

// listed returns the flows of a bridge in structured form, by priority.
func (l *lab) listed(t *testing.T, bridge string) []*sluicev1.Flow {
	t.Helper()
	s, err := sluicev1.NewFlowServiceClient(l.conn).ListFlows(t.Context(), &sluicev1.ListFlowsRequest{Switch: bridge, Form: sluicev1.FlowForm_FLOW_FORM_STRUCTURED})
	if err != nil {
		t.Fatal(err)
	}
	var flows []*sluicev1.Flow
	for {
		part, err := s.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range part.GetFlows() {
			flows = append(flows, e.GetFlow())
		}
	}
	slices.SortFunc(flows, func(a, b *sluicev1.Flow) int { return int(a.GetPriority()) - int(b.GetPriority()) })
	return flows
}
