package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

func local(name string) ofp.Port { return ofp.Port{No: ofp.PortLocal, Name: name} }

func packetIn(port uint64) *ofp.PacketIn {
	m := &ofp.PacketIn{BufferID: ofp.NoBuffer, Data: make([]byte, 60)}
	m.Match.SetUint(ofp.FieldInPort, port)
	return m
}

func TestSwitchFacts(t *testing.T) {
	for _, v := range ofp.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			c := serve(t, Config{})
			if !c.Ready() {
				eventually(t, "ready", c.Ready)
			}
			p := newPeer(t, v, 0x1f, ofp.Port{No: 2, Name: "eth2"}, local("br7")).dial(c.addr)
			s := c.sw(t, 0x1f)
			if s.DPID() != 0x1f || s.Name() != "br7" || s.Version() != v || s.Addr().String() != p.nc.LocalAddr().String() || s.Since().IsZero() {
				t.Errorf("dpid %v, name %q, version %v, addr %v, since %v", s.DPID(), s.Name(), s.Version(), s.Addr(), s.Since())
			}
			if port, ok := s.Port(2); !ok || port.Name != "eth2" {
				t.Errorf("port 2: %+v, %v", port, ok)
			}
			if no, ok := s.Names().Port("eth2"); !ok || no != 2 {
				t.Errorf("eth2 is port %v, %v", no, ok)
			}
			if name, ok := s.Names().PortName(ofp.PortLocal); !ok || name != "br7" {
				t.Errorf("the local port is %q, %v", name, ok)
			}
			p.send(0, &ofp.PortStatus{Reason: ofp.PortAdded, Port: ofp.Port{No: 1, Name: "eth1"}},
				&ofp.PortStatus{Reason: ofp.PortDeleted, Port: ofp.Port{No: 2}})
			if err := s.Barrier(t.Context()); err != nil {
				t.Error(err)
			}
			eventually(t, "ports", func() bool {
				return cmp.Equal(s.Ports(), []ofp.Port{{No: 1, Name: "eth1"}, local("br7")})
			})
			p.nc.Close()
			<-s.Done()
			eventually(t, "no switches", func() bool { return len(c.Switches()) == 0 })
			if n := len(c.logs.with("switch disconnected")); n > 1 {
				t.Errorf("%d lines about the end", n)
			}
		})
	}
}

func TestFind(t *testing.T) {
	c := serve(t, Config{})
	add := func(dpid ofp.DPID, desc string, ports ...ofp.Port) {
		p := newPeer(t, ofp.V13, dpid, ports...)
		p.desc.Datapath = desc
		p.dial(c.addr)
		c.sw(t, dpid)
	}
	add(0x1, "None", local("b0"))
	add(0xb0, "None", local("br1"))
	add(0x3, "lab", ofp.Port{No: 1, Name: "x"})
	add(0x4, "None")
	add(0x5, "", local("twin"))
	add(0x6, "", local("twin"))
	add(0x7, "", local("0000000000000001"))
	tests := []struct {
		ref  string
		want ofp.DPID
		err  error
		text string
	}{
		{"b0", 1, nil, ""},
		{"0xb0", 0xb0, nil, ""},
		{"00000000000000b0", 0xb0, nil, ""},
		{"00:00:00:00:00:00:00:b0", 0xb0, nil, ""},
		{"00:00:00:00:00:b0", 0xb0, nil, ""},
		{"br1", 0xb0, nil, ""},
		{"lab", 3, nil, ""},
		{"4", 4, nil, ""},
		{"None", 0, ErrNoSwitch, "None"},
		{"twin", 0, ErrAmbiguous, "0000000000000005, 0000000000000006"},
		{"0000000000000001", 1, nil, ""},
		{"99", 0, ErrNoSwitch, "99"},
		{"", 0, ErrNoSwitch, `""`},
	}
	for _, tt := range tests {
		t.Run(tt.ref, func(t *testing.T) {
			s, err := c.Find(tt.ref)
			if tt.err != nil {
				if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v", err)
				}
			} else if err != nil || s.DPID() != tt.want {
				t.Errorf("found %v, %v; want %v", s, err, tt.want)
			}
		})
	}
	var got []ofp.DPID
	for _, s := range c.Switches() {
		got = append(got, s.DPID())
	}
	if diff := cmp.Diff([]ofp.DPID{1, 3, 4, 5, 6, 7, 0xb0}, got); diff != "" {
		t.Errorf("switches: %s", diff)
	}
}

