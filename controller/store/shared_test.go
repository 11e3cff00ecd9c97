package store

import (
	"path/filepath"
	"testing"
)

// TestChangesAreShared: who reads a change that another one reads is given the same,
// and not a copy: a large one would be held by each of many who are slow.
func TestChangesAreShared(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "state.db"), Options{History: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(value string) {
		t.Helper()
		if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{{Key: []byte("key"), Value: []byte(value)}}}); err != nil {
			t.Fatal(err)
		}
	}
	put("1")
	err = s.History(t.Context(), 0, func(one Change) error {
		return s.History(t.Context(), 0, func(two Change) error {
			if &one.Edits[0] != &two.Edits[0] {
				t.Error("the second reader has a copy")
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	// What somebody holds is forgotten all the same.
	var held []Change
	if err := s.History(t.Context(), 0, func(c Change) error { held = append(held, c); return nil }); err != nil {
		t.Fatal(err)
	}
	put("2")
	put("3")
	if err := s.History(t.Context(), 0, func(Change) error { return nil }); err == nil {
		t.Error("a change that is forgotten is told")
	}
	if string(held[0].Edits[0].After) != "1" {
		t.Errorf("what is held has changed: %q", held[0].Edits[0].After)
	}
}
