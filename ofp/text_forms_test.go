package ofp

import (
	"os"
	"strings"
	"testing"
)

// TestEveryForm reads the flows of testdata/ovs-forms.txt, writes each in
// OpenFlow 1.0 and 1.3, with Open vSwitch's extensions, and prints the bytes: as
// ovs-ofctl parse-flow does, or refused where that refuses.
func TestEveryForm(t *testing.T) {
	data, err := os.ReadFile("testdata/ovs-forms.txt")
	if err != nil {
		t.Fatal(err)
	}
	e := Encoder{Extensions: true}
	compared, differ := 0, map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		col := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		for i, v := range []Version{V10, V13} {
			want := col[1+i]
			got := formOf(&e, v, col[0])
			compared++
			same := got == want || strings.HasPrefix(got, "!") && strings.HasPrefix(want, "!")
			if why := formsDiffer[col[0]]; why != "" {
				differ[col[0]] = differ[col[0]] || !same
				continue
			}
			if !same {
				t.Errorf("%s: %s\n got %s\nwant %s", v, col[0], got, want)
			}
		}
	}
	for text, why := range formsDiffer {
		if !differ[text] {
			t.Errorf("%s: no longer differs from Open vSwitch (%s)", text, why)
		}
	}
	t.Logf("compared %d forms, of which %d differ with a reason", compared, len(formsDiffer))
}

// formOf is the text that ovs-ofctl parse-flow has, or an exclamation mark and
// why the flow is refused.
func formOf(e *Encoder, v Version, text string) string {
	m, err := ParseFlow(text, FlowAdd, nil)
	if err != nil {
		return "!" + err.Error()
	}
	frame, err := e.Append(nil, v, 1, m)
	if err != nil {
		return "!" + err.Error()
	}
	_, out, _ := strings.Cut(strings.TrimSpace(Print(frame)), "): ")
	return out
}

// Reasons for reading a flow in another way than Open vSwitch does.
const (
	oldPort     = "it is the number of a reserved port in 1.0 and of another port later; the name says which"
	newPort     = "it is the number of the reserved port since 1.1"
	switchSays  = "only in 1.1 and later must the match have what the action needs; the switch says so (OFPBAC_MATCH_INCONSISTENT)"
	lostMask    = "Open vSwitch forgets the mask in 1.0, and writes the whole field"
	cutNumber   = "Open vSwitch cuts the number down without a word"
	notReadBack = "Open vSwitch sends the same, and does not read it"
	lostBits    = "Open vSwitch sends bits beside the mask, and does not read them"
	notIn10     = "1.0 cannot say it; Open vSwitch leaves it out without a word"
	moreNames   = "a name of the specification, or an action that Open vSwitch lacks"
)

// formsDiffer are the flows that are read in another way than Open vSwitch reads
// them, and the reasons.
var formsDiffer = map[string]string{
	"actions=output:65528":      oldPort,
	"actions=output:65533":      oldPort,
	"actions=65528":             oldPort,
	"actions=65533":             oldPort,
	"actions=output:0xfffffffe": newPort,
	"actions=output:65280":      "an ordinary port since 1.1; 1.0 cannot say it",
	"actions=bundle(eth_src,65536,hrw,ofport,members:4)":             cutNumber,
	"ip,actions=dec_ttl(65536)":                                      cutNumber,
	"actions=strip_vlan":                                             switchSays,
	"actions=pop_vlan":                                               switchSays,
	"actions=pop_mpls:0x0800":                                        switchSays,
	"actions=mod_nw_dst:1.2.3.4":                                     switchSays,
	"actions=mod_nw_src(1.2.3.4)":                                    switchSays,
	"actions=mod_nw_tos:4":                                           switchSays,
	"actions=dec_ttl":                                                switchSays,
	"actions=dec_mpls_ttl":                                           switchSays,
	"actions=set_mpls_label:5":                                       switchSays,
	"actions=dec_nsh_ttl":                                            switchSays,
	"actions=fin_timeout(idle_timeout=5)":                            switchSays,
	"udp,actions=fin_timeout(idle_timeout=5)":                        switchSays,
	"actions=set_vlan_vid:5":                                         switchSays,
	"actions=set_vlan_pcp:5":                                         switchSays,
	"actions=set_field:01:00:00:00:00:00/01:00:00:00:00:00->eth_dst": lostMask,
	"ip,actions=set_field:1.2.3.4/255.255.0.0->nw_dst":               lostMask,
	"ip,actions=set_field:1.2.3.4/16->nw_dst":                        lostMask,
	"tcp,actions=set_field:80/0xff->tcp_src":                         lostMask,
	"actions=set_field:0xf005/0xf00f->vlan_tci":                      lostMask,
	"sctp,actions=set_field:80->sctp_dst":                            "1.0 has an action of its own for it",
	"dl_vlan=1,actions=set_field:5->vlan_vid":                        "without the present bit, which Open vSwitch takes in 1.0 only",
	"actions=set_field:5->dl_vlan":                                   "Open vSwitch writes the port instead",
	"actions=set_field:LOCAL->in_port_oxm":                           notReadBack,
	"actions=set_field:1->in_port_oxm":                               notReadBack,
	"dl_type=0x894f,actions=dec_nsh_ttl":                             notReadBack,
	"actions=debug_slow":                                             notReadBack,
	"actions=debug_recirc":                                           notReadBack,
	"actions=set_field:0x1234/0xff00->tun_metadata0":                 lostBits,
	"dl_type=0x894f,actions=set_field:0x11223344/0xffff0000->nsh_c4": lostBits,
	"ip,actions=ct(commit,nat(src=0.0.0.0))":                         "Open vSwitch sends nat(src), which means another thing",
	"ip,actions=ct(commit,nat(src,random))":                          "Open vSwitch leaves random out without a word",
	"actions=exit:1":                                                 "Open vSwitch leaves the value out without a word",
	"actions=write_actions(1)":                                       notIn10,
	"actions=write_actions(1,2)":                                     notIn10,
	"actions=write_actions(load:5->reg0)":                            notIn10,
	"actions=write_actions(resubmit(,2))":                            notIn10,
	"actions=write_actions(set_field:5->reg0,group:5)":               notIn10,
	"actions=write_actions()":                                        "an empty list is written as such; Open vSwitch leaves it out",
	"actions=write_actions(drop)":                                    "an empty list is written as such; Open vSwitch leaves it out",
	"actions=apply_actions(2)":                                       moreNames,
	"actions=copy_ttl_in":                                            moreNames,
	"actions=push_pbb:0x88e7":                                        moreNames,
	"actions=set_tp_src:5":                                           moreNames,
	"actions=goto_table:0":                                           "there is nothing before table 0, where a flow is put that names no table",
	"importance=5,actions=1":                                         "of 1.4; Open vSwitch leaves it out without a word",
	"actions=goto_table:255":                                         "there is no such table",
}
