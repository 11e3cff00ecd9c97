package desired

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/ofp"
)

// difference is what gets a switch and its book to an aim.
type difference struct {
	Outlook
	messages []ofp.Message
	about    []int // for each message the index into Wish.Things, or -1
	effects  []effect
	content  []byte
	things   map[place]int   // indices into Wish.Things
	settings *settingsChange // nil: they stay
}

// things are flows, groups and meters that are told apart by their places.
type things struct {
	has   plan.Has
	wants plan.Wants
	// The places of both, by plan.Object.
	had, wanted [3][]place
}

// difference works out the messages, in an order in which nothing lacks what it
// uses, and what each does. What is the same in the switch's version is left
// alone, unless the aim says exactly.
func (a *aim) difference(sw Switch, b *book) (*difference, error) {
	x := &difference{Outlook: Outlook{Same: a.same, dpid: b.dpid, back: make(map[place]value)}, content: a.content, things: a.things}
	enc := ofp.Encoder{Extensions: sw.Extended()}
	var t things
	unsaid := make(map[place]bool) // the version has no words for it
	for _, p := range sortedKeys(a.values) {
		var now ofp.Message
		if v := a.values[p]; v != nil {
			m, err := v.message()
			if err != nil {
				return nil, err
			}
			now = m
			add(&t.wants, m)
			o := objectOf(p)
			t.wanted[o] = append(t.wanted[o], p)
		}
		if v := b.value(p); v != nil {
			m, err := v.message()
			if err != nil {
				return nil, err
			}
			if unsaid[p] = !t.have(&enc, sw.Version(), p, m, now); unsaid[p] && now == nil {
				x.step(a, b, p, -1)
			}
		}
	}
	made := plan.Make(plan.Switch{Version: sw.Version(), Extensions: sw.Extended()}, &t.has, &t.wants, plan.Rules{})
	if len(made.Unable) > 0 {
		return nil, t.unable(a, made)
	}
	if err := a.usersStay(b, made); err != nil {
		return nil, err
	}
	done := make(map[place]bool)
	for _, s := range made.Stages {
		if s.Barrier {
			x.messages, x.about = append(x.messages, &ofp.BarrierRequest{}), append(x.about, -1)
		}
		for _, c := range s.Changes {
			at, thing := len(x.messages), -1
			want, have := t.places(&c)
			if i, ok := a.things[want]; ok {
				thing = i
			}
			x.messages, x.about = append(x.messages, b.surely(c.Message, want)), append(x.about, thing)
			for _, p := range []place{have, want} {
				if p != "" && !done[p] {
					done[p] = true
					x.step(a, b, p, at)
				}
			}
		}
	}
	for _, list := range t.wanted {
		for _, p := range list {
			switch {
			case done[p]:
			case a.exactly:
				x.step(a, b, p, -1)
			default:
				x.Same++
			}
		}
	}
	return x, nil
}

// step notes what happens at a place, by a message or, where it is -1, in the
// book alone.
func (x *difference) step(a *aim, b *book, p place, message int) {
	before, after := b.value(p), a.values[p]
	x.effects = append(x.effects, effect{message, p, before, after})
	x.back[p] = before
	s := Step{Thing: -1}
	if i, ok := a.things[p]; ok {
		s.Thing = i
	}
	if before != nil {
		m, _ := before.message() // it was read before
		s.Before = before.unstamped(m)
	}
	if after != nil {
		m, _ := after.message()
		s.After = after.unstamped(m)
	}
	x.Steps = append(x.Steps, s)
}

// have notes that the switch should have something already, in the words of its
// version, and reports whether that has words for it. A flow whose flags change
// where nobody can read them is left out, so that it is added anew.
func (t *things) have(enc *ofp.Encoder, v ofp.Version, p place, m, now ofp.Message) bool {
	frame, err := enc.Append(nil, v, 0, m)
	if f, ok := m.(*ofp.FlowMod); ok && err != nil && now == nil {
		// It may be there from a time when the switch spoke another version; to
		// delete it takes no words but for its match.
		bare := *f
		bare.Instructions = nil
		m = &bare
		frame, err = enc.Append(nil, v, 0, m)
	}
	if err != nil {
		return false
	}
	o := objectOf(p)
	switch m := m.(type) {
	case *ofp.FlowMod:
		if n, ok := now.(*ofp.FlowMod); ok && v < ofp.V13 && n.Flags != m.Flags {
			return true
		}
		said := m
		switch again := decoded(frame).(type) {
		case *ofp.FlowMod:
			said = again
		case *ofp.NXFlowMod:
			said = &again.FlowMod
		}
		t.has.Flows = append(t.has.Flows, ofp.FlowStats{
			Table: m.Table, Priority: m.Priority, Cookie: m.Cookie, IdleTimeout: m.IdleTimeout, HardTimeout: m.HardTimeout, Flags: m.Flags,
			Match: said.Match, Instructions: said.Instructions,
		})
	case *ofp.GroupMod:
		t.has.Groups = append(t.has.Groups, ofp.GroupDesc{Group: m.Group, GroupType: m.GroupType, Buckets: m.Buckets})
	case *ofp.MeterMod:
		t.has.Meters = append(t.has.Meters, ofp.MeterConfig{Meter: m.Meter, Flags: m.Flags, Bands: m.Bands})
	}
	t.had[o] = append(t.had[o], p)
	return true
}

