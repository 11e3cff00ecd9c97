package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// each runs a test on both kinds of store.
func each(t *testing.T, o Options, f func(t *testing.T, s Store)) {
	t.Run("memory", func(t *testing.T) {
		s := NewMemory(o)
		defer s.Close()
		f(t, s)
	})
	t.Run("disk", func(t *testing.T) {
		s := onDisk(t, filepath.Join(t.TempDir(), "state.db"), o)
		f(t, s)
	})
}

func onDisk(t *testing.T, path string, o Options) Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(key, value string) Edit { return Edit{Key: []byte(key), Value: []byte(value)} }
func remove(key string) Edit     { return Edit{Key: []byte(key), Remove: true} }

func commit(t *testing.T, s Store, x Txn) Done {
	t.Helper()
	d, err := s.Commit(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// scan returns "key=value@revision" for each record.
func scan(t *testing.T, s Store, prefix string) []string {
	t.Helper()
	var all []string
	_, err := s.Scan(t.Context(), []byte(prefix), func(r Record) error {
		all = append(all, fmt.Sprintf("%s=%s@%d", r.Key, r.Value, r.Revision))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}

func TestTransactions(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s Store) {
		if r := s.Revision(); r != 0 {
			t.Errorf("a new store is at revision %d", r)
		}
		diff(t, "first", Done{Revision: 1}, commit(t, s, Txn{Edits: []Edit{put("b/1", "x"), put("a", ""), put("b/2", "y")}}))
		diff(t, "second", Done{Revision: 2}, commit(t, s, Txn{Edits: []Edit{put("b/1", "z"), remove("a"), put("c", "1"), put("c", "2")}}))
		diff(t, "all", []string{"b/1=z@2", "b/2=y@1", "c=2@2"}, scan(t, s, ""))
		diff(t, "below a prefix", []string{"b/1=z@2", "b/2=y@1"}, scan(t, s, "b/"))
		if r := s.Revision(); r != 2 {
			t.Errorf("at revision %d, want 2", r)
		}
		r, ok, err := s.Get([]byte("b/2"))
		diff(t, "get", Record{Key: []byte("b/2"), Value: []byte("y"), Revision: 1}, r)
		if !ok || err != nil {
			t.Errorf("get: %t, %v", ok, err)
		}
		if _, ok, err := s.Get([]byte("a")); ok || err != nil {
			t.Errorf("get what was removed: %t, %v", ok, err)
		}
		nothing := commit(t, s, Txn{Edits: []Edit{put("b/2", "y"), remove("a")}})
		diff(t, "a transaction that changes nothing", Done{Revision: 2}, nothing)
	})
}

func TestConditionsAreCompared(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s Store) {
		commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
		commit(t, s, Txn{If: []Condition{{[]byte("a"), 1}, {[]byte("b"), 0}}, Edits: []Edit{put("b", "1")}})
		for _, tt := range []struct {
			c    Condition
			want string
		}{
			{Condition{[]byte("a"), 0}, "store: state has changed: it exists since revision 1"},
			{Condition{[]byte("b"), 1}, "store: state has changed: it is at revision 2; expected 1"},
			{Condition{[]byte("c"), 2}, "store: state has changed: it is gone; expected revision 2"},
		} {
			_, err := s.Commit(t.Context(), Txn{If: []Condition{tt.c}, Edits: []Edit{put("d", "1")}})
			if !errors.Is(err, ErrConflict) || err.Error() != tt.want {
				t.Errorf("%s at %d: %v, want %s", tt.c.Key, tt.c.Revision, err, tt.want)
			}
		}
		diff(t, "afterwards", []string{"a=1@1", "b=1@2"}, scan(t, s, ""))
	})
}

