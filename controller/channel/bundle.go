package channel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/sluice-sdn/sluice/ofp"
)

// A bundle is messages that a switch keeps until they are committed, and then
// carries out together or not at all: extension 230 of the ONF to OpenFlow 1.3.
// Open vSwitch has it there, and refuses it on 1.0, 1.1 and 1.2.
//
// A switch that refuses a message when it is added commits the others all the
// same, and one that has given up a bundle takes the next addition for a new one
// (section 6.9.5 of OpenFlow 1.4.1). So nothing is committed before a barrier has
// shown that every addition was taken, and that the bundle was not given up
// meanwhile, which is told by an error about its opening.

// What a bundle may be made of: a switch holds all of it until it is committed.
const (
	MaxBundle      = 1 << 18  // messages
	MaxBundleBytes = 64 << 20 // on the wire
)

// bundleFlags are those of every bundle.
const bundleFlags = ofp.BundleAtomic | ofp.BundleOrdered

// Whether a switch has bundles.
const (
	bundlesUnknown int32 = iota
	bundlesThere
	bundlesLacking
)

// bundles is what a connection knows of bundles.
type bundles struct {
	turn  chan struct{} // of capacity 1: one bundle at a time is open
	last  uint32        // number of the last one, of who has the turn
	there atomic.Int32
}

// Bundles reports whether the switch has bundles. The first time it asks the
// switch, by opening one and discarding it; what comes of it is remembered, unless
// nothing did: then it fails, with a *WriteError as WriteBundle does.
func (c *Conn) Bundles(ctx context.Context) (bool, error) {
	if c.version != ofp.V13 {
		return false, nil
	}
	if is := c.bundles.there.Load(); is != bundlesUnknown {
		return is == bundlesThere, nil
	}
	if err := c.takeBundle(ctx); err != nil {
		return false, err
	}
	defer c.releaseBundle()
	return c.probeBundles(ctx)
}

func (c *Conn) takeBundle(ctx context.Context) error {
	select {
	case c.bundles.turn <- struct{}{}:
		return nil
	case <-c.done:
		return &WriteError{Err: ErrDisconnected, Untouched: true}
	case <-ctx.Done():
		return &WriteError{Err: fmt.Errorf("waiting for other bundles of the switch: %w", ctx.Err()), Untouched: true}
	}
}

func (c *Conn) releaseBundle() { <-c.bundles.turn }

// probeBundles is Bundles for who has the turn.
func (c *Conn) probeBundles(ctx context.Context) (bool, error) {
	if is := c.bundles.there.Load(); is != bundlesUnknown {
		return is == bundlesThere, nil
	}
	b := c.newBundle(nil)
	err := b.stage(ctx)
	c.replies.removeWrite(b.t)
	switch refused := b.refusal(); {
	case err != nil:
		b.discard()
		return false, &WriteError{Err: err, Untouched: true}
	case b.t.opened:
		b.discard()
		c.bundles.there.Store(bundlesThere)
		return true, nil
	case refused == nil || lacksBundles(refused):
		// One that answers the barrier behind it and says nothing has ignored it.
		c.bundles.there.Store(bundlesLacking)
		return false, nil
	default:
		return false, &WriteError{Err: refused, Untouched: true}
	}
}

// lacksBundles reports whether a switch that answers so to the opening of a bundle
// has none such at all, rather than none at the moment or for us.
func lacksBundles(err error) bool {
	s, ok := errors.AsType[*SwitchError](err)
	if !ok {
		return errors.Is(err, ErrUnreadable)
	}
	switch s.Reply.Reason {
	case ofp.BadRequestIsSlave, ofp.BadRequestEPERM, ofp.BundleFailedEPERM, ofp.BundleFailedOutOfBundles,
		ofp.BundleFailedBundleExist, ofp.BundleFailedBundleInProgress, ofp.BundleFailedTimeout:
		return false
	}
	return true
}

// bundle is one that is on its way to the switch.
type bundle struct {
	c    *Conn
	id   uint32
	msgs []ofp.Message
	t    *transaction // its messages are the opening and, behind it, msgs
	sent int          // of these
}

