package controller

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// promptApp says beforehand whether it waits, and panics where it is told to.
type promptApp struct {
	sw            *Switch
	says          func(m *ofp.PacketIn) bool
	asked, called atomic.Int64
	answers       bool
}

func (a *promptApp) Prompt(m *ofp.PacketIn) bool { a.asked.Add(1); return a.says(m) }

func (a *promptApp) PacketIn(m *ofp.PacketIn) bool {
	a.called.Add(1)
	if a.answers {
		return a.sw.SendSoon(&ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Data: m.Data}) == nil
	}
	return false
}

// TestPrompt: every packet reaches every app once, whoever says that it would wait, has
// no opinion, or panics at the question.
func TestPrompt(t *testing.T) {
	never, always := func(*ofp.PacketIn) bool { return false }, func(*ofp.PacketIn) bool { return true }
	for _, tt := range []struct {
		name   string
		first  func(m *ofp.PacketIn) bool
		asked  int64 // of 16 packets that come alone, the second app
		silent bool  // the first app has no opinion
		panics int
	}{
		{"both wait for nothing", always, 16, false, 0},
		{"the first one waits", never, 0, false, 0},
		{"the first one waits now and then", func(m *ofp.PacketIn) bool { return m.Data[0]%2 == 0 }, 8, false, 0},
		{"the first one has no opinion", nil, 0, true, 0},
		{"the first one panics", func(*ofp.PacketIn) bool { panic("do not ask me") }, 0, false, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one, two := &promptApp{says: tt.first}, &promptApp{says: always, answers: true}
			s := serve(t, Config{PanicLimit: 100, Apps: []App{
				testApp{"first", func(*Switch) Session {
					if tt.silent {
						return onlyPackets{one}
					}
					return one
				}},
				testApp{"second", func(sw *Switch) Session { two.sw = sw; return two }},
			}})
			p := newPeer(t, ofp.V13, 1).dial(s.addr)
			s.sw(t, 1)
			packet := func(i int) ofp.Message {
				m := packetIn(1)
				m.Data = append([]byte{byte(i)}, make([]byte, 59)...)
				return m
			}
			for i := range 20 {
				switch {
				case i < 16:
					p.send(0, packet(i))
				case i == 16:
					p.send(0, packet(16), packet(17), packet(18), packet(19))
				}
				for {
					if x, ok := (<-p.in).(*ofp.PacketOut); ok {
						if x.Data[0] != byte(i) {
							t.Fatalf("answer %d to packet %d", x.Data[0], i)
						}
						break
					}
				}
			}
			if one.called.Load() != 20 || two.called.Load() != 20 {
				t.Errorf("the apps were given %d and %d of 20 packets", one.called.Load(), two.called.Load())
			}
			// A dispatcher that has just handled one may not have looked again, and
			// what is sent together may come apart.
			if n := two.asked.Load(); n > tt.asked+4 || n < tt.asked/4 {
				t.Errorf("the second app was asked %d times, want %d", n, tt.asked)
			}
		})
	}
}

// onlyPackets hides that an app has an opinion.
type onlyPackets struct{ a *promptApp }

func (o onlyPackets) PacketIn(m *ofp.PacketIn) bool { return o.a.PacketIn(m) }

// onlyBatches hears of the ends of batches alone, and waits for the switch then.
type onlyBatches struct {
	sw     *Switch
	failed *atomic.Int64
}

func (o onlyBatches) BatchDone() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := o.sw.Barrier(ctx); errors.Is(err, context.DeadlineExceeded) {
		o.failed.Add(1)
	}
}

// TestPromptBatches: an app that hears of no packet, but of the ends of batches, may
// wait for the switch, whatever the others say.
func TestPromptBatches(t *testing.T) {
	var failed atomic.Int64
	two := &promptApp{says: func(*ofp.PacketIn) bool { return true }, answers: true}
	s := serve(t, Config{Apps: []App{
		testApp{"batches", func(sw *Switch) Session { return onlyBatches{sw, &failed} }},
		testApp{"packets", func(sw *Switch) Session { two.sw = sw; return two }},
	}})
	p := newPeer(t, ofp.V13, 1).dial(s.addr)
	s.sw(t, 1)
	for range 4 {
		p.send(0, packetIn(1))
		for !is[*ofp.PacketOut](<-p.in) {
		}
	}
	if failed.Load() > 0 || two.asked.Load() > 0 {
		t.Errorf("the app has waited %d times in vain; the other was asked %d times", failed.Load(), two.asked.Load())
	}
}

func is[T ofp.Message](m ofp.Message) bool {
	_, ok := m.(T)
	return ok
}
