package channel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/ofp"
)

// earlyLimit bounds the bytes of events that are kept during the handshake.
const earlyLimit = 1 << 20

// handshake is the reader before the switch is known: hello and version,
// features, and then all that describes the switch at once. Events that come
// meanwhile are kept.
//
// A port status that comes before the list of ports may be older or newer than
// it: which, nobody can tell. So all of them are applied to the list at the end,
// in order. If the list was newer in some port, that change's own port status is
// still to come, and puts it right.
func (c *Conn) handshake() *CloseError {
	c.r.chunk = newChunk(false)
	defer func() { c.r.in.addTo(&c.stats.In) }()
	c.early = new(Batch)
	var status []ofp.PortStatus
	s := &shaking{c: c, status: &status}
	defer s.tellHeld()

	c.out.mu.Lock()
	c.out.version = c.cfg.Versions[len(c.cfg.Versions)-1]
	c.out.mu.Unlock()
	// In the urgent lane, so that no answer goes before it.
	c.out.answer(c.cfg.Versions[len(c.cfg.Versions)-1], c.out.reserve(1), ofp.NewHello(c.cfg.Versions...))
	if err := s.until(c.cfg.HelloTimeout, ReasonHelloTimeout, s.hello); err != nil {
		return err
	}
	asked := time.Now()
	if err := s.ask(&ofp.FeaturesRequest{}); err != nil {
		return err
	}
	if err := s.until(c.cfg.FeaturesTimeout, ReasonFeaturesTimeout, s.reply); err != nil {
		return err
	}
	s.trip = time.Since(asked)
	if text := c.cfg.Pins.check(c.features.DPID, c.identity); text != "" {
		c.out.answerRaw(helloFailed(c.version, 0, ofp.HelloFailedEPERM, text))
		return closef(ReasonPin, "%s", text)
	}
	if c.features.AuxiliaryID != 0 {
		// The main connection has told the rest (section 6.3.6 of OpenFlow 1.3.5).
		c.ports = nil
		c.early = c.early.orNil()
		return nil
	}
	var questions []ofp.Message
	if c.cfg.Withhold == nil || !c.cfg.Withhold(c.features.DPID) {
		questions = append(questions, &ofp.SetConfig{SwitchConfig: ofp.SwitchConfig{MissSendLen: c.cfg.MissSendLen}})
	}
	questions = append(questions,
		ofp.Request(&ofp.DescRequest{}),
		&ofp.GetConfigRequest{},
	)
	if c.version >= ofp.V13 {
		questions = append(questions, ofp.Request(&ofp.PortDescRequest{}))
	}
	for _, q := range questions {
		if err := s.ask(q); err != nil {
			return err
		}
	}
	// What a peer leaves unanswered shows by what it answers after it.
	if err := s.ask(&ofp.EchoRequest{}); err != nil {
		return err
	}
	s.described = true
	err := s.until(c.cfg.DescribeTimeout, reasonLenient, s.reply)
	if err != nil && err.Reason != reasonLenient {
		return err
	}
	if len(s.asked) > 0 {
		c.log.WithField("unanswered", s.unanswered()).Warn("switch leaves questions of the handshake unanswered")
	}
	_, c.portless = s.owed(ofp.PartPortDesc)
	c.descXID, _ = s.owed(ofp.PartDesc)
	c.extend()
	c.ports = UpdatePorts(sortPorts(c.ports), status)
	c.early = c.early.orNil()
	return nil
}

// openVSwitch is what Open vSwitch says of its manufacturer.
const openVSwitch = "Nicira, Inc."

// extend turns Open vSwitch's extensions on, if they are wanted and the switch
// has them.
func (c *Conn) extend() {
	if !c.cfg.Extensions || c.desc.Manufacturer != openVSwitch {
		return
	}
	c.extended = true
	c.out.mu.Lock()
	c.out.enc.Extensions = true
	c.out.mu.Unlock()
	if c.version == ofp.V10 {
		c.out.answer(c.version, c.out.reserve(1), &ofp.NXFlowModTableID{Set: 1})
	}
}

// reasonLenient marks a deadline that may pass.
const reasonLenient = NumReasons

