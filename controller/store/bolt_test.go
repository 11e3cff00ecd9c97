package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/sluice-sdn/sluice/test/need"
)

func TestStoreIsThereAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := onDisk(t, path, Options{})
	x := Txn{Author: "ann", Request: "r", Edits: []Edit{put("a", "1"), put("b", "2")}}
	commit(t, s, x)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = onDisk(t, path, Options{})
	diff(t, "records", []string{"a=1@1", "b=2@1"}, scan(t, s, ""))
	diff(t, "the same request", Done{Revision: 1, Repeated: true}, commit(t, s, x))
	diff(t, "the next", Done{Revision: 2}, commit(t, s, Txn{Edits: []Edit{remove("a")}}))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

// TestManyCommitTogether: each of many callers is told its own revision, and what
// each has acknowledged is there.
func TestManyCommitTogether(t *testing.T) {
	s := onDisk(t, filepath.Join(t.TempDir(), "state.db"), Options{})
	const callers, each = 16, 20
	var mu sync.Mutex
	seen := map[Revision]bool{}
	conflicts := 0
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				x := Txn{Edits: []Edit{put(fmt.Sprintf("%d/%d", c, i), "x")}}
				if i%5 == 4 { // one of a group fails, and the others do not
					x.If = []Condition{{[]byte("none"), 7}}
				}
				d, err := s.Commit(t.Context(), x)
				mu.Lock()
				switch {
				case errors.Is(err, ErrConflict):
					conflicts++
				case err != nil || seen[d.Revision]:
					t.Errorf("%+v, %v", d, err)
				default:
					seen[d.Revision] = true
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if n := len(scan(t, s, "")); n != callers*each*4/5 || conflicts != callers*each/5 || len(seen) != n || s.Revision() != Revision(n) {
		t.Errorf("%d records, %d conflicts, %d revisions, the last is %d", n, conflicts, len(seen), s.Revision())
	}
}

func TestOnlyOneProcessHasTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	onDisk(t, path, Options{})
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("opened twice: %v", err)
	}
}

func TestBackupIsAStore(t *testing.T) {
	s := onDisk(t, filepath.Join(t.TempDir(), "state.db"), Options{})
	commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
	var b bytes.Buffer
	rev, err := s.Backup(&b)
	if err != nil || rev != 1 {
		t.Fatal(rev, err)
	}
	commit(t, s, Txn{Edits: []Edit{put("a", "2")}})
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	diff(t, "records of the backup", []string{"a=1@1"}, scan(t, onDisk(t, path, Options{}), ""))
}

// TestWhatCannotBeReadIsLeftAsItIs opens files that are no store, or not whole.
func TestWhatCannotBeReadIsLeftAsItIs(t *testing.T) {
	good := filledFile(t)
	later := bytes.Clone(good)
	edited(t, &later, func(tx *bbolt.Tx) error { return setNumber(pages{tx}, keyFormat, 99) })
	foreign := bytes.Clone(good)
	edited(t, &foreign, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("records")) })
	for _, tt := range []struct {
		name string
		file []byte
		want error
		text string
	}{
		{"empty", nil, ErrDamaged, "the file is empty"},
		{"a text", []byte(strings.Repeat("not a store\n", 5000)), ErrDamaged, "restore a backup"},
		{"a short text", []byte("hello"), ErrDamaged, "restore a backup"},
		{"the first half", good[:len(good)/2], ErrDamaged, "restore a backup"},
		{"all but the end", good[:len(good)-4096], ErrDamaged, "restore a backup"},
		{"the first two pages", good[:8192], ErrDamaged, "restore a backup"},
		{"zeros", make([]byte, len(good)), ErrDamaged, "restore a backup"},
		{"of a later version", later, ErrFormat, "it has format 99, this version reads 1"},
		{"another program's", foreign, ErrFormat, "records"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, Options{})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v\nwant %v … %s", err, tt.want, tt.text)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, tt.file) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		if _, err := Open(filepath.Join(t.TempDir(), "none", "state.db"), Options{}); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("a folder", func(t *testing.T) {
		if _, err := Open(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
			t.Error(err)
		}
	})
	t.Run("an unfinished one", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		if err := os.WriteFile(path+".new", []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		onDisk(t, path, Options{})
	})
}

