package l2switch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// wire is what a session needs of a *controller.Switch.
type wire interface {
	Now() time.Time
	Role() ofp.RoleState
	Send(m ofp.Message) error
	SendSoon(m ofp.Message) error
	Flush()
	Write(ctx context.Context, msgs []ofp.Message) error
	Flows(ctx context.Context, filter ofp.FlowFilter) ([]ofp.FlowStats, error)
}

// session serves one switch. Its handlers are called one at a time. One goroutine
// beside them prepares the switch: App.start starts it and unprepare waits for it.
// It uses sw, stats and silent alone.
type session struct {
	sw    wire
	hosts hosts
	stats counters
	flood ofp.PortNo // what a packet-out floods to
	begin time.Time
	left  func()
	batch batch
	cfg   *Config
	slave bool // the controller is: the switch is left alone
	asks  bool // the switch may have to be asked for flows before they can be deleted

	start     func() // prepares the switch
	cancel    func() // ends that
	preparing sync.WaitGroup
	silent    atomic.Int64 // until when, in Unix nanoseconds, the switch is asked nothing while packets wait
	// clean are ports on which no host is and which no flow uses since they went
	// down: to hear again that they are down changes nothing.
	clean map[ofp.PortNo]struct{}

	// One flow-mod and one packet-out serve every packet: SendSoon encodes at once.
	// The arrays are the bytes of the flow's match, port is where its action has
	// the port.
	flow     *ofp.FlowMod
	inPort   *[4]byte
	dst, src *[6]byte
	vlan     *[2]byte
	port     *uint32
	out      ofp.PacketOut
}

// batch is what one batch of packets shares: the time, and what is counted of
// them, so that an atomic addition is not paid for each.
type batch struct {
	clocked                      bool
	now                          uint32
	forwarded, flooded, returned uint64
}

// BatchDone implements controller.BatchHandler.
func (s *session) BatchDone() {
	b := &s.batch
	for _, x := range [...]struct {
		to *atomic.Uint64
		n  uint64
	}{{&s.stats.forwarded, b.forwarded}, {&s.stats.flooded, b.flooded}, {&s.stats.returned, b.returned}} {
		if x.n > 0 {
			x.to.Add(x.n)
		}
	}
	*b = batch{}
}

func newSession(cfg *Config, sw wire) *session {
	s := &session{sw: sw, hosts: newHosts(cfg.MaxHosts, cfg.Age), flood: ofp.PortFlood, begin: sw.Now(), left: func() {}, clean: map[ofp.PortNo]struct{}{}}
	s.cfg, s.cancel, s.asks, s.slave = cfg, func() {}, true, sw.Role().Role == ofp.RoleSlave
	s.flow = ofp.NewFlowMod(ofp.FlowAdd)
	s.flow.Cookie = cookieLearned
	s.flow.Priority = Priority
	s.flow.IdleTimeout = uint16(cfg.IdleTimeout / time.Second)
	s.flow.HardTimeout = uint16(cfg.Age / time.Second)
	for _, f := range []ofp.FieldID{ofp.FieldInPort, ofp.FieldEthDst, ofp.FieldEthSrc, ofp.FieldVLANVID} {
		s.flow.Match.SetUint(f, 0)
	}
	// Only now do the fields stay where they are.
	at := func(f ofp.FieldID) []byte {
		x, _ := s.flow.Match.Lookup(f)
		return x.Value
	}
	s.inPort, s.vlan = (*[4]byte)(at(ofp.FieldInPort)), (*[2]byte)(at(ofp.FieldVLANVID))
	s.dst, s.src = (*[6]byte)(at(ofp.FieldEthDst)), (*[6]byte)(at(ofp.FieldEthSrc))
	s.flow.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(0))}
	s.port = &s.flow.Instructions[0].Actions[0].Arg
	s.out.Actions = make([]ofp.Action, 1)
	return s
}

// sweep deletes what an earlier session has left on the switch, before anything
// that this one adds. It reports whether that was all: a version that cannot
// choose flows by cookie is to be asked for them.
func (s *session) sweep() bool {
	err := s.sw.Send(learned(ofp.AllFlows()))
	if s.asks = err != nil; s.asks {
		return false // prepare meets the same error, and tells it
	}
	s.send(&ofp.BarrierRequest{})
	return true
}

// prepare adds the flow that sends to the controller what no other flow takes,
// and deletes what an earlier session has left unless sweep has. It may then
// delete a flow that this session has just added again: its next packet adds it
// once more.
func (s *session) prepare(ctx context.Context, swept bool) error {
	miss := ofp.NewFlowMod(ofp.FlowAdd)
	miss.Cookie = cookieMiss
	miss.Priority = 0
	miss.Instructions = []ofp.Instruction{ofp.Apply(ofp.Output(ofp.PortController))}
	if !swept {
		if err := s.deleteLearned(ctx, ofp.AllFlows()); err != nil {
			// The flow that is missing is worth as much as those that are too many.
			return errors.Join(fmt.Errorf("delete old flows: %w", err), s.sw.Send(miss))
		}
	}
	if err := s.sw.Write(ctx, []ofp.Message{&ofp.BarrierRequest{}, miss}); err != nil {
		return fmt.Errorf("add the table-miss flow: %w", err)
	}
	return nil
}

