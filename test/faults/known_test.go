package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/controller"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/faultproxy"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// The tests of this file are about what users of other controllers suffered from;
// docs/reliability.md lists them all.

// TestLargePushOnASlowLink: a push takes longer than a switch may be silent, and
// neither the switch nor a request of another is given up meanwhile (Faucet 3281
// and 4568: large pushes starve echo, and the datapath is dropped).
func TestLargePushOnASlowLink(t *testing.T) {
	t.Parallel()
	const n = 10_000 // a megabyte: about 8 s, and 6 s of silence are the end
	l := newLab(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}})
	s := l.connect()
	l.proxy.Set(faultproxy.Fault{Kind: faultproxy.Throttle, Down: true, Size: 128 << 10})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var pushing sync.WaitGroup
	var err error
	pushing.Go(func() { err = s.Write(ctx, theFlows(n)) })
	asked := 0
	for ended := make(chan struct{}); ; asked++ {
		if asked == 0 {
			go func() { pushing.Wait(); close(ended) }()
		}
		if _, err := l.seen.Flows(ctx, ofp.AllFlows()); err != nil {
			t.Errorf("the bystander, meanwhile: %v", err)
		}
		select {
		case <-ended:
		case <-time.After(100 * time.Millisecond):
			continue
		}
		break
	}
	if err != nil {
		t.Errorf("the push fails: %v", err)
	}
	if have, foreign := numbers(l.victim.Flows()); len(have) != n || foreign > 0 {
		t.Errorf("%d flows of %d are there, and %d others", len(have), n, foreign)
	}
	if l.find(theVictim) != s {
		t.Error("the switch has lost its connection")
	}
	l.proxy.Set()
	l.settles(l.victim, s)
	l.unharmed()
	l.logged(10)
}

// TestSwitchDiesWhileManySend: writes, requests and messages of many goroutines
// are under way when the switch dies in any of the ways there are. All of them
// return, with errors that are true, and the switch comes back (antrea 442, 1486
// and 4092: the client of a dead switch deadlocks, or sends to the connection
// that was).
func TestSwitchDiesWhileManySend(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"reset@down@byte:100k", "half-close@down@byte:100k", "half-close@up@message:2", "cut@down@byte:100k", "cut@down@byte:100k,cut@up", "throttle=1@down@byte:100k",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}})
			s := l.connect()
			faults, err := faultproxy.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			l.proxy.Set(faults...)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for ctx.Err() == nil {
						if err := s.Write(ctx, theFlows(300)); err != nil {
							wantEnd(t, "write", err)
							return
						}
					}
				})
				all.Go(func() {
					for ctx.Err() == nil {
						if _, err := s.Flows(ctx, ofp.AllFlows()); err != nil {
							wantEnd(t, "statistics", err)
							return
						}
					}
				})
				all.Go(func() {
					for ctx.Err() == nil {
						err := s.Send(theFlow(0))
						if errors.Is(err, controller.ErrOverloaded) {
							time.Sleep(time.Millisecond) // as a sender does
						} else if err != nil {
							wantEnd(t, "send", err)
							return
						}
					}
				})
			}
			all.Wait()
			if ctx.Err() != nil {
				t.Error("a sender has not been told that the switch is dead")
			}
			if !until(patience, func() bool { return l.find(theVictim) != s }) {
				t.Error("the controller keeps the dead switch")
			}
			if err := s.Write(t.Context(), theFlows(1)); !errors.Is(err, controller.ErrDisconnected) {
				t.Errorf("a write to the switch that was: %v", err)
			}
			l.proxy.Set()
			l.settles(l.victim, l.comeBack())
			l.unharmed()
			l.logged(20)
		})
	}
}

// wantEnd takes an error for that of a dead switch: gone, or silent for too long.
func wantEnd(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, controller.ErrDisconnected) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: %v", what, err)
	}
}

