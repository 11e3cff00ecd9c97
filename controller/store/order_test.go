package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// Edits are put in order as by comparing keys, those of one key staying in theirs:
// with keys that are short, alike for long, and the same.
func TestByKey(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, radixLeast - 1, radixLeast, 5000} {
		for _, long := range []int{0, 1, 7, 8, 9, 15, 16, 17, 40} {
			for _, symbols := range []int{1, 2, 256} {
				edits := make([]Edit, n)
				for i := range edits {
					k := make([]byte, 1+long-r.IntN(min(long, 9)+1))
					for j := range k {
						k[j] = byte(r.IntN(symbols))
					}
					edits[i] = Edit{Key: append([]byte{"fgt"[r.IntN(3)]}, k...), Value: fmt.Append(nil, i)}
				}
				want := slices.Clone(edits)
				slices.SortStableFunc(want, func(a, b Edit) int { return bytes.Compare(a.Key, b.Key) })
				if got := byKey(edits); !reflect.DeepEqual(got, want) {
					t.Fatalf("%d edits with keys of up to %d of %d symbols are not in their order", n, long+2, symbols)
				}
			}
		}
	}
}

// BenchmarkByKey: 100,000 flows of a switch in the order in which a file may have
// them.
func BenchmarkByKey(b *testing.B) {
	edits := make([]Edit, 100_000)
	for i := range edits {
		edits[i].Key = append([]byte("f12345678\x00\x00"), byte(i%100), 0x80, 0, 0x0a, 2, 8, 0, 0x80, 0, 0x16, 4, 10, byte(i>>16), byte(i>>8), byte(i))
	}
	for b.Loop() {
		byKey(edits)
	}
}
