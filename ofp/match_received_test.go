package ofp

import (
	"bytes"
	"errors"
	"testing"
)

// TestFieldsOfLaterVersions checks that a 1.2 message with fields that only 1.3
// has is understood and encodes to the same bytes, and that who writes such a
// field anew is told that 1.2 lacks it.
func TestFieldsOfLaterVersions(t *testing.T) {
	var match Match
	match.SetUint(FieldInPort, 1)
	match.SetUint(FieldIPv6ExtHdr, 7)
	mod := NewFlowMod(FlowAdd)
	mod.Match = match.Clone()
	mod.Instructions = []Instruction{Apply(SetField(FieldIPv6ExtHdr, []byte{0, 9}), Output(1))}
	for _, m := range []Message{
		mod,
		&MultipartReply{Body: &FlowStatsReply{Flows: []FlowStats{{Match: match, Instructions: mod.Instructions}}}},
		&FlowRemoved{Match: match},
	} {
		if _, err := Append(nil, V12, 1, m); !errors.Is(err, ErrVersion) {
			t.Errorf("%s for 1.2: %v, want an error of the version", m.Type(), err)
		}
		frame := encoded(t, V13, 1, m)
		frame[0] = byte(V12)
		_, got, err := Decode(frame)
		if err != nil {
			t.Errorf("%s: %v", m.Type(), err)
			continue
		}
		if again, err := Append(nil, V12, 1, got); err != nil || !bytes.Equal(again, frame) {
			t.Errorf("%s: encoded again: %v\n got %x\nwant %x", m.Type(), err, again, frame)
		}
		if f, ok := got.(*FlowMod); ok {
			if v, _, ok := f.Match.Uint(FieldIPv6ExtHdr); !ok || v != 7 {
				t.Errorf("ipv6_exthdr is %d, %v", v, ok)
			}
			f.Match.SetUint(FieldInPort, 2)
			if _, err := Append(nil, V12, 1, f); !errors.Is(err, ErrVersion) {
				t.Errorf("changed match for 1.2: %v, want an error of the version", err)
			}
		}
	}
}

// TestNXMFieldsAreUnderstood checks that the numbers which Open vSwitch uses in
// its 1.1 flow statistics are fields like others.
func TestNXMFieldsAreUnderstood(t *testing.T) {
	found := 0
	for _, r := range corpus(t) {
		if r.Version != "1.1" || r.Type != "stats_reply-flow" {
			continue
		}
		_, m, err := Decode(r.frame(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.(*MultipartReply).Body.(*FlowStatsReply).Flows {
			for x := range f.Match.All() {
				if x.ID == FieldUnknown {
					t.Errorf("unknown field 0x%08x in %s", x.Header, f.Match.String())
				}
			}
			if !f.Match.Has(FieldTCPDst) {
				continue
			}
			found++
			// What was understood can be written to a 1.1 switch as its own
			// fixed match, and means the same there.
			mod := NewFlowMod(FlowAdd)
			for x := range f.Match.All() {
				if err := mod.Match.SetMasked(x.ID, x.Value, x.Mask); err != nil {
					t.Error(err)
				}
			}
			back := new(FlowMod)
			if err := DecodeInto(encoded(t, V11, 1, mod), back); err != nil {
				t.Fatal(err)
			}
			if !back.Match.Equal(&f.Match) {
				t.Errorf("written and read again: %s, want %s", back.Match.String(), f.Match.String())
			}
		}
	}
	if found == 0 {
		t.Error("the corpus has no 1.1 flow with tcp_dst")
	}
}

// TestStandardMatchInLaterVersions checks that the match of 1.1 is understood in
// 1.2 and 1.3, as Open vSwitch understands it, comes back as it was there, and
// is OXM in every other message.
func TestStandardMatchInLaterVersions(t *testing.T) {
	mod := NewFlowMod(FlowAdd)
	mod.Match.SetUint(FieldInPort, 10)
	mod.Match.SetUint(FieldEthType, 0x800)
	mod.Match.SetUint(FieldIPProto, 6)
	mod.Match.SetUint(FieldTCPDst, 80)
	mod.Instructions = []Instruction{GotoTable(1)}
	for _, v := range []Version{V12, V13} {
		frame := encoded(t, V11, 1, mod)
		frame[0] = byte(v)
		got := new(FlowMod)
		if err := DecodeInto(frame, got); err != nil {
			t.Fatal(err)
		}
		if !got.Match.Equal(&mod.Match) {
			t.Errorf("%s: %s, want %s", v, got.Match.String(), mod.Match.String())
		}
		if again := encoded(t, v, 1, got); !bytes.Equal(again, frame) {
			t.Errorf("%s: encoded again differs\n got %x\nwant %x", v, again, frame)
		}
		for _, other := range []Version{V11, V12, V13} {
			if other != v && !bytes.Equal(encoded(t, other, 1, got), encoded(t, other, 1, mod)) {
				t.Errorf("%s, written as %s, differs from one that was made", v, other)
			}
		}
		clone := got.Match.Clone()
		clone.SetUint(FieldTCPDst, 81)
		if got.Match = clone; bytes.Equal(encoded(t, v, 1, got), frame) {
			t.Errorf("%s: a match that was changed is written as it came", v)
		}
		if err := DecodeInto(append(frame[:46:46], 0), got); err == nil {
			t.Errorf("%s: a frame cut short is read", v)
		}
	}
}
