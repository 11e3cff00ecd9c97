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
	// stuck is how long the next message may wait for the controller before
	// answers that stand after it in the recording go first: a controller may
	// ask in another order.
	stuck = 100 * time.Millisecond
	// maxAnswers bounds the bytes of answers that wait to be written.
	maxAnswers = 16 << 20
	// maxDifferences is how many differences are kept to be shown.
	maxDifferences = 1000
)

var errClosed = errors.New("the controller closed the connection")

// player plays one script to a controller. The goroutine that calls play writes;
// one that it starts and awaits reads.
type player struct {
	wait    time.Duration // for what the controller said at that place
	limit   time.Duration // for a write
	speed   float64       // 0: as fast as possible
	hold    bool          // stay connected at the end
	reached func()        // told when that begins; or nil

	mu        sync.Mutex
	s         *script
	at        int // the next step
	answers   [][]byte
	waiting   int              // bytes of answers
	settled   int              // asks that nobody waits for any more
	impatient map[subject]bool // subjects that were waited for in vain
	differ    []difference     // the first of them
	due       map[int]struct{} // asks that came, whose replies are still to be said
	err       error            // of the reader
	refusal   string           // what the controller's last error said
	news      chan struct{}    // something has come
	ended     chan struct{}    // the reader has ended

	sent, leftOut int
}

// newPlayer returns a player that has done nothing yet.
func newPlayer(s *script) *player {
	return &player{s: s, impatient: map[subject]bool{}, due: map[int]struct{}{}, news: make(chan struct{}, 1), ended: make(chan struct{})}
}

// play plays the script over nc, and returns when it is through, or why not. It
// closes nc. It may be called once.
func (p *player) play(ctx context.Context, nc net.Conn) error {
	go func() {
		defer close(p.ended)
		p.read(nc)
	}()
	defer func() {
		nc.Close()
		<-p.ended
	}()
	begin := time.Now()
	for k := range p.s.steps {
		if err := p.step(ctx, nc, k, begin); err != nil {
			return p.because(err)
		}
	}
	return p.because(p.finish(ctx, nc))
}

// because adds what the controller said last to an error.
func (p *player) because(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.refusal != "" {
		return fmt.Errorf("%w; it said %s", err, p.refusal)
	}
	return err
}

// step says the next message, once it is time and the controller has said what
// it said before.
func (p *player) step(ctx context.Context, nc net.Conn, k int, begin time.Time) error {
	if p.speed > 0 {
		at := begin.Add(time.Duration(float64(p.s.steps[k].after) / p.speed))
		if err := p.until(ctx, nc, at, func() bool { return false }); err != nil {
			return err
		}
	}
	now := time.Now()
	patience := now.Add(p.wait)
	if err := p.until(ctx, nc, now.Add(min(stuck, p.wait)), func() bool { return p.ready(k) }); err != nil {
		return err
	}
	for {
		p.mu.Lock()
		ready, late := p.ready(k), !time.Now().Before(patience)
		if ready || late {
			b := p.take(k, ready)
			p.mu.Unlock()
			return p.write(nc, b)
		}
		b := p.overtake()
		p.mu.Unlock()
		if err := p.write(nc, b); err != nil {
			return err
		}
		if err := p.until(ctx, nc, patience, func() bool { return p.ready(k) || len(p.due) > 0 }); err != nil {
			return err
		}
	}
}

// ready reports whether step k can be said. The caller holds p.mu.
func (p *player) ready(k int) bool {
	st := &p.s.steps[k]
	if st.done || st.frame[1] == 0 { // a hello waits for nobody
		return true
	}
	if st.ask >= 0 {
		a := &p.s.asks[st.ask]
		return a.came || p.impatient[a.subject]
	}
	return p.settle(st.place)
}

// settle reports whether none of the first n asks is waited for any more. The
// caller holds p.mu.
func (p *player) settle(n int) bool {
	for ; p.settled < n; p.settled++ {
		if a := &p.s.asks[p.settled]; !a.came && !p.impatient[a.subject] {
			return false
		}
	}
	return true
}

// take returns the bytes of step k, and marks it as done. Without them it is
// left out. The caller holds p.mu.
func (p *player) take(k int, ready bool) []byte {
	st := &p.s.steps[k]
	if !ready {
		p.giveUp(st)
	}
	p.at = k + 1 // before it is written: the answer may be quick
	if st.done {
		return nil
	}
	if st.ask < 0 {
		st.done = true
		p.sent++
		return st.frame
	}
	a := &p.s.asks[st.ask]
	if !a.came {
		p.leftOut++ // it is said if the request comes after all
		return nil
	}
	st.done = true
	p.sent++
	return withXID(st.frame, a.xid)
}

// giveUp notes for what was waited in vain: for more of the same nobody waits,
// until one comes. The caller holds p.mu.
func (p *player) giveUp(st *step) {
	if st.ask >= 0 {
		p.impatient[p.s.asks[st.ask].subject] = true
		return
	}
	for ; p.settled < st.place; p.settled++ {
		if a := &p.s.asks[p.settled]; !a.came {
			p.impatient[a.subject] = true
		}
	}
}

