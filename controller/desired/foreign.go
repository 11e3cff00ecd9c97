package desired

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/controller/plan"
	"github.com/sluice-sdn/sluice/controller/store"
	"github.com/sluice-sdn/sluice/ofp"
)

// ForeignRule is what a comparison does about foreign flows: those on the switch
// that nobody wants, that do not go by themselves, and that are no app's.
type ForeignRule uint8

// Rules about foreign flows.
const (
	ForeignReport ForeignRule = iota // they are counted, told, and left alone
	ForeignAdopt                     // they are taken into the store, as an owner's
	ForeignRemove                    // they are deleted
)

// Foreign says what becomes of foreign flows. The zero value reports them.
type Foreign struct {
	Rule ForeignRule
	// Owner is whose they are when they are adopted, "" for the default owner.
	Owner string
	// Except are flows that are reported whatever the rule says.
	Except []ofp.FlowFilter
}

// Govern sets what becomes of foreign flows, and which apps there are, by name,
// whose flows are none. It is called before the state is used.
func (d *State) Govern(f Foreign, apps []string) {
	d.foreign, d.apps = f, make(map[ownerID]string, len(apps))
	for _, name := range apps {
		d.apps[appID(name)] = name
	}
}

// appID is an app's number, which comes from its name: in the upper half of those
// that owners have.
func appID(name string) ownerID {
	sum := fnv.New32a()
	sum.Write([]byte(name))
	return maxOwners | ownerID(sum.Sum32()%maxOwners)
}

// AppCookie returns what the cookies of an app's flows have in their upper 16
// bits, the lower ones being the app's to use.
func AppCookie(name string) uint64 { return appID(name).cookie() }

// stranger reports whether a flow that nobody wants is foreign: neither one that
// goes by itself nor an app's, which the app looks after.
func (d *State) stranger(b *book, f *ofp.FlowStats) bool {
	if f.IdleTimeout != 0 || f.HardTimeout != 0 || d.apps[ownerID(f.Cookie>>48)] != "" {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.claims) == 0 || b.claims[flowPlace(f.Table, f.Priority, &f.Match)] == nil
}

// excepted reports whether the rule leaves a foreign flow alone.
func (d *State) excepted(f *ofp.FlowStats) bool {
	return slices.ContainsFunc(d.foreign.Except, func(q ofp.FlowFilter) bool {
		return q.Selects(f.Table, f.Cookie, &f.Match, f.Instructions)
	})
}

// removes reports whether comparisons with a book delete foreign flows. They do
// not before anything was ever stored for the switch: a switch that is new here,
// or whose store was lost, loses nothing.
func (d *State) removes(b *book) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return d.foreign.Rule == ForeignRemove && b.changes > 0
}

// acts reports whether comparisons do something about foreign flows.
func (d *State) acts(b *book) bool { return d.foreign.Rule == ForeignAdopt || d.removes(b) }

// removal decides about the flows that nobody wants, and notes what goes.
type removal struct {
	d       *State
	b       *book
	on      bool
	removed map[*ofp.FlowStats]bool
}

func (x *removal) flow(f *ofp.FlowStats) plan.Policy {
	if !x.on || !x.d.stranger(x.b, f) || x.d.excepted(f) {
		return plan.Keep
	}
	if x.removed == nil {
		x.removed = make(map[*ofp.FlowStats]bool)
	}
	x.removed[f] = true
	return plan.Remove
}

// words are some of the flows that go, in words, for the log.
func (x *removal) words() (out []string) {
	for f := range x.removed {
		if out = append(out, fmt.Sprint(asFlowMod(f))); len(out) == 5 {
			break
		}
	}
	slices.Sort(out)
	return out
}

// strangers are the places and messages of what is foreign among what a plan keeps.
func (d *State) strangers(b *book, p *plan.Plan, has *plan.Has) (flows []*ofp.FlowStats, groups []*ofp.GroupDesc, meters []*ofp.MeterConfig) {
	for _, k := range p.Kept {
		switch k.Object {
		case plan.Flow:
			if f := &has.Flows[k.Have]; d.stranger(b, f) {
				flows = append(flows, f)
			}
		case plan.Group:
			groups = append(groups, &has.Groups[k.Have])
		case plan.Meter:
			if m := &has.Meters[k.Have]; m.Meter <= ofp.MeterMax { // the others are the switch's own
				meters = append(meters, m)
			}
		}
	}
	return flows, groups, meters
}