// What is missing of a description when the echo that was asked for after it has
// come is given echoGrace, and so is an echo that alone is missing: a switch
// answers in order, or nearly so. A switch that
// sends packets is at work and not kept waiting for long: what is missing then
// has packetGrace, and four times as long as the features took.
const (
	echoGrace   = 100 * time.Millisecond
	packetGrace = 500 * time.Millisecond
)

// shaking is the state of a handshake.
type shaking struct {
	c      *Conn
	asked  []question
	status *[]ofp.PortStatus
	config question // SET_CONFIG, which is not waited for: only an error answers it
	errors Throttle // about the lines of errors
	dec    ofp.Decoder

	deadline  time.Time     // of the step
	described bool          // the description has been asked for, and an echo after it
	trip      time.Duration // from the features request to its reply
	working   bool          // a packet came since
}

// hurry brings the deadline forward to d from now.
func (s *shaking) hurry(d time.Duration) {
	if t := time.Now().Add(d); t.Before(s.deadline) {
		s.deadline = t
	}
}

// question is a request that waits for its answer.
type question struct {
	xid  uint32
	what ofp.Message
}

// String returns what is asked for.
func (q question) String() string {
	if m, ok := q.what.(*ofp.MultipartRequest); ok {
		return m.Type().String() + " " + m.Body.Kind().String()
	}
	return q.what.Type().String()
}

func (s *shaking) send(m ofp.Message) (xid uint32, _ *CloseError) {
	xid = s.c.out.reserve(1)
	err := s.c.out.request(xid, m, false)
	if err == nil {
		return xid, nil
	}
	if errors.Is(err, ErrDisconnected) {
		<-s.c.done
		return 0, s.c.end
	}
	return 0, &CloseError{ReasonInternal, fmt.Errorf("handshake: %w", err)}
}

func (s *shaking) ask(m ofp.Message) *CloseError {
	xid, err := s.send(m)
	switch {
	case err != nil:
	case m.Type() == ofp.TypeSetConfig:
		s.config = question{xid, m}
	default:
		s.asked = append(s.asked, question{xid, m})
	}
	return err
}

// owed reports whether a description has not come, or not to its end, and under
// which xid it was asked for.
func (s *shaking) owed(kind ofp.PartKind) (xid uint32, yes bool) {
	for _, q := range s.asked {
		if m, ok := q.what.(*ofp.MultipartRequest); ok && m.Body.Kind() == kind {
			return q.xid, true
		}
	}
	return 0, false
}

func (s *shaking) unanswered() string {
	var b []byte
	for i, q := range s.asked {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, q.String()...)
	}
	return string(b)
}

// until hands frames to step until it says that it is done. The deadline is one
// for all of them: a peer that trickles cannot move it.
func (s *shaking) until(timeout time.Duration, late Reason, step func(ofp.Header, []byte) (bool, *CloseError)) *CloseError {
	c := s.c
	s.deadline = time.Now().Add(timeout)
	for {
		if late == ReasonHelloTimeout {
			if err := notOpenFlow(c.r.chunk.buf[c.r.start:c.r.end]); err != nil {
				return err
			}
		}
		h, frame, _, ok, bad := c.next()
		if bad != nil {
			return bad
		}
		if ok {
			c.r.in.add(h.Type())
			if done, err := step(h, frame); done || err != nil {
				return err
			}
			continue
		}
		err := c.fill(s.deadline)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			select {
			case <-c.done:
				return c.end
			default:
			}
			had := c.r.end - c.r.start
			return closef(late, "handshake: nothing whole within %v, %d bytes of a message", timeout, had)
		default:
			return readError(err)
		}
	}
}

// httpMethods are the first bytes of peers that speak HTTP.
var httpMethods = []string{"GET ", "PUT ", "HEAD", "POST", "DELE", "OPTI", "CONN", "TRAC", "PATC", "PRI "}

// notOpenFlow says what a peer's first bytes are if they are neither a hello nor
// an error that refuses ours.
func notOpenFlow(b []byte) *CloseError {
	if len(b) < 4 {
		return nil
	}
	switch {
	case slices.Contains(httpMethods, string(b[:4])):
		return closef(ReasonHTTP, "the peer speaks HTTP")
	case (b[0] == 0x16 || b[0] == 0x15) && b[1] == 0x03: // a handshake, or an alert about ours that was none
		return closef(ReasonTLS, "the peer speaks TLS; this port is plain OpenFlow: connect the switch with tcp:HOST:PORT instead of ssl:, or to a port for TLS (--openflow ssl::PORT)")
	case b[1] > 1:
		return closef(ReasonNotOpenFlow, "the peer begins with % x, which is no hello", b[:4])
	}
	return nil
}

