package channel

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// A Write's first barrier comes after groupFirst messages, and while the switch
// confirms them quickly there are more in a group, up to groupMost: about
// groupWork of its time. So a switch that takes few flows a second, and answers an
// echo after the flows before it, is heard of all the same.
const (
	groupFirst = 32
	groupMost  = 1000
	groupWork  = time.Second
)

// transaction is a Write in flight. Each of its messages has two successive xids:
// its own, and that of the barrier which may follow it. Its fields, but for those
// set before it is registered, are written under replies.mu until done is closed.
type transaction struct {
	first     uint32 // xid
	messages  int
	confirmed int // messages before the last barrier that was answered
	errors    []ItemError
	failed    map[int]bool // indices in errors
	bundle    bool         // the first message opens a bundle
	opened    bool         // and the switch has answered that it is open
	err       error        // why it ended early
	ended     bool
	done      chan struct{}
	left      chan struct{} // closed by the outbox when all of it has left; may be nil

	begun, heard time.Time    // when it was given to the outbox, and when the last barrier was answered
	group        atomic.Int32 // messages to the next barrier, which the outbox asks for
}

// xids returns how many a Write of so many messages has.
func xids(messages int) int { return 2 * max(1, messages) }

// place returns what the xid stands for: a message, or the barrier behind it.
func (t *transaction) place(xid uint32) (index int, barrier, ok bool) {
	at := int(xid - t.first)
	if at >= xids(t.messages) || t.messages == 0 && at == 0 {
		return 0, false, false
	}
	return at / 2, at%2 == 1, true
}

// barrier takes the reply of a barrier. A switch answers barriers in order; one
// that does not is taken at its word for the highest it has answered.
func (t *transaction) barrier(xid uint32) bool {
	i, isBarrier, ok := t.place(xid)
	if !ok || !isBarrier {
		return ok
	}
	if now := min(i+1, t.messages); now > t.confirmed {
		t.pace(now, time.Now())
		t.confirmed = now
	}
	if t.confirmed == t.messages {
		t.end(nil)
	}
	return true
}

// pace decides how many messages the next groups have: what the switch does in
// groupWork, by its speed since the last reply and since the beginning, as replies
// may come together; and at most twice as many as so far.
func (t *transaction) pace(confirmed int, now time.Time) {
	in := func(messages int, d time.Duration) int {
		if d <= 0 {
			return groupMost
		}
		return int(min(float64(messages)*float64(groupWork)/float64(d), groupMost))
	}
	n := min(in(confirmed-t.confirmed, now.Sub(t.heard)), in(confirmed, now.Sub(t.begun)), 2*int(t.group.Load()), groupMost)
	t.group.Store(int32(max(n, groupFirst)))
	t.heard = now
}

// fail takes an error about a message or a barrier.
func (t *transaction) fail(xid uint32, err error) bool {
	i, isBarrier, ok := t.place(xid)
	switch {
	case !ok:
		return false
	case isBarrier:
		t.end(fmt.Errorf("barrier: %w", keepError(err)))
	case !t.failed[i]:
		if t.failed == nil {
			t.failed = make(map[int]bool)
		}
		t.failed[i] = true
		t.errors = append(t.errors, ItemError{Index: i, Err: keepError(err)})
	}
	return true
}

func (t *transaction) end(err error) {
	if !t.ended {
		t.ended, t.err = true, err
		close(t.done)
	}
}

// Write sends msgs in order with a barrier after them, and one after each 32 to
// 1,000 on the way, and waits for the replies. See Switch.Write of package
// controller.
func (c *Conn) Write(ctx context.Context, msgs []ofp.Message) error {
	return c.WriteTelling(ctx, msgs, nil)
}

// WriteTelling is Write that closes left, if it is not nil, when the last message
// is on its way: what is sent or asked from then on comes behind it, and the end of
// ctx does not end the wait for the answers any more, which have their own time.
func (c *Conn) WriteTelling(ctx context.Context, msgs []ofp.Message, left chan struct{}) error {
	t := &transaction{
		messages: len(msgs),
		done:     make(chan struct{}),
		left:     left,
	}
	t.group.Store(groupFirst)
	t.first = c.out.reserve(xids(t.messages))
	p, failures, err := c.push(ctx, t, slices.ContainsFunc(msgs, Forbidden), func() ([][]byte, []ItemError) {
		return encodeAll(c.version, c.extended, t.first, msgs)
	})
	if failures != nil {
		return &WriteError{Errors: failures}
	}
	sent := 0
	if err == nil {
		err = c.await(ctx, t, p)
		sent = min(c.out.withdraw(p), t.messages)
	}
	c.replies.removeWrite(t)
	// Nobody else has t from here on.
	if err == nil {
		err = t.err
	}
	if err == nil && len(t.errors) == 0 {
		return nil
	}
	slices.SortFunc(t.errors, func(a, b ItemError) int { return a.Index - b.Index })
	for i := range t.errors {
		t.errors[i].Message = msgs[t.errors[i].Index]
	}
	return &WriteError{
		Errors:    t.errors,
		Sent:      sent,
		Confirmed: t.confirmed,
		Err:       err,
	}
}

