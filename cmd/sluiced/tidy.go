package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How often memory is looked at, how long there is peace at least between two
// times of giving some back, and how much it must be worth.
const (
	tidyInterval = 5 * time.Second
	tidyPeace    = 30 * time.Second
	tidyWorth    = 8 << 20 // bytes
)

// memory is what the runtime says about the heap, in bytes.
type memory struct {
	allocated uint64 // ever
	objects   uint64 // those in use, and those that the next collection would find dead
	live      uint64 // those that the last collection found in use
	free      uint64 // without objects, and not given back to the system
}

func readMemory() memory {
	s := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(s)
	v := func(i int) uint64 {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return s[i].Value.Uint64()
	}
	return memory{allocated: v(0), objects: v(1), live: v(2), free: v(3) + v(4)}
}

// messy reports whether a process that has come from before to now in
// tidyInterval should give memory back: it does little at the moment, and holds
// much that it does not need, as after a storm or when thousands of switches have
// shaken hands. The runtime by itself collects when the heap has doubled, or after
// two minutes, and gives back slowly what has become free.
func messy(before, now memory) bool {
	busy := now.allocated-before.allocated > max(tidyWorth/2, now.live/8)
	waste := now.free
	if now.objects > now.live {
		waste += now.objects - now.live
	}
	return !busy && waste > max(tidyWorth, now.live/4)
}

// tidy has the collector be as ever after large requests, and gives memory back to the
// system whenever the daemon has become quiet, until ctx ends. That takes a
// collection: some milliseconds of one core for each 10 MB in use.
func tidy(ctx context.Context, room *burst) {
	ticker := time.NewTicker(tidyInterval)
	defer ticker.Stop()
	before, peace := readMemory(), time.Time{}
	for {
		select {
		case <-ctx.Done():
			room.settle()
			return
		case at := <-ticker.C:
			room.settle()
			now := readMemory()
			if messy(before, now) && at.After(peace) {
				debug.FreeOSMemory()
				peace = at.Add(tidyPeace)
				now = readMemory()
			}
			before = now
		}
	}
}
