package store

import (
	"runtime"
	"sync"
	"weak"
)

// shared are the changes of the history that somebody reads: whoever else reads one
// of them meanwhile is given the same. So a thousand who follow the history slowly
// hold what it holds, and not a thousand times as much. The zero value is ready.
type shared struct {
	mu      sync.Mutex // held while a change is read
	changes map[Revision]weak.Pointer[Change]
	sweep   int // how many there may be before those that nobody reads go
}

// do calls f with a change, unless there is none: read says so, and reads it if
// nobody has it yet.
func (s *shared) do(r Revision, read func(known *Change) (Change, bool, error), f func(Change) error) (ok bool, err error) {
	c, err := s.get(r, read)
	if c == nil || err != nil {
		return false, err
	}
	defer runtime.KeepAlive(c)
	return true, f(*c)
}

func (s *shared) get(r Revision, read func(known *Change) (Change, bool, error)) (*Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.changes[r].Value()
	x, ok, err := read(known)
	if err != nil || !ok {
		return nil, err
	}
	if known != nil {
		return known, nil
	}
	if s.changes == nil {
		s.changes = make(map[Revision]weak.Pointer[Change])
	}
	if len(s.changes) >= max(s.sweep, 64) {
		for old, c := range s.changes {
			if c.Value() == nil {
				delete(s.changes, old)
			}
		}
		s.sweep = 2 * len(s.changes)
	}
	c := &x
	s.changes[r] = weak.Make(c)
	return c, nil
}
