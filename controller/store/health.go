package store

import (
	"errors"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Health is how writing to a store goes.
type Health struct {
	Err    error     // why the last write or trial failed; nil if it did not
	Since  time.Time // of the first one that failed in a row
	Failed uint64    // writes that have failed so far, trials not counted
}

// trialBytes is how much room there must be for a trial to succeed.
const trialBytes = 1 << 20

// trial is what the name of the file ends with that a trial writes.
const trial = ".trial"

// health keeps a Health. It is a leaf.
type health struct {
	mu  sync.Mutex
	now Health
}

func (h *health) note(err error, write bool, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil && h.now.Err == nil {
		h.now.Since = at
	}
	if err != nil && write {
		h.now.Failed++
	}
	if h.now.Err = err; err == nil {
		h.now.Since = time.Time{}
	}
}

func (h *health) Health() Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Try is that of Store: it writes and removes a file beside the store's, and has
// the store's own file written without any change.
func (s *bolt) Try() error {
	if err := s.fate.unwritable(); err != nil {
		return err // Health has it, and nothing makes it better
	}
	err := errors.Join(s.tryRoom(), s.tryFile())
	if !errors.Is(err, ErrClosed) {
		s.health.note(err, false, s.o.Now())
	}
	return err
}

func (s *bolt) tryRoom() error {
	path := s.db.Path() + trial
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, trialBytes))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}

func (s *bolt) tryFile() error {
	s.turn.Lock()
	defer s.turn.Unlock()
	return closed(s.update(func(*bbolt.Tx) error {
		s.place.at = time.Time{} // look now
		return s.place.check(time.Now())
	}))
}

// Try is that of Store. Memory has room, or the process ends.
func (m *memory) Try() error { return nil }

// Health is that of Store.
func (m *memory) Health() Health { return Health{} }
