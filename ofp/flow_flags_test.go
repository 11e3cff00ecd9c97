package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestFlagsWithoutAName checks that bits which a version has no name for are kept,
// written again in that version, and refused where they would mean something.
func TestFlagsWithoutAName(t *testing.T) {
	for _, tc := range []struct {
		v       Version
		at      int // of the flags
		bits    uint16
		flags   FlowFlags
		refused []Version
	}{
		{V10, 70, 1 << 2, FlowEmergency, []Version{V11, V12, V13}},
		{V10, 70, 1<<15 | 1, 1<<31 | FlowSendFlowRem, nil},
		{V10, 70, 1 << 4, 1 << 20, []Version{V13}},
		{V11, 44, 1 << 2, 1 << 18, []Version{V10, V12, V13}},
		{V12, 44, 1<<3 | 1<<2, 1<<19 | FlowResetCounts, []Version{V10, V11, V13}},
		{V13, 44, 1<<5 | 1<<4, 1<<21 | FlowNoByteCounts, []Version{V10, V11, V12}},
	} {
		frame := encoded(t, tc.v, 1, NewFlowMod(FlowAdd))
		binary.BigEndian.PutUint16(frame[tc.at:], tc.bits)
		m := new(FlowMod)
		if err := DecodeInto(frame, m); err != nil {
			t.Errorf("%s 0x%x: %v", tc.v, tc.bits, err)
			continue
		}
		if m.Flags != tc.flags {
			t.Errorf("%s 0x%x: flags 0x%x, want 0x%x", tc.v, tc.bits, m.Flags, tc.flags)
		}
		if got := encoded(t, tc.v, 1, m); !bytes.Equal(got, frame) {
			t.Errorf("%s 0x%x: encoded again differs\n got %x\nwant %x", tc.v, tc.bits, got, frame)
		}
		for _, v := range tc.refused {
			if _, err := Append(nil, v, 1, m); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "flag") {
				t.Errorf("%s 0x%x in %s: %v, want an error that the version lacks the flag", tc.v, tc.bits, v, err)
			}
		}
	}
}
