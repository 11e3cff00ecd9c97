package ofp

// GroupCommand is what a group-mod does (ofp_group_mod_command, section 7.3.4.3
// of OpenFlow 1.3.5).
type GroupCommand uint16

// Group commands.
const (
	GroupAdd    GroupCommand = 0
	GroupModify GroupCommand = 1
	GroupDelete GroupCommand = 2

	// GroupAddOrModify adds the group, or changes it if it is there; Open vSwitch
	// 2.6 and later only.
	GroupAddOrModify GroupCommand = 0x8000
)

// GroupType is how a group treats its buckets (ofp_group_type).
type GroupType uint8

// Group types.
const (
	GroupTypeAll          GroupType = 0 // every bucket gets a copy
	GroupTypeSelect       GroupType = 1 // one bucket, by weight
	GroupTypeIndirect     GroupType = 2 // the only bucket
	GroupTypeFastFailover GroupType = 3 // the first bucket that is live
)

var groupTypeNames = [...]string{"all", "select", "indirect", "ff"}

// String returns the type's name as ovs-ofctl prints it.
func (t GroupType) String() string {
	if int(t) < len(groupTypeNames) {
		return groupTypeNames[t]
	}
	return "unknown"
}

// Bucket is one set of actions of a group (ofp_bucket).
type Bucket struct {
	Weight     uint16 // relative, of select groups
	WatchPort  PortNo // whose state makes the bucket live, or PortAny
	WatchGroup uint32 // whose state makes the bucket live, or GroupAny
	Actions    []Action
}

// NewBucket returns a bucket that watches nothing.
func NewBucket(as ...Action) Bucket {
	return Bucket{WatchPort: PortAny, WatchGroup: GroupAny, Actions: as}
}

// GroupMod adds, changes or deletes a group; 1.1 and later, and in 1.0 what an
// Encoder with Extensions writes as NXGroupMod.
type GroupMod struct {
	Command   GroupCommand
	GroupType GroupType
	Group     uint32 // or GroupAll to delete all
	Buckets   []Bucket
}

// Type returns TypeGroupMod.
func (*GroupMod) Type() Type { return TypeGroupMod }

func (m *GroupMod) walk(c *cursor) {
	b := c.fixed(8, "group_mod")
	c.u16(b, (*uint16)(&m.Command))
	c.u8(b[2:], (*uint8)(&m.GroupType))
	c.u32(b[4:], &m.Group)
	list(c, &m.Buckets, "bucket", walkBucket)
}

func walkBucket(c *cursor, k *Bucket) {
	start, outer, ok := c.open(16, "bucket", 0)
	if !ok {
		return
	}
	b := c.fixed(16, "bucket")
	c.u16(b[2:], &k.Weight)
	c.port32(b[4:], &k.WatchPort)
	c.u32(b[8:], &k.WatchGroup)
	walkActions(c, &k.Actions)
	c.close(start, outer, 0)
}

// GroupStatsRequest asks for the counters of a group, or of all with GroupAll
// (section 7.3.5.9 of OpenFlow 1.3.5).
type GroupStatsRequest struct{ Group uint32 }

// Kind returns PartGroup.
func (*GroupStatsRequest) Kind() PartKind { return PartGroup }

func (p *GroupStatsRequest) walk(c *cursor) { c.u32(c.fixed(8, "group stats request"), &p.Group) }

// GroupStatsReply lists the counters of groups.
type GroupStatsReply struct{ Groups []GroupStats }

// Kind returns PartGroup.
func (*GroupStatsReply) Kind() PartKind   { return PartGroup }
func (p *GroupStatsReply) walk(c *cursor) { list(c, &p.Groups, "group", walkGroupStats) }

// GroupStats are the counters of one group (ofp_group_stats).
type GroupStats struct {
	Group        uint32
	RefCount     uint32 // flows and groups that use it
	Packets      uint64
	Bytes        uint64
	DurationSec  uint32 // how long the group has been there; 1.3
	DurationNsec uint32 // nanoseconds beyond DurationSec; 1.3
	Buckets      []BucketStats
}