// hello is the first step: it waits for the hello and chooses the version.
func (s *shaking) hello(h ofp.Header, frame []byte) (bool, *CloseError) {
	c := s.c
	switch h.Kind {
	case 0:
	case 1:
		return false, s.refused(frame)
	default:
		return false, closef(ReasonNotOpenFlow, "the peer begins with a message of type %d, which is no hello", h.Kind)
	}
	var m ofp.Hello
	if err := s.dec.Decode(frame, &m); err != nil {
		return false, &CloseError{ReasonMalformed, err}
	}
	v, ok := negotiate(c.cfg.Versions, h.Version, &m)
	if !ok {
		refusal, text := incompatible(c.cfg.Versions, h.Version, h.XID, &m)
		c.out.answerRaw(refusal)
		return false, closef(ReasonIncompatible, "%s", text)
	}
	c.version = v
	c.out.mu.Lock()
	c.out.version = v
	c.out.mu.Unlock()
	return true, nil
}

// refused is the end of a handshake that the peer answers with an error.
func (s *shaking) refused(frame []byte) *CloseError {
	var m ofp.Error
	if err := s.dec.Decode(frame, &m); err != nil {
		return &CloseError{ReasonMalformed, err}
	}
	s.c.stats.Errors[m.Reason].Add(1)
	words := m.Describe()
	if text := bytes.TrimRight(m.Data, "\x00"); len(text) > 0 && (m.Reason == ofp.HelloFailedIncompatible || m.Reason == ofp.HelloFailedEPERM) {
		words += ": " + strconv.QuoteToASCII(string(text[:min(len(text), 200)]))
	}
	return closef(ReasonPeerError, "the peer answered %s", words)
}

// reply is the step that takes answers until none is missing.
func (s *shaking) reply(h ofp.Header, frame []byte) (bool, *CloseError) {
	c := s.c
	typ := h.Type()
	if typ == ofp.TypeEchoRequest {
		c.out.answer(h.Version, h.XID, &ofp.EchoReply{Data: frame[ofp.HeaderLen:]})
		return false, nil
	}
	if h.Kind > 1 && h.Version != c.version {
		c.out.answer(c.version, h.XID, ofp.NewError(ofp.BadRequestBadVersion, frame))
		return false, nil
	}
	var err error
	switch typ {
	case ofp.TypeError:
		return s.failed(h, frame)
	case ofp.TypeFeaturesReply:
		var m ofp.FeaturesReply
		if err = s.dec.Decode(frame, &m); err == nil && s.claims(h.XID, ofp.TypeFeaturesRequest) {
			c.features = m
			c.ports, c.features.Ports = m.Ports, nil
			s.answered(h.XID)
		}
	case ofp.TypeGetConfigReply:
		if s.claims(h.XID, ofp.TypeGetConfigRequest) {
			s.answered(h.XID)
		}
	case ofp.TypeMultipartReply:
		err = s.part(h, frame)
	case ofp.TypeEchoReply:
		if q := s.question(h.XID); q != nil && q.Type() == ofp.TypeEchoRequest {
			s.answered(h.XID)
			s.hurry(echoGrace)
		}
	case ofp.TypePortStatus:
		var m ofp.PortStatus
		if err = s.dec.Decode(frame, &m); err == nil {
			*s.status = append(*s.status, m)
			if len(*s.status)*len(frame) > earlyLimit {
				return false, closef(ReasonOverflow, "more than %d port status messages in the handshake", len(*s.status))
			}
		}
	case ofp.TypePacketIn, ofp.TypeFlowRemoved:
		if typ == ofp.TypePacketIn && s.described && !s.working {
			s.working = true
			s.hurry(packetGrace + 4*s.trip)
		}
		if len(c.early.buf)+len(frame) <= earlyLimit {
			c.early.keep(typ, frame)
		} else if typ == ofp.TypePacketIn {
			c.stats.Drops[DropPacketInHandshake].Add(1)
		} else {
			return false, closef(ReasonOverflow, "more than %d bytes of events in the handshake", earlyLimit)
		}
	}
	if err != nil {
		if typ == ofp.TypePortStatus {
			c.undecodable(frame, err)
			return false, nil
		}
		return false, &CloseError{ReasonMalformed, fmt.Errorf("handshake: %w", err)}
	}
	if len(s.asked) == 1 && s.asked[0].what.Type() == ofp.TypeEchoRequest {
		s.hurry(echoGrace)
	}
	return len(s.asked) == 0, nil
}

