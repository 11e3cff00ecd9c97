package store

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// writing is memoryOf in a transaction of the file that writes.
type writing struct {
	buckets [numBuckets]*bbolt.Bucket
	gap     gap // of the records
}

func newWriting(tx *bbolt.Tx) *writing {
	w := &writing{}
	for b := range numBuckets {
		w.buckets[b] = pages{tx}.bucket(b)
	}
	return w
}

func (w *writing) get(b bucket, key []byte) []byte {
	if b == records {
		return w.gap.get(w.buckets[b], key)
	}
	return w.buckets[b].Get(key)
}

func (w *writing) put(b bucket, key, value []byte) error {
	if b == records {
		w.gap.put(key)
	}
	return w.buckets[b].Put(key, value)
}

func (w *writing) remove(b bucket, key []byte) error { return w.buckets[b].Delete(key) }

// gap is a stretch of keys none of which is in a bucket: those after one and before
// another. Edits come by ascending key, so that what is found out for a new key
// serves all new ones up to the next that is there. The zero value knows of none.
type gap struct {
	known         bool
	after, before []byte // neither is in the stretch; before is empty if it has no end
}

// holds says whether it is known that there is no such key.
func (g *gap) holds(key []byte) bool {
	return g.known && bytes.Compare(key, g.after) > 0 && (len(g.before) == 0 || bytes.Compare(key, g.before) < 0)
}

// get returns what b has under key, nil if nothing.
func (g *gap) get(b *bbolt.Bucket, key []byte) []byte {
	if g.holds(key) {
		return nil
	}
	next, value := b.Cursor().Seek(key)
	if bytes.Equal(next, key) {
		return value
	}
	g.known, g.after, g.before = true, append(g.after[:0], key...), append(g.before[:0], next...)
	return nil
}

// put notes that there is such a key from now on.
func (g *gap) put(key []byte) {
	if g.holds(key) {
		g.after = append(g.after[:0], key...)
	}
}
