package ofp_test

import (
	"bytes"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestForeignBytesComeBack: what others built decodes, encodes again to the same
// bytes, and leaves nothing raw.
func TestForeignBytesComeBack(t *testing.T) {
	frames := foreignFrames(t)
	if len(frames) < 700 {
		t.Fatalf("%d messages of others, want the corpus and what ovs-ofctl sent", len(frames))
	}
	for _, f := range frames {
		h, m, err := ofp.Decode(f.frame)
		if err != nil {
			t.Errorf("%s: %v\n%x", f.source, err, f.frame)
			continue
		}
		if _, raw := m.(*ofp.Raw); raw {
			t.Errorf("%s: kept raw: %x", f.source, f.frame)
		}
		again, err := ofp.Append(nil, h.Version, h.XID, m)
		if err != nil || !bytes.Equal(again, f.frame) {
			t.Errorf("%s: encoded again: %v\n got %x\nwant %x", f.source, err, again, f.frame)
		}
	}
}
