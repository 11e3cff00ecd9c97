package ofp

import (
	"encoding/binary"
	"fmt"
)

// Special numbers of flows.
const (
	NoBuffer        uint32 = 0xffffffff // the packet is not buffered (OFP_NO_BUFFER)
	GroupAny        uint32 = 0xffffffff // no restriction by group (OFPG_ANY)
	GroupAll        uint32 = 0xfffffffc // all groups (OFPG_ALL)
	GroupMax        uint32 = 0xffffff00 // the highest group number
	TableAll        uint8  = 0xff       // all tables (OFPTT_ALL)
	QueueAll        uint32 = 0xffffffff // all queues (OFPQ_ALL)
	PriorityDefault        = 0x8000     // of a flow that names none (OFP_DEFAULT_PRIORITY)
)

// FlowCommand is what a flow-mod does (ofp_flow_mod_command, section 7.3.4.2 of
// OpenFlow 1.3.5).
type FlowCommand uint8

// Flow commands.
const (
	FlowAdd          FlowCommand = 0
	FlowModify       FlowCommand = 1 // change the instructions of all flows that match
	FlowModifyStrict FlowCommand = 2 // of the one with this match and priority
	FlowDelete       FlowCommand = 3 // delete all flows that match
	FlowDeleteStrict FlowCommand = 4 // the one with this match and priority
)

// FlowFlags are the flags of a flow-mod (ofp_flow_mod_flags), as OpenFlow 1.3
// numbers them. The upper half holds bits that the version they were received in
// has no name for.
type FlowFlags uint32

// Flow flags. On the wire of 1.0, FlowEmergency is the bit that later versions
// have for FlowResetCounts; here it has one of its own, so that neither is taken
// for the other.
const (
	FlowSendFlowRem  FlowFlags = 1 << 0  // send flow-removed when the flow goes
	FlowCheckOverlap FlowFlags = 1 << 1  // refuse a flow that overlaps one of its priority
	FlowResetCounts  FlowFlags = 1 << 2  // 1.2 and later: set the counters to zero
	FlowNoPktCounts  FlowFlags = 1 << 3  // 1.3: do not count packets
	FlowNoByteCounts FlowFlags = 1 << 4  // 1.3: do not count bytes
	FlowEmergency    FlowFlags = 1 << 15 // 1.0: an emergency flow
)

// flowFlagRows pairs the flags with their names.
var flowFlagRows = [...]struct {
	flag FlowFlags
	name string
}{
	{FlowSendFlowRem, "send_flow_rem"}, {FlowCheckOverlap, "check_overlap"}, {FlowResetCounts, "reset_counts"},
	{FlowNoPktCounts, "no_pkt_counts"}, {FlowNoByteCounts, "no_byt_counts"}, {FlowEmergency, "emerg"},
}

// flowFlagVersions has the flags of each version, and the lowest bits on its
// wire, which are those that it names: three of 1.0, of which the third is the
// emergency flag, and so on. Bits that it does not name are kept in the upper half
// of FlowFlags, so that they are written again in the same version, and never
// taken for a flag of another.
var flowFlagVersions = [4]flowFlagVersion{
	{FlowSendFlowRem | FlowCheckOverlap | FlowEmergency, 1<<3 - 1},
	{FlowSendFlowRem | FlowCheckOverlap, 1<<2 - 1},
	{FlowSendFlowRem | FlowCheckOverlap | FlowResetCounts, 1<<3 - 1},
	{FlowSendFlowRem | FlowCheckOverlap | FlowResetCounts | FlowNoPktCounts | FlowNoByteCounts, 1<<5 - 1},
}

type flowFlagVersion struct {
	known FlowFlags
	named uint16
}

const (
	wire10Emergency = 1 << 2
	flowFlagsNamed  = 1<<16 - 1 // the lower half
)

