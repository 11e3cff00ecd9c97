package ofp

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// groupTexts are groups that ovs-ofctl and ParseGroup take, and what they are
// printed as: "" means the same.
var groupTexts = []struct{ text, want string }{
	{"group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2", ""},
	{"group_id=1,type=all", ""},
	{"group_id=2,type=select,bucket=weight:50,actions=output:1,bucket=actions=output:2", ""},
	{"group_id=2 type=select bucket=weight=0,output:1 bucket=output:2,weight:1", "group_id=2,type=select,bucket=weight:0,actions=output:1,bucket=actions=output:2"},
	{"group_id=3,type=indirect,bucket=actions=drop", ""},
	{"group_id=4294967040,type=indirect,bucket=actions=", "group_id=4294967040,type=indirect,bucket=actions=drop"},
	{"group_id=4,type=fast_failover,bucket=watch_port:1,actions=output:1,bucket=watch_group:7,actions=output:2", "group_id=4,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:7,actions=output:2"},
	{"type=ff,group_id=0x10,bucket=watch_port:1,watch_group:7,push_vlan:0x8100,output:3", "group_id=16,type=ff,bucket=watch_port:1,watch_group:7,actions=push_vlan:0x8100,output:3"},
	{"group_id=6,type=select,bucket=weight:65535,watch_port:2,watch_group:0,actions=output:1,bucket=weight:3,actions=drop", ""},
	{"group_id=7,type=fast_failover,bucket=watch_port:2,actions=strip_vlan,LOCAL,bucket=watch_group:4294967040,actions=drop", "group_id=7,type=ff,bucket=watch_port:2,actions=strip_vlan,LOCAL,bucket=watch_group:4294967040,actions=drop"},
	{"group_id=8,type=all,bucket=ALL,bucket=FLOOD,bucket=IN_PORT,bucket=NORMAL,bucket=push_vlan:0x8100,1", "group_id=8,type=all,bucket=actions=ALL,bucket=actions=FLOOD,bucket=actions=IN_PORT,bucket=actions=NORMAL,bucket=actions=push_vlan:0x8100,output:1"},
	{"group_id=13,type=indirect,bucket=actions=mod_vlan_vid:7,output:1", ""},
	{"group_id=14,type=indirect,bucket=actions=push_vlan:0x8100,mod_vlan_vid:7,output:1", ""},
	{"group_id=9,type=indirect,bucket=actions=mod_dl_src:00:00:00:00:00:01,mod_dl_dst:00:00:00:00:00:02,dec_ttl,mod_nw_ttl:9,set_queue:2,output:1", ""},
	{"group_id=10,type=indirect,bucket=actions=push_mpls:0x8847,set_mpls_ttl(3),output:1", ""},
	{"group_id=11,type=indirect,bucket=actions=ct(commit,table=2,zone=5),resubmit(,3)", ""},
	{"group_id=12,type=select,bucket=weight:1,controller(max_len=77),bucket=note:01.02", "group_id=12,type=select,bucket=actions=CONTROLLER:77,bucket=actions=note:01.02"},
	{"group_id=5,type=all,bucket=actions=set_field:00:11:22:33:44:55->eth_dst,output:2,bucket=actions=group:6,set_queue:3,CONTROLLER:65535", ""},
}

