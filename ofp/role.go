package ofp

import "fmt"

// Role is the role of a controller towards a switch (ofp_controller_role,
// section 7.3.9 of OpenFlow 1.3.5).
type Role uint32

// Controller roles.
const (
	RoleNoChange Role = 0
	RoleEqual    Role = 1
	RoleMaster   Role = 2
	RoleSlave    Role = 3
)

// String returns the role's name in small letters.
func (r Role) String() string {
	if names := [...]string{"nochange", "equal", "master", "slave"}; int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("role %d", uint32(r))
}

// RoleState is the body of a role request and reply.
type RoleState struct {
	Role Role

	// Generation is the number of the election that gave the role, by which switches
	// of 1.2 and later refuse who was voted out; or NoGeneration. 1.0 and 1.1 have no
	// place for it: there it is NoGeneration or 0, and any other is ErrVersion, since
	// who relies on it would not be protected.
	Generation uint64
}

// NoGeneration says that no election gave the role.
const NoGeneration = ^uint64(0)

// RoleRequest asks the switch for a role. In 1.0 and 1.1 it is Open vSwitch's own
// message, which has neither a generation nor RoleNoChange (NXT_ROLE_REQUEST).
type RoleRequest struct{ RoleState }

// RoleReply tells the role.
type RoleReply struct{ RoleState }

// Type returns TypeRoleRequest.
func (*RoleRequest) Type() Type { return TypeRoleRequest }

// Type returns TypeRoleReply.
func (*RoleReply) Type() Type { return TypeRoleReply }

func (m *RoleState) walk(c *cursor) {
	if c.v < V12 {
		m.Role.walkNX(c)
		if !c.wr {
			m.Generation = NoGeneration
		} else if m.Generation != 0 && m.Generation != NoGeneration {
			c.lacks("role generation")
		}
		return
	}
	b := c.fixed(16, "role")
	c.u32(b, (*uint32)(&m.Role))
	c.u64(b[8:], &m.Generation)
}

// AsyncMasks says which asynchronous messages a controller gets: bit n stands
// for reason n. The first of each pair is for a master or equal, the second for
// a slave (ofp_async_config, section 7.3.10 of OpenFlow 1.3.5).
type AsyncMasks struct {
	PacketIn    [2]uint32
	PortStatus  [2]uint32
	FlowRemoved [2]uint32
}

// GetAsyncRequest asks for the masks; 1.3.
type GetAsyncRequest struct{}

// GetAsyncReply tells the masks.
type GetAsyncReply struct{ AsyncMasks }

// SetAsync sets the masks.
type SetAsync struct{ AsyncMasks }

// Type returns TypeGetAsyncRequest.
func (*GetAsyncRequest) Type() Type     { return TypeGetAsyncRequest }
func (*GetAsyncRequest) walk(c *cursor) {}

// Type returns TypeGetAsyncReply.
func (*GetAsyncReply) Type() Type { return TypeGetAsyncReply }

// Type returns TypeSetAsync.
func (*SetAsync) Type() Type { return TypeSetAsync }

func (m *AsyncMasks) walk(c *cursor) {
	b := c.fixed(24, "async_config")
	for i := range 2 {
		c.u32(b[4*i:], &m.PacketIn[i])
		c.u32(b[8+4*i:], &m.PortStatus[i])
		c.u32(b[16+4*i:], &m.FlowRemoved[i])
	}
}

// PortMod changes the configuration of a port (ofp_port_mod, section 7.3.4.4 of
// OpenFlow 1.3.5).
type PortMod struct {
	Port      PortNo
	HWAddr    MAC // must be the port's, as a check
	Config    PortConfig
	Mask      PortConfig   // the bits of Config to change
	Advertise PortFeatures // 0: unchanged
}

// Type returns TypePortMod.
func (*PortMod) Type() Type { return TypePortMod }

func (m *PortMod) walk(c *cursor) {
	if c.v == V10 {
		b := c.fixed(24, "port_mod")
		c.port16(b, &m.Port, "port")
		c.bytes(b[2:8], m.HWAddr[:])
		c.u32(b[8:], (*uint32)(&m.Config))
		c.u32(b[12:], (*uint32)(&m.Mask))
		c.features(b[16:], &m.Advertise)
		return
	}
	b := c.fixed(32, "port_mod")
	c.port32(b, &m.Port)
	c.bytes(b[8:14], m.HWAddr[:])
	c.u32(b[16:], (*uint32)(&m.Config))
	c.u32(b[20:], (*uint32)(&m.Mask))
	c.features(b[24:], &m.Advertise)
}

// TableMod sets what a table does with packets that no flow takes; 1.1 and
// later, deprecated in 1.3 (ofp_table_mod, section 7.3.3 of OpenFlow 1.3.5).
type TableMod struct {
	Table  uint8  // or TableAll
	Config uint32 // 1.1, 1.2: one of the TableMiss numbers; 1.3: reserved
}

// What a table of OpenFlow 1.1 and 1.2 does with packets that no flow takes
// (ofp_table_config).
const (
	TableMissController uint32 = 0 // sends them to the controller
	TableMissContinue   uint32 = 1 // hands them to the next table
	TableMissDrop       uint32 = 2 // drops them
)

// Type returns TypeTableMod.
func (*TableMod) Type() Type { return TypeTableMod }

func (m *TableMod) walk(c *cursor) {
	b := c.fixed(8, "table_mod")
	c.u8(b, &m.Table)
	c.u32(b[4:], &m.Config)
}
