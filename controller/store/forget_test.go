package store

import (
	"errors"
	"testing"
)

// TestForgottenRequestIsNew: what was undone is carried out when it is sent again, and
// is then known again, also when its first time has left the history.
func TestForgottenRequestIsNew(t *testing.T) {
	s := NewMemory(Options{History: 3})
	defer func() { _ = s.Close() }()
	write := Txn{Author: "ann", Request: "r1", Edits: []Edit{{Key: []byte("k"), Value: []byte("1")}}}
	commit(t, s, write)
	commit(t, s, Txn{Author: "ann", Forget: "r1", Edits: []Edit{{Key: []byte("k"), Remove: true}}})
	diff(t, "after it was undone", Done{Revision: 3}, commit(t, s, write))
	commit(t, s, Txn{Edits: []Edit{{Key: []byte("other"), Value: []byte("1")}}})
	if _, err := s.Commit(t.Context(), Txn{Author: "ann", Request: "r1", Edits: []Edit{{Key: []byte("k"), Value: []byte("2")}}}); !errors.Is(err, ErrReused) {
		t.Errorf("something else under its id: %v", err)
	}
	diff(t, "when its first time is gone", Done{Revision: 3, Repeated: true}, commit(t, s, write))
}
