package store

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"
)

// ErrBroken means that nothing is written to a store any more until it is opened
// again: it is damaged (then the error is an ErrDamaged, too), or its disk has failed so
// that nobody knows what of it is on the disk, or would be.
var ErrBroken = errors.New("nothing more is written to the store")

// What to do about a store that is broken while somebody has it open.
const (
	wayOutRunning = "end sluiced, and restore a backup of state.db, or move it away to begin anew; until then `sluice export` still tells what switches should have"
	wayOutSync    = "take a `sluice backup` to another disk, end sluiced, mend the disk, put the backup in the place of state.db, and start it again"
	wayOutUnsure  = "look after the disk, end sluiced and start it again: what it finds then holds"
)

// fate is what ails a store that was whole when it was opened. It never gets better.
// The zero value is that of a store that is whole.
type fate struct {
	// turn is had by who writes, until the revision that is known is the file's again.
	// No lock of ours is waited for in between.
	turn sync.Mutex

	writes atomic.Pointer[error] // why nothing is written
	reads  atomic.Pointer[error] // why nothing is read, either
	// locked says that the library was interrupted where it holds locks, which nobody
	// gives back: to close it would take for ever.
	locked atomic.Bool
}

func (f *fate) unwritable() error { return pointed(&f.writes) }
func (f *fate) unreadable() error { return pointed(&f.reads) }

func pointed(p *atomic.Pointer[error]) error {
	if err := p.Load(); err != nil {
		return *err
	}
	return nil
}

// breaks notes why nothing is written any more, unless something is noted already, and
// returns what is noted.
func (s *bolt) breaks(err error) error {
	s.fate.writes.CompareAndSwap(nil, &err)
	err = s.fate.unwritable()
	s.health.note(err, false, s.o.Now())
	return err
}

// damaged notes damage that was found, and returns how it is told of. Other errors are
// returned as they are, and so is damage of what is only read.
func (s *bolt) damaged(err error) error {
	if !errors.Is(err, ErrDamaged) || errors.Is(err, ErrBroken) || s.queue == nil {
		return err
	}
	return s.breaks(fmt.Errorf("%w: %w; %s", ErrBroken, err, wayOutRunning))
}

// view calls f in a transaction that reads. What f reads that cannot be read is damage.
func (s *bolt) view(f func(m pages) error) error {
	if err := s.fate.unreadable(); err != nil {
		return err
	}
	last := s.Revision()
	if err := s.place.whole(0); err != nil {
		return s.damaged(err)
	}
	err, panicked := caught(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			err, panicked := caught(func() error {
				if now := Revision(number(pages{tx}, keyRevision)); now < last {
					return strayed(now, last)
				}
				return f(pages{tx})
			})
			if panicked {
				err = s.damaged(err)
			}
			return err
		})
	})
	if panicked { // before f or after it, with locks held
		err = s.damaged(err)
		s.fate.locked.Store(true)
		s.fate.reads.CompareAndSwap(nil, &err)
	}
	return err
}

// update calls f in a transaction that writes, unless it is known that the file is
// damaged. What is found out of that in between, too, is an ErrBroken.
// The caller has the turn to write.
func (s *bolt) update(f func(tx *bbolt.Tx) error) error { return s.updateAt(s.Revision(), f) }

// updateAt is update of a file that is at a revision, as is known.
func (s *bolt) updateAt(at Revision, f func(tx *bbolt.Tx) error) error {
	if err := s.fate.unwritable(); err != nil {
		return err
	}
	if err := s.place.whole(0); err != nil {
		return s.damaged(err)
	}
	err, panicked := caught(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			err, _ := caught(func() error {
				if err := s.place.whole(tx.Size()); err != nil {
					return err
				}
				if now := Revision(number(pages{tx}, keyRevision)); now != at {
					return strayed(now, at)
				}
				return f(tx)
			})
			return err
		})
	})
	if panicked {
		s.fate.locked.Store(true)
	}
	return s.damaged(err)
}

// strayed is the error where the file is not at the revision that was written last: it
// has been changed, or the newer of its two heads is damaged, and the library has taken
// the other one.
func strayed(now, last Revision) error {
	return fmt.Errorf("%w: the file is at revision %d, and %d was the last one", ErrDamaged, now, last)
}

// ensure is called when a commit has failed. The library writes the head of the file
// last. If the disk fails then, the head is there to be read, with all that the commit
// has changed, and may not be on the disk. It is written once more: if that succeeds
// all is well, and ensure returns nil; else nobody knows.
func (s *bolt) ensure(failed error) error {
	if s.fate.unwritable() != nil || errors.Is(closed(failed), ErrClosed) {
		return failed
	}
	sync := failedSync(failed)
	var seen Revision
	err := s.view(func(m pages) error {
		seen = Revision(number(m, keyRevision))
		return nil
	})
	switch {
	case err != nil:
		return failed
	case seen <= s.Revision() && sync:
		return s.breaks(fmt.Errorf("%w: the disk failed (%w), and nothing was changed; but what is written after that may be lost without a word; %s", ErrBroken, failed, wayOutSync))
	case seen <= s.Revision():
		return failed
	}
	if !sync && s.updateAt(seen, func(*bbolt.Tx) error { return nil }) == nil {
		return nil
	}
	return s.breaks(fmt.Errorf("%w: the disk failed at the end of revision %d (%w), and nobody knows whether it is kept; %s", ErrBroken, seen, failed, wayOutUnsure))
}

// failedSync tells whether a commit failed because the kernel could not bring to the
// disk what it had taken. It tells so once, and holds the pages for written: if they are
// written again later, on a disk that works again, and the kernel says that they are on
// it, they may not be (seen on ext4). A write that it does not take at all, as on a full
// disk, does no such harm, nor does a file system that can no more be written.
func failedSync(err error) bool {
	var errno syscall.Errno
	var path *fs.PathError
	return errors.As(err, &errno) && (!errors.As(err, &path) || path.Op == "sync") && errno != syscall.EROFS
}

// whole fails if the file has fewer bytes than the library has written, or none of its
// heads can be read: there the library would end the process, or wait for ever. A write
// that is going on spoils one head at most.
func (p *place) whole(size int64) error {
	if p.handle == nil {
		return nil
	}
	info, err := p.handle.Stat()
	if errors.Is(err, fs.ErrClosed) {
		return nil // the library says so, too
	}
	if err != nil {
		return err
	}
	if info.Size() < size {
		return fmt.Errorf("%w: the file has %d bytes of %d", ErrDamaged, info.Size(), size)
	}
	_, err = readMeta(p.handle, 0)
	if err == nil {
		return nil
	}
	if _, other := readMeta(p.handle, p.pageSize); other == nil {
		return nil
	}
	return fmt.Errorf("%w: it has no head (%w)", ErrDamaged, err)
}

// closeFile closes the store's file. What is mapped of it stays so until the process
// ends if the library was interrupted.
func (s *bolt) closeFile() error {
	if s.fate.locked.Load() {
		return s.place.handle.Close()
	}
	return s.db.Close()
}

// caught calls f and returns an error where it panics, or reads what is not there: the
// file is mapped, and a damaged one may point anywhere.
func caught(f func() error) (err error, panicked bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err, panicked = fmt.Errorf("%w: %v", ErrDamaged, p), true
		}
	}()
	return f(), false
}

// faultless is caught where it does not matter whether f has panicked.
func faultless(f func() error) error {
	err, _ := caught(f)
	return err
}
