package main

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestSheetIsSharedWithoutATrace: packet-ins that are stamped over those of another
// switch are the same, byte by byte, as those that are made from nothing.
func TestSheetIsSharedWithoutATrace(t *testing.T) {
	for _, v := range ofp.Versions() {
		ours, alone := mustTraffic(t, v, 0x1234, 5, 64), mustTraffic(t, v, 0x1234, 5, 64)
		other := mustTraffic(t, v, 0xfedc, 1<<20, 64)
		other.next, other.turn.src = 1<<30, 1<<19+3
		other.sheet = other.newSheet(16 * ours.frameLen())
		ours.sheet = other.sheet
		for now := range int64(6) {
			other.write(now, 1<<20)
			got := ours.write(now, 1<<20)
			if want := alone.fill(nil, now, len(got)); len(got) == 0 != (now >= 4) || !bytes.Equal(got, want) {
				t.Fatalf("OpenFlow %s, write %d:\n got % x\nwant % x", v, now, got, want)
			}
		}
	}
}

func TestWindowAllocatesNothing(t *testing.T) {
	tr := mustTraffic(t, ofp.V13, 0, 100, 256)
	tr.latency = new(histogram)
	tr.sheet = tr.newSheet(1 << 16)
	one := flowMod(ofp.V13, 0)
	like := binary.BigEndian.Uint32(one)
	now := int64(0)
	if n := testing.AllocsPerRun(100, func() {
		now++
		first := tr.next
		tr.write(now, 1<<16)
		for id := first; id != tr.next; id++ {
			binary.BigEndian.PutUint32(one[32:], id)
			tr.answers(one, like, 32, now+1)
		}
	}); n != 0 || tr.waiting != 0 {
		t.Errorf("%v allocations a window, %d answers are not counted", n, tr.waiting)
	}
}

// BenchmarkWindow stamps a window of packet-ins where they stand and counts the
// answers to them.
func BenchmarkWindow(b *testing.B) {
	tr := mustTraffic(b, ofp.V10, 0, 100, 1024)
	tr.latency = new(histogram)
	tr.sheet = tr.newSheet(1024 * tr.frameLen())
	one := flowMod(ofp.V10, 0)
	var answers []byte
	for range 1024 {
		answers = append(answers, one...)
	}
	n := 0
	for b.Loop() {
		id := tr.next
		got := len(tr.write(1, 1<<20)) / tr.frameLen()
		for i := range got {
			binary.BigEndian.PutUint32(answers[i*len(one)+64:], id+uint32(i))
		}
		tr.answers(answers[:got*len(one)], binary.BigEndian.Uint32(one), 64, 2)
		n += got
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet-in")
}
