package channel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// responder answers each packet-in with a packet-out of its buffer id, and notes
// who asked it.
type responder struct {
	*watcher
	prompt func(id uint32) bool                    // it waits for nothing
	work   func(c *Conn, id uint32, byReader bool) // before it answers
	size   int                                     // of an answer

	inside               atomic.Int32
	asked                []uint32 // buffer ids, of the handler
	byReader, byOthers   atomic.Int64
	together, wrongOrder atomic.Int64
	refused              atomic.Int64 // answers
	prompted             bool         // Events comes from the reader, of the handler
}

func (h *responder) Prompt(_ *Conn, b *Batch) bool {
	_, frame := b.Event(0)
	h.prompted = b.Len() == 1 && h.prompt(binary.BigEndian.Uint32(frame[8:]))
	return h.prompted
}

func (h *responder) Events(c *Conn, b *Batch) {
	if h.inside.Add(1) > 1 {
		h.together.Add(1)
	}
	byReader := h.prompted
	h.prompted = false
	for typ, frame := range b.All() {
		if typ != ofp.TypePacketIn {
			continue
		}
		id := binary.BigEndian.Uint32(frame[8:])
		if n := len(h.asked); n > 0 && h.asked[n-1]+1 != id {
			h.wrongOrder.Add(1)
		}
		h.asked = append(h.asked, id)
		if byReader {
			h.byReader.Add(1)
		} else {
			h.byOthers.Add(1)
		}
		if h.work != nil {
			h.work(c, id, byReader)
		}
		err := c.SendSoon(&ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortNo(id), Data: make([]byte, h.size)})
		if errors.Is(err, ErrOverloaded) {
			h.refused.Add(1)
		}
	}
	h.inside.Add(-1)
}

// startResponder runs a connection over TCP, or whatever ours is, until the switch
// is up. The peer's own goroutine reads from then on.
func startResponder(t *testing.T, ours, theirs net.Conn, cfg Config, h *responder) *rig {
	t.Helper()
	log, book := newLog()
	r := &rig{peer: newPeer(t, theirs, ofp.V13), w: newWatcher(), stats: new(Stats), logs: book, end: make(chan *CloseError, 1)}
	h.watcher = r.w
	r.conn = New(ours, cfg, r.stats, log)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		r.end <- r.conn.Run(ctx, h)
	}()
	t.Cleanup(func() {
		cancel()
		theirs.Close()
		<-finished
	})
	return r
}

func always(uint32) bool { return true }

// lone sends a packet-in of this number, alone, and waits for its answer.
func (r *rig) lone(id uint32) {
	r.t.Helper()
	r.send(&ofp.PacketIn{BufferID: id, Data: make([]byte, 60)})
	if got := r.want(ofp.TypePacketOut).m.(*ofp.PacketOut).InPort; got != ofp.PortNo(id) {
		r.t.Fatalf("answer %d to packet %d", got, id)
	}
}

// TestLonePackets: one packet at a time is handled by the reader and answered
// without a writer, unless the handler would wait: then the dispatcher handles
// it, and may wait for a reply.
func TestLonePackets(t *testing.T) {
	ours, theirs := tcpPair(t)
	h := &responder{prompt: func(id uint32) bool { return id%10 != 7 }}
	h.work = func(c *Conn, id uint32, byReader bool) {
		if byReader {
			return
		}
		if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
			t.Errorf("a handler that waits: %v", err)
		}
	}
	r := startResponder(t, ours, theirs, Config{}, h)
	r.ready()
	r.lone(0) // the dispatcher may still be busy with Up
	before := h.byReader.Load()
	for id := range uint32(100) {
		r.lone(id + 1)
	}
	c := r.conn
	// A dispatcher that has just handled a packet may not have looked again.
	if n := h.byReader.Load() - before; n < 30 || n > 95 {
		t.Errorf("%d of 100 lone packets were handled by the reader, want those that wait for nothing", n)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) { // an answer is there before that is noted
		c.out.mu.Lock()
		s := &c.out.apps
		kept := c.out.queued != 0 || s.buf != nil || s.lent != nil || s.taking != nil || s.back != nil
		c.out.mu.Unlock()
		if !kept {
			break
		} else if time.Now().After(end) {
			t.Fatal("bytes wait, or a buffer is kept")
		}
	}
	if n := r.stats.Out[ofp.TypePacketOut].Load(); n != 101 {
		t.Errorf("%d answers counted", n)
	}
	if h.together.Load() > 0 || h.wrongOrder.Load() > 0 {
		t.Error("the handler was called twice at a time, or out of order")
	}
	theirs.Close()
	if e := r.ended(); e.Reason != ReasonPeerClosed {
		t.Errorf("ended with %v", e)
	}
}

