package desired

import (
	"bytes"
	"hash/maphash"
	"iter"
	"slices"
)

// shelf holds items by their places, close together: a million of them take little
// more than their bytes, and the garbage collector has no pointers to follow in
// them. It is a hash table with linear probing beside the entries, whose places and
// values lie in blocks. The zero value is empty.
//
// What lies in a block is never changed. So a value that was got from a shelf stays
// valid, and keeps its whole block in memory.
type shelf struct {
	seed    maphash.Seed
	slots   []uint32 // 1 + the index of an entry; 0: free. Their number is a power of two
	entries []entry
	spare   []uint32 // indexes of entries that are not used
	blocks  [][]byte
	live    int               // bytes of blocks that entries use
	dead    int               // bytes of blocks that no entry uses any more
	whys    map[uint32]string // by the index of the entry
	counts  [numConditions]int
	flows   map[ownerID]int // how many flows each owner has
}

// entry says where an item lies, and how it stands.
type entry struct {
	since     int64 // nanoseconds since 1970
	hash      uint32
	block     uint32
	at        uint32 // in the block: the place, and the value behind it
	value     uint32 // length
	place     uint16 // length; 0: the entry is not used
	condition Condition
}

const (
	firstSlots = 8
	leastBlock = 512
	mostBlock  = 64 << 10 // unless one item alone is larger
	deadAlways = 32 << 10 // so many dead bytes are no reason to move what lives
)

// len returns the number of items.
func (s *shelf) len() int { return len(s.entries) - len(s.spare) }

// bytes returns the place and the value of an entry.
func (s *shelf) bytes(e *entry) (at, v []byte) {
	b := s.blocks[e.block][e.at:]
	return b[:e.place:e.place], b[e.place : uint32(e.place)+e.value : uint32(e.place)+e.value]
}

// find returns the index of the entry at a place, -1 if there is none, and its slot.
func (s *shelf) find(p place, hash uint32) (index, slot int) {
	if len(s.slots) == 0 {
		return -1, 0
	}
	mask := len(s.slots) - 1
	for slot = int(hash) & mask; ; slot = (slot + 1) & mask {
		x := s.slots[slot]
		if x == 0 {
			return -1, slot
		}
		e := &s.entries[x-1]
		if e.hash != hash {
			continue
		}
		if at, _ := s.bytes(e); string(at) == string(p) {
			return int(x - 1), slot
		}
	}
}

func (s *shelf) hash(p place) uint32 { return uint32(maphash.String(s.seed, string(p))) }

// get returns what is at a place.
func (s *shelf) get(p place) (x item, ok bool) {
	if s.len() == 0 {
		return item{}, false
	}
	if i, _ := s.find(p, s.hash(p)); i >= 0 {
		return s.item(uint32(i)), true
	}
	return item{}, false
}

// item returns an entry as an item.
func (s *shelf) item(i uint32) item {
	e := &s.entries[i]
	_, v := s.bytes(e)
	return item{value: v, why: s.whys[i], since: e.since, condition: e.condition}
}

// put puts a pending item with a copy of the value at a place, in the stead of what
// was there.
func (s *shelf) put(p place, v value, since int64) {
	if 4*(s.len()+1) > 3*len(s.slots) {
		s.grow()
	}
	hash := s.hash(p)
	i, slot := s.find(p, hash)
	if i >= 0 {
		s.drop(uint32(i))
	} else {
		if n := len(s.spare); n > 0 {
			i, s.spare = int(s.spare[n-1]), s.spare[:n-1]
		} else {
			i, s.entries = len(s.entries), append(s.entries, entry{})
		}
		s.slots[slot] = uint32(i) + 1
	}
	s.entries[i] = entry{since: since, hash: hash}
	e := &s.entries[i]
	e.place, e.value = uint16(len(p)), uint32(len(v))
	s.lay(e)
	copy(s.blocks[e.block][e.at:], p)
	copy(s.blocks[e.block][int(e.at)+len(p):], v)
	s.counts[Pending]++
	if p[0] == kindFlow {
		if s.flows == nil {
			s.flows = make(map[ownerID]int)
		}
		s.flows[v.owner()]++
	}
	s.tidy()
}

// lay makes room for an entry's place and value at the end of the last block.
func (s *shelf) lay(e *entry) {
	n := int(e.place) + int(e.value)
	last := len(s.blocks) - 1
	if last < 0 || cap(s.blocks[last])-len(s.blocks[last]) < n {
		size := min(max(s.live/8, leastBlock), mostBlock)
		s.blocks = append(s.blocks, make([]byte, 0, max(size, n)))
		last++
	}
	at := len(s.blocks[last])
	e.block, e.at = uint32(last), uint32(at)
	s.blocks[last] = s.blocks[last][:at+n]
	s.live += n
}

