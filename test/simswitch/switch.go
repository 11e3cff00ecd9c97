package simswitch

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Switch is a Datapath behind an OpenFlow connection. It outlives its
// connections: flows, ports and clock stay when one ends, until Restart. Its
// methods may be called from any goroutine.
type Switch struct {
	mu       sync.Mutex
	dp       *Datapath
	link     *link // nil: not connected
	last     *link // link, or what it was; its goroutines may still be at what they have read
	changed  chan struct{}
	fault    func(n int, h ofp.Header, m ofp.Message) Fault
	received map[ofp.Type]int
	refused  []ofp.Error // that were sent
	errors   []ofp.Error // that were received
	role     role
	aux      map[uint8]*link
	links    []*link // auxiliary ones, those that have ended included
	err      error   // why the last connection ended
}

// New returns a switch that is not connected yet.
func New(cfg Config) *Switch {
	s := &Switch{dp: NewDatapath(cfg), changed: make(chan struct{}), received: map[ofp.Type]int{}}
	s.dp.Notify = func(m ofp.Message) {
		if s.link != nil && s.link.version != 0 && s.role.tells(m) {
			s.emit(s.link, 0, m)
		}
	}
	return s
}

// Dial connects to the controller at a TCP address and begins the handshake;
// the context bounds connecting. A connection that is there is closed first.
func (s *Switch) Dial(ctx context.Context, addr string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect switch %s to its controller: %w", s.dp.cfg.DPID, err)
	}
	s.Start(conn)
	return nil
}

// Start is Dial over a connection that is there already. The switch owns it from
// now on.
func (s *Switch) Start(conn net.Conn) {
	s.Disconnect()
	s.start(&link{conn: conn})
}

// start begins the handshake of a connection.
func (s *Switch) start(l *link) {
	l.wake, l.quit = make(chan struct{}, 1), make(chan struct{})
	s.mu.Lock()
	if l.aux == 0 {
		s.link, s.last, s.err = l, l, nil
		s.role.connected()
	} else {
		s.aux[l.aux] = l
		s.links = append(s.links, l)
	}
	top := slices.Max(s.dp.cfg.Versions)
	hello := ofp.NewHello(s.dp.cfg.Versions...)
	if s.dp.cfg.NoBitmap {
		hello = &ofp.Hello{}
	}
	l.append(ofp.Append(nil, top, 0, hello))
	s.notify()
	s.mu.Unlock()
	l.running.Go(func() { s.end(l, s.read(l)) })
	l.running.Go(func() { s.end(l, l.write()) })
}

// Disconnect closes the connection, if there is one, and waits for its
// goroutines, and those of one that has ended: nothing that was read from it is
// carried out later.
func (s *Switch) Disconnect() {
	s.mu.Lock()
	l := s.last
	s.mu.Unlock()
	if l != nil {
		s.end(l, net.ErrClosed)
		l.running.Wait()
	}
}

// Close ends the switch. It may be called more than once.
func (s *Switch) Close() {
	s.Disconnect()
	s.mu.Lock()
	all := s.links
	s.mu.Unlock()
	for _, l := range all {
		s.end(l, net.ErrClosed)
		l.running.Wait()
	}
}

// end closes a connection for a reason; the first reason counts.
func (s *Switch) end(l *link, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	l.conn.Close()
	close(l.quit)
	if s.link == l {
		s.link, s.err = nil, why
	}
	if l.aux != 0 && s.aux[l.aux] == l {
		delete(s.aux, l.aux)
	}
	s.notify()
}

// notify wakes those who await something. The lock is held.
func (s *Switch) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Await returns when cond holds, which is asked now and after whatever happens
// to the switch, or with an error when the context ends. cond calls the methods
// of the switch.
func (s *Switch) Await(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("await switch %s: %w", s.dp.cfg.DPID, context.Cause(ctx))
		}
	}
}

// with runs f with the datapath, locked, and wakes those who wait.
func (s *Switch) with(f func(*Datapath)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.dp)
	s.notify()
}

