package ofp

import (
	"errors"
	"strings"
	"testing"
)

// standardCases are flows as each version says them without extensions: what
// Print shows after "ADD ", or the error, which names what cannot be said.
var standardCases = []struct {
	text string
	want [4]string // of 1.0 to 1.3; one that begins with "!" is an error
}{
	{"actions=mod_vlan_vid:5,output:1", [4]string{"actions=mod_vlan_vid:5,output:1", "actions=push_vlan:0x8100,set_vlan_vid:5,output:1",
		"actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:1", "actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:1"}},
	{"dl_vlan=1,actions=mod_vlan_pcp:5", [4]string{"dl_vlan=1 actions=mod_vlan_pcp:5", "dl_vlan=1 actions=set_vlan_pcp:5",
		"dl_vlan=1 actions=set_field:5->vlan_pcp", "dl_vlan=1 actions=set_field:5->vlan_pcp"}},
	{"actions=enqueue:1:2", [4]string{"actions=enqueue:1:2", "actions=set_queue:2,output:1", "actions=set_queue:2,output:1", "actions=set_queue:2,output:1"}},
	{"actions=enqueue:1:2,output:3", [4]string{"actions=enqueue:1:2,output:3", "!action enqueue before others", "!action enqueue before others", "!action enqueue before others"}},
	{"actions=enqueue:1:2,goto_table:1", [4]string{"!instruction goto_table", "!action enqueue before others", "!action enqueue before others", "!action enqueue before others"}},
	{"sctp,actions=mod_tp_dst:80", [4]string{"sctp actions=mod_tp_dst:80", "sctp actions=mod_tp_dst:80", "sctp actions=set_field:80->sctp_dst", "sctp actions=set_field:80->sctp_dst"}},
	{"ip,actions=dec_ttl", [4]string{"!action dec_nw_ttl", "ip actions=dec_ttl", "ip actions=dec_ttl", "ip actions=dec_ttl"}},
	{"actions=set_queue:1", [4]string{"!action set_queue", "actions=set_queue:1", "actions=set_queue:1", "actions=set_queue:1"}},
	{"actions=group:1", [4]string{"!action group", "actions=group:1", "actions=group:1", "actions=group:1"}},
	{"actions=meter:1", [4]string{"!instruction meter", "!instruction meter", "!instruction meter", "actions=meter:1"}},
	{"table=1,actions=drop", [4]string{"!table 1", "table:1 actions=drop", "table:1 actions=drop", "table:1 actions=drop"}},
	{"arp,actions=set_field:1->arp_op", [4]string{"!action set_field of arp_op", "!action set_field of arp_op", "arp actions=set_field:1->arp_op", "arp actions=set_field:1->arp_op"}},
	{"actions=set_field:5->tun_id", [4]string{"!action set_field of tunnel_id", "!action set_field of tunnel_id", "actions=set_field:0x5->tun_id", "actions=set_field:0x5->tun_id"}},
	{"actions=write_metadata:1", [4]string{"!instruction write_metadata", "actions=write_metadata:0x1", "actions=write_metadata:0x1", "actions=write_metadata:0x1"}},
	{"tcp6,actions=drop", [4]string{"!match field ip_proto of IPv6", "!match field ip_proto of IPv6", "tcp6 actions=drop", "tcp6 actions=drop"}},
}

