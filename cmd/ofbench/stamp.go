package main

import (
	"encoding/binary"
	"slices"
)

// room returns how many packet-ins window and credit let go now, at most most.
func (t *traffic) room(most int) int {
	n := min(len(t.slots)-t.waiting, most)
	if t.credit >= 0 {
		n = min(n, t.credit)
	}
	return n
}

// fill appends packet-ins sent at now to dst, as many as window and credit let
// and as fit in limit bytes of dst, and returns the longer slice.
func (t *traffic) fill(dst []byte, now int64, limit int) []byte {
	n := t.room(max(limit-len(dst), 0) / t.frame)
	at := len(dst)
	dst = slices.Grow(dst, n*t.frame)
	for range n {
		dst = append(dst, t.sheet[:t.frame]...)
	}
	t.stamp(dst[at:], n, now)
	return dst
}

// write returns packet-ins sent at now, as many as window and credit let and at
// most limit bytes. They are good until the next call of a traffic with the same
// sheet.
func (t *traffic) write(now int64, limit int) []byte {
	n := t.room(min(limit, len(t.sheet)) / t.frame)
	b := t.sheet[:n*t.frame]
	t.stamp(b, n, now)
	return b
}

// newSheet returns so many bytes, or a little less, of packet-ins as t's, for all
// traffic of that version.
func (t *traffic) newSheet(size int) []byte {
	return slices.Repeat(t.sheet[:t.frame], max(size/t.frame, 1))
}

// stamp makes the next n packet-ins of those in b, which may be another switch's
// of the same version, and gives each a slot. There is room for them.
func (t *traffic) stamp(b []byte, n int, now int64) {
	// Copies of what the loop uses stay in registers, whatever it writes to.
	slots, next, frame, payloadAt, ports, prefix := t.slots, t.next, t.frame, t.payloadAt, t.portsAt, t.prefix
	turn := t.turn
	mask := uint32(len(slots) - 1)
	for range n {
		// A packet-in that is not answered keeps its slot, and those after it go
		// on without it.
		s := &slots[next&mask]
		for s.state == slotWaiting {
			next = (next + 1) & bufferIDMask
			s = &slots[next&mask]
		}
		*s = slot{sentAt: now, id: next, state: slotWaiting, lostBefore: s.state == slotLost}

		src, dst := turn.next()
		f := b[:frame]
		b = b[frame:]
		binary.BigEndian.PutUint32(f[bufferIDAt:], next)
		port := byte(hostPort(src) + 1)
		f[ports[0]], f[ports[1]] = port, port
		macs := f[payloadAt : payloadAt+12]
		binary.BigEndian.PutUint64(macs, prefix<<40|uint64(dst)<<16|prefix>>8)
		binary.BigEndian.PutUint32(macs[8:], uint32(prefix)<<24|src)
		next = (next + 1) & bufferIDMask
	}
	t.next, t.turn = next, turn
	t.waiting += n
	t.Sent += uint64(n)
	if t.credit >= 0 {
		t.credit -= n
	}
}
