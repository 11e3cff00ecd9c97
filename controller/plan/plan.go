package plan

import (
	"github.com/sluice-sdn/sluice/ofp"
)

// Has is what a switch has.
type Has struct {
	Flows  []ofp.FlowStats
	Groups []ofp.GroupDesc
	Meters []ofp.MeterConfig
}

// Wants is what it should have. The commands of the messages do not count.
type Wants struct {
	Flows  []ofp.FlowMod
	Groups []ofp.GroupMod
	Meters []ofp.MeterMod
}

// Switch is what a plan must know of the switch.
type Switch struct {
	Version ofp.Version
	// Extensions says that Open vSwitch's extensions may be used.
	Extensions bool
	// Tables is how many flow tables it has, 0 if that is not known.
	Tables int
}

// Policy is what to do with something that the switch has and nobody wants.
type Policy uint8

// Policies.
const (
	Remove Policy = iota
	Keep
)

// Rules decide about what the switch has and nobody wants. A nil function
// stands for one that always says Remove.
type Rules struct {
	Flow  func(*ofp.FlowStats) Policy
	Group func(id uint32) Policy
	Meter func(id uint32) Policy
	// Gone is what must not be there, whatever the functions say. What is wanted
	// goes before it.
	Gone *Wants
	// RemoveFirst has all flows that go, go before any comes: for a switch whose
	// tables are full. Packets find neither for a moment.
	RemoveFirst bool
}

// Action is what a change does.
type Action uint8

// Actions.
const (
	Add     Action = iota // what is not there comes
	Modify                // what is there changes in place
	Replace               // what is there makes way for what has the same identity
	Delete                // what is there goes
)

var actionNames = [...]string{"add", "modify", "replace", "delete"}

// String returns the action in a word.
func (a Action) String() string { return actionNames[a] }

// Object is what a change is about.
type Object uint8

// Objects.
const (
	Flow Object = iota
	Group
	Meter
)

var objectNames = [...]string{"flow", "group", "meter"}

// String returns the object in a word.
func (o Object) String() string { return objectNames[o] }

// Change is one message of a plan.
type Change struct {
	Object Object
	Action Action
	// Want and Have are indices into what is wanted and what the switch has, or
	// -1.
	Want, Have int
	Message    ofp.Message
}

// Unable is something wanted that the switch's version cannot say.
type Unable struct {
	Object Object
	Want   int // index
	Err    error
}

// Kept is something that nobody wants and that stays.
type Kept struct {
	Object Object
	Have   int // index
	// InUse says that it was to be removed, but something else that stays uses
	// it.
	InUse bool
}

// Plan is the way from what a switch has to what it should have.
type Plan struct {
	// Stages are carried out in order; none is empty. A barrier belongs before
	// each stage that Barrier says.
	Stages []Stage
	// Blurred says that the version has no words for what some wanted flows match. They
	// may be there from a time when the switch spoke another version, and are told in
	// poorer words then: no flow can be known for somebody else's, and none goes by
	// Rules.Flow.
	Blurred bool
	// Same counts the things that are there as they should be.
	Same int
	// Unable are left out of the stages, and so is what depends on them.
	Unable []Unable
	// Kept is what stays though nobody wants it.
	Kept []Kept
}

// Stage is a list of changes of which the switch needs none for another.
type Stage struct {
	Changes []Change
	// Barrier says that the switch must be done with what goes before.
	Barrier bool
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Stages) == 0 }

// Changes counts the changes.
func (p *Plan) Changes() int {
	n := 0
	for i := range p.Stages {
		n += len(p.Stages[i].Changes)
	}
	return n
}

// Messages returns the messages in order, with the barriers between them.
func (p *Plan) Messages() []ofp.Message {
	var all []ofp.Message
	for i := range p.Stages {
		if p.Stages[i].Barrier {
			all = append(all, &ofp.BarrierRequest{})
		}
		for _, c := range p.Stages[i].Changes {
			all = append(all, c.Message)
		}
	}
	return all
}

// Make returns the plan. It changes none of its arguments, whose parts the
// messages share.
func Make(sw Switch, has *Has, wants *Wants, rules Rules) *Plan {
	m := &maker{sw: sw, has: has, wants: wants, rules: rules, plan: new(Plan), form: newForms(sw)}
	meters := m.meters()
	groups := m.groups()
	flows := m.flows()
	m.keepUsed(flows.gone, &groups.gone, &meters.gone)
	before, after := flows.gone, []Change(nil)
	if !rules.RemoveFirst {
		before, after = m.overlapping(flows.gone, flows.come)
	}
	upwards(before)
	upwards(after)
	downwards(flows.come)
	m.stage(before, false)
	m.stage(meters.come, false)
	for i, level := range m.levels(groups.come, false) {
		m.stage(level, i > 0)
	}
	var u use
	for _, c := range flows.come {
		u.instructions(c.Message.(*ofp.FlowMod).Instructions)
	}
	m.stage(flows.come, len(before) > 0 || u.any(groups.come, meters.come))
	m.stage(after, len(flows.come) > 0)
	for i, level := range m.levels(groups.gone, true) {
		m.stage(level, i > 0 || len(flows.come)+len(flows.gone)+len(groups.come) > 0)
	}
	m.stage(meters.gone, len(flows.come)+len(flows.gone) > 0)
	return m.plan
}

// maker is what Make works with.
type maker struct {
	sw    Switch
	has   *Has
	wants *Wants
	rules Rules
	plan  *Plan
	form  *forms
}

// changes are those of one kind of object.
type changes struct {
	come, gone []Change // to add, modify or replace; to delete
}

func (m *maker) unable(o Object, want int, err error) {
	m.plan.Unable = append(m.plan.Unable, Unable{Object: o, Want: want, Err: err})
}

func (m *maker) kept(o Object, have int, inUse bool) {
	m.plan.Kept = append(m.plan.Kept, Kept{Object: o, Have: have, InUse: inUse})
}

// stage appends a stage, unless it is empty.
func (m *maker) stage(all []Change, barrier bool) {
	if len(all) > 0 {
		m.plan.Stages = append(m.plan.Stages, Stage{Changes: all, Barrier: barrier && len(m.plan.Stages) > 0})
	}
}
