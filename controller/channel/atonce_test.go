package channel

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestStandInOrder: whatever comes between what the dispatcher writes itself, and
// however little the socket takes of that, nobody else is given anything to write
// meanwhile, the writer goes on where it stopped, and every source's messages come
// out once and in order, Writes after what was sent before them.
func TestStandInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := lonely(Config{HighWater: 1 << 30})
		o := &c.out
		o.direct = true
		l := &ledger{next: map[int]int{}, bytes: map[int]int{}}
		var wire []byte      // what the switch has
		var begun, as []byte // what the dispatcher writes, and what it was
		var types tally
		sent, answers, writes := 0, 0, 0
		after := map[int]int{}
		put := func(b []byte) { wire = append(wire, b...) }
		next := func() int {
			b, stay := o.next()
			if begun != nil && (b != nil || !stay) {
				t.Fatalf("the writer is given %d bytes, or goes (%v), while the dispatcher writes", len(b), !stay)
			}
			put(b)
			return len(b)
		}
		wrote := func(n int) {
			if !bytes.Equal(begun, as) {
				t.Fatal("what is being written has changed")
			}
			put(begun[:n])
			left := begun[n:]
			begun = nil
			o.wrote(left)
		}
		batch := func(t *rapid.T) {
			if begun != nil {
				t.Skip("the dispatcher still writes")
			}
			var frames []byte
			for range rapid.IntRange(0, 3).Draw(t, "messages") {
				frames = append(frames, marked(0, sent, rapid.IntRange(0, 2000).Draw(t, "length"))...)
				types.add(ofp.TypeEchoRequest)
				sent++
			}
			if b := o.settle(frames, &types, true); len(b) > 0 {
				begun, as = b, bytes.Clone(b)
				if !o.woken || !o.standin {
					t.Fatal("nobody is told that the dispatcher writes")
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"batch":  batch,
			"batch2": batch,
			"held":   func(t *rapid.T) { _ = begun == nil && o.hold() },
			"wrote": func(t *rapid.T) {
				if begun == nil {
					t.Skip("the dispatcher writes nothing")
				}
				wrote(rapid.IntRange(0, len(begun)).Draw(t, "bytes"))
			},
			"send": func(t *rapid.T) {
				m := &ofp.EchoRequest{Data: marked(0, sent, rapid.IntRange(0, 3000).Draw(t, "length"))[8:]}
				sent++
				if err := o.send(m); err != nil {
					t.Fatal(err)
				}
			},
			"write": func(t *rapid.T) {
				writes++
				after[writes] = sent
				p := new(push)
				for i := range rapid.IntRange(1, 4).Draw(t, "messages") {
					p.groups = append(p.groups, marked(writes, i, 5000))
				}
				if room, err := o.push(p, false, nil); room != nil || err != nil {
					t.Fatal(room, err)
				}
			},
			"answer": func(*rapid.T) { answers++; o.answer(ofp.V13, 1, &ofp.EchoReply{}) },
			"next":   func(*rapid.T) { next() },
			"trim":   func(*rapid.T) { o.trim() },
		})
		if begun != nil {
			wrote(len(begun))
		}
		if (o.waiting() > 0) && !o.woken && !o.held {
			t.Fatal("something waits, and nobody is awake")
		}
		for next() > 0 {
		}
		for len(wire) > 0 { // order between sources counts, too
			n := binary.BigEndian.Uint16(wire[2:])
			before := l.next[0]
			l.read(t, wire[:n])
			for w := range after {
				if l.next[w] > 0 && before < after[w] && l.next[0] == before {
					t.Fatalf("write %d is ahead of what was sent before it", w)
				}
			}
			wire = wire[n:]
		}
		if l.next[0] != sent || l.answers != answers {
			t.Fatalf("%d of %d messages and %d of %d answers came out", l.next[0], sent, l.answers, answers)
		}
		if o.waiting() != 0 || o.unwritten != 0 || o.begun != nil || o.apps.lent != nil || o.apps.back != nil {
			t.Fatalf("%d bytes, %d of them taken, and a buffer are left", o.waiting(), o.unwritten)
		}
	})
}

// TestAtOnceAllocatesNothing holds for a lone packet's answer.
func TestAtOnceAllocatesNothing(t *testing.T) {
	c := lonely(Config{})
	c.out.direct = true
	m := ofp.NewFlowMod(ofp.FlowAdd)
	best := 1e9
	for range 200 {
		best = min(best, testing.AllocsPerRun(1, func() {
			c.gatherOne()
			for range 2 {
				if err := c.SendSoon(m); err != nil {
					t.Fatal(err)
				}
			}
			c.soon.on = false
			if b := c.out.settle(c.soon.frames, &c.soon.types, true); len(b) == 0 {
				t.Fatal("it is not written at once")
			}
			c.out.wrote(nil)
			c.soon.giveBack()
		}))
	}
	if best != 0 {
		t.Errorf("%v allocations for a packet", best)
	}
}