func (c *Conn) newBundle(msgs []ofp.Message) *bundle {
	c.bundles.last++
	t := &transaction{messages: 1 + len(msgs), bundle: true, done: make(chan struct{})}
	t.group.Store(groupFirst)
	t.first = c.out.reserve(xids(t.messages))
	return &bundle{c: c, id: c.bundles.last, msgs: msgs, t: t}
}

// stage opens the bundle and adds the messages, and waits until the switch has
// looked at all of them. When it returns, nothing of it waits to be sent.
func (b *bundle) stage(ctx context.Context) error {
	p, failures, err := b.c.push(ctx, b.t, true, b.encode)
	if failures != nil {
		return &WriteError{Errors: failures}
	}
	if err != nil {
		return err
	}
	err = b.c.await(ctx, b.t, p)
	b.sent = b.c.out.withdraw(p)
	if err == nil {
		b.c.replies.mu.Lock()
		err = b.t.err
		b.c.replies.mu.Unlock()
	}
	return err
}

// encode encodes the opening and the additions, in pieces as encodeAll does.
func (b *bundle) encode() (groups [][]byte, failures []ItemError) {
	v, xid := b.c.version, b.t.first
	enc := ofp.Encoder{Extensions: b.c.extended}
	g, _ := enc.Append(nil, v, xid, &ofp.BundleControl{ID: b.id, Kind: ofp.BundleOpenRequest, Flags: bundleFlags})
	bytes := 0
	add := ofp.BundleAdd{ID: b.id, Flags: bundleFlags}
	for i, m := range b.msgs {
		xid += 2
		add.Message = m
		var err error
		if g, err = enc.Append(g, v, xid, &add); err != nil {
			if _, plain := enc.Append(nil, v, xid, m); plain != nil {
				err = plain
			}
			failures = append(failures, ItemError{i, m, err})
		}
		if (i+1)%groupMost == 0 {
			bytes += len(g)
			groups, g = append(groups, g), nil
		}
		if bytes+len(g) > MaxBundleBytes {
			return nil, []ItemError{{i, m, fmt.Errorf("%w: %d bytes at most, all in all", ErrBundleTooLong, MaxBundleBytes)}}
		}
	}
	if len(g) > 0 {
		groups = append(groups, g)
	}
	return groups, failures
}

// refusal is what the switch has said of the bundle itself, nil if nothing.
func (b *bundle) refusal() error {
	b.c.replies.mu.Lock()
	defer b.c.replies.mu.Unlock()
	for _, e := range b.t.errors {
		if e.Index == 0 {
			return e.Err
		}
	}
	return nil
}

// failures are what the switch has said of messages, by index.
func (b *bundle) failures() []ItemError {
	b.c.replies.mu.Lock()
	defer b.c.replies.mu.Unlock()
	var items []ItemError
	for _, e := range b.t.errors {
		if e.Index > 0 {
			items = append(items, ItemError{e.Index - 1, b.msgs[e.Index-1], e.Err})
		}
	}
	slices.SortFunc(items, func(a, b ItemError) int { return cmp.Compare(a.Index, b.Index) })
	return items
}

// discard has the switch forget the bundle. It waits for nothing: another bundle
// has another number.
func (b *bundle) discard() {
	if b.sent == 0 {
		return
	}
	xid := b.c.out.reserve(1)
	b.c.replies.dismiss(xid)
	// It fails if the connection has ended, and the bundle with it.
	_ = b.c.out.request(xid, &ofp.BundleControl{ID: b.id, Kind: ofp.BundleDiscardRequest, Flags: bundleFlags}, true)
}

// WriteBundle has the switch carry msgs out in order, all of them or none, and waits
// until it has. See Switch.WriteBundle of package controller.
func (c *Conn) WriteBundle(ctx context.Context, msgs []ofp.Message) error {
	return c.WriteBundleWhen(ctx, msgs, nil)
}

