package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDiskThatDoesNotAnswer: while a write lasts Health tells since when, and after a
// time that the store cannot be written; who comes behind it waits until its deadline
// and no longer, and what it wants is never carried out; reading goes on. When the
// disk answers, what was begun is done, and all is well.
func TestDiskThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onDisk(t, filepath.Join(t.TempDir(), "state.db"), Options{})
		defer s.Close()
		commit(t, s, Txn{Edits: []Edit{put("a", "1")}})
		answers := make(chan struct{})
		failing(s, func(b []byte, at int64, write func([]byte, int64) (int, error)) (int, error) {
			<-answers
			return write(b, at)
		})
		if h := s.Health(); h != (Health{}) {
			t.Errorf("before: %+v", h)
		}
		began := time.Now()
		first := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := s.Commit(ctx, Txn{Edits: []Edit{put("b", "2")}})
			first <- err
		}()
		synctest.Wait()
		behind := make(chan error, 2000)
		for range cap(behind) { // more than the queue has room for
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				_, err := s.Commit(ctx, Txn{Edits: []Edit{put("c", "3")}})
				behind <- err
			}()
		}
		time.Sleep(hangLimit - time.Millisecond)
		if h := s.Health(); h.Err != nil || !h.Writing.Equal(began) {
			t.Errorf("after a short time: %+v", h)
		}
		time.Sleep(time.Millisecond)
		if h := s.Health(); !errors.Is(h.Err, ErrHangs) || !h.Since.Equal(began) || !strings.Contains(h.Err.Error(), "10s") {
			t.Errorf("after a time: %+v", h)
		}
		if err := s.Try(); !errors.Is(err, ErrHangs) {
			t.Errorf("try: %v", err)
		}
		for range cap(behind) {
			if err := <-behind; !errors.Is(err, ErrHangs) || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("behind it: %v", err)
			}
		}
		if lasted := time.Since(began); lasted != 15*time.Second {
			t.Errorf("those behind it waited for %v", lasted)
		}
		diff(t, "records", []string{"a=1@1"}, scan(t, s, ""))
		time.Sleep(time.Hour)
		close(answers)
		if err := <-first; err != nil {
			t.Errorf("what was begun: %v", err)
		}
		diff(t, "commit", Done{Revision: 3}, commit(t, s, Txn{Edits: []Edit{put("d", "4")}}))
		diff(t, "records", []string{"a=1@1", "b=2@2", "d=4@3"}, scan(t, s, ""))
		if h := s.Health(); h != (Health{}) {
			t.Errorf("after it: %+v", h)
		}
	})
}
