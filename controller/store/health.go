package store

import (
	"errors"
	"fmt"
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
	// Writing is since when the write lasts that is going on, zero if there is none. One
	// that has lasted for hangLimit is an ErrHangs, since then.
	Writing time.Time
}

// ErrHangs means that the disk has not answered for a time, neither yes nor no.
var ErrHangs = errors.New("the disk does not answer")

// hangLimit is how long a write may last before the store is held for one that cannot be
// written. Nothing is given up then: when the disk answers, all goes on.
const hangLimit = 10 * time.Second

// What has the disk write.
const (
	byCommit = iota
	byTrial
)

// trialBytes is how much room there must be for a trial to succeed.
const trialBytes = 1 << 20

// trial is what the name of the file ends with that a trial writes.
const trial = ".trial"

// health keeps a Health. It is a leaf.
type health struct {
	mu      sync.Mutex
	now     Health
	writing [2]time.Time // by what has it write
}

// writes notes that a write begins, and returns what is called at its end.
func (h *health) writes(by int) (end func()) {
	set := func(at time.Time) {
		h.mu.Lock()
		h.writing[by] = at
		h.mu.Unlock()
	}
	set(time.Now())
	return func() { set(time.Time{}) }
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
	now := h.now
	for _, at := range h.writing {
		if !at.IsZero() && (now.Writing.IsZero() || at.Before(now.Writing)) {
			now.Writing = at
		}
	}
	if lasted := time.Since(now.Writing); !now.Writing.IsZero() && lasted >= hangLimit {
		now.Err = fmt.Errorf("%w: a write has lasted for %v; what was begun goes on when it answers", ErrHangs, lasted.Round(time.Second))
		now.Since = now.Writing
	}
	return now
}

// hangs is an ErrHangs if a write has lasted for hangLimit.
func (h *health) hangs() error {
	if err := h.Health().Err; errors.Is(err, ErrHangs) {
		return err
	}
	return nil
}

// Try is that of Store: it writes and removes a file beside the store's, and has
// the store's own file written without any change.
func (s *bolt) Try() error {
	if err := s.fate.unwritable(); err != nil {
		return err // Health has it, and nothing makes it better
	}
	if err := s.health.hangs(); err != nil {
		return err // Health has it, and a trial would hang, too
	}
	err := errors.Join(s.tryRoom(), s.tryFile())
	if !errors.Is(err, ErrClosed) {
		s.health.note(err, false, s.o.Now())
	}
	return err
}

func (s *bolt) tryRoom() error {
	defer s.health.writes(byTrial)()
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
	defer s.health.writes(byTrial)()
	return closed(s.update(func(*bbolt.Tx) error {
		s.place.at = time.Time{} // look now
		return s.place.check(time.Now())
	}))
}

// Try is that of Store. Memory has room, or the process ends.
func (m *memory) Try() error { return nil }

// Health is that of Store.
func (m *memory) Health() Health { return Health{} }
