package desired

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Level is how far a transaction must have come for its caller to go on.
type Level uint8

// Levels. The zero value is the default.
const (
	// Confirmed: the switch has confirmed it with a barrier.
	Confirmed Level = iota
	// Stored: it is on the disk, and will be carried out by the next comparison with
	// the switch, which need not be connected. What cannot be kept, such as a flow
	// with timeouts, cannot be written so, and what nobody has written through
	// Sluice is neither changed nor deleted by it.
	Stored
	// Sent: it is on its way to the switch. What the switch refuses is not undone,
	// but degraded. A bundle is confirmed all the same.
	Sent
	// Verified: what the switch has was read after the barrier, and is as it should
	// be.
	Verified
	numLevels
)

var levelNames = [numLevels]string{"confirmed", "stored", "sent", "verified"}

// String returns the level in a word.
func (l Level) String() string { return levelNames[l] }

// DifferError says that a switch has confirmed a message, and has something else
// than it said.
type DifferError struct{ Has string } // "" is nothing

// Error says what the switch has instead.
func (e *DifferError) Error() string {
	if e.Has == "" {
		return "confirmed, and not there"
	}
	return "confirmed, and the switch has instead: " + e.Has
}

// ErrTransient means that something which is not kept was to be stored only.
var ErrTransient = errors.New("a flow with timeouts is never stored: it cannot be written with level stored")

// storable fails if msgs add what is not kept, which a transaction that is only
// stored would lose.
func storable(msgs []ofp.Message) error {
	var failures []channel.ItemError
	for i, m := range msgs {
		if transient(m) {
			failures = append(failures, channel.ItemError{Index: i, Message: m, Err: ErrTransient})
		}
	}
	if failures != nil {
		return &channel.WriteError{Errors: failures}
	}
	return nil
}

// catchUp brings a switch to what was stored for it and not sent, so that the
// messages which come next find it there. The caller has the turn.
func (d *State) catchUp(ctx context.Context, sw Switch, b *book, level Level) error {
	b.mu.Lock()
	behind := b.behind
	b.mu.Unlock()
	if !behind || level == Stored {
		return nil
	}
	if _, err := d.bring(ctx, sw, b); err != nil {
		return fmt.Errorf("carry out what was stored before: %w", err)
	}
	return nil
}

// setBehind notes whether something is stored that was not sent.
func (b *book) setBehind(is bool) {
	b.mu.Lock()
	b.behind = is
	b.mu.Unlock()
}

// settleTimeout bounds the wait for the turn of a book, after which what a switch
// has confirmed is noted by the next comparison.
const settleTimeout = 5 * time.Second

// sendOnly sends messages that are stored, and returns when they are on their way.
// What became of them is noted when the switch has answered.
func (d *State) sendOnly(ctx context.Context, sw Switch, b *book, t Txn, effects []effect, rev store.Revision) error {
	was := b.was
	d.keepHold(b) // for the answer
	err := sw.WriteSent(ctx, t.Messages, func(err error) {
		ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
		defer cancel()
		defer d.letGo(b)
		if b.take(ctx) != nil {
			return
		}
		defer b.giveBack()
		b.settle(effects, was, err)
		if missed := was.missed(effects, t.Messages); err == nil && len(missed) > 0 {
			b.stand(missed)
			b.setBehind(true)
		}
	})
	if err != nil {
		d.letGo(b)
		return &InDoubtError{rev, err}
	}
	return nil
}

// settle notes what became of effects that were sent some time ago, as far as
// nobody has changed them since.
func (b *book) settle(effects []effect, was standing, err error) {
	refused := make(map[int]string)
	we := (*channel.WriteError)(nil)
	switch {
	case err == nil:
	case errors.As(err, &we) && we.Err == nil:
		for _, e := range we.Errors {
			refused[e.Index] = e.Err.Error()
		}
	default:
		return // the next comparison tells
	}
	var still []effect
	now := time.Now()
	for _, e := range effects {
		why, no := refused[e.message]
		switch {
		case !b.stands(&e):
		case no && e.after != nil:
			b.mark(e.at, Degraded, why, now)
		case !no:
			still = append(still, e)
		}
	}
	b.confirm(still, was)
}

// stands reports whether nobody has changed what an effect led to.
func (b *book) stands(e *effect) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	x, ok := b.items.get(e.at)
	if e.after == nil {
		return !ok && string(b.graves[e.at]) == string(e.before)
	}
	return ok && string(x.value) == string(e.after)
}

// WriteOnly writes a transaction of which nothing is kept.
func (t *Txn) WriteOnly(ctx context.Context, sw Switch) (err error) {
	switch {
	case t.Level == Stored:
		return nil // nobody wants what it is about
	case t.Bundle:
		err = sw.WriteBundleWhen(ctx, t.Messages, nil)
	case t.Level == Sent:
		return sw.WriteSent(ctx, t.Messages, func(error) {})
	default:
		err = sw.Write(ctx, t.Messages)
	}
	if err == nil && t.Level == Verified {
		err = Verify(ctx, sw, t.Messages)
	}
	return err
}

// Verify reads what a switch has and compares it with what msgs, which it has
// confirmed, must have led to. It fails with a *channel.WriteError, of which each
// item is a *DifferError, or whose Err says why nothing could be read.
func Verify(ctx context.Context, sw Switch, msgs []ofp.Message) error {
	has, err := readAbout(ctx, sw, msgs)
	if err != nil {
		return &channel.WriteError{Sent: len(msgs), Confirmed: len(msgs), Err: fmt.Errorf("confirmed, but not verified: %w", err)}
	}
	we := &channel.WriteError{Sent: len(msgs), Confirmed: len(msgs)}
	for _, x := range plan.Verify(plan.Switch{Version: sw.Version(), Extensions: sw.Extended()}, msgs, has) {
		we.Errors = append(we.Errors, channel.ItemError{Index: x.Message, Message: msgs[x.Message], Err: &DifferError{x.Has}})
	}
	if we.Errors == nil {
		return nil
	}
	return we
}

// readAbout reads what messages are about, and perhaps more.
func readAbout(ctx context.Context, sw Switch, msgs []ofp.Message) (*plan.Has, error) {
	var flows, groups, meters int
	filter := ofp.AllFlows()
	for _, m := range msgs {
		switch m := m.(type) {
		case *ofp.FlowMod:
			if flows++; flows == 1 {
				filter.Match = m.Match // it is about no flows but those that match as closely
			} else {
				filter = ofp.AllFlows()
			}
		case *ofp.GroupMod:
			groups++
		case *ofp.MeterMod:
			meters++
		}
	}
	has := new(plan.Has)
	var err error
	if flows > 0 {
		if has.Flows, err = sw.Flows(ctx, filter); err != nil {
			return nil, fmt.Errorf("read flows: %w", err)
		}
	}
	if groups > 0 {
		if has.Groups, err = sw.Groups(ctx, ofp.GroupAll); err != nil {
			return nil, fmt.Errorf("read groups: %w", err)
		}
	}
	if meters > 0 {
		if has.Meters, err = sw.Meters(ctx, ofp.MeterAll); err != nil {
			return nil, fmt.Errorf("read meters: %w", err)
		}
	}
	return has, nil
}
