package channel

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// marked is a message of a test: whose it is, and which of his.
func marked(source, n, length int) []byte {
	data := make([]byte, 8+length)
	binary.BigEndian.PutUint32(data, uint32(source))
	binary.BigEndian.PutUint32(data[4:], uint32(n))
	b, err := ofp.Append(nil, ofp.V13, 1, &ofp.EchoRequest{Data: data})
	if err != nil {
		panic(err)
	}
	return b
}

// ledger reads what comes out and holds it against the order of each source.
type ledger struct {
	next    map[int]int
	bytes   map[int]int
	answers int
}

func (l *ledger) read(t interface{ Fatalf(string, ...any) }, out []byte) {
	for len(out) > 0 {
		h, m, err := ofp.Decode(out[:binary.BigEndian.Uint16(out[2:])])
		if err != nil {
			t.Fatalf("what comes out: %v", err)
		}
		out = out[h.Length:]
		e, ok := m.(*ofp.EchoRequest)
		if !ok {
			l.answers++
			continue
		}
		source, n := int(binary.BigEndian.Uint32(e.Data)), int(binary.BigEndian.Uint32(e.Data[4:]))
		if n != l.next[source] {
			t.Fatalf("message %d of source %d where %d should be", n, source, l.next[source])
		}
		l.next[source]++
		l.bytes[source] += int(h.Length)
	}
}

// TestOutboxMemory gives the outbox work in any order and keeps an eye on what
// the writer holds: it must not change while it is written, and everything must
// come out once, in the order of its source, and Writes after what was sent
// before them.
func TestOutboxMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outbox
		o.init(1<<30, 1<<30, new(Stats))
		o.version = ofp.V13
		var held, asItWas []byte
		l := &ledger{next: map[int]int{}, bytes: map[int]int{}}
		sent, answers, writes := 0, 0, 0
		want := map[int]int{}
		after := map[int]int{} // of a Write: what was sent before it
		pushes := map[int]*push{}
		take := func() int {
			if !bytes.Equal(held, asItWas) {
				t.Fatal("what was being written has changed")
			}
			b, _ := o.next()
			held, asItWas = b, bytes.Clone(b)
			// Of a slice the order between sources counts, too.
			for rest := b; len(rest) > 0; {
				n := binary.BigEndian.Uint16(rest[2:])
				before := l.next[0]
				l.read(t, rest[:n])
				for w := range after {
					if l.next[w] > 0 && before < after[w] && l.next[0] == before {
						t.Fatalf("write %d is ahead of what was sent before it", w)
					}
				}
				rest = rest[n:]
			}
			return len(b)
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				m := &ofp.EchoRequest{Data: marked(0, sent, rapid.IntRange(0, 40000).Draw(t, "length"))[8:]}
				sent++
				if err := o.send(m); err != nil {
					t.Fatal(err)
				}
			},
			"write": func(t *rapid.T) {
				writes++
				p := new(push)
				for g := range rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 30000), 1, 5), 1, 3).Draw(t, "groups") {
					var b []byte
					for range g + 1 {
						b = append(b, marked(writes, want[writes], 1000*g)...)
						want[writes]++
					}
					p.groups = append(p.groups, b)
				}
				after[writes] = sent
				pushes[writes] = p
				if room, err := o.push(p, false, nil); room != nil || err != nil {
					t.Fatal(room, err)
				}
			},
			"withdraw": func(t *rapid.T) {
				if writes > 0 {
					w := rapid.IntRange(1, writes).Draw(t, "which")
					want[w] = o.withdraw(pushes[w])
				}
			},
			"answer": func(*rapid.T) { answers++; o.answer(ofp.V13, 1, &ofp.EchoReply{}) },
			"take":   func(*rapid.T) { take() },
			"trim":   func(*rapid.T) { o.trim() },
		})
		for take() > 0 {
		}
		for w, n := range want {
			if l.next[w] != n {
				t.Fatalf("%d of %d messages of write %d came out", l.next[w], n, w)
			}
		}
		if l.next[0] != sent || l.answers != answers {
			t.Fatalf("%d of %d messages and %d of %d answers came out", l.next[0], sent, l.answers, answers)
		}
		if o.waiting() != 0 || o.pushes != nil || o.mixed != nil {
			t.Fatalf("%d bytes, %d writes and %d mixed bytes are left", o.waiting(), len(o.pushes), len(o.mixed))
		}
	})
}

