package ofp

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

const (
	ordinary   = "the action stands in an ordinary flow-mod, where Open vSwitch sends NXT_FLOW_MOD"
	protoFirst = "the order of a match's fields: ip_proto stands before the addresses"
)

// compileLines are flows, each said once. What a version says otherwise than
// Open vSwitch, or what only one of the two can say there, is in differs with the
// reason.
var compileLines = []struct {
	text    string
	differs map[Version]string
}{
	{text: "actions=mod_vlan_vid:5,output:1"},
	{text: "actions=mod_vlan_pcp:3,output:1"},
	{text: "actions=mod_vlan_vid:5,mod_vlan_pcp:3,output:1"},
	{text: "actions=mod_vlan_pcp:3,mod_vlan_vid:5,output:1"},
	{text: "dl_vlan=3,actions=mod_vlan_vid:5,output:1"},
	{text: "vlan_tci=0,actions=mod_vlan_vid:5"},
	{text: "dl_vlan=3,actions=strip_vlan,mod_vlan_vid:5,output:1"},
	{text: "dl_vlan=3,actions=strip_vlan,output:1"},
	{text: "dl_vlan=3,actions=pop_vlan,output:1"},
	{text: "actions=push_vlan:0x8100,set_field:4100->vlan_vid,output:1"},
	{text: "actions=push_vlan:0x8100,mod_vlan_vid:4,output:1"},
	{text: "dl_vlan=3,actions=set_field:4100->vlan_vid,output:1"},
	{text: "actions=enqueue:1:2"},
	{text: "actions=enqueue:1:2,output:3"},
	{text: "actions=set_queue:3,output:1,pop_queue"},
	{text: "tcp,actions=mod_tp_dst:80"},
	{text: "udp,actions=mod_tp_src:80"},
	{text: "sctp,tp_src=5,actions=mod_tp_dst:80"},
	{text: "tcp,actions=set_field:80->tcp_dst,set_field:10.0.0.1->ip_src"},
	{text: "ip,actions=mod_nw_src:10.0.0.1,mod_nw_tos:16,mod_nw_ecn:2,mod_nw_ttl:5"},
	{text: "ip,actions=dec_ttl"},
	{text: "mpls,actions=pop_mpls:0x800"},
	{text: "actions=push_mpls:0x8847"},
	{text: "mpls,actions=set_mpls_label(5),set_mpls_tc(2),set_mpls_ttl(3),dec_mpls_ttl"},
	{text: "actions=group:1"},
	{text: "actions=meter:1,output:1"},
	{text: "actions=goto_table:1"},
	{text: "table=1,actions=goto_table:2"},
	{text: "table=3,actions=output:1"},
	{text: "actions=clear_actions"},
	{"actions=write_actions(output:1)", map[Version]string{V10: "Open vSwitch leaves write_actions out in silence"}},
	{text: "arp,actions=set_field:1->arp_op"},
	{"actions=set_field:1->metadata", map[Version]string{V10: ordinary}},
	{text: "metadata=1,actions=output:1"},
	{"actions=write_metadata:1", map[Version]string{V10: ordinary}},
	{"tcp6,ipv6_dst=::1,actions=output:1", map[Version]string{V10: protoFirst, V12: protoFirst, V13: protoFirst}},
	{"ipv6,actions=set_field:::1->ipv6_src", map[Version]string{V10: ordinary, V11: "Open vSwitch does not send loads of IPv6 addresses in 1.1, and takes them"}},
	{text: "tun_id=5,actions=set_field:5->tun_id"},
	{text: "arp,arp_sha=00:00:00:00:00:01,actions=drop"},
	{text: "ip,nw_src=10.0.0.0/255.0.255.0,actions=drop"},
	{text: "dl_src=00:00:00:00:00:01/00:00:00:00:00:ff,actions=drop"},
	{"ip,nw_ecn=1,actions=drop", map[Version]string{V11: "Open vSwitch leaves nw_ecn out in silence"}},
	{text: "mpls,mpls_label=3,actions=drop"},
	{text: "cookie=5,idle_timeout=3,actions=controller"},
	{text: "reset_counts,actions=drop"},
	{text: "no_packet_counts,actions=drop"},
	{text: "actions=set_field:00:00:00:00:00:01->eth_src"},
	{text: "actions=mod_dl_src:00:00:00:00:00:01"},
	{text: "icmp,icmp_type=8,actions=drop"},
	{text: "icmp,actions=resubmit(,1)"},
	{"dl_vlan=3,dl_vlan_pcp=2,ip,nw_tos=16,nw_ecn=1,in_port=4,actions=drop", map[Version]string{V11: "Open vSwitch leaves nw_ecn out in silence"}},
	{"vlan_tci=0x1000/0x1000,actions=mod_vlan_vid:5", map[Version]string{V11: "Open vSwitch does not send the number that 1.1 has for any tag"}},
}

// TestCompiledFlowsAreThoseOfOpenVSwitch compares what a flow is for each
// version, extensions allowed, with what ovs-ofctl sends.
func TestCompiledFlowsAreThoseOfOpenVSwitch(t *testing.T) {
	e := Encoder{Extensions: true}
	for _, line := range compileLines {
		for _, v := range Versions() {
			frames, refusal := ovsSends(t, v, "add-flow", line.text)
			m, err := ParseFlow(line.text, FlowAdd, nil)
			if err != nil {
				t.Errorf("%s: %v", line.text, err)
				break
			}
			var got, want []byte
			if len(frames) > 0 {
				want = frames[len(frames)-1]
				got, err = e.Append(nil, v, binary.BigEndian.Uint32(want[4:]), m)
			} else {
				got, err = e.Append(nil, v, 0, m)
			}
			same := string(got) == string(want) && (refusal == "") == (err == nil)
			reason := line.differs[v]
			if reason != "" && len(got) > 0 { // then Open vSwitch understands it all the same
				if text := ovsPrint(t, [][]byte{got})[0]; !strings.Contains(text, "FLOW_MOD") || strings.Contains(text, "***") {
					t.Errorf("%s for %s: Open vSwitch reads %s", line.text, v, text)
				}
			}
			if same == (reason != "") {
				t.Errorf("%s for %s, reason to differ %q\n got %s %v\n%swant %s %s\n%s", line.text, v, reason,
					hex.EncodeToString(got), err, Print(got), hex.EncodeToString(want), refusal, Print(want))
			}
		}
	}
}
