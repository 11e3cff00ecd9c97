package l2switch

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// sink encodes what it is given, as a switch's outbox does, and forgets it.
type sink struct {
	v   ofp.Version
	enc ofp.Encoder
	buf []byte
	n   int
	now time.Time
}

func (s *sink) Now() time.Time      { return s.now }
func (s *sink) Role() ofp.RoleState { return ofp.RoleState{} }

func (s *sink) Send(m ofp.Message) error {
	b, err := s.enc.Append(s.buf[:0], s.v, 1, m)
	if err != nil {
		return err
	}
	s.buf = b
	s.n++
	return nil
}

func (s *sink) SendSoon(m ofp.Message) error { return s.Send(m) }

func (s *sink) Flush() {}

func (s *sink) Write(context.Context, []ofp.Message) error { return nil }

func (s *sink) Flows(context.Context, ofp.FlowFilter) ([]ofp.FlowStats, error) {
	return nil, errors.New("a sink has no flows")
}

// known returns a session that knows 100 hosts on as many ports, and a function
// that gives it the next packet between two of them.
func known(tb testing.TB, v ofp.Version, buffer uint32) (*sink, func()) {
	app, err := New(Config{})
	if err != nil {
		tb.Fatal(err)
	}
	const n = 100
	out := &sink{v: v, now: time.Now()}
	s := newSession(&app.cfg, out)
	frame := make([]byte, 64)
	binary.BigEndian.PutUint16(frame[12:], 0x0800)
	m := ofp.PacketIn{BufferID: buffer, TotalLen: 64, Data: frame}
	m.Match.SetUint(ofp.FieldInPort, 1)
	port, _ := m.Match.Lookup(ofp.FieldInPort)
	at := func(dst, src int) {
		binary.BigEndian.PutUint32(port.Value, uint32(src+1))
		binary.BigEndian.PutUint32(frame[2:], uint32(dst))
		binary.BigEndian.PutUint32(frame[8:], uint32(src))
		frame[0], frame[6] = 2, 2
		if !s.PacketIn(&m) {
			tb.Fatal("not handled")
		}
	}
	for i := range n {
		at(n, i)
	}
	out.n = 0
	i := 0
	return out, func() {
		i = (i + 1) % n
		at((i+37)%n, i)
	}
}

var cases = []struct {
	name    string
	buffer  uint32
	answers int
}{
	{"buffered", 7, 1},
	{"whole", ofp.NoBuffer, 2},
}

func TestKnownDestinationAllocatesNothing(t *testing.T) {
	for _, v := range ofp.Versions() {
		for _, c := range cases {
			out, packet := known(t, v, c.buffer)
			packet()
			if out.n != c.answers {
				t.Errorf("%s, %s: %d answers, want %d", v, c.name, out.n, c.answers)
			}
			if n := testing.AllocsPerRun(1000, packet); n != 0 {
				t.Errorf("%s, %s: %v allocations for a packet", v, c.name, n)
			}
		}
	}
}

// BenchmarkKnownDestination is one packet-in, decoded, to the encoded answer.
func BenchmarkKnownDestination(b *testing.B) {
	for _, v := range ofp.Versions() {
		for _, c := range cases {
			b.Run(v.String()+"/"+c.name, func(b *testing.B) {
				_, packet := known(b, v, c.buffer)
				b.ReportAllocs()
				for b.Loop() {
					packet()
				}
			})
		}
	}
}

// BenchmarkManyHosts is a packet-in between two of the hosts of one of 16
// switches, which send 500 each in turns: what more hosts cost is what memory
// costs.
func BenchmarkManyHosts(b *testing.B) {
	for _, hosts := range []int{100, 10000} {
		b.Run(strconv.Itoa(hosts), func(b *testing.B) {
			app, err := New(Config{})
			if err != nil {
				b.Fatal(err)
			}
			const switches, batch, group = 16, 500, 8
			var sessions [switches]*session
			var at [switches]int
			m := ofp.PacketIn{BufferID: 7, TotalLen: 64}
			m.Match.SetUint(ofp.FieldInPort, 1)
			frame := func(b []byte, dst, src int) []byte {
				clear(b)
				b[0], b[6] = 2, 2
				binary.BigEndian.PutUint32(b[2:], uint32(dst))
				binary.BigEndian.PutUint32(b[8:], uint32(src))
				return b
			}
			var frames [group][64]byte
			for i := range sessions {
				sessions[i] = newSession(&app.cfg, &sink{v: ofp.V13, now: time.Now()})
				for h := range hosts {
					m.Data = frame(frames[0][:], h, h)
					sessions[i].PacketIn(&m)
				}
			}
			b.ResetTimer()
			for n := 0; n < b.N; {
				i := n / batch % switches
				s := sessions[i]
				for range batch / group {
					for g := range frames {
						at[i] = (at[i] + 1) % hosts
						frame(frames[g][:], (at[i]+at[i]/hosts*7+hosts/3)%hosts, at[i])
					}
					for g, more := 0, true; g < group && more; g++ {
						more = s.Ahead(frames[g][:])
					}
					for g := range frames {
						m.Data = frames[g][:]
						s.PacketIn(&m)
					}
				}
				s.BatchDone()
				n += batch
			}
		})
	}
}
