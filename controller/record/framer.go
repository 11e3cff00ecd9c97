package record

import (
	"encoding/binary"

	"github.com/sluice-sdn/sluice/ofp"
)

// framer follows the lengths of messages through a stream of bytes.
type framer struct {
	left int // bytes of the present message that are still to come
	head [4]byte
	n    int  // bytes of head
	bad  bool // a length cannot be: nobody knows where messages begin
}

// pass takes the next bytes, and returns where in them the first message begins,
// or -1 if none does.
func (f *framer) pass(b []byte) int {
	first := -1
	for at := 0; at < len(b) && !f.bad; {
		if f.left > 0 {
			n := min(f.left, len(b)-at)
			f.left -= n
			at += n
			continue
		}
		if f.n == 0 && first < 0 {
			first = at
		}
		if f.n == 0 && len(b)-at >= len(f.head) {
			f.begin(b[at:])
		} else {
			f.head[f.n] = b[at]
			f.n++
			at++
			if f.n == len(f.head) {
				f.begin(f.head[:])
				f.left -= f.n
				f.n = 0
			}
		}
	}
	return first
}

func (f *framer) begin(head []byte) {
	f.left = int(binary.BigEndian.Uint16(head[2:]))
	f.bad = f.left < ofp.HeaderLen
}

// assembler makes whole messages of the bytes of one direction.
type assembler struct {
	partial []byte // of a message that is not whole yet
	raw     bool   // a length could not be: what follows is taken as it comes
}

// together is how many messages go into one packet at most. Wireshark gives a
// packet up in which it finds 500 layers, and a packet-in has some inside.
const together = 25

// feed takes the next bytes and hands whole messages to emit, as many together
// as fit into most bytes; longer messages alone. What emit is given is its own
// only until it returns.
func (a *assembler) feed(b []byte, most int, emit func([]byte)) {
	joined := len(a.partial) > 0
	if joined {
		a.partial = append(a.partial, b...)
		b = a.partial
	}
	from, at, count := 0, 0, 0
	for !a.raw && len(b)-at >= 4 {
		n := int(binary.BigEndian.Uint16(b[at+2:]))
		if n < ofp.HeaderLen {
			a.raw = true
			break
		}
		if n > len(b)-at {
			break
		}
		if at > from && (at+n-from > most || count == together) {
			emit(b[from:at])
			from, count = at, 0
		}
		at += n
		count++
	}
	if at > from {
		emit(b[from:at])
	}
	rest := b[at:]
	for a.raw && len(rest) > 0 {
		n := min(most, len(rest))
		emit(rest[:n])
		rest = rest[n:]
	}
	switch {
	case len(rest) == 0:
		a.partial = nil
	case joined:
		a.partial = a.partial[:copy(a.partial, rest)]
	default:
		a.partial = append(a.partial[:0], rest...)
	}
}