// now is the session's clock in seconds, which is read once a batch.
func (s *session) now() uint32 {
	if !s.batch.clocked {
		s.batch.now, s.batch.clocked = uint32(s.sw.Now().Sub(s.begin)/time.Second), true
	}
	return s.batch.now
}

// PacketIn implements controller.PacketInHandler. LLDP and link-local frames are
// left to apps that come later.
func (s *session) PacketIn(m *ofp.PacketIn) bool {
	if s.slave {
		return false
	}
	in := m.InPort()
	h, ok := parse(m.Data)
	if !ok || in == 0 || in.Reserved() && in != ofp.PortLocal {
		s.stats.short.Add(1)
		return false
	}
	if h.reserved() {
		s.stats.reserved.Add(1)
		return false
	}
	now := s.now()
	learned := s.learn(&h, in, now)
	if h.dst&groupBit != 0 {
		s.sendOut(m, in, s.flood)
		return true
	}
	to, known := s.hosts.find(key(h.dst, h.vlan), now)
	switch {
	case !known:
		s.sendOut(m, in, s.flood)
	case !learned:
		// A flow would hide a host that is not remembered.
		s.sendOut(m, in, to)
	default:
		s.forward(m, &h, in, to)
	}
	return true
}

// Prompt implements controller.PromptHandler: PacketIn waits only where a host has
// moved, for the flows to it, if the version cannot choose them by cookie.
func (s *session) Prompt(m *ofp.PacketIn) bool {
	if !s.asks {
		return true
	}
	h, ok := parse(m.Data)
	if !ok {
		return true
	}
	at, _ := s.hosts.find(key(h.src, h.vlan), 0)
	return at == 0 || at == m.InPort()
}

// Ahead implements controller.AheadHandler.
func (s *session) Ahead(events int) {
	if !s.slave {
		s.hosts.load(events)
	}
}

// learn notes where the sender is, and reports whether it may have flows: all
// may but those that the table has no room for. A group address is no sender's:
// it is not learnt.
func (s *session) learn(h *header, in ofp.PortNo, now uint32) bool {
	if h.src&groupBit != 0 || h.src == 0 {
		return true
	}
	switch s.hosts.learn(key(h.src, h.vlan), in, now) {
	case seenNot:
		s.stats.refused.Add(1)
		return false
	case seenFirst:
		delete(s.clean, in)
		s.stats.learned.Add(1)
		s.stats.hosts.Store(uint64(s.hosts.n))
	case seenElsewhere:
		delete(s.clean, in)
		s.stats.moved.Add(1)
		s.deleteHost(h)
	}
	return true
}

// forward installs the flow for the packet and lets the packet itself go the
// same way: by the flow-mod if the switch keeps the packet, else by a packet-out.
// A packet for the port that it came from gets a flow that drops.
func (s *session) forward(m *ofp.PacketIn, h *header, in, to ofp.PortNo) {
	if len(s.clean) > 0 {
		delete(s.clean, in)
		delete(s.clean, to)
	}
	binary.BigEndian.PutUint32(s.inPort[:], uint32(in))
	putMAC(s.dst, h.dst)
	putMAC(s.src, h.src)
	binary.BigEndian.PutUint16(s.vlan[:], h.vlan)
	s.flow.BufferID = m.BufferID
	if to != in {
		*s.port = uint32(to)
		s.flow.Instructions = s.flow.Instructions[:1]
	} else {
		s.flow.Instructions = s.flow.Instructions[:0]
	}
	s.answer(s.flow)
	switch {
	case to == in:
		s.batch.returned++
	case m.BufferID == ofp.NoBuffer:
		s.sendOut(m, in, to)
	default:
		s.batch.forwarded++
	}
}

// sendOut sends the packet out of a port, in one message.
func (s *session) sendOut(m *ofp.PacketIn, in, to ofp.PortNo) {
	o := &s.out
	o.BufferID, o.InPort, o.Data = m.BufferID, in, nil
	o.Actions = o.Actions[:1]
	o.Actions[0] = ofp.Output(to)
	switch {
	case m.BufferID != ofp.NoBuffer:
	case to == in: // nothing keeps the packet: it is dropped by saying nothing
		s.batch.returned++
		return
	case len(m.Data) < int(m.TotalLen):
		s.stats.lost.Add(1)
		return
	default:
		o.Data = m.Data
	}
	switch {
	case to == s.flood:
		s.batch.flooded++
	case to == in:
		o.Actions = o.Actions[:0] // drops, and frees the buffer
		s.batch.returned++
	default:
		s.batch.forwarded++
	}
	s.answer(o)
	o.Data = nil
}

