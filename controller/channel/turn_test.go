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

// TestTurnLength: a reader passes after a long turn if it is alone or all read much,
// after short ones while others read who are calm and for a while after.
func TestTurnLength(t *testing.T) {
	var gate turnstile
	var own turn
	chunk := make([]byte, largeChunk)
	passes := func(bytes int, others func()) (n int) {
		for read := 0; read < bytes; {
			others()
			before, m := own.read, len(own.most(chunk))
			gate.took(&own, m)
			if own.read < before+m {
				n++
			}
			read += m
		}
		return n
	}
	if n := passes(8*longTurn, func() {}); n != 8 {
		t.Errorf("alone: %d passes, want 8", n)
	}
	var storm turn
	if n := passes(8*longTurn, func() { gate.took(&storm, largeChunk) }); n != 8 {
		t.Errorf("all read much: %d passes, want 8", n)
	}
	var odd turn
	i := 0
	dribble := func() { // now and then much
		if i++; i%calmReads == 0 {
			gate.took(&odd, largeChunk)
		} else {
			gate.took(&odd, 100)
		}
	}
	if n := passes(8*longTurn, dribble); n != 8 {
		t.Errorf("another reads much, and little in between: %d passes, want 8", n)
	}
	var calm turn
	passes(longTurn, func() { gate.took(&calm, 100) })
	if n := passes(longTurn, func() { gate.took(&calm, 100) }); n != longTurn/shortTurn {
		t.Errorf("another is calm: %d passes, want %d", n, longTurn/shortTurn)
	}
	passes(shortTurns*shortTurn, func() {})
	if n := passes(8*longTurn, func() {}); n != 8 {
		t.Errorf("alone again: %d passes, want 8", n)
	}
}

func BenchmarkTurn(b *testing.B) {
	var gate turnstile
	for b.Loop() {
		gate.pass()
	}
}
