package controller

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestCrowdWaitsForRoom: many that come at once and move on all enter; where
// nobody moves on, one waits in vain and the others not at all.
func TestCrowdWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w crowd
		w.init()
		var all sync.WaitGroup
		for i := range 1000 {
			if !w.enter(t.Context(), 2) {
				t.Fatalf("number %d is turned away", i+1)
			}
			all.Go(func() {
				time.Sleep(crowdPatience / 2)
				w.leave()
			})
		}
		all.Wait()
		if n := w.n.Load(); n != 0 {
			t.Fatalf("%d are left", n)
		}

		begin := time.Now()
		for i := range 10 {
			if got := w.enter(t.Context(), 2); got != (i < 2) {
				t.Errorf("number %d: enters %v", i+1, got)
			}
		}
		if took := time.Since(begin); took != crowdPatience {
			t.Errorf("took %v, want %v", took, crowdPatience)
		}
		w.leave()
		if !w.enter(t.Context(), 2) {
			t.Error("there is room, and it is not given")
		}
	})
}
