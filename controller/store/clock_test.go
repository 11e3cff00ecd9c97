package store

import (
	"path/filepath"
	"testing"
	"time"
)

// TestClockThatJumps: with a clock that goes forward by ten years, back by twenty, and
// before 1970, the revisions stay in order and their times never go back, also over a
// restart; and a request that is sent again is known, for that has to do with no clock.
func TestClockThatJumps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	start := time.Unix(1_800_000_000, 0)
	now := start
	o := Options{Now: func() time.Time { return now }}
	s := onDisk(t, path, o)
	var times []time.Time
	for i, jump := range []time.Duration{0, time.Second, 10 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour, -60 * 365 * 24 * time.Hour, 0} {
		now = start.Add(jump)
		x := Txn{Author: "ann", Request: string(rune('a' + i)), Edits: []Edit{put("k", string(rune('0'+i)))}}
		diff(t, "commit", Done{Revision: Revision(i + 1)}, commit(t, s, x))
		diff(t, "the same again", Done{Revision: Revision(i + 1), Repeated: true}, commit(t, s, x))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = onDisk(t, path, o)
	}
	defer s.Close()
	err := s.History(t.Context(), 0, func(c Change) error {
		if c.Revision != Revision(len(times)+1) || len(times) > 0 && c.Time.Before(times[len(times)-1]) {
			t.Errorf("revision %d at %v after %v", c.Revision, c.Time, times)
		}
		times = append(times, c.Time)
		return nil
	})
	if err != nil || len(times) != 6 {
		t.Errorf("%d revisions, %v", len(times), err)
	}
	if !times[0].Equal(start) || !times[5].Equal(times[2]) {
		t.Errorf("times %v", times)
	}
}