func TestRequestIsCarriedOutOnce(t *testing.T) {
	each(t, Options{History: 2}, func(t *testing.T, s Store) {
		x := Txn{Author: "ann", Request: "r1", Edits: []Edit{put("a", "1")}}
		commit(t, s, x)
		commit(t, s, Txn{Edits: []Edit{remove("a")}})
		diff(t, "the second time", Done{Revision: 1, Repeated: true}, commit(t, s, x))
		x.Edits = []Edit{put("a", "2")}
		if _, err := s.Commit(t.Context(), x); !errors.Is(err, ErrReused) {
			t.Errorf("another transaction under the same request id: %v", err)
		}
		x.Content = []byte("the content")
		if _, err := s.Commit(t.Context(), x); !errors.Is(err, ErrReused) {
			t.Errorf("another content under the same request id: %v", err)
		}
		x.Content = nil
		x.Author = "bob"
		diff(t, "another author's", Done{Revision: 3}, commit(t, s, x))
		x.Author, x.Edits = "ann", []Edit{put("a", "3")}
		diff(t, "once the history has forgotten it", Done{Revision: 4}, commit(t, s, x))
	})
}

func TestHistoryTellsWhatChanged(t *testing.T) {
	now := time.Unix(1000, 0)
	o := Options{History: 3, Now: func() time.Time { return now }}
	each(t, o, func(t *testing.T, s Store) {
		now = time.Unix(1000, 0)
		commit(t, s, Txn{Author: "ann", Note: "first", Request: "r", Edits: []Edit{put("a", "1"), put("b", "1"), put("e", "")}})
		now = time.Unix(900, 0) // the clock is set back
		commit(t, s, Txn{Author: "bob", Edits: []Edit{put("a", "2"), remove("b")}})
		var got []Change
		all := func(c Change) error { got = append(got, c); return nil }
		if err := s.History(t.Context(), 0, all); err != nil {
			t.Fatal(err)
		}
		diff(t, "history", []Change{
			{Revision: 1, Time: time.Unix(1000, 0), Author: "ann", Note: "first", Request: "r", Edits: []Changed{
				{Key: []byte("a")},
				{Key: []byte("b"), Known: true}, // gone by now
				{Key: []byte("e"), After: []byte{}, Known: true},
			}},
			{Revision: 2, Time: time.Unix(1000, 0), Author: "bob", Edits: []Changed{
				{Key: []byte("a"), Before: []byte("1"), After: []byte("2"), Known: true},
				{Key: []byte("b"), Before: []byte("1"), Removed: true, Known: true},
			}},
		}, got)
		commit(t, s, Txn{Edits: []Edit{put("a", "3")}})
		commit(t, s, Txn{Edits: []Edit{put("a", "4")}})
		if err := s.History(t.Context(), 0, all); !errors.Is(err, ErrCompacted) || !strings.HasSuffix(err.Error(), "the oldest is 2") {
			t.Errorf("of what is forgotten: %v", err)
		}
		if r, err := s.Oldest(); r != 2 || err != nil {
			t.Errorf("the oldest is %d, %v", r, err)
		}
		if err := s.History(t.Context(), 1, all); err != nil {
			t.Errorf("of the oldest: %v", err)
		}
	})
}

