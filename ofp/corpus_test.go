package ofp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// recorded is one line of the corpus: a message that Open vSwitch 3.1 and its
// tools exchanged, and what Open vSwitch's own printer says it means.
type recorded struct {
	Version   string
	Direction string
	Type      string
	Hex       string
	OVS       string
}

func (r recorded) frame(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(r.Hex)
	if err != nil {
		t.Fatalf("corpus: %v", err)
	}
	return b
}

func corpus(t testing.TB) []recorded {
	t.Helper()
	var rs []recorded
	for _, name := range []string{"ovs-recorded.jsonl", "ovs-extensions.jsonl"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var r recorded
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			rs = append(rs, r)
		}
	}
	if len(rs) < 500 {
		t.Fatalf("corpus has %d messages, want at least 500", len(rs))
	}
	return rs
}

func TestCorpusEncodesAgainToTheSameBytes(t *testing.T) {
	for _, r := range corpus(t) {
		frame := r.frame(t)
		h, m, err := Decode(frame)
		if err != nil {
			t.Errorf("%s %s: %v\n%s", r.Version, r.Type, err, r.OVS)
			continue
		}
		if h.Version.String() != r.Version {
			t.Errorf("%s %s: decoded as version %s", r.Version, r.Type, h.Version)
		}
		again, err := Append(nil, h.Version, h.XID, m)
		if err != nil {
			t.Errorf("%s %s: encode: %v\n%s", r.Version, r.Type, err, r.OVS)
			continue
		}
		if !bytes.Equal(again, frame) {
			t.Errorf("%s %s: encoded again differs\n got %x\nwant %x\n%s", r.Version, r.Type, again, frame, r.OVS)
		}
	}
}