// part takes a segment of a description. Frames are copied: what is decoded
// stays.
func (s *shaking) part(h ofp.Header, frame []byte) error {
	c := s.c
	if !s.claims(h.XID, ofp.TypeMultipartRequest) {
		return nil
	}
	_, m, err := ofp.Decode(bytes.Clone(frame))
	if err != nil {
		return err
	}
	part := m.(*ofp.MultipartReply)
	if q := s.question(h.XID).(*ofp.MultipartRequest); q.Body.Kind() != part.Body.Kind() {
		return fmt.Errorf("multipart_reply: asked for %s, reply has %s", q.Body.Kind(), part.Body.Kind())
	}
	switch body := part.Body.(type) {
	case *ofp.Desc:
		c.desc = *body
	case *ofp.PortDescReply:
		if len(c.ports)+len(body.Ports) > maxPorts {
			return fmt.Errorf("port_desc: more than %d ports", maxPorts)
		}
		c.ports = append(c.ports, body.Ports...)
	}
	if !part.More() {
		s.answered(h.XID)
	}
	return nil
}

// failed takes an error. What is not necessary may fail: the switch is taken
// without.
func (s *shaking) failed(h ofp.Header, frame []byte) (bool, *CloseError) {
	if q := s.question(h.XID); q != nil && q.Type() == ofp.TypeFeaturesRequest {
		return false, s.refused(frame)
	}
	var m ofp.Error
	if err := s.dec.Decode(frame, &m); err != nil {
		return false, &CloseError{ReasonMalformed, err}
	}
	if m.Reason == ofp.HelloFailedIncompatible || m.Reason == ofp.HelloFailedEPERM {
		return false, s.refused(frame)
	}
	s.c.stats.Errors[m.Reason].Add(1)
	s.tellFailed(h.XID, m.Describe())
	s.answered(h.XID)
	return len(s.asked) == 0, nil
}

// tellFailed logs an error, unless one was logged a moment ago.
func (s *shaking) tellFailed(xid uint32, what string) {
	held, ok := s.errors.Pass()
	if !ok {
		return
	}
	log := s.c.log.WithFields(logrus.Fields{"xid": xid, "openflow_error": what})
	if held > 0 {
		log = log.WithField("more", held)
	}
	i := slices.IndexFunc(s.asked, func(q question) bool { return q.xid == xid })
	switch {
	case i >= 0:
		log = log.WithField("question", s.asked[i].String())
	case s.config.what != nil && s.config.xid == xid:
		log = log.WithField("question", s.config.String())
	default:
		log.Warn("switch reports an error in the handshake about nothing that was asked")
		return
	}
	log.Warn("switch answers a question of the handshake with an error")
}

// tellHeld tells at the end how many errors were not logged.
func (s *shaking) tellHeld() {
	if held := s.errors.Held(); held > 0 {
		s.c.log.WithField("more", held).Warn("switch reported more errors in the handshake")
	}
}

// question returns what was asked under the xid and is not answered yet, or nil.
func (s *shaking) question(xid uint32) ofp.Message {
	for _, q := range s.asked {
		if q.xid == xid {
			return q.what
		}
	}
	return nil
}

// claims reports whether a reply under the xid answers an open question of that
// type. Any other reply is counted, and changes nothing: a switch that says
// twice who it is is the one that it first said.
func (s *shaking) claims(xid uint32, typ ofp.Type) bool {
	if q := s.question(xid); q != nil && q.Type() == typ {
		return true
	}
	s.c.stats.Drops[DropLateReply].Add(1)
	return false
}

// answered strikes out what has been answered.
func (s *shaking) answered(xid uint32) {
	s.asked = slices.DeleteFunc(s.asked, func(q question) bool { return q.xid == xid })
}
