package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

const (
	chunkLen      = 1 << 16          // bytes read or written at a time; the longest message fits
	pendingMax    = 1 << 20          // bytes of replies that the controller does not take
	writeDeadline = 10 * time.Second // for a chunk
	dialDeadline  = 5 * time.Second
	versionTop    = 0x10 // no version of OpenFlow will have a higher number soon, but HTTP and TLS do
)

// errGarbage is about bytes that cannot be OpenFlow.
var errGarbage = errors.New("not OpenFlow")

// fakeSwitch is one connection. In throughput mode it is a loop's, where there are
// loops. Else two goroutines own it, both started by run: the
// reader takes note of answers and puts replies into pending, the writer sends
// pending and packet-ins. Only the writer writes while packet-ins flow in
// bulk, so that reading never waits for writing and no two buffers full of
// bytes can wait for each other. In latency mode the reader sends the one
// packet-in itself.
type fakeSwitch struct {
	identity
	start  time.Time // zero of all times in nanoseconds
	eager  bool      // latency mode: the reader sends
	bufLen int       // of the read buffer, at first
	wake   chan struct{}
	loop   *loop // serves it; nil: goroutines of its own do

	mu          sync.Mutex // guards what follows; held for one chunk at a time
	conn        net.Conn   // nil until connected
	pending     []byte     // replies that the writer has not taken yet
	traffic     *traffic   // nil: sends no packet-ins
	running     bool       // packet-ins are to be sent
	featuresAt  int64      // when the controller asked for the features; 0: not yet
	lastControl int64      // when the latest message came that is no answer
	complaint   string     // the controller's latest error message
	chunk       []byte     // what the reader sends
	poke        func()     // has the loop look at it; nil while that does not serve it
}

func newFakeSwitch(o *options, index int, start time.Time) (*fakeSwitch, error) {
	s := &fakeSwitch{
		identity: identity{
			version: o.version, index: index, dpid: ofp.DPID(o.dpidOffset + uint64(index)),
			buffers: uint32(max(o.inFlight(), 256)),
		},
		start:  start,
		eager:  !o.throughput,
		bufLen: chunkLen,
		wake:   make(chan struct{}, 1),
	}
	if o.hold > 0 {
		s.bufLen = 2048
		return s, nil
	}
	var err error
	s.traffic, err = newTraffic(o.version, index, o.macs, o.inFlight())
	return s, err
}

func (s *fakeSwitch) now() int64 { return int64(time.Since(s.start)) }

// connect opens the connection and says hello.
func (s *fakeSwitch) connect(ctx context.Context, addr string) error {
	d := net.Dialer{Timeout: dialDeadline}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect to the controller: %w", err)
	}
	hello, err := s.hello(nil)
	if err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(writeDeadline)) // fails only on a closed connection, and so does Write
		_, err = conn.Write(hello)
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("send hello: %w", err)
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	return nil
}

