package channel

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestOutboxMemory gives the outbox work in any order and keeps an eye on what
// the writer holds: it must not change while it is written, and everything
// must come out once, in order.
func TestOutboxMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outbox
		o.init(1<<20, new(Stats))
		o.version = ofp.V13
		var held, asItWas, out []byte
		var sent, echoes int
		take := func() {
			if !bytes.Equal(held, asItWas) {
				t.Fatal("what was being written has changed")
			}
			urgent, bulk, _ := o.next(held)
			held, asItWas = bulk, bytes.Clone(bulk)
			out = append(append(out, urgent...), bulk...)
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(*rapid.T) {
				sent++
				if err := o.send(&ofp.EchoRequest{Data: []byte{byte(sent >> 8), byte(sent)}}); err != nil {
					t.Fatal(err)
				}
			},
			"answer": func(*rapid.T) { echoes++; o.answer(ofp.V13, 1, &ofp.EchoReply{}) },
			"take":   func(*rapid.T) { take() },
			"trim":   func(*rapid.T) { o.trim() },
		})
		take()
		take()
		next := 1
		for len(out) > 0 {
			h, m, err := ofp.Decode(out[:out[3]])
			if err != nil {
				t.Fatal(err)
			}
			out = out[h.Length:]
			if e, ok := m.(*ofp.EchoRequest); !ok {
				echoes--
			} else if got := int(e.Data[0])<<8 | int(e.Data[1]); got != next {
				t.Fatalf("message %d where %d should be", got, next)
			} else {
				next++
			}
		}
		if next != sent+1 || echoes != 0 {
			t.Fatalf("%d of %d messages came out, and %d answers did not", next-1, sent, echoes)
		}
	})
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