// BucketStats are the counters of one bucket (ofp_bucket_counter).
type BucketStats struct {
	Packets uint64
	Bytes   uint64
}

func walkGroupStats(c *cursor, g *GroupStats) {
	n, timed := 32, c.v >= V13 || c.v == V10 // in 1.0 it is Open vSwitch's
	if timed {
		n = 40
	}
	start, outer, ok := c.open(n, "group", 0)
	if !ok {
		return
	}
	b := c.fixed(n, "group")
	c.u32(b[4:], &g.Group)
	c.u32(b[8:], &g.RefCount)
	c.u64(b[16:], &g.Packets)
	c.u64(b[24:], &g.Bytes)
	if timed {
		c.u32(b[32:], &g.DurationSec)
		c.u32(b[36:], &g.DurationNsec)
	} else if !c.wr {
		g.DurationSec, g.DurationNsec = 0, 0
	}
	list(c, &g.Buckets, "bucket counter", walkBucketStats)
	c.close(start, outer, 0)
}

func walkBucketStats(c *cursor, k *BucketStats) {
	b := c.fixed(16, "bucket counter")
	c.u64(b, &k.Packets)
	c.u64(b[8:], &k.Bytes)
}

// GroupDescRequest asks for all groups (section 7.3.5.10 of OpenFlow 1.3.5).
type GroupDescRequest struct{}

// Kind returns PartGroupDesc.
func (*GroupDescRequest) Kind() PartKind { return PartGroupDesc }
func (*GroupDescRequest) walk(*cursor)   {}

// GroupDescReply lists groups.
type GroupDescReply struct{ Groups []GroupDesc }

// Kind returns PartGroupDesc.
func (*GroupDescReply) Kind() PartKind   { return PartGroupDesc }
func (p *GroupDescReply) walk(c *cursor) { list(c, &p.Groups, "group", walkGroupDesc) }

// GroupDesc is one group of a switch (ofp_group_desc).
type GroupDesc struct {
	GroupType GroupType
	Group     uint32
	Buckets   []Bucket
}

func walkGroupDesc(c *cursor, g *GroupDesc) {
	start, outer, ok := c.open(8, "group", 0)
	if !ok {
		return
	}
	b := c.fixed(8, "group")
	c.u8(b[2:], (*uint8)(&g.GroupType))
	c.u32(b[4:], &g.Group)
	list(c, &g.Buckets, "bucket", walkBucket)
	c.close(start, outer, 0)
}

// GroupFeaturesRequest asks what groups the switch can have; 1.2 and later
// (section 7.3.5.11 of OpenFlow 1.3.5).
type GroupFeaturesRequest struct{}

// Kind returns PartGroupFeatures.
func (*GroupFeaturesRequest) Kind() PartKind { return PartGroupFeatures }
func (*GroupFeaturesRequest) walk(*cursor)   {}

// Group capability bits (ofp_group_capabilities).
const (
	GroupSelectWeight   uint32 = 1 << 0 // weights of select groups
	GroupSelectLiveness uint32 = 1 << 1 // liveness of select groups
	GroupChaining       uint32 = 1 << 2 // groups in groups
	GroupChainingChecks uint32 = 1 << 3 // loops are found
)

// GroupFeatures tells what groups the switch can have (ofp_group_features). The
// arrays are indexed by GroupType.
type GroupFeatures struct {
	Types        uint32 // bit n for GroupType n
	Capabilities uint32
	MaxGroups    [4]uint32
	Actions      [4]uint32 // bit n for the action of number n
}

// Kind returns PartGroupFeatures.
func (*GroupFeatures) Kind() PartKind { return PartGroupFeatures }

func (p *GroupFeatures) walk(c *cursor) {
	b := c.fixed(40, "group features")
	c.u32(b, &p.Types)
	c.u32(b[4:], &p.Capabilities)
	for i := range 4 {
		c.u32(b[8+4*i:], &p.MaxGroups[i])
		c.u32(b[24+4*i:], &p.Actions[i])
	}
}
