package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// detail returns the first detail of a type, or nil.
func detail[T proto.Message](err error) (zero T) {
	for _, d := range status.Convert(err).Details() {
		if x, ok := d.(T); ok {
			return x
		}
	}
	return zero
}

// wantTexts fails unless each text is in s.
func wantTexts(t *testing.T, what, s string, texts ...string) {
	t.Helper()
	for _, w := range texts {
		if !strings.Contains(s, w) {
			t.Errorf("%s is %q, want %q in it", what, s, w)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// invalidRows are changes that make no sense in any version.
var invalidRows = []struct {
	name    string
	changes []*sluicev1.FlowChange
	field   string
	says    []string
}{
	{"unknown field in text", addTexts("priority=10,ip,nw_srcc=10.0.0.1,actions=drop"), "changes[0].add.text", []string{"col 16", "nw_srcc"}},
	{"bad address in text", addTexts("arp,actions=drop", "ip,nw_src=10.0.0.999,actions=drop"), "changes[1].add.text", []string{"col ", "10.0.0.999"}},
	{"text without actions", addTexts("ip"), "changes[0].add.text", []string{"actions"}},
	{"unknown port name in text", addTexts("actions=output:nosuch"), "changes[0].add.text", []string{"nosuch"}},
	{"reserved cookie in text", addTexts("cookie=0xffffffffffffffff,actions=drop"), "changes[0].add.text", []string{"cookie: 0xffffffffffffffff is reserved"}},
	{"reserved cookie", add(structured(&sluicev1.Flow{Cookie: 1<<64 - 1, Actions: []*sluicev1.Action{output(1)}})), "changes[0].add.flow.cookie", []string{"0xffffffffffffffff is reserved"}},
	{"no change", []*sluicev1.FlowChange{{}}, "changes[0]", []string{"add, modify"}},
	{"no form", add(&sluicev1.FlowSpec{}), "changes[0].add", []string{"text or flow"}},
	{"bad Ethernet address", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{EthSrc: ptr("00:11")}})),
		"changes[0].add.flow.match.eth_src", []string{"00:11", "Ethernet address"}},
	{"IPv6 address for IPv4", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{EthType: ptr(uint32(0x800)), Ipv4Dst: ptr("::1")}})),
		"changes[0].add.flow.match.ipv4_dst", []string{"IPv4 address"}},
	{"mask too long", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{EthType: ptr(uint32(0x800)), Ipv4Dst: ptr("10.0.0.0/33")}})),
		"changes[0].add.flow.match.ipv4_dst", []string{"33", "0 to 32"}},
	{"VLAN without the present bit", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{VlanVid: ptr(uint32(10))}})),
		"changes[0].add.flow.match.vlan_vid", []string{"4106"}},
	{"too many bits", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{EthType: ptr(uint32(0x10000))}})),
		"changes[0].add.flow.match.eth_type", []string{"16 bits", "65535"}},
	{"mask without a value", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{MetadataMask: ptr(uint64(1))}})),
		"changes[0].add.flow.match.metadata_mask", []string{"metadata"}},
	{"prerequisite missing", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{Ipv4Dst: ptr("10.0.0.1")}})),
		"changes[0].add.flow.match", []string{"ipv4_dst", "eth_type=0x0800"}},
	{"raw match field", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{Other: []*sluicev1.RawMatchField{{}}}})),
		"changes[0].add.flow.match.other[0]", []string{"payload"}},
	{"raw match field of the wrong length", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{Other: []*sluicev1.RawMatchField{{Header: 0x80000a02, Payload: []byte{8}}}}})),
		"changes[0].add.flow.match.other[0]", []string{"1 bytes", "2"}},
	{"raw match field that stands there", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{EthType: ptr(uint32(0x800)), Other: []*sluicev1.RawMatchField{{Header: 0x80000a02, Payload: []byte{8, 0}}}}})),
		"changes[0].add.flow.match.other[0]", []string{"eth_type", "twice"}},
	{"raw match field without what it needs", add(structured(&sluicev1.Flow{Match: &sluicev1.Match{Other: []*sluicev1.RawMatchField{{Header: 0x80001b04, Payload: []byte{0, 80, 255, 255}}}}})),
		"changes[0].add.flow.match", []string{"tcp_src", "eth_type"}},
	{"raw instruction of a known type", add(structured(&sluicev1.Flow{OtherInstructions: []*sluicev1.RawInstruction{{Type: 1, Payload: []byte{1, 0, 0, 0}}}})),
		"changes[0].add.flow.other_instructions[0].type", []string{"goto_table"}},
	{"raw instruction of odd length", add(structured(&sluicev1.Flow{OtherInstructions: []*sluicev1.RawInstruction{{Type: 0xffff, Payload: []byte{1, 0, 0}}}})),
		"changes[0].add.flow.other_instructions[0].payload", []string{"3 bytes", "multiple of 8"}},
	{"priority too high", add(structured(&sluicev1.Flow{Priority: ptr(uint32(70000))})), "changes[0].add.flow.priority", []string{"65535"}},
	{"table too high", add(structured(&sluicev1.Flow{Table: ptr(uint32(255))})), "changes[0].add.flow.table", []string{"254"}},
	{"timeout too long", add(structured(&sluicev1.Flow{IdleTimeout: 65536})), "changes[0].add.flow.idle_timeout", []string{"65535"}},
	{"empty action", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{{}}})), "changes[0].add.flow.actions[0]", []string{"output"}},
	{"output nowhere", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{{Action: &sluicev1.Action_Output{Output: &sluicev1.Output{}}}}})),
		"changes[0].add.flow.actions[0].output", []string{"port_name"}},
	{"output to an unknown name", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{
		{Action: &sluicev1.Action_Output{Output: &sluicev1.Output{To: &sluicev1.Output_PortName{PortName: "nosuch"}}}}}})),
		"changes[0].add.flow.actions[0].output.port_name", []string{"nosuch"}},
	{"max_len without the controller", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{
		{Action: &sluicev1.Action_Output{Output: &sluicev1.Output{To: &sluicev1.Output_Port{Port: 1}, MaxLen: ptr(uint32(9))}}}}})),
		"changes[0].add.flow.actions[0].output.max_len", []string{"CONTROLLER"}},
	{"false action", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{{Action: &sluicev1.Action_PopVlan{}}}})),
		"changes[0].add.flow.actions[0].pop_vlan", []string{"true"}},
	{"set_field of two fields", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{
		{Action: &sluicev1.Action_SetField{SetField: &sluicev1.Match{EthSrc: ptr("00:00:00:00:00:01"), EthDst: ptr("00:00:00:00:00:02")}}}}})),
		"changes[0].add.flow.actions[0].set_field", []string{"2 fields", "exactly one"}},
	{"set_field with a mask", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{
		{Action: &sluicev1.Action_SetField{SetField: &sluicev1.Match{Ipv4Src: ptr("10.0.0.0/8")}}}}})),
		"changes[0].add.flow.actions[0].set_field.ipv4_src", []string{"without a mask"}},
	{"raw action", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{{Action: &sluicev1.Action_Other{Other: &sluicev1.RawAction{}}}}})),
		"changes[0].add.flow.actions[0].other.payload", []string{"multiple of 8"}},
	{"raw action of an experimenter with an odd length", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{{Action: &sluicev1.Action_Other{Other: &sluicev1.RawAction{Type: 0xffff, Payload: make([]byte, 6)}}}}})),
		"changes[0].add.flow.actions[0].other.payload", []string{"6 bytes", "multiple of 8"}},
	{"raw set_field of the wrong length", add(structured(&sluicev1.Flow{Actions: []*sluicev1.Action{{Action: &sluicev1.Action_Other{Other: &sluicev1.RawAction{Type: 25, Payload: []byte{0x80, 0, 0x0a, 2, 8}}}}}})),
		"changes[0].add.flow.actions[0].other", []string{"1 bytes", "2"}},
	{"cookie mask to add", add(structured(&sluicev1.Flow{CookieMask: 1})), "changes[0].add.flow.cookie_mask", []string{"delete"}},
	{"out_port to add", add(structured(&sluicev1.Flow{OutPort: "1"})), "changes[0].add.flow.out_port", []string{"delete"}},
	{"actions to delete", []*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_Delete{Delete: structured(&sluicev1.Flow{ClearActions: true})}}},
		"changes[0].delete.flow", []string{"actions"}},
}

