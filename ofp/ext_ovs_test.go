package ofp

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ovsAdds returns the flow-mods that ovs-ofctl sends for lines, in one run of it.
func ovsAdds(t *testing.T, v Version, lines []string) (mods [][]byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	frames, refusal := ovsSends(t, v, "add-flows", name)
	if refusal != "" {
		t.Fatalf("ovs-ofctl: %s", refusal)
	}
	for _, f := range frames {
		nxt := f[1] == 4 && bytes.Equal(f[8:16], []byte{0, 0, 0x23, 0x20, 0, 0, 0, 13}) // NXT_FLOW_MOD
		if f[1] == 14 || nxt {
			mods = append(mods, f)
		}
	}
	if len(mods) != len(lines) {
		t.Fatalf("ovs-ofctl sent %d flows for %d lines", len(mods), len(lines))
	}
	return mods
}

// compoundTexts are flows with compound actions, in the words of ovs-ofctl.
var compoundTexts = []string{
	"actions=learn(table=1)",
	"actions=learn(table=1,hard_timeout=10,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,1)",
	"actions=learn(table=1,idle_timeout=1,hard_timeout=2,fin_idle_timeout=3,fin_hard_timeout=4,priority=5,send_flow_rem,delete_learned,cookie=0x6,limit=7,result_dst=NXM_NX_REG0[8])",
	"actions=learn(table=254,in_port=99,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG1[16..31])",
	"actions=learn(table=0,eth_type=0x800,nw_proto=6,tcp_dst=99,ip_src=10.0.0.1,load:0x5->NXM_NX_REG1[],NXM_NX_REG2[0..3]=0x5,reg3=0x12345678)",
	"actions=learn(table=0,limit=4,eth_type=0x86dd,ipv6_dst=fe80::1,eth_src=01:02:03:04:05:06,vlan_tci=0x1005,load:0x123456789abcdef0123456789->NXM_NX_XXREG0[0..99])",
	"ipv6,actions=learn(table=1,eth_type=0x86dd,NXM_NX_IPV6_DST[]=NXM_NX_IPV6_SRC[],load:0->NXM_NX_REG0[3],load:0x1->NXM_NX_REG0[4])",
	"tcp,actions=learn(table=1,eth_type=0x800,nw_proto=6,NXM_OF_TCP_DST[]=NXM_OF_TCP_SRC[],output:NXM_NX_REG0[0..15])",
	"actions=learn(table=1,in_port_oxm=LOCAL,OXM_OF_METADATA[]=OXM_OF_METADATA[],vlan_vid=5,tun_id=0x9)",
	"ip,actions=ct()",
	"ip,actions=ct(commit)",
	"ip,actions=ct(commit,force,table=0,zone=65535)",
	"ip,actions=ct(commit,zone=NXM_NX_REG0[0..15])",
	"ipv6,actions=ct(table=4,zone=NXM_NX_REG15[16..31],nat)",
	"tcp,actions=ct(commit,alg=ftp)",
	"udp6,actions=ct(commit,alg=tftp)",
	"ip,actions=ct(commit,nat(src))",
	"ip,actions=ct(commit,nat(dst))",
	"ip,actions=ct(commit,nat(src=10.0.0.1))",
	"ip,actions=ct(commit,nat(dst=10.0.0.1-10.0.0.9,hash))",
	"ip,actions=ct(commit,nat(src=10.0.0.1:80,random),table=3)",
	"ip,actions=ct(commit,nat(src=10.0.0.1-10.0.0.9:1024-65535,persistent,random))",
	"ipv6,actions=ct(commit,nat(src=fe80::1-fe80::9,persistent,hash))",
	"tcp6,actions=ct(commit,nat(dst=[fe80::1]-[fe80::5]:10-20))",
	"tcp6,actions=ct(commit,nat(dst=[fe80::1]:10))",
	"ip,actions=ct(commit,nat(src=10.0.0.1),exec(nat(dst=10.0.0.2)))",
	"actions=ct_clear",
	"actions=clone(output:1,resubmit(,2)),output:2",
	"actions=clone(clone(clone(output:1),output:2),clone(drop))",
	"ip,actions=clone(ct(commit,nat(src=10.0.0.1)),output:1),ct(commit)",
	"actions=sample(probability=12345,collector_set_id=23456,obs_domain_id=34567,obs_point_id=45678)",
	"actions=sample(probability=1,collector_set_id=0,obs_domain_id=0,obs_point_id=0,sampling_port=5)",
	"actions=sample(probability=65535,collector_set_id=4294967295,obs_domain_id=1,obs_point_id=2,sampling_port=LOCAL,ingress)",
	"actions=sample(probability=65535,collector_set_id=1,obs_domain_id=1,obs_point_id=2,egress)",
	"actions=conjunction(1,1/2)",
	"actions=conjunction(4294967295,64/64),conjunction(7,3/5)",
	"actions=clone(conjunction(1,1/2)),output:1",
	"actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[])",
	"actions=multipath(symmetric_l4,1024,hrw,12,0,NXM_NX_REG1[0..5])",
	"actions=multipath(symmetric_l3l4+udp,65535,iter_hash,65536,4294967295,NXM_NX_XXREG0[60..123])",
	"actions=multipath(nw_dst,0,hash_threshold,3,1,NXM_NX_REG15[])",
	"actions=multipath(symmetric_l3,0,hash_threshold,3,1,OXM_OF_METADATA[])",
	"actions=bundle(eth_src,0,hrw,ofport,members:4,8)",
	"actions=bundle(symmetric_l3l4,7,active_backup,ofport,members:)",
	"actions=bundle(nw_src,60,hrw,ofport,members:1,LOCAL,ANY)",
	"actions=bundle_load(eth_src,0,hrw,ofport,NXM_NX_REG0[0..15],members:4,8,5,6,7)",
	"actions=delete_field:tun_metadata5",
	"actions=decap()",
	"actions=encap(nsh)",
	"actions=encap(nsh(md_type=1))",
	"actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678),tlv(0x2000,20,0xfedcba9876543210)))",
	"actions=encap(ethernet)",
	"actions=encap(mpls),encap(mpls_mc)",
	"actions=decap(packet_type(ns=0,type=0))",
	"actions=decap(packet_type(ns=1,type=0x894f))",
}

