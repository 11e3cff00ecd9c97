package controller

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/desired"
	"github.com/sluice-sdn/sluice/ofp"
)

// Switch is a connected, ready switch. All methods but Now, SendSoon and Flush may be called from any
// goroutine. When the switch goes away, Done is closed and what waits fails with
// ErrDisconnected; a switch that comes back is another Switch.
type Switch struct {
	c     *Controller
	conn  *channel.Conn
	log   logrus.FieldLogger
	dpid  ofp.DPID
	since time.Time
	leave func() // makes room for another connection whose switch is not ready
	names ofp.Names
	ports ports

	aux  auxiliaries
	main *Switch // of an auxiliary connection: the switch that it belongs to

	roleTurn     chan struct{} // full while a role is being asked for
	unconfigured bool          // the handshake has left SET_CONFIG out; of who has roleTurn

	meter     atomic.Pointer[ControllerMeter] // nil: nothing is set
	metering  metering
	meterTold bool // of who sets the meter: that the switch has none is said

	work   sync.WaitGroup     // what goes on beside the dispatcher; Down waits for it
	giveUp context.CancelFunc // of the dispatcher: ends what restored has begun; nil: nothing

	async   atomic.Pointer[ofp.AsyncMasks] // that were set on this connection; nil: none
	restore restore
	watch   flowWatch
	owned   *desired.Guard // nil: nothing is kept
	later   later

	detached chan struct{} // closed when the last app has let go
	dispatch dispatch
}

func newSwitch(c *Controller, log logrus.FieldLogger) *Switch {
	s := &Switch{c: c, log: log, detached: make(chan struct{}), roleTurn: make(chan struct{}, 1)}
	s.names = ofp.Names{Port: s.portNamed, PortName: s.portName}
	return s
}

// known takes over what the handshake has told.
func (s *Switch) known() {
	s.dpid = s.conn.Features().DPID
	s.log = s.log.WithFields(logrus.Fields{"dpid": s.dpid.String(), "version": s.Version().String()})
	if s.auxiliaryID() != 0 {
		s.log = s.log.WithField("auxiliary", s.auxiliaryID())
	}
	s.ports.set(s.conn.Ports())
	if d := s.c.cfg.Desired; d != nil {
		s.owned = d.Guard(s.dpid)
	}
}

// DPID returns the switch's datapath identifier.
func (s *Switch) DPID() ofp.DPID { return s.dpid }

// Name returns what people call the switch: the name of its local port, which is
// the bridge's name in Open vSwitch; else the datapath description, unless that
// is empty or "None"; else the DPID.
func (s *Switch) Name() string {
	if p, ok := s.Port(ofp.PortLocal); ok && p.Name != "" {
		return p.Name
	}
	if d := s.conn.Desc().Datapath; d != "" && d != "None" {
		return d
	}
	return s.dpid.String()
}

// Version returns the negotiated version.
func (s *Switch) Version() ofp.Version { return s.conn.Version() }

// Addr returns the switch's end of the connection.
func (s *Switch) Addr() net.Addr { return s.conn.Addr() }

// Transport returns what carries the connection.
func (s *Switch) Transport() channel.Transport { return s.conn.Transport() }

// CertificateName returns the first name of the switch's certificate: its common
// name, else its first DNS or URI name, else its subject. It is empty if the
// switch has shown none, or none that was verified.
func (s *Switch) CertificateName() string { return s.conn.CertificateName() }

// Since returns when the switch became ready.
func (s *Switch) Since() time.Time { return s.since }

// Now returns when the events that are being handled came, some milliseconds ago
// at most, or in Attach when it began: the clock for what handlers do with every
// packet, since it is read once a batch. Only the handlers of the switch's own
// events and Attach may call it.
func (s *Switch) Now() time.Time { return s.dispatch.now }

// Features returns what the switch told in its handshake; Ports is empty, see
// the method Ports.
func (s *Switch) Features() ofp.FeaturesReply { return s.conn.Features() }

// Desc returns the switch's description of itself; it is empty if the switch
// gave none so far.
func (s *Switch) Desc() ofp.Desc { return s.conn.Desc() }

// Ports returns the ports as they are now, by ascending number. The slice is
// shared with other callers and must not be changed.
func (s *Switch) Ports() []ofp.Port { return s.ports.list() }

// Port returns one port as it is now.
func (s *Switch) Port(no ofp.PortNo) (ofp.Port, bool) {
	ports := s.Ports()
	i, ok := slices.BinarySearchFunc(ports, no, func(p ofp.Port, no ofp.PortNo) int {
		switch {
		case p.No < no:
			return -1
		case p.No > no:
			return 1
		}
		return 0
	})
	if !ok {
		return ofp.Port{}, false
	}
	return ports[i], true
}

// Names translates the names of the switch's ports, as they are at each call of
// its functions.
func (s *Switch) Names() *ofp.Names { return &s.names }

