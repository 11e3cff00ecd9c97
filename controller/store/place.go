package store

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrMoved means that the file at a store's path is not the store's, which was
// removed, renamed or replaced while it is open: what is written to it is lost when
// the process ends.
var ErrMoved = errors.New("the file is no longer at its path")

// placeEvery is how often it is looked whether the file is still there.
const placeEvery = time.Second

// place knows which file the store has open, and looks whether it is the one at the
// store's path. It is used by the goroutine that commits, and by Try, which share
// the store's only write transaction; the zero value knows of no file.
type place struct {
	file     os.FileInfo
	handle   *os.File // the library's
	pageSize int64    // at which the second head begins
	path     string
	at       time.Time // when it was there
}

// open opens the store's file for bbolt, and notes which one it is, the first time.
func (p *place) open(path string, flag int, perm os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag, perm)
	if err != nil {
		return nil, err
	}
	if p.file != nil {
		return f, nil // for a backup, beside commits
	}
	if p.file, err = f.Stat(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p.path, p.handle, p.pageSize = path, f, int64(os.Getpagesize())
	if size, err := readMeta(f, 0); err == nil {
		p.pageSize = int64(size)
	}
	return f, nil
}

// check fails with ErrMoved if the file is not at its path. It looks once a second at
// most while it is; a file that is not there is looked for each time.
func (p *place) check(now time.Time) error {
	if since := now.Sub(p.at); since >= 0 && since < placeEvery {
		return nil
	}
	info, err := os.Stat(p.path)
	switch {
	case err == nil && os.SameFile(info, p.file):
		p.at = now
		return nil
	case err == nil:
		err = errors.New("another file is there")
	}
	return fmt.Errorf("%w %s (%w): move it back there, or end sluiced and put a backup there", ErrMoved, p.path, err)
}
