package record

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// messages returns n messages of drawn lengths, one after the other, and where
// each begins.
func messages(t *rapid.T, n int) (all []byte, begins []int) {
	for range n {
		m := make([]byte, rapid.SampledFrom([]int{8, 9, 12, 80, 100, 1500, 65535}).Draw(t, "length"))
		m[0], m[1] = 4, 10
		binary.BigEndian.PutUint16(m[2:], uint16(len(m)))
		for i := 8; i < len(m); i++ {
			m[i] = byte(i)
		}
		begins = append(begins, len(all))
		all = append(all, m...)
	}
	return all, begins
}

// pieces cuts b at drawn places.
func pieces(t *rapid.T, b []byte) (list [][]byte) {
	for len(b) > 0 {
		n := min(len(b), rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(1, 70000)).Draw(t, "piece"))
		list = append(list, b[:n])
		b = b[n:]
	}
	return list
}

// TestFraming: whatever the pieces are, the framer knows where messages begin,
// and the assembler hands on all bytes, in whole messages.
func TestFraming(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, begins := messages(t, rapid.IntRange(1, 12).Draw(t, "messages"))
		var f framer
		var a assembler
		var got []byte
		at := 0
		for _, p := range pieces(t, all) {
			want := -1
			for _, b := range begins {
				if b >= at && b < at+len(p) {
					want = b - at
					break
				}
			}
			if first := f.pass(p); first != want {
				t.Fatalf("in the %d bytes from %d on a message begins at %d, want %d", len(p), at, first, want)
			}
			a.feed(p, 4000, func(b []byte) {
				got = append(got, b...)
				n := 0
				for rest := b; len(rest) > 0; n++ {
					if len(rest) < 8 || int(binary.BigEndian.Uint16(rest[2:])) > len(rest) {
						t.Fatalf("%d bytes are no whole messages", len(b))
					}
					rest = rest[binary.BigEndian.Uint16(rest[2:]):]
				}
				if len(b) > 4000 && n > 1 || n > together {
					t.Fatalf("%d messages in %d bytes", n, len(b))
				}
			})
			at += len(p)
			if len(a.partial) >= 65535 {
				t.Fatalf("%d bytes are kept", len(a.partial))
			}
		}
		if !bytes.Equal(got, all) || len(a.partial) != 0 {
			t.Fatalf("%d bytes of %d, %d are kept", len(got), len(all), len(a.partial))
		}
	})
}

// TestFramingOfWhatIsNoOpenFlow: a length that cannot be ends the framing, and
// no byte is lost.
func TestFramingOfWhatIsNoOpenFlow(t *testing.T) {
	for range 200 {
		all := make([]byte, rand.IntN(3000))
		for i := range all {
			all[i] = byte(rand.IntN(256))
		}
		all = append([]byte{4, 0, 0, 8, 0, 0, 0, 1, 4, 0, 0, 7}, all...)
		var f framer
		var a assembler
		var got []byte
		for rest := all; len(rest) > 0; {
			n := 1 + rand.IntN(len(rest))
			f.pass(rest[:n])
			a.feed(rest[:n], 100, func(b []byte) { got = append(got, b...) })
			rest = rest[n:]
		}
		if !f.bad || !a.raw {
			t.Fatal("the framing goes on")
		}
		if f.pass(all) != -1 {
			t.Fatal("a message begins after the end of all framing")
		}
		if !bytes.Equal(got, all) {
			t.Fatalf("%d bytes of %d", len(got), len(all))
		}
	}
}
