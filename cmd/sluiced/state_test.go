package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/controller/store"
)

// TestDamagedRecord: a record that cannot be right is refused at the start, with
// the file's name and what to do.
func TestDamagedRecord(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, stateFile)
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	owner := store.Edit{Key: []byte("oanne"), Value: []byte("no number")}
	if _, err := s.Commit(t.Context(), store.Txn{Edits: []store.Edit{owner}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, err = directory(dir).open(t.Context())
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("said %v", err)
	}
}
