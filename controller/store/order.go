package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// ref is an edit that is being put into its place.
type ref struct {
	next  [2]uint64 // what stands in its key behind what all keys of its kind begin with
	index int32
}

// byKey returns the edits by ascending key, those of one key in their order. What
// they do is the same; but a page of the file that keys are put into in another
// order is moved again and again until the transaction ends.
func byKey(edits []Edit) []Edit {
	if slices.IsSortedFunc(edits, func(a, b Edit) int { return bytes.Compare(a.Key, b.Key) }) {
		return edits
	}
	// Keys of a kind begin alike: what comes next decides about most of them.
	var ends [256]int
	for i := range edits {
		ends[edits[i].Key[0]]++
	}
	var starts [256]int
	for kind := 1; kind < len(ends); kind++ {
		starts[kind] = ends[kind-1]
		ends[kind] += ends[kind-1]
	}
	order, spare := make([]ref, len(edits)), make([]ref, len(edits))
	at := starts
	for i := range edits {
		kind := edits[i].Key[0]
		order[at[kind]].index = int32(i)
		at[kind]++
	}
	for kind, end := range ends {
		if start := starts[kind]; start < end {
			sortKind(edits, order[start:end], spare[start:end])
		}
	}
	sorted := make([]Edit, len(edits))
	for i, from := range order {
		sorted[i] = edits[from.index]
	}
	return sorted
}

// radixLeast is how many edits are put in order by the bytes of their keys rather
// than by comparing them.
const radixLeast = 200

// sortKind puts the refs of one kind, which are in the order of their edits, into
// that of their keys.
func sortKind(edits []Edit, refs, spare []ref) {
	key := func(r *ref) []byte { return edits[r.index].Key }
	same := key(&refs[0])
	for i := range refs {
		same = same[:common(same, key(&refs[i]))]
	}
	var differ [2]uint64 // the bits in which some differ
	for i := range refs {
		r := &refs[i]
		rest := key(r)[len(same):]
		r.next = [2]uint64{head(rest), head(rest[min(8, len(rest)):])}
		differ[0] |= r.next[0] ^ refs[0].next[0]
		differ[1] |= r.next[1] ^ refs[0].next[1]
	}
	whole := func(a, b ref) int {
		return cmp.Or(bytes.Compare(key(&a), key(&b)), cmp.Compare(a.index, b.index))
	}
	if len(refs) < radixLeast {
		slices.SortFunc(refs, whole)
		return
	}
	sorted := refs
	for word := 1; word >= 0; word-- { // from the least byte to the first one
		for shift := 0; shift < 64; shift += 8 {
			if byte(differ[word]>>shift) != 0 {
				byByte(sorted, spare, word, shift)
				sorted, spare = spare, sorted
			}
		}
	}
	if &sorted[0] != &refs[0] {
		copy(refs, sorted)
	}
	for len(refs) > 0 { // those of which that was not enough
		n := 1
		for n < len(refs) && refs[n].next == refs[0].next {
			n++
		}
		if n > 1 {
			slices.SortFunc(refs[:n], whole)
		}
		refs = refs[n:]
	}
}

// byByte puts refs into the order of one byte, those that have the same in theirs.
func byByte(from, to []ref, word, shift int) {
	var at [256]int
	for i := range from {
		at[byte(from[i].next[word]>>shift)]++
	}
	sum := 0
	for i, n := range at {
		at[i], sum = sum, sum+n
	}
	for i := range from {
		b := byte(from[i].next[word] >> shift)
		to[at[b]] = from[i]
		at[b]++
	}
}

// common returns how many bytes a and b begin with that are the same.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// head returns the first eight bytes as a number that compares as they do, zeros for
// those that are missing.
func head(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var n [8]byte
	copy(n[:], b)
	return binary.BigEndian.Uint64(n[:])
}
