package main

import (
	"encoding/binary"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

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
