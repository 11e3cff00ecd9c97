package ofp

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/test/floor/codec"
)

// The benchmarks here report how many times the time of a floor each operation
// takes; test/floor/codec is the floor.

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encoded(t testing.TB, v Version, xid uint32, m Message) []byte {
	t.Helper()
	b, err := Append(nil, v, xid, m)
	if err != nil {
		t.Fatalf("encode %s for %s: %v", m.Type(), v, err)
	}
	return b
}

// benchPacketIn is a 1.3 packet-in of 170 bytes.
func benchPacketIn(t testing.TB) []byte {
	m := &PacketIn{BufferID: NoBuffer, TotalLen: 128, Reason: ReasonNoMatch, Table: 1, Cookie: 0x1122334455667788, Data: make([]byte, 128)}
	m.Match.SetUint(FieldInPort, 7)
	for i := range m.Data {
		m.Data[i] = byte(i)
	}
	b := encoded(t, V13, 9, m)
	if len(b) != 170 {
		t.Fatalf("packet-in has %d bytes, want 170", len(b))
	}
	return b
}

func benchFlowModMessage() *FlowMod {
	m := NewFlowMod(FlowAdd)
	m.Cookie, m.IdleTimeout, m.HardTimeout, m.Table = 0xabcdef, 10, 300, 2
	m.Match.SetUint(FieldInPort, 7)
	m.Match.SetUint(FieldEthDst, 0x020000000001)
	m.Match.SetUint(FieldEthType, 0x0800)
	m.Match.SetUint(FieldVLANPCP, 3)
	m.Instructions = []Instruction{Apply(SetField(FieldEthSrc, []byte{2, 0, 0, 0, 0, 9}), Output(3))}
	return m
}

// benchFlowMod is a 1.3 flow-mod of 128 bytes: four match fields, set_field and
// output.
func benchFlowMod(t testing.TB) []byte {
	b := encoded(t, V13, 9, benchFlowModMessage())
	if len(b) != 128 {
		t.Fatalf("flow-mod has %d bytes, want 128", len(b))
	}
	return b
}

// benchFlowStats is a 1.3 reply with n flows of the same shape.
func benchFlowStats(t testing.TB, n int) []byte {
	p := &FlowStatsReply{}
	mod := benchFlowModMessage()
	for i := range n {
		f := FlowStats{Table: 1, Priority: uint16(i), Packets: uint64(i), Bytes: 99, Cookie: uint64(i), DurationSec: 5, Instructions: mod.Instructions}
		f.Match = mod.Match.Clone()
		f.Match.SetUint(FieldInPort, uint64(i+1))
		p.Flows = append(p.Flows, f)
	}
	return encoded(t, V13, 9, &MultipartReply{Body: p})
}

func benchFloorMod() codec.Flow {
	return codec.Flow{Cookie: 0xabcdef, BufferID: NoBuffer, OutPort: 0xffffffff, OutGroup: GroupAny, Idle: 10, Hard: 300, Priority: 0x8000,
		Table: 2, InPort: 7, EthDst: [6]byte{2, 0, 0, 0, 0, 1}, EthType: 0x0800, PCP: 3, SetSrc: [6]byte{2, 0, 0, 0, 0, 9}, Output: 3,
		Has: codec.HasInPort | codec.HasEthDst | codec.HasEthType | codec.HasPCP | codec.HasSetSrc | codec.HasOutput}
}

// TestFloorsDoTheWork shows that the floors read and write what they claim to.
func TestFloorsDoTheWork(t *testing.T) {
	var in codec.PacketIn
	if !in.Decode(benchPacketIn(t)) || in.InPort != 7 || in.Cookie != 0x1122334455667788 || len(in.Data) != 128 {
		t.Errorf("packet-in: got %+v", in)
	}
	frame, want := benchFlowMod(t), benchFloorMod()
	var mod codec.Flow
	if !mod.DecodeMod(frame) || mod != want {
		t.Errorf("flow-mod: got %+v, want %+v", mod, want)
	}
	if got := want.AppendMod(make([]byte, 0, 128), 9); string(got) != string(frame) {
		t.Errorf("flow-mod encoded\n got %x\nwant %x", got, frame)
	}
	if flows, ok := codec.DecodeStats(benchFlowStats(t, 100), nil); !ok || len(flows) != 100 || flows[99].InPort != 100 || flows[99].Output != 3 {
		t.Errorf("flow statistics: got %d flows, %v", len(flows), ok)
	}
}

// benchCase is a piece of work, by this package and by its floor.
type benchCase struct {
	name  string
	work  func() bool
	floor func() bool
}

func benchCases(t testing.TB) []benchCase {
	var (
		dec      Decoder
		enc      Encoder
		in       PacketIn
		mod      FlowMod
		stats    MultipartReply
		floorIn  codec.PacketIn
		floorMod codec.Flow
		inFrame  = benchPacketIn(t)
		modFrame = benchFlowMod(t)
		stFrame  = benchFlowStats(t, 100)
		message  = benchFlowModMessage()
		floor    = benchFloorMod()
		buf      = make([]byte, 0, 256)
		floorBuf = make([]byte, 0, 256)
		flows    = make([]codec.Flow, 0, 100)
	)
	return []benchCase{
		{"decode packet-in", func() bool { return dec.Decode(inFrame, &in) == nil }, func() bool { return floorIn.Decode(inFrame) }},
		{"encode flow-mod", func() bool {
			b, err := enc.Append(buf, V13, 9, message)
			return err == nil && len(b) == 128
		}, func() bool { return len(floor.AppendMod(floorBuf, 9)) == 128 }},
		{"decode flow-mod", func() bool { return dec.Decode(modFrame, &mod) == nil }, func() bool { return floorMod.DecodeMod(modFrame) }},
		{"decode 100 flow statistics", func() bool { return dec.Decode(stFrame, &stats) == nil }, func() bool {
			_, ok := codec.DecodeStats(stFrame, flows)
			return ok
		}},
	}
}

// BenchmarkAgainstFloor reports, as floor-ratio, how many times the floor's time
// the work takes; both are measured in turns in the same run.
func BenchmarkAgainstFloor(b *testing.B) {
	for _, c := range benchCases(b) {
		b.Run(c.name, func(b *testing.B) {
			const turn = 1000
			var work, floor time.Duration
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				for range turn {
					if !c.work() {
						b.Fatal("work failed")
					}
				}
				mid := time.Now()
				for range turn {
					if !c.floor() {
						b.Fatal("floor failed")
					}
				}
				work, floor = work+mid.Sub(start), floor+time.Since(mid)
				n += turn
			}
			b.ReportMetric(0, "ns/op") // of both: of no meaning
			b.ReportMetric(float64(work.Nanoseconds())/float64(n), "work-ns")
			b.ReportMetric(float64(floor.Nanoseconds())/float64(n), "floor-ns")
			b.ReportMetric(float64(work)/float64(floor), "floor-ratio")
		})
	}
}

func TestReusedMessagesAllocateNothing(t *testing.T) {
	for _, c := range benchCases(t) {
		t.Run(c.name, func(t *testing.T) {
			if !c.work() {
				t.Fatal("work failed")
			}
			if n := testing.AllocsPerRun(100, func() { c.work() }); n != 0 {
				t.Errorf("%v allocations, want none", n)
			}
		})
	}
}
