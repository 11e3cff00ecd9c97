package ofp

// EchoRequest asks the peer for an EchoReply with the same data (section 7.5.2
// of OpenFlow 1.3.5).
type EchoRequest struct {
	Data []byte // aliases the frame
}

// EchoReply answers an EchoRequest.
type EchoReply struct {
	Data []byte // the request's; aliases the frame
}

// Experimenter is a message that the specifications leave to others; 1.0 calls
// it vendor (ofp_experimenter_header, section 7.5.4 of OpenFlow 1.3.5).
type Experimenter struct {
	Experimenter uint32 // an IEEE OUI, or a number that the ONF gave
	Data         []byte // all after it; since 1.1 the first four bytes are the experimenter's type
}

// FeaturesRequest asks the switch what it is (section 7.3.1 of OpenFlow 1.3.5).
type FeaturesRequest struct{}

// GetConfigRequest asks for the switch's configuration.
type GetConfigRequest struct{}

// BarrierRequest is answered after all messages before it have been processed
// (section 7.3.8 of OpenFlow 1.3.5).
type BarrierRequest struct{}

// BarrierReply answers a BarrierRequest.
type BarrierReply struct{}

// Type returns TypeEchoRequest.
func (*EchoRequest) Type() Type       { return TypeEchoRequest }
func (m *EchoRequest) walk(c *cursor) { c.rest(&m.Data) }

// Type returns TypeEchoReply.
func (*EchoReply) Type() Type       { return TypeEchoReply }
func (m *EchoReply) walk(c *cursor) { c.rest(&m.Data) }

// Type returns TypeExperimenter.
func (*Experimenter) Type() Type { return TypeExperimenter }
func (m *Experimenter) walk(c *cursor) {
	c.u32(c.fixed(4, "experimenter"), &m.Experimenter)
	c.rest(&m.Data)
}

// Type returns TypeFeaturesRequest.
func (*FeaturesRequest) Type() Type     { return TypeFeaturesRequest }
func (*FeaturesRequest) walk(c *cursor) {}

// Type returns TypeGetConfigRequest.
func (*GetConfigRequest) Type() Type     { return TypeGetConfigRequest }
func (*GetConfigRequest) walk(c *cursor) {}

// Type returns TypeBarrierRequest.
func (*BarrierRequest) Type() Type     { return TypeBarrierRequest }
func (*BarrierRequest) walk(c *cursor) {}

// Type returns TypeBarrierReply.
func (*BarrierReply) Type() Type     { return TypeBarrierReply }
func (*BarrierReply) walk(c *cursor) {}

// Capabilities are the bits of ofp_capabilities. Bit 3 says spanning tree in
// 1.0 and group statistics later.
type Capabilities uint32

// Capability bits.
const (
	CapFlowStats   Capabilities = 1 << 0
	CapTableStats  Capabilities = 1 << 1
	CapPortStats   Capabilities = 1 << 2
	CapSTP         Capabilities = 1 << 3 // 1.0
	CapGroupStats  Capabilities = 1 << 3 // 1.1 and later
	CapIPReasm     Capabilities = 1 << 5
	CapQueueStats  Capabilities = 1 << 6
	CapARPMatchIP  Capabilities = 1 << 7 // 1.0 and 1.1
	CapPortBlocked Capabilities = 1 << 8 // 1.2 and later
)

// FeaturesReply tells what a switch is (ofp_switch_features, section 7.3.1 of
// OpenFlow 1.3.5).
type FeaturesReply struct {
	DPID         DPID
	Buffers      uint32 // packets that the switch can keep
	Tables       uint8
	AuxiliaryID  uint8 // 0 for a main connection; 1.3
	Capabilities Capabilities
	Actions      uint32 // 1.0: bit n for the action of number n; later reserved
	Ports        []Port // 1.0 to 1.2; 1.3 tells them in a port description
}

// Type returns TypeFeaturesReply.
func (*FeaturesReply) Type() Type { return TypeFeaturesReply }

func (m *FeaturesReply) walk(c *cursor) {
	b := c.fixed(24, "features_reply")
	c.u64(b, (*uint64)(&m.DPID))
	c.u32(b[8:], &m.Buffers)
	c.u8(b[12:], &m.Tables)
	if c.v >= V13 {
		c.u8(b[13:], &m.AuxiliaryID)
	} else if !c.wr {
		m.AuxiliaryID = 0
	}
	c.u32(b[16:], (*uint32)(&m.Capabilities))
	c.u32(b[20:], &m.Actions)
	if c.v >= V13 {
		if !c.wr {
			m.Ports = m.Ports[:0]
		} else if len(m.Ports) > 0 {
			c.lacks("features_reply ports")
		}
		return
	}
	list(c, &m.Ports, "port", walkPort)
}

// ConfigFlags say what the switch does with IP fragments (ofp_config_flags).
type ConfigFlags uint16

// Configuration flags.
const (
	FragNormal             ConfigFlags = 0      // no special handling
	FragDrop               ConfigFlags = 1      // drop fragments
	FragReasm              ConfigFlags = 2      // reassemble, where the switch can
	FragNXMatch            ConfigFlags = 3      // Open vSwitch: match on fragments
	InvalidTTLToController ConfigFlags = 1 << 2 // 1.1 and 1.2: send packets with invalid TTL to the controller
)

// SwitchConfig is the configuration of a switch (ofp_switch_config, section
// 7.3.2 of OpenFlow 1.3.5).
type SwitchConfig struct {
	Flags       ConfigFlags
	MissSendLen uint16 // bytes of a packet that a packet-in brings; 1.0 and 1.1 also for table misses
}

// GetConfigReply answers a GetConfigRequest.
type GetConfigReply struct{ SwitchConfig }

// SetConfig sets the switch's configuration.
type SetConfig struct{ SwitchConfig }

// Type returns TypeGetConfigReply.
func (*GetConfigReply) Type() Type { return TypeGetConfigReply }

// Type returns TypeSetConfig.
func (*SetConfig) Type() Type { return TypeSetConfig }

func (m *SwitchConfig) walk(c *cursor) {
	b := c.fixed(4, "switch_config")
	c.u16(b, (*uint16)(&m.Flags))
	c.u16(b[2:], &m.MissSendLen)
}

// PortReason says what happened to a port (ofp_port_reason).
type PortReason uint8

// Port status reasons.
const (
	PortAdded    PortReason = 0
	PortDeleted  PortReason = 1
	PortModified PortReason = 2
)

// PortStatus tells that a port came, went or changed (ofp_port_status, section
// 7.4.3 of OpenFlow 1.3.5).
type PortStatus struct {
	Reason PortReason
	Port   Port
}

// Type returns TypePortStatus.
func (*PortStatus) Type() Type { return TypePortStatus }

func (m *PortStatus) walk(c *cursor) {
	c.u8(c.fixed(8, "port_status"), (*uint8)(&m.Reason))
	walkPort(c, &m.Port)
}
