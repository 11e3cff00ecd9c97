package ofp

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
	"time"
)

// The benchmarks here report how many times the time of a floor each operation
// takes. A floor is written by hand for the one message of its benchmark: it
// reads every field of it into a plain struct, with the checks that keep it
// inside of the frame, or writes every byte of it, and allocates nothing.

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

type floorPacketIn struct {
	xid, bufferID   uint32
	totalLen        uint16
	reason, table   uint8
	cookie          uint64
	inPort          uint32
	match, data     []byte
	matchKind, mlen uint16
}

//go:noinline
func (m *floorPacketIn) decode(b []byte) bool {
	if len(b) < 32 || b[0] != 4 || b[1] != 10 || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return false
	}
	m.xid = binary.BigEndian.Uint32(b[4:])
	m.bufferID = binary.BigEndian.Uint32(b[8:])
	m.totalLen = binary.BigEndian.Uint16(b[12:])
	m.reason, m.table = b[14], b[15]
	m.cookie = binary.BigEndian.Uint64(b[16:])
	m.matchKind = binary.BigEndian.Uint16(b[24:])
	m.mlen = binary.BigEndian.Uint16(b[26:])
	end := 24 + (int(m.mlen)+7)&^7 + 2
	if m.matchKind != 1 || m.mlen < 4 || end > len(b) {
		return false
	}
	m.match = b[28 : 24+m.mlen]
	for at := 28; at+4 <= 24+int(m.mlen); {
		n := int(b[at+3])
		if at+4+n > 24+int(m.mlen) {
			return false
		}
		if binary.BigEndian.Uint32(b[at:]) == 0x80000004 {
			m.inPort = binary.BigEndian.Uint32(b[at+4:])
		}
		at += 4 + n
	}
	m.data = b[end:]
	return true
}

type floorFlow struct {
	cookie, cookieMask, packets, bytes     uint64
	bufferID, outPort, outGroup, sec, nsec uint32
	idle, hard, priority, flags            uint16
	table, command                         uint8
	inPort                                 uint32
	ethDst, setSrc                         [6]byte
	ethType                                uint16
	pcp                                    uint8
	output                                 uint32
	maxLen                                 uint16
	has                                    uint8
}

// What of the match and the actions there is.
const (
	hasInPort = 1 << iota
	hasEthDst
	hasEthType
	hasPCP
	hasSetSrc
	hasOutput
)

//go:noinline
func (m *floorFlow) decodeMod(b []byte) bool {
	if len(b) < 56 || b[0] != 4 || b[1] != 14 || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return false
	}
	m.cookie = binary.BigEndian.Uint64(b[8:])
	m.cookieMask = binary.BigEndian.Uint64(b[16:])
	m.table, m.command = b[24], b[25]
	m.idle = binary.BigEndian.Uint16(b[26:])
	m.hard = binary.BigEndian.Uint16(b[28:])
	m.priority = binary.BigEndian.Uint16(b[30:])
	m.bufferID = binary.BigEndian.Uint32(b[32:])
	m.outPort = binary.BigEndian.Uint32(b[36:])
	m.outGroup = binary.BigEndian.Uint32(b[40:])
	m.flags = binary.BigEndian.Uint16(b[44:])
	return m.matchAndActions(b[48:])
}

