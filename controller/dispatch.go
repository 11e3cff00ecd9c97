package controller

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

// app is an App and what the engine knows about it.
type app struct {
	App
	limit    int64
	panics   atomic.Int64
	disabled atomic.Bool
	waits    atomic.Bool // whatever it says (kept)
}

// handler is one app's session, taken apart. What the session does not do is
// nil.
type handler struct {
	app         *app
	packetIn    PacketInHandler
	prompt      PromptHandler
	portStatus  PortStatusHandler
	flowRemoved FlowRemovedHandler
	err         ErrorHandler
	role        RoleHandler
	batch       BatchHandler
	ahead       AheadHandler
	detach      Detacher
}

// dispatch is what the dispatcher of a switch uses, or the reader in its place, and
// nobody else.
type dispatch struct {
	handlers []handler
	dec      ofp.Decoder
	packetIn ofp.PacketIn
	decoded  bool      // packetIn is the one that comes next (link.Prompt)
	lone     bool      // the reader handles the batch at hand: the apps have said that they wait for nothing
	turn     time.Time // then: when that of the running app began
	now      time.Time // when the batch at hand came
	running  *app      // the app that is being called, if any
	sender   *app      // the app that was called last: it alone may have gathered messages
	event    int       // in the batch: the one at hand
	from     int       // in handlers: the first to ask about the event at hand
	errors   channel.Throttle
	roles    channel.RoleChanges // those of the role that the apps were told of
}

// link is a Switch as its connection sees it: the methods that the dispatcher
// goroutine calls.
type link Switch

// Up implements channel.Handler.
func (l *link) Up(*channel.Conn) error {
	s := (*Switch)(l)
	s.known()
	if s.auxiliaryID() != 0 {
		return s.join()
	}
	if err := s.c.claim(s); err != nil {
		return err
	}
	if err := s.takeRole(); err != nil {
		s.c.release(s)
		return err
	}
	if err := s.meterPunts(); err != nil {
		s.c.release(s)
		return err
	}
	s.remember()
	s.restored()
	s.dispatch.now = time.Now()
	for _, a := range s.c.apps {
		s.attach(a)
	}
	s.since = time.Now()
	s.leave()
	s.c.publish(s)
	s.caughtUp()
	fields := logrus.Fields{"name": s.Name(), "ports": len(s.Ports()), "transport": string(s.Transport())}
	if name := s.CertificateName(); name != "" {
		fields["certificate"] = name
	}
	s.c.changed(s, s.log.WithFields(fields), "switch connected")
	s.latePorts()
	return nil
}

// Down implements channel.Handler.
func (l *link) Down(*channel.Conn) {
	s := (*Switch)(l)
	if s.main != nil {
		s.unbind()
		return
	}
	s.later.wait()
	if s.giveUp != nil {
		s.giveUp()
	}
	s.work.Wait() // soon: the connection has ended
	s.c.forget(s)
	s.aux.close()
	if held := s.dispatch.errors.Held(); held > 0 {
		s.log.WithField("more", held).Warn("switch reported errors about messages that nobody waits for")
	}
	d := &s.dispatch
	for d.from = 0; d.from < len(d.handlers); d.from++ {
		if h := &d.handlers[d.from]; h.detach != nil {
			s.guard(h.app, h.detach.Detach)
		}
	}
	close(s.detached)
}

// Events implements channel.Handler.
func (l *link) Events(_ *channel.Conn, b *channel.Batch) {
	s := (*Switch)(l)
	if s.main != nil {
		_ = s.main.conn.Relay(s.conn, b) // the connection ends if it fails
		return
	}
	d := &s.dispatch
	d.now = time.Now()
	d.lone, d.turn = d.decoded, d.now
	var packets int
	var other time.Duration
	if b.Len() > 1 {
		s.lookAhead(b.Len())
	}
	for d.event, d.from = 0, 0; d.event < b.Len(); {
		s.run(b, &packets, &other)
	}
	for i := range d.handlers {
		if h := &d.handlers[i]; h.batch != nil && !h.app.disabled.Load() {
			s.guard(h.app, h.batch.BatchDone)
			if d.lone {
				s.kept(h.app)
			}
		}
	}
	if packets > 0 {
		s.c.metrics.handling.observe(packets, time.Since(d.now)-other)
	}
}

// run handles events from the one at hand on. A panic of an app ends it; the
// next call goes on with the next app, so that the price of the recovery is paid
// once a batch rather than once a packet.
func (s *Switch) run(b *channel.Batch, packets *int, other *time.Duration) {
	d := &s.dispatch
	defer func() {
		if p := recover(); p != nil {
			if s.recovered(p) {
				d.from++
			} else {
				d.event, d.from = d.event+1, 0
			}
		}
	}()
	for d.event < b.Len() {
		typ, frame := b.Event(d.event)
		if typ != ofp.TypePacketIn && s.ended() {
			d.event = b.Len()
			return
		}
		if typ == ofp.TypePacketIn {
			s.handlePacketIn(frame)
			*packets++
		} else {
			t := time.Now()
			s.handle(typ, frame)
			*other += time.Since(t)
		}
		d.event++
		d.from = 0
	}
}

