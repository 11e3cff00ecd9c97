package ofp

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestFrameMatchIsTheSameEitherWay compares the quick way of writing a match for
// 1.0 with the one for all matches.
func TestFrameMatchIsTheSameEitherWay(t *testing.T) {
	for id, header := range map[FieldID]uint32{FieldInPort: oxmInPort, FieldEthDst: oxmEthDst,
		FieldEthSrc: oxmEthSrc, FieldEthType: oxmEthType, FieldVLANVID: oxmVLANVID} {
		if want := id.Info().Header(false); header != want {
			t.Errorf("header of %s is 0x%08x, want 0x%08x", id, header, want)
		}
	}
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		var m Match
		set := func(id FieldID, values ...uint64) {
			if rapid.Bool().Draw(t, id.String()) {
				m.SetUint(id, rapid.SampledFrom(values).Draw(t, "value"))
			}
		}
		set(FieldInPort, 0, 1, 0xfeff, 0xff00, 0xffffff00, uint64(PortLocal), uint64(PortAny))
		set(FieldEthDst, 0, 0x020000000001, 1<<48-1)
		set(FieldEthSrc, 0, 0x020000000002, 1<<48-1)
		set(FieldEthType, 0, ethIPv4, ethARP, 0xffff)
		set(FieldVLANVID, 0, 1, VLANPresent, VLANPresent|5, VLANPresent|0xfff)
		set(FieldVLANPCP, 0, 7)
		if rapid.Bool().Draw(t, "mask") {
			m.SetUintMasked(FieldEthDst, 1<<40, 1<<40)
		}
		a := cursor{wr: true, v: V10, msg: "flow_mod"}
		quickly, ok := m.frame10()
		if ok {
			quickly.put(a.space(fixedMatchLen10))
		}
		b := cursor{wr: true, v: V10, msg: "flow_mod"}
		var f fixedMatch
		f.fromOXM(&b, &m)
		f.walk(&b)
		switch {
		case ok && (b.err != nil || !bytes.Equal(a.buf, b.buf)):
			t.Fatalf("%s:\n got %x\nwant %x, %v", m.String(), a.buf, b.buf, b.err)
		case ok:
			quick++
		}
	})
	if quick == 0 {
		t.Error("no match was written the quick way")
	}
}
