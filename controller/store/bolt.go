package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

const (
	lockTimeout = time.Second
	// addressSpace is reserved for the file, so that a reader, which keeps the
	// file mapped where it is, does not hold up a writer that makes it longer.
	addressSpace = 1 << 32
	// fillPercent is how full pages are left that keys were put into in their order,
	// as those of one transaction are: at the library's half, a million flows take
	// 370 MB rather than 265, and fuller than this ones are split too often when
	// keys come in no order.
	fillPercent = 0.75
)

// bolt is a Store in a file.
type bolt struct {
	db   *bbolt.DB
	o    Options
	last atomic.Uint64 // revision
	news news
	shared
	place
	fate
	health
	committer
}

// Open opens the store in the file at path, or makes one if there is no file. It
// fails with ErrLocked, ErrDamaged or ErrFormat, or what the file system says;
// a file that is there is then left as it was.
func Open(path string, o Options) (Store, error) {
	s := &bolt{o: o.withDefaults()}
	err := inspect(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = create(path)
	}
	if err == nil {
		s.db, err = open(path, bbolt.Options{InitialMmapSize: addressSpace, OpenFile: s.place.open})
	}
	if errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w; %s", err, wayOut)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	err = s.view(func(m pages) error {
		s.last.Store(number(m, keyRevision))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, errors.Join(err, s.db.Close()))
	}
	// A process that was killed while it received a backup has left that: nobody else
	// has the store open, so nobody receives one.
	_ = os.Remove(path + received) // mostly there is none
	s.news.tell(Revision(s.last.Load()))
	s.committer.hangs = s.health.hangs
	s.start(s.carryOut)
	return s, nil
}

// open opens the file at path.
func open(path string, o bbolt.Options) (db *bbolt.DB, err error) {
	o.Timeout, o.FreelistType = lockTimeout, bbolt.FreelistMapType
	err = faultless(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &o)
		return err
	})
	return db, cause(err)
}

// create makes the file at path, whole or not at all: whoever finds an empty or
// half a file knows that something has been lost.
func create(path string) error {
	unfinished := path + ".new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := open(unfinished, bbolt.Options{})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range bucketNames {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return setNumber(pages{tx}, keyFormat, format)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	if err := os.Rename(unfinished, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// inspect looks at the file without changing it. What it refuses would otherwise
// be overwritten, or end the process when its missing end is read.
func inspect(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a directory; want a file")
	case info.Size() == 0:
		return fmt.Errorf("%w: the file is empty", ErrDamaged)
	}
	db, err := open(path, bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%w: the file has %d bytes of %d", ErrDamaged, info.Size(), tx.Size())
		}
		return faultless(func() error {
			t, err := openTrees(path, tx.ID())
			if err != nil {
				return err
			}
			defer t.f.Close()
			for _, name := range bucketNames {
				b := tx.Bucket([]byte(name))
				if b == nil {
					return fmt.Errorf("%w: it has no bucket %q; is it another program's?", ErrFormat, name)
				}
				if err := t.check(uint64(b.Root())); err != nil { // 0, a head, if it is in the root's leaf
					return fmt.Errorf("bucket %q: %w", name, err)
				}
			}
			switch f := number(pages{tx}, keyFormat); {
			case f > format:
				return fmt.Errorf("%w: it has format %d, this version reads %d: start the later version of sluiced that has written it, or restore a backup of this one's", ErrFormat, f, format)
			case f < format:
				return fmt.Errorf("%w: it has format %d, this version reads %d: no version of sluiced has written that; restore a backup", ErrFormat, f, format)
			}
			return nil
		})
	})
}

// wayOut is what can be done about a damaged store.
const wayOut = "restore a backup, or move it away to begin anew"

// cause says in our words what the library means.
func cause(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, berrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch),
		strings.HasPrefix(err.Error(), "file size too small"):
		return fmt.Errorf("%w, or no store at all: %w", ErrDamaged, err)
	}
	return err
}

// pages is memoryOf in a transaction of the file.
type pages struct{ tx *bbolt.Tx }

func (p pages) bucket(b bucket) *bbolt.Bucket {
	x := p.tx.Bucket([]byte(bucketNames[b]))
	x.FillPercent = fillPercent
	return x
}