// TestWatch follows a store: whoever applies what the history tells has the
// store's records at each end of it.
func TestWatch(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s Store) {
		mine := map[string]string{}
		at := Revision(0)
		follow := func() {
			err := s.History(t.Context(), at, func(c Change) error {
				for _, e := range c.Edits {
					switch {
					case !e.Known:
					case e.After == nil:
						delete(mine, string(e.Key))
					default:
						mine[string(e.Key)] = string(e.After)
					}
				}
				at = c.Revision
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		isOpen := func(c <-chan struct{}) bool {
			select {
			case <-c:
				return false
			default:
				return true
			}
		}
		wait := s.Changed(0)
		if !isOpen(wait) {
			t.Error("told of a change before there was any")
		}
		commit(t, s, Txn{Edits: []Edit{put("a", "1"), put("b", "1"), put("c", "1")}})
		if isOpen(wait) || isOpen(s.Changed(0)) || !isOpen(s.Changed(1)) {
			t.Error("told of the wrong changes")
		}
		follow()
		commit(t, s, Txn{Edits: []Edit{put("a", "2"), remove("b")}})
		commit(t, s, Txn{Edits: []Edit{remove("a"), put("b", "3")}})
		commit(t, s, Txn{Edits: []Edit{put("a", "4")}})
		follow()
		diff(t, "what was followed", map[string]string{"a": "4", "b": "3", "c": "1"}, mine)
	})
}

func TestLimits(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s Store) {
		long := strings.Repeat("x", MaxValue+1)
		for name, x := range map[string]Txn{
			"edit 1: key is empty": {Edits: []Edit{put("a", "1"), put("", "1")}},
			"edit 0: key of":       {Edits: []Edit{put(long[:MaxKey+1], "1")}},
			"edit 0: value of":     {Edits: []Edit{put("a", long)}},
			"author: ":             {Author: long[:MaxText+1]},
			"request id: ":         {Request: long[:MaxText+1]},
			"note: ":               {Note: long[:MaxText+1]},
		} {
			if _, err := s.Commit(t.Context(), x); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("want %q: %v", name, err)
			}
		}
		commit(t, s, Txn{Author: long[:MaxText], Edits: []Edit{put(long[:MaxKey], long[:MaxValue])}})
		if s.Revision() != 1 {
			t.Errorf("at revision %d", s.Revision())
		}
	})
}

func TestContextEndsWaiting(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Commit(ctx, Txn{Edits: []Edit{put("a", "1")}}); !errors.Is(err, context.Canceled) {
			t.Errorf("commit: %v", err)
		}
		commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
		if _, err := s.Scan(ctx, nil, func(Record) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("scan: %v", err)
		}
	})
}

func TestClosedStoreSaysSo(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s Store) {
		commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{put("a", "2")}}); !errors.Is(err, ErrClosed) {
			t.Errorf("commit: %v", err)
		}
	})
}

// TestUntoldEdits: they are carried out like others, and nobody is told.
func TestUntoldEdits(t *testing.T) {
	each(t, Options{}, func(t *testing.T, s Store) {
		commit(t, s, Txn{Edits: []Edit{put("a", "1"), {Key: []byte("b"), Value: []byte("2"), Untold: true}}})
		diff(t, "untold alone", Done{Revision: 2}, commit(t, s, Txn{Edits: []Edit{{Key: []byte("b"), Remove: true, Untold: true}}}))
		diff(t, "records", []string{"a=1@1"}, scan(t, s, ""))
		var told []int
		err := s.History(t.Context(), 0, func(c Change) error { told = append(told, len(c.Edits)); return nil })
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "edits told", []int{1, 0}, told)
	})
}

// TestHistoryIsBoundedInBytes: long changes push others out; the last one stays.
func TestHistoryIsBoundedInBytes(t *testing.T) {
	each(t, Options{HistoryBytes: 10_000}, func(t *testing.T, s Store) {
		long := strings.Repeat("x", 3000)
		for i := range 20 {
			commit(t, s, Txn{Edits: []Edit{put("a", fmt.Sprint(i, long))}}) // keeps what was before
		}
		oldest, err := s.Oldest()
		if err != nil || oldest != 18 {
			t.Errorf("of 20 revisions the oldest is %d, %v; want the last three of 3 KB each", oldest, err)
		}
		commit(t, s, Txn{Edits: []Edit{put("b", strings.Repeat(long, 10))}})
		commit(t, s, Txn{Edits: []Edit{remove("b")}})
		if oldest, err := s.Oldest(); err != nil || oldest != s.Revision() {
			t.Errorf("beside one of 30 KB the oldest is %d, %v; the last is %d", oldest, err, s.Revision())
		}
		n := 0
		if err := s.History(t.Context(), s.Revision()-1, func(Change) error { n++; return nil }); err != nil || n != 1 {
			t.Errorf("the last: %d, %v", n, err)
		}
	})
}
