package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// stateLines are what each bridge is told, in an order in which nothing lacks what
// it uses; groups and meters where the version has them. Open vSwitch tells many of
// them in other words than they were written in.
var stateLines = []struct{ from, verb, text string }{
	{"1.1", "add-group", "group_id=1,type=all,bucket=output:1,bucket=output:2"},
	{"1.1", "add-group", "group_id=2,type=select,bucket=weight:3,group:1,bucket=weight:1,output:2"},
	{"1.1", "add-group", "group_id=3,type=indirect,bucket=mod_dl_src:02:00:00:00:00:09,output:1"},
	{"1.1", "add-group", "group_id=4,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2"},
	{"1.3", "add-meter", "meter=1,kbps,burst,stats,band=type=drop,rate=100,burst_size=10"},
	{"1.3", "add-meter", "meter=2,pktps,band=type=drop,rate=5"},
	{"1.3", "add-flow", "priority=90,ip,nw_src=10.0.0.1,actions=meter:1,output:1"},
	{"1.3", "add-flow", "priority=91,send_flow_rem,no_packet_counts,no_byte_counts,arp,actions=NORMAL"},
	{"1.1", "add-flow", "priority=80,ip,nw_dst=10.0.0.1,actions=group:2"},
	{"1.1", "add-flow", "table=1,priority=81,metadata=5/7,actions=write_actions(output:1),write_metadata:3/15,goto_table:2"},
	{"1.1", "add-flow", "priority=82,in_port=1,actions=clear_actions,goto_table:1"},
	{"1.2", "add-flow", "table=2,priority=83,tcp,tcp_dst=0x1000/0xff00,actions=resubmit(,3),learn(table=4,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])"},
	{"1.0", "add-flow", "priority=1,actions=drop"},
	{"1.0", "add-flow", "priority=2,cookie=0x1234567890abcdef,ip,nw_src=10.1.2.3/255.255.0.0,actions=output:1,output:2"},
	{"1.0", "add-flow", "priority=3,tcp,nw_dst=10.0.0.0/8,tp_dst=80,actions=mod_nw_dst:10.9.9.9,mod_tp_dst:8080,output:1"},
	{"1.0", "add-flow", "priority=4,dl_vlan=7,dl_vlan_pcp=3,actions=strip_vlan,output:2"},
	{"1.0", "add-flow", "priority=5,vlan_tci=0,actions=mod_vlan_vid:9,mod_vlan_pcp:2,output:ALL"},
	{"1.0", "add-flow", "priority=6,arp,arp_tpa=10.0.0.1,arp_op=1,actions=CONTROLLER:128"},
	{"1.0", "add-flow", "priority=7,dl_type=0x88cc,actions=CONTROLLER"},
	{"1.0", "add-flow", "priority=8,icmp,icmp_type=8,icmp_code=0,nw_tos=32,actions=mod_nw_tos:40,IN_PORT"},
	{"1.0", "add-flow", "priority=9,in_port=LOCAL,dl_src=02:00:00:00:00:01,actions=enqueue:1:2"},
	{"1.0", "add-flow", "priority=10,udp,actions=NORMAL"},
	{"1.0", "add-flow", "priority=11,dl_dst=01:00:00:00:00:00,actions=FLOOD"},
	{"1.0", "add-flow", "priority=12,ip,nw_proto=47,actions=resubmit:2,load:5->NXM_NX_REG1[0..3],move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],output:NXM_NX_REG0[]"},
	{"1.2", "add-flow", "priority=70,ipv6,ipv6_dst=2001:db8::/32,actions=set_field:2001:db8::1->ipv6_src,dec_ttl,output:1"},
	{"1.2", "add-flow", "priority=71,ip,nw_ecn=1,actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:2"},
	{"1.2", "add-flow", "priority=72,mpls,mpls_label=9,actions=pop_mpls:0x0800,output:1"},
	{"1.2", "add-flow", "priority=73,reg3=5/0xff,tun_id=9,ct_state=+trk-new,ip,actions=set_field:5->reg1,set_field:1/1->reg2,ct(commit,zone=5,nat(src=10.0.0.1)),output:1"},
	{"1.2", "add-flow", "priority=74,vlan_vid=0x1005/0x100f,conj_id=4,ip,actions=bundle(eth_src,50,hrw,ofport,members:1,2),multipath(symmetric_l4,1024,modulo_n,2,0,NXM_NX_REG0[0..1])"},
}

