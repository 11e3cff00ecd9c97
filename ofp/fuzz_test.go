package ofp

import (
	"bytes"
	"testing"
)

// The fuzz targets give arbitrary bytes to the decoder as messages of one
// version each, seeded with the corpus. What decodes must encode, and decode
// from that into the same.

func FuzzDecode10(f *testing.F) { fuzzDecode(f, V10) }
func FuzzDecode11(f *testing.F) { fuzzDecode(f, V11) }
func FuzzDecode12(f *testing.F) { fuzzDecode(f, V12) }
func FuzzDecode13(f *testing.F) { fuzzDecode(f, V13) }

func fuzzDecode(f *testing.F, v Version) {
	for _, r := range corpus(f) {
		if frame := r.frame(f); Version(frame[0]) == v && len(frame) < 2048 {
			f.Add(frame)
		}
	}
	for _, frame := range compoundFrames(f, v) {
		f.Add(frame)
	}
	var reused [numTypes]Message
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < HeaderLen || len(data) > MaxMessageLen {
			return
		}
		frame := withLength(data)
		frame[0] = byte(v)
		checkFrame(t, frame)

		// The same into a struct that held other messages before.
		h, m, err := Decode(frame)
		if err != nil {
			return
		}
		if _, raw := m.(*Raw); raw {
			return
		}
		typ := m.Type() // of experimenters, too
		if reused[typ] == nil {
			reused[typ] = New(typ)
		}
		if err := DecodeInto(frame, reused[typ]); err != nil {
			t.Fatalf("decodes into a new struct, but not into a used one: %v\n%x", err, frame)
		}
		fresh, err1 := Append(nil, v, h.XID, m)
		again, err2 := Append(nil, v, h.XID, reused[typ])
		if (err1 == nil) != (err2 == nil) || !bytes.Equal(fresh, again) {
			t.Fatalf("a used struct holds something else\nframe %x\nfresh %x\nused  %x\n%v, %v", frame, fresh, again, err1, err2)
		}
	})
}