// TestPeerThatReadsNothing: the handler of a switch that sends packets and reads
// nothing is never held up, what it sends meets the bounds, and the connection ends
// by the write deadline.
func TestPeerThatReadsNothing(t *testing.T) {
	ours, theirs := tinyPair(t)
	gate := &gatedConn{Conn: theirs, open: make(chan struct{})}
	h := &responder{prompt: always, size: 1000}
	var slowest atomic.Int64
	r := startResponder(t, ours, gate, Config{WriteTimeout: time.Second, HighWater: 64 << 10}, h)
	r.ready()
	r.lone(1)
	gate.shut.Store(true)
	for id := uint32(2); ; id++ {
		begun := time.Now()
		b, _ := ofp.Append(nil, ofp.V13, 0, &ofp.PacketIn{BufferID: id, Data: make([]byte, 60)})
		if _, err := theirs.Write(b); err != nil {
			break
		}
		slowest.Store(max(slowest.Load(), int64(time.Since(begun))))
		if id%8 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if e := r.ended(); e.Reason != ReasonWriteTimeout {
		t.Errorf("ended with %v", e)
	}
	// The socket, 64 KiB in the outbox: the rest is refused.
	if h.refused.Load() == 0 {
		t.Error("nothing was refused")
	}
	if n := uint64(h.refused.Load()); r.stats.Drops[DropPacketOut].Load() != n {
		t.Errorf("%d answers refused, %d are counted as dropped", n, r.stats.Drops[DropPacketOut].Load())
	}
}

// TestStandInAfterADeadline: a write deadline that has passed since the writer wrote
// last keeps nobody from writing.
func TestStandInAfterADeadline(t *testing.T) {
	ours, theirs := tcpPair(t)
	r := startResponder(t, ours, theirs, Config{WriteTimeout: 20 * time.Millisecond}, &responder{prompt: always})
	c := r.ready()
	for id := range uint32(5) {
		if err := c.Send(&ofp.BarrierRequest{}); err != nil {
			t.Fatal(err)
		}
		r.want(ofp.TypeBarrierRequest)
		time.Sleep(30 * time.Millisecond) // the deadline passes; what follows holds if it did not, too
		r.lone(id)
	}
}

// TestStandInAtTheEnd: a connection that ends while somebody stands in flushes what was
// said, once, and leaves nobody behind.
func TestStandInAtTheEnd(t *testing.T) {
	for range 20 {
		ours, theirs := tinyPair(t)
		said := make(chan uint32, 1)
		h := &responder{prompt: func(id uint32) bool { return id%2 == 0 }, size: 500}
		h.work = func(c *Conn, id uint32, _ bool) {
			if id == 20 {
				c.Flush() // what is only gathered at the end is not sent
				go c.Close(ReasonShutdown, nil)
			}
		}
		r := startResponder(t, ours, theirs, Config{}, h)
		r.ready()
		go func() {
			for id := range uint32(21) { // what is unread at the end would reset the connection
				b, _ := ofp.Append(nil, ofp.V13, 0, &ofp.PacketIn{BufferID: id, Data: make([]byte, 60)})
				if _, err := theirs.Write(b); err != nil {
					break
				}
				time.Sleep(10 * time.Microsecond)
			}
			said <- 0
		}()
		if e := r.ended(); e.Reason != ReasonShutdown {
			t.Fatalf("ended with %v", e)
		}
		<-said
		next := ofp.PortNo(0)
		for m := range r.in {
			if x, ok := m.m.(*ofp.PacketOut); ok {
				if x.InPort != next {
					t.Fatalf("answer %d at place %d", x.InPort, next)
				}
				next++
			}
		}
		if next < 20 {
			t.Errorf("%d answers came, 20 were sent before the end", next)
		}
		if r.conn.out.standin || r.conn.in.standin {
			t.Error("somebody still stands in")
		}
	}
}

// TestStandInForASlave: what was gathered when the controller became a slave is
// not sent.
func TestStandInForASlave(t *testing.T) {
	c := lonely(Config{})
	c.out.direct = true
	c.gatherOne()
	if err := c.SendSoon(ofp.NewFlowMod(ofp.FlowAdd)); err != nil {
		t.Fatal(err)
	}
	c.out.slave.Store(true)
	if b := c.out.settle(c.soon.frames, &c.soon.types, true); len(b) > 0 || c.out.standin || c.out.waiting() > 0 {
		t.Errorf("%d bytes are written, %d wait", len(b), c.out.waiting())
	}
	if n := c.stats.Drops[DropSlave].Load(); n != 1 {
		t.Errorf("%d counted as dropped", n)
	}
}

// TestStandInLeavesTheRest: what the dispatcher may not write itself is the writer's: more
// than a little, what stands behind others' messages, and all once the end has
// begun.
func TestStandInLeavesTheRest(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *Conn)
		much int
		want bool
	}{
		{"a little", func(*Conn) {}, 10, true},
		{"much", func(*Conn) {}, atOnceBytes, false},
		{"behind an answer", func(c *Conn) { c.out.urgent = append(c.out.urgent, marked(9, 0, 10)...) }, 10, false},
		{"behind a write", func(c *Conn) { c.out.pushes = []*push{{groups: [][]byte{marked(9, 0, 10)}, left: 26}} }, 10, false},
		{"while the writer works", func(c *Conn) { c.out.woken = true }, 10, false},
		{"after the end", func(c *Conn) { c.out.close() }, 10, false},
		{"many events", func(*Conn) {}, 10, false},
		{"no socket", func(c *Conn) { c.out.direct = false }, 10, false},
	} {
		c := lonely(Config{})
		c.out.direct = true
		tt.do(c)
		var types tally
		if b := c.out.settle(marked(0, 0, tt.much), &types, tt.name != "many events"); len(b) > 0 != tt.want || c.out.standin != tt.want {
			t.Errorf("%s: %d bytes are written at once", tt.name, len(b))
		}
	}
}

