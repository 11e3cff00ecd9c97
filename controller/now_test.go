package controller

import (
	"testing"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// TestNowIsTheTimeOfTheBatch: a session's clock stands in Attach, does not go
// back, and has gone on when a packet comes later.
func TestNowIsTheTimeOfTheBatch(t *testing.T) {
	attached := make(chan time.Time, 1)
	seen := make(chan time.Time, 1)
	c := serve(t, Config{Apps: []App{testApp{"clock", func(sw *Switch) Session {
		attached <- sw.Now()
		return &testSession{detached: make(chan struct{}), packet: func(*ofp.PacketIn) bool {
			seen <- sw.Now()
			return true
		}}
	}}}})
	begin := time.Now()
	p := newPeer(t, ofp.V13, 1, local("br0")).dial(c.addr)
	c.sw(t, 1)
	last := <-attached
	if last.Before(begin) || time.Since(last) < 0 {
		t.Errorf("attached at %v, between %v and %v", last, begin, time.Now())
	}
	for range 3 {
		before := time.Now() // what is sent after this cannot come earlier
		p.send(0, packetIn(1))
		now := <-seen
		if now.Before(before) || time.Since(now) < 0 {
			t.Errorf("a packet of %v came at %v", before, now)
		}
	}
}
