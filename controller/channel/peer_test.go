package channel

import (
	"bytes"
	"context"
	"encoding/binary"

	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/ofp"
)

// peer is a small switch for tests, over any net.Conn. It answers what a
// handshake asks, and leaves the rest to the test.
type peer struct {
	t       *testing.T
	nc      net.Conn
	version ofp.Version
	dpid    ofp.DPID
	ports   []ofp.Port

	// Of the answers: what is not answered at all, and what is answered with an
	// error.
	mute map[ofp.Type]bool
	part map[ofp.PartKind]bool
	fail map[ofp.Type]ofp.ErrorReason
	busy bool // sends a packet behind its features

	in chan received // what came that was not answered
}

type received struct {
	ofp.Header
	m ofp.Message
}

func newPeer(t *testing.T, nc net.Conn, v ofp.Version) *peer {
	return &peer{t: t, nc: nc, version: v, dpid: 0x1234, in: make(chan received, 10000),
		ports: []ofp.Port{{No: 1, Name: "eth1"}, {No: 2, Name: "eth2"}, {No: ofp.PortLocal, Name: "br0"}}}
}

// send writes messages under xid 0; the peer's own goroutine must be able to
// read meanwhile.
func (p *peer) send(ms ...ofp.Message) {
	for _, m := range ms {
		p.sendX(0, m)
	}
}

func (p *peer) sendX(xid uint32, m ofp.Message) {
	b, err := ofp.Append(nil, p.version, xid, m)
	if err != nil {
		p.t.Errorf("peer: %v", err)
		return
	}
	p.raw(b)
}

func (p *peer) raw(b []byte) {
	_, _ = p.nc.Write(b)
}

// read returns the next message, or an error.
func (p *peer) read() (ofp.Header, ofp.Message, error) {
	var head [8]byte
	if _, err := io.ReadFull(p.nc, head[:]); err != nil {
		return ofp.Header{}, nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint16(head[2:]))
	copy(frame, head[:])
	if _, err := io.ReadFull(p.nc, frame[8:]); err != nil {
		return ofp.Header{}, nil, err
	}
	return ofp.Decode(frame)
}

// answer is what the peer answers to a message of the handshake.
func (p *peer) answer(m ofp.Message) ofp.Message {
	if p.mute[m.Type()] {
		return nil
	}
	if r, ok := p.fail[m.Type()]; ok {
		return &ofp.Error{Reason: r}
	}
	switch m := m.(type) {
	case *ofp.FeaturesRequest:
		return p.features()
	case *ofp.GetConfigRequest:
		return &ofp.GetConfigReply{SwitchConfig: ofp.SwitchConfig{MissSendLen: 0xffff}}
	case *ofp.EchoRequest:
		return &ofp.EchoReply{Data: bytes.Clone(m.Data)}
	case *ofp.BarrierRequest:
		return &ofp.BarrierReply{}
	case *ofp.MultipartRequest:
		if p.part[m.Body.Kind()] {
			return nil
		}
		switch m.Body.(type) {
		case *ofp.DescRequest:
			return &ofp.MultipartReply{Body: &ofp.Desc{Manufacturer: "test", Datapath: "None"}}
		case *ofp.PortDescRequest:
			return &ofp.MultipartReply{Body: &ofp.PortDescReply{Ports: p.ports}}
		}
	}
	return nil
}

func (p *peer) features() *ofp.FeaturesReply {
	f := &ofp.FeaturesReply{DPID: p.dpid, Tables: 1}
	if p.version < ofp.V13 {
		f.Ports = p.ports
	}
	return f
}

// run answers until the connection ends. Everything that it receives goes to in.
func (p *peer) run() {
	defer close(p.in)
	for {
		h, m, err := p.read()
		if err != nil {
			return
		}
		if a := p.answer(m); a != nil {
			p.sendX(h.XID, a)
			if p.busy && a.Type() == ofp.TypeFeaturesReply {
				p.send(&ofp.PacketIn{BufferID: 1, Data: []byte("packet")})
			}
		}
		select {
		case p.in <- received{h, m}:
		default:
		}
	}
}

// want reads messages until one of the given type comes.
func (p *peer) want(typ ofp.Type) received {
	p.t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case r, ok := <-p.in:
			if !ok {
				p.t.Fatalf("connection ended before a %s came", typ)
			}
			if r.m.Type() == typ {
				return r
			}
		case <-timeout:
			p.t.Fatalf("no %s came", typ)
		}
	}
}

// watcher is a Handler that keeps what it is told.
type watcher struct {
	refuse error
	slow   chan struct{} // if set, each batch waits for a value
	each   time.Duration // that an event takes
	onUp   func(c *Conn)

	up   chan *Conn
	down chan struct{}
	mu   sync.Mutex
	all  []ofp.Message
	news chan struct{}
}

