package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"
)

// cases is how many damaged files a test has; SLUICE_RELIABLE=long multiplies them.
func cases(short int) int {
	if os.Getenv("SLUICE_RELIABLE") == "long" {
		return 10 * short
	}
	return short
}

// TestDamageWhileRunning cuts the file of an open store, or changes bytes of it, as a
// failing disk does. Whatever becomes of it the process lives and nothing hangs; what is
// read is what was written or an error; what was acknowledged is there afterwards, or
// the store says that it is damaged; and once it has said so nothing is written to it.
func TestDamageWhileRunning(t *testing.T) {
	good := filledFile(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	dir := t.TempDir()
	told, harmless := 0, 0
	for n := range cases(60) {
		path := filepath.Join(dir, strconv.Itoa(n))
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		s := onDisk(t, path, Options{})
		commit(t, s, Txn{Edits: []Edit{put("z/0", "0")}})
		what := damage(t, path, int64(len(good)), rnd)
		broken := exercise(t, what, s)
		if err := s.Close(); err != nil {
			t.Errorf("%s: close: %v", what, err)
		}
		if broken {
			told++
		} else {
			harmless++
		}
		if t.Failed() {
			t.FailNow()
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d told of, %d harmless", told, harmless)
	if told < cases(60)*3/4 {
		t.Error("the damage is not told of")
	}
}

// damage spoils the first bytes of a file, as many as size, in a random way, and says
// which.
func damage(t *testing.T, path string, size int64, rnd *rand.Rand) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := rnd.Int64N(size)
	var what string
	switch rnd.IntN(4) {
	case 0:
		what = fmt.Sprintf("cut at %d of %d", at, size)
		err = f.Truncate(at)
	case 1:
		at &^= 4095
		what = fmt.Sprintf("a page of zeros at %d", at)
		_, err = f.WriteAt(make([]byte, 4096), at)
	case 2:
		what = fmt.Sprintf("both heads, at %d", at%4096)
		for _, page := range []int64{0, 4096} {
			if _, e := f.WriteAt([]byte{0xff, 0x55, 0xaa}, page+at%64); e != nil {
				err = e
			}
		}
	default:
		// What leads a page says what it is: the likeliest to be believed.
		for range 1 + rnd.IntN(30) {
			at := rnd.Int64N(size)
			if rnd.IntN(2) == 0 {
				at = at&^4095 + rnd.Int64N(32)
			}
			if _, e := f.WriteAt([]byte{byte(rnd.Uint32())}, at); e != nil {
				err = e
			}
		}
		what = fmt.Sprintf("bytes from %d on", at)
	}
	if err != nil {
		t.Fatal(err)
	}
	return what
}

// exercise reads from and writes to a store that may be damaged, and returns whether
// it says so.
func exercise(t *testing.T, what string, s Store) (broken bool) {
	t.Helper()
	acknowledged := map[string]string{}
	for i := range 6 {
		x := Txn{Author: "ann"}
		for k := range 40 {
			x.Edits = append(x.Edits, put(fmt.Sprintf("%d/%d", k%5, (i*397+k*25)%1000), "new"+strconv.Itoa(i)))
		}
		_, err := s.Commit(t.Context(), x)
		switch {
		case err == nil && broken:
			t.Errorf("%s: written to after it was known to be damaged", what)
		case err == nil:
			for _, e := range x.Edits {
				acknowledged[string(e.Key)] = string(e.Value)
			}
		case !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "restore a backup"):
			t.Errorf("%s: commit: %v", what, err)
		}
		broken = broken || err != nil
		if h := s.Health(); broken != errors.Is(h.Err, ErrBroken) {
			t.Errorf("%s: broken %t, health %v", what, broken, h.Err)
		}
		if err := s.Try(); errors.Is(err, ErrBroken) != broken || err != nil && !errors.Is(err, ErrBroken) {
			t.Errorf("%s: broken %t, try: %v", what, broken, err)
		}
		if i == 3 {
			count, wrong := 0, ""
			_, err := s.Scan(t.Context(), nil, func(r Record) error {
				count++
				k, v := string(r.Key), string(r.Value)
				n, _ := strconv.Atoi(k[2:])
				if want, ok := acknowledged[k]; ok && v != want || !ok && k != "z/0" && v != strings.Repeat("v", n%100) {
					wrong = fmt.Sprintf("record %s has %q", k, v)
				}
				return nil
			})
			switch {
			case err == nil && (wrong != "" || count != 4001+newKeys(acknowledged)):
				t.Errorf("%s: %d records, %s and no error", what, count, wrong)
			case err != nil && !errors.Is(err, ErrDamaged):
				t.Errorf("%s: scan: %v", what, err)
			}
			broken = broken || err != nil
			_ = s.History(t.Context(), 0, func(Change) error { return nil }) // lives
			_, _, _ = s.Get([]byte("0/7"))
			var copied bytes.Buffer
			if _, err := s.Backup(&copied); err == nil && broken {
				t.Errorf("%s: a damaged store is copied as a backup", what)
			}
			broken = errors.Is(s.Health().Err, ErrBroken)
		}
	}
	return broken
}

// newKeys counts the keys that filledFile does not have.
func newKeys(keys map[string]string) (n int) {
	for k := range keys {
		if k[0] == '4' {
			n++
		}
	}
	return n
}

// TestNothingIsWrittenToABrokenStore: the file keeps its bytes from then on.
func TestNothingIsWrittenToABrokenStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, filledFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	s := onDisk(t, path, Options{})
	if err := os.Truncate(path, 64<<10); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{put("a", "1")}}); !errors.Is(err, ErrBroken) || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "the file has 65536 bytes of") {
			t.Errorf("commit: %v", err)
		}
		if err := s.Try(); !errors.Is(err, ErrBroken) {
			t.Errorf("try: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file has changed, %v", err)
	}
	// The lock is gone with the store: the next one looks at it, and refuses it.
	if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("opened again: %v", err)
	}
}

