package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-sdn/sluice/ofp"
)

// replies holds who waits for which reply.
type replies struct {
	mu     sync.Mutex
	calls  map[uint32]*call
	writes []*transaction
	idle   chan struct{} // closed when no Write is in flight; nil if nobody waits
	closed bool
	// dismissed is the xid of a request whose answer nobody needs; 0 if there is
	// none.
	dismissed uint32
	limit     int // calls
	bytes     int // of one assembled reply
	total     int // bytes of all of them
	held      int // bytes now
}

// call is one request in flight. The fields before done are written under
// replies.mu until done is closed, and read after.
type call struct {
	blocks [][]byte // the frames of the reply so far, each whole
	size   int      // bytes in blocks
	err    error
	done   chan struct{}
}

// blockSize is that of the memory for the segments of a long reply. They are
// not kept in one piece, which would be copied again and again as it grows.
const blockSize = 64 << 10

// keep adds a frame. The memory for a reply of one frame is no larger than it.
func (k *call) keep(frame []byte) {
	k.size += len(frame)
	if last := len(k.blocks) - 1; last >= 0 && cap(k.blocks[last])-len(k.blocks[last]) >= len(frame) {
		k.blocks[last] = append(k.blocks[last], frame...)
		return
	}
	size := len(frame)
	if len(k.blocks) > 0 {
		size = max(size, blockSize)
	}
	k.blocks = append(k.blocks, append(make([]byte, 0, size), frame...))
}

// add registers a request before it is sent. Only a probe may go over the limit.
func (r *replies) add(xid uint32, probe bool) (*call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrDisconnected
	}
	if len(r.calls) >= r.limit && !probe {
		return nil, fmt.Errorf("%w: %d requests in flight", ErrOverloaded, len(r.calls))
	}
	if r.calls == nil {
		r.calls = make(map[uint32]*call)
	}
	k := &call{done: make(chan struct{})}
	r.calls[xid] = k
	return k, nil
}

// has reports whether somebody waits for a reply of that xid.
func (r *replies) has(xid uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.calls[xid]
	return ok
}

// forget drops a request whose caller does not wait any more, and what is kept
// for it.
func (r *replies) forget(xid uint32, k *call) {
	r.mu.Lock()
	delete(r.calls, xid)
	r.held -= k.size
	k.size = 0
	r.mu.Unlock()
}

func (r *replies) finishLocked(xid uint32, k *call, err error) {
	k.err = err
	if err != nil {
		k.blocks = nil
	}
	delete(r.calls, xid)
	close(k.done)
}

// settle gives a reply to who waits for it, and reports whether anybody does.
func (r *replies) settle(h ofp.Header, typ ofp.Type, frame []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, ok := r.calls[h.XID]; ok {
		switch {
		case k.size+len(frame) > r.bytes:
			r.finishLocked(h.XID, k, fmt.Errorf("%w: more than %d bytes", ErrTooLong, r.bytes))
			return true
		case r.held+len(frame) > r.total:
			r.finishLocked(h.XID, k, fmt.Errorf("%w: together with others more than %d bytes", ErrTooLong, r.total))
			return true
		}
		k.keep(frame)
		r.held += len(frame)
		if !more(h.Version, typ, frame) {
			r.finishLocked(h.XID, k, nil)
		}
		return true
	}
	if typ == ofp.TypeExperimenter && r.dismissedLocked(h.XID) {
		return true
	}
	if typ == ofp.TypeExperimenter {
		return slices.ContainsFunc(r.writes, func(t *transaction) bool { return t.open(h.XID, frame) })
	}
	if typ == ofp.TypeBarrierReply {
		for _, t := range r.writes {
			if t.barrier(h.XID) {
				return true
			}
		}
	}
	return false
}

// more reports whether a frame is a segment of a multipart reply that others
// follow. The flags stand at the same place in all versions.
func more(v ofp.Version, typ ofp.Type, frame []byte) bool {
	return typ == ofp.TypeMultipartReply && len(frame) >= 12 &&
		binary.BigEndian.Uint16(frame[10:])&ofp.MultipartMore != 0
}

// maxErrorData bounds the bytes of the request that an error which waits for its
// caller keeps.
const maxErrorData = 256

// fail gives an error to the request that caused it, and reports whether there
// is one. What a SwitchError holds may alias its frame.
func (r *replies) fail(xid uint32, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, ok := r.calls[xid]; ok {
		r.finishLocked(xid, k, keepError(err))
		return true
	}
	for _, t := range r.writes {
		if t.fail(xid, err) {
			return true
		}
	}
	return r.dismissedLocked(xid)
}

// dismiss has the answer to a request, whatever it is, thrown away. It is for one
// request at a time.
func (r *replies) dismiss(xid uint32) {
	r.mu.Lock()
	r.dismissed = xid
	r.mu.Unlock()
}

func (r *replies) dismissedLocked(xid uint32) bool {
	if xid == 0 || xid != r.dismissed {
		return false
	}
	r.dismissed = 0
	return true
}

// keepError returns err in memory of its own.
func keepError(err error) error {
	s, ok := errors.AsType[*SwitchError](err)
	if !ok {
		return err
	}
	short := *s.Reply
	short.Data = short.Data[:min(len(short.Data), maxErrorData)]
	return &SwitchError{short.Clone()}
}

