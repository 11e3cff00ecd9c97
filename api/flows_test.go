package api

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

func output(p uint32) *sluicev1.Action {
	return &sluicev1.Action{Action: &sluicev1.Action_Output{Output: &sluicev1.Output{To: &sluicev1.Output_Port{Port: p}}}}
}

func outputTo(name string) *sluicev1.Action {
	return &sluicev1.Action{Action: &sluicev1.Action_Output{Output: &sluicev1.Output{To: &sluicev1.Output_PortName{PortName: name}}}}
}

// TestStructuredFlowsComeBack writes flows and reads them, in both forms.
func TestStructuredFlowsComeBack(t *testing.T) {
	rows := []struct {
		name  string
		since ofp.Version
		flow  *sluicev1.Flow
		text  string // the same in ovs-ofctl's syntax
	}{
		{"table-miss", ofp.V10, &sluicev1.Flow{Priority: ptr(uint32(0)), Actions: []*sluicev1.Action{outputTo("CONTROLLER")}}, "priority=0,actions=CONTROLLER:65535"},
		{"drop", ofp.V10, &sluicev1.Flow{Priority: ptr(uint32(7)), Match: &sluicev1.Match{EthType: ptr(uint32(0x806))}}, "priority=7,arp,actions=drop"},
		{"web", ofp.V10, &sluicev1.Flow{Priority: ptr(uint32(10)), Cookie: 0x1234, IdleTimeout: 60, HardTimeout: 300,
			Match:   &sluicev1.Match{InPort: ptr(uint32(1)), EthType: ptr(uint32(0x800)), IpProto: ptr(uint32(6)), Ipv4Dst: ptr("10.0.0.0/8"), TcpDst: ptr(uint32(80))},
			Actions: []*sluicev1.Action{output(2), output(3)}},
			"cookie=0x1234,priority=10,idle_timeout=60,hard_timeout=300,tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80,actions=output:2,output:3"},
		{"any tag", ofp.V12, &sluicev1.Flow{Priority: ptr(uint32(5)), Match: &sluicev1.Match{VlanVid: ptr(uint32(0x1000)), VlanVidMask: ptr(uint32(0x1000))},
			Actions: []*sluicev1.Action{{Action: &sluicev1.Action_PopVlan{PopVlan: true}}, outputTo("FLOOD")}},
			"priority=5,vlan_tci=0x1000/0x1000,actions=pop_vlan,FLOOD"},
		{"set field", ofp.V12, &sluicev1.Flow{Priority: ptr(uint32(9)),
			Match:   &sluicev1.Match{EthSrc: ptr("00:00:00:00:00:01"), EthDst: ptr("01:00:00:00:00:00/01:00:00:00:00:00")},
			Actions: []*sluicev1.Action{{Action: &sluicev1.Action_SetField{SetField: &sluicev1.Match{EthDst: ptr("00:00:00:00:00:09")}}}, output(1)}},
			"priority=9,dl_src=00:00:00:00:00:01,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=set_field:00:00:00:00:00:09->eth_dst,output:1"},
		{"pipeline", ofp.V11, &sluicev1.Flow{Table: ptr(uint32(1)), Priority: ptr(uint32(3)), ClearActions: true,
			WriteActions: []*sluicev1.Action{output(4)}, WriteMetadata: &sluicev1.WriteMetadata{Value: 0xab, Mask: ptr(uint64(0xff))}, GotoTable: ptr(uint32(3))},
			"table=1,priority=3,actions=clear_actions,write_actions(output:4),write_metadata:0xab/0xff,goto_table:3"},
	}
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		for _, row := range rows {
			if v < row.since {
				continue
			}
			t.Run(row.name, func(t *testing.T) {
				r := newRig(t, Config{})
				r.bridge(v)
				want := proto.CloneOf(row.flow)
				if want.Table == nil {
					want.Table = ptr(uint32(0))
				}
				if want.Match == nil {
					want.Match = &sluicev1.Match{}
				}
				for form, spec := range map[string]*sluicev1.FlowSpec{"structured": structured(row.flow), "text": text(row.text)} {
					r.mustWrite([]*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_Delete{Delete: &sluicev1.FlowSpec{}}}})
					r.mustWrite(add(spec))
					got := r.list(&sluicev1.ListFlowsRequest{})
					if len(got) != 1 {
						t.Fatalf("%s: %d flows, want 1", form, len(got))
					}
					if d := cmp.Diff(want, got[0].GetFlow(), protocmp.Transform()); d != "" {
						t.Errorf("%s (-want +got):\n%s", form, d)
					}
					// The text of a listed flow adds the same flow again.
					r.mustWrite(addTexts(got[0].GetText()))
					again := r.list(&sluicev1.ListFlowsRequest{})
					if len(again) != 1 {
						t.Fatalf("%s: %q added another flow: %v", form, got[0].GetText(), again)
					}
					if d := cmp.Diff(want, again[0].GetFlow(), protocmp.Transform()); d != "" {
						t.Errorf("%s: from %q (-want +got):\n%s", form, got[0].GetText(), d)
					}
				}
			})
		}
	})
}