// TestReconnectsLeaveNothing: a switch whose connection ends again and again, in
// all ways and in all states, costs neither goroutines nor descriptors nor memory
// (Ryu 43: descriptors leak on reconnect).
func TestReconnectsLeaveNothing(t *testing.T) {
	l := newLab(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}})
	ways := []string{
		"reset@up@message:0", "reset@up@message:1", "reset@down@message:2", "half-close@up@message:2", "half-close@down@message:3",
		"reset@up@message:4", "half-close@up@byte:100", "reset@time:20ms", "",
	}
	round := func() {
		for _, text := range ways {
			faults, err := faultproxy.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			l.proxy.Set(faults...)
			if err := l.victim.Dial(t.Context(), l.proxy.Addr()); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Fatal(err)
			}
			if text == "" { // up, and then ended by the switch
				l.await(theVictim, nil)
				l.victim.Disconnect()
			}
			if !until(patience, func() bool { return !l.victim.Connected() }) {
				t.Fatalf("%s: the connection does not end", text)
			}
			l.victim.Disconnect()
		}
		if !until(patience, func() bool { return l.proxy.Connections() == 0 && l.find(theVictim) == nil }) {
			t.Fatalf("%d connections are left", l.proxy.Connections())
		}
	}
	round()
	files := func() int {
		n, pipes := descriptors()
		return n + pipes
	}
	goroutines, most := runtime.NumGoroutine(), files()+turnPipe
	for range 20 {
		round()
	}
	if !until(patience, func() bool { return runtime.NumGoroutine() <= goroutines && files() <= most }) {
		t.Errorf("after %d more connections: %d goroutines (%d before), %d descriptors (%d at most)",
			20*len(ways), runtime.NumGoroutine(), goroutines, files(), most)
	}
	l.proxy.Set()
	l.settles(l.victim, l.comeBack())
	l.unharmed()
}

// TestEndlessHello: a peer that says hello and nothing else, on and on, gets no
// memory and no log for it, before and after the handshake (Faucet 489: a hello
// loop takes 7 GB).
func TestEndlessHello(t *testing.T) {
	l := newLab(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}})
	hello := []byte{4, 0, 0, 8, 0, 0, 0, 1}
	features := append([]byte{4, 6, 0, 32, 0, 0, 0, 0}, make([]byte, 24)...)
	binary.BigEndian.PutUint64(features[8:], uint64(theVictim))
	chunk := []byte(strings.Repeat(string(hello), 4096))
	const mebibytes = 16
	for _, shaken := range []bool{false, true} {
		before := heap()
		c, err := net.Dial("tcp", l.addr)
		if err != nil {
			t.Fatal(err)
		}
		var reading sync.WaitGroup
		reading.Go(func() {
			head := make([]byte, 8)
			for {
				if _, err := io.ReadFull(c, head); err != nil {
					return
				}
				_, _ = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint16(head[2:]))-8)
				if head[1] == 5 && shaken { // features request
					copy(features[4:8], head[4:])
					_, _ = c.Write(features)
				}
			}
		})
		_ = c.SetWriteDeadline(time.Now().Add(patience))
		sent := 0
		for sent < mebibytes<<20 {
			n, err := c.Write(chunk)
			sent += n
			if err != nil {
				break // ended by the controller, which it may
			}
		}
		if now := heap(); now > before+(8<<20) {
			t.Errorf("shaken hands %v: %d MB of heap before, %d MB after %d MB of hellos", shaken, before>>20, now>>20, sent>>20)
		}
		c.Close()
		reading.Wait()
	}
	l.unharmed()
	l.logged(20)
}

// heap returns the bytes of the heap that are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestManySwitchesAtOnce: 200 switches on a slow network connect at once, and all
// shake hands (Floodlight 450: 100 switches cannot).
func TestManySwitchesAtOnce(t *testing.T) {
	l := newLab(t, 1, simswitch.Config{Versions: []ofp.Version{ofp.V13}})
	l.proxy.Set(faultproxy.Fault{Kind: faultproxy.Delay, Min: 5 * time.Millisecond, Max: 50 * time.Millisecond})
	const n = 200
	var all sync.WaitGroup
	errs := make(chan error, n)
	for i := range n {
		sw := simswitch.New(simswitch.Config{DPID: ofp.DPID(1000 + i)})
		t.Cleanup(sw.Close)
		all.Go(func() {
			if err := sw.Dial(t.Context(), l.proxy.Addr()); err != nil {
				errs <- fmt.Errorf("switch %d: %w", i, err)
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if !until(patience, func() bool { return len(l.c.Switches()) == n+1 }) {
		t.Errorf("%d of %d switches are ready", len(l.c.Switches())-1, n)
	}
	if refused := strings.Count(strings.Join(l.log.lines(), "\n"), "connection refused"); refused > 0 {
		t.Errorf("%d connections were refused", refused)
	}
	l.unharmed()
}