// TestLonePacketsOverAPipe: where there is no socket to write to at once, such as
// below TLS, all goes the writer's way.
func TestLonePacketsOverAPipe(t *testing.T) {
	ours, theirs := net.Pipe()
	h := &responder{prompt: always}
	r := startResponder(t, ours, theirs, Config{}, h)
	r.ready()
	for id := range uint32(50) {
		r.lone(id)
	}
	if _, w, _ := goroutines(); w != 1 {
		t.Errorf("%d writers", w)
	}
	if r.conn.out.direct {
		t.Error("a pipe is written to at once")
	}
}

// crowd lets everything happen at once on one connection: lone packets and many
// together, of which some make the handler wait, and meanwhile messages, Writes,
// requests and answers of others. None of those sends faster than the peer reads,
// however slow that is: answers would stand behind ever more of what was sent before them.
func crowd(t *testing.T, ours, theirs net.Conn, packets uint32, slow func()) {
	var book notebook
	h := &responder{prompt: func(id uint32) bool { return id%5 != 0 }, size: 100}
	h.work = func(c *Conn, id uint32, byReader bool) {
		if id%50 == 0 && !byReader {
			c.Flush()
			if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
				t.Errorf("handler: %v", err)
			}
		}
	}
	seen := &witness{Conn: theirs}
	r := startResponder(t, ours, seen, Config{Recorder: &book, HighWater: 1 << 24}, h)
	c := r.ready()
	tap, err := c.Tap(ofp.TypePacketOut)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	end := sync.OnceFunc(func() { close(stop); c.Close(ReasonShutdown, nil); wg.Wait() })
	defer end()
	others := func(f func(i int) error) {
		wg.Go(func() {
			for i := 1; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(i); err != nil && !errors.Is(err, ErrDisconnected) {
					t.Errorf("beside: %v", err)
					return
				}
			}
		})
	}
	pause := func() { time.Sleep(time.Millisecond) }
	var cookies, echoes atomic.Int64 // that have come
	await := func(came *atomic.Int64, least int) {
		for pause(); came.Load() < int64(least); pause() {
			select {
			case <-stop:
				return
			default:
			}
		}
	}
	others(func(i int) error {
		await(&cookies, i-20)
		return c.Send(&ofp.FlowMod{Cookie: 1<<40 | uint64(i), BufferID: ofp.NoBuffer})
	})
	others(func(i int) error { pause(); return c.Write(t.Context(), flowMods(20)) })
	others(func(int) error { pause(); _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); return err })
	others(func(i int) error { await(&echoes, i-20); r.send(&ofp.EchoRequest{Data: []byte("x")}); return nil })
	next, got := uint32(1), uint32(0)
	timeout := time.After(55 * time.Second)
	for got < packets {
		window := uint32(40)
		if next%100 < 50 { // one at a time
			window = 1
		}
		if next <= packets && next-got <= window {
			n := uint32(1)
			if next%7 == 0 {
				n = 5
			}
			var b []byte
			for range n {
				b, _ = ofp.Append(b, ofp.V13, 0, &ofp.PacketIn{BufferID: next, Data: make([]byte, 60)})
				next++
			}
			r.raw(b)
		}
		if next%64 == 0 {
			slow()
		}
		if next <= packets && next-got <= window && len(r.in) == 0 {
			continue
		}
		select {
		case m, ok := <-r.in:
			if !ok {
				t.Fatalf("%d of %d answers, and the connection has ended: %v", got, packets, c.end)
			}
			switch x := m.m.(type) {
			case *ofp.EchoReply:
				echoes.Add(1)
			case *ofp.PacketOut:
				if got++; uint32(x.InPort) != got {
					t.Fatalf("answer %d at place %d", x.InPort, got)
				}
			case *ofp.FlowMod:
				if x.Cookie>>40 == 0 {
					break // of a Write
				}
				if n := cookies.Add(1); x.Cookie != 1<<40|uint64(n) {
					t.Fatalf("message %d at place %d", x.Cookie&0xffff, n)
				}
			}
		case <-timeout:
			c.out.mu.Lock()
			defer c.out.mu.Unlock()
			o := &c.out
			t.Fatalf("%d of %d answers; sent up to %d; stand-ins %v, %v; the writer is at work: %v, absent: %v; %d bytes of %d begun",
				got, packets, next-1, o.standin, c.in.standin, o.woken, o.absent, len(o.begun), o.queued)
		}
	}
	if h.together.Load() > 0 || h.wrongOrder.Load() > 0 {
		t.Errorf("the handler was called at the same time %d times, out of order %d times", h.together.Load(), h.wrongOrder.Load())
	}
	if h.byReader.Load() == 0 || h.byOthers.Load() == 0 {
		t.Errorf("%d packets by the reader, %d by the dispatcher", h.byReader.Load(), h.byOthers.Load())
	}
	heard := uint32(0)
	for heard < got {
		said, lost, err := tap.Next(t.Context())
		if err != nil || lost > 0 {
			t.Fatalf("tap: %d lost, %v", lost, err)
		}
		for range said {
			heard++
		}
	}
	end()
	r.ended()
	for range r.in { // until the peer has read all
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	seen.mu.Lock()
	defer seen.mu.Unlock()
	// Of what is said in the end some may be lost.
	if len(seen.read) < 100*int(packets) || !bytes.HasPrefix(book.sent, seen.read) {
		t.Errorf("%d bytes are recorded, %d came, or they differ", len(book.sent), len(seen.read))
	}
}

