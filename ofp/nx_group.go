package ofp

import (
	"bytes"
	"encoding/binary"
)

// NXGroup is a group as Open vSwitch has it in 1.0, which is as OpenFlow 1.5 has
// it: its buckets have numbers, and they and the group itself have properties.
type NXGroup struct {
	GroupType GroupType
	Group     uint32
	Buckets   []NXBucket

	// Properties of the group; the only one that Open vSwitch has says how a select
	// group selects (NTR's, number 0xffff).
	Properties []Property
}

// NXBucket is one set of actions of such a group (ofp15_bucket). Make one from a
// Bucket with NewNXBucket; the accessors read the properties.
type NXBucket struct {
	ID         uint32 // for insert and remove; each of a group's is another
	Actions    []Action
	Properties []Property
}

// Properties of buckets (ofp_group_bucket_prop_type of OpenFlow 1.5).
const (
	bucketWeight     = 0
	bucketWatchPort  = 1
	bucketWatchGroup = 2
)

// Commands of NXGroupMod beside those of GroupMod.
const (
	GroupInsertBucket GroupCommand = 3 // adds buckets, next to CommandBucket
	GroupRemoveBucket GroupCommand = 5 // removes CommandBucket
)

// Buckets that CommandBucket can name beside those with a number.
const (
	BucketFirst uint32 = 0xfffffffd
	BucketLast  uint32 = 0xfffffffe
	BucketAll   uint32 = 0xffffffff
)

// NXGroupMod adds, changes or deletes a group, or buckets of it (NXT_GROUP_MOD);
// 1.0. An Encoder with Extensions writes a GroupMod as one.
type NXGroupMod struct {
	Command       GroupCommand
	CommandBucket uint32 // where to insert, or what to remove; else BucketAll
	NXGroup
}

// NXGroupStatsRequest asks for the counters of a group (NXST_GROUP); 1.0.
type NXGroupStatsRequest struct{ GroupStatsRequest }

// NXGroupStatsReply lists the counters of groups.
type NXGroupStatsReply struct{ GroupStatsReply }

// NXGroupDescRequest asks for a group, or for all with GroupAll (NXST_GROUP_DESC);
// 1.0.
type NXGroupDescRequest struct{ Group uint32 }

// NXGroupDescReply lists groups.
type NXGroupDescReply struct{ Groups []NXGroup }

// NXGroupFeaturesRequest asks what groups the switch can have
// (NXST_GROUP_FEATURES); 1.0 and 1.1.
type NXGroupFeaturesRequest struct{ GroupFeaturesRequest }

// NXGroupFeatures tells it.
type NXGroupFeatures struct{ GroupFeatures }

// NewNXBucket returns the bucket, of a group of type t, with a number.
func NewNXBucket(id uint32, t GroupType, k Bucket) NXBucket {
	n := NXBucket{ID: id, Actions: k.Actions}
	u32 := func(typ uint16, v uint32) {
		n.Properties = append(n.Properties, Property{typ, binary.BigEndian.AppendUint32(nil, v)})
	}
	if t == GroupTypeSelect {
		u32(bucketWeight, uint32(k.Weight)<<16)
	}
	if k.WatchPort != PortAny {
		u32(bucketWatchPort, uint32(k.WatchPort))
	}
	if k.WatchGroup != GroupAny {
		u32(bucketWatchGroup, k.WatchGroup)
	}
	return n
}

// Bucket returns the bucket as other versions have it. It shares memory with k.
func (k *NXBucket) Bucket(t GroupType) Bucket {
	b := Bucket{Weight: t.weight(), WatchPort: PortAny, WatchGroup: GroupAny, Actions: k.Actions}
	for i := range k.Properties {
		p := &k.Properties[i]
		if v, ok := p.uint(2); ok && p.Type == bucketWeight {
			b.Weight = uint16(v)
		}
		v, ok := p.uint(4)
		switch {
		case !ok:
		case p.Type == bucketWatchPort:
			b.WatchPort = PortNo(v)
		case p.Type == bucketWatchGroup:
			b.WatchGroup = uint32(v)
		}
	}
	return b
}

// Desc returns the group as other versions have it, which is without the numbers
// of buckets and the group's properties. It shares memory with g.
func (g *NXGroup) Desc() GroupDesc {
	d := GroupDesc{GroupType: g.GroupType, Group: g.Group}
	for i := range g.Buckets {
		d.Buckets = append(d.Buckets, g.Buckets[i].Bucket(g.GroupType))
	}
	return d
}

func newNXGroup(t GroupType, group uint32, buckets []Bucket) NXGroup {
	g := NXGroup{GroupType: t, Group: group}
	for i, k := range buckets {
		g.Buckets = append(g.Buckets, NewNXBucket(uint32(i), t, k))
	}
	return g
}

// nicira is the group-mod as Open vSwitch's of 1.0.
func (m *GroupMod) nicira() *NXGroupMod {
	return &NXGroupMod{Command: m.Command, CommandBucket: BucketAll, NXGroup: newNXGroup(m.GroupType, m.Group, m.Buckets)}
}

// niciraPart is the part as Open vSwitch has it in a version that has none of its
// own, or nil.
func niciraPart(v Version, part Part) Part {
	switch p := part.(type) {
	case *GroupFeaturesRequest:
		return &NXGroupFeaturesRequest{*p}
	case *GroupFeatures:
		return &NXGroupFeatures{*p}
	}
	if v != V10 {
		return nil
	}
	switch p := part.(type) {
	case *GroupStatsRequest:
		return &NXGroupStatsRequest{*p}
	case *GroupStatsReply:
		return &NXGroupStatsReply{*p}
	case *GroupDescRequest:
		return &NXGroupDescRequest{GroupAll}
	case *GroupDescReply:
		r := new(NXGroupDescReply)
		for i := range p.Groups {
			d := &p.Groups[i]
			r.Groups = append(r.Groups, newNXGroup(d.GroupType, d.Group, d.Buckets))
		}
		return r
	}
	return nil
}