func newWatcher() *watcher {
	return &watcher{up: make(chan *Conn, 1), down: make(chan struct{}), news: make(chan struct{}, 1)}
}

func (w *watcher) Up(c *Conn) error {
	if w.onUp != nil {
		w.onUp(c)
	}
	if w.refuse != nil {
		return w.refuse
	}
	w.up <- c
	return nil
}

func (w *watcher) Events(c *Conn, b *Batch) {
	if w.slow != nil {
		select {
		case <-w.slow:
		case <-c.Done():
		}
	}
	time.Sleep(time.Duration(b.Len()) * w.each)
	for typ, frame := range b.All() {
		_, m, err := ofp.Decode(bytes.Clone(frame))
		if err != nil {
			c.Undecodable(frame, err)
			continue
		}
		_ = typ
		w.mu.Lock()
		w.all = append(w.all, m)
		w.mu.Unlock()
	}
	signal(w.news)
}

func (w *watcher) Down(*Conn) { close(w.down) }

// events waits until there are n events and returns them.
func (w *watcher) events(t *testing.T, n int) []ofp.Message {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		w.mu.Lock()
		all := append([]ofp.Message{}, w.all...)
		w.mu.Unlock()
		if len(all) >= n {
			return all
		}
		select {
		case <-w.news:
		case <-timeout:
			t.Fatalf("%d events, want %d", len(all), n)
		}
	}
}

// rig is a connection under test and its peer.
type rig struct {
	*peer
	w     *watcher
	conn  *Conn
	stats *Stats
	logs  *logBook
	end   chan *CloseError
	stop  context.CancelFunc
}

// logBook keeps log lines.
type logBook struct {
	mu    sync.Mutex
	lines []logrus.Entry
}

func (l *logBook) Levels() []logrus.Level { return logrus.AllLevels }
func (l *logBook) Fire(e *logrus.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, *e)
	return nil
}

func (l *logBook) messages() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.lines {
		all = append(all, e.Message)
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

// start runs a connection over a pipe. The peer does nothing by itself: the test
// calls run, or shakeHands.
func start(t *testing.T, v ofp.Version, cfg Config) *rig {
	ours, theirs := net.Pipe()
	return startOver(t, ours, theirs, v, cfg)
}

func startOver(t *testing.T, ours, theirs net.Conn, v ofp.Version, cfg Config) *rig {
	log, book := newLog()
	r := &rig{peer: newPeer(t, theirs, v), w: newWatcher(), stats: new(Stats), logs: book, end: make(chan *CloseError, 1)}
	r.conn = New(ours, cfg, r.stats, log)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		r.end <- r.conn.Run(ctx, r.w)
	}()
	t.Cleanup(func() {
		cancel()
		theirs.Close()
		<-finished
	})
	return r
}

// hello exchanges hellos. The peer's goroutine starts here.
func (r *rig) shakeHands(hello *ofp.Hello) {
	go r.run()
	r.send(hello)
}

// ready shakes hands and waits until the switch is up.
func (r *rig) ready() *Conn {
	r.t.Helper()
	r.shakeHands(ofp.NewHello(r.version))
	select {
	case c := <-r.w.up:
		return c
	case e := <-r.end:
		r.t.Fatalf("refused: %v", e)
	case <-time.After(10 * time.Second):
		r.t.Fatal("not up")
	}
	return nil
}

// ended waits for the end of the connection.
func (r *rig) ended() *CloseError {
	r.t.Helper()
	select {
	case e := <-r.end:
		return e
	case <-time.After(time.Minute):
		r.t.Fatal("the connection does not end")
	}
	return nil
}

// lines returns the log's messages of the given text.
func (l *logBook) count(message string) int {
	n := 0
	for _, m := range l.messages() {
		if m == message {
			n++
		}
	}
	return n
}

// gatedConn reads nothing while it is shut.
type gatedConn struct {
	net.Conn
	shut atomic.Bool
	open chan struct{} // closed with the connection
}

func (g *gatedConn) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if g.shut.Load() {
		<-g.open
	}
	return n, err
}

func (g *gatedConn) Close() error {
	select {
	case <-g.open:
	default:
		close(g.open)
	}
	return g.Conn.Close()
}

// slowConn pauses after each read, of a thousand bytes at most.
type slowConn struct {
	net.Conn
	pause atomic.Int64 // a time.Duration
}

func (s *slowConn) Read(b []byte) (int, error) {
	pause := time.Duration(s.pause.Load())
	if pause > 0 {
		time.Sleep(pause)
		b = b[:min(len(b), 1000)]
	}
	return s.Conn.Read(b)
}
