package channel

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Bounds of taps.
const (
	maxTaps    = 16      // of one connection
	tapLimit   = 1 << 20 // bytes that wait for one tap's listener
	tappedCost = 64      // bytes that a message is counted for besides its own
)

// Tap listens to what is said on a connection, both ways. Next may be called
// from one goroutine at a time; Close from any, at any time.
//
// A listener never holds the connection up: when it is slow, and 1 MiB waits for
// it, messages are left out and counted until it comes for those that wait.
type Tap struct {
	conn  *Conn
	types uint64 // a bit for each type
	wake  chan struct{}

	mu    sync.Mutex
	queue []Tapped
	held  int    // bytes of queue, with tappedCost
	lost  uint64 // after the last of queue
}

// Tapped is a message that a Tap has heard.
type Tapped struct {
	// Time is when it was received, or when it was about to be written.
	Time time.Time
	// Sent says that it goes to the switch.
	Sent bool
	// Frame is the whole message, in memory of its own.
	Frame []byte
}

// taps are the taps of a connection. Those who say something look at list only,
// which is nil as long as nobody listens.
type taps struct {
	list atomic.Pointer[[]*Tap]
	mu   sync.Mutex // of those who change list
}

// Tap returns a listener to the messages of these types, or to all of them if
// none is given, from now on. It fails with ErrOverloaded if the connection has
// many already. The caller must close it.
func (c *Conn) Tap(types ...ofp.Type) (*Tap, error) {
	t := &Tap{conn: c, wake: make(chan struct{}, 1)}
	for _, typ := range types {
		t.types |= 1 << typ
	}
	if len(types) == 0 {
		t.types = ^uint64(0)
	}
	c.taps.mu.Lock()
	defer c.taps.mu.Unlock()
	var list []*Tap
	if now := c.taps.list.Load(); now != nil {
		list = *now
	}
	if len(list) >= maxTaps {
		return nil, fmt.Errorf("tap: %w: %d listen already", ErrOverloaded, len(list))
	}
	list = append(slices.Clip(list), t)
	c.taps.list.Store(&list)
	return t, nil
}

// Close ends the listening. It may be called twice.
func (t *Tap) Close() {
	a := &t.conn.taps
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.list.Load()
	if now == nil {
		return
	}
	list := slices.DeleteFunc(slices.Clone(*now), func(x *Tap) bool { return x == t })
	if len(list) == 0 {
		a.list.Store(nil)
	} else {
		a.list.Store(&list)
	}
}

// Next waits for messages and returns those that have come, in order, and how
// many were left out after the last of them because the listener was slow. The
// messages are the caller's. It fails with the context's error, and, when the
// connection has ended and everything was returned, with ErrDisconnected.
func (t *Tap) Next(ctx context.Context) (said []Tapped, lost uint64, err error) {
	for {
		t.mu.Lock()
		said, lost = t.queue, t.lost
		t.queue, t.held, t.lost = nil, 0, 0
		t.mu.Unlock()
		if len(said) > 0 || lost > 0 {
			return said, lost, nil
		}
		select {
		case <-t.wake:
			continue
		default:
		}
		select {
		case <-t.wake:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-t.conn.done:
			select {
			case <-t.wake:
			default:
				return nil, 0, ErrDisconnected
			}
		}
	}
}

// hear takes a message.
func (t *Tap) hear(typ ofp.Type, now time.Time, sent bool, frame []byte) {
	if t.types>>typ&1 == 0 {
		return
	}
	t.mu.Lock()
	// Once one is left out the others are, too: so the gap has one place.
	if t.lost > 0 || t.held+len(frame)+tappedCost > tapLimit {
		t.lost++
	} else {
		t.queue = append(t.queue, Tapped{now, sent, bytes.Clone(frame)})
		t.held += len(frame) + tappedCost
	}
	t.mu.Unlock()
	signal(t.wake)
}

// hear lets those who listen hear messages that stand one after the other.
func (a *taps) hear(sent bool, frames []byte) {
	list := a.list.Load()
	if list == nil || len(frames) == 0 {
		return
	}
	now := time.Now()
	for len(frames) >= ofp.HeaderLen {
		h := ofp.Header{Version: ofp.Version(frames[0]), Kind: frames[1]}
		n := min(max(int(binary.BigEndian.Uint16(frames[2:])), ofp.HeaderLen), len(frames))
		typ := h.Type()
		for _, t := range *list {
			t.hear(typ, now, sent, frames[:n])
		}
		frames = frames[n:]
	}
}