// Type returns TypeNXGroupMod.
func (*NXGroupMod) Type() Type { return TypeNXGroupMod }

// Kind returns PartExperimenter.
func (*NXGroupStatsRequest) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXGroupStatsReply) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXGroupDescRequest) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXGroupDescReply) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXGroupFeaturesRequest) Kind() PartKind { return PartExperimenter }

// Kind returns PartExperimenter.
func (*NXGroupFeatures) Kind() PartKind { return PartExperimenter }

func (m *NXGroupMod) walk(c *cursor) {
	b := c.fixed(16, "group_mod")
	c.u16(b, (*uint16)(&m.Command))
	c.u8(b[2:], (*uint8)(&m.GroupType))
	c.u32(b[4:], &m.Group)
	c.u32(b[12:], &m.CommandBucket)
	m.walkBuckets(c, binary.BigEndian.Uint16(b[8:]), 8)
	list(c, &m.Properties, "property", walkProperty)
}

// walkBuckets walks the buckets, n bytes, whose length stands so many bytes before
// them.
func (g *NXGroup) walkBuckets(c *cursor, n uint16, before int) {
	if c.wr {
		start := len(c.buf)
		list(c, &g.Buckets, "bucket", walkNXBucket)
		c.putLen16(start, start-before)
		return
	}
	if int(n) > c.left() {
		c.bad("bucket list length", "%d, at most %d", n, c.left())
		return
	}
	outer := c.enter(int(n))
	if list(c, &g.Buckets, "bucket", walkNXBucket); c.err == nil {
		c.leave(outer)
	}
}

// putLen16 writes the number of bytes since mark start at mark at.
func (c *cursor) putLen16(start, at int) {
	n := len(c.buf) - start
	if n > 0xffff {
		c.tooLong()
	}
	binary.BigEndian.PutUint16(c.buf[at:], uint16(n))
}

func walkNXBucket(c *cursor, k *NXBucket) {
	start, outer, ok := c.open(8, "bucket", 0)
	if !ok {
		return
	}
	b := c.fixed(8, "bucket")
	c.u32(b[4:], &k.ID)
	if c.wr {
		walkActions(c, &k.Actions)
		c.putLen16(start+8, start+2)
	} else {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n > c.left() {
			c.bad("bucket actions length", "%d, at most %d", n, c.left())
			return
		}
		bucket := c.enter(n)
		if walkActions(c, &k.Actions); c.err != nil {
			return
		}
		c.leave(bucket)
	}
	list(c, &k.Properties, "property", walkProperty)
	c.close(start, outer, 0)
}

func (p *NXGroupDescRequest) walk(c *cursor) { c.u32(c.fixed(8, "group desc request"), &p.Group) }
func (p *NXGroupDescReply) walk(c *cursor)   { list(c, &p.Groups, "group", walkNXGroupDesc) }

func walkNXGroupDesc(c *cursor, g *NXGroup) {
	start, outer, ok := c.open(16, "group", 0)
	if !ok {
		return
	}
	b := c.fixed(16, "group")
	c.u8(b[2:], (*uint8)(&g.GroupType))
	c.u32(b[4:], &g.Group)
	g.walkBuckets(c, binary.BigEndian.Uint16(b[8:]), 8)
	list(c, &g.Properties, "property", walkProperty)
	c.close(start, outer, 0)
}

func (g *NXGroup) copy() NXGroup {
	o := *g
	o.Buckets = cloneEach(g.Buckets, func(k *NXBucket) {
		k.Actions, k.Properties = cloneActions(k.Actions), cloneProperties(k.Properties)
	})
	o.Properties = cloneProperties(g.Properties)
	return o
}

func (m *NXGroupMod) clone() any {
	return &NXGroupMod{Command: m.Command, CommandBucket: m.CommandBucket, NXGroup: m.copy()}
}
func (p *NXGroupDescRequest) clone() any { return copyOf(p) }
func (p *NXGroupDescReply) clone() any {
	return &NXGroupDescReply{cloneEach(p.Groups, func(g *NXGroup) { *g = g.copy() })}
}
func (p *NXGroupStatsRequest) clone() any { return copyOf(p) }
func (p *NXGroupStatsReply) clone() any {
	return &NXGroupStatsReply{*clonePart(&p.GroupStatsReply).(*GroupStatsReply)}
}
func (p *NXGroupFeaturesRequest) clone() any { return p }
func (p *NXGroupFeatures) clone() any        { return copyOf(p) }

// selection is what the property of NTR says that tells how a group selects.
type selection struct {
	method string
	param  uint64
	fields []byte // those to hash, as OXM whose values are masks
}

// ntrSelection is its experimenter and type.
var ntrSelection = []byte{0, 0, 0x15, 0x4d, 0, 0, 0, 1}

func (g *NXGroup) selection() (s selection, ok bool) {
	const head, method = 12, 16
	for i := range g.Properties {
		p := &g.Properties[i]
		if p.Type != 0xffff || len(p.Data) < head+method+8 || !bytes.Equal(p.Data[:8], ntrSelection) {
			continue
		}
		name, _, _ := bytes.Cut(p.Data[head:head+method], []byte{0})
		return selection{string(name), binary.BigEndian.Uint64(p.Data[head+method:]), p.Data[head+method+8:]}, true
	}
	return s, false
}
