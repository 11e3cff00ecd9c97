package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestMaskWiderThanItsField is an error, and not cut to the field.
func TestMaskWiderThanItsField(t *testing.T) {
	_, err := toMatch(&sluicev1.Match{VlanVid: ptr(uint32(4096)), VlanVidMask: ptr(uint32(0x3000))})
	if err == nil {
		t.Fatal("no error")
	}
	wantTexts(t, "error", err.Error(), "vlan_vid", "mask 0x3000", "13 bits")
	if _, err := toMatch(&sluicev1.Match{VlanVid: ptr(uint32(4096)), VlanVidMask: ptr(uint32(0x1000))}); err != nil {
		t.Error(err)
	}
}

// TestRawFieldHasItsMask: a field that only a raw one can say is kept whole.
func TestRawFieldHasItsMask(t *testing.T) {
	m, err := ofp.ParseMatch("tcp,tp_dst=0x50/0xfff0", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := fromMatch(&m)
	want := &sluicev1.Match{EthType: ptr(uint32(0x800)), IpProto: ptr(uint32(6)), Other: []*sluicev1.RawMatchField{
		{Header: ofp.FieldTCPDst.Info().Header(true), Payload: []byte{0, 0x50, 0xff, 0xf0}},
	}}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	back, err := toMatch(got)
	if err != nil || !back.Equal(&m) {
		t.Errorf("came back as %s, %v", &back, err)
	}
}