func TestInvalidChangesNameTheField(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		for _, row := range invalidRows {
			t.Run(row.name, func(t *testing.T) {
				err := r.write(row.changes)
				if status.Code(err) != codes.InvalidArgument {
					t.Fatalf("error is %v, want INVALID_ARGUMENT", err)
				}
				b := detail[*errdetails.BadRequest](err)
				if len(b.GetFieldViolations()) != 1 {
					t.Fatalf("violations are %v, want one", b)
				}
				x := b.GetFieldViolations()[0]
				if x.GetField() != row.field {
					t.Errorf("field is %q, want %q (%s)", x.GetField(), row.field, x.GetDescription())
				}
				wantTexts(t, "description", x.GetDescription(), row.says...)
				wantTexts(t, "message", status.Convert(err).Message(), row.says...)
			})
		}
		if n := sim.Received(ofp.TypeFlowMod); n != 0 {
			t.Errorf("%d flow-mods were sent", n)
		}
	})
}

// TestVersionLacks has what a version cannot say, and the first that can.
func TestVersionLacks(t *testing.T) {
	rows := []struct {
		name  string
		spec  *sluicev1.FlowSpec
		since ofp.Version
		field string
	}{
		{"IPv6 source", text("ipv6,ipv6_src=2001:db8::1,actions=drop"), ofp.V12, "ipv6_src"},
		{"IPv6 source, structured", structured(&sluicev1.Flow{Match: &sluicev1.Match{EthType: ptr(uint32(0x86dd)), Ipv6Src: ptr("2001:db8::/32")}}), ofp.V12, "ipv6_src"},
		{"table", text("table=1,actions=drop"), ofp.V11, "table 1"},
		{"goto_table", structured(&sluicev1.Flow{GotoTable: ptr(uint32(1))}), ofp.V11, "goto_table"},
		{"write_metadata", structured(&sluicev1.Flow{WriteMetadata: &sluicev1.WriteMetadata{Value: 1}, GotoTable: ptr(uint32(1))}), ofp.V11, "write_metadata"},
		{"reset_counts", structured(&sluicev1.Flow{ResetCounts: true}), ofp.V12, "reset_counts"},
		{"no_packet_counts", structured(&sluicev1.Flow{NoPacketCounts: true}), ofp.V13, "no_pkt_counts"},
		{"push_vlan", structured(&sluicev1.Flow{Actions: []*sluicev1.Action{
			{Action: &sluicev1.Action_PushVlan{PushVlan: 0x8100}}, {Action: &sluicev1.Action_Output{Output: &sluicev1.Output{To: &sluicev1.Output_Port{Port: 1}}}}}}), ofp.V11, "push_vlan"},
	}
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				before := sim.Received(ofp.TypeFlowMod)
				err := r.write(add(text("arp,actions=drop"), row.spec))
				if v >= row.since {
					if err != nil {
						t.Errorf("refused: %v", err)
					}
					return
				}
				if status.Code(err) != codes.FailedPrecondition {
					t.Fatalf("error is %v, want FAILED_PRECONDITION", err)
				}
				f := detail[*sluicev1.FlowError](err)
				if f.GetIndex() != 1 || f.GetVersion() != v.String() || f.GetFlow() == "" {
					t.Errorf("detail is %v, want index 1, version %s and the flow", f, v)
				}
				wantTexts(t, "field", f.GetField(), row.field)
				wantTexts(t, "message", status.Convert(err).Message(), row.field, "OpenFlow "+v.String(), "changes[1]: ")
				if e := detail[*errdetails.ErrorInfo](err); e.GetReason() != "OPENFLOW_VERSION" || e.GetMetadata()["switch"] != "br0" {
					t.Errorf("error info is %v", e)
				}
				if n := sim.Received(ofp.TypeFlowMod) - before; n != 0 {
					t.Errorf("%d flow-mods were sent, want none", n)
				}
			})
		}
	})
}

