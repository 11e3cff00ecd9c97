package ofp

import (
	"strings"
	"testing"
)

func TestFlowModValidate(t *testing.T) {
	for _, text := range compoundTexts(t) {
		m, err := ParseFlow(text, FlowAdd, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	ct := func(as ...Action) Action { return Extend(&CT{Flags: CTCommit, Table: TableAll, Actions: as}) }
	conjunction := Extend(&Conjunction{Clauses: 2})
	deep := Output(1)
	for range maxNesting {
		deep = Extend(&CloneActions{Actions: []Action{deep}})
	}
	ipv4 := NAT{Flags: NATSrc, AddrMin: []byte{10, 0, 0, 1}}
	mark := SetField(FieldCTMark, []byte{0, 0, 0, 1})
	move := LearnSpec{Kind: LearnLoad, From: Whole(FieldIPv4Src), To: Whole(FieldReg(0))}
	to := LearnSpec{Kind: LearnMatch, Value: []byte{10, 0, 0, 1}, To: Whole(FieldIPv4Src)}
	tests := []struct {
		match string
		is    []Instruction
		want  string
	}{
		{"", []Instruction{Apply(ct())}, "action ct: malformed: needs ip or ipv6 in the match"},
		{"ip", []Instruction{Apply(ct(Output(1)))}, "action output: malformed: cannot stand in ct"},
		{"ip", []Instruction{Apply(mark)}, "action set_field: malformed: ct_mark and ct_label are written in ct only"},
		{"ip", []Instruction{Apply(Extend(&ipv4))}, "action nat: malformed: can stand in ct only"},
		{"ipv6", []Instruction{Apply(ct(Extend(&ipv4)))}, "an address of IPv4 needs ip"},
		{"ip", []Instruction{Apply(Extend(&CloneActions{Actions: []Action{mark}}))}, "ct_mark and ct_label are written in ct only"},
		{"ip", []Instruction{Apply(Extend(&CT{Flags: CTForce}))}, "action ct: force needs commit"},
		{"", []Instruction{Apply(conjunction, Output(1))}, "action output: malformed: only conjunction and note"},
		{"", []Instruction{Apply(Output(1), conjunction)}, "stands with note at most, not with output"},
		{"", []Instruction{Apply(conjunction), GotoTable(1)}, "instruction goto_table: malformed: only conjunction and note"},
		{"", []Instruction{WriteActions(conjunction)}, "action conjunction: malformed: cannot stand in write_actions"},
		{"", []Instruction{WriteActions(Extend(&Learn{Table: 1}))}, "action learn: malformed: cannot stand in write_actions"},
		{"", []Instruction{Apply(deep)}, "inside each other"},
		{"", []Instruction{Apply(Extend(&Learn{Table: 1, Specs: []LearnSpec{move}}))}, "ipv4_src needs ip in the match of this flow"},
		{"ip", []Instruction{Apply(Extend(&Learn{Table: 1, Specs: []LearnSpec{to}}))}, "ipv4_src needs ip before it"},
		{"", []Instruction{Apply(Extend(&Sample{}))}, "action sample: probability 0"},
		{"mpls", []Instruction{Apply(Action{Type: ActionPopMPLS, Arg: ethIPv4}, ct())}, ""},
		{"ip", []Instruction{Apply(Action{Type: ActionPushMPLS, Arg: ethMPLS}, ct())}, "needs ip or ipv6"},
		{"ip", []Instruction{Apply(ct(Extend(&ipv4), mark), Output(1)), GotoTable(2)}, ""},
		{"", []Instruction{Apply(Action{Type: ActionDecNWTTL})}, "action dec_ttl: malformed: needs ip or ipv6 in the match"},
		{"", []Instruction{WriteActions(Action{Type: ActionDecNWTTL})}, ""},
		{"ip", []Instruction{Apply(Action{Type: ActionSetTPSrc})}, "action mod_tp_src: malformed: needs tcp or udp or sctp"},
		{"", []Instruction{Apply(Action{Type: ActionPopVLAN})}, "action pop_vlan: malformed: needs dl_vlan"},
		{"dl_vlan=1", []Instruction{Apply(Action{Type: ActionPushVLAN, Arg: ethVLAN}, Action{Type: ActionPushVLAN, Arg: ethVLAN})}, "the packet has two tags"},
		{"", []Instruction{Apply(Action{Type: ActionSetVLANVID, Arg: 3}, Action{Type: ActionPopVLAN})}, ""},
		{"arp", []Instruction{Apply(SetField(FieldIPv4Src, []byte{10, 0, 0, 1}))}, "action set_field: malformed: ipv4_src needs ip in the match"},
		{"", []Instruction{Apply(Extend(&Resubmit{CT: true}))}, "action resubmit: malformed: with ct needs ct_state=+est"},
	}
	for _, tt := range tests {
		m := NewFlowMod(FlowAdd)
		m.Instructions = tt.is
		var err error
		if m.Match, err = ParseMatch(tt.match, nil); err != nil {
			t.Fatal(err)
		}
		err = m.Validate()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", m, err, tt.want)
		}
	}
}

// TestTextsNameWhatAnActionNeeds: OpenFlow 1.0 takes actions that mean nothing to
// some packets, so that text takes them, and ValidateFor tells the versions apart.
func TestTextsNameWhatAnActionNeeds(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"actions=output:1,set_field:1.2.3.4->ip_src", "col 18: set_field: ipv4_src needs ip in the match or made so by an action before"},
		{"tcp,actions=set_field:1->udp_src", "col 13: set_field: udp_src needs udp in the match or made so by an action before"},
		{"ip,actions=push_mpls:0x8847,load:1->NXM_OF_IP_SRC[]", "col 29: load: ipv4_src needs ip in the match or made so by an action before"},
		{"actions=set_field:3->vlan_pcp", "col 9: set_field: vlan_pcp needs dl_vlan in the match or made so by an action before"},
		{"packet_type=(1,0x800),actions=push:NXM_OF_ETH_SRC[]", "col 31: push: eth_src needs packets that are Ethernet frames"},
	} {
		if _, err := ParseFlow(tt.text, FlowAdd, nil); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v\nwant %s", tt.text, err, tt.want)
		}
	}
	m, err := ParseFlow("in_port=1,actions=strip_vlan,dec_ttl", FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.ValidateFor(V10); err != nil {
		t.Error(err)
	}
	if err := m.ValidateFor(V13); err == nil {
		t.Error("1.3 has strip_vlan of packets without a tag")
	}
}

func TestLearnedFlagsAreReadAgain(t *testing.T) {
	for _, text := range []string{
		"actions=learn(table=1,tun_flags=0)", "actions=learn(table=1,tun_flags=0x1)", "actions=learn(table=1,ct_state=0x21)",
		"actions=learn(table=1,eth_type=0x800,nw_proto=6,tcp_flags=0)", "actions=learn(table=1,eth_type=0x800,nw_proto=6,tcp_flags=syn|ack)",
	} {
		m, err := ParseFlow(text, FlowAdd, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := m.String(); got != text {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
}
