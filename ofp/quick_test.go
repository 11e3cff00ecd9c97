package ofp

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// few draws one of the values that matter, or any number.
func few[T ~uint8 | ~uint16 | ~uint32 | ~uint64](t *rapid.T, what string, values ...T) T {
	if n := rapid.IntRange(0, len(values)).Draw(t, what); n < len(values) {
		return values[n]
	}
	return T(rapid.Uint64().Draw(t, what+" of any"))
}

// many checks a property with some thousand draws, which cost little here.
func many(t *testing.T, property func(*rapid.T)) {
	for range 20 {
		rapid.Check(t, property)
	}
}

// mostly draws the usual value, which is plain in every version, and now and then
// another.
func mostly[T any](t *rapid.T, what string, usual T, others ...T) T {
	if n := rapid.IntRange(0, 8*len(others)).Draw(t, what); n < len(others) {
		return others[n]
	}
	return usual
}

func drawPort(t *rapid.T, what string) PortNo {
	return few(t, what, 0, 1, 0xfeff, 0xff00, 0xffff, PortMax-1, PortMax, PortController, PortLocal, PortAny)
}

func drawActions(t *rapid.T) []Action {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Action {
		switch rapid.IntRange(0, 19).Draw(t, "action") {
		case 0:
			return Action{Type: ActionPopVLAN}
		case 1:
			return SetField(FieldEthDst, []byte{1, 2, 3, 4, 5, 6})
		case 2:
			return Action{Type: ActionOutput, Arg: 0xfff8, Subtype: 39}
		}
		return Action{Type: ActionOutput, Arg: uint32(drawPort(t, "output")), MaxLen: few[uint16](t, "max_len", 0, 0xffff)}
	}), 0, 2-rapid.IntRange(0, 1).Draw(t, "one")).Draw(t, "actions")
}

func drawFrameMatch(t *rapid.T) (m Match) {
	set := func(id FieldID, values ...uint64) {
		if rapid.IntRange(0, 3).Draw(t, id.String()) > 0 {
			m.SetUint(id, rapid.SampledFrom(values).Draw(t, "value"))
		}
	}
	set(FieldInPort, 1, 0xfeff, 0xff00, uint64(PortLocal))
	set(FieldEthDst, 0, 0x020000000001, 1<<48-1)
	set(FieldEthSrc, 0, 0x020000000002)
	set(FieldVLANVID, 0, VLANPresent|5)
	switch rapid.IntRange(0, 9).Draw(t, "more") {
	case 0:
		m.SetUint(FieldEthType, ethIPv4)
		m.SetUint(FieldIPv4Dst, 0x0a000001)
	case 1:
		m.SetUint(FieldPBBISID, 1) // which 1.2 lacks
	case 2:
		m.SetUintMasked(FieldEthDst, 1<<40, 1<<40)
	case 3:
		m.SetUint(FieldReg0, 7)
	}
	return m
}

func drawFlowMod(t *rapid.T) *FlowMod {
	m := NewFlowMod(FlowCommand(rapid.IntRange(0, 4).Draw(t, "command")))
	m.Cookie = few[uint64](t, "cookie", 0, 1<<63)
	m.CookieMask = mostly(t, "cookie mask", 0, ^uint64(0), 1)
	m.Table = mostly(t, "table", 0, 1, TableAll)
	m.IdleTimeout, m.HardTimeout = few[uint16](t, "idle"), few[uint16](t, "hard")
	m.Priority = few[uint16](t, "priority")
	m.BufferID = few(t, "buffer", NoBuffer, 1)
	m.OutPort = mostly(t, "out_port", PortAny, 3, 0xff00, PortMax)
	m.OutGroup = mostly(t, "out_group", GroupAny, 0, 5)
	m.Flags = mostly(t, "flags", 0, FlowSendFlowRem, FlowCheckOverlap|FlowSendFlowRem, FlowResetCounts, FlowEmergency, 1<<16)
	m.NXTable = rapid.Bool().Draw(t, "nx table")
	m.Match = drawFrameMatch(t)
	if v := mostly(t, "received", 0, Versions()...); v != 0 {
		m.Match.received, m.Match.receivedVersion = make([]byte, fixedMatchLen10), v
	}
	for range mostly(t, "instructions", 1, 0, 2) {
		m.Instructions = append(m.Instructions, rapid.SampledFrom([]Instruction{
			Apply(drawActions(t)...), Apply(Output(drawPort(t, "port"))), {Type: InstructionGotoTable, Table: 3},
			{Type: InstructionWriteActions, Actions: drawActions(t)},
		}).Draw(t, "instruction"))
	}
	return m
}