func TestModifyAndDelete(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		r.mustWrite(addTexts("priority=1,tcp,tp_dst=80,actions=output:1", "priority=2,tcp,tp_dst=80,actions=output:1", "priority=3,arp,actions=output:2"))
		texts := func() (out []string) {
			for _, f := range r.list(&sluicev1.ListFlowsRequest{Form: sluicev1.FlowForm_FLOW_FORM_STRUCTURED}) {
				if f.GetText() != "" {
					t.Errorf("text is %q, though only the structure was asked for", f.GetText())
				}
				var ports []uint32
				for _, a := range f.GetFlow().GetActions() {
					ports = append(ports, a.GetOutput().GetPort())
				}
				out = append(out, fmt.Sprint(f.GetFlow().GetPriority(), ports))
			}
			return out
		}
		steps := []struct {
			name   string
			change *sluicev1.FlowChange
			want   []string
		}{
			{"modify", &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Modify{Modify: text("tcp,actions=output:3")}}, []string{"3 [2]", "2 [3]", "1 [3]"}},
			{"modify strict", &sluicev1.FlowChange{Change: &sluicev1.FlowChange_ModifyStrict{ModifyStrict: text("priority=2,tcp,tp_dst=80,actions=output:4")}}, []string{"3 [2]", "2 [4]", "1 [3]"}},
			{"delete by port", &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Delete{Delete: structured(&sluicev1.Flow{OutPort: "eth2"})}}, []string{"2 [4]", "1 [3]"}},
			{"delete strict", &sluicev1.FlowChange{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: text("priority=1,tcp,tp_dst=80")}}, []string{"2 [4]"}},
			{"delete all", &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Delete{Delete: text("")}}, nil},
		}
		for _, s := range steps {
			r.mustWrite([]*sluicev1.FlowChange{s.change})
			if d := cmp.Diff(s.want, texts()); d != "" {
				t.Errorf("%s (-want +got):\n%s", s.name, d)
			}
		}
	})
}

func TestListManyWithAFilter(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V13)
	var texts []string
	for i := range 3*flowsPerResponse + 1 {
		texts = append(texts, fmt.Sprintf("cookie=%d,table=%d,ip,nw_dst=10.0.%d.%d,actions=output:%d", i, i%2, i>>8, i&255, 1+i%4))
	}
	r.mustWrite(addTexts(texts...))
	for _, row := range []struct {
		filter string
		want   int
	}{
		{"", len(texts)},
		{"table=1", len(texts) / 2},
		{"ip,nw_dst=10.0.1.0/24", 256},
		{"cookie=5/-1", 1},
		{"out_port=2", 375},
		{"arp", 0},
	} {
		if got := len(r.list(&sluicev1.ListFlowsRequest{Filter: text(row.filter)})); got != row.want {
			t.Errorf("%q lists %d flows, want %d", row.filter, got, row.want)
		}
		sum, err := r.flows.AggregateFlows(t.Context(), &sluicev1.AggregateFlowsRequest{Switch: "br0", Filter: text(row.filter)})
		if err != nil || int(sum.GetFlowCount()) != row.want {
			t.Errorf("%q sums %v flows, want %d (%v)", row.filter, sum, row.want, err)
		}
	}
}