func TestDispatch(t *testing.T) {
	first := &testSession{detached: make(chan struct{})}
	second := &testSession{detached: make(chan struct{})}
	first.packet = func(m *ofp.PacketIn) bool {
		first.note("packet " + m.InPort().String())
		return m.InPort() == 2
	}
	first.onStatus = func(*ofp.PortStatus) {
		if _, ok := first.sw.Port(9); !ok {
			t.Error("the ports are not current")
		}
		// A handler may wait for a reply.
		if err := first.sw.Barrier(context.Background()); err != nil {
			t.Error(err)
		}
	}
	c := serve(t, Config{Apps: []App{
		testApp{"first", func(sw *Switch) Session {
			first.sw = sw
			if err := sw.Write(context.Background(), []ofp.Message{ofp.NewFlowMod(ofp.FlowAdd)}); err != nil {
				t.Error(err)
			}
			return first
		}},
		testApp{"indifferent", func(*Switch) Session { return nil }},
		testApp{"deaf", func(*Switch) Session { return struct{}{} }},
		testApp{"second", func(*Switch) Session { return second }},
	}})
	p := newPeer(t, ofp.V13, 1, local("br0")).dial(c.addr)
	c.sw(t, 1)
	p.send(0, packetIn(1), &ofp.PortStatus{Port: ofp.Port{No: 9, Name: "nine"}}, packetIn(2),
		&ofp.FlowRemoved{}, &ofp.Error{Reason: ofp.BadRequestBadLen}, packetIn(3))
	eventually(t, "events", func() bool { return len(second.heard()) == 5 })
	p.nc.Close()
	<-first.detached
	<-second.detached
	if diff := cmp.Diff([]string{"packet 1", "port nine", "packet 2", "flow removed", "error OFPBRC_BAD_LEN", "packet 3", "detach"}, first.heard()); diff != "" {
		t.Errorf("first: %s", diff)
	}
	if diff := cmp.Diff([]string{"packet 1", "port nine", "flow removed", "error OFPBRC_BAD_LEN", "packet 3", "detach"}, second.heard()); diff != "" {
		t.Errorf("second: %s", diff)
	}
}

func TestPanics(t *testing.T) {
	second := &testSession{detached: make(chan struct{})}
	bad := &testSession{detached: make(chan struct{})}
	bad.packet = func(*ofp.PacketIn) bool { panic("oh") }
	c := serve(t, Config{PanicLimit: 3, Apps: []App{
		testApp{"bad", func(*Switch) Session { return bad }},
		testApp{"worse", func(*Switch) Session { panic("at once") }},
		testApp{"good", func(*Switch) Session { return second }},
	}})
	p := newPeer(t, ofp.V10, 1).dial(c.addr)
	c.sw(t, 1)
	var want []string
	for i := range 10 {
		p.send(0, packetIn(uint64(i+1)))
		want = append(want, fmt.Sprint("packet ", i+1))
	}
	eventually(t, "events", func() bool { return len(second.heard()) >= 10 })
	if diff := cmp.Diff(want, second.heard()); diff != "" {
		t.Errorf("good: %s", diff)
	}
	if n := len(c.logs.with("app panicked")); n != 4 {
		t.Errorf("%d panics logged", n)
	}
	if off := c.logs.with("app disabled after too many panics"); len(off) != 1 || off[0].Data["app"] != "bad" {
		t.Errorf("disabled: %v", off)
	}
	if got := c.apps[0].panics.Load(); got != 3 {
		t.Errorf("%d panics counted", got)
	}
}