// matchAndActions reads a match and instructions with any of the fields and
// actions that the benchmark's messages have.
func (m *floorFlow) matchAndActions(b []byte) bool {
	if len(b) < 8 || binary.BigEndian.Uint16(b) != 1 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 4 || (n+7)&^7 > len(b) {
		return false
	}
	var has uint8
	for o := b[4:n]; len(o) > 0; {
		if len(o) < 4 || len(o) < 4+int(o[3]) {
			return false
		}
		switch h := binary.BigEndian.Uint32(o); h {
		case 0x80000004:
			m.inPort = binary.BigEndian.Uint32(o[4:])
			has |= hasInPort
		case 0x80000606:
			copy(m.ethDst[:], o[4:10])
			has |= hasEthDst
		case 0x80000a02:
			m.ethType = binary.BigEndian.Uint16(o[4:])
			has |= hasEthType
		case 0x80000e01:
			m.pcp = o[4]
			has |= hasPCP
		default:
			return false
		}
		o = o[4+int(o[3]):]
	}
	for b = b[(n+7)&^7:]; len(b) > 0; {
		if len(b) < 8 {
			return false
		}
		t, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if t != 4 || n < 8 || n > len(b) {
			return false
		}
		for a := b[8:n]; len(a) > 0; {
			if len(a) < 16 {
				return false
			}
			t, n := binary.BigEndian.Uint16(a), int(binary.BigEndian.Uint16(a[2:]))
			if n != 16 {
				return false
			}
			switch {
			case t == 0:
				m.output = binary.BigEndian.Uint32(a[4:])
				m.maxLen = binary.BigEndian.Uint16(a[8:])
				has |= hasOutput
			case t == 25 && binary.BigEndian.Uint32(a[4:]) == 0x80000806:
				copy(m.setSrc[:], a[8:14])
				has |= hasSetSrc
			default:
				return false
			}
			a = a[16:]
		}
		b = b[n:]
	}
	m.has = has
	return true
}

//go:noinline
func floorDecodeStats(b []byte, out []floorFlow) ([]floorFlow, bool) {
	if len(b) < 16 || b[0] != 4 || b[1] != 19 || int(binary.BigEndian.Uint16(b[2:])) != len(b) || binary.BigEndian.Uint16(b[8:]) != 1 {
		return out, false
	}
	out = out[:0]
	for b = b[16:]; len(b) > 0; {
		if len(b) < 56 {
			return out, false
		}
		n := int(binary.BigEndian.Uint16(b))
		if n < 56 || n > len(b) {
			return out, false
		}
		out = append(out, floorFlow{})
		m := &out[len(out)-1]
		m.table = b[2]
		m.sec = binary.BigEndian.Uint32(b[4:])
		m.nsec = binary.BigEndian.Uint32(b[8:])
		m.priority = binary.BigEndian.Uint16(b[12:])
		m.idle = binary.BigEndian.Uint16(b[14:])
		m.hard = binary.BigEndian.Uint16(b[16:])
		m.flags = binary.BigEndian.Uint16(b[18:])
		m.cookie = binary.BigEndian.Uint64(b[24:])
		m.packets = binary.BigEndian.Uint64(b[32:])
		m.bytes = binary.BigEndian.Uint64(b[40:])
		if !m.matchAndActions(b[48:n]) {
			return out, false
		}
		b = b[n:]
	}
	return out, true
}

// appendMod writes the fields and actions that the message has, of those that
// matchAndActions reads, and works out every length.
//
//go:noinline
func (m *floorFlow) appendMod(dst []byte, xid uint32) []byte {
	const most = 128
	start := len(dst)
	if cap(dst)-start < most {
		dst = slices.Grow(dst, most)
	}
	b := dst[start : start+most]
	be := binary.BigEndian
	be.PutUint64(b, 0x040e<<48|uint64(xid))
	be.PutUint64(b[8:], m.cookie)
	be.PutUint64(b[16:], m.cookieMask)
	b[24], b[25] = m.table, m.command
	be.PutUint16(b[26:], m.idle)
	be.PutUint16(b[28:], m.hard)
	be.PutUint16(b[30:], m.priority)
	be.PutUint32(b[32:], m.bufferID)
	be.PutUint32(b[36:], m.outPort)
	be.PutUint32(b[40:], m.outGroup)
	be.PutUint16(b[44:], m.flags)
	be.PutUint16(b[46:], 0)
	clear(b[48:88]) // the match and its padding
	n := 52
	if m.has&hasInPort != 0 {
		be.PutUint64(b[n:], 0x80000004<<32|uint64(m.inPort))
		n += 8
	}
	if m.has&hasEthDst != 0 {
		be.PutUint32(b[n:], 0x80000606)
		copy(b[n+4:n+10], m.ethDst[:])
		n += 10
	}
	if m.has&hasEthType != 0 {
		be.PutUint32(b[n:], 0x80000a02)
		be.PutUint16(b[n+4:], m.ethType)
		n += 6
	}
	if m.has&hasPCP != 0 {
		be.PutUint32(b[n:], 0x80000e01)
		b[n+4] = m.pcp
		n += 5
	}
	be.PutUint32(b[48:], 1<<16|uint32(n-48))
	actions := (n + 7) &^ 7
	at := actions + 8
	if m.has&hasSetSrc != 0 {
		be.PutUint64(b[at:], 25<<48|16<<32|0x80000806)
		copy(b[at+8:at+14], m.setSrc[:])
		b[at+14], b[at+15] = 0, 0
		at += 16
	}
	if m.has&hasOutput != 0 {
		be.PutUint64(b[at:], 16<<32|uint64(m.output))
		be.PutUint64(b[at+8:], uint64(m.maxLen)<<48)
		at += 16
	}
	be.PutUint64(b[actions:], 4<<48|uint64(at-actions)<<32)
	be.PutUint16(b[2:], uint16(at))
	return dst[:start+at]
}