// filledFile returns the bytes of a store with some thousands of records.
func filledFile(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "good.db")
	s := onDisk(t, path, Options{})
	for i := range 4 {
		x := Txn{Request: strconv.Itoa(i)}
		for k := range 1000 {
			x.Edits = append(x.Edits, put(fmt.Sprintf("%d/%d", i, k), strings.Repeat("v", k%100)))
		}
		commit(t, s, x)
	}
	defer s.Close()
	var b bytes.Buffer // the file itself has room at its end
	if _, err := s.Backup(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func edited(t *testing.T, file *[]byte, f func(*bbolt.Tx) error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edited.db")
	if err := os.WriteFile(path, *file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
	if *file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
}

// TestDamageIsNoticed changes bytes in the middle of a store. Whatever they are,
// what is read is an error or what was written, and the process lives.
func TestDamageIsNoticed(t *testing.T) {
	good := filledFile(t)
	path := filepath.Join(t.TempDir(), "state.db")
	rnd := rand.New(rand.NewPCG(1, 2))
	refused, found, harmless := 0, 0, 0
	for range 300 {
		bad := bytes.Clone(good)
		for range 1 + rnd.IntN(8) {
			bad[rnd.IntN(len(bad))] ^= byte(1 << rnd.IntN(8))
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{})
		if err != nil {
			refused++
			continue
		}
		n := 0
		_, err = s.Scan(t.Context(), nil, func(r Record) error {
			n++
			k, err := strconv.Atoi(string(r.Key[2:]))
			if err != nil || string(r.Value) != strings.Repeat("v", k%100) {
				t.Errorf("record %q has %q", r.Key, r.Value)
			}
			return nil
		})
		err = errors.Join(err, s.History(t.Context(), 0, func(Change) error { return nil }))
		switch {
		case err != nil:
			found++
		case n != 4000:
			t.Errorf("%d records of 4000 and no error", n)
		default:
			harmless++
		}
		s.Close()
	}
	t.Logf("%d refused, %d found, %d harmless", refused, found, harmless)
	if refused+found < 100 {
		t.Error("the damage was not noticed")
	}
}

// TestFullDisk: a transaction that finds no room fails, changes nothing, and the
// store goes on when there is room again.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		need.Missing(t, "to mount a small file system one must be root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		need.Missing(t, "cannot mount a small file system: "+err.Error())
	}
	defer func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := onDisk(t, filepath.Join(dir, "state.db"), Options{})
	defer s.Close()
	value := strings.Repeat("x", 100_000)
	n := 0
	var err error
	for ; err == nil && n < 100; n++ {
		_, err = s.Commit(t.Context(), Txn{Edits: []Edit{put(fmt.Sprintf("k%02d", n), value)}})
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("after %d: %v", n, err)
	}
	acknowledged := n - 1
	if got := len(scan(t, s, "k")); got != acknowledged || s.Revision() != Revision(acknowledged) {
		t.Errorf("%d records at revision %d, %d were acknowledged", got, s.Revision(), acknowledged)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	commit(t, s, Txn{Edits: []Edit{put("k99", value)}})
	if got := len(scan(t, s, "k")); got != acknowledged+1 {
		t.Errorf("%d records afterwards", got)
	}
}

// TestKilledWhileWriting kills a process at random moments while it writes, and
// finds everything that it had acknowledged.
func TestKilledWhileWriting(t *testing.T) {
	if path := os.Getenv("STORE_TEST_WRITER"); path != "" {
		writeForEver(path)
	}
	path := filepath.Join(t.TempDir(), "state.db")
	acknowledged := 0
	for range 20 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
		cmd.Env = append(os.Environ(), "STORE_TEST_WRITER="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var n [8]byte
		for range 1 + rand.IntN(30) {
			if _, err := out.Read(n[:]); err != nil {
				t.Fatalf("the writer ended: %v", err)
			}
			acknowledged = int(binary.BigEndian.Uint64(n[:]))
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		s := onDisk(t, path, Options{})
		for i, r := range scan(t, s, "") {
			if want := fmt.Sprintf("%08d=%d@%d", i+1, i+1, i+1); r != want {
				t.Fatalf("record %s, want %s", r, want)
			}
		}
		if got := int(s.Revision()); got < acknowledged {
			t.Fatalf("at revision %d, %d was acknowledged", got, acknowledged)
		}
		s.Close()
	}
}

// writeForEver commits one transaction after the other and tells each revision.
func writeForEver(path string) {
	s, err := Open(path, Options{})
	for i := s.Revision() + 1; err == nil; i++ {
		_, err = s.Commit(context.Background(), Txn{Edits: []Edit{put(fmt.Sprintf("%08d", i), fmt.Sprint(i))}})
		if err == nil {
			_, err = os.Stdout.Write(binary.BigEndian.AppendUint64(nil, uint64(i)))
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestFileDoesNotGrow: what is written and removed again and again takes no more
// of the disk once the history is as long as it may be.
func TestFileDoesNotGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := onDisk(t, path, Options{HistoryBytes: 2 << 20})
	value := strings.Repeat("v", 130)
	size := func(rounds int) int64 {
		for range rounds {
			var add, del, clean Txn
			for i := range 2000 {
				k := fmt.Sprintf("f%040d", i*7919%2000)
				add.Edits = append(add.Edits, put(k, value))
				del.Edits = append(del.Edits, remove(k), Edit{Key: []byte("t" + k), Value: []byte(value), Untold: true})
				clean.Edits = append(clean.Edits, Edit{Key: []byte("t" + k), Remove: true, Untold: true})
			}
			for _, x := range []Txn{add, del, clean} {
				commit(t, s, x)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size(20)
	if after := size(40); after != before {
		t.Errorf("the file grew from %d to %d bytes", before, after)
	}
}

// TestFileIsNotHeldInMemory: once all has been read the mapped file is no memory of
// this process, and can be read again.
func TestFileIsNotHeldInMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, filledFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	s := onDisk(t, path, Options{})
	for range 2 {
		if n := len(scan(t, s, "")); n != 4000 {
			t.Errorf("%d records", n)
		}
		maps, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			need.Missing(t, "no /proc/self/smaps: "+err.Error())
		}
		_, of, found := strings.Cut(string(maps), path)
		_, rss, _ := strings.Cut(of, "\nRss:")
		var kb int
		if _, err := fmt.Sscanf(rss, "%d kB", &kb); err != nil || !found {
			t.Fatalf("mapped: %t, %v", found, err)
		}
		if kb > 64 {
			t.Errorf("%d KB of the file are resident", kb)
		}
	}
}
