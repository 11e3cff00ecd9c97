package store

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkCommit writes 100,000 records of 120 bytes in transactions of 1,000, and
// tells how that compares with writing as many bytes to a file and syncing it as
// often.
func BenchmarkCommit(b *testing.B) {
	const txns, each, size = 100, 1000, 120
	value := make([]byte, size)
	for b.Loop() {
		dir := b.TempDir()
		s, err := Open(filepath.Join(dir, "state.db"), Options{})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		for i := range txns {
			x := Txn{Edits: make([]Edit, each)}
			for k := range x.Edits {
				key := binary.BigEndian.AppendUint64([]byte("f/0000000000000001/"), uint64(k*txns+i)*0x9e3779b97f4a7c15)
				x.Edits[k] = Edit{Key: key, Value: value}
			}
			if _, err := s.Commit(b.Context(), x); err != nil {
				b.Fatal(err)
			}
		}
		took := time.Since(start)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, "floor"))
		if err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		for range txns {
			if _, err := f.Write(make([]byte, each*(size+27))); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(took)/float64(time.Since(start)), "x-floor")
		b.ReportMetric(took.Seconds(), "s/100k")
		f.Close()
	}
}

// BenchmarkLargeCommit writes 100,000 records in one transaction, and as many in ten,
// those of a tenth of the keys in each: new ones, and then those again with other
// values. It tells how the times compare.
func BenchmarkLargeCommit(b *testing.B) {
	const all, size = 100_000, 120
	var took [2][2]time.Duration // one and ten; new and again
	for b.Loop() {
		for i, txns := range []int{1, 10} {
			s, err := Open(filepath.Join(b.TempDir(), "state.db"), Options{})
			if err != nil {
				b.Fatal(err)
			}
			for again := range took[i] {
				for k := range txns {
					x := Txn{Edits: make([]Edit, all/txns)}
					for j := range x.Edits {
						n := k*len(x.Edits) + j
						key := binary.BigEndian.AppendUint64([]byte("f/0000000000000001/"), uint64(n/(all/10)))
						key = binary.BigEndian.AppendUint64(key, uint64(n)*0x9e3779b97f4a7c15)
						x.Edits[j] = Edit{Key: key, Value: bytes.Repeat([]byte{byte(again)}, size)}
					}
					start := time.Now()
					if _, err := s.Commit(b.Context(), x); err != nil {
						b.Fatal(err)
					}
					took[i][again] += time.Since(start)
				}
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	for again, name := range []string{"new", "again"} {
		one, ten := took[0][again], took[1][again]
		b.ReportMetric(one.Seconds()*1000/float64(b.N), name+"-one-ms")
		b.ReportMetric(ten.Seconds()*1000/float64(b.N), name+"-ten-ms")
		b.ReportMetric(float64(one)/float64(ten), name+"-one/ten")
	}
}
