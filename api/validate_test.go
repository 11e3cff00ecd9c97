package api

import (
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestContradictions: what Open vSwitch would refuse for how the parts of a flow
// stand to each other is found before anything is sent, in both forms.
func TestContradictions(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.bridge(ofp.V13)
	conjunction, note := ofp.Extend(&ofp.Conjunction{ID: 1, Clause: 0, Clauses: 2}), ofp.Extend(&ofp.Note{Data: []byte{1, 2, 3, 4, 5, 6}})
	ct := ofp.Extend(&ofp.CT{Flags: ofp.CTCommit, Table: ofp.TableAll})
	for _, row := range []struct {
		name    string
		actions []ofp.Action // of the structured form
		write   bool         // they are write_actions
		text    string
		field   string
		says    string
	}{
		{"conjunction", []ofp.Action{note, ofp.Output(1), conjunction}, false, "conjunction(1,1/2),output:1", "actions[2]", "conjunction"},
		{"connection tracking without ip", []ofp.Action{ofp.Output(1), ct}, false, "output:1,ct(commit)", "actions[1]", "needs ip or ipv6"},
		{"nat by itself", []ofp.Action{ofp.Extend(&ofp.NAT{})}, false, "nat", "actions[0]", "nat"},
		{"note in a set", []ofp.Action{ofp.Output(1), note}, true, "write_actions(output:1,note:01.02.03)", "write_actions[1]", "write_actions"},
	} {
		flow := &sluicev1.Flow{Actions: fromActions(row.actions)}
		if row.write {
			flow = &sluicev1.Flow{WriteActions: flow.GetActions()}
		}
		first := structured(&sluicev1.Flow{Actions: []*sluicev1.Action{output(1)}})
		for form, spec := range map[string]*sluicev1.FlowSpec{"flow." + row.field: structured(flow), "text": text("actions=" + row.text)} {
			err := r.write(add(first, spec))
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%s as %s: %v, want INVALID_ARGUMENT", row.name, form, err)
				continue
			}
			x := detail[*errdetails.BadRequest](err).GetFieldViolations()[0]
			if want := "changes[1].add." + form; x.GetField() != want {
				t.Errorf("%s: the field is %q, want %q", row.name, x.GetField(), want)
			}
			wantTexts(t, row.name, x.GetDescription(), row.says)
		}
	}
	if n := sim.Received(ofp.TypeFlowMod); n != 0 {
		t.Errorf("%d flow-mods were sent", n)
	}
}

// TestWhatOpenVSwitchTakesIsTaken: flows like those that the tests with Open
// vSwitch write are not refused.
func TestWhatOpenVSwitchTakesIsTaken(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V13)
	for _, flow := range []string{
		"priority=1001,dl_vlan=10,dl_vlan_pcp=3,actions=strip_vlan,output:2", "priority=1002,arp,arp_tpa=10.1.2.3,actions=FLOOD",
		"priority=1003,udp,in_port=1,tp_src=53,idle_timeout=300,hard_timeout=600,actions=mod_nw_tos:8,output:2",
		"priority=1004,dl_src=02:00:00:00:00:77,actions=CONTROLLER:128,output:LOCAL", "priority=1005,ip,nw_proto=47,actions=goto_table:2",
		"table=2,priority=1,metadata=0x1/0x1,actions=write_actions(output:1)",
		"priority=1006,icmp6,ipv6_src=2001:db8::/32,icmp_type=128,actions=set_field:2001:db8::1->ipv6_dst,output:1",
		"priority=1007,ip,nw_dst=10.0.0.9,actions=mod_dl_dst:02:00:00:00:00:01,mod_nw_dst:10.0.0.1,output:1",
		"priority=1008,conj_id=1,ip,actions=output:1", "priority=1009,ip,nw_src=10.0.0.1,actions=conjunction(1,1/2)",
		"priority=1010,tcp,actions=ct(commit,zone=1,nat(src=10.0.0.1)),resubmit(,3)", "priority=1011,actions=learn(table=1,in_port=in_port),NORMAL",
	} {
		r.mustWrite(addTexts(flow))
	}
	for _, e := range r.list(&sluicev1.ListFlowsRequest{}) {
		if err := r.write(add(structured(e.GetFlow()))); err != nil {
			t.Errorf("%s as a structure: %v", e.GetText(), err)
		}
	}
}

// TestReservedCookie: a cookie of all ones is reserved (section 7.3.4.2 of OpenFlow
// 1.3.5), and Open vSwitch would keep the one that the flow has. It selects flows all
// the same.
func TestReservedCookie(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.bridge(ofp.V13)
	change := func(f *sluicev1.FlowSpec) []*sluicev1.FlowChange {
		return []*sluicev1.FlowChange{
			{Change: &sluicev1.FlowChange_Add{Add: f}}, {Change: &sluicev1.FlowChange_Modify{Modify: f}}, {Change: &sluicev1.FlowChange_ModifyStrict{ModifyStrict: f}},
		}
	}
	for form, spec := range map[string]*sluicev1.FlowSpec{
		"text":        text("cookie=0xffffffffffffffff,arp,actions=output:1"),
		"flow.cookie": structured(&sluicev1.Flow{Cookie: 1<<64 - 1, Actions: []*sluicev1.Action{output(1)}}),
	} {
		for i, c := range change(spec) {
			err := r.write([]*sluicev1.FlowChange{c})
			if status.Code(err) != codes.InvalidArgument {
				t.Fatalf("%v: %v, want INVALID_ARGUMENT", c, err)
			}
			x := detail[*errdetails.BadRequest](err).GetFieldViolations()[0]
			if want := "changes[0]." + []string{"add", "modify", "modify_strict"}[i] + "." + form; x.GetField() != want {
				t.Errorf("the field is %q, want %q", x.GetField(), want)
			}
			wantTexts(t, c.String(), x.GetDescription(), "0xffffffffffffffff is reserved")
		}
	}
	if n := sim.Received(ofp.TypeFlowMod); n != 0 {
		t.Errorf("%d flow-mods were sent", n)
	}
	chosen := text("cookie=0xffffffffffffffff/-1,actions=output:1")
	if err := r.write(change(chosen)[1:2]); err != nil {
		t.Errorf("to modify the flows with that cookie: %v", err)
	}
}