// run serves the connection until it ends, and returns why. It returns nil if
// ctx ended it.
func (s *fakeSwitch) run(ctx context.Context) error {
	defer s.conn.Close()
	var err error
	if s.loop != nil {
		err = s.loop.serve(ctx, s)
	} else {
		err = s.runAlone(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complaint != "" {
		return fmt.Errorf("%w; the controller's latest error message: %s", err, s.complaint)
	}
	return err
}

// runAlone is run with goroutines of the switch's own.
func (s *fakeSwitch) runAlone(ctx context.Context) error {
	done := make(chan struct{})
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { s.conn.Close(); close(closed) })
	defer func() {
		if !stop() {
			<-closed
		}
	}()
	var writeErr error
	var writer sync.WaitGroup
	writer.Go(func() {
		if writeErr = s.write(done); writeErr != nil {
			s.conn.Close() // ends the reader
		}
	})
	err := s.read()
	close(done)
	s.conn.Close() // ends a write that is waiting
	writer.Wait()
	if writeErr != nil && errors.Is(err, net.ErrClosed) {
		err = writeErr
	}
	return err
}

// read takes in what the controller sends, until the connection ends.
func (s *fakeSwitch) read() error {
	buf := make([]byte, s.bufLen)
	n := 0
	for {
		m, err := s.conn.Read(buf[n:])
		n += m
		if m > 0 {
			used, frameErr := s.take(buf[:n], s.now())
			if frameErr != nil {
				return frameErr
			}
			n = copy(buf, buf[used:n])
			if n == len(buf) {
				buf = append(buf, make([]byte, min(len(buf), chunkLen))...)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the controller closed the connection")
		case err != nil:
			return fmt.Errorf("read from the controller: %w", err)
		}
	}
}

// take handles the whole messages at the start of b, which came at now, and
// returns how many bytes they have.
func (s *fakeSwitch) take(b []byte, now int64) (used int, err error) {
	s.mu.Lock()
	used, answered, err := s.absorb(b, now)
	talk := len(s.pending) > 0
	var out []byte
	if s.eager && s.running && answered {
		s.chunk = s.traffic.fill(s.chunk[:0], now, chunkLen)
		out = s.chunk
	}
	s.mu.Unlock()

	if talk || answered && !s.eager {
		s.wakeWriter()
	}
	if len(out) > 0 && err == nil {
		if _, err = s.conn.Write(out); err != nil {
			err = fmt.Errorf("send a packet-in: %w", err)
		}
	}
	return used, err
}

// absorb is take without what is sent then: it reports whether the window has
// opened. s.mu is held.
func (s *fakeSwitch) absorb(b []byte, now int64) (used int, answered bool, err error) {
	var before uint64
	if s.traffic != nil {
		before = s.traffic.Answered
		defer func() { answered = s.traffic.Answered > before }()
	}
	for {
		f := b[used:]
		if len(f) < ofp.HeaderLen {
			return used, false, nil
		}
		n := int(binary.BigEndian.Uint16(f[2:]))
		if n < ofp.HeaderLen || f[0] == 0 || f[0] > versionTop {
			return used, false, fmt.Errorf("the controller sent % x: %w", f[:min(len(f), 16)], errGarbage)
		}
		if len(f) < n {
			return used, false, nil
		}
		at, isAnswer := bufferIDPlace(s.version, f[:n])
		switch {
		case isAnswer && s.traffic != nil:
			used += s.traffic.answers(f, binary.BigEndian.Uint32(f), at, now)
			continue
		case isAnswer: // while holding, what it sends does not matter
			used += n
			continue
		}
		used += n
		s.lastControl = now
		if err = s.control(f[:n]); err != nil {
			return used, false, err
		}
	}
}

// bufferID returns the buffer id of a flow-mod or packet-out, and whether the
// message is one.
func bufferID(v ofp.Version, frame []byte) (id uint32, ok bool) {
	at, ok := bufferIDPlace(v, frame)
	if !ok {
		return 0, false
	}
	return binary.BigEndian.Uint32(frame[at:]), true
}

// bufferIDPlace returns where the buffer id of a flow-mod or packet-out is, and
// whether the message is one.
func bufferIDPlace(v ofp.Version, frame []byte) (at int, ok bool) {
	const packetOut, flowMod = 13, 14 // in all versions
	at = ofp.HeaderLen
	switch {
	case frame[0] != uint8(v):
		return 0, false
	case frame[1] == packetOut:
	case frame[1] != flowMod:
		return 0, false
	case v == ofp.V10:
		at = 64
	default:
		at = 32
	}
	return at, len(frame) >= at+4
}

// control handles a message that is no answer. s.mu is held.
func (s *fakeSwitch) control(frame []byte) error {
	h, err := ofp.ParseHeader(frame)
	if err != nil {
		return err
	}
	switch {
	case h.Kind == 0: // a hello, of any version
		return s.agree(frame)
	case h.Kind == 1: // an error, of any version
		s.complaint = complaint(frame)
		return nil
	case h.Version != s.version:
		return fmt.Errorf("the controller sent a message of OpenFlow %s to a switch of OpenFlow %s", h.Version, s.version)
	case h.Type() == ofp.TypeFlowMod || h.Type() == ofp.TypePacketOut:
		return fmt.Errorf("the controller sent a %s of %d bytes: %w", h.Type(), len(frame), errGarbage)
	}
	if s.pending, err = s.reply(s.pending, h, frame); err != nil {
		return fmt.Errorf("reply to %s: %w", h.Type(), err)
	}
	if len(s.pending) > pendingMax {
		return fmt.Errorf("the controller sends requests and does not read replies: %d bytes wait", len(s.pending))
	}
	if h.Type() == ofp.TypeFeaturesRequest {
		s.featuresAt = s.lastControl
	}
	return nil
}

// agree checks that the controller's hello can be met with the switch's version.
func (s *fakeSwitch) agree(frame []byte) error {
	h, m, err := ofp.Decode(frame)
	if err != nil {
		return fmt.Errorf("the controller's hello: %w", err)
	}
	if set, ok := m.(*ofp.Hello).Versions(); ok && s.version >= ofp.V13 {
		if !set.Has(s.version) {
			return fmt.Errorf("the controller does not speak OpenFlow %s: its hello has the version bitmap %#x", s.version, uint32(set))
		}
		return nil
	}
	if h.Version < s.version {
		return fmt.Errorf("the controller does not speak OpenFlow %s: its hello is of OpenFlow %s", s.version, h.Version)
	}
	return nil
}

// complaint puts an error message of the controller's into words.
func complaint(frame []byte) string {
	_, m, err := ofp.Decode(frame)
	if err != nil {
		return err.Error()
	}
	e, ok := m.(*ofp.Error)
	if !ok {
		return "unreadable"
	}
	if e.Reason == ofp.HelloFailedIncompatible || e.Reason == ofp.HelloFailedEPERM {
		return fmt.Sprintf("%s: %q", e.Describe(), e.Data)
	}
	return e.Describe()
}

// wakeWriter has whoever writes look at what there is to be written.
func (s *fakeSwitch) wakeWriter() {
	if s.loop != nil {
		s.mu.Lock()
		poke := s.poke
		s.mu.Unlock()
		if poke != nil {
			poke()
		}
		return
	}
	select {
	case s.wake <- struct{}{}:
	default: // it is awake, or about to be
	}
}

// write sends replies and packet-ins until done is closed or sending fails.
func (s *fakeSwitch) write(done <-chan struct{}) error {
	var buf []byte
	for {
		select {
		case <-done:
			return nil
		case <-s.wake:
		}
		for {
			s.mu.Lock()
			buf = append(buf[:0], s.pending...)
			s.pending = s.pending[:0]
			if s.running && s.featuresAt != 0 {
				now := s.now()
				buf = s.traffic.fill(buf, now, chunkLen)
			}
			s.mu.Unlock()
			if len(buf) == 0 {
				break
			}
			_ = s.conn.SetWriteDeadline(time.Now().Add(writeDeadline)) // fails only on a closed connection, and so does Write
			if _, err := s.conn.Write(buf); err != nil {
				return fmt.Errorf("send to the controller: %w", err)
			}
			_ = s.conn.SetWriteDeadline(time.Time{}) // the reader's writes need none: they are one small packet-in
		}
	}
}

// setRunning starts or stops the flow of packet-ins.
func (s *fakeSwitch) setRunning(on bool) {
	s.mu.Lock()
	s.running = on
	s.mu.Unlock()
	if on {
		s.wakeWriter()
	}
}

const (
	quietEnough = 200 * time.Millisecond
	waitEnough  = 2 * time.Second
)

// ready reports whether the handshake is over: the controller has asked for the
// features and has then been quiet for a while. One that is never quiet is given
// a little longer. If it is not over, the text says what is missing.
func (s *fakeSwitch) ready() (bool, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case s.conn == nil:
		return false, "is not connected"
	case s.featuresAt == 0 && s.lastControl == 0:
		return false, "is connected, but the controller has not said hello"
	case s.featuresAt == 0:
		return false, "has had a hello, but the controller has not asked for its features"
	}
	return now-s.lastControl > int64(quietEnough) || now-s.featuresAt > int64(waitEnough), "is not done with the handshake"
}
