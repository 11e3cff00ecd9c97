package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// wholly compares messages down to what encodes them again.
var wholly = cmp.Options{
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() != reflect.TypeFor[[]byte]() }, cmpopts.EquateEmpty()),
	cmp.AllowUnexported(Subfield{}),
	cmp.Comparer(bytes.Equal), // byte by byte takes seconds for the bodies of table features
	cmp.Comparer(func(a, b Match) bool {
		return bytes.Equal(a.oxm, b.oxm) && bytes.Equal(a.received, b.received) && a.oxm11 == b.oxm11 &&
			(len(a.received) == 0 || a.receivedVersion == b.receivedVersion)
	}),
}

// checkFrame decodes frame. If that succeeds, what was decoded must encode, and
// decode from that into the same again, and encode to the same bytes from then
// on.
func checkFrame(t testing.TB, frame []byte) {
	t.Helper()
	given := bytes.Clone(frame)
	h, m, err := Decode(frame)
	if !bytes.Equal(given, frame) {
		t.Fatalf("decoding wrote into the frame %x", given)
	}
	if err != nil {
		checkDecodeError(t, frame, err)
		return
	}
	once, err := Append(nil, h.Version, h.XID, m)
	if err != nil {
		if errors.Is(err, ErrTooLong) && len(frame) > MaxMessageLen-8 {
			return // padding that the frame left out
		}
		t.Fatalf("decodes, but does not encode: %v\n%x", err, frame)
	}
	h2, m2, err := Decode(once)
	if err != nil {
		t.Fatalf("does not decode again: %v\nframe %x\nagain %x", err, frame, once)
	}
	if h2.Version != h.Version || h2.Kind != h.Kind || h2.XID != h.XID {
		t.Fatalf("header %+v became %+v", h, h2)
	}
	if reflect.DeepEqual(m, m2) {
		// The quick way; what differs may still be the same, but for empty slices.
	} else if diff := cmp.Diff(m, m2, wholly); diff != "" {
		t.Fatalf("decodes otherwise after encoding\nframe %x\nagain %x\n-first +second\n%s", frame, once, diff)
	}
	twice, err := Append(nil, h2.Version, h2.XID, m2)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("does not settle: %v\n%x\n%x", err, once, twice)
	}
}

func checkDecodeError(t testing.TB, frame []byte, err error) {
	t.Helper()
	var de *DecodeError
	if !errors.As(err, &de) {
		t.Fatalf("error of type %T: %v", err, err)
	}
	if de.Message == "" || de.Field == "" || de.Offset < 0 || de.Offset > len(frame) {
		t.Fatalf("error without its place: %+v\n%x", de, frame)
	}
	if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
		t.Fatalf("error of no known kind: %v", err)
	}
}

// withLength returns a copy of frame whose header says its length.
func withLength(frame []byte) []byte {
	b := bytes.Clone(frame)
	if len(b) >= 4 {
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	}
	return b
}

func TestTruncatedAtEveryLength(t *testing.T) {
	for _, r := range corpus(t) {
		frame := r.frame(t)
		for n := range frame {
			if n > 512 && n&7 > 1 {
				continue // long bodies repeat themselves
			}
			// As it stands, the header promises more than there is.
			if _, _, err := Decode(frame[:n:n]); err == nil {
				t.Fatalf("%s %s: %d of %d bytes decode", r.Version, r.Type, n, len(frame))
			} else {
				checkDecodeError(t, frame[:n], err)
			}
			checkFrame(t, withLength(frame[:n:n]))
		}
	}
}

func TestEveryByteFlipped(t *testing.T) {
	for _, r := range corpus(t) {
		frame := r.frame(t)
		for i := range min(len(frame), 512) { // beyond, bodies repeat themselves
			for _, x := range []byte{0xff, 0x01, 0x08} {
				b := bytes.Clone(frame)
				b[i] ^= x
				checkFrame(t, b)
			}
		}
	}
}

func TestTrailingBytesAreRefused(t *testing.T) {
	for _, v := range Versions() {
		for _, typ := range []Type{TypeFeaturesRequest, TypeGetConfigRequest, TypeSetConfig, TypeBarrierRequest, TypePortStatus} {
			frame := encoded(t, v, 1, New(typ))
			if _, _, err := Decode(withLength(append(frame, 0))); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s %s with a byte too many: %v", v, typ, err)
			}
		}
	}
}