// lookAhead tells the apps that look ahead how many events there are.
func (s *Switch) lookAhead(events int) {
	for i := range s.dispatch.handlers {
		if h := &s.dispatch.handlers[i]; h.ahead != nil && !h.app.disabled.Load() {
			s.guard(h.app, func() { h.ahead.Ahead(events) })
		}
	}
}

// ended reports whether the switch is gone: nobody needs its other events then.
// There may be many of them, and each may make an app ask it something.
func (s *Switch) ended() bool {
	select {
	case <-s.conn.Done():
		return true
	default:
		return false
	}
}

func (s *Switch) handlePacketIn(frame []byte) {
	d := &s.dispatch
	if d.decoded {
		d.decoded = false
	} else if err := d.dec.Decode(frame, &d.packetIn); err != nil {
		s.conn.Undecodable(frame, err)
		return
	}
	for ; d.from < len(d.handlers); d.from++ {
		h := &d.handlers[d.from]
		if h.packetIn == nil || h.app.disabled.Load() {
			continue
		}
		s.call(h.app)
		handled := h.packetIn.PacketIn(&d.packetIn)
		if d.lone {
			s.kept(h.app)
		}
		if handled {
			break
		}
	}
	d.running = nil
}

// call notes which app is called. What another one has gathered is sent before:
// this one may wait.
func (s *Switch) call(a *app) {
	d := &s.dispatch
	if d.sender != a {
		d.sender = a
		s.conn.Flush()
	}
	d.running = a
}

// handle gives an event that is no packet to every app.
func (s *Switch) handle(typ ofp.Type, frame []byte) {
	d := &s.dispatch
	if typ == ofp.TypeRoleStatus {
		s.tellRole()
		return
	}
	h, m, err := ofp.Decode(frame)
	if err != nil {
		s.conn.Undecodable(frame, err)
		return
	}
	switch m := m.(type) {
	case *ofp.MultipartReply:
		switch m := m.Body.(type) {
		case *ofp.FlowMonitorReply:
			s.toldOfFlows(m)
		case *ofp.Desc:
			s.describedLate(m)
		}
		return
	case *ofp.FlowMonitorResumed:
		s.resumed()
		return
	}
	if m, ok := m.(*ofp.PortStatus); ok && d.from == 0 {
		s.ports.change(m)
		s.portCame(m)
	}
	if m, ok := m.(*ofp.FlowRemoved); ok && d.from == 0 {
		s.lost(m)
	}
	if m, ok := m.(*ofp.Error); ok && d.from == 0 {
		s.unclaimed(h.XID, m)
		s.errorDrifted(m)
	}
	for ; d.from < len(d.handlers); d.from++ {
		a := &d.handlers[d.from]
		if a.app.disabled.Load() {
			continue
		}
		s.call(a.app)
		switch m := m.(type) {
		case *ofp.PortStatus:
			if a.portStatus != nil {
				a.portStatus.PortStatus(m)
			}
		case *ofp.FlowRemoved:
			if a.flowRemoved != nil {
				a.flowRemoved.FlowRemoved(m)
			}
		case *ofp.Error:
			if a.err != nil {
				a.err.Error(h.XID, m)
			}
		}
	}
	d.running = nil
}

// unclaimed logs an error that nobody waits for, at most one a second: all are
// counted by name.
func (s *Switch) unclaimed(xid uint32, m *ofp.Error) {
	if held, ok := s.dispatch.errors.Pass(); ok {
		s.log.WithFields(logrus.Fields{"xid": xid, "openflow_error": m.Describe(), "more": held}).Warn("switch reports an error about a message that nobody waits for")
	}
}

// attach asks an app for its session.
func (s *Switch) attach(a *app) {
	if a.disabled.Load() {
		return
	}
	var session Session
	s.guard(a, func() { session = a.Attach(s) })
	if session == nil {
		return
	}
	h := handler{app: a}
	h.packetIn, _ = session.(PacketInHandler)
	h.prompt, _ = session.(PromptHandler)
	h.portStatus, _ = session.(PortStatusHandler)
	h.flowRemoved, _ = session.(FlowRemovedHandler)
	h.err, _ = session.(ErrorHandler)
	h.role, _ = session.(RoleHandler)
	h.ahead, _ = session.(AheadHandler)
	d := &s.dispatch
	h.batch, _ = session.(BatchHandler)
	h.detach, _ = session.(Detacher)
	d.handlers = append(d.handlers, h)
}

// guard calls an app outside of a batch.
func (s *Switch) guard(a *app, f func()) {
	s.call(a)
	defer func() {
		if p := recover(); p != nil {
			s.recovered(p)
		}
		s.dispatch.running = nil
	}()
	f()
}

// recovered counts and logs a panic, and disables the app if it was one too
// many. It reports whether it was an app's, rather than the engine's own.
func (s *Switch) recovered(p any) bool {
	a := s.dispatch.running
	s.dispatch.running, s.dispatch.lone = nil, false
	log := s.log.WithFields(logrus.Fields{"panic": fmt.Sprint(p), "stack": string(debug.Stack())})
	if a == nil {
		s.c.metrics.faults.Inc()
		log.Error("fault in the engine")
		return false
	}
	log = log.WithField("app", a.Name())
	log.Error("app panicked")
	if a.panics.Add(1) == a.limit {
		a.disabled.Store(true)
		log.Error("app disabled after too many panics")
	}
	return true
}