// overtake returns the replies to requests that have come though their places
// in the recording are still to come. The caller holds p.mu.
func (p *player) overtake() (b []byte) {
	for i := range p.due {
		b = append(b, p.late(i, len(p.s.steps))...)
	}
	clear(p.due)
	return b
}

// late returns the replies to ask i that are not said yet and stand before step
// end. The caller holds p.mu.
func (p *player) late(i, end int) (b []byte) {
	a := &p.s.asks[i]
	for _, r := range a.replies {
		if st := &p.s.steps[r]; !st.done && r < end {
			if r < p.at {
				p.leftOut--
			}
			st.done = true
			p.sent++
			b = append(b, withXID(st.frame, a.xid)...)
		}
	}
	return b
}

// until answers what is asked until it is time, or ok, which is called under
// p.mu.
func (p *player) until(ctx context.Context, nc net.Conn, at time.Time, ok func() bool) error {
	var timer *time.Timer
	for {
		p.mu.Lock()
		list, err, done := p.answers, p.err, ok()
		p.answers, p.waiting = nil, 0
		p.mu.Unlock()
		for _, b := range list {
			if err := p.write(nc, b); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		left := time.Until(at)
		if done || left <= 0 {
			return nil
		}
		if timer == nil {
			timer = time.NewTimer(left)
			defer timer.Stop()
		}
		select {
		case <-p.news:
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// write writes messages.
func (p *player) write(nc net.Conn, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := nc.SetWriteDeadline(time.Now().Add(p.limit)); err != nil {
		return err
	}
	if _, err := nc.Write(b); err != nil {
		// The reader often knows better why.
		select {
		case <-p.ended:
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.err != nil {
				return p.err
			}
		default:
		}
		return fmt.Errorf("writing to the controller: %w", err)
	}
	return nil
}

// finish waits for what the controller still said in the recording, and with
// hold for its end or ctx.
func (p *player) finish(ctx context.Context, nc net.Conn) error {
	err := p.until(ctx, nc, time.Now().Add(p.wait), func() bool { return p.settle(len(p.s.asks)) })
	if errors.Is(err, errClosed) && !p.hold {
		return nil // all was said; it closed in the recording, too, perhaps
	}
	if err != nil || !p.hold {
		return err
	}
	if p.reached != nil {
		p.reached()
	}
	for {
		err := p.until(ctx, nc, time.Now().Add(time.Hour), func() bool { return false })
		if errors.Is(err, context.Canceled) {
			return nil // which is how one ends it
		}
		if err != nil {
			return err
		}
	}
}

// read takes what the controller says until the connection ends. It never waits
// for the one who writes, so that both ends cannot wait for each other.
func (p *player) read(nc net.Conn) {
	var buf [ofp.HeaderLen + 65535]byte
	for {
		_, err := io.ReadFull(nc, buf[:ofp.HeaderLen])
		n := int(binary.BigEndian.Uint16(buf[2:]))
		if err == nil && n < ofp.HeaderLen {
			err = fmt.Errorf("the controller sends a message of %d bytes, which is no OpenFlow", n)
		} else if err == nil {
			_, err = io.ReadFull(nc, buf[ofp.HeaderLen:n])
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errClosed
		}
		p.mu.Lock()
		if err == nil {
			err = p.hear(buf[:n])
		}
		p.err = err
		p.mu.Unlock()
		select {
		case p.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// hear takes a message of the controller. The caller holds p.mu.
func (p *player) hear(frame []byte) error {
	k := subjectOf(frame)
	if v := ofp.Version(frame[0]); v != p.s.version && k.typ != ofp.TypeHello && k.typ != ofp.TypeError {
		return fmt.Errorf("the controller speaks OpenFlow %s, and the recording %s", v, p.s.version)
	}
	if k.typ == ofp.TypeEchoRequest {
		b := append([]byte{frame[0], 3}, frame[2:]...)
		return p.answer(b)
	}
	if k.typ == ofp.TypeError {
		var m ofp.Error
		if err := new(ofp.Decoder).Decode(frame, &m); err == nil {
			p.refusal = m.Describe()
			if m.Reason == ofp.HelloFailedIncompatible || m.Reason == ofp.HelloFailedEPERM {
				p.refusal += ": " + printable(string(m.Data[:min(len(m.Data), 200)]))
			}
		}
	}
	i, d := p.s.hear(frame, p.at)
	if d != nil && len(p.differ) < maxDifferences {
		p.differ = append(p.differ, *d)
	}
	if i < 0 {
		return p.answer(p.s.reply(frame)...)
	}
	delete(p.impatient, k)
	switch a := &p.s.asks[i]; {
	case len(a.replies) == 0:
		return p.answer(p.s.reply(frame)...) // the recording ends before it
	default:
		// What was left out before is said now, and the rest in its place.
		if b := p.late(i, p.at); len(b) > 0 {
			if err := p.answer(b); err != nil {
				return err
			}
		}
		p.due[i] = struct{}{}
	}
	return nil
}

// answer has messages written soon. The caller holds p.mu.
func (p *player) answer(list ...[]byte) error {
	for _, b := range list {
		p.answers = append(p.answers, b)
		p.waiting += len(b)
	}
	if p.waiting > maxAnswers {
		return fmt.Errorf("the controller asks without reading answers, of which %d bytes wait", p.waiting)
	}
	return nil
}