// walk is a flow's flags. To write one that the version does not have is an
// error.
func (f *FlowFlags) walk(c *cursor, b []byte) {
	v := &flowFlagVersions[c.v-1]
	if c.wr {
		if refused := flowFlagsNamed&^v.known | FlowFlags(v.named)<<16; *f&refused != 0 {
			f.refuse(c, v.known)
			return
		}
		n := uint16(*f)&v.named | uint16(*f>>16)
		if *f&FlowEmergency != 0 {
			n |= wire10Emergency
		}
		binary.BigEndian.PutUint16(b, n)
		return
	}
	n := binary.BigEndian.Uint16(b)
	*f = FlowFlags(n&^v.named)<<16 | FlowFlags(n&v.named)
	if c.v == V10 && n&wire10Emergency != 0 {
		*f ^= FlowEmergency | wire10Emergency
	}
}

func (f *FlowFlags) refuse(c *cursor, known FlowFlags) {
	for _, x := range flowFlagRows {
		if *f&^known&x.flag != 0 {
			c.lacks("flag " + x.name)
			return
		}
	}
	c.lacks(fmt.Sprintf("flags 0x%x of another version", uint32(*f>>16)))
}

// FlowMod adds, changes or deletes flows (ofp_flow_mod, section 7.3.4.2 of
// OpenFlow 1.3.5). Make one with NewFlowMod: a zero OutPort or OutGroup is a
// restriction, not the absence of one.
type FlowMod struct {
	Cookie      uint64
	CookieMask  uint64 // 1.1 and later: which flows a modify or delete is about
	Table       uint8  // 1.1 and later
	Command     FlowCommand
	IdleTimeout uint16 // seconds without a packet; 0: none
	HardTimeout uint16 // seconds since it was added; 0: none
	Priority    uint16
	BufferID    uint32 // a buffered packet to apply the flow to, or NoBuffer
	OutPort     PortNo // delete only flows that output there, or PortAny
	OutGroup    uint32 // delete only flows that use the group, or GroupAny; 1.1 and later
	Flags       FlowFlags

	// NXTable says, in 1.0, that Table travels in the upper byte of the command:
	// Open vSwitch's flow_mod_table_id, which the connection must have turned on.
	// Without it a flow-mod of 1.0 can name no table. Later versions ignore it.
	NXTable bool

	Match        Match
	Instructions []Instruction
}

// NewFlowMod returns a flow-mod with the default priority, no buffer and no
// restriction by port or group; a delete is about all tables.
func NewFlowMod(command FlowCommand) *FlowMod {
	m := &FlowMod{Command: command, Priority: PriorityDefault, BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny}
	if command == FlowDelete || command == FlowDeleteStrict {
		m.Table = TableAll
	}
	return m
}

// Type returns TypeFlowMod.
func (*FlowMod) Type() Type { return TypeFlowMod }

// Clone returns a message that shares no memory with m.
func (m *FlowMod) Clone() *FlowMod {
	o := *m
	o.Match = m.Match.Clone()
	o.Instructions = CloneInstructions(m.Instructions)
	return &o
}

func (m *FlowMod) walk(c *cursor) {
	if c.v == V10 {
		m.walk10(c)
		return
	}
	b := c.whole(40, "flow_mod")[:40]
	c.u64(b, &m.Cookie)
	c.u64(b[8:], &m.CookieMask)
	c.u8(b[16:], &m.Table)
	c.u8(b[17:], (*uint8)(&m.Command))
	c.u16(b[18:], &m.IdleTimeout)
	c.u16(b[20:], &m.HardTimeout)
	c.u16(b[22:], &m.Priority)
	c.u32(b[24:], &m.BufferID)
	c.port32(b[28:], &m.OutPort)
	c.u32(b[32:], &m.OutGroup)
	m.Flags.walk(c, b[36:])
	if c.wr {
		b[38], b[39] = 0, 0
		c.say.match = &m.Match
	} else {
		m.NXTable = false
	}
	walkMatch(c, &m.Match)
	walkInstructions(c, &m.Instructions)
}

func (m *FlowMod) walk10(c *cursor) {
	if c.wr {
		switch {
		case m.Table != 0 && m.Table != TableAll && !m.NXTable && !c.say.extensions:
			c.lacks(fmt.Sprintf("table %d", m.Table))
		case m.CookieMask != 0 && (m.CookieMask != ^uint64(0) || m.Command != FlowAdd):
			c.lacks("cookie_mask")
		}
	}
	walkMatch(c, &m.Match)
	m.settings10(c, c.fixed(24, "flow_mod"), c.wr && (m.NXTable || c.say.extensions))
	walkInstructions(c, &m.Instructions)
}

