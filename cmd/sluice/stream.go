package main

import (
	"container/list"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Bounds of what is kept of a capture's connections.
const (
	maxAhead       = 1 << 20  // bytes that one direction may be ahead of a gap
	maxAheadPieces = 1024     // and segments
	pieceCost      = 64       // bytes that a segment ahead of a gap is counted for besides its own
	maxStreams     = 4096     // directions of connections
	maxStreamBytes = 64 << 20 // bytes of all of them
)

// captured is a message of a capture, or what is wrong in place of one.
type captured struct {
	time     time.Time // of the segment that completed it
	from, to netip.AddrPort
	frame    []byte
	err      error
}

// streams puts the messages of OpenFlow connections together from their
// segments. It is bounded: a direction that was silent for the longest time is
// given up when there are too many.
type streams struct {
	ports []uint16
	emit  func(captured)

	all    map[endpoints]*list.Element // of *stream
	recent list.List                   // the most recently used first
	bytes  int
}

type endpoints struct{ from, to netip.AddrPort }

// stream is one direction of a connection.
type stream struct {
	endpoints
	time    time.Time
	begun   bool
	next    uint32 // sequence number
	ahead   []piece
	held    int    // bytes of ahead, and pieceCost each
	buf     []byte // in order, from the start of a message if inStep
	inStep  bool
	tried   int // bytes of buf at which no message begins
	skipped int // bytes that no message was found in
	version ofp.Version
}

// piece is what came after a gap.
type piece struct {
	seq  uint32
	data []byte
}

func newStreams(ports []uint16, emit func(captured)) *streams {
	return &streams{ports: ports, emit: emit, all: map[endpoints]*list.Element{}}
}

// add takes the next segment of the capture.
func (a *streams) add(s *segment) {
	if !slices.Contains(a.ports, s.from.Port()) && !slices.Contains(a.ports, s.to.Port()) {
		return
	}
	if back := a.all[endpoints{s.to, s.from}]; s.acks && back != nil {
		a.acknowledged(back.Value.(*stream), s)
	}
	e := endpoints{s.from, s.to}
	at := a.all[e]
	if at == nil {
		if !s.syn && len(s.data) == 0 {
			return
		}
		at = a.recent.PushFront(&stream{endpoints: e})
		a.all[e] = at
	}
	a.recent.MoveToFront(at)
	st := at.Value.(*stream)
	before := st.held + len(st.buf)
	st.time = s.time
	a.take(st, s)
	a.bytes += st.held + len(st.buf) - before
	for a.recent.Len() > maxStreams || a.bytes > maxStreamBytes {
		a.drop(a.recent.Back())
	}
}

// end tells what is left of all connections, the oldest first.
func (a *streams) end() {
	for a.recent.Len() > 0 {
		a.drop(a.recent.Back())
	}
}

func (a *streams) drop(at *list.Element) {
	st := a.recent.Remove(at).(*stream)
	delete(a.all, st.endpoints)
	a.bytes -= st.held + len(st.buf)
	a.flush(st)
}

// acknowledged looks at what the other side has received: what is not in the
// capture by now will not come any more.
func (a *streams) acknowledged(st *stream, s *segment) {
	before := st.held + len(st.buf)
	for len(st.ahead) > 0 && int32(s.ack-st.ahead[0].seq) >= 0 {
		st.time = s.time
		a.jump(st)
	}
	a.bytes += st.held + len(st.buf) - before
}

func (a *streams) take(st *stream, s *segment) {
	if s.syn {
		a.flush(st)
		*st = stream{endpoints: st.endpoints, time: s.time, begun: true, inStep: true, next: s.seq + 1}
		a.put(st, st.next, s.data)
		return
	}
	if !st.begun {
		st.begun, st.next = true, s.seq
	}
	a.put(st, s.seq, s.data)
	for len(st.ahead) > maxAheadPieces || st.held > maxAhead {
		a.jump(st)
	}
	if s.end {
		a.flush(st)
	}
}

// put takes bytes where they belong: at the end, or behind a gap.
func (a *streams) put(st *stream, seq uint32, data []byte) {
	d := int32(seq - st.next)
	if d > 0 {
		if len(data) > 0 {
			i, _ := slices.BinarySearchFunc(st.ahead, seq, func(p piece, seq uint32) int { return int(int32(p.seq - seq)) })
			st.ahead = slices.Insert(st.ahead, i, piece{seq, slices.Clone(data)})
			st.held += len(data) + pieceCost
		}
		return
	}
	if old := -int64(d); old < int64(len(data)) {
		st.buf = append(st.buf, data[old:]...)
		st.next += uint32(int64(len(data)) - old)
		a.cut(st)
	}
	for len(st.ahead) > 0 && int32(st.ahead[0].seq-st.next) <= 0 {
		p := st.ahead[0]
		st.ahead = st.ahead[1:]
		st.held -= len(p.data) + pieceCost
		if old := int64(st.next - p.seq); old < int64(len(p.data)) {
			st.buf = append(st.buf, p.data[old:]...)
			st.next += uint32(int64(len(p.data)) - old)
			a.cut(st)
		}
	}
}

// jump gives up the bytes that are missing before what came after them.
func (a *streams) jump(st *stream) {
	lost, cut := st.ahead[0].seq-st.next, len(st.buf)
	what := fmt.Sprintf("%d bytes are missing from the capture", lost)
	if cut > 0 && st.inStep {
		what += fmt.Sprintf(", after the first %d bytes of a message", cut)
	} else {
		st.skipped += cut
	}
	a.lost(st, what)
	st.buf, st.inStep, st.tried = nil, false, 0
	st.next = st.ahead[0].seq
	a.put(st, st.next, nil)
}

func (a *streams) lost(st *stream, what string) {
	if st.skipped > 0 {
		what += fmt.Sprintf("; no message was found in %d bytes before", st.skipped)
		st.skipped = 0
	}
	a.emit(captured{time: st.time, from: st.from, to: st.to, err: fmt.Errorf("%s", what)})
}

// flush tells what is left when a direction ends.
func (a *streams) flush(st *stream) {
	for len(st.ahead) > 0 {
		a.jump(st)
	}
	switch n := len(st.buf); {
	case n > 0 && st.inStep:
		a.lost(st, fmt.Sprintf("the capture ends after the first %d bytes of a message", n))
	case n+st.skipped > 0:
		a.lost(st, fmt.Sprintf("no message was found in the last %d bytes", n))
	}
	st.buf, st.tried = nil, 0
}

// cut takes the whole messages off the front. It is called at the end of each
// segment, where messages often end, too.
func (a *streams) cut(st *stream) {
	for {
		if !st.inStep && !st.findStep() {
			return
		}
		if st.skipped > 0 {
			n := st.skipped
			st.skipped = 0
			a.lost(st, fmt.Sprintf("no message was found in %d bytes", n))
		}
		b := st.buf
		if len(b) < ofp.HeaderLen {
			return
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < ofp.HeaderLen {
			a.lost(st, fmt.Sprintf("a message of %d bytes, at least %d: this is no OpenFlow from here on", n, ofp.HeaderLen))
			st.inStep, st.tried = false, 0
			continue
		}
		if n > len(b) {
			return
		}
		if v := ofp.Version(b[0]); b[1] != 0 || st.version == 0 {
			st.version = v
		}
		st.buf = b[n:]
		a.emit(captured{time: st.time, from: st.from, to: st.to, frame: b[:n:n]})
		if len(st.buf) == 0 {
			st.buf = nil
		}
	}
}

// findStep looks for a message in the middle of a stream, and reports whether
// buf now begins with one. What looks like a header is one if another follows
// where it says that the message ends, or nothing follows there.
func (st *stream) findStep() bool {
	b := st.buf
	for at := st.tried; at+ofp.HeaderLen <= len(b); at++ {
		if !st.header(b[at:]) {
			continue
		}
		end := at + int(binary.BigEndian.Uint16(b[at+2:]))
		if end != len(b) && end+ofp.HeaderLen > len(b) {
			st.tried = at
			st.forget()
			return false // the next segments will show
		}
		if end == len(b) || st.header(b[end:]) {
			st.inStep, st.skipped, st.tried, st.buf = true, st.skipped+at, 0, b[at:]
			return true
		}
	}
	st.tried = max(st.tried, len(b)-ofp.HeaderLen+1, 0)
	st.forget()
	return false
}

// forget lets go of what was tried in vain, once it is much.
func (st *stream) forget() {
	if st.tried >= 64<<10 {
		st.buf = slices.Clone(st.buf[st.tried:])
		st.skipped += st.tried
		st.tried = 0
	}
}

// header reports whether b can be a header in this stream.
func (st *stream) header(b []byte) bool {
	h, err := ofp.ParseHeader(b)
	return err == nil && h.Version.Supported() && h.Type() != ofp.TypeUnknown && (st.version == 0 || h.Version == st.version)
}
