package ofp

import (
	"bytes"
	"testing"
)

// FuzzParseParts: no text of a group, meter, packet-out, line of a bundle, list of
// actions or match makes its parser panic, and what it takes is encoded, where the
// version has it, as bytes that decode and encode again to the same.
func FuzzParseParts(f *testing.F) {
	for _, text := range []string{
		"group_id=5,type=select,bucket=weight:5,watch_port:3,actions=output:3,bucket=bucket_id:2,actions=set_field:1->reg0,group:7",
		"group_id=1,type=ff,bucket=watch_port:3,watch_group:4,output:1", "group_id=1,type=select,selection_method=hash,fields(eth_dst,ip_src=255.255.255.0),bucket=output:1",
		"meter=5,kbps,burst,stats,band=type=drop,rate=100,burst_size=20,band=type=dscp_remark,rate=9,prec_level=2", "meter=all",
		"in_port=5 packet=00112233445566778899aabb0800 actions=output:3,controller(reason=action)",
		"flow add table=3,ip,actions=output:4", "group add group_id=5,type=all,bucket=output:3", "packet-out in_port=1,actions=ct(commit,nat(src=10.0.0.1)),packet=00",
		"write_actions(output:4),goto_table:9", "learn(table=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])", "clone(ct(commit,exec(load:0x5->NXM_NX_CT_MARK[])),resubmit(,4))",
		"encap(nsh(md_type=2,tlv(0x1000,10,0x12345678)))", "bundle_load(eth_src,7,hrw,ofport,NXM_NX_REG1[],slaves:4,8)",
		"tcp6,ipv6_src=2001:db8::/32,tp_dst=0x50/0xfff0,tcp_flags=+syn-ack", "ct_state=+trk+est,ct_nw_src=10.0.0.0/8,tun_metadata0=0x1234/0xffff", "dl_vlan=5,dl_vlan_pcp=3,arp,arp_spa=1.2.3.4",
	} {
		for kind := range uint8(7) {
			f.Add(kind, text)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		var m Message
		var err error
		switch kind % 7 {
		case 0, 1:
			var g *GroupMod
			if g, err = ParseGroup(text, []GroupCommand{GroupAdd, GroupDelete}[kind%7], testNames); err == nil {
				m = g
			}
		case 2:
			var x *MeterMod
			if x, err = ParseMeter(text, MeterAdd); err == nil {
				m = x
			}
		case 3:
			var p *PacketOut
			if p, err = ParsePacketOut(text, testNames); err == nil {
				m = p
			}
		case 4:
			m, err = ParseBundle(text, testNames)
		case 5:
			mod := NewFlowMod(FlowAdd)
			if mod.Instructions, err = ParseActions(text, testNames); err == nil {
				m = mod
			}
		case 6:
			mod := NewFlowMod(FlowAdd)
			if mod.Match, err = ParseMatch(text, testNames); err == nil {
				m = mod
			}
		}
		if err != nil {
			return
		}
		if m == nil {
			if kind%7 == 4 {
				return // a comment or an empty line
			}
			t.Fatalf("%q: neither a message nor an error", text)
		}
		for _, v := range Versions() {
			frame, err := Append(nil, v, 1, m)
			if err != nil {
				continue // the version cannot say it
			}
			_, read, err := Decode(frame)
			if err != nil {
				t.Fatalf("%q in OpenFlow %s: %v\n%x", text, v, err, frame)
			}
			if again, err := Append(nil, v, 1, read); err != nil || !bytes.Equal(again, frame) {
				t.Fatalf("%q in OpenFlow %s: %v\n got %x\nwant %x", text, v, err, again, frame)
			}
			_ = Print(frame)
		}
	})
}