// WriteBundleWhen is WriteBundle that calls when, if it is not nil, once the switch
// has all messages and before it is told to carry them out. See
// Switch.WriteBundleWhen of package controller.
func (c *Conn) WriteBundleWhen(ctx context.Context, msgs []ofp.Message, when func() error) error {
	if len(msgs) > MaxBundle {
		return &WriteError{Err: fmt.Errorf("%w: %d messages, at most %d", ErrBundleTooLong, len(msgs), MaxBundle), Untouched: true}
	}
	if c.version != ofp.V13 {
		return &WriteError{Err: ErrNoBundles, Untouched: true}
	}
	if err := c.takeBundle(ctx); err != nil {
		return err
	}
	defer c.releaseBundle()
	if is, err := c.probeBundles(ctx); err != nil {
		return err
	} else if !is {
		return &WriteError{Err: ErrNoBundles, Untouched: true}
	}
	all, origin, bad, err := withoutUsers(msgs)
	if err != nil {
		return &WriteError{Err: fmt.Errorf("message %d %w", bad, err), Untouched: true}
	}
	all, then, bad, err := withAdded(all)
	if origin = composed(origin, then); err != nil {
		if origin != nil {
			bad = origin[bad]
		}
		return &WriteError{Err: fmt.Errorf("message %d %w", bad, err), Untouched: true}
	}
	return originally(c.writeBundle(ctx, all, when), msgs, origin)
}

// writeBundle is WriteBundleWhen for who has the turn, of a switch that has bundles.
func (c *Conn) writeBundle(ctx context.Context, msgs []ofp.Message, when func() error) error {
	b := c.newBundle(msgs)
	defer c.replies.removeWrite(b.t)
	if err := b.stage(ctx); err != nil {
		b.discard()
		if we, ok := errors.AsType[*WriteError](err); ok { // it cannot be said
			we.Untouched = true
			if errors.Is(we, ErrBundleTooLong) {
				we.Err, we.Errors = we.Errors[0].Err, nil
			}
			return we
		}
		return &WriteError{Errors: b.failures(), Err: err, Untouched: true}
	}
	refused, failures := b.refusal(), b.failures()
	if refused == nil && !b.t.opened {
		refused = errors.New("the switch does not answer that it is open")
	}
	if refused == nil && len(failures) == 0 && when != nil {
		refused = when()
	}
	if refused == nil && len(failures) == 0 {
		refused = b.c.gone(ctx)
	}
	if refused == nil && len(failures) == 0 {
		return b.commit(ctx)
	}
	b.discard()
	return &WriteError{Errors: failures, Err: refused, Untouched: true}
}

// gone returns why nothing need be sent any more, nil if it need.
func (c *Conn) gone(ctx context.Context) error {
	select {
	case <-c.done:
		return ErrDisconnected
	default:
		return ctx.Err()
	}
}

// commit has the switch carry the bundle out. If no answer comes, nobody knows
// whether it has.
func (b *bundle) commit(ctx context.Context) error {
	reply, err := b.c.request(Apart(ctx), &ofp.BundleControl{ID: b.id, Kind: ofp.BundleCommitRequest, Flags: bundleFlags}, true)
	if err == nil {
		if k := reply.(*ofp.BundleControl).Kind; k != ofp.BundleCommitReply {
			err = fmt.Errorf("commit: %w", &ReplyError{What: k.String()})
		}
	}
	if err == nil {
		return nil
	}
	failures := b.failures()
	_, refused := errors.AsType[*SwitchError](err)
	if refused = refused || errors.Is(err, ErrUnreadable); !refused {
		return &WriteError{Errors: failures, Sent: len(b.msgs), Err: fmt.Errorf("commit of a bundle: %w", err)}
	}
	if len(failures) > 0 { // then what it says of the commit is that they failed
		err = nil
	}
	return &WriteError{Errors: failures, Err: err, Untouched: true}
}

// open takes a switch's answer to the opening of a bundle.
func (t *transaction) open(xid uint32, frame []byte) bool {
	if !t.bundle || xid != t.first || ofp.TypeOf(frame) != ofp.TypeBundleControl {
		return false
	}
	_, m, err := ofp.Decode(frame)
	if reply, ok := m.(*ofp.BundleControl); err == nil && ok && reply.Kind == ofp.BundleOpenReply {
		t.opened = true
	}
	return true
}
