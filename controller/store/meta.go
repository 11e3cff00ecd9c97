package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// A bbolt file begins with two meta pages, which take turns: each transaction
// writes the older one. One that is damaged is not read, and the other taken, which
// may be the state before the last transaction. bbolt says nothing of that.
const (
	metaHeader  = 16         // bytes of a page before what it holds
	metaBytes   = 64         // of a meta: 56 and their checksum, FNV-1a
	metaMagic   = 0xED0CDAED // its first four bytes
	metaVersion = 2
	metaFirst   = 1 << 10 // smallest page
	metaLast    = 1 << 16 // largest page
)

// Doubts looks at the file at path before it is opened, and returns what is to be
// told of it although it can be opened: that one of its meta pages is damaged. It
// returns nil where there is nothing to tell, and where Open says what is wrong.
func Doubts(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	size, damage := readMeta(f, 0)
	if damage == nil {
		if _, damage = readMeta(f, int64(size)); damage != nil {
			return damagedMeta(1, damage)
		}
		return nil
	}
	for at := int64(metaFirst); at <= metaLast; at <<= 1 {
		if size, err := readMeta(f, at); err == nil && int64(size) == at {
			return damagedMeta(0, damage)
		}
	}
	return nil // neither can be read
}

func damagedMeta(n int, why error) error {
	return fmt.Errorf("meta page %d of 0 and 1 is damaged (%w): the other one is taken, which may be older by a transaction; compare with sluice history, or restore a backup", n, why)
}

// readMeta reads the meta page at an offset, and returns how long pages are.
func readMeta(f io.ReaderAt, at int64) (pageSize uint32, err error) {
	var b [metaHeader + metaBytes]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
			err = pathError.Err
		}
		return 0, err
	}
	m := b[metaHeader:]
	order := binary.NativeEndian
	sum := fnv.New64a()
	_, _ = sum.Write(m[:metaBytes-8]) // never fails
	switch {
	case order.Uint32(m) != metaMagic:
		return 0, errors.New("it is none")
	case order.Uint32(m[4:]) != metaVersion:
		return 0, fmt.Errorf("its version is %d", order.Uint32(m[4:]))
	case order.Uint64(m[metaBytes-8:]) != sum.Sum64():
		return 0, errors.New("its checksum is wrong")
	}
	pageSize = order.Uint32(m[8:])
	if pageSize < metaFirst || pageSize > metaLast || pageSize&(pageSize-1) != 0 {
		return 0, fmt.Errorf("its pages have %d bytes", pageSize)
	}
	return pageSize, nil
}
