package controller

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestPromptSaysNo: what an app was asked about is not kept if the answer is no, or
// there is none: another packet may come first, and the frame's memory is used again.
func TestPromptSaysNo(t *testing.T) {
	frame := func(b byte) []byte {
		m := packetIn(1)
		m.Data = []byte{b, b, b, b}
		frame, err := ofp.Append(nil, ofp.V13, 0, m)
		if err != nil {
			t.Fatal(err)
		}
		return frame
	}
	for _, says := range []func(*ofp.PacketIn) bool{
		func(*ofp.PacketIn) bool { return false },
		func(*ofp.PacketIn) bool { panic("do not ask me") },
	} {
		log, _ := newLog()
		s := &Switch{log: log}
		d := &s.dispatch
		d.sender = &app{App: testApp{name: "asked"}, limit: 100}
		var given []byte
		session := &testSession{packet: func(m *ofp.PacketIn) bool { given = append(given, m.Data[0]); return true }}
		d.handlers = []handler{{app: d.sender, packetIn: session, prompt: &promptApp{says: says}}}
		first := frame(1)
		if s.prompt(first) {
			t.Fatal("it says yes")
		}
		clear(first)
		s.handlePacketIn(frame(2))
		if string(given) != "\x02" {
			t.Errorf("the app was given packets %v, want the one that came", given)
		}
	}
}

// wordApp says that it waits for nothing, and asks the switch something all the same.
type wordApp struct {
	sw           *Switch
	asked        atomic.Int64
	promised     bool         // of the handler
	lost, gained atomic.Int64 // requests without a reply and with one
}

func (a *wordApp) Prompt(*ofp.PacketIn) bool { a.asked.Add(1); a.promised = true; return true }

func (a *wordApp) PacketIn(*ofp.PacketIn) bool {
	most := 30 * time.Second
	if a.promised { // nobody reads the reply
		most, a.promised = promptMost, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	if _, err := a.sw.Request(ctx, &ofp.BarrierRequest{}); err != nil {
		a.lost.Add(1)
	} else {
		a.gained.Add(1)
	}
	return false
}

// TestBrokenWord: an app that waits although it says that it does not is found out and
// logged once, and may wait from then on, on every switch; the app behind it is not
// blamed.
func TestBrokenWord(t *testing.T) {
	apps := make(chan *wordApp, 2)
	good := &promptApp{says: func(*ofp.PacketIn) bool { return true }}
	s := serve(t, Config{Apps: []App{
		testApp{"rash", func(sw *Switch) Session { a := &wordApp{sw: sw}; apps <- a; return a }},
		testApp{"good", func(*Switch) Session { return good }},
	}})
	const line = "app waited for something although its Prompt had said that it would not; it is not asked any more, and lone packets take longer"
	for dpid := range ofp.DPID(2) {
		p := newPeer(t, ofp.V13, dpid+1).dial(s.addr)
		s.sw(t, dpid+1)
		rash, sent := <-apps, int64(0)
		give := func() {
			p.send(0, packetIn(1))
			sent++
			eventually(t, "the packet is handled", func() bool { return rash.lost.Load()+rash.gained.Load() == sent })
		}
		for dpid == 0 && rash.lost.Load() == 0 && sent < 1000 { // the dispatcher may have handled the first ones
			give()
		}
		eventually(t, "the log's line", func() bool { return len(s.logs.with(line)) == 1 })
		asked := rash.asked.Load()
		for range 20 {
			give()
		}
		if want := int64(1 - dpid); rash.lost.Load() != want || rash.asked.Load() != asked || dpid > 0 && asked > 0 {
			t.Errorf("switch %d: %d requests without a reply, want %d; asked %d times, and %d when it was known", dpid+1, rash.lost.Load(), want, asked, rash.asked.Load()-asked)
		}
	}
	if lines := s.logs.with(line); len(lines) != 1 || lines[0].Data["app"] != "rash" {
		t.Errorf("logged: %v", lines)
	}
	if good.called.Load() == 0 {
		t.Error("the other app was given nothing")
	}
}