// TestSwitchRefuses has the rows of reasonCodes that a flow can meet.
func TestSwitchRefuses(t *testing.T) {
	rows := []struct {
		why   ofp.ErrorReason
		since ofp.Version
		code  codes.Code
	}{
		{ofp.FlowModFailedTableFull, ofp.V10, codes.ResourceExhausted},
		{ofp.FlowModFailedOverlap, ofp.V10, codes.AlreadyExists},
		{ofp.FlowModFailedEPERM, ofp.V10, codes.PermissionDenied},
		{ofp.BadRequestEPERM, ofp.V10, codes.PermissionDenied},
		{ofp.BadRequestBadLen, ofp.V10, codes.Internal},
		{ofp.BadActionBadOutPort, ofp.V10, codes.FailedPrecondition},
		{ofp.FlowModFailedUnknown, ofp.V11, codes.FailedPrecondition},
		{ofp.BadMatchBadPrereq, ofp.V12, codes.FailedPrecondition},
		{ofp.BadRequestIsSlave, ofp.V12, codes.FailedPrecondition},
	}
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		for _, row := range rows {
			if v < row.since {
				continue
			}
			t.Run(row.why.String(), func(t *testing.T) {
				sim.SetFaults(simswitch.RefuseFlow(2, row.why))
				defer sim.SetFaults(nil)
				err := r.write(addTexts("priority=1,arp,actions=drop", "priority=2,arp,actions=output:1", "priority=3,arp,actions=drop"))
				if status.Code(err) != row.code {
					t.Fatalf("error is %v, want %s", err, row.code)
				}
				f := detail[*sluicev1.FlowError](err)
				if f.GetIndex() != 1 || f.GetCode() != row.why.String() || f.GetType() != row.why.TypeName() || len(f.GetData()) == 0 {
					t.Errorf("detail is %v, want index 1, %s %s and data", f, row.why.TypeName(), row.why)
				}
				wantTexts(t, "flow", f.GetFlow(), "priority=2", "arp")
				wantTexts(t, "message", status.Convert(err).Message(), "br0", row.why.String(), "1 of 3", "changes[1]: ")
				if e := detail[*errdetails.ErrorInfo](err); e.GetReason() != row.why.String() {
					t.Errorf("error info is %v", e)
				}
				want := &sluicev1.WriteResult{Total: 3, Sent: 3, Confirmed: 3, Failed: 1}
				if got := detail[*sluicev1.WriteResult](err); !proto.Equal(got, want) {
					t.Errorf("result is %v, want %v", got, want)
				}
			})
		}
	})
}