// look is with for what changes nothing.
func look[T any](s *Switch, f func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// Inject lets a frame come in on a port, and reports whether the switch took it.
// What flows do with it has been done on return; what the controller does
// comes later: Await it.
func (s *Switch) Inject(in ofp.PortNo, frame []byte) (taken bool) {
	s.with(func(d *Datapath) { taken = d.Inject(in, frame) })
	return taken
}

// Tick moves the switch's clock on; flows whose time is up go.
func (s *Switch) Tick(by time.Duration) { s.with(func(d *Datapath) { d.Tick(by) }) }

// SetPort adds or changes a port.
func (s *Switch) SetPort(p ofp.Port) { s.with(func(d *Datapath) { d.SetPort(p) }) }

// SetLink takes a port's link away or brings it back.
func (s *Switch) SetLink(no ofp.PortNo, up bool) { s.with(func(d *Datapath) { d.SetLink(no, up) }) }

// RemovePort takes a port out.
func (s *Switch) RemovePort(no ofp.PortNo) { s.with(func(d *Datapath) { d.RemovePort(no) }) }

// Restart is a crash and a fresh start: the connection ends, flows and buffers
// are gone.
func (s *Switch) Restart() {
	s.Disconnect()
	s.with((*Datapath).Restart)
}

// Lose deletes all flows of table 0, as nobody has asked for.
func (s *Switch) Lose() { s.with(func(d *Datapath) { d.FlowMod(ofp.NewFlowMod(ofp.FlowDelete)) }) }

// Sent returns the packets that left the switch since Clear.
func (s *Switch) Sent() []Transmission { return look(s, s.dp.Sent) }

// Clear forgets the packets that left the switch.
func (s *Switch) Clear() { s.with((*Datapath).Clear) }

// Ports returns the ports as they are now.
func (s *Switch) Ports() []ofp.Port { return look(s, s.dp.Ports) }

// Flows returns all flows.
func (s *Switch) Flows() []ofp.FlowStats {
	q := ofp.AllFlows()
	return look(s, func() []ofp.FlowStats { return s.dp.Flows(&q) })
}

// DPID returns the switch's identifier.
func (s *Switch) DPID() ofp.DPID { return s.dp.cfg.DPID }

// Version returns the version that was negotiated, or 0 before.
func (s *Switch) Version() ofp.Version {
	return look(s, func() ofp.Version {
		if s.link == nil {
			return 0
		}
		return s.link.version
	})
}

// Connected reports whether there is a connection, negotiated or not.
func (s *Switch) Connected() bool { return look(s, func() bool { return s.link != nil }) }

// Err returns why the last connection ended, or nil while there is one:
// net.ErrClosed if this side closed it, io.EOF if the controller did.
func (s *Switch) Err() error { return look(s, func() error { return s.err }) }

// Received returns how many messages of a type came from the controllers so
// far.
func (s *Switch) Received(t ofp.Type) int { return look(s, func() int { return s.received[t] }) }

// Refused returns the errors that the switch has sent. A test that expects none
// checks it at its end.
func (s *Switch) Refused() []ofp.Error {
	return look(s, func() []ofp.Error { return slices.Clone(s.refused) })
}

// Errors returns the errors that the controllers have sent.
func (s *Switch) Errors() []ofp.Error {
	return look(s, func() []ofp.Error { return slices.Clone(s.errors) })
}

// Send sends a message of the test's own making. It fails without a negotiated
// connection, or if the version cannot say it.
func (s *Switch) Send(xid uint32, m ofp.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil || s.link.version == 0 {
		return fmt.Errorf("send %s: %w", m.Type(), net.ErrClosed)
	}
	b, err := ofp.Append(nil, s.link.version, xid, m)
	s.link.append(b, err)
	return err
}

// SendBytes sends bytes as they are, which may be nonsense. It fails without a
// connection.
func (s *Switch) SendBytes(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		return fmt.Errorf("send bytes: %w", net.ErrClosed)
	}
	s.link.append(bytes.Clone(b), nil)
	return nil
}
