package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// MaxCopy bounds the bytes of a backup that is read back.
const MaxCopy int64 = 2 << 30

// received is what the name of a backup that is being read back ends with.
const received = ".received"

// Copy is a backup, as Store.Backup has written it. It can only be read, by one
// goroutine at a time.
type Copy struct {
	in   bolt
	path string
}

// Receive takes a backup in and checks the whole of it: its format, each record
// and the history. It keeps it beside the file of the store that it is meant for,
// where nothing is changed, until Close; a file that an earlier process has left
// there is replaced. One is received at a time, for which the caller sees. It
// fails with ErrDamaged, ErrFormat, ErrLimit, the context's error, or what r or
// the file system say.
func Receive(ctx context.Context, s Store, r io.Reader) (_ *Copy, err error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("sluice-%d", os.Getpid())+received)
	if b, ok := s.(*bolt); ok {
		path = b.db.Path() + received
	}
	c := &Copy{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("backup: %w", err), c.Close())
		}
	}()
	if err := c.write(ctx, r); err != nil {
		return nil, err
	}
	if err := inspect(path); err != nil {
		return nil, err
	}
	if c.in.db, err = open(path, bbolt.Options{ReadOnly: true}); err != nil {
		return nil, err
	}
	if _, err := c.in.Scan(ctx, nil, func(Record) error { return nil }); err != nil {
		return nil, err
	}
	oldest, err := c.in.Oldest()
	if err != nil {
		return nil, err
	}
	return c, c.in.History(ctx, oldest-1, func(Change) error { return nil })
}

// write makes the file. What an earlier process has left is removed first, for
// another user might hold it open.
func (c *Copy) write(ctx context.Context, r io.Reader) error {
	if err := os.Remove(c.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(c.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, MaxCopy+1))
	switch {
	case err != nil:
	case n > MaxCopy:
		err = fmt.Errorf("%w: more than %d bytes", ErrLimit, MaxCopy)
	default:
		err = ctx.Err()
	}
	return errors.Join(err, f.Close())
}

// Scan is that of Store. The revision is that of the backup.
func (c *Copy) Scan(ctx context.Context, prefix []byte, f func(Record) error) (Revision, error) {
	return c.in.Scan(ctx, prefix, f)
}

// Close removes the copy.
func (c *Copy) Close() error {
	var err error
	if c.in.db != nil {
		err = c.in.db.Close()
	}
	if e := os.Remove(c.path); e != nil && !errors.Is(e, os.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}
