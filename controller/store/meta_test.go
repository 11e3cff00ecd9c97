package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoubts: one damaged meta page is told, whatever of it is damaged, and the
// store opens all the same; a whole file and one that Open refuses are not doubted.
func TestDoubts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := Doubts(path); err != nil {
		t.Errorf("no file: %v", err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // both pages know the buckets then
		if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{{Key: []byte("k"), Value: []byte("v")}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Doubts(path); err != nil {
		t.Errorf("a whole file: %v", err)
	}
	size := int(pageSizeOf(t, path))
	for page := range 2 {
		for at := metaHeader; at < metaHeader+metaBytes; at++ {
			b := append([]byte(nil), whole...)
			b[page*size+at] ^= 0x40
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			err := Doubts(path)
			if err == nil || !strings.Contains(err.Error(), "meta page "+string(rune('0'+page))) {
				t.Fatalf("byte %d of page %d is damaged: %v", at, page, err)
			}
		}
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("with one page whole: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range map[string][]byte{"cut short": whole[:100], "both damaged": make([]byte, len(whole)), "empty": {}} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Doubts(path); err != nil && name != "cut short" {
			t.Errorf("%s: %v", name, err)
		}
		if s, err := Open(path, Options{}); err == nil {
			t.Errorf("%s: it opens", name)
			_ = s.Close()
		}
	}
}

func pageSizeOf(t *testing.T, path string) uint32 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := readMeta(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	return size
}