// failing has the library's writes to the file go through f. There is no other way to
// have the disk fail between the pages of a commit and its head.
func failing(s Store, f func(b []byte, at int64, write func([]byte, int64) (int, error)) (int, error)) {
	db := s.(*bolt).db
	ops := reflect.ValueOf(db).Elem().FieldByName("ops").FieldByName("writeAt")
	write := (*func([]byte, int64) (int, error))(unsafe.Pointer(ops.UnsafeAddr()))
	real := *write
	*write = func(b []byte, at int64) (int, error) { return f(b, at, real) }
}

// TestHeadIsNotSure: when the disk fails while the head of a commit is written, the
// page may be seen though it is not on the disk. The commit is made sure of, or the
// store says that nobody knows, and writes no more.
func TestHeadIsNotSure(t *testing.T) {
	heads := int64(2 * os.Getpagesize())
	for _, again := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "state.db")
		s := onDisk(t, path, Options{})
		commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
		failed := 0
		failing(s, func(b []byte, at int64, write func([]byte, int64) (int, error)) (int, error) {
			n, err := write(b, at)
			if at < heads && (failed == 0 || !again) {
				failed++
				if again {
					return n, &fs.PathError{Op: "write", Path: path, Err: syscall.EIO}
				}
				return n, syscall.EIO // as of fsync
			}
			return n, err
		})
		done, err := s.Commit(t.Context(), Txn{Edits: []Edit{put("b", "2")}})
		if again {
			if err != nil || done.Revision != 2 || s.Revision() != 2 || s.Health().Err != nil {
				t.Errorf("the disk takes it at the second time: %v, %v, %+v", done, err, s.Health())
			}
		} else {
			if !errors.Is(err, ErrBroken) || !errors.Is(err, syscall.EIO) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "revision 2") || !strings.Contains(err.Error(), "start it again") {
				t.Errorf("the disk never takes it: %v", err)
			}
			if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{put("c", "3")}}); !errors.Is(err, ErrBroken) {
				t.Errorf("the next: %v", err)
			}
			if err := s.Try(); !errors.Is(err, ErrBroken) {
				t.Errorf("try: %v", err)
			}
		}
		if failed == 0 {
			t.Fatal("nothing failed")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = onDisk(t, path, Options{})
		if got := scan(t, s, ""); len(got) < 1 || len(got) > 2 {
			t.Errorf("afterwards %q", got)
		}
	}
}

// TestSyncThatFails: what the kernel could not bring to the disk it may hold for written,
// so that nothing is written to the file any more; what is acknowledged can be copied.
func TestSyncThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := onDisk(t, path, Options{})
	defer s.Close()
	commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
	fail := true
	failing(s, func(b []byte, at int64, write func([]byte, int64) (int, error)) (int, error) {
		if fail {
			fail = false
			return 0, syscall.EIO
		}
		return write(b, at)
	})
	for range 2 {
		if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{put("b", "2")}}); !errors.Is(err, ErrBroken) || !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("commit: %v", err)
		}
		if err := s.Try(); !errors.Is(err, ErrBroken) {
			t.Errorf("try: %v", err)
		}
	}
	var b bytes.Buffer
	if rev, err := s.Backup(&b); err != nil || rev != 1 {
		t.Errorf("backup: %v, %v", rev, err)
	}
	diff(t, "records", []string{"a=1@1"}, scan(t, s, ""))
}

var _ = bbolt.DB{} // whose field failing reaches
