package channel

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// goroutines counts those of connections, by what they do.
func goroutines() (readers, writers, dispatchers int) {
	buf := make([]byte, 1<<20)
	all := string(buf[:runtime.Stack(buf, true)])
	return strings.Count(all, ".(*Conn).read("), strings.Count(all, ".(*Conn).write("), strings.Count(all, ".(*Conn).dispatch(")
}

// TestIdleConnection: an idle connection has its reader alone; what comes and
// what is sent is handled all the same, however often it becomes idle between.
func TestIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, ofp.V13, Config{})
		c := r.ready()
		idle := func(when string) {
			t.Helper()
			synctest.Wait()
			if n, w, d := goroutines(); n != 1 || w+d != 0 {
				t.Errorf("%s there are %d readers, %d writers and %d dispatchers", when, n, w, d)
			}
		}
		idle("after the handshake")
		for i := range 3 {
			r.send(&ofp.PacketIn{BufferID: uint32(i), Data: make([]byte, 60)})
			if got := r.w.events(t, i+1)[i].(*ofp.PacketIn); got.BufferID != uint32(i) {
				t.Errorf("event %+v", got)
			}
			if err := c.Send(&ofp.PacketOut{BufferID: uint32(i), InPort: 1}); err != nil {
				t.Fatal(err)
			}
			if got := r.want(ofp.TypePacketOut).m.(*ofp.PacketOut); got.BufferID != uint32(i) {
				t.Errorf("received %+v", got)
			}
			synctest.Wait()
			if n, w, d := goroutines(); n != 1 || w != 1 || d != 1 {
				t.Errorf("under load there are %d readers, %d writers and %d dispatchers", n, w, d)
			}
			time.Sleep(6 * time.Second)
			idle("after six seconds of silence")
			if _, err := c.Request(t.Context(), &ofp.EchoRequest{}); err != nil {
				t.Error(err)
			}
			if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
				t.Error(err)
			}
			idle("after requests")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Write(ctx, flowMods(10)); err != nil {
			t.Error(err)
		}
		idle("after a write")
		c.Close(ReasonShutdown, nil)
		r.ended()
		<-r.w.down
	})
}

// TestQuietReader: over a socket, a reader waits
// without a buffer, and what then comes, in pieces or at once, is read as ever.
func TestQuietReader(t *testing.T) {
	ours, theirs := tcpPair(t)
	r := startOver(t, ours, theirs, ofp.V13, Config{EchoInterval: 50 * time.Millisecond, EchoMisses: 1 << 30})
	r.mute = map[ofp.Type]bool{ofp.TypeEchoRequest: true} // an answer could come between two pieces
	c := r.ready()
	quiet := func() {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); ; {
			buf := make([]byte, 1<<20)
			if strings.Contains(string(buf[:runtime.Stack(buf, true)]), ".(*Conn).fillReady(") {
				return
			}
			if time.Now().After(end) {
				t.Fatal("the reader keeps its buffer")
			}
			time.Sleep(time.Millisecond)
		}
	}
	for i := range 3 {
		quiet()
		b, err := ofp.Append(nil, ofp.V13, 0, &ofp.PacketIn{BufferID: uint32(i), Data: make([]byte, 9000*i)})
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range [][]byte{b[:3], b[3:20], b[20:]} {
			r.raw(piece)
			time.Sleep(time.Millisecond) // so that most come apart; either way they must be read
		}
		if got := r.w.events(t, i+1)[i].(*ofp.PacketIn); got.BufferID != uint32(i) {
			t.Errorf("event %+v", got)
		}
		if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	quiet()
	theirs.Close()
	if e := r.ended(); e.Reason != ReasonPeerClosed {
		t.Errorf("ended with %v", e)
	}
}
