package controller

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/simswitch"
)

// ids are the numbers of a switch's auxiliary connections.
func ids(s *Switch) (out []uint8) {
	for _, a := range s.Auxiliaries() {
		out = append(out, a.ID)
	}
	return out
}

// auxiliary opens an auxiliary connection and waits until it is bound.
func auxiliary(t *testing.T, c *served, sim *simswitch.Switch, sw *Switch, id uint8) {
	t.Helper()
	if err := sim.DialAuxiliary(t.Context(), c.addr, id); err != nil {
		t.Fatal(err)
	}
	eventually(t, fmt.Sprintf("auxiliary connection %d", id), func() bool {
		for _, have := range ids(sw) {
			if have == id {
				return true
			}
		}
		return false
	})
}

// TestAuxiliary: what comes on auxiliary connections reaches the sessions of the
// switch, one event at a time, each connection's in order; they end with the main
// one.
func TestAuxiliary(t *testing.T) {
	const each = 500
	type seen struct{ next [4]uint64 }
	var (
		got     seen
		wrong   []string
		inside  atomic.Int32
		handled atomic.Int64
	)
	s := &testSession{detached: make(chan struct{})}
	s.packet = func(m *ofp.PacketIn) bool { // without a lock, which the race detector looks at
		if inside.Add(1) != 1 {
			wrong = append(wrong, "two events at once")
		}
		from := m.InPort()
		if m.Cookie != got.next[from] {
			wrong = append(wrong, fmt.Sprintf("connection %d: packet %d, want %d", from, m.Cookie, got.next[from]))
		}
		got.next[from] = m.Cookie + 1
		if m.Cookie%100 == 0 { // a handler may wait for a reply
			if err := s.sw.Barrier(context.Background()); err != nil {
				wrong = append(wrong, err.Error())
			}
		}
		inside.Add(-1)
		handled.Add(1)
		return true
	}
	c := serve(t, Config{Apps: []App{testApp{"watch", func(sw *Switch) Session {
		s.sw = sw
		return s
	}}}})
	sim := simulated(t, c, ofp.V13, simswitch.Config{})
	sw := c.sw(t, 1)
	auxiliary(t, c, sim, sw, 2)
	auxiliary(t, c, sim, sw, 1)
	if diff := cmp.Diff([]uint8{1, 2}, ids(sw)); diff != "" {
		t.Error(diff)
	}
	if all := c.Switches(); len(all) != 1 || len(c.logs.with("switch connected")) != 1 || len(c.logs.with("auxiliary connection")) != 2 {
		t.Errorf("%d switches", len(all))
	}
	send := func(id uint8, xid uint32, m ofp.Message) {
		t.Helper()
		var err error
		if id == 0 {
			err = sim.Send(xid, m)
		} else {
			err = sim.SendAuxiliary(id, xid, m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// At most so many at a time that none is dropped.
	for n := range uint64(each) {
		for id := range uint8(3) {
			m := packetIn(uint64(id))
			m.Cookie = n
			send(id, 0, m)
		}
		if n%10 == 9 {
			eventually(t, "packets", func() bool { return handled.Load() == 3*int64(n+1) })
		}
	}
	if len(wrong) > 0 || got.next != [4]uint64{each, each, each} {
		t.Errorf("got %v, wrong: %v", got.next, wrong[:min(len(wrong), 5)])
	}
	// State comes that way, too, and questions are answered where they are asked.
	send(1, 0, &ofp.PortStatus{Reason: ofp.PortAdded, Port: ofp.Port{No: 77, Name: "late"}})
	eventually(t, "the port", func() bool { _, ok := sw.Port(77); return ok })
	send(2, 5, &ofp.EchoRequest{Data: []byte("hello")})
	if err := sim.Await(t.Context(), func() bool { return sim.Received(ofp.TypeEchoReply) >= 1 }); err != nil {
		t.Error(err)
	}
	if sim.Received(ofp.TypeSetConfig) != 1 || sim.Received(ofp.TypeFeaturesRequest) != 3 {
		t.Errorf("set_config %d times, features_request %d", sim.Received(ofp.TypeSetConfig), sim.Received(ofp.TypeFeaturesRequest))
	}
	sim.CloseAuxiliary(2)
	eventually(t, "one is closed", func() bool { return cmp.Equal(ids(sw), []uint8{1}) })
	if !sim.Connected() {
		t.Error("the main connection ended with an auxiliary one")
	}
	sim.Disconnect()
	if err := sim.Await(t.Context(), func() bool { return !sim.Auxiliary(1) }); err != nil {
		t.Errorf("the auxiliary connection outlives the main one: %v", err)
	}
	eventually(t, "both are told", func() bool { return len(c.logs.with("auxiliary connection closed")) == 2 })
	if n := len(c.logs.with("switch disconnected")); n != 1 {
		t.Errorf("%d switches disconnected", n)
	}
}

// TestAuxiliaryRefused: one without a main connection, too many, one twice, one of
// another version.
func TestAuxiliaryRefused(t *testing.T) {
	c := serve(t, Config{})
	refused := func(r channel.Reason) uint64 { return c.stats.Refused[r].Load() }
	sim := simswitch.New(simswitch.Config{})
	t.Cleanup(sim.Close)
	t.Run("early", func(t *testing.T) { // the main connection comes just after it
		if err := sim.DialAuxiliary(t.Context(), c.addr, 1); err != nil {
			t.Fatal(err)
		}
		if err := sim.Dial(t.Context(), c.addr); err != nil {
			t.Fatal(err)
		}
		sw := c.sw(t, 1)
		eventually(t, "it is bound", func() bool { return cmp.Equal(ids(sw), []uint8{1}) })
	})
	sw := c.sw(t, 1)
	t.Run("twice", func(t *testing.T) {
		if err := sim.DialAuxiliary(t.Context(), c.addr, 1); err != nil {
			t.Fatal(err)
		}
		eventually(t, "refused", func() bool { return refused(channel.ReasonDuplicate) == 1 })
		if got := ids(sw); len(got) != 1 {
			t.Errorf("connections %v", got)
		}
	})
	t.Run("too many", func(t *testing.T) {
		for id := uint8(2); id <= maxAuxiliaries; id++ {
			auxiliary(t, c, sim, sw, id)
		}
		if err := sim.DialAuxiliary(t.Context(), c.addr, 200); err != nil {
			t.Fatal(err)
		}
		eventually(t, "refused", func() bool { return refused(channel.ReasonAuxiliary) == 1 })
		if got := ids(sw); len(got) != maxAuxiliaries {
			t.Errorf("connections %v", got)
		}
	})
	t.Run("without a main one", func(t *testing.T) {
		alone := simswitch.New(simswitch.Config{DPID: 9})
		t.Cleanup(alone.Close)
		if err := alone.DialAuxiliary(t.Context(), c.addr, 1); err != nil {
			t.Fatal(err)
		}
		eventually(t, "refused", func() bool { return refused(channel.ReasonAuxiliary) == 2 })
		if err := alone.Await(t.Context(), func() bool { return len(alone.Errors()) == 1 }); err != nil || alone.Errors()[0].Reason != ofp.HelloFailedEPERM {
			t.Errorf("it is told %v, %v", alone.Errors(), err)
		}
	})
	if n := c.stats.Ended[channel.ReasonAuxiliary].Load(); n != 0 || !sim.Connected() {
		t.Errorf("%d ended", n)
	}
}

// TestAuxiliaryMisfit: what may not be bound to a main connection.
func TestAuxiliaryMisfit(t *testing.T) {
	c := serve(t, Config{})
	sims := map[ofp.DPID]*simswitch.Switch{}
	for dpid, v := range map[ofp.DPID]ofp.Version{1: ofp.V13, 2: ofp.V13, 3: ofp.V12} {
		sims[dpid] = simulated(t, c, v, simswitch.Config{DPID: dpid})
	}
	one, two, three := c.sw(t, 1), c.sw(t, 2), c.sw(t, 3)
	if text := one.misfit(two); text != "" {
		t.Errorf("same machine, version and no certificate: %s", text)
	}
	if text := three.misfit(one); text != "auxiliary connection speaks OpenFlow 1.2, its main one 1.3" {
		t.Errorf("another version: %q", text)
	}
	from := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 7} }
	if host(from("10.0.0.1")) == host(from("10.0.0.2")) || host(from("::ffff:10.0.0.1")) != host(from("10.0.0.1")) {
		t.Error("machines are told apart by their ports, or not at all")
	}
	// A number whose connection is dead is taken over.
	p := newPeer(t, ofp.V13, 1)
	p.reply = func(_ uint32, m ofp.Message) []ofp.Message {
		if _, ok := m.(*ofp.FeaturesRequest); ok {
			return []ofp.Message{&ofp.FeaturesReply{DPID: 1, AuxiliaryID: 3}}
		}
		return nil
	}
	close(p.silent)
	p.dial(c.addr)
	eventually(t, "bound", func() bool { return len(ids(one)) == 1 })
	if err := sims[1].DialAuxiliary(t.Context(), c.addr, 3); err != nil {
		t.Fatal(err)
	}
	<-p.gone
	eventually(t, "taken over", func() bool { return len(ids(one)) == 1 && sims[1].Auxiliary(3) })
	eventually(t, "counted", func() bool { return c.stats.Ended[channel.ReasonReplaced].Load() == 1 })
	eventually(t, "the newcomer has its number", func() bool { return len(ids(one)) == 1 })
}

// TestAuxiliaryMalformed: what cannot be read is refused where it came, and costs
// the others nothing.
func TestAuxiliaryMalformed(t *testing.T) {
	s := &testSession{detached: make(chan struct{})}
	c := serve(t, Config{Apps: []App{testApp{"watch", func(*Switch) Session { return s }}}})
	main := newPeer(t, ofp.V13, 1).dial(c.addr)
	sw := c.sw(t, 1)
	aux := newPeer(t, ofp.V13, 1)
	aux.reply = func(_ uint32, m ofp.Message) []ofp.Message {
		if _, ok := m.(*ofp.FeaturesRequest); ok {
			return []ofp.Message{&ofp.FeaturesReply{DPID: 1, AuxiliaryID: 3}}
		}
		return nil
	}
	aux.dial(c.addr)
	eventually(t, "bound", func() bool { return len(ids(sw)) == 1 })
	bad, err := ofp.Append(nil, ofp.V13, 9, packetIn(1))
	if err != nil {
		t.Fatal(err)
	}
	bad[27] = 0xff // the length of the match
	aux.mu.Lock()
	_, _ = aux.nc.Write(bad)
	aux.mu.Unlock()
	aux.send(0, packetIn(2))
	eventually(t, "the good packet", func() bool { return cmp.Equal(s.heard(), []string{"packet 2"}) })
	told := func(p *peer) (n int) {
		for len(p.in) > 0 {
			if _, ok := (<-p.in).(*ofp.Error); ok {
				n++
			}
		}
		return n
	}
	eventually(t, "the error", func() bool { return told(aux) == 1 })
	if told(main) != 0 || c.stats.Undecodable.Load() != 1 {
		t.Error("the main connection is told of it")
	}
}
