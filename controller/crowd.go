package controller

import (
	"context"
	"sync/atomic"
	"time"
)

// crowdPatience is how long a connection waits for one of those before it to be
// ready or gone, when they are too many.
const crowdPatience = 500 * time.Millisecond

// crowd counts the connections whose switch is not ready yet. When they are too
// many, the next one waits a moment for room, and with it those that the kernel
// holds: thousands of switches that come at once come one after the other, none
// is turned away. If there is no room after that moment, those before are no
// switches that are on their way: it is turned away, and so are those after it,
// at once, until there is room.
type crowd struct {
	n       atomic.Int32
	room    chan struct{} // one has left
	stalled atomic.Bool   // a connection has waited in vain, and none has left since
}

func (w *crowd) init() { w.room = make(chan struct{}, 1) }

// enter counts a connection if there are less than most, or soon are, and
// reports whether it has. Who enters leaves.
func (w *crowd) enter(ctx context.Context, most int) bool {
	for {
		if w.n.Add(1) <= int32(most) {
			return true
		}
		w.n.Add(-1)
		if w.stalled.Load() {
			return false
		}
		t := time.NewTimer(crowdPatience)
		select {
		case <-w.room:
			t.Stop()
		case <-t.C:
			w.stalled.Store(true)
			return false
		case <-ctx.Done():
			t.Stop()
			return false
		}
	}
}

// leave is called once for each that has entered, when its switch is ready or
// it has ended.
func (w *crowd) leave() {
	w.n.Add(-1)
	w.stalled.Store(false)
	select {
	case w.room <- struct{}{}:
	default: // there is a sign already
	}
}