// TestStandInHearsOfTheEnd: a peer that is gone ends the connection when the
// dispatcher writes to it, with the socket's own words.
func TestStandInHearsOfTheEnd(t *testing.T) {
	c := lonely(Config{})
	ours, theirs := tcpPair(t)
	c.nc = ours
	c.r.raw = rawOf(ours)
	c.mayWriteAtOnce()
	theirs.Close()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		c.gatherOne()
		if err := c.SendSoon(ofp.NewFlowMod(ofp.FlowAdd)); err != nil {
			t.Fatal(err)
		}
		c.ungatherOne()
		select {
		case <-c.done:
			if e, ok := c.end.Err.(*os.SyscallError); c.end.Reason != ReasonPeerClosed || !ok ||
				e.Err != syscall.ECONNRESET && e.Err != syscall.EPIPE {
				t.Errorf("ended with %v", c.end)
			}
			c.out.standins.Wait()
			if c.out.standin {
				t.Error("somebody still stands in")
			}
			return
		default:
		}
		if time.Now().After(end) {
			t.Fatal("it does not end")
		}
	}
}

// TestStandInTakenInPart: what the socket takes only a part of, the writer goes on
// with, and who records is not told of it twice.
func TestStandInTakenInPart(t *testing.T) {
	ours, theirs := tinyPair(t)
	var book notebook
	c := lonely(Config{})
	c.nc, c.rec = ours, &book
	c.r.raw = rawOf(ours)
	c.mayWriteAtOnce()
	for range 5 {
		out := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Data: make([]byte, 2500)}
		messages := 0
		for len(c.out.begun) == 0 {
			if messages++; messages > 10000 {
				t.Fatal("the socket takes everything")
			}
			c.gatherOne()
			if err := c.SendSoon(out); err != nil {
				t.Fatal(err)
			}
			c.ungatherOne()
		}
		if c.out.standin || !c.out.woken {
			t.Fatal("the writer is not awake")
		}
		c.gatherOne()
		if err := c.SendSoon(out); err != nil {
			t.Fatal(err)
		}
		c.ungatherOne()
		c.out.answer(ofp.V13, 9, &ofp.EchoReply{})
		c.out.idle = true
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.write() // until nothing is left: it goes when it is idle
		}()
		var got []byte
		buf := make([]byte, 1<<16)
		for written := false; !written || len(got) < len(book.sent); { // what is written may still be on its way
			if !written {
				select {
				case <-done:
					written = true
					continue
				default:
				}
				if err := theirs.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
					t.Fatal(err)
				}
			} else if err := theirs.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := theirs.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil && written {
				t.Fatalf("%d bytes came, %d are recorded: %v", len(got), len(book.sent), err)
			}
		}
		if !bytes.Equal(got, book.sent) {
			t.Fatalf("%d bytes came, %d are recorded, or they differ", len(got), len(book.sent))
		}
		book.sent = nil
	}
}
