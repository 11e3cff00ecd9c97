package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestPagesInACircle: a file whose branch pages lead to themselves, to the page before
// or out of the file, which would end the process with its stack, is refused and left as
// it is; each branch is tried.
func TestPagesInACircle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := onDisk(t, path, Options{})
	for i := range 3 {
		var all []Edit
		for j := range 3000 {
			all = append(all, put(fmt.Sprintf("key/%d/%05d", i, j), "some value that is not short"))
		}
		commit(t, s, Txn{Edits: all})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	refused, others := 0, 0
	for at := 2 * size; at < len(good); at += size {
		if binary.NativeEndian.Uint16(good[at+8:]) != pageBranch {
			continue
		}
		for _, to := range []int{at / size, 1 << 40, at/size - 1} {
			bad := bytes.Clone(good)
			binary.NativeEndian.PutUint64(bad[at+metaHeader+8:], uint64(to))
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(path, Options{})
			switch {
			case err == nil: // not of the tree any more, or another leaf
				others++
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				continue
			case !errors.Is(err, ErrDamaged):
				t.Errorf("page %d leads to %d: %v", at/size, to, err)
			}
			refused++
			if now, err := os.ReadFile(path); err != nil || string(now) != string(bad) {
				t.Errorf("page %d leads to %d: the file has changed (%v)", at/size, to, err)
			}
		}
	}
	if refused < 2 {
		t.Errorf("%d were refused", refused)
	}
	t.Logf("%d were refused, %d led nobody there", refused, others)
}
