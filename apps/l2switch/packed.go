package l2switch

import (
	"iter"
	"math/bits"
	"math/rand/v2"

	"github.com/sluice-sdn/sluice/ofp"
)

// packed is the form of a large table: a host takes 8 bytes, and eight hosts stand
// in a line, which is what a processor loads at once. It holds the same facts as a
// small table, to the second, and nothing in it is a guess: of the address it keeps
// what the line does not tell, and of the place (VLAN and port) its number in a
// list.
//
// The upper bits of an address and its VLAN, hashed, say where in the table the
// addresses that share them begin; the lower offsetBits, how far behind an address
// is at home, each in another line. So the lower bits need not be kept. A host for
// whom its line has no room stands in one of the 15 behind, and says in which.
//
// A line is filled from its first slot on and nothing is taken out of it: to
// forget hosts is to build a new table.
type packed struct {
	lines  []line
	secret [2]uint64
	places []place          // the first is none
	index  map[place]uint64 // where a place is in the list
	base   uint32           // seconds on the session's clock; times are told from here
}

// line has eight hosts. tags are 16 bits of each one's address. What it has of a host
// besides are 48 bits, in two pieces: from the lowest bit on the rest of the
// address, the distance, the time and the place. They are 0 if there is no host.
type line struct {
	tags [2]uint64
	high [lineSlots]uint32
	low  [lineSlots]uint16
}

// place is where a host is: at a port, in a VLAN.
type place struct {
	port ofp.PortNo
	vlan uint16
}

const (
	lineSlots = 8
	minLines  = 1 << offsetBits
	maxLines  = 1 << 20

	offsetBits   = 10
	tagBits      = 16
	restBits     = 48 - offsetBits - tagBits
	distanceBits = 4
	whoBits      = restBits + distanceBits
	timeBits     = 12
	placeBits    = 48 - whoBits - timeBits

	restMask    = 1<<restBits - 1
	whoMask     = 1<<whoBits - 1
	oneFurther  = 1 << restBits
	maxDistance = 1<<distanceBits - 1
	maxTime     = 1<<timeBits - 1
	maxPlaces   = 1 << placeBits
)

// newPacked returns an empty table of so many lines.
func newPacked(lines int, base uint32) *packed {
	return &packed{
		lines: make([]line, lines), secret: [2]uint64{rand.Uint64(), rand.Uint64() | 1},
		places: make([]place, 1, 16), index: map[place]uint64{}, base: base,
	}
}

// home returns the line that a key belongs in: where the hash of its upper bits, as
// a fraction of the table, and the lower ones, as another one, lead to together.
func (p *packed) home(k uint64) uint64 {
	at, _ := bits.Mul64(p.hash(k)+k<<(64-offsetBits), uint64(len(p.lines)))
	return at
}

func (p *packed) hash(k uint64) uint64 {
	hi, lo := bits.Mul64(k>>offsetBits^p.secret[0], p.secret[1])
	return hi ^ lo
}

// lower returns the lower bits of the key that has these upper ones, all others 0,
// and belongs in a line.
func (p *packed) lower(upper, home uint64) uint64 {
	least, rem := bits.Div64(home, 0, uint64(len(p.lines)))
	if rem > 0 {
		least++
	}
	return (least - p.hash(upper) + 1<<(64-offsetBits) - 1) >> (64 - offsetBits)
}

// parts returns the tag and the rest of a key's address. The tag is the upper
// bits, which hosts often share, and so it has the rest mixed in.
func parts(k uint64) (tag, rest uint64) {
	rest = k >> offsetBits & restMask
	return k>>(offsetBits+restBits)&(1<<tagBits-1) ^ mixed(rest), rest
}

func mixed(rest uint64) uint64 { return rest * 0x9e37_79b1 >> 16 & (1<<tagBits - 1) }

func (l *line) at(i uint64) uint64 {
	return uint64(l.high[i%lineSlots])<<16 | uint64(l.low[i%lineSlots])
}

func (l *line) set(i, x uint64) {
	l.high[i%lineSlots], l.low[i%lineSlots] = uint32(x>>16), uint16(x)
}

