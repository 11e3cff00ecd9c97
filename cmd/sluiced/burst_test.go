package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestBurstPercent(t *testing.T) {
	const mb = 1 << 20
	for _, tt := range []struct {
		base       int
		live, room uint64
		want       int
	}{
		{100, 10 * mb, 0, 100},
		{100, 10 * mb, 100 * mb, 1100},
		{100, 1 * mb, 100 * mb, 2600}, // of 4 MB
		{50, 400 * mb, 100 * mb, 75},
		{-1, 10 * mb, 100 * mb, -1},
	} {
		if got := burstPercent(tt.base, tt.live, tt.room); got != tt.want {
			t.Errorf("%d %% of %d with room of %d: %d %%, want %d", tt.base, tt.live, tt.room, got, tt.want)
		}
	}
}

// While there is a large request the heap may grow by what it needs, whatever is in
// use; and when it is over, as ever.
func TestBurst(t *testing.T) {
	const base = 120
	defer debug.SetGCPercent(debug.SetGCPercent(base))
	var b burst
	b.begin(burstLeast - 1)()
	if got := gcPercent(); got != base {
		t.Fatalf("%d %% for a small request", got)
	}
	overOne := b.begin(100_000)
	one := gcPercent()
	overMost := b.begin(1 << 30)
	most := gcPercent()
	if one <= base || most <= one || most > base+100*burstMost/(4<<20) {
		t.Fatalf("%d %%, and %d %% with one that is too large", one, most)
	}
	overMost()
	b.settle()
	if got := gcPercent(); got != most {
		t.Fatalf("%d %% while there is a large request, after %d %%", got, most)
	}
	// What is in use grows: a percent of it is more.
	held := make([][]byte, 128)
	for i := range held {
		held[i] = make([]byte, 1<<20)
	}
	deadline := time.Now().Add(30 * time.Second)
	for runtime.GC(); gcPercent() >= most/4; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("still %d %% after a collection, as before 128 MB came into use", gcPercent())
		}
	}
	runtime.KeepAlive(held)
	overOne()
	b.settle()
	if got := gcPercent(); got != base {
		t.Fatalf("%d %% after all", got)
	}
	runtime.GC() // what it leaves to be done changes nothing any more
	if got := gcPercent(); got != base {
		t.Fatalf("%d %% after all, and a collection", got)
	}
}
