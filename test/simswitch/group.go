package simswitch

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

// group is one group and what it counts.
type group struct {
	ofp.GroupDesc
	stats ofp.GroupStats
	added time.Duration
}

// maxChain bounds groups in groups; a packet that goes deeper is dropped there.
const maxChain = 8

// GroupMod adds, changes or deletes groups as section 6.4.3 of OpenFlow 1.3.5
// says. ReasonUnknown means that it was done; the message is not kept.
func (d *Datapath) GroupMod(m *ofp.GroupMod) ofp.ErrorReason {
	old := d.groups[m.Group]
	switch {
	case m.Command == ofp.GroupDelete:
		for id := range d.groups {
			if id == m.Group || m.Group == ofp.GroupAll {
				delete(d.groups, id)
				d.deleteUsers(func(f *Flow) bool { return f.uses(id) }, ofp.RemovedGroupDelete)
			}
		}
		return ofp.ReasonUnknown
	case m.Command > ofp.GroupDelete && m.Command != ofp.GroupAddOrModify:
		return ofp.GroupModFailedBadCommand
	case m.Command == ofp.GroupAdd && old != nil:
		return ofp.GroupModFailedGroupExists
	case m.Command == ofp.GroupModify && old == nil:
		return ofp.GroupModFailedUnknownGroup
	case m.Validate() != nil:
		return ofp.GroupModFailedInvalidGroup
	}
	g := &group{added: d.now, stats: ofp.GroupStats{Group: m.Group, Buckets: make([]ofp.BucketStats, len(m.Buckets))}}
	if old != nil {
		g.added = old.added
	}
	g.Group, g.GroupType = m.Group, m.GroupType
	for _, k := range m.Buckets {
		for i := range k.Actions {
			if a := &k.Actions[i]; a.Type == ofp.ActionGroup && d.groups[a.Arg] == nil {
				return ofp.BadActionBadOutGroup
			}
		}
		k.Actions = ofp.CloneInstructions([]ofp.Instruction{ofp.Apply(k.Actions...)})[0].Actions
		g.Buckets = append(g.Buckets, k)
	}
	d.groups[m.Group] = g
	return ofp.ReasonUnknown
}

// deleteUsers deletes the flows that use what is gone, in all tables.
func (d *Datapath) deleteUsers(uses func(*Flow) bool, why ofp.FlowRemovedReason) {
	for i := range d.tables {
		for _, f := range d.tables[i].Remove(uses) {
			d.removed(uint8(i), f, why)
		}
	}
}

// group lets a packet through a group: a copy through each bucket of an all
// group, and one through the first bucket that is live of the others. Nothing
// here depends on the packet, which makes tests of select groups simple.
func (d *Datapath) group(p *Packet, id uint32, from source) {
	g := d.groups[id]
	if g == nil || d.chain >= maxChain {
		return
	}
	d.chain++
	defer func() { d.chain-- }()
	g.stats.Packets++
	g.stats.Bytes += uint64(len(p.Frame))
	for i := range g.Buckets {
		k := &g.Buckets[i]
		if g.GroupType != ofp.GroupTypeAll && !d.live(g, k) {
			continue
		}
		g.stats.Buckets[i].Packets++
		g.stats.Buckets[i].Bytes += uint64(len(p.Frame))
		set := actionSet{}
		set.add(k.Actions)
		d.apply(NewPacket(p.InPort, bytes.Clone(p.Frame)), set.ordered(), from)
		if g.GroupType != ofp.GroupTypeAll {
			return
		}
	}
}

// live reports whether a bucket may get packets.
func (d *Datapath) live(g *group, k *ofp.Bucket) bool {
	if g.GroupType == ofp.GroupTypeSelect && k.Weight == 0 {
		return false
	}
	if k.WatchPort != ofp.PortAny {
		o := d.port(k.WatchPort)
		return o != nil && o.Up()
	}
	return true
}

// Groups returns the groups by ascending number.
func (d *Datapath) Groups() []ofp.GroupDesc {
	var out []ofp.GroupDesc
	for _, id := range slices.Sorted(maps.Keys(d.groups)) {
		out = append(out, d.groups[id].GroupDesc)
	}
	return out
}

// GroupStats tells the counters of a group, or of all with GroupAll.
func (d *Datapath) GroupStats(id uint32) []ofp.GroupStats {
	var out []ofp.GroupStats
	for _, n := range slices.Sorted(maps.Keys(d.groups)) {
		if id != n && id != ofp.GroupAll {
			continue
		}
		g := d.groups[n]
		s := g.stats
		s.Buckets = slices.Clone(s.Buckets)
		for i := range d.tables {
			for f := range d.tables[i].All() {
				if f.uses(n) {
					s.RefCount++
				}
			}
		}
		if d.Version >= ofp.V13 {
			age := d.now - g.added
			s.DurationSec, s.DurationNsec = uint32(age/time.Second), uint32(age%time.Second)
		}
		out = append(out, s)
	}
	return out
}

// GroupFeatures tells what groups there can be.
func (d *Datapath) GroupFeatures() *ofp.GroupFeatures {
	f := &ofp.GroupFeatures{Types: 0xf, Capabilities: ofp.GroupSelectLiveness | ofp.GroupChaining}
	for i := range f.MaxGroups {
		f.MaxGroups[i], f.Actions[i] = ofp.GroupMax, 0x0fc00001
	}
	return f
}

// uses reports whether the flow sends to the group.
func (f *Flow) uses(group uint32) bool {
	q := ofp.AllFlows()
	q.OutGroup = group
	return q.Selects(0, f.Cookie, &f.Match, f.Instructions)
}
