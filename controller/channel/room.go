package channel

// A Write of more than smallWrite bytes needs room: all of them that are on their
// way hold most bytes at most, or are one alone. Those that find none wait in the
// order in which they came. Small ones neither wait nor count, so that no stream of
// them keeps a large one out; as many as requests may be in flight have room beside
// it.

// ticket is the place of a Write among those that wait for room.
type ticket struct {
	size  int           // bytes of it
	ready chan struct{} // closed when there is room, which is kept for it then
	given bool          // ready is closed
}

// roomLocked makes room for a Write of so many bytes and returns nil, or the place
// where it waits. One that has had its place and its turn brings it along.
func (o *outbox) roomLocked(size int, had *ticket) *ticket {
	if had != nil && had.given {
		o.large -= had.size
		had.given, had.size = false, 0
		if size > smallWrite {
			o.large += size
		}
		return nil
	}
	if size <= smallWrite {
		return nil
	}
	if len(o.waiters) == 0 && o.fits(size) {
		o.large += size
		return nil
	}
	t := &ticket{size: size, ready: make(chan struct{})}
	o.waiters = append(o.waiters, t)
	return t
}

func (o *outbox) fits(size int) bool { return o.large == 0 || o.large+size <= o.most }

// leftLocked gives room back, and to those who wait for it.
func (o *outbox) leftLocked(bytes int) {
	o.large -= bytes
	for len(o.waiters) > 0 && o.fits(o.waiters[0].size) {
		t := o.waiters[0]
		o.waiters[0] = nil
		o.waiters = o.waiters[1:]
		o.large += t.size
		t.given = true
		close(t.ready)
	}
	if len(o.waiters) == 0 {
		o.waiters = nil
	}
}

// abandon gives up a place, and the room that was perhaps kept for it.
func (o *outbox) abandon(t *ticket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := 0
	if t.given {
		kept, t.given = t.size, false
	}
	for i, w := range o.waiters {
		if w == t {
			o.waiters = append(o.waiters[:i], o.waiters[i+1:]...)
			break
		}
	}
	o.leftLocked(kept)
}
