package main

import (
	"encoding/binary"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

func frame(t *testing.T, v ofp.Version, xid uint32, m ofp.Message) []byte {
	t.Helper()
	b, err := ofp.Append(nil, v, xid, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// messages decodes all of b.
func messages(t *testing.T, b []byte) (ms []ofp.Message) {
	t.Helper()
	for len(b) > 0 {
		n := binary.BigEndian.Uint16(b[2:])
		_, m, err := ofp.Decode(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
		b = b[n:]
	}
	return ms
}

func TestEachPacketInIsAnsweredWithItsBufferID(t *testing.T) {
	length := map[ofp.Version]int{ofp.V10: 80, ofp.V11: 160, ofp.V12: 80, ofp.V13: 80}
	for _, v := range ofp.Versions() {
		var in []byte
		for id := range uint32(3) {
			m := &ofp.PacketIn{BufferID: id + 100, TotalLen: 64, Data: make([]byte, 64)}
			m.Match.SetUint(ofp.FieldInPort, 1)
			in = append(in, frame(t, v, 0, m)...)
			in = append(in, frame(t, v, 0, new(ofp.BarrierReply))...) // is passed over
		}
		for cut := range in { // the stream comes in two parts
			out, used, err := respond(nil, in[:cut])
			if err != nil || used > cut {
				t.Fatalf("OpenFlow %s, cut at %d: used %d: %v", v, cut, used, err)
			}
			out, more, err := respond(out, in[used:])
			if err != nil || used+more != len(in) {
				t.Fatalf("OpenFlow %s, cut at %d: used %d and %d of %d: %v", v, cut, used, more, len(in), err)
			}
			if len(out) != 3*length[v] {
				t.Errorf("OpenFlow %s, cut at %d: %d bytes for 3 packet-ins, want %d each", v, cut, len(out), length[v])
			}
			for i, m := range messages(t, out) {
				if f, ok := m.(*ofp.FlowMod); !ok || f.BufferID != uint32(i)+100 {
					t.Errorf("OpenFlow %s, cut at %d: answer %d is %+v", v, cut, i, m)
				}
			}
		}
	}
}

func TestHandshake(t *testing.T) {
	for _, v := range ofp.Versions() {
		out, _, err := respond(nil, append(frame(t, v, 1, ofp.NewHello(v)), frame(t, v, 9, &ofp.EchoRequest{Data: []byte("x")})...))
		if err != nil {
			t.Fatal(err)
		}
		var got []ofp.Type
		for _, m := range messages(t, out) {
			got = append(got, m.Type())
		}
		if len(got) != 3 || got[0] != ofp.TypeHello || got[1] != ofp.TypeFeaturesRequest || got[2] != ofp.TypeEchoReply {
			t.Errorf("OpenFlow %s: hello and echo are answered with %v", v, got)
		}
	}
}

func TestWhatIsNotOpenFlowEndsTheConnection(t *testing.T) {
	for _, in := range []string{"GET / HTTP/1.1\r\n", "\x05\x00\x00\x08\x00\x00\x00\x01", "\x01\x00\x00\x07\x00\x00\x00\x01"} {
		if _, _, err := respond(nil, []byte(in)); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}