// TestQuickWayWritesTheSame compares the quick way of writing a message with that
// of all messages, in every version, with extensions and without.
func TestQuickWayWritesTheSame(t *testing.T) {
	quick := map[string]int{}
	many(t, func(t *rapid.T) {
		var m Message = drawFlowMod(t)
		if rapid.Bool().Draw(t, "packet_out") {
			m = &PacketOut{BufferID: few(t, "buffer", NoBuffer, 1), InPort: drawPort(t, "in_port"), Actions: drawActions(t),
				Data: make([]byte, rapid.SampledFrom([]int{0, 1, 60, 1500, 65400, 65600}).Draw(t, "data"))}
			if d := m.(*PacketOut).Data; len(d) > 13 {
				d[12], d[13] = 0x81, 0
			}
		}
		before := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "before")
		xid := rapid.Uint32().Draw(t, "xid")
		for _, v := range Versions() {
			e := Encoder{Extensions: rapid.Bool().Draw(t, "extensions")}
			got, ok := e.appendQuick(bytes.Clone(before), v, xid, m)
			if !ok {
				if !bytes.Equal(got, before) {
					t.Fatalf("%s: it gave up with something written: %x", v, got)
				}
				continue
			}
			want, err := e.walk(bytes.Clone(before), v, xid, m)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s in %s\n got %x\nwant %x, %v", m.Type(), v, got, want, err)
			}
			quick[m.Type().String()+" "+v.String()]++
		}
	})
	for _, x := range []string{"flow_mod 1.0", "flow_mod 1.2", "flow_mod 1.3", "packet_out 1.0", "packet_out 1.1", "packet_out 1.2", "packet_out 1.3"} {
		if quick[x] == 0 {
			t.Errorf("no %s was written the quick way", x)
		}
	}
}

// TestQuickWayOverOldBytes: what the buffer held before does not show.
func TestQuickWayOverOldBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawFlowMod(t)
		for _, v := range Versions() {
			var e Encoder
			old := bytes.Repeat([]byte{0xaa}, 1000)
			got, err := e.Append(old[:0], v, 1, m)
			if err != nil {
				continue
			}
			if want, _ := e.Append(nil, v, 1, m); !bytes.Equal(got, want) {
				t.Fatalf("%s\n got %x\nwant %x", v, got, want)
			}
		}
	})
}

// TestQuickWayReadsTheSame compares the quick way of reading a packet-in with that
// of all messages, over sound frames and damaged ones, into messages that held
// something else before.
func TestQuickWayReadsTheSame(t *testing.T) {
	quick := map[Version]int{}
	many(t, func(t *rapid.T) {
		v := rapid.SampledFrom(Versions()).Draw(t, "version")
		draw := func(v Version) []byte {
			m := &PacketIn{BufferID: few(t, "buffer", NoBuffer, 1), TotalLen: few[uint16](t, "total"), Reason: PacketInReason(few[uint8](t, "reason", 0, 1)),
				Data: rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "data")}
			if v != V10 {
				m.Table = few[uint8](t, "table", 0)
			}
			if v == V13 {
				m.Cookie = few[uint64](t, "cookie", 0)
			}
			m.Match.SetUint(FieldInPort, rapid.SampledFrom([]uint64{1, 7, uint64(PortLocal)}).Draw(t, "in_port"))
			if v >= V12 && rapid.IntRange(0, 3).Draw(t, "more") == 0 {
				m.Match.SetUint(FieldMetadata, 7)
			}
			b, err := Append(nil, v, 1, m)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		frame, earlier := draw(v), draw(rapid.SampledFrom(Versions()).Draw(t, "earlier"))
		switch rapid.IntRange(0, 3).Draw(t, "damage") {
		case 0:
			at := rapid.IntRange(0, len(frame)-1).Draw(t, "at")
			frame[at] = rapid.Byte().Draw(t, "byte")
		case 1:
			if v == V10 {
				frame[HeaderLen+9] = 1 // padding, which is kept
			}
		case 2:
			frame = frame[:rapid.IntRange(0, len(frame)).Draw(t, "cut")]
			if len(frame) > 3 && rapid.Bool().Draw(t, "mend") {
				frame[2], frame[3] = byte(len(frame)>>8), byte(len(frame))
			}
		}
		var d Decoder
		var got, want PacketIn
		for _, m := range []*PacketIn{&got, &want} {
			if err := d.walk(earlier, m); err != nil {
				t.Fatal(err)
			}
		}
		if !got.decodeQuick(frame) {
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Match{})); diff != "" {
				t.Fatalf("it gave up and left something (-want +got):\n%s", diff)
			}
			return
		}
		if err := d.walk(frame, &want); err != nil {
			t.Fatalf("it read %x, which cannot be read: %v", frame, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Match{})); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		quick[v]++
	})
	for _, v := range []Version{V10, V13} {
		if quick[v] == 0 {
			t.Errorf("no packet-in of %s was read the quick way", v)
		}
	}
}