// TestLengthsThatLie rows are messages whose inner lengths contradict the bytes.
func TestLengthsThatLie(t *testing.T) {
	mod13 := "040e%04x00000001" + strings.Repeat("00", 40)
	tests := []struct {
		name string
		hex  string // %04x is the length
		want error
		text string // in the error
	}{
		{"match longer than the message", fmt.Sprintf(mod13, 56) + "0001ffff00000000", ErrMalformed, "match length"},
		{"match shorter than its head", fmt.Sprintf(mod13, 56) + "0001000300000000", ErrMalformed, "match length"},
		{"match of the old type", fmt.Sprintf(mod13, 56) + "0000000400000000", ErrMalformed, "match type"},
		{"match without its padding", fmt.Sprintf(mod13, 52) + "00010004", ErrTruncated, "match padding"},
		{"match field longer than the match", fmt.Sprintf(mod13, 64) + "0001000c80000008" + "0000000100000000", ErrMalformed, "match field"},
		{"match field head cut", fmt.Sprintf(mod13, 56) + "0001000680000000", ErrTruncated, "match field"},
		{"match field of a wrong size", fmt.Sprintf(mod13, 64) + "0001000a80000002" + "0001000000000000", ErrMalformed, "in_port has 2 bytes, want 4, or 8 with a mask"},
		{"match field twice", fmt.Sprintf(mod13, 72) + "0001001480000004" + "0000000180000004" + "0000000200000000", ErrMalformed, "in_port stands twice"},
		{"instruction of length 0", fmt.Sprintf(mod13, 64) + "0001000400000000" + "0004000000000000", ErrMalformed, "instruction length"},
		{"instruction not of eights", fmt.Sprintf(mod13, 68) + "0001000400000000" + "0004000c0000000000000000", ErrMalformed, "instruction length"},
		{"instruction cut", fmt.Sprintf(mod13, 60) + "0001000400000000" + "00040008", ErrMalformed, "instruction length"},
		{"instruction head cut", fmt.Sprintf(mod13, 58) + "0001000400000000" + "0004", ErrTruncated, "instruction"},
		{"goto_table too long", fmt.Sprintf(mod13, 72) + "0001000400000000" + "00010010010000000000000000000000", ErrMalformed, "instruction goto_table"},
		{"action of length 0", fmt.Sprintf(mod13, 72) + "0001000400000000" + "0004001000000000" + "0012000000000000", ErrMalformed, "action length"},
		{"action beyond its instruction", fmt.Sprintf(mod13, 80) + "0001000400000000" + "0004001000000000" + "0000001000000001" + "0000000000000000", ErrMalformed, "action length"},
		{"action of a wrong size", fmt.Sprintf(mod13, 80) + "0001000400000000" + "0004001800000000" + "00120010000000000000000000000000", ErrMalformed, "action pop_vlan"},
		{"set_field larger than its action", fmt.Sprintf(mod13, 80) + "0001000400000000" + "0004001800000000" + "00190010800008ff0000000000000000", ErrMalformed, "action set_field"},
		{"set_field smaller than its action", fmt.Sprintf(mod13, 80) + "0001000400000000" + "0004001800000000" + "00190010800014010000000000000000", nil, ""},
		{"packet-out actions beyond the message", "040d001800000001" + "ffffffff" + "fffffffd" + "0010" + "000000000000", ErrMalformed, "packet_out actions_len"},
		{"packet-out of 1.0, actions not of eights", "010d001400000001" + "ffffffff" + "ffff" + "0004" + "00000008", ErrTruncated, "action"},
		{"flow shorter than its head", "0413001800000001" + "0001000000000000" + "0010000000000000", ErrMalformed, "flow length"},
		{"flow of length 0", "0413001800000001" + "0001000000000000" + "0000000000000000", ErrMalformed, "flow length"},
		{"flow longer than the message", "0413001800000001" + "0001000000000000" + "ffff000000000000", ErrMalformed, "flow length"},
		{"flow of 1.0 of half its size", "0111003c00000001" + "00010000" + "0030" + strings.Repeat("00", 46), ErrTruncated, "flow"},
		{"match of 1.1 of a wrong length", "020e009000000001" + strings.Repeat("00", 40) + "00000057" + strings.Repeat("00", 84) + "0000000000000000", ErrMalformed, "match type"},
		{"meter instruction before 1.3", "030e004000000001" + strings.Repeat("00", 40) + "0001000400000000" + "0006000800000001", ErrVersion, "instruction meter"},
		{"header length under 8", "0400000700000001", ErrMalformed, "header length"},
		{"header length of another frame", "0400001000000001", ErrMalformed, "header length"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.hex
			frame := unhex(t, s)
			if tt.want == nil {
				_, _, err := Decode(withLength(frame))
				if err == nil {
					return
				}
				tt.want, tt.text = ErrMalformed, "set_field"
			}
			_, _, err := Decode(frame)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %q, want it to name %q", err, tt.text)
			}
			checkDecodeError(t, frame, err)
		})
	}
}

