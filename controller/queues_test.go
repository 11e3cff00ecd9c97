package controller

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-sdn/sluice/ofp"
)

// gauge returns the value of a metric without labels.
func gauge(t *testing.T, c prometheus.Collector, name string) float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// TestForgetTakesTheSwitchItself: a switch whose apps let go of it late does not
// take the one with it that has its DPID by then.
func TestForgetTakesTheSwitchItself(t *testing.T) {
	c, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	late, current := newSwitch(c, c.log), newSwitch(c, c.log)
	late.dpid, current.dpid = 5, 5
	c.switches[5] = current
	c.forget(late)
	if c.byDPID(5) != current {
		t.Error("the current switch is forgotten")
	}
	c.forget(current)
	if c.byDPID(5) != nil {
		t.Error("the switch is not forgotten")
	}
}

// TestInboxGauge: batches that wait for an app show.
func TestInboxGauge(t *testing.T) {
	begun, goOn := make(chan struct{}, 100), make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	s := &testSession{detached: make(chan struct{})}
	s.packet = func(*ofp.PacketIn) bool {
		begun <- struct{}{}
		<-goOn
		return true
	}
	c := serve(t, Config{Apps: []App{testApp{"slow", func(*Switch) Session { return s }}}})
	p := newPeer(t, ofp.V13, 1).dial(c.addr)
	defer release()
	c.sw(t, 1)
	p.send(0, packetIn(1))
	<-begun // What comes from now on waits.
	p.send(0, packetIn(2))
	eventually(t, "a batch in the inbox", func() bool { return gauge(t, c, "sluice_inbox_batches") > 0 })
	release()
	eventually(t, "an empty inbox", func() bool { return gauge(t, c, "sluice_inbox_batches") == 0 })
}

// TestOutboxGauge: bytes that a switch does not take show.
func TestOutboxGauge(t *testing.T) {
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	p := newPeer(t, ofp.V13, 1)
	p.reply = func(_ uint32, m ofp.Message) []ofp.Message {
		if m.Type() == ofp.TypePacketOut {
			<-goOn // reads no further
		}
		return nil
	}
	c := serve(t, Config{})
	defer release()
	p.dial(c.addr)
	s := c.sw(t, 1)
	out := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Data: make([]byte, 60000)}
	eventually(t, "bytes in the outbox", func() bool {
		for range 100 {
			_ = s.Send(out) // dropped when there are too many
		}
		return gauge(t, c, "sluice_outbox_bytes") > 0
	})
	release()
	eventually(t, "an empty outbox", func() bool { return gauge(t, c, "sluice_outbox_bytes") == 0 })
}

// TestHandlingTimeIsOfPackets: the time that other events of a batch take is not
// counted as that of its packets.
func TestHandlingTimeIsOfPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &testSession{detached: make(chan struct{})}
		s.packet = func(*ofp.PacketIn) bool { time.Sleep(10 * time.Millisecond); return true }
		s.onStatus = func(*ofp.PortStatus) { time.Sleep(time.Second) }
		log, _ := newLog()
		c, err := New(Config{Logger: log, Apps: []App{testApp{"slow", func(*Switch) Session { return s }}}})
		if err != nil {
			t.Fatal(err)
		}
		ln := newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Serve(ctx, ln) }()
		p := newPeer(t, ofp.V13, 5).over(ln.dial())
		synctest.Wait()
		p.send(0, packetIn(1), &ofp.PortStatus{Reason: ofp.PortModified, Port: ofp.Port{No: 1, Name: "x"}}, packetIn(2))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := time.Duration(c.metrics.handling.sum.Load()); got != 20*time.Millisecond {
			t.Errorf("two packets of 10 ms took %v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
