package faultproxy

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// TestEachKind sends 200 messages up through each fault and looks at what comes
// out.
func TestEachKind(t *testing.T) {
	in := stream(200)
	for _, row := range []struct {
		faults string
		check  func(t *testing.T, got []byte)
	}{
		{"delay=1ms..2ms", same(in)},
		{"throttle=200k", same(in)},
		{"split=3", same(in)},
		{"drop=0.1", func(t *testing.T, got []byte) {
			ids := xids(got)
			if len(ids) < 150 || len(ids) > 195 {
				t.Errorf("%d of 200 messages came", len(ids))
			}
			ascending(t, ids)
		}},
		{"cut@message:150", same(stream(150))},
		{"cut@byte:1000", same(in[:1000])},
		{"cut@byte:1000-1500", func(t *testing.T, got []byte) {
			if want := append(bytes.Clone(in[:1000]), in[1500:]...); !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, want %d", len(got), len(want))
			}
		}},
		{"half-close@byte:1001", same(in[:1001])},
		{"half-close@message:2", same(stream(2))},
		{"corrupt@byte:0-1000", func(t *testing.T, got []byte) {
			turned := 0
			for i := range min(len(in), len(got)) {
				for x := in[i] ^ got[i]; x != 0; x &= x - 1 {
					turned++
				}
			}
			messages := len(xids(in[:1000]))
			if len(got) != len(in) || turned != messages {
				t.Errorf("%d bytes with %d turned bits, want %d with one in each of %d messages", len(got), turned, len(in), messages)
			}
		}},
		{"corrupt-length@message:100-101", func(t *testing.T, got []byte) {
			at := len(stream(100))
			if len(got) != len(in) || bytes.Equal(got[at+2:at+4], in[at+2:at+4]) {
				t.Fatalf("the length of message 100 is what it was")
			}
			copy(got[at+2:], in[at+2:at+4])
			same(in)(t, got)
		}},
		{"duplicate=0.2", func(t *testing.T, got []byte) {
			ids := xids(got)
			if len(ids) < 210 || len(ids) > 290 {
				t.Errorf("200 messages became %d", len(ids))
			}
			for i, seen := 0, -1; i < len(ids); i++ {
				if ids[i] != seen && ids[i] != seen+1 {
					t.Fatalf("message %d after %d", ids[i], seen)
				}
				seen = ids[i]
			}
		}},
		{"reorder=0.2", func(t *testing.T, got []byte) {
			ids := xids(got)
			late := 0
			have := map[int]bool{}
			for i, id := range ids {
				have[id] = true
				if i > 0 && id < ids[i-1] {
					late++
				}
			}
			if len(ids) != 200 || len(have) != 200 || late < 10 {
				t.Errorf("%d messages, %d different ones, %d of them late", len(ids), len(have), late)
			}
		}},
		{"duplicate-segment@message:10-11", func(t *testing.T, got []byte) {
			before, after := len(stream(10)), len(stream(11))
			more := len(got) - len(in)
			if more < 1 || more > after-before || !bytes.Equal(got[:before], in[:before]) || !bytes.HasSuffix(got, in[after:]) {
				t.Errorf("%d bytes became %d", len(in), len(got))
			}
		}},
		{"reorder-segment@message:10-11", func(t *testing.T, got []byte) {
			before, after := len(stream(10)), len(stream(11))
			if len(got) != len(in) || bytes.Equal(got, in) || !bytes.Equal(got[:before], in[:before]) || !bytes.Equal(got[after:], in[after:]) {
				t.Errorf("%d bytes became %d", len(in), len(got))
			}
		}},
	} {
		t.Run(row.faults, func(t *testing.T) {
			e := between(t, row.faults+"@up", 7)
			if !strings.HasPrefix(row.faults, "cut") || row.faults == "cut@byte:1000-1500" {
				row.check(t, e.through(t, in))
			} else {
				// Its end vanishes with the rest: read what comes until the cut is over.
				write(t, e.sw, in)
				e.sw.CloseWrite()
				e.await(t, Cut, 1)
				e.p.Set()
				got, err := io.ReadAll(e.ctl)
				if err != nil {
					t.Fatal(err)
				}
				row.check(t, got)
			}
			fs, _ := Parse(row.faults)
			if e.p.Counts()[fs[0].Kind] == 0 {
				t.Error("the fault has not been counted")
			}
		})
	}
}

// await waits until a fault has happened n times.
func (e *ends) await(t *testing.T, k Kind, n uint64) {
	t.Helper()
	for end := time.Now().Add(patience); e.p.Counts()[k] < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not happen", k)
		}
	}
}

func same(want []byte) func(*testing.T, []byte) {
	return func(t *testing.T, got []byte) {
		t.Helper()
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes came, want the %d that went in", len(got), len(want))
		}
	}
}

func ascending(t *testing.T, ids []int) {
	t.Helper()
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			t.Fatalf("message %d after %d", ids[i], ids[i-1])
		}
	}
}

// TestSeed: the same seed breaks the same messages in the same way, however the
// bytes come, and another seed others.
func TestSeed(t *testing.T) {
	const faults = "corrupt=0.1,corrupt-length=0.05,duplicate=0.1,duplicate-segment=0.05,reorder-segment=0.05,drop=0.1"
	in := stream(300)
	send := func(seed uint64, chunk int) []byte {
		e := between(t, faults, seed)
		for b := in; len(b) > 0; b = b[min(chunk, len(b)):] {
			write(t, e.sw, b[:min(chunk, len(b))])
		}
		if err := e.sw.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(e.ctl)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	one := send(42, len(in))
	if two := send(42, 100); !bytes.Equal(one, two) {
		t.Errorf("the same seed gave %d bytes and then %d others", len(one), len(two))
	}
	if bytes.Equal(one, in) || bytes.Equal(one, send(43, len(in))) {
		t.Error("another seed breaks the same")
	}
}

// TestSetIsAtOnce: what is sent after Set has returned meets the new faults,
// whatever the proxy was about to do.
func TestSetIsAtOnce(t *testing.T) {
	e := between(t, "", 1)
	in := stream(3)
	got := make([]byte, len(in))
	for range 100 {
		e.p.Set(Fault{Kind: Reorder, Chance: .7})
		write(t, e.sw, in)
		if _, err := io.ReadFull(e.ctl, got); err != nil {
			t.Fatal(err)
		}
		e.p.Set()
		write(t, e.sw, in)
		if _, err := io.ReadFull(e.ctl, got); err != nil || !bytes.Equal(got, in) {
			t.Fatalf("messages %v came, %v", xids(got), err)
		}
	}
}
