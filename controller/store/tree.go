package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A bbolt file is trees of pages: branches, which lead to others, and leaves. The library
// follows them without looking where it was before: a branch that leads back to itself
// has it use up the stack, which ends the process. So the branches are looked at before.

const (
	pageBranch  = 1  // the bit of a page's flags
	branchEntry = 16 // bytes, of which the last eight are the page that it leads to
	maxDepth    = 64 // of a tree; that of a million flows has four
)

// trees are the branches of a file.
type trees struct {
	f        *os.File
	pageSize int64
	pages    uint64
	branch   bits // pages that may be branches: what is in a page says so
	followed bits
}

// bits are a set of pages.
type bits []uint64

func (b bits) has(id uint64) bool { return b[id/64]&(1<<(id%64)) != 0 }
func (b bits) add(id uint64)      { b[id/64] |= 1 << (id % 64) }

// openTrees opens the file at path, and checks the tree of the names of its buckets, as of
// a transaction that is its last one. The caller closes f.
func openTrees(path string, txid int) (*trees, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t, err := readTrees(f)
	if err == nil {
		var root uint64
		if root, err = t.root(txid); err == nil {
			err = t.check(root)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

// readTrees reads the head of each page, from the file's beginning to its end, which the
// system reads ahead.
func readTrees(f *os.File) (*trees, error) {
	pageSize, err := readMeta(f, 0)
	for at := int64(metaFirst); err != nil && at <= metaLast; at <<= 1 {
		pageSize, err = readMeta(f, at)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t := &trees{f: f, pageSize: int64(pageSize), pages: uint64(info.Size()) / uint64(pageSize)}
	t.branch, t.followed = make(bits, t.pages/64+1), make(bits, t.pages/64+1)
	var head [metaHeader]byte
	for id := range t.pages {
		if _, err := f.ReadAt(head[:], int64(id)*t.pageSize); err != nil {
			return nil, err
		}
		if binary.NativeEndian.Uint16(head[8:])&pageBranch != 0 {
			t.branch.add(id)
		}
	}
	return t, nil
}

// root returns the page at which the tree of the buckets' names begins, as of a
// transaction that is the file's last one.
func (t *trees) root(txid int) (uint64, error) {
	for _, at := range []int64{0, t.pageSize} {
		var b [metaBytes]byte
		if _, err := readMeta(t.f, at); err != nil {
			continue
		}
		if _, err := t.f.ReadAt(b[:], at+metaHeader); err != nil {
			return 0, err
		}
		if binary.NativeEndian.Uint64(b[48:]) == uint64(txid) {
			return binary.NativeEndian.Uint64(b[16:]), nil
		}
	}
	return 0, errors.New("it has been written meanwhile")
}

// check fails with ErrDamaged if a branch of the tree that begins at a page is reached
// twice, in this tree or in one that was checked before, or leads out of the file, or if
// the tree is too deep.
func (t *trees) check(root uint64) error {
	level, err := t.reached(nil, root)
	for depth := 0; err == nil && len(level) > 0; depth++ {
		if depth == maxDepth {
			return fmt.Errorf("%w: its pages lead to each other more than %d deep", ErrDamaged, maxDepth)
		}
		var next []uint64
		for _, id := range level {
			if next, err = t.follow(next, id); err != nil {
				return err
			}
		}
		level = next
	}
	return err
}

// reached adds a page to a level of the tree if it is a branch.
func (t *trees) reached(level []uint64, id uint64) ([]uint64, error) {
	switch {
	case id >= t.pages:
		return nil, fmt.Errorf("%w: a page leads to page %d of %d", ErrDamaged, id, t.pages)
	case !t.branch.has(id):
		return level, nil
	case t.followed.has(id):
		return nil, fmt.Errorf("%w: two pages, or itself, lead to page %d", ErrDamaged, id)
	}
	t.followed.add(id)
	return append(level, id), nil
}

// follow adds the branches that a branch leads to.
func (t *trees) follow(level []uint64, id uint64) ([]uint64, error) {
	var head [metaHeader]byte
	at := int64(id) * t.pageSize
	if _, err := t.f.ReadAt(head[:], at); err != nil {
		return nil, err
	}
	entries := make([]byte, branchEntry*int(binary.NativeEndian.Uint16(head[10:]))) // 1 MiB at most
	if _, err := t.f.ReadAt(entries, at+metaHeader); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: page %d goes beyond the end of the file", ErrDamaged, id)
	} else if err != nil {
		return nil, err
	}
	var err error
	for ; len(entries) > 0 && err == nil; entries = entries[branchEntry:] {
		level, err = t.reached(level, binary.NativeEndian.Uint64(entries[branchEntry-8:]))
	}
	return level, err
}