// answer sends what a packet is answered with, together with other answers.
func (s *session) answer(m ofp.Message) {
	if err := s.sw.SendSoon(m); err != nil {
		s.failed(err)
	}
}

// send sends what must follow all that came before.
func (s *session) send(m ofp.Message) {
	s.sw.Flush()
	if err := s.sw.Send(m); err != nil {
		s.failed(err)
	}
}

func putMAC(b *[6]byte, mac uint64) {
	binary.BigEndian.PutUint16(b[:], uint16(mac>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(mac))
}

// deleteHost deletes the flows to and from a host that has moved: those to it
// would send packets to the old port, those from it would hide that it moves
// back. The barrier keeps the switch from doing what follows first.
func (s *session) deleteHost(h *header) {
	for _, f := range []ofp.FieldID{ofp.FieldEthDst, ofp.FieldEthSrc} {
		q := ofp.AllFlows()
		q.Match.SetUint(f, h.src)
		if h.vlan&0xfff != 0 { // VLAN 0 has two forms on the wire: delete in every VLAN
			q.Match.SetUint(ofp.FieldVLANVID, uint64(h.vlan))
		}
		s.deleteNow(q)
	}
	s.send(&ofp.BarrierRequest{})
}

// maxClean bounds the ports that are remembered to be clean. A switch with more
// has the rest of them cleaned each time.
const maxClean = 4096

// PortStatus implements controller.PortStatusHandler: the hosts behind a port
// that is gone or down are forgotten, and no flow uses it any more. A switch that
// says so again and again is not asked again and again.
func (s *session) PortStatus(m *ofp.PortStatus) {
	if s.slave {
		return
	}
	port := m.Port.No
	if m.Reason != ofp.PortDeleted && m.Port.Up() {
		return
	}
	if _, ok := s.clean[port]; ok {
		return
	}
	s.hosts.forget(port, s.now())
	s.stats.hosts.Store(uint64(s.hosts.n))
	to := ofp.AllFlows()
	to.OutPort = port
	from := ofp.AllFlows()
	from.Match.SetUint(ofp.FieldInPort, uint64(port))
	toGone, fromGone := s.deleteNow(to), s.deleteNow(from)
	s.send(&ofp.BarrierRequest{})
	if toGone && fromGone && len(s.clean) < maxClean {
		s.clean[port] = struct{}{}
	}
}

// deleteNow deletes learned flows and reports whether it could.
func (s *session) deleteNow(q ofp.FlowFilter) bool {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	s.sw.Flush()
	if err := s.deleteLearned(ctx, q); err != nil {
		s.failed(err)
		return false
	}
	return true
}

// learned is the message that deletes the app's own flows for pairs of hosts that
// the filter is about.
func learned(q ofp.FlowFilter) *ofp.FlowMod {
	del := ofp.NewFlowMod(ofp.FlowDelete)
	del.Table = 0
	del.Cookie, del.CookieMask = cookieLearned, cookieBits
	del.OutPort, del.Match = q.OutPort, q.Match
	return del
}

// errSilent is about a switch that has not answered such a question before.
var errSilent = errors.New("the switch does not answer questions about its flows")

// deleteLearned deletes the app's own flows for pairs of hosts that the filter
// is about. A version that cannot choose flows by cookie is asked for them, and
// they are deleted one by one.
func (s *session) deleteLearned(ctx context.Context, q ofp.FlowFilter) error {
	err := s.sw.Send(learned(q))
	if !errors.Is(err, ofp.ErrVersion) {
		return err
	}
	if time.Now().UnixNano() < s.silent.Load() {
		return errSilent
	}
	flows, err := s.sw.Flows(ctx, q)
	if errors.Is(err, context.DeadlineExceeded) {
		s.silent.Store(time.Now().Add(askAgain).UnixNano())
	}
	if err != nil {
		return err
	}
	for i := range flows {
		f := &flows[i]
		if f.Cookie&cookieBits != cookieLearned {
			continue
		}
		one := ofp.NewFlowMod(ofp.FlowDeleteStrict)
		one.Priority, one.Match = f.Priority, f.Match
		if err := s.sw.Send(one); err != nil {
			return err
		}
	}
	return nil
}

// Error implements controller.ErrorHandler. A switch that has no port FLOOD,
// which OpenFlow leaves open, gets floods to the port ALL from now on.
func (s *session) Error(_ uint32, m *ofp.Error) {
	if m.Reason == ofp.BadRequestIsSlave {
		return // Role says what to do
	}
	s.stats.errors.Add(1)
	h, err := ofp.ParseHeader(m.Data)
	if err == nil && h.Type() == ofp.TypePacketOut && m.Reason == ofp.BadActionBadOutPort {
		s.flood = ofp.PortAll
	}
}

// Detach implements controller.Detacher.
func (s *session) Detach() {
	s.BatchDone()
	s.left()
}