// close fails all that waits.
func (r *replies) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for xid, k := range r.calls {
		r.finishLocked(xid, k, ErrDisconnected)
	}
	for _, t := range r.writes {
		t.end(ErrDisconnected)
	}
	r.writes = nil
	r.idleLocked()
}

// inFlight returns how many requests and writes wait.
func (r *replies) inFlight() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls) + len(r.writes)
}

// Request sends m and waits for the reply of its xid, which it returns in memory
// of its own; the segments of a multipart reply are joined. An echo request goes
// in front of everything that waits to be written. See Switch.Request of package
// controller for the errors. The reply counts against Config.MaxRepliesBytes
// until it is decoded.
func (c *Conn) Request(ctx context.Context, m ofp.Message) (ofp.Message, error) {
	return c.request(ctx, m, false)
}

// Probe asks the switch for an echo, however many requests are in flight. It
// returns nil if the switch shows that it is there, by an error if it likes, and
// fails with ErrDisconnected or the context's error. One at a time is enough.
func (c *Conn) Probe(ctx context.Context) error {
	_, err := c.request(ctx, &ofp.EchoRequest{}, true)
	if errors.Is(err, ErrDisconnected) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (c *Conn) request(ctx context.Context, m ofp.Message, probe bool) (ofp.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	xid := c.out.reserve(1)
	for c.replies.has(xid) { // they begin anew after four thousand million
		xid = c.out.reserve(1)
	}
	if q, ok := m.(*ofp.RoleRequest); ok {
		c.role.asks(xid, q.Role)
	}
	k, err := c.replies.add(xid, probe)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Type(), err)
	}
	defer c.replies.forget(xid, k)
	if err := c.out.request(xid, m, goesFirst(ctx, m)); err != nil {
		if _, ok := errors.AsType[*ofp.EncodeError](err); ok {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w", m.Type(), err)
	}
	select {
	case <-k.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: no reply: %w", m.Type(), ctx.Err())
	}
	if k.err != nil {
		return nil, fmt.Errorf("%s: %w", m.Type(), k.err)
	}
	reply, frame, err := join(k.blocks)
	if err != nil {
		c.undecodable(frame, err)
		return nil, fmt.Errorf("%s: %w", m.Type(), &ReplyError{ofp.TypeOf(frame).String(), err})
	}
	if want, ok := replyTypes[m.Type()]; ok && reply.Type() != want {
		return nil, fmt.Errorf("%s: %w", m.Type(), &ReplyError{What: reply.Type().String()})
	}
	if q, ok := m.(*ofp.MultipartRequest); ok {
		if got := reply.(*ofp.MultipartReply).Body.Kind(); !answers(c.version, q.Body.Kind(), got) {
			return nil, fmt.Errorf("%s: %s: %w", m.Type(), q.Body.Kind(), &ReplyError{What: "with " + got.String()})
		}
	}
	return reply, nil
}

// answers reports whether a multipart reply of a kind is one to what was asked. What
// 1.0 and 1.1 lack of groups is asked and answered in Open vSwitch's own messages.
func answers(v ofp.Version, asked, got ofp.PartKind) bool {
	if asked == got {
		return true
	}
	groups := asked == ofp.PartGroup || asked == ofp.PartGroupDesc || asked == ofp.PartGroupFeatures
	return groups && v <= ofp.V11 && got == ofp.PartExperimenter
}

// replyTypes says how each request is answered; what has no row may be answered
// by anything.
var replyTypes = map[ofp.Type]ofp.Type{
	ofp.TypeEchoRequest:           ofp.TypeEchoReply,
	ofp.TypeFeaturesRequest:       ofp.TypeFeaturesReply,
	ofp.TypeGetConfigRequest:      ofp.TypeGetConfigReply,
	ofp.TypeMultipartRequest:      ofp.TypeMultipartReply,
	ofp.TypeBarrierRequest:        ofp.TypeBarrierReply,
	ofp.TypeQueueGetConfigRequest: ofp.TypeQueueGetConfigReply,
	ofp.TypeRoleRequest:           ofp.TypeRoleReply,
	ofp.TypeGetAsyncRequest:       ofp.TypeGetAsyncReply,
	ofp.TypeBundleControl:         ofp.TypeBundleControl,
}

// join decodes the frames of one reply and joins the segments of a multipart
// reply. The blocks are the caller's to give away: the message aliases them. With
// an error comes the frame that it is about.
func join(blocks [][]byte) (m ofp.Message, frame []byte, err error) {
	var whole *ofp.MultipartReply
	for _, frames := range blocks {
		for len(frames) > 0 {
			n := int(binary.BigEndian.Uint16(frames[2:]))
			frame, frames = frames[:n:n], frames[n:]
			_, m, err := ofp.Decode(frame)
			if err != nil {
				return nil, frame, err
			}
			part, ok := m.(*ofp.MultipartReply)
			switch {
			case !ok:
				return m, nil, nil
			case whole == nil:
				whole = part
			default:
				if err := whole.Join(part); err != nil {
					return nil, frame, err
				}
			}
		}
	}
	whole.Flags &^= ofp.MultipartMore
	return whole, nil, nil
}
