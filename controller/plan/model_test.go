package plan

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// model is a switch that is as strict as the specification lets one be: it
// refuses what exists already and what uses what is not there, and removes with a
// group or meter whatever uses it.
type model struct {
	form   *forms
	flows  map[identity]ofp.FlowStats
	groups map[uint32]ofp.GroupMod
	meters map[uint32]ofp.MeterMod
	lost   int // flows that went with a group or meter
}

func newModel(sw Switch, h *Has) *model {
	m := &model{newForms(sw), map[identity]ofp.FlowStats{}, map[uint32]ofp.GroupMod{}, map[uint32]ofp.MeterMod{}, 0}
	for i := range h.Flows {
		id, _ := m.form.had(&h.Flows[i])
		m.flows[id] = h.Flows[i]
	}
	for _, g := range h.Groups {
		m.groups[g.Group] = ofp.GroupMod{GroupType: g.GroupType, Group: g.Group, Buckets: g.Buckets}
	}
	for _, x := range h.Meters {
		m.meters[x.Meter] = ofp.MeterMod{Flags: x.Flags, Meter: x.Meter, Bands: x.Bands}
	}
	return m
}

func (m *model) has() *Has {
	var h Has
	for _, f := range m.flows {
		h.Flows = append(h.Flows, f)
	}
	for _, id := range slices.Sorted(maps.Keys(m.groups)) {
		h.Groups = append(h.Groups, desc(m.groups[id]))
	}
	for _, x := range m.meters {
		h.Meters = append(h.Meters, ofp.MeterConfig{Flags: x.Flags, Meter: x.Meter, Bands: x.Bands})
	}
	return &h
}

// lacks returns what of it is not there.
func (m *model) lacks(u *use) error {
	for id := range u.groups {
		if _, ok := m.groups[id]; !ok {
			return fmt.Errorf("group %d is not there", id)
		}
	}
	for id := range u.meters {
		if _, ok := m.meters[id]; !ok {
			return fmt.Errorf("meter %d is not there", id)
		}
	}
	return nil
}

// take carries a message out, or refuses it.
func (m *model) take(msg ofp.Message) error {
	switch x := msg.(type) {
	case *ofp.FlowMod:
		id, _, err := m.form.wanted(x)
		if err != nil {
			return err
		}
		var u use
		u.instructions(x.Instructions)
		if err := m.lacks(&u); err != nil {
			return err
		}
		old, there := m.flows[id]
		switch x.Command {
		case ofp.FlowAdd:
			m.flows[id] = stats(*x)
		case ofp.FlowModifyStrict:
			if !there {
				return fmt.Errorf("there is no flow to modify")
			}
			old.Instructions = x.Instructions
			m.flows[id] = old
		case ofp.FlowDeleteStrict:
			delete(m.flows, id)
		default:
			return fmt.Errorf("a command of more than one flow")
		}
	case *ofp.GroupMod:
		_, there := m.groups[x.Group]
		if x.Command == ofp.GroupDelete {
			m.removeGroup(x.Group)
			return nil
		}
		if there != (x.Command == ofp.GroupModify) {
			return fmt.Errorf("group %d: there: %t", x.Group, there)
		}
		var u use
		u.buckets(x.Buckets)
		if err := m.lacks(&u); err != nil {
			return err
		}
		m.groups[x.Group] = *x
	case *ofp.MeterMod:
		_, there := m.meters[x.Meter]
		if x.Command == ofp.MeterDelete {
			delete(m.meters, x.Meter)
			m.removeUsers(func(u *use) bool { return u.meters[x.Meter] })
			return nil
		}
		if there != (x.Command == ofp.MeterModify) {
			return fmt.Errorf("meter %d: there: %t", x.Meter, there)
		}
		m.meters[x.Meter] = *x
	}
	return nil
}

func (m *model) removeGroup(id uint32) {
	delete(m.groups, id)
	m.removeUsers(func(u *use) bool { return u.groups[id] })
	for other, g := range m.groups {
		var u use
		u.buckets(g.Buckets)
		if u.groups[id] {
			m.lost++
			m.removeGroup(other)
		}
	}
}

func (m *model) removeUsers(uses func(*use) bool) {
	for id, f := range m.flows {
		var u use
		u.instructions(f.Instructions)
		if uses(&u) {
			m.lost++
			delete(m.flows, id)
		}
	}
}

