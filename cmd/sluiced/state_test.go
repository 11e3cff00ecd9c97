package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

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

// TestDoubts: a store with a damaged meta page is opened, and that is a line in the
// log.
func TestDoubts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, stateFile)
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Commit(t.Context(), store.Txn{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := directory(dir).doubts(); err != nil {
		t.Errorf("a whole store: %v", err)
	}
	if err := directory("").doubts(); err != nil {
		t.Errorf("no store: %v", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, 16); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := logrus.New()
	logger.SetOutput(&log)
	set := defaults()
	set.openflow, set.grpc, set.http, set.state = nil, "127.0.0.1:0", "127.0.0.1:0", directory(dir)
	d, err := newDaemon(t.Context(), set, logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.run(ctx); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "level=warning") || !strings.Contains(log.String(), "meta page 0 of 0 and 1 is damaged (it is none)") {
		t.Errorf("the log is %s", log.String())
	}
}