func decoded(frame []byte) ofp.Message {
	_, m, err := ofp.Decode(frame)
	if err != nil {
		return nil
	}
	return m
}

func objectOf(p place) plan.Object {
	return map[byte]plan.Object{kindFlow: plan.Flow, kindGroup: plan.Group, kindMeter: plan.Meter}[p[0]]
}

// places returns those of what a change brings and of what it takes, "" for none.
func (t *things) places(c *plan.Change) (want, have place) {
	if c.Want >= 0 {
		want = t.wanted[c.Object][c.Want]
	}
	if c.Have >= 0 {
		have = t.had[c.Object][c.Have]
	}
	return want, have
}

// unable returns the error for what the switch's version cannot say.
func (t *things) unable(a *aim, made *plan.Plan) error {
	we := new(channel.WriteError)
	for _, u := range made.Unable {
		p := t.wanted[u.Object][u.Want]
		m, _ := a.values[p].message()
		thing, ok := a.things[p]
		if !ok {
			thing = -1
		}
		we.Errors = append(we.Errors, channel.ItemError{Index: thing, Message: m, Err: u.Err})
	}
	slices.SortFunc(we.Errors, func(x, y channel.ItemError) int { return cmp.Compare(x.Index, y.Index) })
	return we
}

// usersStay fails if a group or meter is to go that something uses which stays or
// comes: the switch would remove that too.
func (a *aim) usersStay(b *book, made *plan.Plan) error {
	gone := make(map[place]bool)
	for _, s := range made.Stages {
		for _, c := range s.Changes {
			switch m := c.Message.(type) {
			case *ofp.GroupMod:
				gone[groupPlace(m.Group)] = c.Action == plan.Delete
			case *ofp.MeterMod:
				gone[meterPlace(m.Meter)] = c.Action == plan.Delete
			}
		}
	}
	maps.DeleteFunc(gone, func(_ place, is bool) bool { return !is })
	if len(gone) == 0 {
		return nil
	}
	b.mu.Lock()
	after := make(map[place]value, b.items.len())
	for p, x := range b.items.all() {
		after[place(p)] = x.value
	}
	b.mu.Unlock()
	maps.Copy(after, a.values)
	for _, p := range sortedKeys(after) {
		if after[p] == nil {
			continue
		}
		m, err := after[p].message()
		if err != nil {
			return err
		}
		groups, meters := plan.Uses(m)
		used := slices.DeleteFunc(append(mapped(groups, groupPlace), mapped(meters, meterPlace)...), func(p place) bool { return !gone[p] })
		if len(used) == 0 {
			continue
		}
		err = fmt.Errorf("%s uses %s, which would go", describe(m), usedName(used[0]))
		if thing, ok := a.things[p]; ok {
			return &ThingError{thing, err}
		}
		return &ThingError{-1, err}
	}
	return nil
}

func usedName(p place) string {
	n := uint32(0)
	for _, c := range []byte(p[1:]) {
		n = n<<8 | uint32(c)
	}
	return fmt.Sprintf("%s %d", objectOf(p), n)
}

func mapped(ids []uint32, f func(uint32) place) []place {
	out := make([]place, len(ids))
	for i, id := range ids {
		out[i] = f(id)
	}
	return out
}

// surely returns the message that brings a flow about even where the switch may
// not have what it is to change.
func (b *book) surely(m ofp.Message, p place) ofp.Message {
	f, ok := m.(*ofp.FlowMod)
	if !ok || f.Command != ofp.FlowModifyStrict {
		return m
	}
	b.mu.Lock()
	x, ok := b.items.get(p)
	sure := ok && x.condition == Installed
	b.mu.Unlock()
	if sure {
		return m
	}
	again := *f
	again.Command = ofp.FlowAdd
	return &again
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