// TestDetailsWhateverTheSwitchIsCalled: a name is what bytes the switch sends,
// and takes no detail of an error with it.
func TestDetailsWhateverTheSwitchIsCalled(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.connect(simswitch.Config{Name: "br\xff0", DPID: 7, Versions: []ofp.Version{ofp.V10}})
	write := func(text string) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "7", Changes: addTexts(text)})
		return err
	}
	check := func(what string, err error, code codes.Code, reason string) {
		t.Helper()
		if status.Code(err) != code {
			t.Fatalf("%s: error is %v, want %s", what, err, code)
		}
		if detail[*sluicev1.FlowError](err) == nil || detail[*sluicev1.WriteResult](err) == nil {
			t.Errorf("%s: details are missing: %v", what, status.Convert(err).Details())
		}
		if e := detail[*errdetails.ErrorInfo](err); e.GetReason() != reason || e.GetMetadata()["switch"] != "br�0" {
			t.Errorf("%s: error info is %v", what, e)
		}
	}
	check("version", write("table=1,actions=drop"), codes.FailedPrecondition, "OPENFLOW_VERSION")
	sim.SetFaults(simswitch.RefuseFlow(1, ofp.FlowModFailedTableFull))
	check("refusal", write("actions=drop"), codes.ResourceExhausted, "OFPFMFC_TABLE_FULL")
}

// TestOneDetailThatCannotBeEncoded: the others stay.
func TestOneDetailThatCannotBeEncoded(t *testing.T) {
	err := withDetails(codes.Internal, "oh", &sluicev1.FlowError{Flow: "\xff"}, &sluicev1.WriteResult{Total: 1})
	if got := status.Convert(err).Details(); len(got) != 1 || detail[*sluicev1.WriteResult](err).GetTotal() != 1 {
		t.Errorf("details are %v, want the result alone", got)
	}
}

func TestTableFullKeepsTheOthers(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.connect(simswitch.Config{Name: "br0", Versions: []ofp.Version{v}, MaxFlows: 2})
		err := r.write(addTexts("priority=1,actions=drop", "priority=2,actions=drop", "priority=3,actions=drop"))
		if status.Code(err) != codes.ResourceExhausted || detail[*sluicev1.FlowError](err).GetIndex() != 2 {
			t.Errorf("error is %v, %v", err, status.Convert(err).Details())
		}
		if n := len(r.list(&sluicev1.ListFlowsRequest{})); n != 2 {
			t.Errorf("%d flows, want 2", n)
		}
	})
}

