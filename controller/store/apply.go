package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
)

// bucket is one of the four places where a store keeps things.
type bucket uint8

const (
	meta     bucket = iota // what the store itself must know
	records                // key → revision, checksum, value
	history                // revision → what it changed
	requests               // author and request id → revision, digest
	numBuckets
)

var bucketNames = [numBuckets]string{"meta", "records", "history", "requests"}

// Keys of meta.
var (
	keyFormat   = []byte("format")
	keyRevision = []byte("revision") // of the last change
	keyOldest   = []byte("oldest")   // of the history
	keyTime     = []byte("time")     // of the last change, nanoseconds since 1970
	keyCount    = []byte("count")    // of records: some that are lost would not be missed else
	keySize     = []byte("size")     // of the history in bytes
)

// format is what is written now. A store of an older one is brought up to it by
// Open; there is none yet.
const format = 1

// memoryOf is what transactions work on: a table of bytes for each bucket. get
// returns nil where there is nothing, and what it returns is valid until the
// next put.
type memoryOf interface {
	get(b bucket, key []byte) []byte
	put(b bucket, key, value []byte) error
	remove(b bucket, key []byte) error
}

func number(m memoryOf, key []byte) uint64 {
	if v := m.get(meta, key); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func setNumber(m memoryOf, key []byte, n uint64) error {
	return m.put(meta, key, binary.BigEndian.AppendUint64(nil, n))
}

func revisionKey(r Revision) []byte { return binary.BigEndian.AppendUint64(nil, uint64(r)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// recordHead is the length of what stands before the value of a record.
const recordHead = 12

// sealer makes records as they are stored. Those of one transaction lie in common
// blocks of memory, which are as long as what they hold, or sealBlock.
type sealer struct {
	free   []byte
	left   int    // bytes of the records that are to come
	copies []byte // free, for what was there before
}

const sealBlock = 64 << 10

// sealed returns a record as it is stored: revision, checksum of all else, value.
func (s *sealer) sealed(key, value []byte, r Revision) []byte {
	n := recordHead + len(value)
	if cap(s.free) < n {
		s.free = make([]byte, 0, max(n, min(s.left, sealBlock)))
	}
	b := append(s.free[:recordHead:n], value...)
	s.free, s.left = s.free[n:n:cap(s.free)], s.left-n
	binary.BigEndian.PutUint64(b, uint64(r))
	binary.BigEndian.PutUint32(b[8:], checksum(key, b))
	return b
}

// copied returns a copy of value, which is not nil, in a block as records lie in.
func (s *sealer) copied(value []byte) []byte {
	n := len(value)
	if s.copies == nil || cap(s.copies) < n {
		s.copies = make([]byte, 0, max(n, min(s.left, sealBlock)))
	}
	b := append(s.copies[:0:n], value...)
	s.copies = s.copies[n:n:cap(s.copies)]
	return b
}

// checksum is that of a stored record, but for the checksum itself.
func checksum(key, stored []byte) uint32 {
	sum := crc32.Update(0, castagnoli, key)
	sum = crc32.Update(sum, castagnoli, stored[:8])
	return crc32.Update(sum, castagnoli, stored[recordHead:])
}

// unsealed returns the record that is stored under a key. It aliases both.
func unsealed(key, stored []byte) (Record, error) {
	if len(stored) < recordHead || binary.BigEndian.Uint32(stored[8:]) != checksum(key, stored) {
		return Record{}, fmt.Errorf("record %x: %w: its checksum is wrong", key, ErrDamaged)
	}
	return Record{Key: key, Value: stored[recordHead:], Revision: Revision(binary.BigEndian.Uint64(stored))}, nil
}

// apply carries t out. Nothing has changed in m if it fails with ErrConflict or
// ErrReused; after any other error m must be thrown away.
func apply(m memoryOf, t *Txn, o *Options) (Done, error) {
	request := requestKey(t.Author, t.Request)
	digest := t.digest()
	if request != nil {
		if v := m.get(requests, request); len(v) == 8+len(digest) {
			if !bytes.Equal(v[8:], digest[:]) {
				return Done{}, fmt.Errorf("request id %q: %w, in revision %d", t.Request, ErrReused, binary.BigEndian.Uint64(v))
			}
			return Done{Revision: Revision(binary.BigEndian.Uint64(v)), Repeated: true}, nil
		}
	}
	for _, c := range t.If {
		at := Revision(0)
		if v := m.get(records, c.Key); v != nil {
			r, err := unsealed(c.Key, v)
			if err != nil {
				return Done{}, err
			}
			at = r.Revision
		}
		if at != c.Revision {
			return Done{}, &ConflictError{Condition: c, Revision: at}
		}
	}
	rev := Revision(number(m, keyRevision) + 1)
	at := max(uint64(max(o.Now().UnixNano(), 0)), number(m, keyTime))
	count := number(m, keyCount)
	change := Change{Revision: rev, Time: time.Unix(0, int64(at)), Author: t.Author, Note: t.Note, Request: t.Request}
	edits := byKey(t.Edits)
	change.Edits = make([]Changed, 0, len(edits))
	seal := sealer{left: recordHead * len(edits)}
	for i := range edits {
		seal.left += len(edits[i].Value)
	}
	some := false
	for i := range edits {
		e := &edits[i]
		before, changed, err := edit(m, e, rev, &seal)
		if err != nil {
			return Done{}, err
		}
		switch {
		case changed && e.Remove:
			count--
		case changed && before == nil:
			count++
		}
		some = some || changed
		if changed && !e.Untold {
			change.Edits = append(change.Edits, Changed{Key: e.Key, Before: before, Removed: e.Remove})
		}
	}
	if !some {
		return Done{Revision: rev - 1}, nil
	}
	told := change.append(make([]byte, 0, change.size()))
	if err := m.put(history, revisionKey(rev), told); err != nil {
		return Done{}, err
	}
	if request != nil {
		if err := m.put(requests, request, append(revisionKey(rev), digest[:]...)); err != nil {
			return Done{}, err
		}
	}
	if undone := requestKey(t.Author, t.Forget); undone != nil {
		if err := m.remove(requests, undone); err != nil {
			return Done{}, err
		}
	}
	if err := setNumber(m, keyRevision, uint64(rev)); err != nil {
		return Done{}, err
	}
	if err := setNumber(m, keyTime, at); err != nil {
		return Done{}, err
	}
	if err := setNumber(m, keyCount, count); err != nil {
		return Done{}, err
	}
	return Done{Revision: rev}, forgetOld(m, rev, number(m, keySize)+uint64(len(told)), o)
}

// edit carries one edit out. It returns a copy of what was there, nil if nothing
// was, and whether anything has changed.
func edit(m memoryOf, e *Edit, rev Revision, seal *sealer) (before []byte, changed bool, err error) {
	if v := m.get(records, e.Key); v != nil {
		r, err := unsealed(e.Key, v)
		if err != nil {
			return nil, false, err
		}
		if !e.Remove && bytes.Equal(r.Value, e.Value) {
			return nil, false, nil
		}
		before = seal.copied(r.Value)
	}
	if e.Remove {
		return before, before != nil, m.remove(records, e.Key)
	}
	return before, true, m.put(records, e.Key, seal.sealed(e.Key, e.Value, rev))
}

// forgetOld removes what the history, of size bytes, need not keep.
func forgetOld(m memoryOf, last Revision, size uint64, o *Options) error {
	oldest := Revision(max(number(m, keyOldest), 1))
	for ; last-oldest >= Revision(o.History) || size > uint64(o.HistoryBytes) && oldest < last; oldest++ {
		key := revisionKey(oldest)
		v := m.get(history, key)
		if v == nil { // each revision has its entry, unless a number here is damaged
			return notWritten(oldest)
		}
		size -= min(size, uint64(len(v)))
		c, _, err := readHead(oldest, v)
		if err != nil {
			return err
		}
		request := requestKey(c.Author, c.Request)
		// One that was forgotten may have come again since, as a later revision.
		if request != nil && bytes.HasPrefix(m.get(requests, request), key) {
			if err := m.remove(requests, request); err != nil {
				return err
			}
		}
		if err := m.remove(history, key); err != nil {
			return err
		}
	}
	if err := setNumber(m, keySize, size); err != nil {
		return err
	}
	return setNumber(m, keyOldest, uint64(oldest))
}

// requestKey is what a transaction is known by when it is sent again, or nil.
func requestKey(author, request string) []byte {
	if request == "" {
		return nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s%s", len(author), author, request))
	return sum[:]
}

// digest tells transactions of one request id apart: it is over what they want,
// not over the conditions.
func (t *Txn) digest() [16]byte {
	if t.Request == "" {
		return [16]byte{}
	}
	h := sha256.New()
	if t.Content != nil {
		h.Write(t.Content)
		return [16]byte(h.Sum(nil))
	}
	var n []byte
	for i := range t.Edits {
		e := &t.Edits[i]
		n = binary.AppendUvarint(n[:0], uint64(len(e.Key)))
		n = binary.AppendUvarint(n, uint64(len(e.Value)))
		if e.Remove {
			n = append(n, 1)
		} else {
			n = append(n, 0)
		}
		h.Write(n)
		h.Write(e.Key)
		h.Write(e.Value)
	}
	return [16]byte(h.Sum(nil))
}
