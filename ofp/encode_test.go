package ofp

import (
	"reflect"
	"strings"
	"testing"
)

// TestEncodingLeavesWhatItCannotSay encodes what the wire form holds in other
// words. The struct is the caller's and stays as it is.
func TestEncodingLeavesWhatItCannotSay(t *testing.T) {
	for _, e := range []struct{ got, want Extension }{
		{&SetTunnel{ID: 1 << 40}, &SetTunnel{ID: 1 << 40}}, // is written in the wide form
		{&CheckPktLarger{Dst: Subfield{Field: FieldReg0, Bits: 3}}, &CheckPktLarger{Dst: Subfield{Field: FieldReg0, Bits: 3}}},
	} {
		if _, err := Append(nil, V10, 1, &PacketOut{Actions: []Action{Extend(e.got)}}); err != nil {
			t.Error(err)
		}
		if !reflect.DeepEqual(e.got, e.want) {
			t.Errorf("encoding made %+v of %+v", e.got, e.want)
		}
	}
}

// TestPacketsThatNobodyReadsAreNotWritten encodes packets that the decoder
// refuses.
func TestPacketsThatNobodyReadsAreNotWritten(t *testing.T) {
	twice := NewNXPacket([]byte{1})
	twice.Order = []uint16{propPacket, propTable, propTable}
	for want, p := range map[string]NXPacket{
		"packet: malformed: none":                  NewNXPacket(nil),
		"property: malformed: type 3 stands twice": twice,
	} {
		for _, m := range []Message{&NXPacketIn2{p}, &NXResume{p}} {
			if frame, err := Append(nil, V13, 1, m); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: %x, %v; want an error %q", m.Type(), frame, err, want)
			}
		}
	}
}