func TestCompoundActionsAreWhatOpenVSwitchSends(t *testing.T) {
	for _, v := range []Version{V10, V12, V13} {
		t.Run(v.String(), func(t *testing.T) {
			var lines []string
			var ours [][]byte
			for _, text := range compoundTexts {
				m, err := ParseFlow(text, FlowAdd, nil)
				if err != nil {
					t.Errorf("%s: %v", text, err)
					continue
				}
				frame, err := Append(nil, v, 0, m)
				if errors.Is(err, ErrVersion) && v < V13 && (strings.Contains(text, "encap") || strings.Contains(text, "decap")) {
					continue
				}
				if errors.Is(err, ErrVersion) && m.Match.Has(FieldEthType) { // a match of IPv6
					m.Match = Match{}
					frame, err = Append(nil, v, 0, m)
				}
				if err != nil {
					t.Errorf("%s: %v", text, err)
					continue
				}
				lines, ours = append(lines, text), append(ours, actionBytes(t, v, frame))
			}
			frames := ovsAdds(t, v, lines)
			for i, frame := range frames {
				if !bytes.HasSuffix(frame, ours[i]) {
					t.Errorf("%s\n ours %x\nof ovs-ofctl %x", lines[i], ours[i], frame)
				}
				if Version(frame[0]) == v && frame[1] == 14 {
					checkFrame(t, frame)
				}
			}
			t.Logf("compared %d flows", len(frames))
		})
	}
}

// actionBytes is what follows the match of a flow-mod.
func actionBytes(t *testing.T, v Version, frame []byte) []byte {
	t.Helper()
	if v == V10 {
		return frame[72:]
	}
	n := int(frame[50])<<8 | int(frame[51])
	return frame[48+(n+7)&^7:]
}

func TestCompoundActionsPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var frames [][]byte
	for _, text := range compoundTexts {
		m, err := ParseFlow(text, FlowAdd, nil)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, want := FormatActions(m.Instructions, nil), text[strings.Index(text, "actions=")+8:]; got != reprint(want) {
			t.Errorf("-want +got\n%s", cmp.Diff(want, got))
		}
		for _, v := range []Version{V10, V13} {
			frame, err := Append(nil, v, 1, m)
			if err == nil && !(v == V10 && m.Match.Has(FieldEthType)) {
				frames = append(frames, frame)
			}
		}
	}
	comparePrints(t, frames)
}

// reprint is the text that is printed where another one was read.
func reprint(s string) string {
	return strings.NewReplacer("nat(src=10.0.0.1:80,random),table=3", "table=3,nat(src=10.0.0.1:80,random)",
		"OXM_OF_METADATA[]=OXM_OF_METADATA[]", "OXM_OF_METADATA[]").Replace(s)
}