func TestGroupText(t *testing.T) {
	for _, x := range groupTexts {
		m, err := ParseGroup(x.text, GroupAdd, nil)
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
		desc := GroupDesc{m.GroupType, m.Group, m.Buckets}
		again, err := ParseGroup(desc.String(), GroupAdd, nil)
		if diff := cmp.Diff(m, again, wholly); err != nil || diff != "" {
			t.Errorf("%s: printed text reads as another group: %v\n%s", x.text, err, diff)
		}
		if err := desc.Validate(); err != nil {
			t.Errorf("%s: %v", x.text, err)
		}
	}
	named, err := ParseGroup(`group_id=1,type=ff,bucket=watch_port:eth0,actions=output:"eth 1"`, GroupAdd, testNames)
	if err != nil {
		t.Fatal(err)
	}
	if k := named.Buckets[0]; k.WatchPort != 7 || k.Actions[0].Port() != 8 {
		t.Errorf("names became %+v", k)
	}
	desc := GroupDesc{named.GroupType, named.Group, named.Buckets}
	if got, want := desc.Text(testNames), `group_id=1,type=ff,bucket=watch_port:eth0,actions=output:"eth 1"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// What Open vSwitch prints with -O OpenFlow15 has bucket identifiers.
	with15, err := ParseGroup("group_id=1,type=all,bucket=bucket_id:0,actions=output:1,bucket=bucket_id:7,actions=output:2", GroupAdd, nil)
	if err != nil || with15.String() != "group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2" {
		t.Errorf("%v, %v", with15, err)
	}
	for text, want := range map[string]string{"": "group_id=all", "group_id=7": "group_id=7", "group_id=all": "group_id=all"} {
		if m, err := ParseGroup(text, GroupDelete, nil); err != nil || m.String() != want {
			t.Errorf("delete %q: %v, %v, want %s", text, m, err, want)
		}
	}
}

// meterTexts are meters as groupTexts are groups.
var meterTexts = []struct{ text, want string }{
	{"meter=1,kbps,bands=type=drop,rate=1000", ""},
	{"meter=1 kbps burst stats bands=\ntype=drop rate=1000 burst_size=10\n", "meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=10"},
	{"meter=4294901760,pktps,bands=type=drop,rate=5,type=dscp_remark,rate=0x10,prec_level=2", "meter=4294901760,pktps,bands=type=drop,rate=5,type=dscp_remark,rate=16,prec_level=2"},
	{"meter=controller,pktps,stats,burst,band=type=drop,rate=100,burst_size=50", "meter=controller,pktps,burst,stats,bands=type=drop,rate=100,burst_size=50"},
	{"meter=0x2,pktps,burst,bands=type=dscp_remark,rate=4294967295,burst_size=7,prec_level=255", "meter=2,pktps,burst,bands=type=dscp_remark,rate=4294967295,burst_size=7,prec_level=255"},
	{"meter=3,kbps,stats,bands=type=drop,rate=1,type=drop,rate=2,type=dscp_remark,rate=3,prec_level=1", ""},
	{"meter=4,burst,kbps,band=type=drop,rate=7,burst_size=4294967295", "meter=4,kbps,burst,bands=type=drop,rate=7,burst_size=4294967295"},
	{"pktps,meter=slowpath,bands=type=drop,rate=100", "meter=slowpath,pktps,bands=type=drop,rate=100"},
}

func TestMeterText(t *testing.T) {
	rows := append(meterTexts[:len(meterTexts):len(meterTexts)],
		struct{ text, want string }{"meter=1,kbps,bands=type=experimenter,rate=3,experimenter=0x00002320,data=0x0102", ""})
	for _, x := range rows {
		m, err := ParseMeter(x.text, MeterAdd)
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
		again, err := ParseMeter(m.String(), MeterAdd)
		if diff := cmp.Diff(m, again, wholly); err != nil || diff != "" {
			t.Errorf("%s: printed text reads as another meter: %v\n%s", x.text, err, diff)
		}
	}
	for text, want := range map[string]string{"": "meter=all", "meter=7": "meter=7", "meter=all": "meter=all"} {
		if m, err := ParseMeter(text, MeterDelete); err != nil || m.String() != want {
			t.Errorf("delete %q: %v, %v, want %s", text, m, err, want)
		}
	}
}

var packetOutTexts = []string{
	"in_port=CONTROLLER packet=50540000000950540000000a1234 actions=output:1,output:2",
	"in_port=7 packet=50540000000950540000000a1234 actions=drop",
	"in_port=LOCAL packet=50540000000950540000000a1234 actions=mod_vlan_vid:9,LOCAL",
	"in_port=CONTROLLER packet=50540000000950540000000a81000005080012 actions=mod_vlan_vid:9,output:1",
	"in_port=CONTROLLER packet=50540000000950540000000a1234 actions=mod_vlan_vid:9,mod_vlan_pcp:3,output:1",
	"in_port=1 packet=50540000000950540000000a81000005080012 actions=strip_vlan,output:1",
	"in_port=CONTROLLER packet=50540000000950540000000a1234 actions=enqueue:2:7",
	"in_port=2 packet=50540000000950540000000a1234 actions=IN_PORT,TABLE",
	"in_port=65279 packet=50540000000950540000000a1234 actions=resubmit(,1)",
	"in_port=0 packet=50540000000950540000000a1234 actions=ct(commit),output:1",
	"in_port=ANY packet=50540000000950540000000a12340102 actions=FLOOD",
}

func TestPacketOutText(t *testing.T) {
	rows := append(packetOutTexts[:len(packetOutTexts):len(packetOutTexts)], "in_port=3 buffer_id=9 actions=TABLE")
	for _, text := range rows {
		m, err := ParsePacketOut(text, nil)
		if err != nil || m.String() != text {
			t.Errorf("%s: %v, %v", text, m, err)
		}
	}
	if _, err := ParsePacketOut("in_port=IN_PORT packet=0102", nil); err == nil {
		t.Error("a packet comes in by IN_PORT")
	}
	if m, err := ParsePacketOut("packet=0x0102,in_port=none", nil); err != nil || m.String() != "in_port=ANY packet=0102 actions=drop" {
		t.Errorf("%v, %v", m, err)
	}
}

func TestSwitchText(t *testing.T) {
	for _, text := range []string{"1 down", "LOCAL up", "3 no-stp no-receive receive-stp flood no-forward packet-in addr=02:00:00:00:00:01"} {
		m, err := ParsePortMod(text, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		again, err := ParsePortMod(m.String(), nil)
		if err != nil || *again != *m {
			t.Errorf("%s: %s reads as %v, %v", text, m, again, err)
		}
	}
	if m, err := ParsePortMod("3,no-flood,up", nil); err != nil || m.String() != "3 up no-flood" || m.Validate(V10) != nil || !errors.Is(m.Validate(V13), ErrVersion) {
		t.Errorf("%v, %v", m, err)
	}
	for _, text := range []string{"3 drop", "all continue", "0 controller"} {
		if m, err := ParseTableMod(text); err != nil || m.String() != text {
			t.Errorf("%s: %v, %v", text, m, err)
		}
	}
	for text, want := range map[string]Role{"master": RoleMaster, "primary": RoleMaster, "Secondary": RoleSlave, "slave": RoleSlave, "equal": RoleEqual, "nochange": RoleNoChange} {
		if r, err := ParseRole(text); err != nil || r != want {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
	if _, err := ParseRole("boss"); err == nil {
		t.Error("boss is a role")
	}
}

func TestBundleText(t *testing.T) {
	for _, x := range []struct {
		line string
		want Message
	}{
		{"", nil},
		{"  # flow add actions=drop", nil},
		{"flow add table=1,actions=drop", &FlowMod{Table: 1}},
		{"flow table=1,actions=drop # of", &FlowMod{Table: 1}},
		{"flow modify_strict priority=5,actions=drop", &FlowMod{Command: FlowModifyStrict, Priority: 5}},
		{"flow delete table=3", &FlowMod{Command: FlowDelete, Table: 3}},
		{"group add group_id=1,type=all", &GroupMod{Group: 1}},
		{"group group_id=1,type=all", &GroupMod{Group: 1}},
		{"group add_or_mod group_id=1,type=all", &GroupMod{Command: GroupAddOrModify, Group: 1}},
		{"group delete group_id=1", &GroupMod{Command: GroupDelete, Group: 1}},
		{"group delete", &GroupMod{Command: GroupDelete, Group: GroupAll}},
		{"packet-out in_port=3,packet=01,actions=", &PacketOut{BufferID: NoBuffer, InPort: 3, Data: []byte{1}}},
	} {
		m, err := ParseBundle(x.line, nil)
		if err != nil {
			t.Errorf("%s: %v", x.line, err)
			continue
		}
		if f, ok := x.want.(*FlowMod); ok {
			want := NewFlowMod(f.Command)
			want.Table = f.Table
			if f.Priority != 0 {
				want.Priority = f.Priority
			}
			x.want = want
		}
		if diff := cmp.Diff(x.want, m, wholly); diff != "" {
			t.Errorf("%s: -want +got\n%s", x.line, diff)
		}
	}
}

// TestStandardTextErrors rows are texts that must be refused, the column that
// the error names and what it says.
func TestStandardTextErrors(t *testing.T) {
	group := func(c GroupCommand) func(string) error {
		return func(s string) error { _, err := ParseGroup(s, c, nil); return err }
	}
	meter := func(s string) error { _, err := ParseMeter(s, MeterAdd); return err }
	noMeter := func(s string) error { _, err := ParseMeter(s, MeterDelete); return err }
	out := func(s string) error { _, err := ParsePacketOut(s, nil); return err }
	port := func(s string) error { _, err := ParsePortMod(s, nil); return err }
	table := func(s string) error { _, err := ParseTableMod(s); return err }
	bundle := func(s string) error { _, err := ParseBundle(s, nil); return err }
	for _, x := range []struct {
		parse   func(string) error
		text    string
		col     int
		says    string
		version bool
	}{
		{group(GroupAdd), "type=all", 9, "no group_id", false},
		{group(GroupAdd), "group_id=1", 11, "no type", false},
		{group(GroupAdd), "group_id=all,type=all", 10, "only a delete", false},
		{group(GroupAdd), "group_id=4294967041,type=all", 10, "out of range", false},
		{group(GroupAdd), "group_id=1,typ=all", 12, "did you mean type?", false},
		{group(GroupAdd), "group_id=1,type=any", 17, "want all, select, indirect or ff", false},
		{group(GroupAdd), "group_id=1,group_id=2,type=all", 12, "stands twice", false},
		{group(GroupAdd), "group_id=1,type=select,selection_method=dp_hash", 24, "needs OpenFlow 1.5", true},
		{group(GroupAdd), "group_id=1,type=select,fields(ip_src)", 24, "needs OpenFlow 1.5", true},
		{group(GroupAdd), "group_id=1,type=all,bucket=weight:5,actions=output:1", 28, "only buckets of a select group", false},
		{group(GroupAdd), "group_id=1,type=all,bucket=weight:5", 28, "no actions", false},
		{group(GroupAdd), "group_id=1,type=ff,bucket=actions=output:1", 27, "needs one of them", false},
		{group(GroupAdd), "group_id=1,type=indirect", 25, "an indirect group has one", false},
		{group(GroupAdd), "group_id=1,type=indirect,bucket=output:1,bucket=output:2", 26, "2 buckets", false},
		{group(GroupAdd), "group_id=1,type=all,bucket=actions=outptu:1", 36, "did you mean output?", false},
		{group(GroupAdd), "group_id=1,type=all,bucket=actions=goto_table:1", 36, "is no action", false},
		{group(GroupAdd), "group_id=1,type=all,bucket=output:1,goto_table:1", 37, "is no action", false},
		{group(GroupAdd), "group_id=1,type=all,bucket=output:1,drop", 37, "drop stands alone", false},
		{group(GroupAdd), "group_id=1,type=all,bucket=actions=group:1", 28, "cannot contain itself", false},
		{group(GroupAdd), "group_id=1,type=ff,bucket=watch_port:LOCAL,actions=drop", 27, "want a port that the switch has", false},
		{group(GroupDelete), "group_id=1,type=all", 12, "means nothing in a delete", false},
		{group(GroupDelete), "group_id=1,bucket=output:1", 12, "a delete has none", false},
		{meter, "kbps,bands=type=drop,rate=1", 28, "no meter", false},
		{meter, "meter=0,kbps,bands=type=drop,rate=1", 7, "meters begin at 1", false},
		{meter, "meter=4294901761,kbps,bands=type=drop,rate=1", 7, "out of range", false},
		{meter, "meter=1,kbps", 13, "no bands", false},
		{meter, "meter=1,kbps,bands=", 20, "want at least one", false},
		{meter, "meter=1,bands=type=drop,rate=1", 1, "want kbps or pktps", false},
		{meter, "meter=1,kbps,pktps,bands=type=drop,rate=1", 1, "one unit", false},
		{meter, "meter=1,kbsp,bands=type=drop,rate=1", 9, "did you mean kbps?", false},
		{meter, "meter=1,kbps,bands=rate=1", 20, "begins with its type", false},
		{meter, "meter=1,kbps,bands=type=drop", 20, "rate 0", false},
		{meter, "meter=1,kbps,bands=type=drop,rate=1,burst_size=2", 20, "without the flag burst", false},
		{meter, "meter=1,kbps,burst,bands=type=drop,rate=1", 26, "burst_size 0", false},
		{meter, "meter=1,kbps,bands=type=drop,rate=1,type=dscp_remark,rate=2", 37, "prec_level 0", false},
		{meter, "meter=1,kbps,bands=type=drop,rate=1,prec_level=2", 20, "only a dscp_remark band", false},
		{meter, "meter=1,kbps,bands=type=mirror,rate=1", 25, "want drop, dscp_remark", false},
		{meter, "meter=all,kbps,bands=type=drop,rate=1", 1, "only a delete", false},
		{noMeter, "meter=1,kbps", 9, "means nothing in a delete", false},
		{out, "packet=01,actions=drop", 1, "no in_port", false},
		{out, "in_port=1,actions=drop", 23, "want packet=", false},
		{out, "in_port=1,packet=012,actions=drop", 18, "two for a byte", false},
		{out, "in_port=1,packet=01,tun_id=5,actions=drop", 21, "needs OpenFlow 1.5", true},
		{out, "in_prt=1,packet=01", 1, "did you mean in_port?", false},
		{port, "1", 2, "no setting", false},
		{port, "1 dwn", 3, "did you mean down?", false},
		{port, "1 up down", 6, "set twice", false},
		{table, "3 evict", 3, "needs OpenFlow 1.4", true},
		{table, "3 dorp", 3, "did you mean drop?", false},
		{table, "254 continue", 5, "is the last", false},
		{table, "300 drop", 1, "out of range", false},
		{bundle, "flwo add actions=drop", 1, "did you mean flow?", false},
		{bundle, "flow add nw_srcc=1,actions=drop", 10, "did you mean nw_src?", false},
		{bundle, "group insert_bucket group_id=1,command_bucket_id=last,bucket=output:1", 7, "needs OpenFlow 1.5", true},
		{bundle, "group add group_id=1,typ=all", 22, "did you mean type?", false},
		{bundle, "packet-out in_prt=1", 12, "did you mean in_port?", false},
	} {
		err := x.parse(x.text)
		var te *TextError
		if !errors.As(err, &te) {
			t.Errorf("%s: got %v, want a TextError", x.text, err)
			continue
		}
		if te.Col != x.col || !strings.Contains(te.Msg, x.says) || errors.Is(err, ErrVersion) != x.version {
			t.Errorf("%s:\n got %v (of a version: %v)\nwant col %d: ... %s", x.text, err, errors.Is(err, ErrVersion), x.col, x.says)
		}
	}
}