// push encodes all messages and gives them to the outbox, waiting for room. While
// it waits it keeps nothing that is encoded, and it is encoded once more when there
// is room. forbidden says that a slave must not send them.
func (c *Conn) push(ctx context.Context, t *transaction, forbidden bool, encode func() ([][]byte, []ItemError)) (_ *push, _ []ItemError, err error) {
	var wait *ticket
	defer func() {
		if wait != nil {
			c.out.abandon(wait)
		}
	}()
	for {
		groups, failures := encode()
		if failures != nil {
			return nil, failures, nil
		}
		t.begun = time.Now()
		t.heard = t.begun
		if err := c.replies.addWrite(t); err != nil {
			return nil, nil, err
		}
		// From here on whoever asks to be a slave waits for this Write; who has
		// asked meanwhile has not.
		if forbidden && c.Slave() {
			c.replies.removeWrite(t)
			return nil, nil, ErrSlave
		}
		p := &push{groups: groups, write: t}
		if wait, err = c.out.push(p, isApart(ctx), wait); wait == nil {
			return p, nil, err
		}
		c.replies.removeWrite(t)
		select {
		case <-wait.ready:
		case <-ctx.Done():
			return nil, nil, errPushes(ctx, c.cfg.MaxWriteBytes)
		case <-c.done:
			return nil, nil, ErrDisconnected
		}
	}
}

// await waits for a transaction's last barrier, for as long as messages leave and
// barriers are answered.
func (c *Conn) await(ctx context.Context, t *transaction, p *push) error {
	timer := time.NewTimer(c.cfg.RequestTimeout)
	defer timer.Stop()
	far := progressOf(ctx)
	defer far.stop()
	confirmed := func() int {
		c.replies.mu.Lock()
		defer c.replies.mu.Unlock()
		return t.confirmed
	}
	for before, taken := 0, 0; ; {
		select {
		case <-t.done:
			return nil
		case <-ctx.Done():
			if !c.allLeft(t, p) {
				return ctx.Err()
			}
			ctx = context.WithoutCancel(ctx)
			continue
		case <-far.tick:
			far.told(confirmed(), t.messages)
			continue
		case <-timer.C:
		}
		now := confirmed()
		frames, left := c.out.progress(p)
		if now == before && (left == 0 || frames == taken) {
			return fmt.Errorf("barrier: no reply in %v: %w", c.cfg.RequestTimeout, context.DeadlineExceeded)
		}
		before, taken = now, frames
		timer.Reset(c.cfg.RequestTimeout)
	}
}

// allLeft takes back what has not left of a Write, and reports whether there was
// nothing of it and its caller has been told that all has left.
func (c *Conn) allLeft(t *transaction, p *push) bool {
	c.out.withdraw(p)
	select {
	case <-t.left:
		return true
	default:
		return false // also where nobody is told
	}
}

// encodeAll encodes all messages, in pieces whose memory is given back as they
// leave, or says which cannot be. For none there is a barrier alone; otherwise the
// outbox sees to the barriers.
func encodeAll(v ofp.Version, extended bool, xid uint32, msgs []ofp.Message) (groups [][]byte, failures []ItemError) {
	if len(msgs) == 0 {
		return [][]byte{barrierAfter(nil, v, xid)}, nil
	}
	enc := ofp.Encoder{Extensions: extended}
	for index := 0; index < len(msgs); {
		var g []byte
		for range min(groupMost, len(msgs)-index) {
			m := msgs[index]
			var err error
			if g, err = enc.Append(g, v, xid, m); err != nil {
				failures = append(failures, ItemError{index, m, err})
			}
			xid += 2
			index++
		}
		groups = append(groups, g)
	}
	return groups, failures
}

// barrierAfter appends the barrier behind the message of that xid. It is a bare
// header, which every version has.
func barrierAfter(b []byte, v ofp.Version, xid uint32) []byte {
	var enc ofp.Encoder
	b, _ = enc.Append(b, v, xid+1, &ofp.BarrierRequest{})
	return b
}

// addWrite registers a transaction before anything of it is sent.
func (r *replies) addWrite(t *transaction) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrDisconnected
	}
	if len(r.writes) >= r.limit {
		return fmt.Errorf("%w: %d writes in flight", ErrOverloaded, len(r.writes))
	}
	r.writes = append(r.writes, t)
	return nil
}

func (r *replies) removeWrite(t *transaction) {
	r.mu.Lock()
	r.writes = slices.DeleteFunc(r.writes, func(o *transaction) bool { return o == t })
	r.idleLocked()
	r.mu.Unlock()
}