// TestDecodeIntoDirtyMessage decodes every message into a struct that holds
// another one, of every version, and wants what a fresh struct would hold.
func TestDecodeIntoDirtyMessage(t *testing.T) {
	byType := map[Type][][]byte{}
	for _, r := range corpus(t) {
		frame := r.frame(t)
		_, m, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if _, raw := m.(*Raw); !raw {
			byType[m.Type()] = append(byType[m.Type()], frame)
		}
	}
	for _, v := range Versions() { // packet-ins of all versions, and cookies
		m := &PacketIn{BufferID: 1, TotalLen: 2, Reason: 1, Data: []byte{1, 2}}
		if v >= V11 {
			m.Table = 3
		}
		if v >= V13 {
			m.Cookie = 77
		}
		m.Match.SetUint(FieldInPort, 5)
		byType[TypePacketIn] = append(byType[TypePacketIn], encoded(t, v, 1, m))
	}
	fast := Port{No: 1, CurrSpeed: 1, MaxSpeed: 2}
	features := &FeaturesReply{Ports: []Port{fast}}
	byType[TypePortStatus] = append(byType[TypePortStatus], encoded(t, V13, 1, &PortStatus{Port: fast}), encoded(t, V10, 1, &PortStatus{}))
	byType[TypeFeaturesReply] = append(byType[TypeFeaturesReply], encoded(t, V12, 1, features), encoded(t, V13, 1, &FeaturesReply{AuxiliaryID: 3}))
	byType[TypeFlowRemoved] = append(byType[TypeFlowRemoved], encoded(t, V13, 1, &FlowRemoved{Table: 4, HardTimeout: 5}))
	mod := benchFlowModMessage()
	mod.CookieMask, mod.Command, mod.Flags = 7, FlowModify, FlowNoByteCounts
	byType[TypeFlowMod] = append(byType[TypeFlowMod], encoded(t, V13, 1, mod))
	nx := NewFlowMod(FlowAdd)
	nx.Table, nx.NXTable = 9, true
	byType[TypeFlowMod] = append(byType[TypeFlowMod], encoded(t, V10, 1, nx))
	for typ, frames := range byType {
		t.Run(typ.String(), func(t *testing.T) {
			for _, dirt := range frames {
				for _, frame := range frames {
					m := New(typ)
					if err := DecodeInto(dirt, m); err != nil {
						t.Fatal(err)
					}
					if err := DecodeInto(frame, m); err != nil {
						t.Fatal(err)
					}
					_, want, _ := Decode(frame)
					if diff := cmp.Diff(want, m, wholly); diff != "" {
						t.Fatalf("after %x\ndecoding %x\n-fresh +reused\n%s", dirt, frame, diff)
					}
				}
			}
		})
	}
}

func TestCloneSharesNothing(t *testing.T) {
	for _, r := range corpus(t) {
		frame := r.frame(t)
		_, m, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		clone := Clone(m)
		if diff := cmp.Diff(m, clone, wholly); diff != "" {
			t.Fatalf("%s %s: clone differs\n-message +clone\n%s", r.Version, r.Type, diff)
		}
		have := map[uintptr]bool{}
		memory(reflect.ValueOf(m), func(p uintptr) { have[p] = true })
		memory(reflect.ValueOf(clone), func(p uintptr) {
			if have[p] {
				t.Errorf("%s %s: the clone shares memory", r.Version, r.Type)
			}
		})
		_, want, _ := Decode(r.frame(t))
		for i := range frame {
			frame[i] ^= 0xff
		}
		if diff := cmp.Diff(want, clone, wholly); diff != "" {
			t.Fatalf("%s %s: clone changed with the frame\n%s", r.Version, r.Type, diff)
		}
	}
}

