package ofp

import (
	"bytes"
	"strings"
	"testing"
)

// TestForeignActionsAreReadBack prints actions that are not modelled, and reads
// the text: the bytes are those that came.
func TestForeignActionsAreReadBack(t *testing.T) {
	for _, wire := range []string{
		"ffff001000001234 0102030405060708", // of somebody
		"ffff000800001234",
		"ffff001000002320 7fff000000000000",                  // of Nicira, of no subtype that there is
		"ffff001800002320 0006000000000000 0000000000000000", // a move that is malformed in its fields
		"00630010 000000010203040506070809",
		"00630008 01020304",
	} {
		frame := unhex(t, strings.ReplaceAll(wire, " ", ""))
		var a Action
		c := cursor{buf: frame, end: len(frame), v: V13, msg: "action"}
		if readAction(&c, &a); c.err != nil {
			t.Logf("%s: %v", wire, c.err)
			continue
		}
		text := string(appendActions(nil, []Action{a}, V13, nil))
		m, err := ParseFlow("actions="+text, FlowAdd, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		w := cursor{wr: true, v: V13}
		if got := encodeActions(&w, nil, m.Instructions[0].Actions); w.err != nil || !bytes.Equal(got, frame) {
			t.Errorf("%s: %x, %v; want %x", text, got, w.err, frame)
		}
	}
	for _, text := range []string{"experimenter", "experimenter(1,0)", "experimenter(1,01)", "unknown(0x10000,01020304)", "unknown(1)", "experimenter(0x2320,0001)",
		"experimenter(0x2320,0006000000000000)"} {
		if m, err := ParseFlow("actions="+text, FlowAdd, nil); err == nil {
			t.Errorf("%s: %+v, want an error", text, m.Instructions)
		}
	}
}
