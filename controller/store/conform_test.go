package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// kinds are the implementations of Store. Each must pass conform, and what runs
// under each: another one is added here.
var kinds = map[string]func(t *testing.T, o Options) Store{
	"memory": func(_ *testing.T, o Options) Store { return NewMemory(o) },
	"disk": func(t *testing.T, o Options) Store {
		return onDisk(t, filepath.Join(t.TempDir(), "state.db"), o)
	},
}

// TestConformance is what any Store must do while many use it at once, which is
// where one that is spread over machines would differ.
func TestConformance(t *testing.T) {
	for name, open := range kinds {
		for what, f := range map[string]func(*testing.T, Store){
			"compare-and-swap loses nothing":      compareAndSwap,
			"a batch is seen whole":               wholeBatches,
			"a watch is resumed without a gap":    resumedWatch,
			"a healthy store says so":             healthy,
			"what has a conflict changes nothing": conflictIsWhole,
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				// The clock goes back with each look: no time may.
				now := time.Unix(1_000_000, 0)
				var mu sync.Mutex
				s := open(t, Options{Now: func() time.Time {
					mu.Lock()
					defer mu.Unlock()
					now = now.Add(-time.Hour)
					return now
				}})
				defer s.Close()
				f(t, s)
			})
		}
	}
}

const (
	writers = 8
	rounds  = 25
)

// compareAndSwap has several count in one record, each when it has not changed
// since it was read.
func compareAndSwap(t *testing.T, s Store) {
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for done := 0; done < rounds; {
				r, _, err := s.Get([]byte("n"))
				if err != nil {
					t.Error(err)
					return
				}
				n := uint64(1)
				if len(r.Value) == 8 {
					n += binary.BigEndian.Uint64(r.Value)
				}
				_, err = s.Commit(t.Context(), Txn{
					If:    []Condition{{[]byte("n"), r.Revision}},
					Edits: []Edit{{Key: []byte("n"), Value: binary.BigEndian.AppendUint64(nil, n)}},
				})
				switch conflict := (*ConflictError)(nil); {
				case err == nil:
					done++
				case !errors.As(err, &conflict):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	r, _, err := s.Get([]byte("n"))
	if err != nil || len(r.Value) != 8 || binary.BigEndian.Uint64(r.Value) != writers*rounds || r.Revision != writers*rounds {
		t.Errorf("counted to %x at revision %d, %v; want %d at as many", r.Value, r.Revision, err, writers*rounds)
	}
}

// wholeBatches reads while transactions write two records each: they are always
// alike, and of one revision.
func wholeBatches(t *testing.T, s Store) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range writers * rounds {
			v := fmt.Sprint(i)
			if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{put("a", v), put("b", v)}}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		default:
		}
		var seen []Record
		rev, err := s.Scan(t.Context(), nil, func(r Record) error {
			seen = append(seen, Record{Value: append([]byte{}, r.Value...), Revision: r.Revision})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != 0 && (len(seen) != 2 || string(seen[0].Value) != string(seen[1].Value) || seen[0].Revision != seen[1].Revision || seen[0].Revision != rev) {
			t.Fatalf("at revision %d there are %v", rev, seen)
		}
	}
}

// resumedWatch follows writers with a watch that begins anew after each change it
// was told of: it is told of every revision once, in order, at times that never go
// back.
func resumedWatch(t *testing.T, s Store) {
	var all sync.WaitGroup
	defer all.Wait()
	for w := range writers {
		all.Go(func() {
			for i := range rounds {
				if _, err := s.Commit(t.Context(), Txn{Author: fmt.Sprint(w), Edits: []Edit{put(fmt.Sprint("k", w), fmt.Sprint(i))}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	enough := errors.New("enough for now")
	limit := time.After(time.Minute)
	last := Change{}
	for last.Revision < writers*rounds {
		select {
		case <-s.Changed(last.Revision):
		case <-limit:
			t.Fatalf("nothing new after revision %d", last.Revision)
		}
		err := s.History(t.Context(), last.Revision, func(c Change) error {
			if c.Revision != last.Revision+1 || c.Time.Before(last.Time) || len(c.Edits) != 1 {
				t.Errorf("after revision %d of %v came %+v", last.Revision, last.Time, c)
			}
			last = c
			return enough
		})
		if err != nil && !errors.Is(err, enough) {
			t.Fatal(err)
		}
	}
}

// conflictIsWhole: of a transaction of which one condition does not hold nothing is
// there, whatever stands beside it in a queue.
func conflictIsWhole(t *testing.T, s Store) {
	commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			if w%2 == 0 {
				if _, err := s.Commit(t.Context(), Txn{Edits: []Edit{put(fmt.Sprint("good", w), "1")}}); err != nil {
					t.Error(err)
				}
				return
			}
			_, err := s.Commit(t.Context(), Txn{
				If:    []Condition{{[]byte("a"), 1}, {[]byte("a"), 7}},
				Edits: []Edit{put("a", "2"), put(fmt.Sprint("bad", w), "1")},
			})
			if !errors.Is(err, ErrConflict) {
				t.Errorf("a condition that does not hold: %v", err)
			}
		})
	}
	all.Wait()
	diff(t, "what was refused", []string(nil), scan(t, s, "bad"))
	if n := len(scan(t, s, "good")); n != writers/2 || s.Revision() != 1+writers/2 {
		t.Errorf("%d records at revision %d", n, s.Revision())
	}
}

func healthy(t *testing.T, s Store) {
	if err := s.Try(); err != nil {
		t.Error(err)
	}
	commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
	diff(t, "health", Health{}, s.Health())
	if s.Revision() != 1 {
		t.Errorf("a trial has a revision: %d", s.Revision())
	}
}
