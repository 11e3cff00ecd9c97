package controller

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// soonApp gathers a message for each packet, and leaves the packet to the next
// app.
type soonApp struct{ sw *Switch }

func (a *soonApp) PacketIn(*ofp.PacketIn) bool {
	return a.sw.SendSoon(&ofp.PacketOut{BufferID: 1, InPort: ofp.PortController}) != nil
}

// waitingApp waits in its handler until the switch has what the first one sent.
type waitingApp struct {
	sw  *Switch
	got chan error
}

func (a *waitingApp) PacketIn(*ofp.PacketIn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.got <- a.sw.Barrier(ctx)
	return true
}

// TestGatheredIsSentBeforeAnotherAppIsCalled: what an app has gathered does not
// wait for another app, which may take its time.
func TestGatheredIsSentBeforeAnotherAppIsCalled(t *testing.T) {
	got := make(chan error, 10)
	s := serve(t, Config{Apps: []App{
		testApp{"first", func(sw *Switch) Session { return &soonApp{sw} }},
		testApp{"second", func(sw *Switch) Session { return &waitingApp{sw, got} }},
	}})
	p := newPeer(t, ofp.V13, 1).dial(s.addr)
	s.sw(t, 1)
	p.send(0, packetIn(1), packetIn(2), packetIn(3))
	for range 3 {
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	}
	var order []ofp.Type
	for len(order) < 6 {
		switch m := <-p.in; m.Type() {
		case ofp.TypePacketOut, ofp.TypeBarrierRequest:
			order = append(order, m.Type())
		}
	}
	for i, typ := range order {
		if want := [...]ofp.Type{ofp.TypePacketOut, ofp.TypeBarrierRequest}[i%2]; typ != want {
			t.Fatalf("the switch heard %v, want a packet-out before each barrier", order)
		}
	}
}
