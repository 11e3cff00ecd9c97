package desired

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// Condition is how something desired stands on its switch.
type Condition uint8

// Conditions.
const (
	Pending   Condition = iota // stored; the switch has not confirmed it
	Installed                  // the switch has confirmed it
	Degraded                   // the switch cannot have it, or refuses it
	numConditions
)

var conditionNames = [numConditions]string{"pending", "installed", "degraded"}

// String returns the condition in a word.
func (c Condition) String() string { return conditionNames[c] }

// item is something desired of a switch, as a shelf tells of it.
type item struct {
	value     value
	why       string // of Degraded
	since     int64  // nanoseconds since 1970
	condition Condition
}

// book is what one switch should have. turn is held by whoever changes it or
// brings the switch to it; mu guards what others may look at meanwhile.
type book struct {
	dpid ofp.DPID
	turn chan struct{} // of capacity 1: who has put something in has the turn

	holds, guards int // who holds it, and how many of them are guards; of State.mu

	// exhumed are the tombstones that nobody needs any more and that the store
	// still has: the next transaction removes them. Of who has the turn.
	exhumed []place
	short   map[place]bool // what had no room when the switch was last compared, likewise
	noted   Known          // what the store remembers of the switch, likewise

	head   store.Revision // of the head record in the store, likewise
	was    standing       // what the last transaction changed, likewise
	levels levels         // of the flows in items

	mu       sync.Mutex
	items    shelf
	graves   map[place]value        // tombstones
	claims   map[place]*ofp.FlowMod // lasting flows of apps
	appLike  bool                   // a flow in items has, or had, a cookie as apps have
	changes  uint64                 // the value of the head record
	settings Settings
	settled  store.Revision // up to which no other change of settings was told
	lacking  bool           // short is not empty
	behind   bool           // something is stored that was not sent
	gone     uint64         // how often the switch has gone
	foreign  int            // flows on the switch that nobody wants, as last seen
	checked  time.Time      // when the switch was last compared with the book
	fault    string         // why it could not be, if it could not
}

func newBook(dpid ofp.DPID) *book {
	return &book{dpid: dpid, turn: make(chan struct{}, 1), graves: make(map[place]value)}
}

// empty reports whether nothing is wanted of the switch, not even that something
// be gone.
func (b *book) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.items.len() == 0 && len(b.graves) == 0
}

// unset reports whether nobody has set the switch up.
func (b *book) unset() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings.empty()
}

// value returns what is wanted at a place, or nil.
func (b *book) value(p place) value {
	b.mu.Lock()
	defer b.mu.Unlock()
	x, _ := b.items.get(p)
	return x.value
}

// mark notes how something stands.
func (b *book) mark(p place, c Condition, why string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items.mark(p, c, why, now.UnixNano())
}

// bury and exhumeLocked keep the tombstones.
func (b *book) bury(p place, v value) {
	b.mu.Lock()
	b.graves[p] = v
	b.mu.Unlock()
}

func (b *book) exhumeLocked(p place) {
	if _, ok := b.graves[p]; ok {
		delete(b.graves, p)
		b.exhumed = append(b.exhumed, p)
	}
}

// exhumedEdits appends what removes the exhumed tombstones from the store.
func (b *book) exhumedEdits(to []store.Edit) []store.Edit {
	for _, p := range b.exhumed {
		to = append(to, store.Edit{Key: p.tombstone(b.dpid), Remove: true, Untold: true})
	}
	return to
}

// listing is what a book says of the wanted things: the messages that the planner
// takes, and their places.
type listing struct {
	wants                 plan.Wants
	flows, groups, meters []place
	gone                  plan.Wants
}

// list decodes the whole book.
func (b *book) list() (l listing, err error) {
	b.mu.Lock()
	places, items := b.items.sorted(0)
	graves := maps.Clone(b.graves)
	b.mu.Unlock()
	for i, p := range places {
		m, err := items[i].value.message()
		if err != nil {
			return listing{}, err
		}
		l.add(&l.wants, p, m)
	}
	for _, p := range slices.Sorted(maps.Keys(graves)) {
		m, err := graves[p].message()
		if err != nil {
			return listing{}, err
		}
		add(&l.gone, m)
	}
	return l, nil
}

func (l *listing) add(w *plan.Wants, p place, m ofp.Message) {
	switch p[0] {
	case kindFlow:
		l.flows = append(l.flows, p)
	case kindGroup:
		l.groups = append(l.groups, p)
	case kindMeter:
		l.meters = append(l.meters, p)
	}
	add(w, m)
}

func add(w *plan.Wants, m ofp.Message) {
	switch m := m.(type) {
	case *ofp.FlowMod:
		w.Flows = append(w.Flows, *m)
	case *ofp.GroupMod:
		w.Groups = append(w.Groups, *m)
	case *ofp.MeterMod:
		w.Meters = append(w.Meters, *m)
	}
}

// at returns the place of what a change of a plan is about, "" if it is not
// wanted.
func (l *listing) at(o plan.Object, want int) place {
	switch {
	case want < 0:
		return ""
	case o == plan.Flow:
		return l.flows[want]
	case o == plan.Group:
		return l.groups[want]
	}
	return l.meters[want]
}