// ForeignItem is something on a switch that nobody wants.
type ForeignItem struct {
	Message ofp.Message // that would add it
	// Owner is who would own a flow by its cookie: Sluice has put it there, and the
	// store does not know of it. Known is whether there is such a one.
	Owner string
	Known bool
	// Since is when the switch got the flow; zero: it does not tell.
	Since time.Time
	// Excepted says that the rule leaves it alone.
	Excepted bool
}

// ForeignItems reads a switch and returns what is foreign on it: flows, then groups,
// then meters.
func (d *State) ForeignItems(ctx context.Context, sw Switch) ([]ForeignItem, error) {
	b, err := d.take(ctx, sw.DPID())
	if err != nil {
		return nil, err
	}
	defer d.release(b)
	has, p, err := d.compare(ctx, sw, b)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	flows, groups, meters := d.strangers(b, p, has)
	items := make([]ForeignItem, 0, len(flows)+len(groups)+len(meters))
	for _, f := range flows {
		x := ForeignItem{
			Message: asFlowMod(f), Excepted: d.excepted(f),
			Since: now.Add(-time.Duration(f.DurationSec)*time.Second - time.Duration(f.DurationNsec)),
		}
		if id := ownerID(f.Cookie >> 48); id != 0 {
			d.mu.Lock()
			x.Owner, x.Known = d.names[id]
			d.mu.Unlock()
		}
		items = append(items, x)
	}
	for _, g := range groups {
		items = append(items, ForeignItem{Message: asGroupMod(g)})
	}
	for _, m := range meters {
		items = append(items, ForeignItem{Message: asMeterMod(m)})
	}
	return items, nil
}

// compare reads all that a switch has, and works out how it differs from the book,
// of which nothing is sent. The caller has the turn.
func (d *State) compare(ctx context.Context, sw Switch, b *book) (*plan.Has, *plan.Plan, error) {
	l, err := b.list()
	if err != nil {
		return nil, nil, err
	}
	has, err := read(ctx, sw, &l, true)
	if err != nil {
		return nil, nil, err
	}
	return has, plan.Make(plan.Switch{Version: sw.Version(), Extensions: sw.Extended()}, has, &l.wants, keepAll(&l)), nil
}

// keepAll are rules by which what nobody wants stays, unless it is to be gone.
func keepAll(l *listing) plan.Rules {
	return plan.Rules{
		Flow:  func(*ofp.FlowStats) plan.Policy { return plan.Keep },
		Group: func(uint32) plan.Policy { return plan.Keep },
		Meter: func(uint32) plan.Policy { return plan.Keep },
		Gone:  &l.gone,
	}
}

// asFlowMod, asGroupMod and asMeterMod are the messages that add what a switch has.
func asFlowMod(f *ofp.FlowStats) *ofp.FlowMod {
	m := ofp.NewFlowMod(ofp.FlowAdd)
	m.Table, m.Priority, m.Cookie, m.Match, m.Instructions = f.Table, f.Priority, f.Cookie, f.Match, f.Instructions
	m.IdleTimeout, m.HardTimeout, m.Flags = f.IdleTimeout, f.HardTimeout, f.Flags&^(ofp.FlowCheckOverlap|ofp.FlowResetCounts)
	return m
}

func asGroupMod(g *ofp.GroupDesc) *ofp.GroupMod {
	return &ofp.GroupMod{Command: ofp.GroupAdd, Group: g.Group, GroupType: g.GroupType, Buckets: g.Buckets}
}

func asMeterMod(m *ofp.MeterConfig) *ofp.MeterMod {
	return &ofp.MeterMod{Command: ofp.MeterAdd, Meter: m.Meter, Flags: m.Flags, Bands: m.Bands}
}

// Adoption is who adopts what is foreign on a switch.
type Adoption struct {
	Owner, Author, Note string
	// Filter chooses the flows; nil: all flows, groups and meters. With chosen flows
	// come the foreign groups and meters that they use.
	Filter *ofp.FlowFilter
	// PlanOnly changes nothing.
	PlanOnly bool
}

// Adopted is what was adopted.
type Adopted struct {
	Messages []ofp.Message // that would add it
	Revision store.Revision
	// Unable counts flows, groups and meters that cannot be stored.
	Unable int
	// Blurred counts flows that are left out since they may be wanted ones, told in
	// poorer words (see plan.Plan.Blurred).
	Blurred int
}

