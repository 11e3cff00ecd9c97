package l2switch

import (
	"context"
	"encoding/binary"
	"errors"
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
