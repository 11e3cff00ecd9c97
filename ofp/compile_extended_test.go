package ofp

import (
	"errors"
	"testing"
)

// What Open vSwitch does not know is not said with its extensions either, and
// what it takes by the number of a later version is.
func TestExtensionsSayWhatOpenVSwitchKnows(t *testing.T) {
	pbb := NewFlowMod(FlowAdd)
	pbb.Match.SetUint(FieldEthType, ethPBB)
	pbb.Match.SetUint(FieldPBBISID, 5)
	exthdr := NewFlowMod(FlowAdd)
	exthdr.Match.SetUint(FieldEthType, ethIPv6)
	exthdr.Match.SetUint(FieldIPv6ExtHdr, 1)
	bos := NewFlowMod(FlowAdd)
	bos.Match.SetUint(FieldEthType, ethMPLS)
	bos.Match.SetUint(FieldMPLSBOS, 1)
	tcp6, err := ParseFlow("tcp6,tp_dst=80,actions=drop", FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		v             Version
		m             *FlowMod
		with, without bool
	}{
		{V10, pbb, false, false}, {V12, pbb, false, false}, {V13, pbb, true, true},
		{V10, exthdr, false, false}, {V12, exthdr, false, false}, {V13, exthdr, true, true},
		{V10, bos, true, false}, {V12, bos, true, false}, {V13, bos, true, true},
		{V10, tcp6, true, false}, {V11, tcp6, false, false}, {V12, tcp6, true, true},
	} {
		for _, extended := range []bool{false, true} {
			want := test.without
			if extended {
				want = test.with
			}
			e := Encoder{Extensions: extended}
			switch _, err := e.Append(nil, test.v, 1, test.m); {
			case want && err != nil:
				t.Errorf("%s, extensions %v: %s: %v", test.v, extended, test.m, err)
			case !want && !errors.Is(err, ErrVersion):
				t.Errorf("%s, extensions %v: %s: error %v, want ErrVersion", test.v, extended, test.m, err)
			}
		}
	}
}

// A delete of 1.0 that names no table is one of all tables in later versions.
func TestDeleteOf10IsOfAllTables(t *testing.T) {
	for _, command := range []FlowCommand{FlowDelete, FlowDeleteStrict} {
		m, err := ParseFlow("in_port=1", command, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, back, err := Decode(encoded(t, V10, 1, m))
		if err != nil {
			t.Fatal(err)
		}
		if got := back.(*FlowMod); got.Table != TableAll || got.String() != "in_port=1" && command == FlowDelete {
			t.Errorf("%d: table %d, %q", command, got.Table, got)
		}
		m.Table, m.NXTable = 3, true
		if _, back, err = Decode(encoded(t, V10, 1, m)); err != nil || back.(*FlowMod).Table != 3 {
			t.Errorf("%d: %v, %v; want table 3", command, back, err)
		}
	}
	add, err := ParseFlow("in_port=1,actions=drop", FlowAdd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, back, err := Decode(encoded(t, V10, 1, add)); err != nil || back.(*FlowMod).Table != 0 {
		t.Errorf("add: %v, %v; want table 0", back, err)
	}
}