// settings10 is what flow-mods of 1.0, and Nicira's in all versions, say besides
// match and actions. tables tells whether the table is written, too.
func (m *FlowMod) settings10(c *cursor, b []byte, tables bool) {
	b = b[:24:24]
	command := uint16(m.Command)
	if tables {
		command |= uint16(m.Table) << 8
	}
	c.u64(b, &m.Cookie)
	c.u16(b[8:], &command)
	c.u16(b[10:], &m.IdleTimeout)
	c.u16(b[12:], &m.HardTimeout)
	c.u16(b[14:], &m.Priority)
	c.u32(b[16:], &m.BufferID)
	c.port16(b[20:], &m.OutPort, "out_port")
	m.Flags.walk(c, b[22:])
	if !c.wr {
		m.Command, m.Table, m.NXTable = FlowCommand(command), uint8(command>>8), command > 0xff
		if m.Table == 0 && !tables && (m.Command == FlowDelete || m.Command == FlowDeleteStrict) {
			m.Table = TableAll // a delete that names no table is about all of them
		}
		m.CookieMask, m.OutGroup = 0, GroupAny
	} else if m.OutGroup != GroupAny && m.OutGroup != 0 {
		c.lacks("out_group")
	}
}

// FlowRemovedReason says why a flow is gone (ofp_flow_removed_reason).
type FlowRemovedReason uint8

// Reasons of a flow's removal.
const (
	RemovedIdleTimeout FlowRemovedReason = 0
	RemovedHardTimeout FlowRemovedReason = 1
	RemovedDelete      FlowRemovedReason = 2
	RemovedGroupDelete FlowRemovedReason = 3 // 1.1 and later
	RemovedMeterDelete FlowRemovedReason = 4 // Open vSwitch, as in 1.4
	RemovedEviction    FlowRemovedReason = 5 // Open vSwitch, as in 1.4
)

// FlowRemoved tells that a flow with FlowSendFlowRem is gone (ofp_flow_removed,
// section 7.4.2 of OpenFlow 1.3.5).
type FlowRemoved struct {
	Cookie       uint64
	Priority     uint16
	Reason       FlowRemovedReason
	Table        uint8  // 1.1 and later
	DurationSec  uint32 // how long the flow was alive
	DurationNsec uint32 // nanoseconds beyond DurationSec
	IdleTimeout  uint16 // seconds
	HardTimeout  uint16 // seconds; 1.2 and later, and Open vSwitch in 1.1
	Packets      uint64
	Bytes        uint64
	Match        Match
}

// Type returns TypeFlowRemoved.
func (*FlowRemoved) Type() Type { return TypeFlowRemoved }

func (m *FlowRemoved) walk(c *cursor) {
	if c.v == V10 {
		walkMatch(c, &m.Match)
		b := c.fixed(40, "flow_removed")
		c.u64(b, &m.Cookie)
		c.u16(b[8:], &m.Priority)
		c.u8(b[10:], (*uint8)(&m.Reason))
		c.u32(b[12:], &m.DurationSec)
		c.u32(b[16:], &m.DurationNsec)
		c.u16(b[20:], &m.IdleTimeout)
		c.u64(b[24:], &m.Packets)
		c.u64(b[32:], &m.Bytes)
		if !c.wr {
			m.Table, m.HardTimeout = 0, 0
		}
		return
	}
	b := c.fixed(40, "flow_removed")
	c.u64(b, &m.Cookie)
	c.u16(b[8:], &m.Priority)
	c.u8(b[10:], (*uint8)(&m.Reason))
	c.u8(b[11:], &m.Table)
	c.u32(b[12:], &m.DurationSec)
	c.u32(b[16:], &m.DurationNsec)
	c.u16(b[20:], &m.IdleTimeout)
	c.u16(b[22:], &m.HardTimeout) // padding in 1.1, where Open vSwitch fills it all the same
	c.u64(b[24:], &m.Packets)
	c.u64(b[32:], &m.Bytes)
	walkMatch(c, &m.Match)
}
