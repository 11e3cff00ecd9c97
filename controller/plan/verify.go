package plan

import (
	"cmp"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// Difference is something that a switch has otherwise than messages have said that
// it confirmed.
type Difference struct {
	Message int    // index
	Has     string // what the switch has there instead; "" is nothing
}

// Verify compares what a switch has with what flow-mods, group-mods and meter-mods
// sent in this order must have led to, if nobody else changed anything since. It
// returns a difference for each message at most, in their order. Other messages are
// passed over.
func Verify(sw Switch, msgs []ofp.Message, has *Has) []Difference {
	v := &verifier{form: newForms(sw), has: has, wrong: make(map[int]string)}
	v.groups(msgs)
	v.meters(msgs)
	v.flows(msgs)
	out := make([]Difference, 0, len(v.wrong))
	for i, what := range v.wrong {
		out = append(out, Difference{i, what})
	}
	slices.SortFunc(out, func(a, b Difference) int { return cmp.Compare(a.Message, b.Message) })
	return out
}

type verifier struct {
	form  *forms
	has   *Has
	wrong map[int]string // by message: what the switch has
}

// differs notes the first difference about a message.
func (v *verifier) differs(message int, has string) {
	if _, ok := v.wrong[message]; !ok {
		v.wrong[message] = has
	}
}

// expected is a flow that must be there.
type expected struct {
	message int // the last one about it
	flow    *ofp.FlowMod
	content content
}

// rule is what a message did to flows that no message here has added.
type rule struct {
	message      int
	filter       ofp.FlowFilter
	strict       *ofp.FlowMod                 // not nil: the flow with this match and priority alone
	uses         func([]ofp.Instruction) bool // not nil: the flows of which it says yes
	gone         bool
	instructions string
}

func (r *rule) selects(f *ofp.FlowStats) bool {
	if r.uses != nil {
		return r.uses(f.Instructions)
	}
	return r.filter.Selects(f.Table, f.Cookie, &f.Match, f.Instructions) && (r.strict == nil || r.strict.Priority == f.Priority && r.strict.Match.Equal(&f.Match))
}

func (v *verifier) flows(msgs []ofp.Message) {
	there := make(map[identity]expected)
	var rules []rule
	for i, m := range msgs {
		if r, ok := takesUsers(i, m); ok {
			for id, x := range there {
				if r.uses(x.flow.Instructions) {
					delete(there, id)
				}
			}
			rules = append(rules, r)
		}
		f, ok := m.(*ofp.FlowMod)
		if !ok {
			continue
		}
		id, form, err := v.form.wanted(f)
		if f.Command == ofp.FlowAdd {
			if err == nil {
				there[id] = expected{i, f, form}
			}
			continue
		}
		r := rule{message: i, filter: ofp.FlowFilter{Table: f.Table, OutPort: ofp.PortAny, OutGroup: ofp.GroupAny, Match: f.Match}}
		r.gone = f.Command == ofp.FlowDelete || f.Command == ofp.FlowDeleteStrict
		if f.Command == ofp.FlowDeleteStrict || f.Command == ofp.FlowModifyStrict {
			r.strict = f
		}
		switch {
		case v.form.sw.Version > ofp.V10:
			r.filter.Cookie, r.filter.CookieMask = f.Cookie, f.CookieMask
		case r.gone && f.Table == 0 && !f.NXTable:
			r.filter.Table = ofp.TableAll // 1.0 names no table
		}
		if r.gone {
			r.filter.OutPort, r.filter.OutGroup = f.OutPort, f.OutGroup
		} else {
			if err != nil {
				continue
			}
			r.instructions = form.instructions
		}
		for id, x := range there {
			s := ofp.FlowStats{Table: x.flow.Table, Priority: x.flow.Priority, Cookie: x.flow.Cookie, Match: x.flow.Match, Instructions: x.flow.Instructions}
			switch {
			case !r.selects(&s):
			case r.gone:
				delete(there, id)
			default:
				x.message, x.content.instructions = i, r.instructions
				if v.form.sw.Version == ofp.V10 {
					x.content.cookie = f.Cookie // a modification brings its own
				}
				changed := *x.flow
				changed.Instructions, changed.Cookie = f.Instructions, x.content.cookie
				x.flow = &changed
				there[id] = x
			}
		}
		rules = append(rules, r)
	}
	for i := range v.has.Flows {
		f := &v.has.Flows[i]
		id, form := v.form.had(f)
		if x, ok := there[id]; ok {
			if form != x.content {
				v.differs(x.message, f.String())
			}
			delete(there, id)
			continue
		}
		for _, r := range slices.Backward(rules) {
			if !r.selects(f) {
				continue
			}
			if r.gone || form.instructions != r.instructions {
				v.differs(r.message, f.String())
			}
			break
		}
	}
	for _, x := range there {
		v.differs(x.message, "")
	}
}

// takesUsers returns what the deletion of a group or meter does to the flows that
// use it: they go with it (sections 6.5 and 6.6 of OpenFlow 1.3.5).
func takesUsers(message int, m ofp.Message) (rule, bool) {
	var uses func(*use) bool
	switch m := m.(type) {
	case *ofp.GroupMod:
		if m.Command != ofp.GroupDelete {
			return rule{}, false
		}
		uses = func(u *use) bool { return u.groups[m.Group] || m.Group == ofp.GroupAll && len(u.groups) > 0 }
	case *ofp.MeterMod:
		if m.Command != ofp.MeterDelete {
			return rule{}, false
		}
		uses = func(u *use) bool { return u.meters[m.Meter] || m.Meter == ofp.MeterAll && len(u.meters) > 0 }
	default:
		return rule{}, false
	}
	return rule{message: message, gone: true, uses: func(is []ofp.Instruction) bool {
		var u use
		u.instructions(is)
		return uses(&u)
	}}, true
}

// form is what a group or meter must be; gone: nothing.
type wantedForm struct {
	message int
	gone    bool
	form    string
}

func (v *verifier) groups(msgs []ofp.Message) {
	want, all := make(map[uint32]wantedForm), -1
	for i, m := range msgs {
		g, ok := m.(*ofp.GroupMod)
		if !ok {
			continue
		}
		switch g.Command {
		case ofp.GroupDelete:
			if g.Group == ofp.GroupAll {
				clear(want)
				all = i
			} else {
				want[g.Group] = wantedForm{message: i, gone: true}
			}
		case ofp.GroupAdd, ofp.GroupModify, ofp.GroupAddOrModify:
			if form, err := v.form.group(g.GroupType, g.Buckets); err == nil {
				want[g.Group] = wantedForm{message: i, form: form}
			}
		default:
			delete(want, g.Group) // nobody knows what it comes to
		}
	}
	for i := range v.has.Groups {
		g := &v.has.Groups[i]
		form, err := v.form.group(g.GroupType, g.Buckets)
		v.had(want, all, g.Group, form, err, g.String)
	}
	v.missing(want)
}

func (v *verifier) meters(msgs []ofp.Message) {
	want, all := make(map[uint32]wantedForm), -1
	for i, m := range msgs {
		x, ok := m.(*ofp.MeterMod)
		if !ok {
			continue
		}
		switch {
		case x.Command != ofp.MeterDelete:
			if form, err := v.form.meter(x.Flags, x.Bands); err == nil {
				want[x.Meter] = wantedForm{message: i, form: form}
			}
		case x.Meter == ofp.MeterAll:
			clear(want)
			all = i
		default:
			want[x.Meter] = wantedForm{message: i, gone: true}
		}
	}
	for i := range v.has.Meters {
		m := &v.has.Meters[i]
		form, err := v.form.meter(m.Flags, m.Bands)
		v.had(want, all, m.Meter, form, err, m.String)
	}
	v.missing(want)
}

// had compares a group or meter that the switch has; all is the message that
// deleted all of them, or -1.
func (v *verifier) had(want map[uint32]wantedForm, all int, id uint32, form string, err error, text func() string) {
	w, ok := want[id]
	switch {
	case !ok && all >= 0:
		v.differs(all, text())
	case ok && (w.gone || err != nil || w.form != form):
		v.differs(w.message, text())
	}
	delete(want, id)
}

// missing notes what must be there and is not.
func (v *verifier) missing(want map[uint32]wantedForm) {
	for _, w := range want {
		if !w.gone {
			v.differs(w.message, "")
		}
	}
}