func (s *Switch) portNamed(name string) (ofp.PortNo, bool) {
	for _, p := range s.Ports() {
		if p.Name == name {
			return p.No, true
		}
	}
	return 0, false
}

func (s *Switch) portName(no ofp.PortNo) (string, bool) {
	p, ok := s.Port(no)
	return p.Name, ok && p.Name != ""
}

// Done is closed when the switch is gone.
func (s *Switch) Done() <-chan struct{} { return s.conn.Done() }

// PacketInDrops counts the packets of a class that the switch has sent and no app
// has seen.
type PacketInDrops = channel.PacketInDrops

// PacketInDrops tells how many packets have been dropped since the switch
// connected, a row a class.
func (s *Switch) PacketInDrops() []PacketInDrops { return s.conn.PacketInDrops() }

// Send encodes m into the switch's outbox and returns without waiting; m may be
// reused at once. What is sent while a handler runs may stay in the outbox until
// the handler's batch of events ends, two milliseconds at most. It fails with an
// *ofp.EncodeError, with ErrDisconnected, or with ErrOverloaded where too much
// that was sent waits: packet-outs from the high-water mark on, everything else
// from twice that, or with ErrSlave if the role forbids m, or with an *OwnerError if
// it would change a flow that an owner has in the desired state. What fails is not sent;
// what is refused for lack of room or for the role is counted. The Writes of others do not count, however long.
//
// All that is given to Send leaves in the order of the calls, and before what is
// given to Write, Request or Barrier later, but for requests for a role or an
// echo and for those with a context of Apart.
//
// Nothing tells whether the switch carried m out: its error, if any, goes to the
// log and the apps' ErrorHandler. Use Write to know.
func (s *Switch) Send(m ofp.Message) error {
	if s.restricted() {
		if err := s.allowed(m); err != nil {
			return err
		}
	}
	return s.conn.Send(m)
}

// SendSoon is Send for the handlers of the switch's own events, and for nobody
// else: it gathers what handlers answer packets with, which costs less than to
// send one by one. What is gathered is sent, in order, when 64 messages are, when
// the handler's batch of events ends, before another app is called, or by Flush.
// A handler that then calls Send, Write or Request, or waits for anything, calls
// Flush before.
func (s *Switch) SendSoon(m ofp.Message) error {
	if s.restricted() {
		if err := s.allowed(m); err != nil {
			return err
		}
	}
	return s.conn.SendSoon(m)
}

// Flush sends what SendSoon has gathered. Only the handlers of the switch's own
// events may call it.
func (s *Switch) Flush() { s.conn.Flush() }

// Write sends msgs in order and a barrier after them, and waits for the
// barrier's reply. It returns nil only if the switch confirmed every message;
// else a *WriteError. All messages are encoded before the first is sent: if one
// cannot be, nothing is sent. It leaves after what was given to Send before, unless
// ctx is one of Apart. From then on each Write and what all apps Send have turns of
// equal length, so that messages of others are sent in between, and a long Write
// holds nobody up. Where the Writes of others hold all the memory that they may,
// one of more than 64 KiB waits in its turn, as long as ctx allows.
//
// When Write returns, nothing of it is waiting to be sent any more: what is left
// of one that ends early is withdrawn. If this controller is a slave and the role
// forbids one of msgs, nothing is sent and Err is ErrSlave. If one of them would
// change a flow that an owner has in the desired state, nothing is sent, and the
// error is an *OwnerError.
//
// A delete from all tables becomes one delete a table where the switch speaks
// OpenFlow 1.1, which cannot say it otherwise.
func (s *Switch) Write(ctx context.Context, msgs []ofp.Message) error {
	if err := s.permittedAll(ctx, msgs); err != nil {
		return err
	}
	start := time.Now()
	err := s.write(ctx, msgs, nil)
	s.c.metrics.wrote(time.Since(start), err)
	return err
}

func (s *Switch) write(ctx context.Context, msgs []ofp.Message, left chan struct{}) error {
	if err := s.refusedWrite(msgs); err != nil {
		return err
	}
	if s.Version() == ofp.V11 {
		if x, ok := forEachTable(msgs, int(s.conn.Features().Tables)); ok {
			return x.result(s.conn.WriteTelling(ctx, x.msgs, left), msgs)
		}
	}
	return s.conn.WriteTelling(ctx, msgs, left)
}

// Request sends m and returns the reply; a multipart reply is assembled from its
// segments and returned as one. It fails with a *SwitchError if the switch
// answered with an OpenFlow error, and with ErrDisconnected, ErrOverloaded (too
// many requests are in flight), ErrTooLong, ErrSlave, a *ReplyError (what the switch
// answered is no answer) or the context's error. It leaves in front of everybody's
// Writes, and after what was given to Send before, unless ctx is one of Apart or m asks for a role or an echo.
func (s *Switch) Request(ctx context.Context, m ofp.Message) (ofp.Message, error) {
	if err := s.refused(m); err != nil {
		return nil, err
	}
	return s.conn.Request(ctx, m)
}