func (p pages) get(b bucket, key []byte) []byte { return p.bucket(b).Get(key) }
func (p pages) put(b bucket, key, value []byte) error {
	return p.bucket(b).Put(key, value)
}
func (p pages) remove(b bucket, key []byte) error { return p.bucket(b).Delete(key) }

func (s *bolt) Revision() Revision { return Revision(s.last.Load()) }

func (s *bolt) Scan(ctx context.Context, prefix []byte, f func(Record) error) (rev Revision, err error) {
	err = s.view(func(m pages) error {
		rev = Revision(number(m, keyRevision))
		c := m.bucket(records).Cursor()
		n, count := uint64(0), number(m, keyCount)
		if len(prefix) == 0 {
			m.readAhead(ctx)
			defer m.unmapped()
		}
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			r, err := unsealed(k, v)
			if err != nil {
				return fmt.Errorf("store: %w", err)
			}
			if n++; n > count {
				break
			}
			if err := errors.Join(ctx.Err(), f(r)); err != nil {
				return err
			}
		}
		if n > count || n < count && len(prefix) == 0 {
			return fmt.Errorf("store: %w: it has not the %d records that were written", ErrDamaged, count)
		}
		return nil
	})
	return rev, closed(s.damaged(err))
}

func (s *bolt) Get(key []byte) (r Record, ok bool, err error) {
	err = s.view(func(m pages) error {
		v := m.get(records, key)
		if v == nil {
			return nil
		}
		ok = true
		r, err = unsealed(bytes.Clone(key), bytes.Clone(v))
		return err
	})
	if err != nil {
		return Record{}, false, fmt.Errorf("store: %w", closed(s.damaged(err)))
	}
	return r, ok, nil
}

func (s *bolt) History(ctx context.Context, after Revision, f func(Change) error) error {
	for r := after + 1; ; r++ {
		ok, err := s.shared.do(r, func(known *Change) (c Change, ok bool, err error) {
			err = s.view(func(m pages) (err error) {
				if known != nil && m.get(history, revisionKey(r)) != nil {
					c, ok = *known, true
					return nil
				}
				c, ok, err = changeAt(m, r)
				return err
			})
			return c, ok, closed(err)
		}, func(c Change) error { return errors.Join(ctx.Err(), f(c)) })
		if err != nil || !ok {
			return err
		}
	}
}

func (s *bolt) Oldest() (r Revision, err error) {
	err = s.view(func(m pages) error {
		r = Revision(max(number(m, keyOldest), 1))
		return nil
	})
	return r, closed(err)
}

func (s *bolt) Changed(after Revision) <-chan struct{} { return s.news.after(after) }

func (s *bolt) Backup(w io.Writer) (rev Revision, err error) {
	if err := s.fate.unwritable(); errors.Is(err, ErrDamaged) {
		return 0, fmt.Errorf("store: backup: %w", err)
	}
	err = s.view(func(m pages) error {
		rev = Revision(number(m, keyRevision))
		_, err := m.tx.WriteTo(w)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: backup: %w", closed(err))
	}
	return rev, nil
}

func (s *bolt) Close() error {
	s.stop()
	if err := s.closeFile(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// closed turns the library's word for a closed store into ours.
func closed(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// carryOut is one write to the disk for several transactions, each of which
// succeeds or fails for itself. What the disk says is every one's failure.
func (s *bolt) carryOut(all []*waiting) {
	s.turn.Lock()
	defer s.turn.Unlock()
	defer s.health.writes(byCommit)()
	err := s.update(func(tx *bbolt.Tx) error {
		if err := s.place.check(time.Now()); err != nil {
			return err
		}
		m := newWriting(tx)
		for _, w := range all {
			w.done, w.err = apply(m, &w.txn, &s.o)
			if w.err != nil && !errors.Is(w.err, ErrConflict) && !errors.Is(w.err, ErrReused) {
				return w.err
			}
		}
		return nil
	})
	if err != nil {
		err = s.ensure(err)
	}
	if !errors.Is(closed(err), ErrClosed) {
		s.health.note(err, true, s.o.Now())
	}
	for _, w := range all {
		if err != nil {
			w.done, w.err = Done{}, closed(err)
		} else if w.err == nil {
			s.last.Store(max(s.last.Load(), uint64(w.done.Revision)))
		}
	}
	s.news.tell(s.Revision())
}