func TestSelectorsReachTheMessage(t *testing.T) {
	got, err := toFlow(&sluicev1.Flow{Cookie: 1, CookieMask: 2, OutPort: "LOCAL", OutGroup: ptr(uint32(7))}, ofp.FlowDelete, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := ofp.NewFlowMod(ofp.FlowDelete)
	want.Cookie, want.CookieMask, want.OutPort, want.OutGroup = 1, 2, ofp.PortLocal, 7
	if d := cmp.Diff(want, got, cmp.AllowUnexported(ofp.Match{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// needed sets the fields that a field needs, with values that satisfy it.
func needed(m *ofp.Match, f *ofp.FieldInfo) {
	for _, n := range f.Needs {
		if m.Has(n.Field) {
			continue
		}
		v := uint64(1) // a port, a protocol, a connection that is new
		switch {
		case n.Values != nil:
			v = n.Values[0]
		case n.Field == ofp.FieldVLANVID:
			v = ofp.VLANPresent
		}
		m.SetUint(n.Field, v)
	}
	for _, n := range f.Needs {
		needed(m, n.Field.Info())
	}
}

// TestEveryFieldThereAndBack is over the table: a new row is tested by being
// there.
func TestEveryFieldThereAndBack(t *testing.T) {
	for _, f := range ofp.Fields() {
		for _, masked := range []bool{false, true} {
			if masked && !f.Maskable {
				continue
			}
			var m ofp.Match
			needed(&m, f)
			value, mask := make([]byte, f.Bytes()), []byte(nil)
			value[len(value)-1] = 1
			if f.ID == ofp.FieldVLANVID {
				value[0] = ofp.VLANPresent >> 8
			}
			if masked {
				mask = make([]byte, f.Bytes())
				copy(mask, value)
			}
			if err := m.SetMasked(f.ID, value, mask); err != nil {
				t.Fatal(err)
			}
			p := fromMatch(&m)
			if len(p.GetOther()) > 0 {
				t.Errorf("%s (masked %v) has no field in the API", f.Name, masked)
				continue
			}
			back, err := toMatch(p)
			if err != nil || !back.Equal(&m) {
				t.Errorf("%s (masked %v): %v: came back as %x, want %x (%v)", f.Name, masked, err, back.OXM(), m.OXM(), p)
			}
		}
	}
}

func TestUnknownFieldsAreKeptRaw(t *testing.T) {
	// A field of a class that nobody has defined: 0x00030204, value 5.
	frame := append([]byte{4, 10, 0, 42, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		0, 1, 0, 12, 0, 3, 2, 4, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0)
	_, msg, err := ofp.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	got := fromMatch(&msg.(*ofp.PacketIn).Match)
	want := &sluicev1.Match{Other: []*sluicev1.RawMatchField{{Header: 0x00030204, Payload: []byte{0, 0, 0, 5}}}}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestEveryActionThereAndBack is over ofp's actions: each has a field in the API
// by its name, or is raw.
func TestEveryActionThereAndBack(t *testing.T) {
	raw := []ofp.ActionType{ofp.ActionExperimenter}
	for a := ofp.ActionUnknown + 1; a.String() != "unknown"; a++ {
		if _, ok := actionFields[a]; !ok {
			if len(raw) == 0 || a != raw[0] {
				t.Errorf("%s has no field in the API", a)
			}
			if x := fromAction(&ofp.Action{Type: a, Arg: 0x2320, Value: []byte{1, 2}}); x.GetOther().GetExperimenter() != 0x2320 {
				t.Errorf("%s became %v", a, x)
			}
		}
	}
	mac := []byte{0, 1, 2, 3, 4, 5}
	for a, f := range actionFields {
		x := ofp.Action{Type: a}
		switch f.Kind() {
		case protoreflect.Uint32Kind:
			switch a {
			case ofp.ActionSetVLANPCP, ofp.ActionSetMPLSTC, ofp.ActionSetIPECN:
				x.Arg = 3
			case ofp.ActionPushVLAN:
				x.Arg = 0x88a8
			case ofp.ActionPushMPLS:
				x.Arg = 0x8848
			case ofp.ActionPushPBB:
				x.Arg = 0x88e7
			default:
				x.Arg = 4
			}
		case protoreflect.StringKind:
			if a == ofp.ActionSetIPv4Src || a == ofp.ActionSetIPv4Dst {
				x.Arg = 0x0a000001
			} else {
				x.Value = mac
			}
		case protoreflect.MessageKind:
			switch a {
			case ofp.ActionOutput:
				x = ofp.OutputController(100)
			case ofp.ActionEnqueue:
				x.Arg, x.Queue = 3, 4
			case ofp.ActionSetField:
				x = ofp.SetField(ofp.FieldEthSrc, mac)
			}
		}
		p := fromAction(&x)
		back, err := toAction(p, nil)
		if d := cmp.Diff(x, back); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", a, err, d)
		}
	}
}

func TestSendPacket(t *testing.T) {
	frame := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1, 8, 6, 1, 2, 3, 4}
	hexFrame := fmt.Sprintf("%x", frame)
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		for _, row := range []struct {
			name string
			req  *sluicev1.SendPacketRequest
			want []ofp.PortNo
		}{
			{"text", &sluicev1.SendPacketRequest{Form: &sluicev1.SendPacketRequest_Text{Text: "in_port=1,packet=" + hexFrame + ",actions=output:2,output:3"}}, []ofp.PortNo{2, 3}},
			{"text with spaces", &sluicev1.SendPacketRequest{Form: &sluicev1.SendPacketRequest_Text{Text: "in_port=eth1 packet=" + hexFrame + " actions=output:4"}}, []ofp.PortNo{4}},
			{"structure", &sluicev1.SendPacketRequest{Form: &sluicev1.SendPacketRequest_Packet{Packet: &sluicev1.PacketOut{Data: frame, InPort: "eth2",
				Actions: []*sluicev1.Action{outputTo("FLOOD")}}}}, []ofp.PortNo{1, 3, 4}},
		} {
			sim.Clear()
			row.req.Switch = "br0"
			if _, err := r.packets.SendPacket(t.Context(), row.req); err != nil {
				t.Errorf("%s: %v", row.name, err)
				continue
			}
			var got []ofp.PortNo
			for _, x := range sim.Sent() {
				got = append(got, x.Port)
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Errorf("%s left ports (-want +got):\n%s", row.name, d)
			}
		}
	})
}

func TestSendPacketInvalid(t *testing.T) {
	for _, row := range []struct {
		text string
		says []string
	}{
		{"in_port=1,actions=output:1", []string{"packet=HEX"}},
		{"in_port=1,packet=ff", []string{"col 20", "actions"}},
		{"in_port=1,packet=fg,actions=drop", []string{"col 11", "hexadecimal"}},
		{"in_prt=1,packet=ff,actions=drop", []string{"col 1:", "in_prt", "in_port"}},
		{"in_port=nosuch,packet=ff,actions=drop", []string{"nosuch"}},
		{"packet=ff,actions=outptu:1", []string{"col 19", "outptu"}},
		{"packet=ff,actions=goto_table:1", []string{"goto_table"}},
		{"packet=ff,buffer_id=1,actions=drop", []string{"either"}},
		{"", []string{"actions"}},
	} {
		_, err := parsePacketOut(row.text, nil)
		if err == nil {
			t.Errorf("%q is taken", row.text)
			continue
		}
		wantTexts(t, fmt.Sprintf("error of %q", row.text), err.Error(), row.says...)
	}
}

func TestSwitchesAndTheirStatistics(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.connect(simswitch.Config{Name: "br0", DPID: 0xa1, Versions: []ofp.Version{v}, Ports: simswitch.Ports(3)})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		all, err := r.switches.ListSwitches(ctx, &sluicev1.ListSwitchesRequest{})
		if err != nil || len(all.GetSwitches()) != 1 {
			t.Fatalf("switches: %v, %v", all, err)
		}
		s := all.GetSwitches()[0]
		if s.GetDpid() != "00000000000000a1" || s.GetName() != "br0" || s.GetVersion() != v.String() || s.GetPortCount() != 3 || s.GetAddress() == "" || s.GetTableCount() != 8 {
			t.Errorf("switch is %v", s)
		}
		for _, ref := range []string{"br0", "a1", "00:00:00:00:00:00:00:a1"} {
			if one, err := r.switches.GetSwitch(ctx, &sluicev1.GetSwitchRequest{Switch: ref}); err != nil || !proto.Equal(one.GetSwitch(), s) {
				t.Errorf("%q is %v, %v", ref, one, err)
			}
		}
		sim.SetLink(2, false)
		var ports *sluicev1.ListPortsResponse
		r.eventually("port 2 is down", func() bool {
			if ports, err = r.switches.ListPorts(ctx, &sluicev1.ListPortsRequest{Switch: "br0"}); err != nil {
				t.Fatal(err)
			}
			return len(ports.GetPorts()) == 3 && !ports.GetPorts()[1].GetUp()
		})
		if p := ports.GetPorts()[1]; p.GetName() != "eth2" || p.GetNumber() != 2 || !cmp.Equal(p.GetState(), []string{"link_down"}) {
			t.Errorf("port 2 is %v", p)
		}
		sim.Inject(1, make([]byte, 60))
		for _, ref := range []string{"", "eth1", "1"} {
			st, err := r.switches.ListPortStats(ctx, &sluicev1.ListPortStatsRequest{Switch: "br0", Port: ref})
			if err != nil || len(st.GetPorts()) == 0 || st.GetPorts()[0].GetName() != "eth1" || st.GetPorts()[0].GetRxPackets() != 1 {
				t.Errorf("statistics of port %q: %v, %v", ref, st, err)
			}
		}
		tables, err := r.switches.ListTableStats(ctx, &sluicev1.ListTableStatsRequest{Switch: "br0"})
		if err != nil || len(tables.GetTables()) == 0 || tables.GetTables()[0].GetLookupCount() != 1 {
			t.Errorf("tables: %v, %v", tables, err)
		}
		if _, err := r.switches.Barrier(ctx, &sluicev1.BarrierRequest{Switch: "br0"}); err != nil {
			t.Error(err)
		}
	})
}
