package channel

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/ofp"
)

// tap listens to a connection, and is closed at the test's end.
func tap(t *testing.T, c *Conn, types ...ofp.Type) *Tap {
	t.Helper()
	x, err := c.Tap(types...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

// heard waits until n messages were heard or left out, and returns them and how
// many were left out.
func heard(t *testing.T, x *Tap, n int) (said []Tapped, lost uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for len(said)+int(lost) < n {
		s, l, err := x.Next(ctx)
		if err != nil {
			t.Fatalf("after %d messages: %v", len(said), err)
		}
		said, lost = append(said, s...), lost+l
	}
	return said, lost
}

// inWords says which way messages went, and what they are.
func inWords(t *testing.T, said []Tapped) []string {
	t.Helper()
	var words []string
	for _, m := range said {
		h, err := ofp.ParseHeader(m.Frame)
		if err != nil || int(h.Length) != len(m.Frame) {
			t.Fatalf("%x is no message", m.Frame)
		}
		way := "from "
		if m.Sent {
			way = "to "
		}
		words = append(words, way+h.Type().String())
	}
	return words
}

func TestTapHearsBothWays(t *testing.T) {
	r := start(t, ofp.V13, Config{})
	c := r.ready()
	all, some := tap(t, c), tap(t, c, ofp.TypeBarrierReply, ofp.TypePacketIn)
	r.send(&ofp.PacketIn{Data: make([]byte, 60)})
	r.w.events(t, 1)
	if err := c.Send(ofp.NewFlowMod(ofp.FlowAdd)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
		t.Fatal(err)
	}
	r.sendX(7, &ofp.EchoRequest{Data: []byte("!")})
	r.want(ofp.TypeEchoReply)
	said, lost := heard(t, all, 6)
	want := []string{"from packet_in", "to flow_mod", "to barrier_request", "from barrier_reply", "from echo_request", "to echo_reply"}
	if d := cmp.Diff(want, inWords(t, said)); d != "" || lost != 0 {
		t.Errorf("%d lost (-want +got):\n%s", lost, d)
	}
	for i, m := range said[1:] {
		if m.Time.Before(said[i].Time) {
			t.Errorf("message %d comes before the one before it", i+1)
		}
	}
	said, _ = heard(t, some, 2)
	if d := cmp.Diff([]string{"from packet_in", "from barrier_reply"}, inWords(t, said)); d != "" {
		t.Errorf("filtered (-want +got):\n%s", d)
	}
}

// TestTapIsClosed: who does not listen any more hears nothing, and others do.
func TestTapIsClosed(t *testing.T) {
	r := start(t, ofp.V13, Config{})
	c := r.ready()
	one, other := tap(t, c), tap(t, c)
	one.Close()
	one.Close()
	if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
		t.Fatal(err)
	}
	heard(t, other, 2)
	if len(one.queue) > 0 {
		t.Errorf("heard %d messages after its end", len(one.queue))
	}
	other.Close()
	if c.taps.list.Load() != nil {
		t.Error("the connection still looks for those who listen")
	}
	for range maxTaps {
		tap(t, c)
	}
	if _, err := c.Tap(); !errors.Is(err, ErrOverloaded) {
		t.Errorf("one tap too many: %v", err)
	}
}

// TestTapOfASlowListener: it misses messages, is told how many, and holds nobody
// up.
func TestTapOfASlowListener(t *testing.T) {
	r := start(t, ofp.V13, Config{})
	c := r.ready()
	slow, fast := tap(t, c), tap(t, c, ofp.TypeBarrierReply)
	const packets, size = 300, 60000 // some 18 MB
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range packets {
			r.send(&ofp.PacketIn{Data: make([]byte, size)})
		}
	}()
	r.w.events(t, packets)
	<-sent
	if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
		t.Fatal(err)
	}
	heard(t, fast, 1) // so the slow one was offered all before
	said, lost, err := slow.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for _, m := range said {
		bytes += len(m.Frame)
	}
	if len(said)+int(lost) != packets+2 || len(said) == 0 || bytes > tapLimit || bytes < tapLimit-2*size {
		t.Errorf("heard %d messages of %d bytes, missed %d of %d", len(said), bytes, lost, packets+2)
	}
	// It has caught up: the next is heard again.
	if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
		t.Fatal(err)
	}
	said, lost = heard(t, slow, 2)
	if d := cmp.Diff([]string{"to barrier_request", "from barrier_reply"}, inWords(t, said)); d != "" || lost != 0 {
		t.Errorf("%d lost (-want +got):\n%s", lost, d)
	}
}

// TestTapAtTheEnd: what was heard before the end is told, and then the end.
func TestTapAtTheEnd(t *testing.T) {
	r := start(t, ofp.V13, Config{})
	c := r.ready()
	x := tap(t, c, ofp.TypeBarrierReply)
	if _, err := c.Request(t.Context(), &ofp.BarrierRequest{}); err != nil {
		t.Fatal(err)
	}
	r.nc.Close()
	r.ended()
	heard(t, x, 1)
	if _, _, err := x.Next(t.Context()); !errors.Is(err, ErrDisconnected) {
		t.Errorf("at the end: %v", err)
	}
	other := tap(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := other.Next(ctx); err == nil {
		t.Error("no error after the end")
	}
}

// TestTapIsCancelled: who waits can stop waiting.
func TestTapIsCancelled(t *testing.T) {
	r := start(t, ofp.V13, Config{})
	x := tap(t, r.ready(), ofp.TypeMeterMod)
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, _, err := x.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
