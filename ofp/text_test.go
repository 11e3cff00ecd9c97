package ofp

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// names knows one port, "eth0" with number 7, and one whose name needs quotes.
var testNames = &Names{
	Port: func(name string) (PortNo, bool) {
		no, ok := map[string]PortNo{"eth0": 7, "eth 1": 8, "normal": 9}[name]
		return no, ok
	},
	PortName: func(no PortNo) (string, bool) {
		name, ok := map[PortNo]string{7: "eth0", 8: "eth 1", 9: "normal"}[no]
		return name, ok
	},
}

// flowTexts are texts and what they are printed as: "" means the same.
var flowTexts = []struct{ text, want string }{
	{"actions=drop", ""},
	{"actions=", "actions=drop"},
	{"action=output:1", "actions=output:1"},
	{"vlan_tci=0x0000,actions=drop", "vlan_tci=0x0000 actions=drop"},
	{"dl_vlan=0xffff,actions=drop", "vlan_tci=0x0000 actions=drop"},
	{"vlan_tci=0x1000/0x1000 actions=drop", ""},
	{"vlan_vid=0x1005/0x1fff,actions=drop", "dl_vlan=5 actions=drop"},
	{"vlan_vid=0x1005/0x1005,actions=drop", "vlan_tci=0x1005/0x1005 actions=drop"},
	{"vlan_pcp=3,dl_vlan=5,actions=drop", "dl_vlan=5,dl_vlan_pcp=3 actions=drop"},
	{"dl_vlan_pcp=3 actions=drop", ""},
	{"vlan_tci=0xb005,actions=drop", "dl_vlan=5,dl_vlan_pcp=5 actions=drop"},
	{"dl_type=0x800,nw_proto=6,actions=drop", "tcp actions=drop"},
	{"eth_type=0x800,ip_proto=2,actions=drop", "ip,nw_proto=2 actions=drop"},
	{"tp_src=4,nw_proto=132,ip,actions=drop", "sctp,tp_src=4 actions=drop"},
	{"ip,tcp,actions=drop", "tcp actions=drop"},
	{"tcp,nw_proto=6,actions=drop", "tcp actions=drop"},
	{"ip,ip_dscp=46,ip_ecn=2,actions=drop", "ip,nw_tos=184,nw_ecn=2 actions=drop"},
	{"ip,nw_tos=252 actions=drop", ""},
	{"rarp actions=drop", ""},
	{"dl_type=0x8848,mpls_label=4,actions=drop", "mplsm,mpls_label=4 actions=drop"},
	{"mpls,mpls_label=4,mpls_tc=2,mpls_bos=0 actions=drop", ""},
	{"dl_type=0x88cc actions=drop", ""},
	{"dl_type=0x88e7,pbb_isid=0x3/0xff actions=drop", ""},
	{"icmp6,icmpv6_type=135,nd_target=fe80::/10,nd_sll=0:0:0:0:0:1,actions=drop",
		"icmp6,icmp_type=135,nd_target=fe80::/10,nd_sll=00:00:00:00:00:01 actions=drop"},
	{"icmp6,icmp_type=136,icmp_code=0,nd_tll=00:00:00:00:00:01 actions=drop", ""},
	{"icmp,icmp_type=3,icmp_code=4 actions=drop", ""},
	{"icmp,tp_src=3,icmpv4_code=4 actions=drop", "icmp,icmp_type=3,icmp_code=4 actions=drop"},
	{"ipv6,ipv6_exthdr=0x1/0x3 actions=drop", ""},
	{"ipv6,ip_proto=6,tcp_src=80,actions=drop", "tcp6,tp_src=80 actions=drop"},
	{"ipv6,ipv6_flabel=0x10/0x1f,actions=drop", "ipv6,ipv6_label=0x00010/0x0001f actions=drop"},
	{"ip6,ipv6_src=1:0:0:2:0:0:0:3/ffff::ffff,actions=drop", "ipv6,ipv6_src=1::3/ffff::ffff actions=drop"},
	{"ipv6,ipv6_dst=::1.2.3.4 actions=drop", ""},
	{"tcp,tp_src=0x10/0xfff0 actions=drop", ""},
	{"in_port=LOCAL actions=drop", ""},
	{"in_port=1,in_phy_port=3 actions=drop", ""},
	{"metadata=0x5,tunnel_id=5/0xff,actions=drop", "tun_id=0x5/0xff,metadata=0x5 actions=drop"},
	{"metadata=0/0xff actions=drop", ""},
	{"arp,arp_op=2,nw_src=1.2.3.4,arp_tpa=10.0.0.0/8,arp_sha=1:2:3:4:5:6/ff:ff:ff:0:0:0,arp_tha=0:0:0:0:0:9 actions=drop",
		"arp,arp_spa=1.2.3.4,arp_tpa=10.0.0.0/8,arp_op=2,arp_sha=01:02:03:00:00:00/ff:ff:ff:00:00:00,arp_tha=00:00:00:00:00:09 actions=drop"},
	{"tcp,nw_src=1.2.3.4/255.0.255.0 actions=drop", "tcp,nw_src=1.0.3.0/255.0.255.0 actions=drop"},
	{"ip,ip_src=0.0.0.0/0,ipv4_dst=1.2.3.4/32,actions=drop", "ip,nw_dst=1.2.3.4 actions=drop"},
	{"eth_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=drop", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=drop"},
	{"table=3,priority=65535 actions=drop", ""},
	{"priority=32768,actions=drop", "actions=drop"},
	{"cookie=0x12,table=1,idle_timeout=3,hard_timeout=4,send_flow_rem,check_overlap,reset_counts,no_packet_counts,no_byte_counts actions=drop", ""},
	{" cookie=0x1, duration=0.495s, table=0, n_packets=1, n_bytes=2, idle_timeout=60, hard_timeout=120, idle_age=3, hard_age=4, send_flow_rem priority=10,in_port=1 actions=output:2",
		"cookie=0x1,idle_timeout=60,hard_timeout=120,send_flow_rem,priority=10,in_port=1 actions=output:2"},
	{"actions=output:1,output:LOCAL,3,controller,controller:100,controller(max_len=44),CONTROLLER:0",
		"actions=output:1,LOCAL,output:3,CONTROLLER:65535,CONTROLLER:100,CONTROLLER:44,CONTROLLER:0"},
	{"actions=normal,flood,all,in_port,local,table", "actions=NORMAL,FLOOD,ALL,IN_PORT,LOCAL,TABLE"},
	{"actions=push_vlan:0x8100,mod_vlan_vid:5,mod_vlan_pcp:3,strip_vlan,pop_vlan,push_mpls:0x8847,pop_mpls:0x0800", ""},
	{"actions=set_vlan_vid:5,set_vlan_pcp:3", "actions=mod_vlan_vid:5,mod_vlan_pcp:3"},
	{"actions=set_mpls_label:4,set_mpls_tc(2),set_mpls_ttl:9,dec_mpls_ttl", "actions=set_mpls_label(4),set_mpls_tc(2),set_mpls_ttl(9),dec_mpls_ttl"},
	{"actions=mod_nw_ttl:4,dec_ttl,copy_ttl_in,copy_ttl_out,push_pbb:0x88e7,pop_pbb", ""},
	{"ip actions=mod_dl_src:01:02:03:04:05:06,mod_dl_dst:01:02:03:04:05:06,mod_nw_src:1.2.3.4,mod_nw_dst:4.3.2.1,mod_nw_tos:16,mod_nw_ecn:2", ""},
	{"tcp,actions=mod_tp_src:4,mod_tp_dst:5", "tcp actions=set_field:4->tcp_src,set_field:5->tcp_dst"},
	{"udp6,actions=mod_tp_src:4", "udp6 actions=set_field:4->udp_src"},
	{"in_port=1 actions=mod_tp_src:4", ""},
	{"ip,dl_vlan=3 actions=set_field:4101->vlan_vid,set_field:0x5->metadata,set_field:0x5->tun_id,set_field:3->ip_dscp,set_field:1->nw_ecn", ""},
	{"ip actions=set_field:1:2:3:4:5:6->dl_src,set_field:1.2.3.4->nw_dst", "ip actions=set_field:01:02:03:04:05:06->eth_src,set_field:1.2.3.4->ip_dst"},
	{"ipv6 actions=set_field:::1->ipv6_src", ""},
	{"arp actions=set_field:2->arp_op", ""},
	{"actions=output(field=reg0[0..15],max_len=128),output:NXM_NX_REG1[]", "actions=output(field=NXM_NX_REG0[0..15],max_len=128),output:NXM_NX_REG1[]"},
	{"arp actions=set_field:1.2.3.4->nw_src", "arp actions=set_field:1.2.3.4->arp_spa"},
	{"actions=set_queue:4,enqueue:3:4,enqueue(5,6),pop_queue,group:2", "actions=set_queue:4,enqueue:3:4,enqueue:5:6,pop_queue,group:2"},
	{"actions=meter:3,output:1,clear_actions,write_actions(output:1,group:2),write_metadata:5/0xff,goto_table:3",
		"actions=meter:3,output:1,clear_actions,write_actions(output:1,group:2),write_metadata:0x5/0xff,goto_table:3"},
	{"actions=apply_actions(output:3,output:4),goto_table:1", "actions=output:3,output:4,goto_table:1"},
	{"actions=write_actions()", "actions=write_actions(drop)"},
	{"actions=apply_actions()", "actions=drop"},
}

func TestFlowText(t *testing.T) {
	for _, x := range flowTexts {
		m, err := ParseFlow(x.text, FlowAdd, nil)
		if err != nil {
			t.Errorf("%s: %v", x.text, err)
			continue
		}
		want := x.want
		if want == "" {
			want = x.text
		}
		if got := m.String(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", x.text, got, want)
		}
		again, err := ParseFlow(m.String(), FlowAdd, nil)
		if err != nil || !sameFlow(m, again) {
			t.Errorf("%s: printed text reads as another flow: %v, %v", x.text, again, err)
		}
	}
}

// sameFlow compares flows by what they do.
func sameFlow(a, b *FlowMod) bool {
	x, y := *a, *b
	if !x.Match.Equal(&y.Match) || FormatActions(x.Instructions, nil) != FormatActions(y.Instructions, nil) {
		return false
	}
	x.Match, y.Match, x.Instructions, y.Instructions = Match{}, Match{}, nil, nil
	return x.Cookie == y.Cookie && x.CookieMask == y.CookieMask && x.Table == y.Table && x.Command == y.Command &&
		x.IdleTimeout == y.IdleTimeout && x.HardTimeout == y.HardTimeout && x.Priority == y.Priority &&
		x.OutPort == y.OutPort && x.OutGroup == y.OutGroup && x.Flags == y.Flags
}

func TestFlowTextOfOtherCommands(t *testing.T) {
	for _, x := range []struct {
		command    FlowCommand
		text, want string
	}{
		{FlowDelete, "", ""},
		{FlowDelete, "table=255", ""},
		{FlowDelete, "table=3,ip,out_port=2,out_group=4", "table=3,out_port=2,out_group=4,ip"},
		{FlowDelete, "cookie=0x5/-1,out_port=LOCAL", "cookie=0x5/0xffffffffffffffff,out_port=LOCAL"},
		{FlowDeleteStrict, "priority=5,tcp", "priority=5,tcp"},
		{FlowModify, "cookie=0x5/0xff,ip,actions=drop", "cookie=0x5/0xff,ip actions=drop"},
		{FlowModify, "cookie=0x5,ip,actions=2", "cookie=0x5,ip actions=output:2"},
		{FlowModifyStrict, "table=1,priority=5,actions=drop", "table=1,priority=5 actions=drop"},
	} {
		m, err := ParseFlow(x.text, x.command, nil)
		if err != nil {
			t.Errorf("%d %s: %v", x.command, x.text, err)
			continue
		}
		if got := m.String(); got != x.want {
			t.Errorf("%d %s:\n got %s\nwant %s", x.command, x.text, got, x.want)
		}
		again, err := ParseFlow(m.String(), x.command, nil)
		if err != nil || !sameFlow(m, again) {
			t.Errorf("%d %s: printed text reads as another flow: %v, %v", x.command, x.text, again, err)
		}
	}
}

func TestFlowTextErrors(t *testing.T) {
	for _, x := range []struct {
		command FlowCommand
		text    string
		col     int
		msg     string
	}{
		{FlowAdd, "ip,priority=5,nw_srcc=1.2.3.4,actions=drop", 15, `unknown field "nw_srcc"; did you mean nw_src?`},
		{FlowAdd, "in_port=1", 10, "no actions"},
		{FlowAdd, "in_port=1,actions", 11, "needs actions"},
		{FlowAdd, "in_port,actions=drop", 1, "needs a value"},
		{FlowAdd, "nw_dst=1.2.3.4,actions=drop", 1, "nw_dst needs ip or arp before"},
		{FlowAdd, "priority=5,ip,tp_dst=80,actions=drop", 15, "tp_dst needs tcp or udp or sctp or icmp or icmp6 before"},
		{FlowAdd, "tp_dst=80,actions=drop", 1, "tp_dst needs tcp or udp"},
		{FlowAdd, "tcp_src=80,ip,actions=drop", 1, "tcp_src needs tcp"},
		{FlowAdd, "arp,icmp_type=8,actions=drop", 5, "icmp_type needs icmp or icmp6 before"},
		{FlowAdd, "icmp6,nd_sll=0:0:0:0:0:1,actions=drop", 7, "nd_sll needs icmp_type=135"},
		{FlowAdd, "ip,ip,nw_src=1.2.3.4,nw_src=1.2.3.4,actions=drop", 22, "stands twice"},
		{FlowAdd, "ip,nw_src=1.2.3.4,ip_src=1.2.3.4,actions=drop", 4, "stands twice"},
		{FlowAdd, "ip,arp,actions=drop", 4, "contradicts"},
		{FlowAdd, "tcp,nw_proto=17,actions=drop", 14, "contradicts"},
		{FlowAdd, "priority=1,priority=2,actions=drop", 12, "stands twice"},
		{FlowAdd, "send_flow_rem,send_flow_rem,actions=drop", 15, "stands twice"},
		{FlowAdd, "priority=70000,actions=drop", 10, "out of range; want 0 to 65535"},
		{FlowAdd, "priority=-1,actions=drop", 10, "not a number"},
		{FlowAdd, "priority=0x,actions=drop", 10, "not a number"},
		{FlowAdd, "priority=1_0,actions=drop", 10, "not a number"},
		{FlowAdd, "table=255,actions=drop", 7, "out of range"},
		{FlowAdd, "cookie=1/2,actions=drop", 8, "without a mask"},
		{FlowAdd, "out_port=1,actions=drop", 1, "only a delete"},
		{FlowAdd, "ip,nw_tos=3,actions=drop", 11, "multiple of 4"},
		{FlowAdd, "ip,nw_src=1.2.3,actions=drop", 11, "not an IPv4 address"},
		{FlowAdd, "ip,nw_src=1.2.3.4/33,actions=drop", 19, "want 0 to 32"},
		{FlowAdd, "ipv6,ipv6_src=::1%eth0,actions=drop", 15, "not an IPv6 address"},
		{FlowAdd, "ip,ip_dscp=64,actions=drop", 12, "out of range; want 0 to 63"},
		{FlowAdd, "dl_src=1:2:3:4:5,actions=drop", 8, "not an Ethernet address"},
		{FlowAdd, "dl_src=1:2:3:4:5:6:7,actions=drop", 8, "not an Ethernet address"},
		{FlowAdd, "dl_vlan=4096,actions=drop", 9, "want 0 to 4095"},
		{FlowAdd, "dl_vlan=5,vlan_tci=0x1000/0x1000,actions=drop", 11, "stands twice"},
		{FlowAdd, "vlan_tci=0x0005,actions=drop", 10, ""},
		{FlowAdd, "ip,nw_proto=6/0xf,actions=drop", 13, "takes no mask"},
		{FlowAdd, "ip=1,actions=drop", 4, "takes no value"},
		{FlowAdd, "in_port=65534,actions=drop", 9, "write LOCAL"},
		{FlowAdd, "in_port=eth0,actions=drop", 9, "unknown port"},
		{FlowAdd, "tp_src(80)x,tcp,actions=drop", 11, "after the closing parenthesis"},
		{FlowAdd, "actions=output:1,foo", 18, `unknown action "foo"`},
		{FlowAdd, "actions=outputt:1", 9, "did you mean output?"},
		{FlowAdd, "actions=output", 9, "needs a value"},
		{FlowAdd, "actions=output:nowhere", 16, "unknown port"},
		{FlowAdd, "actions=output:any", 9, "no packet can leave"},
		{FlowAdd, "actions=drop,output:1", 9, "drop stands alone"},
		{FlowAdd, "actions=output:1,drop", 18, "drop stands alone"},
		{FlowAdd, "actions=goto_table:3,output:1", 22, "output after goto_table"},
		{FlowAdd, "actions=output:1,meter:1", 18, "meter after apply_actions"},
		{FlowAdd, "actions=goto_table:3,goto_table:4", 22, "stands twice"},
		{FlowAdd, "actions=write_actions(output:1", 22, "not closed"},
		{FlowAdd, "actions=write_actions(goto_table:1)", 23, "no action"},
		{FlowAdd, "actions=write_actions", 9, "in parentheses"},
		{FlowAdd, "actions=mod_vlan_vid:4096", 22, "want 0 to 4095"},
		{FlowAdd, "actions=push_vlan:0x800", 19, "cannot push 0x0800"},
		{FlowAdd, "actions=set_field:5", 19, "needs a value and a field"},
		{FlowAdd, "actions=set_field:5->foo_src", 22, "unknown field"},
		{FlowAdd, "actions=set_field:5->vlan_vid", 19, "present bit"},
		{FlowAdd, "actions=set_field:0/0->reg0", 19, "mask has no bits"},
		{FlowAdd, "actions=set_field:2/3->ip_proto", 24, "ip_proto cannot be written"},
		{FlowAdd, "actions=load:5", 14, "needs an arrow"},
		{FlowAdd, "actions=load:16->reg0[0..3]", 14, "out of range; want 0 to 15"},
		{FlowAdd, "actions=load:0x1ffffffffffffffff->xxreg0[0..63]", 14, "does not fit into 64 bits"},
		{FlowAdd, "actions=load:5->eth_type", 17, "eth_type cannot be written"},
		{FlowAdd, "actions=load:5->reg0x", 17, "did you mean reg0?"},
		{FlowAdd, "actions=lod:5->reg0", 9, "did you mean load?"},
		{FlowAdd, "actions=move:reg0->reg1[0..3]", 14, "NXM_NX_REG0[] has 32 bits, NXM_NX_REG1[0..3] has 4"},
		{FlowAdd, "actions=move:reg0[]x->reg1", 20, `"x" after NXM_NX_REG0[]`},
		{FlowAdd, "actions=move:reg0", 14, "needs an arrow"},
		{FlowAdd, "actions=pop:eth_type", 13, "eth_type cannot be written"},
		{FlowAdd, "actions=output:reg0[32]", 20, "there is no bit 32"},
		{FlowAdd, "actions=check_pkt_larger(1500)->reg0", 26, "has 32 bits; want one"},
		{FlowAdd, "actions=check_pkt_larger(1500)", 26, "needs an arrow"},
		{FlowAdd, "actions=check_pkt_larger(70000)->reg0[0]", 26, "want 0 to 65535"},
		{FlowAdd, "actions=set_field:5->table", 22, "unknown field"},
		{FlowAdd, "actions=strip_vlan:3", 20, "takes no value"},
		{FlowAdd, "actions=controller(raeson=1)", 20, `unknown argument "raeson"; did you mean reason?`},
		{FlowAdd, "actions=controller(reason=1)", 27, "want one of no_match, action"},
		{FlowAdd, "actions=controller(pause=1)", 26, "takes no value"},
		{FlowAdd, "actions=controller(userdata=01.2)", 32, "half a byte"},
		{FlowAdd, "actions=note:01.2z", 17, `"2z" is not a byte`},
		{FlowAdd, "ip,actions=dec_ttl(1,65536)", 22, "want 0 to 65535"},
		{FlowAdd, "actions=output(port=1,max_len=13)", 16, "less than the 14 bytes"},
		{FlowAdd, "actions=output(port=normal,max_len=14)", 16, "NORMAL cannot be cut short"},
		{FlowAdd, "actions=output(max_len=14)", 16, "needs a port"},
		{FlowAdd, "tcp,actions=fin_timeout(idle_timeut=14)", 25, "did you mean idle_timeout?"},
		{FlowAdd, "actions=set_tunnell:1", 9, "did you mean set_tunnel?"},
		{FlowAdd, "actions=exit:1", 14, "takes no value"},
		{FlowAdd, `actions=output:"eth0`, 16, "not closed"},
		{FlowDelete, "actions=drop", 1, "want none here"},
		{FlowDelete, "priority=5", 1, "not strict"},
		{FlowDelete, "idle_timeout=5", 1, "means nothing in a delete"},
		{FlowDelete, "cookie=5", 8, "with a mask, such as cookie=5/-1"},
	} {
		m, err := ParseFlow(x.text, x.command, nil)
		if x.msg == "" {
			if err == nil {
				t.Errorf("%s: no error, but %s", x.text, m)
			}
			continue
		}
		var te *TextError
		if !errors.As(err, &te) {
			t.Errorf("%s: got %v, %v; want an error: %s", x.text, m, err, x.msg)
			continue
		}
		if te.Col != x.col || !strings.Contains(te.Msg, x.msg) {
			t.Errorf("%s:\n got %v\nwant col %d: ...%s...", x.text, te, x.col, x.msg)
		}
	}
}

func TestPortNames(t *testing.T) {
	m, err := ParseFlow(`in_port=eth0,actions=eth0,output:"eth 1",output:"normal",normal,"eth 1"`, FlowAdd, testNames)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.String(), "in_port=7 actions=output:7,output:8,output:9,NORMAL,output:8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f := FlowStats{Match: m.Match, Instructions: m.Instructions, Priority: PriorityDefault}
	want := `cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, in_port=eth0 actions=output:eth0,output:"eth 1",output:"normal",NORMAL,output:"eth 1"`
	if got := f.Text(testNames); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	again, err := ParseFlow(f.Text(testNames), FlowAdd, testNames)
	if err != nil || !sameFlow(m, again) {
		t.Errorf("read again as %v, %v", again, err)
	}
}

func TestModTPWithoutVersionChoice(t *testing.T) {
	m, err := ParseFlow("tcp,actions=mod_tp_dst:5,output:1", FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Versions() {
		if _, err := Append(nil, v, 1, m); err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
}

func TestGeneratedFlowsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := genFlow(V13, false).Draw(t, "flow")
		again, err := ParseFlow(m.String(), FlowAdd, nil)
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		if !sameFlow(m, again) {
			t.Fatalf("\n got %s\nwant %s", again, m)
		}
	})
}