func TestWriteThroughSwitch(t *testing.T) {
	c := serve(t, Config{})
	p := newPeer(t, ofp.V13, 1)
	p.reply = func(_ uint32, m ofp.Message) []ofp.Message {
		if f, ok := m.(*ofp.FlowMod); ok && f.Priority == 7 {
			return []ofp.Message{&ofp.Error{Reason: ofp.FlowModFailedTableFull, Data: make([]byte, 64)}}
		}
		if q, ok := m.(*ofp.MultipartRequest); ok {
			switch q.Body.(type) {
			case *ofp.FlowStatsRequest:
				return []ofp.Message{
					&ofp.MultipartReply{Flags: ofp.MultipartMore, Body: &ofp.FlowStatsReply{Flows: []ofp.FlowStats{{Cookie: 1}}}},
					&ofp.MultipartReply{Body: &ofp.FlowStatsReply{Flows: []ofp.FlowStats{{Cookie: 2}}}},
				}
			case *ofp.AggregateRequest:
				return []ofp.Message{&ofp.MultipartReply{Body: &ofp.AggregateReply{Flows: 5}}}
			case *ofp.PortStatsRequest:
				return []ofp.Message{&ofp.MultipartReply{Body: &ofp.PortStatsReply{Ports: []ofp.PortStats{{Port: 3}}}}}
			case *ofp.TableStatsRequest:
				return []ofp.Message{&ofp.Error{Reason: ofp.BadRequestBadStat}}
			}
		}
		return nil
	}
	p.dial(c.addr)
	s := c.sw(t, 1)
	good, bad := ofp.NewFlowMod(ofp.FlowAdd), ofp.NewFlowMod(ofp.FlowAdd)
	bad.Priority = 7
	err := s.Write(t.Context(), []ofp.Message{good, bad, good})
	e, ok := errors.AsType[*WriteError](err)
	if !ok || len(e.Errors) != 1 || e.Errors[0].Index != 1 || e.Errors[0].Message != bad || e.Confirmed != 3 || e.Err != nil {
		t.Errorf("write: %+v", err)
	}
	if err.Error() != "write: message 1: switch answered OFPFMFC_TABLE_FULL" {
		t.Errorf("write: %v", err)
	}
	if err := s.Write(t.Context(), []ofp.Message{good}); err != nil {
		t.Error(err)
	}
	if flows, err := s.Flows(t.Context(), ofp.AllFlows()); err != nil || len(flows) != 2 || flows[1].Cookie != 2 {
		t.Errorf("flows %+v, %v", flows, err)
	}
	if sum, err := s.Aggregate(t.Context(), ofp.AllFlows()); err != nil || sum.Flows != 5 {
		t.Errorf("aggregate %+v, %v", sum, err)
	}
	if ports, err := s.PortStats(t.Context(), ofp.PortAny); err != nil || len(ports) != 1 {
		t.Errorf("ports %+v, %v", ports, err)
	}
	if _, err := s.TableStats(t.Context()); err == nil || !strings.Contains(err.Error(), "OFPBRC_BAD_STAT") {
		t.Errorf("tables: %v", err)
	}
}