// slot returns where a key's host is, what the table has of it and its place; no
// line if there is no such host. It compares a line's tags all at once, since to
// guess which is the one costs more.
func (p *packed) slot(k uint64) (l *line, i, x uint64, w *place) {
	const ones, tops = 0x0001_0001_0001_0001, 0x8000_8000_8000_8000
	tag, who := parts(k)
	tag *= ones
	for at := p.home(k); ; {
		l = &p.lines[at]
		// The top bit of each 16 that are 0 is set, and perhaps that of some more.
		a, b := l.tags[0]^tag, l.tags[1]^tag
		a, b = (a-ones)&^a&tops, (b-ones)&^b&tops
		for m := a>>15 | b>>14; m != 0; m &= m - 1 {
			z := bits.TrailingZeros64(m)
			i = uint64(z>>4|z<<2) % lineSlots
			if x = l.at(i); x&whoMask != who {
				continue
			}
			if w = &p.places[x>>(whoBits+timeBits)]; w.vlan == uint16(k>>48) && x != 0 {
				return l, i, x, w
			}
		}
		if l.at(lineSlots-1) == 0 || who >= oneFurther*maxDistance {
			return nil, 0, 0, nil
		}
		who += oneFurther
		if at++; at == uint64(len(p.lines)) {
			at = 0
		}
	}
}

// seen returns when a host was seen.
func (p *packed) seen(x uint64) uint32 { return p.base + uint32(x>>whoBits&maxTime) }

// time returns when a host was seen as the table has it. What was before base was
// at base.
func (p *packed) time(seen uint32) uint64 { return uint64(max(seen, p.base)-p.base) << whoBits }

// at returns a place as the table has it, and false if the list is full.
func (p *packed) at(w place) (uint64, bool) {
	n, ok := p.index[w]
	if !ok {
		n = uint64(len(p.places))
		if n >= maxPlaces {
			return 0, false
		}
		p.places = append(p.places, w)
		p.index[w] = n
	}
	return n << (whoBits + timeBits), true
}

// put adds a host that is not there, and reports false if there is no room for
// it: its line and those behind are full, or the list of places is.
func (p *packed) put(h host) bool {
	k := h.key &^ used
	x, ok := p.at(place{h.port, uint16(k >> 48)})
	if !ok {
		return false
	}
	tag, who := parts(k)
	at := p.home(k)
	for range maxDistance + 1 {
		l := &p.lines[at]
		for i := range uint64(lineSlots) {
			if l.at(i) == 0 {
				l.set(i, x|p.time(h.seen)|who)
				l.tags[i/4] |= tag << (i % 4 * tagBits)
				return true
			}
		}
		who += oneFurther
		if at++; at == uint64(len(p.lines)) {
			at = 0
		}
	}
	return false
}

// learn notes that a host which is there was seen on a port, and reports false if
// the list of places is full. The time is at most maxTime after base.
func (p *packed) learn(l *line, i, x uint64, w *place, port ofp.PortNo, now uint32) bool {
	if w.port != port {
		to, ok := p.at(place{port, w.vlan})
		if !ok {
			return false
		}
		x = x&(1<<(whoBits+timeBits)-1) | to
	}
	if y := x&^(maxTime<<whoBits) | p.time(now); y != l.at(i) { // a table that is only read stays in the cache
		l.set(i, y)
	}
	return true
}

// rebase tells times from another, later time on.
func (p *packed) rebase(base uint32) {
	for at := range p.lines {
		l := &p.lines[at]
		for i := range uint64(lineSlots) {
			if x := l.at(i); x != 0 {
				by := min(uint64(base-p.base), x>>whoBits&maxTime)
				l.set(i, x-by<<whoBits)
			}
		}
	}
	p.base = base
}

// all yields the hosts.
func (p *packed) all() iter.Seq[host] {
	return func(yield func(host) bool) {
		n := uint64(len(p.lines))
		for at := range n {
			l := &p.lines[at]
			for i := range uint64(lineSlots) {
				x := l.at(i)
				if x == 0 {
					break
				}
				w := p.places[x>>(whoBits+timeBits)]
				rest := x & restMask
				tag := l.tags[i/4] >> (i % 4 * tagBits) & (1<<tagBits - 1)
				k := uint64(w.vlan)<<48 | (tag^mixed(rest))<<(offsetBits+restBits) | rest<<offsetBits
				k |= p.lower(k, (at+n-x&whoMask>>restBits)%n)
				if !yield(host{k | used, w.port, p.seen(x)}) {
					return
				}
			}
		}
	}
}
