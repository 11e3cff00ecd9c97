package simswitch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// maxPending bounds what waits to be written to the controller.
const maxPending = 64 << 20

// writeTimeout is how long the controller may take to read anything at all.
const writeTimeout = 30 * time.Second

// errSlow ends a connection whose controller does not read.
var errSlow = errors.New("controller reads too slowly")

// link is one connection. The fields that change are under the switch's lock,
// but for pending.
type link struct {
	conn    net.Conn
	running sync.WaitGroup // the reader and the writer
	wake    chan struct{}  // something is pending
	quit    chan struct{}  // closed at the end
	ended   bool
	aux     uint8       // number of an auxiliary connection
	version ofp.Version // 0 until negotiated
	n       int         // messages received
	bundles map[uint32]*bundle

	mu      sync.Mutex
	pending []byte
	err     error
}

// append queues what ofp.Append has returned; of an error nothing is queued.
func (l *link) append(b []byte, err error) {
	if err != nil {
		return
	}
	l.mu.Lock()
	if len(l.pending)+len(b) > maxPending {
		l.err = errSlow
	} else {
		l.pending = append(l.pending, b...)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// write writes what is pending until the link ends.
func (l *link) write() error {
	var out []byte
	for {
		select {
		case <-l.wake:
		case <-l.quit:
			return net.ErrClosed
		}
		l.mu.Lock()
		out, l.pending = l.pending, out[:0]
		err := l.err
		l.mu.Unlock()
		if err != nil {
			return err
		}
		l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := l.conn.Write(out); err != nil {
			return fmt.Errorf("write to the controller: %w", err)
		}
	}
}

// read takes messages from the controller until the connection ends, and says
// why it did.
func (s *Switch) read(l *link) error {
	in := bufio.NewReaderSize(l.conn, 1<<16)
	for {
		head, err := in.Peek(ofp.HeaderLen)
		if err != nil {
			if len(head) > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		h, err := ofp.ParseHeader(head)
		if err != nil {
			return err
		}
		frame := make([]byte, h.Length)
		if _, err := io.ReadFull(in, frame); err != nil {
			return err
		}
		if err := s.receive(l, h, frame); err != nil {
			return err
		}
	}
}

// receive does what a message asks for. An error ends the connection.
func (s *Switch) receive(l *link, h ofp.Header, frame []byte) error {
	_, m, bad := ofp.Decode(frame)
	s.mu.Lock()
	l.n++
	n := l.n
	hook := s.fault
	s.received[h.Type()]++
	s.notify()
	s.mu.Unlock()
	var f Fault
	if hook != nil {
		f = hook(n, h, m)
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-l.quit:
			return net.ErrClosed
		}
	}
	if f.Disconnect {
		return net.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	switch {
	case f.Silent:
		return nil
	case f.Refuse != ofp.ReasonUnknown:
		s.refuse(l, h, frame, f.Refuse)
		return nil
	case l.version == 0:
		return s.negotiate(l, h, m)
	case bad != nil:
		s.refuse(l, h, frame, ofp.BadRequestBadLen)
		return nil
	case h.Version != l.version && h.Type() != ofp.TypeHello:
		s.refuse(l, h, frame, ofp.BadRequestBadVersion)
		return nil
	}
	s.obey(l, h, frame, m)
	return nil
}

// negotiate settles the version (section 6.3.1 of OpenFlow 1.3.5): the highest
// that both bitmaps have, or without two bitmaps the lower of both headers.
func (s *Switch) negotiate(l *link, h ofp.Header, m ofp.Message) error {
	if e, ok := m.(*ofp.Error); ok {
		s.errors = append(s.errors, *e.Clone())
		return nil
	}
	hello, ok := m.(*ofp.Hello)
	if !ok {
		return fmt.Errorf("negotiate: the controller began with %s", h.Type())
	}
	mine := s.dp.cfg.Versions
	v := min(h.Version, slices.Max(mine))
	if theirs, ok := hello.Versions(); ok && !s.dp.cfg.NoBitmap {
		v = 0
		for _, x := range mine {
			if theirs.Has(x) {
				v = max(v, x)
			}
		}
	}
	if !slices.Contains(mine, v) {
		b, err := ofp.Append(nil, slices.Max(mine), h.XID, ofp.NewError(ofp.HelloFailedIncompatible, []byte("no common version")))
		if err == nil {
			l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			_, _ = l.conn.Write(b) // the connection ends anyway
		}
		return fmt.Errorf("negotiate: no common version with a controller of %s", h.Version)
	}
	l.version, s.dp.Version = v, v
	return nil
}

// obey does what a message of the negotiated version asks for.
func (s *Switch) obey(l *link, h ofp.Header, frame []byte, m ofp.Message) {
	if s.role.forbids(m) {
		s.refuse(l, h, frame, ofp.BadRequestIsSlave)
		return
	}
	why := ofp.ReasonUnknown
	switch m := m.(type) {
	case *ofp.RoleRequest:
		why = s.takeRole(l, h, m)
	case *ofp.SetAsync:
		s.role.async = m.AsyncMasks
	case *ofp.NXSetAsyncConfig:
		s.role.async = m.AsyncMasks
	case *ofp.GetAsyncRequest:
		s.emit(l, h.XID, &ofp.GetAsyncReply{AsyncMasks: s.role.async})
	case *ofp.Hello, *ofp.EchoReply:
	case *ofp.Error:
		s.errors = append(s.errors, *m.Clone())
	case *ofp.EchoRequest:
		s.emit(l, h.XID, &ofp.EchoReply{Data: m.Data})
	case *ofp.FeaturesRequest:
		f := s.dp.Features()
		if f.AuxiliaryID = l.aux; l.aux != 0 {
			f.Ports = nil
		}
		s.emit(l, h.XID, f)
	case *ofp.GetConfigRequest:
		s.emit(l, h.XID, &ofp.GetConfigReply{SwitchConfig: s.dp.miss})
	case *ofp.SetConfig:
		s.dp.SetConfig(m.SwitchConfig)
	case *ofp.BarrierRequest:
		s.emit(l, h.XID, &ofp.BarrierReply{})
	case *ofp.FlowMod:
		why = s.dp.FlowMod(m)
	case *ofp.GroupMod:
		why = s.dp.GroupMod(m)
	case *ofp.MeterMod:
		why = s.dp.MeterMod(m)
	case *ofp.PortMod:
		why = s.dp.PortMod(m)
	case *ofp.TableMod:
		why = s.dp.TableMod(m)
	case *ofp.QueueGetConfigRequest:
		var r *ofp.QueueGetConfigReply
		if r, why = s.dp.Queues(m.Port); r != nil {
			s.emit(l, h.XID, r)
		}
	case *ofp.PacketOut:
		why = s.dp.PacketOut(m)
	case *ofp.BundleControl:
		why = s.controlBundle(l, h, m)
	case *ofp.BundleAdd:
		why = s.addToBundle(l, h, frame, m)
	case *ofp.MultipartRequest:
		var segments []ofp.Part
		if segments, why = s.dp.multipart(m); why != ofp.ReasonUnknown {
			break
		}
		for i, part := range segments {
			reply := &ofp.MultipartReply{Body: part}
			if i < len(segments)-1 {
				reply.Flags = ofp.MultipartMore
			}
			s.emit(l, h.XID, reply)
		}
	default:
		why = ofp.BadRequestBadType
	}
	if why != ofp.ReasonUnknown {
		s.refuse(l, h, frame, why)
	}
}

// emit queues a message. One that the version cannot say, such as a flow of a
// later version in statistics of an earlier one, becomes an error message, for
// the controller is waiting.
func (s *Switch) emit(l *link, xid uint32, m ofp.Message) {
	b, err := ofp.Append(nil, l.version, xid, m)
	if err != nil {
		e := ofp.NewError(ofp.BadRequestEPERM, []byte(err.Error()))
		s.refused = append(s.refused, *e)
		b, err = ofp.Append(nil, l.version, xid, e)
	}
	l.append(b, err)
}

// refuse answers with an error that carries the beginning of the message. A
// reason that the version has no number for becomes the general one.
func (s *Switch) refuse(l *link, h ofp.Header, frame []byte, why ofp.ErrorReason) {
	e := ofp.NewError(why, frame)
	v := l.version
	if v == 0 {
		v = h.Version
	}
	b, err := ofp.Append(nil, v, h.XID, e)
	if err != nil {
		e.Reason = ofp.BadRequestEPERM
		b, err = ofp.Append(nil, v, h.XID, e)
	}
	s.refused = append(s.refused, *e.Clone())
	l.append(b, err)
}