// Snoop returns a listener to the messages of these types that the switch and
// the controller exchange from now on, or to all of them if none is given. It
// fails with ErrOverloaded if the switch has many listeners. The caller must
// close it.
func (s *Switch) Snoop(types ...ofp.Type) (*Tap, error) { return s.conn.Tap(types...) }

// Apart returns a context for a caller who has given nothing to Send, such as a
// person or a program out there: what is written or asked with it need not wait
// for what apps have sent.
func Apart(ctx context.Context) context.Context { return channel.Apart(ctx) }

// Tap listens to what a switch and the controller say to each other.
type Tap = channel.Tap

// Tapped is a message that a Tap has heard.
type Tapped = channel.Tapped

// Barrier returns when the switch has processed all messages that the caller sent
// before; with a context of Apart, those that were written to the connection.
func (s *Switch) Barrier(ctx context.Context) error {
	_, err := s.conn.Request(ctx, &ofp.BarrierRequest{})
	return err
}

// Flows returns the flows that pass the filter.
func (s *Switch) Flows(ctx context.Context, filter ofp.FlowFilter) ([]ofp.FlowStats, error) {
	if s.nicira(filter) {
		r, err := ask[*ofp.NXFlowStatsReply](ctx, s, &ofp.NXFlowStatsRequest{FlowFilter: filter})
		if err != nil {
			return nil, err
		}
		flows := make([]ofp.FlowStats, len(r.Flows))
		for i := range r.Flows {
			flows[i] = r.Flows[i].FlowStats
		}
		return flows, nil
	}
	r, err := ask[*ofp.FlowStatsReply](ctx, s, &ofp.FlowStatsRequest{FlowFilter: filter})
	if err != nil {
		return nil, err
	}
	return r.Flows, nil
}

// Aggregate returns the sum over the flows that pass the filter.
func (s *Switch) Aggregate(ctx context.Context, filter ofp.FlowFilter) (ofp.AggregateReply, error) {
	if s.nicira(filter) {
		r, err := ask[*ofp.NXAggregateReply](ctx, s, &ofp.NXAggregateRequest{FlowFilter: filter})
		if err != nil {
			return ofp.AggregateReply{}, err
		}
		return r.AggregateReply, nil
	}
	r, err := ask[*ofp.AggregateReply](ctx, s, &ofp.AggregateRequest{FlowFilter: filter})
	if err != nil {
		return ofp.AggregateReply{}, err
	}
	return *r, nil
}

// nicira reports whether flows are asked for with Open vSwitch's statistics:
// those of 1.0 leave out what a flow has of the extensions. A filter that only
// the version's own statistics have room for is asked for with these.
func (s *Switch) nicira(filter ofp.FlowFilter) bool {
	return s.conn.Extended() && s.Version() == ofp.V10 && filter.CookieMask == 0
}

// PortStats returns the counters of one port, or of all with ofp.PortAny.
func (s *Switch) PortStats(ctx context.Context, port ofp.PortNo) ([]ofp.PortStats, error) {
	r, err := ask[*ofp.PortStatsReply](ctx, s, &ofp.PortStatsRequest{Port: port})
	if err != nil {
		return nil, err
	}
	return r.Ports, nil
}

// TableStats returns the counters of the flow tables.
func (s *Switch) TableStats(ctx context.Context) ([]ofp.TableStats, error) {
	r, err := ask[*ofp.TableStatsReply](ctx, s, &ofp.TableStatsRequest{})
	if err != nil {
		return nil, err
	}
	return r.Tables, nil
}

// ask sends a multipart request and returns the body of the reply.
func ask[T ofp.Part](ctx context.Context, s *Switch, q ofp.Part) (T, error) {
	var none T
	m, err := s.conn.Request(ctx, ofp.Request(q))
	if err != nil {
		return none, err
	}
	got := m.(*ofp.MultipartReply).Body
	body, ok := standard(got).(T)
	if !ok {
		return none, fmt.Errorf("%s: %w", q.Kind(), &ReplyError{What: "with " + got.Kind().String()})
	}
	return body, nil
}

// standard returns Open vSwitch's answer about groups, in versions that have none,
// as later versions have it.
func standard(p ofp.Part) ofp.Part {
	switch p := p.(type) {
	case *ofp.NXGroupDescReply:
		r := new(ofp.GroupDescReply)
		for i := range p.Groups {
			r.Groups = append(r.Groups, p.Groups[i].Desc())
		}
		return r
	case *ofp.NXGroupStatsReply:
		return &p.GroupStatsReply
	case *ofp.NXGroupFeatures:
		return &p.GroupFeatures
	}
	return p
}
