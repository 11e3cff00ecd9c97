package ofp

import (
	"reflect"
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
