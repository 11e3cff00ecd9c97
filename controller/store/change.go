package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
)

// size is how many bytes append appends at most.
func (c *Change) size() int {
	n := 12 + 4*binary.MaxVarintLen64 + len(c.Author) + len(c.Note) + len(c.Request)
	for i := range c.Edits {
		n += binary.MaxVarintLen16 + binary.MaxVarintLen32 + len(c.Edits[i].Key) + len(c.Edits[i].Before)
	}
	return n
}

// append appends the change as the history has it: a checksum of the rest, the
// time, the texts and the edits, each text with its length before it. What an
// edit put is not kept: it stands in the record, or in the change that came next.
func (c *Change) append(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Time.UnixNano()))
	for _, s := range []string{c.Author, c.Note, c.Request} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Edits)))
	for i := range c.Edits {
		e := &c.Edits[i]
		b = binary.AppendUvarint(b, uint64(len(e.Key)))
		b = append(b, e.Key...)
		before := uint64(0) // twice the length and one more; and one more if the key was removed
		if e.Before != nil {
			before = 2*uint64(len(e.Before)) + 1
		}
		if e.Removed {
			before++
		}
		b = binary.AppendUvarint(b, before)
		b = append(b, e.Before...)
	}
	binary.BigEndian.PutUint32(b[start:], crc32.Checksum(b[start+4:], castagnoli))
	return b
}

// readHead reads what append has written but for the edits, which in has then, in b's
// memory.
func readHead(r Revision, b []byte) (c Change, in scanner, err error) {
	if len(b) < 12 || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) {
		return Change{}, scanner{}, notWritten(r)
	}
	in = scanner{b: b[12:]}
	c = Change{Revision: r, Time: time.Unix(0, int64(binary.BigEndian.Uint64(b[4:])))}
	c.Author, c.Note, c.Request = string(in.text(in.number())), string(in.text(in.number())), string(in.text(in.number()))
	if in.bad {
		return Change{}, scanner{}, notWritten(r)
	}
	return c, in, nil
}

func notWritten(r Revision) error {
	return fmt.Errorf("history of revision %d: %w: it is not what was written", r, ErrDamaged)
}

// readChange reads what append has written; what it returns is in memory of its
// own.
func readChange(r Revision, b []byte) (Change, error) {
	c, in, err := readHead(r, b)
	if err != nil {
		return Change{}, err
	}
	in.b = bytes.Clone(in.b)
	n := in.number()
	if n > uint64(len(in.b)) {
		return Change{}, notWritten(r)
	}
	c.Edits = make([]Changed, n)
	for i := range c.Edits {
		e := &c.Edits[i]
		e.Key = in.text(in.number())
		if n := in.number(); n > 0 {
			e.Before, e.Removed = in.text((n-1)/2), n%2 == 0
		}
	}
	if in.bad || len(in.b) > 0 {
		return Change{}, notWritten(r)
	}
	return c, nil
}

// scanner reads numbers and texts. After a fault all further ones are empty.
type scanner struct {
	b   []byte
	bad bool
}

func (s *scanner) number() uint64 {
	n, size := binary.Uvarint(s.b)
	if size <= 0 {
		s.bad, s.b = true, nil
		return 0
	}
	s.b = s.b[size:]
	return n
}

// text returns the next n bytes.
func (s *scanner) text(n uint64) []byte {
	if n > uint64(len(s.b)) {
		s.bad, s.b = true, nil
		return nil
	}
	t := s.b[:n:n]
	s.b = s.b[n:]
	return t
}