// TestLongText shows that the time to read a text grows no faster than its
// length: of four times the length it takes about four times as long, where
// steps that look at all the rest of the text would take sixteen.
func TestLongText(t *testing.T) {
	for _, x := range []struct {
		name, head, part, tail string
		ok                     bool
	}{
		{"actions", "actions=", "output:1,", "", true},
		{"separators", "", ", ", "actions=drop", true},
		{"counters", "", "n_packets=1,", "actions=drop", true},
		{"max_len", "actions=controller(", "max_len=1,", ")", true},
		{"open parentheses", "actions=write_actions", "(", "", false},
		{"many parentheses", "actions=write_actions", "(", strings.Repeat(")", 64<<10), false},
		{"nested", "actions=", "write_actions(", "", false},
		{"word", "", "x", "", false},
		{"quotes", "actions=output:", `"\`, "", false},
		{"number", "priority=", "1", "", false},
		{"field", "actions=set_field:", "1->", "", false},
		{"address", "ip,nw_src=", "1.", ",actions=drop", false},
		{"instructions", "actions=", "clear_actions,", "", false},
	} {
		text := func(n int) string { return x.head + strings.Repeat(x.part, n/len(x.part)) + x.tail }
		run := func(n int) time.Duration {
			s := text(n)
			start := time.Now()
			m, err := ParseFlow(s, FlowAdd, nil)
			took := time.Since(start)
			if (err == nil) != x.ok {
				t.Errorf("%s: %v", x.name, err)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("%s: error of %d bytes", x.name, len(err.Error()))
			}
			if m != nil {
				_ = m.String()
			}
			return took
		}
		short, long := time.Hour, time.Hour
		for range 20 {
			short, long = min(short, run(16<<10)), min(long, run(64<<10))
			if long < 10*short {
				break
			}
		}
		if long > 10*short && long > time.Millisecond {
			t.Errorf("%s: 64 KB took %v, 16 KB %v", x.name, long, short)
		}
	}
}

func BenchmarkParseFlow(b *testing.B) {
	const line = "table=0,priority=10,tcp,in_port=1,dl_src=00:00:00:00:00:01,nw_src=10.0.0.0/8,nw_dst=10.1.2.3,tp_dst=80,actions=set_queue:3,output:2,goto_table:4"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseFlow(line, FlowAdd, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlowStatsString(b *testing.B) {
	m, err := ParseFlow("priority=10,tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80,actions=output:2", FlowAdd, nil)
	if err != nil {
		b.Fatal(err)
	}
	f := FlowStats{Match: m.Match, Instructions: m.Instructions, Priority: 10}
	b.ReportAllocs()
	for b.Loop() {
		_ = f.String()
	}
}

// Open vSwitch tells the matches of 1.1 as OXM, and prints them with a mask that
// its own add-flow refuses for 1.1: text has none, a printed message has.
func TestNoTagText(t *testing.T) {
	var m Match
	m.SetUint(FieldVLANVID, VLANNone)
	for _, oxm11 := range []bool{false, true} {
		m.oxm11 = oxm11
		if got := m.String(); got != "vlan_tci=0x0000" {
			t.Errorf("oxm11 %v: text is %q", oxm11, got)
		}
	}
	if got := string(appendMatch(nil, &m, V11, nil)); got != "vlan_tci=0x0000/0x1fff" {
		t.Errorf("printed %q", got)
	}
}
