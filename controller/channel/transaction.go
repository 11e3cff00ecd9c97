package channel

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// messagesPerBarrier is how many messages of a Write one barrier confirms.
const messagesPerBarrier = 1000

// transaction is a Write in flight. Its messages and barriers have successive
// xids: messagesPerBarrier messages, a barrier, and so on, a barrier last. Its
// fields, but for those set before it is registered, are written under
// replies.mu until done is closed.
type transaction struct {
	first     uint32 // xid
	messages  int
	barriers  int
	confirmed int // barriers answered
	errors    []ItemError
	failed    map[int]bool // indices in errors
	err       error        // why it ended early
	ended     bool
	done      chan struct{}
}

// place returns what the xid stands for: the index of a message, or the number
// of a barrier.
func (t *transaction) place(xid uint32) (index int, barrier, ok bool) {
	at := int(xid - t.first)
	if at >= t.messages+t.barriers {
		return 0, false, false
	}
	group, within := at/(messagesPerBarrier+1), at%(messagesPerBarrier+1)
	if within == messagesPerBarrier || at == t.messages+t.barriers-1 {
		return group, true, true
	}
	return group*messagesPerBarrier + within, false, true
}

// barrier takes the reply of a barrier. A switch answers barriers in order; one
// that does not is taken at its word for the highest it has answered.
func (t *transaction) barrier(xid uint32) bool {
	n, isBarrier, ok := t.place(xid)
	if !ok || !isBarrier {
		return ok
	}
	t.confirmed = max(t.confirmed, n+1)
	if t.confirmed == t.barriers {
		t.end(nil)
	}
	return true
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

// Write sends msgs in order with a barrier after them, and one after each 1,000
// on the way, and waits for the replies. See Switch.Write of package controller.
func (c *Conn) Write(ctx context.Context, msgs []ofp.Message) error {
	t := &transaction{
		messages: len(msgs),
		barriers: max(1, (len(msgs)+messagesPerBarrier-1)/messagesPerBarrier),
		done:     make(chan struct{}),
	}
	t.first = c.out.reserve(t.messages + t.barriers)
	p, failures, err := c.push(ctx, t, msgs)
	if failures != nil {
		return &WriteError{Errors: failures}
	}
	sent := 0
	if err == nil {
		err = c.await(ctx, t, p)
		sent = t.sent(c.out.withdraw(p))
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
		Confirmed: min(t.confirmed*messagesPerBarrier, len(msgs)),
		Err:       err,
	}
}

// push encodes all messages and gives them to the outbox, waiting for room. While
// it waits it keeps nothing that is encoded.
func (c *Conn) push(ctx context.Context, t *transaction, msgs []ofp.Message) (*push, []ItemError, error) {
	for {
		groups, failures := encodeAll(c.version, c.extended, t.first, msgs)
		if failures != nil {
			return nil, failures, nil
		}
		if err := c.replies.addWrite(t); err != nil {
			return nil, nil, err
		}
		p := &push{groups: groups}
		room, err := c.out.push(p, isApart(ctx))
		if room == nil {
			return p, nil, err
		}
		c.replies.removeWrite(t)
		select {
		case <-room:
		case <-ctx.Done():
			return nil, nil, errPushes(ctx, c.cfg.MaxWriteBytes)
		case <-c.done:
			return nil, nil, ErrDisconnected
		}
	}
}

// sent returns how many messages are among so many messages and barriers.
func (t *transaction) sent(frames int) int {
	groups, within := frames/(messagesPerBarrier+1), frames%(messagesPerBarrier+1)
	return min(groups*messagesPerBarrier+min(within, messagesPerBarrier), t.messages)
}

// await waits for a transaction's last barrier, for as long as messages leave and
// barriers are answered.
func (c *Conn) await(ctx context.Context, t *transaction, p *push) error {
	timer := time.NewTimer(c.cfg.RequestTimeout)
	defer timer.Stop()
	for before, taken := 0, 0; ; {
		select {
		case <-t.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		c.replies.mu.Lock()
		now := t.confirmed
		c.replies.mu.Unlock()
		frames, left := c.out.progress(p)
		if now == before && (left == 0 || frames == taken) {
			return fmt.Errorf("barrier: no reply in %v: %w", c.cfg.RequestTimeout, context.DeadlineExceeded)
		}
		before, taken = now, frames
		timer.Reset(c.cfg.RequestTimeout)
	}
}

// encodeAll encodes all messages, with a barrier after each group, or says which
// cannot be.
func encodeAll(v ofp.Version, extended bool, xid uint32, msgs []ofp.Message) (groups [][]byte, failures []ItemError) {
	enc := ofp.Encoder{Extensions: extended}
	var err error
	for index := 0; index < len(msgs) || index == 0; {
		var g []byte
		for range min(messagesPerBarrier, len(msgs)-index) {
			m := msgs[index]
			if g, err = enc.Append(g, v, xid, m); err != nil {
				failures = append(failures, ItemError{index, m, err})
			}
			xid++
			index++
		}
		// A barrier request is a bare header, which every version has.
		g, _ = enc.Append(g, v, xid, &ofp.BarrierRequest{})
		xid++
		groups = append(groups, g)
		if len(msgs) == 0 {
			break
		}
	}
	return groups, failures
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
