package channel

import (
	"encoding/binary"
	"sync"

	"github.com/sluice-sdn/sluice/ofp"
)

// turnBytes is how many bytes a source may have written before the next one has its
// turn, while somebody Writes. It is also what an echo waits for then, or the
// longest message if that is longer.
const turnBytes = 16 << 10

// push is what a Write has to say: a source of its own beside the apps' stream.
// Its fields are the outbox's, under its mutex.
type push struct {
	groups [][]byte // what is left of it, whole messages
	left   int      // bytes of groups
	large  bool     // it was given room
	credit int      // bytes that it may have written; less than none if its last message was long
	after  uint64   // bytes of the apps' stream that go first
	frames int      // messages that were taken
	since  int      // those of them behind the last barrier
	write  *transaction
}

// take appends whole messages to b until limit bytes are reached or passed, with
// a barrier after each group, and counts them.
func (p *push) take(b []byte, limit int, sent *tally) []byte {
	limit += len(b)
	for len(p.groups) > 0 && len(b) < limit {
		g := p.groups[0]
		done, n := 0, 0 // bytes of g that are in b, and that are to be
		for n < len(g) && len(b)+n-done < limit {
			m := g[n : n+int(binary.BigEndian.Uint16(g[n+2:]))]
			sent.add(ofp.TypeOf(m[:len(m):len(m)]))
			n += len(m)
			p.frames++
			p.since++
			if w := p.write; w != nil && w.messages > 0 && (p.frames == w.messages || p.since >= int(w.group.Load())) {
				b = barrierAfter(append(b, g[done:n]...), ofp.Version(m[0]), binary.BigEndian.Uint32(m[4:]))
				sent.add(ofp.TypeBarrierRequest)
				done, p.since = n, 0
			}
		}
		b = append(b, g[done:n]...)
		p.left -= n
		if n < len(g) {
			p.groups[0] = g[n:]
		} else {
			p.groups[0] = nil // nobody needs its memory any more
			p.groups = p.groups[1:]
		}
	}
	return b
}

// stream is what Send was given, the source of all apps. Its buffers are lent, and
// given back once they are written: so few serve all connections, and stay close to
// the processor.
type stream struct {
	buf    []byte  // encoded and not taken; write to it only after ready
	taking []byte  // was buf, and is taken piece by piece
	took   int     // bytes of taking
	lent   *[]byte // where buf came from, nil if there is none
	back   *[]byte // where taking goes
	given  uint64  // bytes that were ever encoded
	credit int
}

var streamBuffers = sync.Pool{New: func() any { b := make([]byte, 0, gatherBytes); return &b }}

// ready sees to it that there is a buffer.
func (s *stream) ready() {
	if s.lent == nil {
		s.lent = streamBuffers.Get().(*[]byte)
		s.buf = (*s.lent)[:0]
	}
}

// giveBack gives a lent buffer back, unless it has grown too large.
func giveBack(lent *[]byte, buf []byte) {
	if lent != nil && cap(buf) <= keepBytes {
		*lent = buf[:0]
		streamBuffers.Put(lent)
	}
}

// empty reports whether all was taken.
func (s *stream) empty() bool { return s.took == len(s.taking) && len(s.buf) == 0 }

// taken returns how many bytes were ever taken.
func (s *stream) taken() uint64 { return s.given - uint64(len(s.buf)+len(s.taking)-s.took) }

// take returns whole messages of at most n bytes, or the first one. What it
// returns is good until recycle.
func (s *stream) take(n int) []byte {
	if s.took == len(s.taking) {
		s.taking, s.back, s.took = s.buf, s.lent, 0
		s.buf, s.lent = nil, nil
	}
	b := s.taking[s.took:]
	b = b[:wholeMessages(b, n)]
	s.took += len(b)
	return b
}

// recycle gives a buffer back that was taken and written.
func (s *stream) recycle() {
	if len(s.taking) == 0 || s.took < len(s.taking) {
		return
	}
	giveBack(s.back, s.taking)
	s.taking, s.back, s.took = nil, nil, 0
}

// trim gives back what an idle connection does not need.
func (s *stream) trim() {
	if len(s.buf) == 0 {
		giveBack(s.lent, s.buf)
		s.buf, s.lent = nil, nil
	}
}

// nextBulk returns what is to be written next of the apps' stream and the Writes,
// good until it is called again.
func (o *outbox) nextBulk() []byte {
	if len(o.pushes) == 0 {
		o.mixed, o.apps.credit = nil, 0
		if o.apps.empty() {
			return nil
		}
		b := o.apps.take(writeSlice)
		o.unwritten = len(b)
		return b
	}
	b := o.share(o.mixed[:0])
	o.mixed = b
	return b
}

// share appends a turn's bytes: deficit round robin by bytes over the apps'
// stream and the Writes. Who has less to say than a turn leaves the rest of it to
// others, so that many small Writes cost one write.
func (o *outbox) share(b []byte) []byte {
	for len(b) < turnBytes && (len(o.pushes) > 0 || !o.apps.empty()) {
		if o.at >= len(o.pushes) {
			o.at = 0
			b = o.appsTurn(b)
			continue
		}
		p := o.pushes[o.at]
		if o.apps.taken() < p.after {
			o.at++
			continue
		}
		p.credit += turnBytes
		before, left := len(b), p.left
		b = p.take(b, p.credit, &o.sent)
		p.credit -= len(b) - before
		o.goneLocked(p, left-p.left) // barriers were not counted
		if p.left == 0 {
			o.removeLocked(p)
			if p.write != nil && p.write.left != nil {
				close(p.write.left)
			}
		} else {
			o.at++
		}
	}
	return b
}

// appsTurn is the turn of the apps' stream.
func (o *outbox) appsTurn(b []byte) []byte {
	s := &o.apps
	s.credit += turnBytes
	for s.credit > 0 && !s.empty() {
		piece := s.take(s.credit)
		s.credit -= len(piece)
		o.unwritten += len(piece)
		b = append(b, piece...)
		s.recycle()
	}
	if s.empty() {
		s.credit = 0
	}
	return b
}

// removeLocked takes a Write out of the round.
func (o *outbox) removeLocked(p *push) {
	for i, q := range o.pushes {
		if q == p {
			o.pushes = append(o.pushes[:i], o.pushes[i+1:]...)
			if i < o.at {
				o.at--
			}
			break
		}
	}
	if len(o.pushes) == 0 {
		o.pushes = nil
	}
}

// goneLocked notes that so many bytes of a Write have left, or will not.
func (o *outbox) goneLocked(p *push, bytes int) {
	o.pushed -= bytes
	if p.large {
		o.leftLocked(bytes)
	}
}

// wholeMessages returns the length of the longest run of whole messages at the
// start of b that is at most n bytes long, or of the first one if that is longer.
func wholeMessages(b []byte, n int) int {
	if len(b) <= n {
		return len(b)
	}
	at := 0
	for at < len(b) {
		l := int(binary.BigEndian.Uint16(b[at+2:]))
		if at > 0 && at+l > n {
			break
		}
		at += l
	}
	return at
}
