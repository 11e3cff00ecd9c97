package controller

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/sluice-sdn/sluice/ofp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a small switch: it shakes hands, answers echoes, barriers and what its
// tables say, and keeps the rest for the test.
type peer struct {
	t       testing.TB
	nc      net.Conn
	version ofp.Version
	dpid    ofp.DPID
	desc    ofp.Desc
	ports   []ofp.Port
	silent  chan struct{}                                 // closed: no echo is answered any more
	reply   func(xid uint32, m ofp.Message) []ofp.Message // before the usual answers

	in   chan ofp.Message // what came, but for echoes
	gone chan struct{}
	mu   sync.Mutex // one write at a time
}

func newPeer(t testing.TB, v ofp.Version, dpid ofp.DPID, ports ...ofp.Port) *peer {
	return &peer{t: t, version: v, dpid: dpid, ports: ports, desc: ofp.Desc{Datapath: "None"},
		silent: make(chan struct{}), in: make(chan ofp.Message, 10000), gone: make(chan struct{})}
}

// dial connects the peer and lets it answer.
func (p *peer) dial(addr string) *peer {
	p.t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.over(nc)
}

func (p *peer) over(nc net.Conn) *peer {
	p.nc = nc
	go p.run()
	p.t.Cleanup(func() {
		nc.Close()
		<-p.gone
	})
	return p
}

func (p *peer) send(xid uint32, ms ...ofp.Message) {
	var b []byte
	for _, m := range ms {
		var err error
		if b, err = ofp.Append(b, p.version, xid, m); err != nil {
			p.t.Errorf("peer: %v", err)
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.nc.Write(b)
}

func (p *peer) run() {
	defer close(p.gone)
	p.send(1, ofp.NewHello(p.version))
	var head [8]byte
	for {
		if _, err := io.ReadFull(p.nc, head[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint16(head[2:]))
		copy(frame, head[:])
		if _, err := io.ReadFull(p.nc, frame[8:]); err != nil {
			return
		}
		h, m, err := ofp.Decode(frame)
		if err != nil {
			p.t.Errorf("peer cannot read what it is sent: %v", err)
			return
		}
		if e, ok := m.(*ofp.EchoRequest); ok {
			select {
			case <-p.silent:
			default:
				p.send(h.XID, &ofp.EchoReply{Data: bytes.Clone(e.Data)})
			}
			continue
		}
		select {
		case p.in <- m:
		default:
		}
		if p.reply != nil {
			if rs := p.reply(h.XID, m); rs != nil {
				p.send(h.XID, rs...)
				continue
			}
		}
		p.answer(h.XID, m)
	}
}

func (p *peer) answer(xid uint32, m ofp.Message) {
	switch m := m.(type) {
	case *ofp.FeaturesRequest:
		f := &ofp.FeaturesReply{DPID: p.dpid}
		if p.version < ofp.V13 {
			f.Ports = p.ports
		}
		p.send(xid, f)
	case *ofp.GetConfigRequest:
		p.send(xid, &ofp.GetConfigReply{})
	case *ofp.BarrierRequest:
		p.send(xid, &ofp.BarrierReply{})
	case *ofp.MultipartRequest:
		switch m.Body.(type) {
		case *ofp.DescRequest:
			p.send(xid, &ofp.MultipartReply{Body: &p.desc})
		case *ofp.PortDescRequest:
			p.send(xid, &ofp.MultipartReply{Body: &ofp.PortDescReply{Ports: p.ports}})
		}
	}
}

// served is a controller under test and where it listens.
type served struct {
	*Controller
	addr string
	logs *logBook
	stop func() // ends Serve and waits for it
}

func serve(t testing.TB, cfg Config) *served {
	t.Helper()
	log, book := newLog()
	cfg.Logger = log
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, ln) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return &served{c, ln.Addr().String(), book, stop}
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-tick.C
	}
}

// sw waits for the switch of a DPID.
func (s *served) sw(t testing.TB, dpid ofp.DPID) *Switch {
	t.Helper()
	var sw *Switch
	eventually(t, "switch "+dpid.String(), func() bool {
		sw = s.byDPID(dpid)
		return sw != nil
	})
	return sw
}

// after returns the switch that comes in the stead of an old one.
func (s *served) after(t testing.TB, old *Switch) *Switch {
	t.Helper()
	var sw *Switch
	eventually(t, "switch "+old.DPID().String()+" again", func() bool {
		sw = s.byDPID(old.DPID())
		return sw != nil && sw != old
	})
	return sw
}

// logBook keeps log lines.
type logBook struct {
	mu    sync.Mutex
	lines []*logrus.Entry
}

func (l *logBook) Levels() []logrus.Level { return logrus.AllLevels }
func (l *logBook) Fire(e *logrus.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, e)
	return nil
}

// with returns the lines of the given message.
func (l *logBook) with(message string) []*logrus.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*logrus.Entry
	for _, e := range l.lines {
		if e.Message == message {
			all = append(all, e)
		}
	}
	return all
}

func newLog() (logrus.FieldLogger, *logBook) {
	book := new(logBook)
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.AddHook(book)
	return log, book
}

// testApp is an app made of functions.
type testApp struct {
	name   string
	attach func(sw *Switch) Session
}

func (a testApp) Name() string              { return a.name }
func (a testApp) Attach(sw *Switch) Session { return a.attach(sw) }

// testSession keeps what it is told.
type testSession struct {
	sw       *Switch
	packet   func(m *ofp.PacketIn) bool
	onStatus func(m *ofp.PortStatus)

	mu       sync.Mutex
	said     []string
	detached chan struct{}
}

func (s *testSession) note(what string) {
	s.mu.Lock()
	s.said = append(s.said, what)
	s.mu.Unlock()
}

func (s *testSession) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.said...)
}

func (s *testSession) PacketIn(m *ofp.PacketIn) bool {
	if s.packet != nil {
		return s.packet(m)
	}
	s.note("packet " + m.InPort().String())
	return false
}

func (s *testSession) PortStatus(m *ofp.PortStatus) {
	if s.onStatus != nil {
		s.onStatus(m)
	}
	s.note("port " + m.Port.Name)
}
func (s *testSession) FlowRemoved(*ofp.FlowRemoved)   { s.note("flow removed") }
func (s *testSession) Error(xid uint32, m *ofp.Error) { s.note("error " + m.Describe()) }
func (s *testSession) Detach() {
	s.note("detach")
	close(s.detached)
}
