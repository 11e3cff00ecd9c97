package controller

import (
	"context"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// TestErrorsDoNotFillTheLog: there is one line at once, all are counted, and the
// end says how many had none.
func TestErrorsDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := newLog()
		c, err := New(Config{Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		ln := newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Serve(ctx, ln) }()
		p := newPeer(t, ofp.V13, 5)
		p.reply = func(xid uint32, m ofp.Message) []ofp.Message {
			if m.Type() == ofp.TypeSetConfig {
				return slices.Repeat([]ofp.Message{&ofp.Error{Reason: ofp.SwitchConfigFailedEPERM}}, 50)
			}
			return nil
		}
		p.over(ln.dial())
		synctest.Wait()
		for range 100 {
			p.send(7, &ofp.Error{Reason: ofp.BadRequestBadLen})
		}
		synctest.Wait()
		time.Sleep(time.Second)
		for range 100 {
			p.send(7, &ofp.Error{Reason: ofp.BadRequestBadLen})
		}
		synctest.Wait()
		if n := c.stats.Errors[ofp.BadRequestBadLen].Load(); n != 200 {
			t.Errorf("%d errors counted", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var more []any
		for _, line := range logs.with("switch reports an error about a message that nobody waits for") {
			more = append(more, line.Data["more"])
		}
		for _, line := range logs.with("switch reported errors about messages that nobody waits for") {
			more = append(more, line.Data["more"])
		}
		if diff := cmp.Diff([]any{0, 99, 99}, more); diff != "" {
			t.Errorf("lines: %s", diff)
		}
		about := logs.with("switch answers a question of the handshake with an error")
		if len(about) != 1 || about[0].Data["question"] != "set_config" {
			t.Errorf("lines about the handshake: %v", about)
		}
		if about := logs.with("switch reported more errors in the handshake"); len(about) != 1 || about[0].Data["more"] != 49 {
			t.Errorf("lines about what was not logged of the handshake: %v", about)
		}
	})
}

// TestCrowd: peers that only connect are bounded, and leave room again when they
// go; switches that are ready do not count.
func TestCrowd(t *testing.T) {
	c := serve(t, Config{MaxPending: 4, AdmitTimeout: 300 * time.Millisecond, Channel: channel.Config{HelloTimeout: time.Minute}})
	dial := func() net.Conn {
		t.Helper()
		nc, err := net.Dial("tcp", c.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		return nc
	}
	for i := range 3 {
		newPeer(t, ofp.V13, ofp.DPID(i+1)).dial(c.addr)
		c.sw(t, ofp.DPID(i+1))
	}
	eventually(t, "three switches", func() bool { return c.admission.pending.Load() == 0 })
	idle := []net.Conn{dial(), dial(), dial()} // all that one source may have
	eventually(t, "three that are pending", func() bool { return c.admission.pending.Load() == 3 })
	var more []net.Conn
	for range 5 {
		more = append(more, dial())
	}
	for _, nc := range more {
		if _, err := nc.Read(make([]byte, 100)); err == nil {
			t.Error("one too many was greeted")
		}
	}
	if n := c.stats.Refused[channel.ReasonCrowded].Load(); n != 5 {
		t.Errorf("%d refusals counted", n)
	}
	if n := len(c.logs.with("connection refused")); n != 5 {
		t.Errorf("%d lines", n)
	}
	idle[0].Close()
	eventually(t, "room", func() bool { return c.admission.pending.Load() == 2 })
	newPeer(t, ofp.V13, 9).dial(c.addr)
	c.sw(t, 9)
}
