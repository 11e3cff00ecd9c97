package channel

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// lonely is a connection that is not run: the test is its dispatcher, and its
// writer.
func lonely(cfg Config) *Conn {
	log, _ := newLog()
	c := New(nil, cfg, new(Stats), log)
	c.version, c.out.version = ofp.V13, ofp.V13
	return c
}

// written takes all that is to be written.
func (c *Conn) written() (all []byte) {
	for {
		b, _ := c.out.next()
		if len(b) == 0 {
			return all
		}
		all = append(all, b...)
	}
}

// cookies takes all that is to be written, and returns the cookies of the
// flow-mods and the xids of all.
func (c *Conn) cookies(t interface{ Fatal(...any) }) (cookies []uint64, xids map[uint32]bool) {
	b := c.written()
	xids = make(map[uint32]bool)
	for len(b) > 0 {
		n := int(b[2])<<8 | int(b[3])
		h, m, err := ofp.Decode(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		if xids[h.XID] {
			t.Fatal("two messages of one xid")
		}
		xids[h.XID] = true
		if m, ok := m.(*ofp.FlowMod); ok {
			cookies = append(cookies, m.Cookie)
		}
		b = b[n:]
	}
	return cookies, xids
}

// TestSendSoonInOrder: what is gathered is sent once and in order, flushed by
// whatever flushes it, each message with an xid of its own.
func TestSendSoonInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := lonely(Config{HighWater: 1 << 30})
		m := ofp.NewFlowMod(ofp.FlowAdd)
		next := func() *ofp.FlowMod { m.Cookie++; return m }
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		barriers, in := 0, false
		var got []uint64
		take := func() {
			cookies, _ := c.cookies(t)
			got = append(got, cookies...)
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				if in {
					t.Skip()
				}
				c.gather()
				in = true
			},
			"end": func(t *rapid.T) {
				if !in {
					t.Skip()
				}
				c.ungather()
				in = false
			},
			"soon": func(*rapid.T) { must(c.SendSoon(next())) },
			"many": func(*rapid.T) {
				for range 100 {
					must(c.SendSoon(next()))
				}
			},
			"send":    func(*rapid.T) { c.Flush(); must(c.Send(next())) },
			"barrier": func(*rapid.T) { barriers++; must(c.SendSoon(&ofp.BarrierRequest{})) },
			"wrong": func(t *rapid.T) {
				if err := c.SendSoon(&ofp.FlowMod{Flags: ofp.FlowEmergency}); !errors.Is(err, ofp.ErrVersion) {
					t.Fatal(err)
				}
			},
			"take": func(*rapid.T) { take() },
		})
		if in {
			c.ungather()
		}
		take()
		if len(got) != int(m.Cookie) {
			t.Fatalf("%d flow-mods came out, want %d", len(got), m.Cookie)
		}
		for i, cookie := range got {
			if cookie != uint64(i+1) {
				t.Fatalf("flow-mod %d at place %d", cookie, i+1)
			}
		}
		if c.out.loose != barriers {
			t.Errorf("the outbox awaits %d replies to barriers, want %d", c.out.loose, barriers)
		}
		if n := c.stats.Out[ofp.TypeFlowMod].Load(); n != m.Cookie {
			t.Errorf("%d flow-mods counted, want %d", n, m.Cookie)
		}
	})
}

// TestSendSoonMeetsTheBounds: a switch that reads nothing gets no more than with
// Send, but for what is gathered at once.
func TestSendSoonMeetsTheBounds(t *testing.T) {
	const limit = 100 << 10
	c := lonely(Config{HighWater: limit})
	out := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Data: make([]byte, 1000)}
	mod := ofp.NewFlowMod(ofp.FlowAdd)
	for range 10 {
		c.gather()
		for range 100 {
			if err := c.SendSoon(out); err != nil && !errors.Is(err, ErrOverloaded) {
				t.Fatal(err)
			}
		}
		c.ungather()
	}
	const most = limit + gatherBytes + 2*1100
	if n := c.out.waiting(); n < limit || n > most {
		t.Errorf("%d bytes wait, want %d to %d", n, limit, most)
	}
	if n := c.stats.Drops[DropPacketOut].Load(); n < 800 {
		t.Errorf("%d packet-outs counted as dropped, want at least 800 of 1000", n)
	}
	c.gather()
	refused := 0
	for range 2000 {
		if err := c.SendSoon(mod); errors.Is(err, ErrOverloaded) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	c.ungather()
	if n := c.out.waiting(); refused == 0 || n > 2*limit+200 {
		t.Errorf("%d bytes wait, want at most %d; %d flow-mods refused", n, 2*limit, refused)
	}
}

// TestSendSoonAfterTheEnd: a handler that goes on answering hears that nobody is
// there any more.
func TestSendSoonAfterTheEnd(t *testing.T) {
	c := lonely(Config{})
	c.gather()
	c.out.close()
	m := ofp.NewFlowMod(ofp.FlowAdd)
	for range gatherMost + 1 {
		if err := c.SendSoon(m); errors.Is(err, ErrDisconnected) {
			return
		}
	}
	t.Error("no error")
}

// TestSendSoonAllocatesNothing holds for batches, too. The race detector has pools
// lose a part of what they are given, so that the best of several batches counts.
func TestSendSoonAllocatesNothing(t *testing.T) {
	c := lonely(Config{})
	m := ofp.NewFlowMod(ofp.FlowAdd)
	best := math.Inf(1)
	for range 200 {
		best = min(best, testing.AllocsPerRun(1, func() {
			c.gather()
			for range 100 {
				if err := c.SendSoon(m); err != nil {
					t.Fatal(err)
				}
			}
			c.ungather()
			for b, _ := c.out.next(); len(b) > 0; b, _ = c.out.next() {
			}
			<-c.out.wake
		}))
	}
	if best != 0 {
		t.Errorf("%v allocations for a batch", best)
	}
}