// Adopt takes what is foreign on a switch into the store, as an owner's: from then
// on it is kept there. Nothing is sent. No flow is taken where it cannot be known
// for somebody else's (Adopted.Blurred). It fails as Apply does before anything is
// sent, and as reading does.
func (d *State) Adopt(ctx context.Context, sw Switch, a Adoption) (Adopted, error) {
	b, err := d.take(ctx, sw.DPID())
	if err != nil {
		return Adopted{}, err
	}
	defer d.release(b)
	has, p, err := d.compare(ctx, sw, b)
	if err != nil {
		return Adopted{}, err
	}
	pick := func(f *ofp.FlowStats) bool {
		return a.Filter == nil || a.Filter.Selects(f.Table, f.Cookie, &f.Match, f.Instructions)
	}
	return d.adopt(ctx, b, a, has, p, pick)
}

// adopt adopts the flows that pick holds for. The caller has the turn.
func (d *State) adopt(ctx context.Context, b *book, a Adoption, has *plan.Has, p *plan.Plan, pick func(*ofp.FlowStats) bool) (out Adopted, err error) {
	out.Revision = d.store.Revision()
	owner := d.expectOwner(a.Owner)
	flows, groups, meters := d.strangers(b, p, has)
	flows = slices.DeleteFunc(flows, func(f *ofp.FlowStats) bool { return !pick(f) })
	if p.Blurred {
		out.Blurred, flows = len(flows), nil
	}
	things := make(map[place]ofp.Message)
	for _, g := range groups {
		things[groupPlace(g.Group)] = asGroupMod(g)
	}
	for _, m := range meters {
		things[meterPlace(m.Meter)] = asMeterMod(m)
	}
	chosen := make(map[place]ofp.Message, len(flows))
	var choose func(m ofp.Message)
	choose = func(m ofp.Message) { // what m uses
		gs, ms := plan.Uses(m)
		for _, at := range append(mapped(gs, groupPlace), mapped(ms, meterPlace)...) {
			if used := things[at]; used != nil && chosen[at] == nil {
				chosen[at] = used
				choose(used)
			}
		}
	}
	if a.Filter == nil {
		chosen = things
	}
	for _, f := range flows {
		m := asFlowMod(f)
		if a.Filter != nil {
			choose(m)
		}
		chosen[flowPlace(f.Table, f.Priority, &f.Match)] = m
	}
	var pack packer
	var effects []effect
	for _, at := range sortedKeys(chosen) {
		v, err := pack.pack(owner, chosen[at])
		if err != nil {
			out.Unable++
			continue
		}
		effects = append(effects, effect{-1, at, nil, v})
		out.Messages = append(out.Messages, chosen[at])
	}
	if err := d.within(b, effects, owner, a.Owner); err != nil {
		return Adopted{}, err
	}
	if a.PlanOnly || len(effects) == 0 {
		return out, nil
	}
	if now, err := d.owner(ctx, a.Owner); err != nil {
		return Adopted{}, err
	} else if now != owner { // somebody else was given the number meanwhile
		for i := range effects {
			binary.BigEndian.PutUint16(effects[i].after[1:], uint16(now))
		}
	}
	done, err := d.commit(ctx, d.txn(b, Txn{Author: a.Author, Note: a.Note}, effects))
	if err != nil {
		return Adopted{}, err
	}
	b.exhumed = nil
	b.carry(effects, done.Revision)
	b.confirm(effects, b.was)
	out.Revision = done.Revision
	b.mu.Lock()
	b.foreign = max(b.foreign-len(effects), 0)
	b.mu.Unlock()
	return out, nil
}

// adoptByRule adopts what the rule says, after a comparison. It adopts nothing where
// what is wanted may be told in words that make another flow of it.
func (d *State) adoptByRule(ctx context.Context, b *book, r *Report, has *plan.Has, p *plan.Plan) {
	if p.Blurred {
		return
	}
	a, err := d.adopt(ctx, b, Adoption{Owner: d.foreign.Owner, Author: "sluiced", Note: "foreign flows are adopted"}, has, p,
		func(f *ofp.FlowStats) bool { return !d.excepted(f) })
	r.Adopted, r.Foreign = len(a.Messages), r.Foreign-len(a.Messages)
	if err != nil {
		r.Fault = fmt.Errorf("foreign flows are not adopted: %w", err)
	}
	if errors.Is(err, context.Canceled) {
		r.Fault = nil // the end of sluiced
	}
}
