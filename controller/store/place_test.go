package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFileThatIsMoved: nothing is acknowledged that is written to a file which is no
// longer at the store's path, at the latest after a second; and all is well when it
// is back.
func TestFileThatIsMoved(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "st")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "state.db")
		s := onDisk(t, path, Options{})
		x := Txn{Edits: []Edit{put("a", "1")}}
		commit(t, s, x)
		if err := os.Rename(dir, dir+".gone"); err != nil {
			t.Fatal(err)
		}
		if replaced {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.(*bolt).place.at = time.Time{} // a second later
		for range 2 {
			if _, err := s.Commit(t.Context(), x); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it back") {
				t.Errorf("replaced %v: %v", replaced, err)
			}
		}
		if h := s.Health(); !errors.Is(h.Err, ErrMoved) {
			t.Errorf("health: %+v", h)
		}
		if err := s.Try(); !errors.Is(err, ErrMoved) && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("try: %v", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir+".gone", dir); err != nil {
			t.Fatal(err)
		}
		if err := s.Try(); err != nil || s.Health().Err != nil {
			t.Errorf("it is back: %v, %+v", err, s.Health())
		}
		diff(t, "the next", Done{Revision: 2}, commit(t, s, Txn{Edits: []Edit{put("a", "2")}}))
	}
}