func TestUnknownSwitch(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(simswitch.Config{Name: "twin", DPID: 1})
	r.connect(simswitch.Config{Name: "twin", DPID: 2})
	for _, row := range []struct {
		ref  string
		code codes.Code
		says string
	}{
		{"nosuch", codes.NotFound, "nosuch"},
		{"00:00:00:00:00:00:00:99", codes.NotFound, "99"},
		{"", codes.InvalidArgument, "switch"},
		{"twin", codes.InvalidArgument, "twin"},
		{strings.Repeat("x", 100_000), codes.NotFound, "xxx"},
	} {
		t.Run(row.ref[:min(len(row.ref), 20)], func(t *testing.T) {
			ctx := t.Context()
			_, write := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: row.ref, Changes: addTexts("actions=drop")})
			_, get := r.switches.GetSwitch(ctx, &sluicev1.GetSwitchRequest{Switch: row.ref})
			_, ports := r.switches.ListPorts(ctx, &sluicev1.ListPortsRequest{Switch: row.ref})
			_, portStats := r.switches.ListPortStats(ctx, &sluicev1.ListPortStatsRequest{Switch: row.ref})
			_, tables := r.switches.ListTableStats(ctx, &sluicev1.ListTableStatsRequest{Switch: row.ref})
			_, barrier := r.switches.Barrier(ctx, &sluicev1.BarrierRequest{Switch: row.ref})
			_, sum := r.flows.AggregateFlows(ctx, &sluicev1.AggregateFlowsRequest{Switch: row.ref})
			_, packet := r.packets.SendPacket(ctx, &sluicev1.SendPacketRequest{Switch: row.ref})
			s, list := r.flows.ListFlows(ctx, &sluicev1.ListFlowsRequest{Switch: row.ref})
			if list == nil {
				_, list = s.Recv()
			}
			for i, err := range []error{write, get, ports, portStats, tables, barrier, sum, packet, list} {
				if status.Code(err) != row.code {
					t.Errorf("call %d: %v, want %s", i, err, row.code)
				}
				wantTexts(t, "message", status.Convert(err).Message(), row.says)
			}
		})
	}
}

func TestSwitchGoesAwayInTheMiddle(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		sim.SetFaults(simswitch.DropAfter(1))
		begun := time.Now()
		err := r.write(addTexts("priority=1,actions=drop", "priority=2,actions=drop", "priority=3,actions=drop"))
		if status.Code(err) != codes.Unavailable {
			t.Fatalf("error is %v, want UNAVAILABLE", err)
		}
		if took := time.Since(begun); took > patience/2 {
			t.Errorf("it took %s, want an answer at once", took)
		}
		w := detail[*sluicev1.WriteResult](err)
		if w.GetTotal() != 3 || w.GetConfirmed() >= 3 || w.GetSent() < 1 {
			t.Errorf("result is %v", w)
		}
		wantTexts(t, "message", status.Convert(err).Message(), "br0", "disconnected", "confirmed")
	})
}

// TestRefusedWithItsBarrier: a refusal is an answer, even if none confirms the
// messages around it.
func TestRefusedWithItsBarrier(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		sim := r.bridge(v)
		second := simswitch.RefuseFlow(2, ofp.FlowModFailedEPERM)
		sim.SetFaults(func(n int, h ofp.Header, m ofp.Message) simswitch.Fault {
			if h.Type() == ofp.TypeBarrierRequest {
				return simswitch.Fault{Refuse: ofp.BadRequestEPERM}
			}
			return second(n, h, m)
		})
		err := r.write(addTexts("priority=1,actions=drop", "priority=2,actions=drop", "priority=3,actions=drop"))
		want := &sluicev1.WriteResult{Total: 3, Sent: 3, Confirmed: 1, Failed: 1}
		if got := detail[*sluicev1.WriteResult](err); !proto.Equal(got, want) {
			t.Errorf("result is %v, want %v (%v)", got, want, err)
		}
		var about []uint32
		for _, d := range status.Convert(err).Details() {
			if f, ok := d.(*sluicev1.FlowError); ok {
				about = append(about, f.GetIndex())
			}
		}
		if !slices.Equal(about, []uint32{1}) {
			t.Errorf("errors are about the changes %v, want 1 alone", about)
		}
	})
}

// TestRefusalThatCannotBeRead: the change is named all the same.
func TestRefusalThatCannotBeRead(t *testing.T) {
	r := newRig(t, Config{})
	r.bridge(ofp.V13)
	sw, err := r.c.Find("br0")
	if err != nil {
		t.Fatal(err)
	}
	msgs := []ofp.Message{ofp.NewFlowMod(ofp.FlowAdd), ofp.NewFlowMod(ofp.FlowAdd)}
	err = writeError(sw, msgs, &controller.WriteError{Sent: 2, Confirmed: 2,
		Errors: []controller.ItemError{{Index: 1, Message: msgs[1], Err: errors.New("nobody can read it")}}})
	f := detail[*sluicev1.FlowError](err)
	if f.GetIndex() != 1 || f.GetFlow() == "" || f.GetMessage() != "nobody can read it" {
		t.Errorf("detail is %v, want index 1, the flow and what is wrong", f)
	}
	wantTexts(t, "message", status.Convert(err).Message(), "br0 refused 1 of 2 changes", "nobody can read it")
}

