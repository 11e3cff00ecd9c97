package samples

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// forEach runs check with generated messages of every kind and version.
func forEach(t *testing.T, check func(t *rapid.T, v ofp.Version, m ofp.Message, frame []byte)) {
	for _, v := range ofp.Versions() {
		kinds := Kinds(v)
		t.Run(v.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				k := rapid.SampledFrom(kinds).Draw(t, "kind")
				for range 8 { // beside the hundred times of rapid
					m := Message(FromRapid(t), v, k)
					frame, err := ofp.Append(nil, v, 7, m)
					if err != nil {
						t.Fatalf("%s: %v", k, err)
					}
					check(t, v, m, frame)
				}
			})
		})
	}
}

func TestEncodedIsDecodedToTheSame(t *testing.T) {
	forEach(t, func(t *rapid.T, v ofp.Version, m ofp.Message, frame []byte) {
		h, back, err := ofp.Decode(frame)
		if err != nil {
			t.Fatalf("%v\n%x", err, frame)
		}
		if h.Version != v || h.XID != 7 || Dump(back) != Dump(m) {
			t.Fatalf("wrote %s\n read %s", Dump(m), Dump(back))
		}
		again, err := ofp.Append(nil, v, 7, back)
		if err != nil || !bytes.Equal(again, frame) {
			t.Fatalf("encoded again: %v\n got %x\nwant %x", err, again, frame)
		}
	})
}

// TestUsedStructsHoldNothingOld decodes each message into a struct that held
// other messages of its type, of any version.
func TestUsedStructsHoldNothingOld(t *testing.T) {
	used := map[ofp.Type]ofp.Message{}
	forEach(t, func(t *rapid.T, v ofp.Version, m ofp.Message, frame []byte) {
		typ := m.Type()
		if used[typ] == nil {
			used[typ] = ofp.New(typ)
		}
		if err := ofp.DecodeInto(frame, used[typ]); err != nil {
			t.Fatalf("%v\n%x", err, frame)
		}
		if got := Dump(used[typ]); got != Dump(m) {
			t.Fatalf("a used struct holds\n     %s\nwant %s", got, Dump(m))
		}
		again, err := ofp.Append(nil, v, 7, used[typ])
		if err != nil || !bytes.Equal(again, frame) {
			t.Fatalf("encoded again: %v\n got %x\nwant %x", err, again, frame)
		}
	})
}

func TestClonesShareNothing(t *testing.T) {
	forEach(t, func(t *rapid.T, v ofp.Version, m ofp.Message, frame []byte) {
		theirs := bytes.Clone(frame)
		_, back, err := ofp.Decode(theirs)
		if err != nil {
			t.Fatal(err)
		}
		clone := ofp.Clone(back)
		for i := range theirs[ofp.HeaderLen:] {
			theirs[ofp.HeaderLen+i] ^= 0xff
		}
		_ = ofp.DecodeInto(theirs, back) // whatever it makes of that
		if got := Dump(clone); got != Dump(m) {
			t.Fatalf("the clone became\n     %s\nwant %s", got, Dump(m))
		}
		if again, err := ofp.Append(nil, v, 7, clone); err != nil || !bytes.Equal(again, frame) {
			t.Fatalf("the clone is encoded as: %v\n got %x\nwant %x", err, again, frame)
		}
	})
}

// TestCutShort cuts messages at every byte. As they stand that is an error; with
// a header that says so it is an error, or a shorter message of the same kind.
func TestCutShort(t *testing.T) {
	forEach(t, func(t *rapid.T, v ofp.Version, m ofp.Message, frame []byte) {
		for n := range frame {
			_, _, err := ofp.Decode(frame[:n:n])
			if err == nil {
				t.Fatalf("%d of %d bytes decode: %x", n, len(frame), frame)
			}
			mustName(t, frame[:n], err)
			if n < ofp.HeaderLen {
				continue
			}
			short := bytes.Clone(frame[:n])
			binary.BigEndian.PutUint16(short[2:], uint16(n))
			h, got, err := ofp.Decode(short)
			if err != nil {
				mustName(t, short, err)
				continue
			}
			again, err := ofp.Append(nil, v, h.XID, got)
			if err != nil {
				t.Fatalf("%d of %d bytes decode, but do not encode: %v\n%x", n, len(frame), err, short)
			}
			_, second, err := ofp.Decode(again)
			if err != nil || Dump(second) != Dump(got) {
				t.Fatalf("%x decodes as %s\nand again as %s, %v", short, Dump(got), Dump(second), err)
			}
		}
	})
}

func mustName(t *rapid.T, frame []byte, err error) {
	var de *ofp.DecodeError
	if !errors.As(err, &de) || de.Message == "" || de.Field == "" || de.Offset < 0 || de.Offset > len(frame) {
		t.Fatalf("error without its place: %v\n%x", err, frame)
	}
}

func TestPrintsSomething(t *testing.T) {
	forEach(t, func(t *rapid.T, v ofp.Version, m ofp.Message, frame []byte) {
		text := ofp.Print(frame)
		_, quotes := m.(*ofp.Error) // a message, which need not be one
		if !strings.Contains(text, "xid=0x7") || !quotes && strings.Contains(text, "***decode error") {
			t.Fatalf("%s\nprints as %q\n%x", Dump(m), text, frame)
		}
	})
}

func TestFlowsAreReadFromTheirText(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := Message(FromRapid(t), v, Kind{Type: ofp.TypeFlowMod}).(*ofp.FlowMod)
				if m.Command == ofp.FlowAdd {
					m.CookieMask = 0 // an add has no use for it, and text no place
				}
				for f := range m.Match.All() {
					if info := f.ID.Info(); info.Bits > 64 && info.Format == ofp.FormatHex {
						return // text has no form of these yet
					}
				}
				text := strings.ReplaceAll(m.String(), "dec_ttl()", "dec_ttl") // no controllers are the one of dec_ttl
				again, err := ofp.ParseFlow(text, m.Command, nil)
				if err != nil {
					return // not every flow has a text, such as one with raw actions
				}
				// The text of an action may have another for the same, such as that
				// of set_field; the second time nothing changes.
				text = again.String()
				again, err = ofp.ParseFlow(text, m.Command, nil)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				if got := again.String(); got != text {
					t.Fatalf("%s\nis read as\n%s", text, got)
				}
			})
		})
	}
}
