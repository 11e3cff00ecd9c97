package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// oddFlows are flows of which the API's structure has no fields for some part,
// and the first version that can say each.
var oddFlows = []struct {
	since ofp.Version
	flow  string
}{
	{ofp.V10, "tcp,nw_dst=10.1.0.0/16,tp_dst=80,actions=mod_tp_dst:8080,output:2"},
	{ofp.V10, "arp,arp_tpa=10.0.0.9,actions=NORMAL"},
	{ofp.V10, "dl_vlan=5,actions=strip_vlan,output:1"},
	{ofp.V12, "tcp,tp_dst=0x50/0xfff0,actions=drop"},
	{ofp.V12, "sctp,tp_src=0x8000/0x8000,actions=drop"},
	{ofp.V12, "icmp6,icmp_type=135,nd_target=2001:db8::/32,actions=drop"},
	{ofp.V12, "icmp6,icmp_type=136,nd_tll=00:11:00:00:00:00/ff:ff:00:00:00:00,actions=drop"},
	{ofp.V12, "udp,actions=mod_tp_src:53,output:2"},
}

// TestWhatIsListedCanBeWritten: a list's structured flows, written to the switch,
// make the same list.
func TestWhatIsListedCanBeWritten(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		for i, x := range oddFlows {
			if v >= x.since {
				r.mustWrite(addTexts(fmt.Sprintf("priority=%d,%s", 100+i, x.flow)))
			}
		}
		list := func() []*sluicev1.Flow {
			var fs []*sluicev1.Flow
			for _, e := range r.list(&sluicev1.ListFlowsRequest{Form: sluicev1.FlowForm_FLOW_FORM_STRUCTURED}) {
				fs = append(fs, e.GetFlow())
			}
			return fs
		}
		before := list()
		r.mustWrite([]*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_Delete{Delete: &sluicev1.FlowSpec{}}}})
		if n := len(list()); n != 0 || len(before) == 0 {
			t.Fatalf("%d flows, and %d after all were deleted", len(before), n)
		}
		for _, f := range before {
			if err := r.write(add(structured(f))); err != nil {
				t.Errorf("%v: %v", f, err)
			}
		}
		if d := cmp.Diff(before, list(), protocmp.Transform()); d != "" {
			t.Errorf("(-before +after):\n%s", d)
		}
	})
}

// TestPortOfTheProtocol: the actions for a port of any protocol become those for
// the match's.
func TestPortOfTheProtocol(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		for i, proto := range []string{"6", "17", "132"} {
			if v == ofp.V10 && proto == "132" {
				continue
			}
			r.mustWrite(add(fromJSON(t, fmt.Sprintf(
				`{"priority":%d,"match":{"eth_type":2048,"ip_proto":%s},"actions":[{"set_tp_dst":8080},{"output":{"port":2}}]}`, i+1, proto))))
		}
		for _, e := range r.list(&sluicev1.ListFlowsRequest{}) {
			wantTexts(t, "flow", e.GetText(), map[bool]string{true: "mod_tp_dst:8080", false: "set_field:8080->"}[v < ofp.V12])
		}
	})
}

// TestRawOnTheWire: what has no name is sent byte for byte.
func TestRawOnTheWire(t *testing.T) {
	f := &sluicev1.Flow{
		Match: &sluicev1.Match{EthType: ptr(uint32(0x800)), Other: []*sluicev1.RawMatchField{
			{Header: 0x00030204, Payload: []byte{0, 0, 0, 5}},
			{Header: 0xffff0106, Payload: []byte{0, 0, 0x23, 0x20, 7, 8}},
		}},
		Actions: []*sluicev1.Action{
			{Action: &sluicev1.Action_Other{Other: &sluicev1.RawAction{Type: 0xffff, Experimenter: 0x2320, Payload: []byte{0, 5, 0, 0, 0, 0, 0, 0}}}},
			{Action: &sluicev1.Action_Other{Other: &sluicev1.RawAction{Type: 200, Payload: []byte{1, 2, 3, 4}}}},
		},
		OtherInstructions: []*sluicev1.RawInstruction{{Type: 0xffff, Payload: []byte{0, 0, 0x23, 0x20}}},
	}
	m, err := toFlow(f, ofp.FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := ofp.Append(nil, ofp.V13, 1, m)
	if err != nil {
		t.Fatal(err)
	}
	_, msg, err := ofp.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	got := msg.(*ofp.FlowMod)
	back := fromFlowStats(&ofp.FlowStats{Match: got.Match, Instructions: got.Instructions})
	if d := cmp.Diff(f, back, protocmp.Transform(), protocmp.IgnoreFields(f, "table", "priority")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := ofp.Append(nil, ofp.V10, 1, m); err == nil {
		t.Error("OpenFlow 1.0 can say it")
	}
}
