package api

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
	"github.com/sluice-sdn/sluice/test/samples"
)

// chosenActions are valid arguments of rows that seldom draw any.
var chosenActions = map[uint16]string{
	6:  "move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG3[16..31]",
	12: "bundle(eth_src,5,hrw,ofport,members:1,2)", 13: "bundle_load(eth_src,5,hrw,ofport,NXM_NX_REG0[0..15],members:1,2)",
	27: "push:NXM_NX_REG1[0..7]", 28: "pop:NXM_NX_REG1[0..7]", 46: "encap(nsh(md_type=1))", 47: "decap()", 49: "check_pkt_larger(1000)->NXM_NX_REG0[3]",
	35: "ct(commit,zone=5,table=3)", 36: "ct(commit,nat(src=10.0.0.1-10.0.0.9:80))", 3200: "move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG3[16..31]",
}

// extensionFlow returns a flow that Open vSwitch takes with an action of an
// experimenter; nil where the version has none.
func extensionFlow(t *testing.T, v ofp.Version, row ofp.Action) *ofp.FlowMod {
	t.Helper()
	switch row.Ext.(type) {
	case *ofp.Encap, *ofp.Decap:
		if v < ofp.V13 {
			return nil
		}
	}
	if row.Subtype == 3200 && v < ofp.V13 { // the ONF's, for 1.3
		return nil
	}
	if text := chosenActions[row.Subtype]; text != "" {
		f, err := ofp.ParseFlow("tcp,actions="+text, ofp.FlowAdd, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.Instructions[0].Actions[0].Subtype = row.Subtype
		return f
	}
	if row.Type == ofp.ActionPushMPLS {
		row.Arg = 0x8847
	}
	f := ofp.NewFlowMod(ofp.FlowAdd)
	var err error
	if f.Match, err = ofp.ParseMatch("tcp", nil); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		frame := samples.Extension(samples.FromSeed(seed), v, row)
		if frame == nil {
			return nil
		}
		_, m, decodeErr := ofp.Decode(frame)
		if decodeErr != nil {
			t.Fatal(decodeErr)
		}
		f.Instructions = []ofp.Instruction{ofp.Apply(m.(*ofp.PacketOut).Actions...)}
		if err = f.ValidateFor(ofp.V10); err == nil {
			return f
		}
	}
	t.Errorf("no flow with experimenter's action %d is valid: %v", row.Subtype, err)
	return nil
}

// TestExtensionsThereAndBack: flows with the actions of experimenters are listed
// with all that they hold, as a structure and as text, and both can be written.
func TestExtensionsThereAndBack(t *testing.T) {
	eachVersion(t, func(t *testing.T, v ofp.Version) {
		r := newRig(t, Config{})
		r.bridge(v)
		list := func() *sluicev1.FlowEntry {
			t.Helper()
			fs := r.list(&sluicev1.ListFlowsRequest{})
			if len(fs) != 1 {
				t.Fatalf("%d flows, want one", len(fs))
			}
			fs[0].DurationSeconds = 0
			return fs[0]
		}
		count := 0
		for _, row := range ofp.NewExtensions() {
			f := extensionFlow(t, v, row)
			if f == nil {
				continue
			}
			count++
			given := &sluicev1.Flow{Match: fromMatch(&f.Match), Actions: fromActions(f.Instructions[0].Actions)}
			again := func(spec *sluicev1.FlowSpec) *sluicev1.FlowEntry {
				t.Helper()
				r.mustWrite([]*sluicev1.FlowChange{{Change: &sluicev1.FlowChange_Delete{}}})
				if err := r.write(add(spec)); err != nil {
					t.Fatalf("%d, %s: %v", row.Subtype, f, err)
				}
				return list()
			}
			if row.Type == ofp.ActionGroup {
				// The switch of 1.0 can have no group: only what is said of it is compared.
				as, err := toActions(given.GetActions(), nil)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := ofp.Append(nil, v, 1, f)
				f.Instructions[0].Actions = as
				if got, err := ofp.Append(nil, v, 1, f); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s is written as %x, want %x; %v", f, got, want, err)
				}
				continue
			}
			first := again(structured(given))
			if d := cmp.Diff(given.GetActions(), first.GetFlow().GetActions(), protocmp.Transform()); d != "" {
				t.Errorf("%s (-written +listed):\n%s", f, d)
			}
			if d := cmp.Diff(first, again(structured(first.GetFlow())), protocmp.Transform()); d != "" {
				t.Errorf("%s, its structure written (-before +after):\n%s", f, d)
			}
			if err := r.write(add(text(first.GetText()))); (row.Type != ofp.ActionExperimenter || row.Subtype == 22) && v < ofp.V12 && err != nil {
				// Text means OpenFlow's own action or instruction, which this version lacks.
				wantStatus(t, f.String(), err, codes.FailedPrecondition, "not in OpenFlow "+v.String())
				continue
			}
			second := again(text(first.GetText()))
			if _, tunnel := row.Ext.(*ofp.SetTunnel); tunnel && v >= ofp.V12 {
				continue // the text becomes a set_field, as with ovs-ofctl; that 1.2 can say it only so is Open vSwitch's own
			}
			if d := cmp.Diff(first.GetText(), again(text(second.GetText())).GetText()); d != "" {
				t.Errorf("%s, its text written (-before +after):\n%s", f, d)
			}
		}
		t.Logf("%d of %d rows", count, len(ofp.NewExtensions()))
		if count < 36 {
			t.Errorf("only %d rows were written", count)
		}
	})
}
