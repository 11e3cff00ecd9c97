package channel

import (
	"math/bits"
	"sync/atomic"

	"github.com/sluice-sdn/sluice/ofp"
)

// NumTypes is more than the highest ofp.Type.
const NumTypes = 64

// Drop says what was thrown away, and why. Each is counted.
type Drop uint8

// Drops. Those of packet-ins stand in the order of their classes.
const (
	DropPacketInARP Drop = iota
	DropPacketInLLDP
	DropPacketInIP
	DropPacketInOther
	DropLimitARP
	DropLimitLLDP
	DropLimitIP
	DropLimitOther
	DropPacketInHandshake
	DropPacketOut
	DropMessage
	DropAnswer
	DropLateReply
	DropUnhandled
	DropSlave
	NumDrops
)

var dropNames = [NumDrops]string{
	DropPacketInARP:       "packet_in_arp",         // the inbox was full: the apps are too slow
	DropPacketInLLDP:      "packet_in_lldp",        // the inbox was full
	DropPacketInIP:        "packet_in_ip",          // the inbox was full
	DropPacketInOther:     "packet_in_other",       // the inbox was full
	DropLimitARP:          "packet_in_arp_limit",   // over the class's limit (--packet-in-rate)
	DropLimitLLDP:         "packet_in_lldp_limit",  // over the class's limit
	DropLimitIP:           "packet_in_ip_limit",    // over the class's limit
	DropLimitOther:        "packet_in_other_limit", // over the class's limit
	DropPacketInHandshake: "packet_in_handshake",   // more came in the handshake than can be kept
	DropPacketOut:         "packet_out",            // the outbox was over its high-water mark
	DropMessage:           "message",               // the outbox was over twice its high-water mark
	DropAnswer:            "answer",                // the switch asks faster than it reads answers
	DropLateReply:         "late_reply",            // nobody waits for the reply any more
	DropSlave:             "slave",                 // a command that was not sent, since the controller is a slave
	DropUnhandled:         "unhandled",             // a message that a switch should not send, or that nobody asked for
}

// String returns the drop as a metric label.
func (d Drop) String() string { return dropNames[min(d, NumDrops-1)] }

// Stats counts what happens on connections. Many connections may share one; the
// fields may be read at any time.
type Stats struct {
	In          [NumTypes]atomic.Uint64   // messages received, by ofp.Type
	Out         [NumTypes]atomic.Uint64   // messages given to the outbox, by ofp.Type
	Errors      [256]atomic.Uint64        // OpenFlow errors received, by ofp.ErrorReason
	Refused     [NumReasons]atomic.Uint64 // connections that ended before they were up
	Ended       [NumReasons]atomic.Uint64 // connections that ended after
	Drops       [NumDrops]atomic.Uint64
	Undecodable atomic.Uint64 // messages that were received whole and could not be read
}

// tally counts messages by type where one goroutine counts, or under a lock,
// until they are added to a Stats.
type tally struct {
	n    [NumTypes]uint32
	seen uint64 // bit t: n[t] is not zero
}

func (t *tally) add(typ ofp.Type) {
	t.n[typ&(NumTypes-1)]++
	t.seen |= 1 << (typ & (NumTypes - 1))
}

// addMany adds n of a type.
func (t *tally) addMany(typ ofp.Type, n int) {
	if n > 0 {
		t.n[typ&(NumTypes-1)] += uint32(n)
		t.seen |= 1 << (typ & (NumTypes - 1))
	}
}

// merge adds the counts of another.
func (t *tally) merge(from *tally) {
	for seen := from.seen; seen != 0; seen &= seen - 1 {
		i := bits.TrailingZeros64(seen)
		t.n[i] += from.n[i]
	}
	t.seen |= from.seen
}

// clear forgets all counts.
func (t *tally) clear() {
	for ; t.seen != 0; t.seen &= t.seen - 1 {
		t.n[bits.TrailingZeros64(t.seen)] = 0
	}
}

// addTo moves the counts to the given counters.
func (t *tally) addTo(to *[NumTypes]atomic.Uint64) {
	for seen := t.seen; seen != 0; seen &= seen - 1 {
		i := bits.TrailingZeros64(seen)
		to[i].Add(uint64(t.n[i]))
		t.n[i] = 0
	}
	t.seen = 0
}