// drawn are random wishes whose groups refer to groups of lower numbers only,
// and that have all that they use.
func drawn(t *rapid.T, label string) (w Wants) {
	number := func(of string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label+" "+of) }
	groups := rapid.SliceOfNDistinct(rapid.Uint32Range(1, 6), 0, 6, rapid.ID).Draw(t, label+" groups")
	slices.Sort(groups)
	for i, id := range groups {
		g := ofp.GroupMod{Group: id, Buckets: []ofp.Bucket{ofp.NewBucket(ofp.Output(ofp.PortNo(1 + number("port", 2))))}}
		if i > 0 && number("chained", 2) == 1 {
			g.Buckets = append(g.Buckets, ofp.NewBucket(ofp.Group(groups[number("group", i)])))
		}
		w.Groups = append(w.Groups, g)
	}
	for id := range uint32(number("meters", 3)) {
		w.Meters = append(w.Meters, ofp.MeterMod{Meter: id + 1, Flags: ofp.MeterKbps, Bands: []ofp.MeterBand{{Type: ofp.BandDrop, Rate: uint32(1 + number("rate", 3))}}})
	}
	for range number("flows", 8) {
		f := ofp.NewFlowMod(ofp.FlowAdd)
		f.Table, f.Priority, f.Cookie = uint8(number("table", 2)), uint16(1+number("priority", 2)), uint64(number("cookie", 2))
		if number("on port", 2) == 1 {
			f.Match.SetUint(ofp.FieldInPort, uint64(1+number("in_port", 3)))
		}
		if number("on type", 2) == 1 {
			f.Match.SetUint(ofp.FieldEthType, uint64(0x800+number("type", 2)))
		}
		if len(w.Meters) > 0 && number("metered", 2) == 1 {
			f.Instructions = append(f.Instructions, ofp.Instruction{Type: ofp.InstructionMeter, Meter: uint32(1 + number("meter", len(w.Meters)))})
		}
		as := []ofp.Action{ofp.Output(ofp.PortNo(1 + number("out", 3)))}
		if len(groups) > 0 && number("grouped", 2) == 1 {
			as = append(as, ofp.Group(groups[number("of group", len(groups))]))
		}
		f.Instructions = append(f.Instructions, ofp.Apply(as...))
		same := func(o ofp.FlowMod) bool {
			return o.Table == f.Table && o.Priority == f.Priority && o.Match.Equal(&f.Match)
		}
		if !slices.ContainsFunc(w.Flows, same) {
			w.Flows = append(w.Flows, *f)
		}
	}
	return w
}

func asHas(w *Wants) *Has {
	var h Has
	for _, f := range w.Flows {
		h.Flows = append(h.Flows, stats(f))
	}
	for _, g := range w.Groups {
		h.Groups = append(h.Groups, desc(g))
	}
	for _, m := range w.Meters {
		h.Meters = append(h.Meters, ofp.MeterConfig{Flags: m.Flags, Meter: m.Meter, Bands: m.Bands})
	}
	return &h
}

// TestPlanLeadsThere carries random plans out on the strict switch: nothing is
// refused in whatever order a stage is carried out, nothing goes that was not to,
// a second plan is empty, and what was the same before was not touched.
func TestPlanLeadsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sw := Switch{Version: ofp.V13}
		before, wants := drawn(t, "has"), drawn(t, "wants")
		has := asHas(&before)
		rules := Rules{RemoveFirst: rapid.Bool().Draw(t, "remove first")}
		ours := rapid.Bool().Draw(t, "all ours")
		if !ours {
			rules.Flow = func(f *ofp.FlowStats) Policy {
				if f.Cookie == 1 {
					return Keep
				}
				return Remove
			}
		}
		p := Make(sw, has, &wants, rules)
		if len(p.Unable) > 0 {
			t.Fatalf("unable: %v", show(p))
		}
		m := newModel(sw, has)
		for i, s := range p.Stages {
			if len(s.Changes) == 0 || i == 0 && s.Barrier {
				t.Fatalf("stage %d: %d changes, barrier: %t", i, len(s.Changes), s.Barrier)
			}
			for _, c := range rapid.Permutation(s.Changes).Draw(t, "order") {
				if err := m.take(c.Message); err != nil {
					t.Fatalf("%s %s: %v\n%v", c.Action, c.Object, err, show(p))
				}
			}
		}
		if m.lost > 0 {
			t.Fatalf("%d went with a group or meter\n%v", m.lost, show(p))
		}
		again := Make(sw, m.has(), &wants, rules)
		if !again.Empty() || again.Same != len(wants.Flows)+len(wants.Groups)+len(wants.Meters) {
			t.Fatalf("a second plan: %v, %d are the same", show(again), again.Same)
		}
		if ours && len(again.Kept) > 0 {
			t.Fatalf("kept: %v", show(again))
		}
	})
}

// TestStagesWithoutBarrierMayMix: where no barrier stands, the switch may carry out
// a later stage before an earlier one.
func TestStagesWithoutBarrierMayMix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sw := Switch{Version: ofp.V13}
		before, wants := drawn(t, "has"), drawn(t, "wants")
		p := Make(sw, asHas(&before), &wants, Rules{})
		m := newModel(sw, asHas(&before))
		var run []Change
		flush := func() {
			for _, c := range rapid.Permutation(run).Draw(t, "order") {
				if err := m.take(c.Message); err != nil {
					t.Fatalf("%s %s: %v\n%v", c.Action, c.Object, err, show(p))
				}
			}
			run = nil
		}
		for _, s := range p.Stages {
			if s.Barrier {
				flush()
			}
			run = append(run, s.Changes...)
		}
		flush()
		if again := Make(sw, m.has(), &wants, Rules{}); !again.Empty() || m.lost > 0 {
			t.Fatalf("a second plan: %v, %d lost", show(again), m.lost)
		}
	})
}

func TestArgumentsAreLeftAsTheyAre(t *testing.T) {
	x := texts{"flow priority=1,ip,actions=group:1,output:2", "group group_id=1,type=all,bucket=output:1", "meter meter=1,kbps,band=type=drop,rate=1"}
	y := texts{"flow priority=1,ip,cookie=5,actions=group:1", "group group_id=1,type=all,bucket=output:2"}
	has, wants := x.has(t), y.wants(t)
	Make(Switch{Version: ofp.V13}, has, wants, Rules{})
	opt := cmp.AllowUnexported(ofp.Match{})
	if d := cmp.Diff(x.has(t), has, opt) + cmp.Diff(y.wants(t), wants, opt); d != "" {
		t.Error(d)
	}
}