func TestNoBarrierReply(t *testing.T) {
	call := func(r *rig, timeout time.Duration) error {
		ctx := context.Background()
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		_, err := r.flows.WriteFlows(ctx, &sluicev1.WriteFlowsRequest{Switch: "br0", Changes: addTexts("actions=drop")})
		return err
	}
	for _, row := range []struct {
		name           string
		server, caller time.Duration
	}{
		{"the caller's deadline", 0, 2 * time.Second},
		{"the server's, where the caller sets none", 200 * time.Millisecond, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, Config{Timeout: row.server})
			sim := r.bridge(ofp.V13)
			sim.SetFaults(simswitch.Silent(ofp.TypeBarrierRequest))
			begun := time.Now()
			err := call(r, row.caller)
			if took := time.Since(begun); took > patience {
				t.Errorf("it took %s", took)
			}
			if status.Code(err) != codes.DeadlineExceeded {
				t.Fatalf("error is %v, want DEADLINE_EXCEEDED", err)
			}
			want := &sluicev1.WriteResult{Total: 1, Sent: 1}
			if got := detail[*sluicev1.WriteResult](err); !proto.Equal(got, want) {
				t.Errorf("result is %v, want %v: the server is to answer before the caller gives up", got, want)
			}
		})
	}
}

// TestManyRefusalsFitInTrailers keeps what a client must take in headers below
// the 8 KiB of gRPC's C core.
func TestManyRefusalsFitInTrailers(t *testing.T) {
	r := newRig(t, Config{})
	sim := r.bridge(ofp.V13)
	sim.SetFaults(func(_ int, _ ofp.Header, m ofp.Message) (f simswitch.Fault) {
		if _, ok := m.(*ofp.FlowMod); ok {
			f.Refuse = ofp.FlowModFailedTableFull
		}
		return f
	})
	const n = 3000
	var texts []string
	for i := range n {
		texts = append(texts, fmt.Sprintf("priority=%d,ip,nw_src=10.0.0.0/8,nw_dst=10.11.12.13,actions=output:1,output:2,output:3", i))
	}
	err := r.write(addTexts(texts...))
	if got := detail[*sluicev1.WriteResult](err).GetFailed(); got != n {
		t.Errorf("%d failed, want %d", got, n)
	}
	if detail[*sluicev1.FlowError](err) == nil || detail[*errdetails.ErrorInfo](err) == nil {
		t.Errorf("details are missing: %v", status.Convert(err).Details())
	}
	raw, merr := proto.Marshal(status.Convert(err).Proto())
	if merr != nil {
		t.Fatal(merr)
	}
	if size := base64.StdEncoding.EncodedLen(len(raw)); size > 8000 {
		t.Errorf("the status has %d bytes in base64, want less than 8 KiB", size)
	}
}

func TestPanicIsInternalAndTheServerLives(t *testing.T) {
	g := guard{Config: Config{Timeout: time.Second, Logger: quiet()}, crowd: newCrowd(), large: newLargeRequests(newCodec())}
	info := &grpc.UnaryServerInfo{FullMethod: "/sluice.v1.Test/Panic"}
	_, err := g.unary(t.Context(), nil, info, func(context.Context, any) (any, error) { panic("oh") })
	if status.Code(err) != codes.Internal {
		t.Errorf("error is %v, want INTERNAL", err)
	}
	wantTexts(t, "message", err.Error(), info.FullMethod)
}

func TestReasonCodesHaveRowsForAllEPERM(t *testing.T) {
	for r := ofp.ErrorReason(1); r.String() != "unknown"; r++ {
		if strings.HasSuffix(r.String(), "_EPERM") && r != ofp.HelloFailedEPERM && reasonCode(r) != codes.PermissionDenied {
			t.Errorf("%s is %s", r, reasonCode(r))
		}
		if strings.Contains(r.String(), "OUT_OF_") && reasonCode(r) != codes.ResourceExhausted {
			t.Errorf("%s is %s", r, reasonCode(r))
		}
	}
}