// TestDuplicate: a second connection with a DPID.
func TestDuplicate(t *testing.T) {
	t.Run("the first one lives", func(t *testing.T) {
		var attached atomic.Int32
		c := serve(t, Config{Apps: []App{testApp{"a", func(*Switch) Session { attached.Add(1); return nil }}}})
		a := newPeer(t, ofp.V13, 5).dial(c.addr)
		s := c.sw(t, 5)
		b := newPeer(t, ofp.V10, 5).dial(c.addr)
		<-b.gone
		eventually(t, "a log line", func() bool { return len(c.logs.with("connection refused")) == 1 })
		line := c.logs.with("connection refused")[0]
		if line.Data["reason"] != "duplicate_dpid" || line.Data["addr"] != b.nc.LocalAddr().String() ||
			!strings.Contains(fmt.Sprint(line.Data["error"]), a.nc.LocalAddr().String()) {
			t.Errorf("log: %v", line.Data)
		}
		told := false
		for len(b.in) > 0 {
			if e, ok := (<-b.in).(*ofp.Error); ok {
				told = e.Reason == ofp.HelloFailedEPERM && strings.Contains(string(e.Data), "is connected")
			}
		}
		if !told {
			t.Error("the second switch was not told why")
		}
		if c.sw(t, 5) != s || attached.Load() != 1 || s.Barrier(t.Context()) != nil {
			t.Error("the first switch noticed")
		}
		if n := c.stats.Refused[channel.ReasonDuplicate].Load(); n != 1 {
			t.Errorf("counted %d times", n)
		}
	})
	t.Run("the first one is busy", func(t *testing.T) {
		const most = 3
		c := serve(t, Config{Channel: channel.Config{MaxRequests: most}})
		a := newPeer(t, ofp.V13, 5)
		a.reply = func(_ uint32, m ofp.Message) []ofp.Message {
			if m.Type() == ofp.TypeBarrierRequest {
				return []ofp.Message{} // no answer
			}
			return nil
		}
		a.dial(c.addr)
		s := c.sw(t, 5)
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		for range most {
			waiting.Go(func() { _ = s.Barrier(ctx) })
		}
		defer waiting.Wait()
		defer cancel()
		eventually(t, "requests in flight", func() bool { _, _, n := s.conn.Queued(); return n == most })
		b := newPeer(t, ofp.V13, 5).dial(c.addr)
		select {
		case <-b.gone:
		case <-s.Done():
		}
		select {
		case <-s.Done():
			t.Error("the switch was thrown out")
		default:
		}
		eventually(t, "a refusal", func() bool { return c.stats.Refused[channel.ReasonDuplicate].Load() == 1 })
	})
	t.Run("the first one is dead", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			old := &testSession{detached: make(chan struct{})}
			sessions := []*testSession{old, {detached: make(chan struct{})}}
			log, logs := newLog()
			c, err := New(Config{Logger: log, Apps: []App{testApp{"a", func(sw *Switch) Session {
				if len(sessions) == 1 {
					select {
					case <-old.detached:
					default:
						t.Error("attached to the new switch before it let go of the old one")
					}
				}
				s := sessions[0]
				sessions = sessions[1:]
				return s
			}}}})
			if err != nil {
				t.Fatal(err)
			}
			ln := newPipes()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- c.Serve(ctx, ln) }()
			a := newPeer(t, ofp.V13, 5).over(ln.dial())
			synctest.Wait()
			close(a.silent)
			begin := time.Now()
			newPeer(t, ofp.V13, 5).over(ln.dial())
			first := c.Switches()[0]
			<-a.gone
			synctest.Wait()
			if got := time.Since(begin); got != probeTimeout {
				t.Errorf("replaced after %v", got)
			}
			if s := c.Switches(); len(s) != 1 || s[0] == first {
				t.Errorf("switches: %v", s)
			}
			lines := logs.with("switch disconnected")
			if len(lines) != 1 || lines[0].Data["reason"] != "replaced" {
				t.Errorf("log: %v", lines)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("many at once", func(t *testing.T) {
		c := serve(t, Config{})
		peers := make([]*peer, 10)
		for i := range peers {
			peers[i] = newPeer(t, ofp.V13, 5).dial(c.addr)
		}
		eventually(t, "nine refusals", func() bool { return len(c.logs.with("connection refused")) == 9 })
		if n := len(c.Switches()); n != 1 {
			t.Errorf("%d switches", n)
		}
	})
}

// pipes is a listener over net.Pipe.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (l *pipes) dial() net.Conn {
	a, b := net.Pipe()
	l.conns <- a
	return b
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	return nil
}
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestBadPeersAreNoticedByNobody lets bad peers come to a controller that serves
// a good one.
func TestBadPeersAreNoticedByNobody(t *testing.T) {
	c := serve(t, Config{Channel: channel.Config{HelloTimeout: 50 * time.Millisecond}})
	good := newPeer(t, ofp.V13, 1).dial(c.addr)
	s := c.sw(t, 1)
	bad := []string{"GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01\x00\x20", "\x00\x00\x00\x00\x00\x00\x00\x00", "", "\x04\x00\x00\x40"}
	for _, text := range bad {
		nc, err := net.Dial("tcp", c.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := nc.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "refusals", func() bool { return len(c.logs.with("connection refused")) == len(bad) })
	got := map[any]int{}
	for _, l := range c.logs.with("connection refused") {
		got[l.Data["reason"]]++
	}
	if diff := cmp.Diff(map[any]int{"http": 1, "tls": 1, "bad_length": 1, "hello_timeout": 2}, got); diff != "" {
		t.Errorf("reasons: %s", diff)
	}
	if err := s.Barrier(t.Context()); err != nil {
		t.Errorf("the good switch: %v", err)
	}
	_ = good
}

func TestShutdown(t *testing.T) {
	c := serve(t, Config{})
	peers := make([]*peer, 20)
	for i := range peers {
		peers[i] = newPeer(t, ofp.V10, ofp.DPID(i+1)).dial(c.addr)
		c.sw(t, ofp.DPID(i+1))
	}
	c.stop()
	for _, p := range peers {
		<-p.gone
	}
	if c.Ready() || len(c.Switches()) != 0 {
		t.Error("something is left")
	}
	if nc, err := net.Dial("tcp", c.addr); err == nil {
		nc.Close()
		t.Error("the port is still open")
	}
}

func TestNewRefuses(t *testing.T) {
	nothing := func(*Switch) Session { return nil }
	if _, err := New(Config{Apps: []App{testApp{"a", nothing}, testApp{"a", nothing}}}); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("two apps of one name: %v", err)
	}
	if _, err := New(Config{Channel: channel.Config{Versions: []ofp.Version{9}}}); err == nil {
		t.Error("no version: no error")
	}
}
