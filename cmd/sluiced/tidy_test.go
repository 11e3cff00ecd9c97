package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestMessy(t *testing.T) {
	const mb = 1 << 20
	for _, tt := range []struct {
		name        string
		before, now memory
		want        bool
	}{
		{"at the start", memory{}, memory{allocated: 2 * mb, objects: 2 * mb}, false},
		{"quiet and small", memory{allocated: 50 * mb}, memory{allocated: 50 * mb, objects: 10 * mb, live: 6 * mb, free: 3 * mb}, false},
		{"after a storm", memory{allocated: 900 * mb}, memory{allocated: 901 * mb, objects: 10 * mb, live: 6 * mb, free: 120 * mb}, true},
		{"in a storm", memory{allocated: 900 * mb}, memory{allocated: 990 * mb, objects: 10 * mb, live: 6 * mb, free: 120 * mb}, false},
		{"dead and not collected", memory{allocated: 99 * mb}, memory{allocated: 100 * mb, objects: 70 * mb, live: 40 * mb}, true},
		{"large and tight", memory{allocated: 900 * mb}, memory{allocated: 900 * mb, objects: 410 * mb, live: 400 * mb, free: 50 * mb}, false},
		{"large and humming", memory{allocated: 900 * mb}, memory{allocated: 930 * mb, objects: 410 * mb, live: 400 * mb, free: 150 * mb}, true},
	} {
		if got := messy(tt.before, tt.now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestMessyIsSeen: memory that was needed and is not any more shows in what the
// runtime says, and giving it back mends it.
func TestMessyIsSeen(t *testing.T) {
	func() {
		var held [][]byte
		for range 64 {
			held = append(held, make([]byte, 1<<20))
		}
		runtime.KeepAlive(held)
	}()
	runtime.GC()
	now := readMemory()
	if now.allocated == 0 || now.live == 0 {
		t.Fatalf("the runtime says %+v", now)
	}
	if !messy(now, now) {
		t.Skipf("the runtime has given 64 MB back by itself: %+v", now)
	}
	debug.FreeOSMemory()
	after := readMemory()
	if after.free > now.free/2 && messy(after, after) {
		t.Errorf("%d bytes were free, and %d are after they were given back", now.free, after.free)
	}
}
