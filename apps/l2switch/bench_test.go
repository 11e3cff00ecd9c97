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
// costs. The hosts speak in the order of their addresses, or in none.
func BenchmarkManyHosts(b *testing.B) {
	for _, c := range []struct {
		name  string
		hosts int
		step  int // from one host that speaks to the next one
	}{{"100", 100, 1}, {"10000", 10000, 1}, {"10000/scattered", 10000, 3457}} {
		b.Run(c.name, func(b *testing.B) {
			app, err := New(Config{})
			if err != nil {
				b.Fatal(err)
			}
			const switches, batch = 16, 500
			var sessions [switches]*session
			var at [switches]int
			m := ofp.PacketIn{BufferID: 7, TotalLen: 64, Data: make([]byte, 64)}
			m.Match.SetUint(ofp.FieldInPort, 1)
			m.Data[0], m.Data[6] = 2, 2
			packet := func(s *session, dst, src int) {
				binary.BigEndian.PutUint32(m.Data[2:], uint32(dst))
				binary.BigEndian.PutUint32(m.Data[8:], uint32(src))
				s.PacketIn(&m)
			}
			for i := range sessions {
				sessions[i] = newSession(&app.cfg, &sink{v: ofp.V13, now: time.Now()})
				for h := range c.hosts {
					packet(sessions[i], h, h)
				}
			}
			b.ResetTimer()
			for n := 0; n < b.N; n += batch {
				i := n / batch % switches
				s := sessions[i]
				s.Ahead(batch)
				for range batch {
					src := (at[i] + c.step) % c.hosts
					packet(s, (src+c.hosts/3)%c.hosts, src)
					at[i] = src
				}
				s.BatchDone()
			}
		})
	}
}

// BenchmarkHosts learns one host and finds another, as a packet does, in 16 tables
// that have 500 packets each in turns.
func BenchmarkHosts(b *testing.B) {
	for _, n := range []uint64{100, 1000, 10000, 16384} {
		b.Run(strconv.FormatUint(n, 10), func(b *testing.B) {
			var tables [16]hosts
			host := func(i, h uint64) (k uint64, port ofp.PortNo) { return 2<<40 | i<<24 | h, ofp.PortNo(h%4 + 1) }
			for i := range tables {
				tables[i] = newHosts(1<<14, time.Minute)
				for h := range n {
					k, port := host(uint64(i), h)
					tables[i].learn(k, port, 0)
				}
			}
			var src uint64
			b.ResetTimer()
			for turn := 0; turn < b.N; turn += 500 {
				i := uint64(turn / 500 % len(tables))
				t := &tables[i]
				t.load(500)
				for range 500 {
					src = (src + 3457) % n
					k, port := host(i, src)
					if t.learn(k, port, 0) != seenAgain {
						b.Fatal("a host that is known is new")
					}
					k, port = host(i, (src+n/3)%n)
					if p, ok := t.find(k, 0); !ok || p != port {
						b.Fatal("a host that is known is not found")
					}
				}
			}
		})
	}
}
