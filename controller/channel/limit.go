package channel

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// Limit bounds packet-ins of one class from one switch: Rate a second in the long
// run, and Burst at once (a second's worth if it is 0). Rate 0 is no limit.
type Limit struct {
	Rate, Burst int
}

// Limits holds the limit of each class.
type Limits [NumClasses]Limit

// MaxRate bounds Rate and Burst of a Limit.
const MaxRate = 1_000_000_000

// ParseLimits reads limits as CLASS=RATE or CLASS=RATE:BURST with commas between,
// such as ip=50000,arp=5000:500. Classes that are left out, and those of rate 0,
// have no limit; "none" and "" set none at all. Errors name the class.
func ParseLimits(s string) (Limits, error) {
	var all Limits
	if s == "" || s == "none" {
		return all, nil
	}
	var seen [NumClasses]bool
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		k, ok := ParseClass(name)
		switch {
		case !ok:
			return Limits{}, fmt.Errorf("unknown class %.20q; want %s=RATE", name, strings.Join(classNames[:], "=RATE, "))
		case seen[k]:
			return Limits{}, fmt.Errorf("%s: stands twice", k)
		}
		seen[k] = true
		var err error
		if all[k], err = ParseLimit(value); err != nil {
			return Limits{}, fmt.Errorf("%s: %w", k, err)
		}
	}
	return all, nil
}

// ParseLimit reads a limit as RATE or RATE:BURST; "none" and 0 are none.
func ParseLimit(s string) (l Limit, err error) {
	if s == "none" {
		return Limit{}, nil
	}
	rate, burst, withBurst := strings.Cut(s, ":")
	if l.Rate, err = parseCount(rate, 0); err != nil {
		return Limit{}, fmt.Errorf("rate %w", err)
	}
	if withBurst {
		if l.Burst, err = parseCount(burst, 1); err != nil {
			return Limit{}, fmt.Errorf("burst %w", err)
		}
	}
	return l, nil
}

// String returns the limit as ParseLimit reads it.
func (l Limit) String() string {
	switch {
	case l.Rate == 0:
		return "none"
	case l.Burst == 0 || l.Burst == l.Rate:
		return strconv.Itoa(l.Rate)
	}
	return fmt.Sprintf("%d:%d", l.Rate, l.Burst)
}

func parseCount(s string, low int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > MaxRate {
		return 0, fmt.Errorf("%.20q: want a number of packets from %d to %d", s, low, MaxRate)
	}
	return n, nil
}

// String returns the limits as ParseLimits reads them, "none" if there are none.
func (l Limits) String() string {
	var parts []string
	for k, x := range l {
		if x.Rate > 0 {
			parts = append(parts, fmt.Sprintf("%s=%v", Class(k), x))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ",")
}

// check fails if a limit is out of bounds.
func (l Limits) check() error {
	for k, x := range l {
		if err := x.Check(); err != nil {
			return fmt.Errorf("packet-in limit of %s: %w", Class(k), err)
		}
	}
	return nil
}

// Check fails if the limit is out of bounds.
func (l Limit) Check() error {
	if l.Rate < 0 || l.Rate > MaxRate || l.Burst < 0 || l.Burst > MaxRate {
		return fmt.Errorf("%d packets/s and %d at once: want 0 to %d", l.Rate, l.Burst, MaxRate)
	}
	return nil
}

// tokensPerPacket makes tokens whole numbers: one packet a second fills a bucket
// by one token a nanosecond.
const tokensPerPacket = int64(time.Second)

// bucket holds tokens for packets. A zero rate lets all pass.
type bucket struct {
	rate   int64 // packets a second
	full   int64 // tokens
	tokens int64
	filled time.Time
}

// limiter holds the buckets of a connection.
type limiter [NumClasses]bucket

// newLimiter returns full buckets, or nil if there is no limit.
func newLimiter(l Limits, now time.Time) *limiter {
	if l == (Limits{}) {
		return nil
	}
	buckets := new(limiter)
	for k, x := range l {
		full := int64(orDefault(x.Burst, x.Rate)) * tokensPerPacket
		buckets[k] = bucket{rate: int64(x.Rate), full: full, tokens: full, filled: now}
	}
	return buckets
}

// fill adds what has come by now. A clock that goes back adds nothing.
func (l *limiter) fill(now time.Time) {
	for k := range l {
		b := &l[k]
		gone := int64(now.Sub(b.filled))
		if b.rate == 0 || gone <= 0 {
			continue
		}
		b.filled = now
		// Compared as a time first, so that the product cannot overflow.
		if lacking := b.full - b.tokens; gone > lacking/b.rate {
			b.tokens = b.full
		} else {
			b.tokens += gone * b.rate
		}
	}
}

// take reports whether a packet may pass.
func (b *bucket) take() bool {
	if b.rate == 0 {
		return true
	}
	if b.tokens < tokensPerPacket {
		return false
	}
	b.tokens -= tokensPerPacket
	return true
}

// enforce takes the packet-ins that are over their class's limit out of the
// chunk, and counts them. Other events are not looked at.
func (c *Conn) enforce() {
	r := &c.r
	r.classify()
	r.limits.fill(time.Now())
	var lost classCounts
	kept := r.chunk.events[:0]
	for _, e := range r.chunk.events {
		if e.typ == ofp.TypePacketIn && !r.limits[e.class].take() {
			lost[e.class]++
			continue
		}
		kept = append(kept, e)
	}
	r.chunk.events = kept
	c.lose(overLimit, &lost)
}
