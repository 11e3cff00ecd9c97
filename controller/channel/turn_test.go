package channel

import (
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestTurnHearsOthers: with one processor that always has something to run,
// whoever waits for the network is heard when somebody passes the turnstile, and
// not only when the runtime finds that it has not looked for long.
func TestTurnHearsOthers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()

	const rounds = 50
	var (
		gate  turnstile
		wg    sync.WaitGroup
		stop  atomic.Bool
		busy  atomic.Int64 // hand-overs of the storm
		there = make(chan struct{})
		back  = make(chan struct{})
	)
	// Two goroutines that always have something to do for each other: the
	// scheduler never finds nothing to run. One of them passes the turnstile.
	wg.Go(func() {
		defer close(there)
		for !stop.Load() {
			for range 100 {
				there <- struct{}{}
				<-back
				busy.Add(1)
			}
			gate.pass()
		}
	})
	wg.Go(func() {
		for range there {
			back <- struct{}{}
		}
	})
	// The victim waits for the network; how much the storm did until it was heard
	// is its delay.
	var sent, late atomic.Int64
	wg.Go(func() {
		defer stop.Store(true)
		b := make([]byte, 1)
		for range rounds {
			if _, err := io.ReadFull(theirs, b); err != nil {
				t.Error(err)
				return
			}
			late.Store(max(late.Load(), busy.Load()-sent.Load()))
			if _, err := theirs.Write(b); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Go(func() {
		b := make([]byte, 1)
		for range rounds {
			sent.Store(busy.Load())
			if _, err := ours.Write(b); err != nil {
				return
			}
			if _, err := io.ReadFull(ours, b); err != nil {
				return
			}
		}
	})
	wg.Wait()
	if n := late.Load(); n > 1000 {
		t.Errorf("the storm handed over %d times before the other was heard, want a few hundred at most", n)
	}
}

// TestTurnTogether: any number may pass at a time, and all come back.
func TestTurnTogether(t *testing.T) {
	var gate turnstile
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 200 {
				gate.pass()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("not all came back")
	}
}

// TestTurnLength: a reader passes after a short turn while others read little,
// after a long one if it is alone or all read much.
func TestTurnLength(t *testing.T) {
	var gate turnstile
	passes := func(bytes int, others func()) (n int) {
		var own turn
		own.light = gate.light.Load()
		for read := 0; read < bytes; read += largeChunk {
			others()
			before := own.read
			gate.took(&own, largeChunk)
			if own.read < before+largeChunk {
				n++
			}
		}
		return n
	}
	const much = 16 * longTurn
	if n := passes(much, func() {}); n != 16 {
		t.Errorf("alone: %d passes, want 16", n)
	}
	if n := passes(much, func() { gate.took(new(turn), largeChunk/2) }); n != 16 {
		t.Errorf("all read much: %d passes, want 16", n)
	}
	if n := passes(much, func() { gate.took(new(turn), 100) }); n != much/shortTurn {
		t.Errorf("others read little: %d passes, want %d", n, much/shortTurn)
	}
}

func BenchmarkTurn(b *testing.B) {
	var gate turnstile
	for b.Loop() {
		gate.pass()
	}
}
