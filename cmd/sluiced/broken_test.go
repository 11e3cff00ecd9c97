package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/test/need"
)

// TestBrokenStores starts sluiced on stores that it cannot read, and on a directory
// that it cannot write to: it ends at once, says which file it is and what to do,
// and leaves it as it was.
func TestBrokenStores(t *testing.T) {
	binary := buildBinary(t)
	good := aStore(t, 1)
	for _, tt := range []struct {
		name string
		file []byte
		want []string
	}{
		{"empty", nil, []string{"the file is empty", "restore a backup"}},
		{"a text", []byte("hello\n"), []string{"damaged", "restore a backup"}},
		{"cut short", good[:len(good)/2], []string{"damaged", "restore a backup"}},
		{"of a later version", aStore(t, 7), []string{"it has format 7, this version reads 1", "start the later version"}},
		{"of an older version", aStore(t, 0), []string{"it has format 0, this version reads 1", "restore a backup"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, stateFile)
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			said := refused(t, binary, dir)
			for _, want := range append(tt.want, path) {
				if !strings.Contains(said, want) {
					t.Errorf("said %q, want %q", said, want)
				}
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, tt.file) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	t.Run("on a read-only file system", func(t *testing.T) {
		dir := t.TempDir()
		if os.Geteuid() != 0 {
			need.Missing(t, "to mount a file system one must be root")
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=1m"); err != nil {
			need.Missing(t, "cannot mount a file system: "+err.Error())
		}
		defer func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}()
		if said := refused(t, binary, dir); !strings.Contains(said, "read-only file system") || !strings.Contains(said, dir) {
			t.Errorf("said %q", said)
		}
	})
}

// refused runs sluiced, which must end by itself with an error, and returns what it
// said.
func refused(t *testing.T, program, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--openflow", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--state", dir).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("it did not refuse (%v): %s", err, out)
	}
	return string(out)
}

// aStore returns the bytes of a store that says that it is of a format.
func aStore(t *testing.T, format uint64) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), stateFile)
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), binary.BigEndian.AppendUint64(nil, format))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