// drop has an entry use no bytes any more.
func (s *shelf) drop(i uint32) {
	e := &s.entries[i]
	if p, v := s.bytes(e); p[0] == kindFlow {
		if owner := value(v).owner(); s.flows[owner] > 1 {
			s.flows[owner]--
		} else {
			delete(s.flows, owner)
		}
	}
	n := int(e.place) + int(e.value)
	s.live, s.dead = s.live-n, s.dead+n
	s.counts[e.condition]--
	delete(s.whys, i)
	*e = entry{}
}

// remove takes away what is at a place.
func (s *shelf) remove(p place) {
	if s.len() == 0 {
		return
	}
	i, slot := s.find(p, s.hash(p))
	if i < 0 {
		return
	}
	s.drop(uint32(i))
	s.spare = append(s.spare, uint32(i))
	// Those behind that would no longer be found move up.
	mask := len(s.slots) - 1
	for next := (slot + 1) & mask; s.slots[next] != 0; next = (next + 1) & mask {
		home := int(s.entries[s.slots[next]-1].hash) & mask
		if (next-home)&mask >= (next-slot)&mask {
			s.slots[slot], slot = s.slots[next], next
		}
	}
	s.slots[slot] = 0
	if s.len() == 0 {
		*s = shelf{}
		return
	}
	s.tidy()
}

// mark notes how something stands.
func (s *shelf) mark(p place, c Condition, why string, now int64) {
	if s.len() == 0 {
		return
	}
	if i, _ := s.find(p, s.hash(p)); i >= 0 {
		s.markEntry(uint32(i), c, why, now)
	}
}

func (s *shelf) markEntry(i uint32, c Condition, why string, now int64) {
	e := &s.entries[i]
	if e.condition == c && s.whys[i] == why {
		return
	}
	s.counts[e.condition]--
	s.counts[c]++
	e.condition, e.since = c, now
	if why == "" {
		delete(s.whys, i)
		return
	}
	if s.whys == nil {
		s.whys = make(map[uint32]string)
	}
	s.whys[i] = why
}

// markAll notes that all stand alike.
func (s *shelf) markAll(c Condition, now int64) {
	for i := range s.entries {
		if s.entries[i].place > 0 {
			s.markEntry(uint32(i), c, "", now)
		}
	}
}

// grow doubles the slots.
func (s *shelf) grow() {
	if len(s.slots) == 0 {
		s.seed = maphash.MakeSeed()
	}
	s.slots = make([]uint32, max(2*len(s.slots), firstSlots))
	mask := len(s.slots) - 1
	for i := range s.entries {
		if s.entries[i].place == 0 {
			continue
		}
		slot := int(s.entries[i].hash) & mask
		for s.slots[slot] != 0 {
			slot = (slot + 1) & mask
		}
		s.slots[slot] = uint32(i) + 1
	}
}

// tidy moves what lives into new blocks when more of them is dead than alive.
func (s *shelf) tidy() {
	if s.dead <= max(s.live, deadAlways) {
		return
	}
	old := s.blocks
	s.blocks, s.live, s.dead = nil, 0, 0
	for i := range s.entries {
		if e := &s.entries[i]; e.place > 0 {
			from := old[e.block][e.at:]
			s.lay(e)
			copy(s.blocks[e.block][e.at:], from[:int(e.place)+int(e.value)])
		}
	}
}

// all goes over the items in no order, without their places.
func (s *shelf) all() iter.Seq2[[]byte, item] {
	return func(yield func([]byte, item) bool) {
		for i := range s.entries {
			if e := &s.entries[i]; e.place > 0 {
				if p, _ := s.bytes(e); !yield(p, s.item(uint32(i))) {
					return
				}
			}
		}
	}
}

// sorted returns the places by ascending order, and what is at them: all those of a
// kind, or of all kinds for 0.
func (s *shelf) sorted(kind byte) (places []place, items []item) {
	order := make([]uint32, 0, s.len())
	for i := range s.entries {
		if e := &s.entries[i]; e.place > 0 && (kind == 0 || s.blocks[e.block][e.at] == kind) {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, _ := s.bytes(&s.entries[a])
		y, _ := s.bytes(&s.entries[b])
		return bytes.Compare(x, y)
	})
	places, items = make([]place, len(order)), make([]item, len(order))
	for n, i := range order {
		p, _ := s.bytes(&s.entries[i])
		places[n], items[n] = place(p), s.item(i)
	}
	return places, items
}