// TestFairShares: sources whose messages differ in length get the same number of
// bytes, one that comes late does not wait for those that have much, and
// answers go between any two slices.
func TestFairShares(t *testing.T) {
	var o outbox
	o.init(1<<30, 1<<30, new(Stats))
	o.version = ofp.V13
	l := &ledger{next: map[int]int{}, bytes: map[int]int{}}
	write := func(source, n, length int) *push {
		p := &push{groups: [][]byte{nil}}
		for i := range n {
			p.groups[0] = append(p.groups[0], marked(source, i, length)...)
		}
		if _, err := o.push(p, true, nil); err != nil {
			t.Fatal(err)
		}
		return p
	}
	slice := func() {
		b, _ := o.next()
		l.read(t, b)
	}
	for i := range 200 {
		if err := o.send(&ofp.EchoRequest{Data: marked(0, i, 20000)[8:]}); err != nil {
			t.Fatal(err)
		}
	}
	write(1, 40000, 80)
	write(2, 60, 60000)
	for range 150 {
		slice()
	}
	for source, n := range l.bytes {
		if mean := (l.bytes[0] + l.bytes[1] + l.bytes[2]) / 3; n < mean-70000 || n > mean+70000 {
			t.Errorf("source %d got %d bytes, on average they got %d", source, n, mean)
		}
	}
	late := write(3, 1, 100)
	for n := 0; late.left > 0; n++ {
		if n > 3 {
			t.Fatal("one message of one source waits for more than a turn of each other one")
		}
		slice()
	}
	o.answer(ofp.V13, 1, &ofp.EchoReply{})
	slice()
	if l.answers != 1 {
		t.Error("an answer is not in the next slice")
	}
	b, _ := o.next()
	l.read(t, b)
	if len(b) == 0 {
		t.Error("answers keep the others from their turns")
	}
}

// TestWritesTogether: many small Writes make few slices.
func TestWritesTogether(t *testing.T) {
	var o outbox
	o.init(1<<20, 1<<20, new(Stats))
	for i := range 100 {
		if _, err := o.push(&push{groups: [][]byte{marked(i, 0, 80)}}, true, nil); err != nil {
			t.Fatal(err)
		}
	}
	slices := 0
	for {
		b, _ := o.next()
		if len(b) == 0 {
			break
		}
		slices++
	}
	if slices != 1 {
		t.Errorf("100 writes of %d bytes make %d slices", len(marked(0, 0, 80)), slices)
	}
}

// TestRoomForWrites: beside others a long Write waits for room, a small one does
// not, and one that is alone never.
func TestRoomForWrites(t *testing.T) {
	var o outbox
	o.init(1<<20, 1<<20, new(Stats))
	long := func() *push { return &push{groups: [][]byte{bytes.Repeat(marked(0, 0, 60000), 20)}} }
	first := long()
	if room, err := o.push(first, false, nil); room != nil || err != nil {
		t.Fatalf("the first write waits: %v", err)
	}
	room, err := o.push(long(), false, nil)
	if room == nil || err != nil {
		t.Fatalf("the second long write does not wait: %v", err)
	}
	if room, err := o.push(&push{groups: [][]byte{marked(0, 0, 60000)}}, false, nil); room != nil || err != nil {
		t.Fatalf("a small write waits: %v", err)
	}
	select {
	case <-room.ready:
		t.Fatal("there is room before anything is taken")
	default:
	}
	o.withdraw(first)
	select {
	case <-room.ready:
	default:
		t.Fatal("there is no room after the first was withdrawn")
	}
	o.close()
	if _, err := o.push(long(), false, nil); err != ErrDisconnected {
		t.Errorf("after the end: %v", err)
	}
}

// TestRequestsOvertakeOthers: a request follows what was sent before it, unless it
// comes from one who has sent nothing; a role request and an echo follow nothing.
func TestRequestsOvertakeOthers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		m      ofp.Message
		sent   int
		before int // messages sent that come before it
	}{
		{"nothing sent", t.Context(), &ofp.BarrierRequest{}, 0, 0},
		{"barrier after sends", t.Context(), &ofp.BarrierRequest{}, 2000, 2000},
		{"another's barrier", Apart(t.Context()), &ofp.BarrierRequest{}, 2000, 0},
		{"role", t.Context(), &ofp.RoleRequest{}, 2000, 0},
		{"echo", t.Context(), &ofp.EchoRequest{}, 2000, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o outbox
			o.init(1<<20, 1<<20, new(Stats))
			o.version = ofp.V13
			if _, err := o.push(&push{groups: [][]byte{bytes.Repeat(marked(1, 0, 80), 1000)}}, true, nil); err != nil {
				t.Fatal(err)
			}
			for range tt.sent {
				if err := o.send(&ofp.PacketOut{BufferID: 1, InPort: 1}); err != nil {
					t.Fatal(err)
				}
			}
			if err := o.request(9, tt.m, goesFirst(tt.ctx, tt.m)); err != nil {
				t.Fatal(err)
			}
			var kinds []ofp.Type
			before := -1
			for before < 0 {
				b, _ := o.next()
				if len(b) == 0 {
					t.Fatal("it does not come")
				}
				for len(b) > 0 && before < 0 {
					h, _ := ofp.ParseHeader(b)
					if h.XID == 9 && h.Type() == tt.m.Type() {
						before = len(kinds)
					} else if h.Type() == ofp.TypePacketOut {
						kinds = append(kinds, h.Type())
					}
					b = b[h.Length:]
				}
			}
			if before != tt.before {
				t.Errorf("after %d sent messages, want %d", before, tt.before)
			}
		})
	}
}

func TestWholeMessages(t *testing.T) {
	b := make([]byte, 0, 100)
	for _, n := range []int{8, 20, 8, 40} {
		m := make([]byte, n)
		m[3] = byte(n)
		b = append(b, m...)
	}
	for limit, want := range map[int]int{1: 8, 8: 8, 27: 8, 28: 28, 35: 28, 36: 36, 75: 36, 76: 76, 1000: 76} {
		if got := wholeMessages(b, limit); got != want {
			t.Errorf("at most %d: %d, want %d", limit, got, want)
		}
	}
}
