package main

import (
	"encoding/binary"

	"github.com/sluice-sdn/sluice/ofp"
)

// answers takes note of the run of answers at the start of b, which came at now:
// whole messages whose first four bytes are like, and which have a buffer id at
// at. It returns how many bytes they have.
func (t *traffic) answers(b []byte, like uint32, at int, now int64) (used int) {
	size := int(like & 0xffff)
	mask := uint32(len(t.slots) - 1)
	var same uint64     // of those that were sent at sentAt
	sentAt := int64(-1) // none was
	for len(b) >= size && binary.BigEndian.Uint32(b) == like {
		id := binary.BigEndian.Uint32(b[at:])
		b = b[size:]
		used += size
		s := &t.slots[id&mask]
		if s.id != id || s.state != slotWaiting {
			t.stray(id)
			continue
		}
		s.state = slotAnswered
		if s.sentAt != sentAt {
			t.count(same, sentAt, now)
			same, sentAt = 0, s.sentAt
		}
		same++
	}
	t.count(same, sentAt, now)
	return used
}

// answer takes note of a flow-mod or packet-out with this buffer id that came at
// now, and reports whether it is the one that counts.
func (t *traffic) answer(id uint32, now int64) bool {
	s := &t.slots[id&uint32(len(t.slots)-1)]
	if s.id != id || s.state != slotWaiting {
		t.stray(id)
		return false
	}
	s.state = slotAnswered
	t.count(1, s.sentAt, now)
	return true
}

// count counts n answers that came at now, to what was sent at sentAt.
func (t *traffic) count(n uint64, sentAt, now int64) {
	if n == 0 {
		return
	}
	t.waiting -= int(n)
	t.Answered += n
	t.answeredUpTo = max(t.answeredUpTo, sentAt)
	t.lastAnswer = now
	if h := t.latency; h != nil {
		d := now - sentAt
		h.counts[bucketOf(d)] += n
		h.total += n
		h.max = max(h.max, d)
	}
}

// stray counts an answer that does not count, as what it is.
func (t *traffic) stray(id uint32) {
	s := &t.slots[id&uint32(len(t.slots)-1)]
	switch age := (t.next - id) & bufferIDMask; {
	case id == ofp.NoBuffer:
		t.Unbuffered++
	case id > bufferIDMask || age == 0 || uint64(age) > t.Sent+uint64(len(t.slots)):
		t.Unknown++
	case s.id == id && s.state == slotLost || s.id != id && s.lostBefore:
		t.Late++
	default:
		t.Duplicate++
	}
}
