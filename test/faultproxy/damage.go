package faultproxy

import (
	"encoding/binary"
	"slices"
	"time"
)

// damage hands a whole message on with the faults that are about messages.
func (d *direction) damage(b []byte, now time.Time) {
	b = slices.Clone(b)
	twice, late := false, false
	for i := range d.faults {
		f := &d.faults[i]
		if f.Kind <= Cut || f.Kind > Reorder || !d.happens(f, now) {
			continue
		}
		switch f.Kind {
		case Drop:
			return
		case Corrupt:
			bit := d.rand.IntN(8 * len(b))
			b[bit/8] ^= 1 << (bit % 8)
		case CorruptLength:
			d.otherLength(b)
		case DuplicateSegment:
			from, to := d.segment(len(b))
			b = slices.Insert(b, to, slices.Clone(b[from:to])...)
		case ReorderSegment:
			if len(b) >= 2 { // the neighbours [from, mid) and [mid, to)
				mid := 1 + d.rand.IntN(len(b)-1)
				from, to := d.rand.IntN(mid), mid+1+d.rand.IntN(len(b)-mid)
				copy(b[from:to], slices.Concat(b[mid:to], b[from:mid]))
			}
		case Duplicate:
			twice = true
		case Reorder:
			late = true
		}
	}
	if late && d.held == nil {
		if twice {
			b = append(b, b...)
		}
		d.held, d.heldUntil = b, now.Add(holdTime)
		return
	}
	d.forward(b, now)
	if twice {
		d.forward(slices.Clone(b), now)
	}
	d.release(now)
}

// segment draws a piece of at least one byte.
func (d *direction) segment(n int) (from, to int) {
	from = d.rand.IntN(n)
	return from, from + 1 + d.rand.IntN(n-from)
}

// otherLength gives a message another length in its header: too short to be one,
// a little more or less than it is, or anything.
func (d *direction) otherLength(b []byte) {
	if d.raw || len(b) < headerLen {
		return
	}
	was := binary.BigEndian.Uint16(b[2:])
	is := was
	switch d.rand.IntN(3) {
	case 0:
		is = uint16(d.rand.IntN(headerLen))
	case 1:
		is += uint16(1 + d.rand.IntN(16))
	default:
		is = uint16(d.rand.IntN(1 << 16))
	}
	if is == was {
		is ^= 1
	}
	binary.BigEndian.PutUint16(b[2:], is)
}

// release hands on what was held to come late.
func (d *direction) release(now time.Time) {
	if b := d.held; b != nil {
		d.held = nil
		d.forward(b, now)
	}
}

// forward gives bytes to the writer, which owns them now, with the faults that
// are about time.
func (d *direction) forward(b []byte, now time.Time) {
	if len(b) == 0 {
		return
	}
	p := piece{b: b}
	for i := range d.faults {
		f := &d.faults[i]
		if f.Kind < Delay || !d.holds(f, now) || !f.sure() && d.rand.Float64() >= f.Chance {
			continue
		}
		switch f.Kind {
		case Delay:
			d.count(Delay)
			wait := f.Min
			if f.Max > f.Min {
				wait += time.Duration(d.rand.Int64N(int64(f.Max - f.Min)))
			}
			if p.due.IsZero() {
				p.due = now
			}
			p.due = p.due.Add(wait)
		case Throttle:
			if p.rate == 0 || f.Size < p.rate {
				p.rate = f.Size
			}
		case Split:
			if p.split == 0 || f.Size < p.split {
				p.split = f.Size
			}
		}
	}
	// The order is kept.
	if p.due.After(d.due) {
		d.due = p.due
	} else if now.Before(d.due) {
		p.due = d.due
	}
	d.put(p)
}

func (d *direction) put(p piece) { d.out.put(p, d.pair.done) }