// memory calls seen with each address that v leads to, of memory with bytes in
// it; strings are never written to and do not count.
func memory(v reflect.Value, seen func(uintptr)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && v.Type().Elem().Size() > 0 {
			seen(v.Pointer())
			memory(v.Elem(), seen)
		}
	case reflect.Interface:
		if !v.IsNil() {
			memory(v.Elem(), seen)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			seen(v.Pointer())
		}
		for i := range v.Len() {
			memory(v.Index(i), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			memory(v.Field(i), seen)
		}
	}
}

func TestMatchOwnsItsBytes(t *testing.T) {
	for _, r := range corpus(t) {
		if r.Type != "flow_mod" {
			continue
		}
		frame := r.frame(t)
		_, m, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		match := m.(*FlowMod).Match
		before := match.Clone()
		clear(frame)
		if diff := cmp.Diff(before, match, wholly); diff != "" {
			t.Fatalf("%s: the match changed with the frame\n%s", r.Version, diff)
		}
	}
}

// TestAllocationIsBounded decodes the messages that make the most memory of the
// fewest bytes.
func TestAllocationIsBounded(t *testing.T) {
	fill := func(head, element string) []byte {
		b := unhex(t, head)
		e := unhex(t, element)
		for len(b)+len(e) <= MaxMessageLen {
			b = append(b, e...)
		}
		return withLength(b)
	}
	flowMod := "040e000000000001" + strings.Repeat("00", 40) + "0001000400000000"
	action := unhex(t, "040d000000000001"+"ffffffff"+"fffffffd"+"fff0"+"000000000000")
	for len(action) < 24+0xfff0-32 {
		action = append(action, 0, 18, 0, 8, 0, 0, 0, 0)
	}
	binary.BigEndian.PutUint16(action[16:], uint16(len(action)-24))
	tests := map[string][]byte{
		"instructions":      fill(flowMod, "0005000800000000"),
		"apply_actions":     fill(flowMod, "00040010000000000012000800000000"),
		"actions":           withLength(action),
		"hello elements":    fill("0400000000000001", "0001000800000000"),
		"empty hello":       fill("0400000000000001", "0001000400000000"),
		"flow statistics":   fill("0413000000000001"+"0001000000000000", "0038"+strings.Repeat("00", 46)+"0001000400000000"),
		"1.0 flows":         fill("0111000000000001"+"00010000", "0058"+strings.Repeat("00", 86)),
		"1.0 odd flows":     fill("0111000000000001"+"00010000", "0058"+"0000"+"ffffffff"+strings.Repeat("ff", 36)+strings.Repeat("00", 44)),
		"1.1 flows":         fill("0213000000000001"+"0001000000000000", "0088"+strings.Repeat("00", 46)+"00000058"+strings.Repeat("00", 84)),
		"table statistics":  fill("0413000000000001"+"0003000000000000", strings.Repeat("00", 24)),
		"1.0 ports":         fill("0106000000000001"+strings.Repeat("00", 24), "0001000000000001"+strings.Repeat("41", 16)+strings.Repeat("00", 24)),
		"packet-in match":   fill("040a000000000001"+strings.Repeat("00", 16)+"0001ff00", "0000ff00"),
		"experimenter body": fill("0404000000000001", "00"),
	}
	for name, frame := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, m, err := Decode(frame)
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(m)
			got, limit := after.TotalAlloc-before.TotalAlloc, uint64(32*len(frame)+8192)
			t.Logf("%d bytes of %d, %.1f times (%v)", got, len(frame), float64(got)/float64(len(frame)), err)
			if got > limit {
				t.Errorf("decoding %d bytes allocates %d, limit %d", len(frame), got, limit)
			}
			checkFrame(t, frame)
		})
	}
}