// TestCrowd over TCP, with sockets that hold much and that hold next to nothing,
// and over a pipe.
func TestCrowd(t *testing.T) {
	t.Run("TCP", func(t *testing.T) {
		ours, theirs := tcpPair(t)
		crowd(t, ours, theirs, 800, func() {})
	})
	t.Run("tiny buffers", func(t *testing.T) {
		ours, theirs := tinyPair(t)
		s := &slowConn{Conn: theirs}
		n := 0
		crowd(t, ours, s, 400, func() {
			if n++; n%2 == 0 {
				s.pause.Store(0)
			} else {
				s.pause.Store(int64(200 * time.Microsecond))
			}
		})
	})
	t.Run("pipe", func(t *testing.T) {
		ours, theirs := net.Pipe()
		crowd(t, ours, theirs, 400, func() {})
	})
}

// TestReaderStandsIn: while the reader stands in, what others post waits for the
// dispatcher, which takes nothing; and the reader does so only if nothing waits.
func TestReaderStandsIn(t *testing.T) {
	q := newInbox()
	started := 0
	q.start = func() { started++ }
	event := func() *Batch {
		b := new(Batch)
		b.keep(ofp.TypePortStatus, make([]byte, 8))
		return b
	}
	if q.enter() {
		t.Fatal("the reader stands in for a dispatcher that has not begun")
	}
	if b, _ := q.take(); b != nil || !q.enter() {
		t.Fatal("the reader does not stand in for one that has nothing to do")
	}
	q.post(event())
	if b, stay := q.take(); b != nil || !stay {
		t.Fatal("the dispatcher takes something while the reader stands in, or goes")
	}
	for len(q.wake) > 0 {
		<-q.wake
	}
	q.leave()
	if len(q.wake) != 1 || started != 1 {
		t.Fatalf("%d signals, %d dispatchers started", len(q.wake), started)
	}
	if q.enter() {
		t.Fatal("the reader overtakes what was posted")
	}
	if b, _ := q.take(); b == nil || q.enter() {
		t.Fatal("the reader stands in while the dispatcher works")
	}
	q.take()
	if q.put(event()); q.enter() {
		t.Fatal("the reader overtakes what is in the inbox")
	}
	q.take()
	q.take()
	if q.close(); q.enter() {
		t.Fatal("the reader stands in after the end")
	}
}

// TestLonePatience: a packet that the reader has handled itself shows that the inbox has
// room again, as one that it has put there does: when it is full once more, the reader
// has patience again before it drops anything.
func TestLonePatience(t *testing.T) {
	c := lonely(Config{})
	c.prompt = &responder{prompt: always}
	c.in.take() // the dispatcher has looked
	c.r.chunk = newChunk(false)
	frame, err := ofp.Append(nil, ofp.V13, 0, &ofp.PacketIn{BufferID: 1, Data: make([]byte, 60)})
	if err != nil {
		t.Fatal(err)
	}
	c.r.end = copy(c.r.chunk.buf, frame)
	c.r.stalled = true
	if err := c.cut(); err != nil {
		t.Fatal(err)
	}
	if err := c.deliver(); err != nil || c.in.depth() > 0 {
		t.Fatalf("it is not handled by the reader: %v", err)
	}
	if c.r.stalled {
		t.Error("the reader has no patience left")
	}
}