// TestState kills both sides in turn, and changes a bridge behind Sluice's back:
// each time the bridge comes back to what it was told, and not one message is sent
// where nothing differs, though Open vSwitch tells flows in its own words.
func TestState(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	var bridges []string
	for i, v := range versions {
		l.bridge(v.bridge, uint64(i+1), v.protocol)
		l.hosts(v.bridge, v.net, 2)
		bridges = append(bridges, v.bridge)
	}
	l.ready(heal, bridges...)
	told := map[string]int{}
	for _, v := range versions {
		for _, x := range stateLines {
			if x.from <= v.name {
				l.sluice(t, x.verb, v.bridge, x.text)
				told[v.bridge]++
			}
		}
	}
	before := map[string]string{}
	for _, v := range versions {
		before[v.bridge] = l.whole(t, v)
		l.nothingToDo(t, v, told[v.bridge])
		_, err := l.Ofctl(t.Context(), "add-flow", v.bridge, "priority=999,dl_type=0x1234,actions=drop")
		l.check(err)
	}

	t.Run("sluiced is killed", func(t *testing.T) {
		l.sluiced.Kill()
		l.startSluiced()
		l.ready(heal, bridges...)
		for _, v := range versions {
			l.nothingToDo(t, v, told[v.bridge])
		}
		for _, line := range strings.Split(l.sluiced.Output(), "\n") {
			if strings.Contains(line, "brought to its desired state") {
				t.Errorf("something was sent: %s", line)
			}
		}
	})

	t.Run("ovs-vswitchd is killed", func(t *testing.T) {
		l.KillVswitchd()
		l.check(l.StartVswitchd(l.within(heal)))
		l.ready(heal, bridges...)
		for _, v := range versions {
			l.settled(t, v, before[v.bridge], told[v.bridge])
		}
	})

	t.Run("somebody else changes flows", func(t *testing.T) {
		for _, v := range versions {
			for _, args := range [][]string{{"del-flows", v.bridge, "tcp"}, {"mod-flows", v.bridge, "udp,actions=drop"}, {"add-flow", v.bridge, "priority=998,dl_type=0x4321,actions=drop"}} {
				_, err := l.Ofctl(t.Context(), args...)
				l.check(err)
			}
			l.sluice(t, "reconcile", v.bridge)
			_, err := l.Ofctl(t.Context(), "--strict", "del-flows", v.bridge, "priority=998,dl_type=0x4321")
			l.check(err)
			l.settled(t, v, before[v.bridge], told[v.bridge])
		}
	})

	t.Run("all is deleted", func(t *testing.T) {
		for _, v := range versions {
			l.sluice(t, "del-flows", v.bridge)
			if v.name != "1.0" {
				l.sluice(t, "del-groups", v.bridge)
			}
			if v.name == "1.3" {
				l.sluice(t, "del-meters", v.bridge)
			}
			l.settled(t, v, "", 0)
		}
	})
}

// whole is all that a bridge has, in Open vSwitch's words, without what counts up,
// and without the flow of somebody else.
func (l *lab) whole(t *testing.T, v version) string {
	t.Helper()
	var all []string
	dump := func(args ...string) {
		out, err := l.Ofctl(t.Context(), append(args, v.bridge)...)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); !strings.Contains(line, " reply ") && !strings.Contains(line, "0x1234 ") {
				all = append(all, line)
			}
		}
	}
	dump("--no-stats", "--sort", "dump-flows")
	if v.name != "1.0" {
		dump("-O", v.protocol, "dump-groups")
	}
	if v.name == "1.3" {
		dump("-O", v.protocol, "dump-meters")
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// nothingToDo demands that the bridge has so many things as it should have, and that
// a comparison sends nothing.
func (l *lab) nothingToDo(t *testing.T, v version, things int) {
	t.Helper()
	out := l.sluice(t, "reconcile", v.bridge)
	if want := fmt.Sprintf("%d as they should be, 0 messages sent", things); !strings.HasPrefix(out, want) {
		t.Errorf("%s: %s, want %s\n%s", v.bridge, out, want, l.sluice(t, "status", v.bridge))
	}
}

// settled demands that the bridge has what it had.
func (l *lab) settled(t *testing.T, v version, before string, things int) {
	t.Helper()
	if now := l.whole(t, v); now != before {
		t.Errorf("%s has\n%s\nand had\n%s", v.bridge, now, before)
	}
	l.nothingToDo(t, v, things)
}