func TestFlowIsSaidInEachVersionOrTheErrorNamesWhatCannotBe(t *testing.T) {
	for _, test := range standardCases {
		m, err := ParseFlow(test.text, FlowAdd, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range Versions() {
			want := test.want[v-V10]
			frame, err := Append(nil, v, 1, m)
			if what, isError := strings.CutPrefix(want, "!"); isError {
				var e *EncodeError
				if !errors.As(err, &e) || !errors.Is(err, ErrVersion) || e.Field != what {
					t.Errorf("%s for %s: %v; want ErrVersion about %s", test.text, v, err, what)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", test.text, err)
				continue
			}
			if _, got, _ := strings.Cut(strings.TrimSpace(Print(frame)), "ADD "); got != want {
				t.Errorf("%s for %s:\n got %s\nwant %s", test.text, v, got, want)
			}
		}
	}
}

func TestTransportPortIsThatOfTheMatch(t *testing.T) {
	m := NewFlowMod(FlowAdd)
	m.Instructions = []Instruction{Apply(Action{Type: ActionSetTPDst, Arg: 80})}
	if _, err := Append(nil, V13, 1, m); err == nil || !strings.Contains(err.Error(), "set_tp_dst without tcp, udp or sctp in the match") {
		t.Errorf("without a protocol: %v", err)
	}
	m.Match.SetUint(FieldEthType, ethIPv4)
	m.Match.SetUint(FieldIPProto, protoUDP)
	frame, err := Append(nil, V13, 1, m)
	if err != nil || !strings.Contains(Print(frame), "set_field:80->udp_dst") {
		t.Errorf("udp: %s %v", Print(frame), err)
	}
	// The match of one message means nothing to the next.
	var e Encoder
	if _, err := e.Append(nil, V13, 1, m); err != nil {
		t.Fatal(err)
	}
	out := &PacketOut{BufferID: NoBuffer, InPort: PortController, Actions: m.Instructions[0].Actions}
	if _, err := e.Append(nil, V13, 1, out); !errors.Is(err, ErrVersion) {
		t.Errorf("packet-out: %v", err)
	}
}

func TestPacketOutIsTaggedUnlessItsPacketIs(t *testing.T) {
	out := &PacketOut{BufferID: NoBuffer, InPort: PortController, Actions: []Action{{Type: ActionSetVLANVID, Arg: 5}, Output(1)}, Data: make([]byte, 60)}
	for _, tagged := range []bool{false, true} {
		if tagged {
			out.Data[12] = 0x81
		}
		for _, v := range []Version{V11, V12, V13} {
			frame, err := Append(nil, v, 1, out)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(Print(frame), "push_vlan"); got == tagged {
				t.Errorf("%s, tagged %v: %s", v, tagged, Print(frame))
			}
		}
	}
}

// What came in 1.1 sets a tag that is there: it never meant to push one.
func TestActionsOfOpenFlow11ComeBackAsTheyWere(t *testing.T) {
	m := NewFlowMod(FlowAdd)
	m.Instructions = []Instruction{Apply(Action{Type: ActionSetVLANVID, Arg: 5, Received: V11}, Action{Type: ActionSetVLANPCP, Arg: 1, Received: V11})}
	frame, err := Append(nil, V11, 1, m)
	if err != nil || strings.Contains(Print(frame), "push_vlan") {
		t.Fatalf("%s %v", Print(frame), err)
	}
	_, got, err := Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []Version{V11, V13} {
		again, err := Append(nil, v, 1, got)
		if err != nil || strings.Contains(Print(again), "push_vlan") || v == V11 && string(again) != string(frame) {
			t.Errorf("%s: %s %v", v, Print(again), err)
		}
	}
}

func TestExtensionsNameTheTableIn10(t *testing.T) {
	e := Encoder{Extensions: true}
	for table, command := range map[uint8]byte{0: 0, 3: 3, TableAll: TableAll} {
		m := NewFlowMod(FlowAdd)
		m.Table = table
		frame, err := e.Append(nil, V10, 1, m)
		if err != nil || frame[56] != command {
			t.Errorf("table %d: command %x, %v", table, frame[56:58], err)
		}
	}
}

// A bucket works on a packet of its own, and what one message said before means
// nothing to the next.
func TestEnqueueEndsABucket(t *testing.T) {
	flow, err := ParseFlow("actions=output:1,goto_table:2", FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	group := &GroupMod{GroupType: GroupTypeIndirect, Group: 1, Buckets: []Bucket{NewBucket(Action{Type: ActionEnqueue, Arg: 1, Queue: 2})}}
	var e Encoder
	for range 2 {
		frame, err := e.Append(nil, V13, 1, group)
		if err != nil || !strings.Contains(Print(frame), "set_queue:2,output:1") {
			t.Errorf("%s %v", Print(frame), err)
		}
		if _, err := e.Append(nil, V13, 1, flow); err != nil {
			t.Fatal(err)
		}
	}
}