func (m *floorFlow) same(want *floorFlow) bool { return *m == *want }

func benchFloorMod() floorFlow {
	return floorFlow{cookie: 0xabcdef, bufferID: NoBuffer, outPort: 0xffffffff, outGroup: GroupAny, idle: 10, hard: 300, priority: 0x8000,
		table: 2, inPort: 7, ethDst: [6]byte{2, 0, 0, 0, 0, 1}, ethType: 0x0800, pcp: 3, setSrc: [6]byte{2, 0, 0, 0, 0, 9}, output: 3,
		has: hasInPort | hasEthDst | hasEthType | hasPCP | hasSetSrc | hasOutput}
}

// TestFloorsDoTheWork shows that the floors read and write what they claim to.
func TestFloorsDoTheWork(t *testing.T) {
	var in floorPacketIn
	if !in.decode(benchPacketIn(t)) || in.inPort != 7 || in.cookie != 0x1122334455667788 || len(in.data) != 128 {
		t.Errorf("packet-in: got %+v", in)
	}
	frame, want := benchFlowMod(t), benchFloorMod()
	var mod floorFlow
	if !mod.decodeMod(frame) || !mod.same(&want) {
		t.Errorf("flow-mod: got %+v, want %+v", mod, want)
	}
	if got := want.appendMod(make([]byte, 0, 128), 9); string(got) != string(frame) {
		t.Errorf("flow-mod encoded\n got %x\nwant %x", got, frame)
	}
	if flows, ok := floorDecodeStats(benchFlowStats(t, 100), nil); !ok || len(flows) != 100 || flows[99].inPort != 100 || flows[99].output != 3 {
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
		floorIn  floorPacketIn
		floorMod floorFlow
		inFrame  = benchPacketIn(t)
		modFrame = benchFlowMod(t)
		stFrame  = benchFlowStats(t, 100)
		message  = benchFlowModMessage()
		floor    = benchFloorMod()
		buf      = make([]byte, 0, 256)
		floorBuf = make([]byte, 0, 256)
		flows    = make([]floorFlow, 0, 100)
	)
	return []benchCase{
		{"decode packet-in", func() bool { return dec.Decode(inFrame, &in) == nil }, func() bool { return floorIn.decode(inFrame) }},
		{"encode flow-mod", func() bool {
			b, err := enc.Append(buf, V13, 9, message)
			return err == nil && len(b) == 128
		}, func() bool { return len(floor.appendMod(floorBuf, 9)) == 128 }},
		{"decode flow-mod", func() bool { return dec.Decode(modFrame, &mod) == nil }, func() bool { return floorMod.decodeMod(modFrame) }},
		{"decode 100 flow statistics", func() bool { return dec.Decode(stFrame, &stats) == nil }, func() bool {
			_, ok := floorDecodeStats(stFrame, flows)
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
