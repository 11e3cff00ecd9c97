package ofp

import (
	"errors"
	"testing"
)

// TestActionValid has the greatest argument of each action that takes a number,
// and the one after it.
func TestActionValid(t *testing.T) {
	for typ, most := range map[ActionType]uint32{
		ActionSetVLANVID: 4095, ActionSetVLANPCP: 7, ActionSetIPToS: 252, ActionSetIPECN: 3, ActionSetTPSrc: 65535, ActionSetTPDst: 65535,
		ActionSetMPLSLabel: 1<<20 - 1, ActionSetMPLSTC: 7, ActionSetMPLSTTL: 255, ActionPopMPLS: 65535, ActionSetNWTTL: 255,
		ActionPushVLAN: 0x88a8, ActionPushMPLS: 0x8848, ActionPushPBB: 0x88e7, ActionOutput: 0xffffff00, ActionEnqueue: 0xffffff00,
	} {
		if err := (&Action{Type: typ, Arg: most}).Validate(); err != nil {
			t.Errorf("%s of %d: %v", typ, most, err)
		}
		if err := (&Action{Type: typ, Arg: most + 1}).Validate(); err == nil {
			t.Errorf("%s of %d is valid", typ, most+1)
		}
	}
	for _, a := range []Action{Output(PortAny), Output(65531), {Type: ActionSetEthSrc}, {Type: numActions},
		SetField(FieldVLANVID, []byte{0, 5}), SetField(FieldIPDSCP, []byte{64}), SetField(FieldEthSrc, []byte{1}),
		{Type: ActionSetField, Arg: FieldIPv4Src.Info().oxm, Value: make([]byte, 8)}} {
		if err := a.Validate(); err == nil {
			t.Errorf("%+v is valid", a)
		}
	}
	for _, a := range []Action{Output(PortFlood), Output(0xfff7), Output(0x10000), Group(0xffffffff), SetField(FieldVLANVID, []byte{0x10, 5}),
		{Type: ActionExperimenter}, {Type: ActionSetIPv4Src, Arg: 0xffffffff}} {
		if err := a.Validate(); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// TestToSLosesNothing: the bits of set_nw_tos for which ip_dscp has no room are an
// error rather than lost.
func TestToSLosesNothing(t *testing.T) {
	m := NewFlowMod(FlowAdd)
	for _, v := range []Version{V12, V13} {
		m.Instructions = []Instruction{Apply(Action{Type: ActionSetIPToS, Arg: 13})}
		_, err := Append(nil, v, 1, m)
		if ee := (*EncodeError)(nil); !errors.As(err, &ee) || errors.Is(err, ErrVersion) {
			t.Errorf("%s: 13 gave %v", v, err)
		}
		m.Instructions = []Instruction{Apply(Action{Type: ActionSetIPToS, Arg: 12})}
		if _, err := Append(nil, v, 1, m); err != nil {
			t.Errorf("%s: 12: %v", v, err)
		}
	}
}
