package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// slowSwitch reads at a number of bytes a second, answers barriers and echoes,
// and asks for an echo every five seconds.
type slowSwitch struct {
	*rig
	rate    int
	seen    map[ofp.Type]int
	slowest atomic.Int64 // echo
	asked   atomic.Int64 // when the last echo request was sent; 0 once it is answered
	echoes  atomic.Int64 // answered
}

func (s *slowSwitch) run() {
	for {
		h, m, err := s.read()
		if err != nil {
			return
		}
		time.Sleep(time.Duration(h.Length) * time.Second / time.Duration(s.rate))
		s.seen[m.Type()]++
		if m.Type() == ofp.TypeEchoReply {
			s.slowest.Store(max(s.slowest.Load(), time.Now().UnixNano()-s.asked.Swap(0)))
			s.echoes.Add(1)
		}
		if a := s.answer(m); a != nil {
			s.sendX(h.XID, a)
		}
	}
}

func (s *slowSwitch) probe(done <-chan struct{}) {
	for {
		select {
		case <-time.After(5 * time.Second):
		case <-done:
			return
		}
		if !s.asked.CompareAndSwap(0, time.Now().UnixNano()) {
			s.t.Error("an echo is not answered within five seconds")
			return
		}
		s.send(&ofp.EchoRequest{Data: []byte("probe")})
	}
}

// TestPush: while 100,000 flows go to a switch that takes a minute and a half to
// read them, echoes are answered within a turn, another's write is confirmed, an
// app's packet-outs leave, and a request that a handler makes is answered.
func TestPush(t *testing.T) {
	const rate = 100 << 10
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		s := &slowSwitch{rig: r, rate: rate, seen: map[ofp.Type]int{}}
		var wg sync.WaitGroup
		wg.Go(s.run)
		r.send(ofp.NewHello(ofp.V13))
		c := <-r.w.up
		done := make(chan struct{})
		wg.Go(func() { s.probe(done) })

		begun := time.Now()
		pushed := make(chan error, 1)
		go func() { pushed <- c.Write(t.Context(), flowMods(100000)) }()
		synctest.Wait()
		// Three turns, that of the switch's echo included, and the message itself.
		soon := time.Second * (4 * turnBytes) / rate
		timed := func(what string, f func() error) {
			t.Helper()
			before := time.Now()
			if err := f(); err != nil {
				t.Errorf("%s: %v", what, err)
			} else if d := time.Since(before); d > soon {
				t.Errorf("%s took %v beside the push, %v would be fair", what, d, soon)
			}
		}
		packet := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Data: make([]byte, 100)}
		sent := 0
		for i := range 100 {
			time.Sleep(200 * time.Millisecond)
			for range 20 {
				if err := c.Send(packet); err != nil {
					t.Fatalf("packet-out: %v", err)
				}
				sent++
			}
			switch i % 20 {
			case 3:
				timed("another's write", func() error { return c.Write(Apart(t.Context()), flowMods(1)) })
			case 9:
				timed("another's barrier", func() error { _, err := c.Request(Apart(t.Context()), &ofp.BarrierRequest{}); return err })
			case 14:
				timed("a barrier after packet-outs", func() error { _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); return err })
			case 19:
				timed("a write after packet-outs", func() error { return c.Write(t.Context(), flowMods(1)) })
			}
		}
		select {
		case err := <-pushed:
			t.Fatalf("the push ended (%v) after %v: there was nothing to starve", err, time.Since(begun))
		default:
		}
		if err := <-pushed; err != nil {
			t.Fatalf("push: %v", err)
		}
		t.Logf("pushed in %v, slowest echo %v", time.Since(begun), time.Duration(s.slowest.Load()))
		close(done)
		if n := s.echoes.Load(); n < 10 {
			t.Errorf("%d echoes were answered", n)
		}
		if d := time.Duration(s.slowest.Load()); d > time.Second*(2*turnBytes)/rate {
			t.Errorf("the slowest echo took %v", d)
		}
		for d := range NumDrops {
			if n := r.stats.Drops[d].Load(); n > 0 {
				t.Errorf("%d drops of %s", n, d)
			}
		}
		c.Close(ReasonShutdown, nil)
		r.ended()
		wg.Wait()
		if got := s.seen[ofp.TypePacketOut]; got != sent {
			t.Errorf("%d of %d packet-outs came", got, sent)
		}
	})
}

// TestWriteIsWithdrawn: what is left of a Write when it is given up is not sent, so
// that nothing of it comes after what its caller does next, and Sent says what
// was.
func TestWriteIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		s := &slowSwitch{rig: r, rate: 100 << 10, seen: map[ofp.Type]int{}}
		var wg sync.WaitGroup
		wg.Go(s.run)
		r.send(ofp.NewHello(ofp.V13))
		c := <-r.w.up
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := c.Write(ctx, flowMods(100000))
		e, ok := errors.AsType[*WriteError](err)
		if !ok || e.Sent < 5000 || e.Sent > 50000 || e.Confirmed > e.Sent || e.Confirmed < 1000 {
			t.Fatalf("error %v", err)
		}
		if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
			t.Fatal(err)
		}
		c.Close(ReasonShutdown, nil)
		r.ended()
		wg.Wait()
		if got := s.seen[ofp.TypeFlowMod]; got != e.Sent {
			t.Errorf("%d flow-mods came, %d are said to be sent", got, e.Sent)
		}
		if n := r.stats.Out[ofp.TypeFlowMod].Load(); n != uint64(e.Sent) {
			t.Errorf("%d flow-mods are counted", n)
		}
	})
}

// TestBuffersAreGivenBack: what was written leaves no buffer with the outbox, and the
// next message finds one; the bytes of one connection never show in another.
func TestBuffersAreGivenBack(t *testing.T) {
	a, b := lonely(Config{}), lonely(Config{})
	for round := range uint32(50) {
		for i, c := range []*Conn{a, b} {
			m := ofp.NewFlowMod(ofp.FlowAdd)
			m.Cookie = uint64(round)<<8 | uint64(i)
			for range 1 + round%7*100 {
				if err := c.out.send(m); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, c := range []*Conn{a, b} {
			n := uint32(0)
			for out, _ := c.out.next(); len(out) > 0; out, _ = c.out.next() {
				for len(out) > 0 {
					size := binary.BigEndian.Uint16(out[2:])
					_, m, err := ofp.Decode(out[:size])
					if err != nil {
						t.Fatal(err)
					}
					if got := m.(*ofp.FlowMod).Cookie; got != uint64(round)<<8|uint64(i) {
						t.Fatalf("round %d, connection %d: cookie %#x", round, i, got)
					}
					out = out[size:]
					n++
				}
			}
			if want := 1 + round%7*100; n != want {
				t.Fatalf("round %d: %d messages, want %d", round, n, want)
			}
			if s := &c.out.apps; s.buf != nil || s.lent != nil || s.taking != nil || s.back != nil {
				t.Fatalf("round %d: the outbox still has a buffer", round)
			}
		}
	}
}
