package ofp

// NXSetAsyncConfig is SetAsync in the form that Open vSwitch takes in all versions
// (NXT_SET_ASYNC_CONFIG).
type NXSetAsyncConfig struct{ AsyncMasks }

// Type returns TypeNXSetAsyncConfig.
func (*NXSetAsyncConfig) Type() Type   { return TypeNXSetAsyncConfig }
func (m *NXSetAsyncConfig) clone() any { return copyOf(m) }

func (m *NXSetAsyncConfig) print(p *printer) { p.async(m.table()) }

// AsyncMessage is one of the kinds of asynchronous messages that OpenFlow 1.4 and
// later choose by property.
type AsyncMessage uint8

// Kinds of asynchronous messages.
const (
	AsyncPacketIn AsyncMessage = iota
	AsyncPortStatus
	AsyncFlowRemoved
	AsyncRoleStatus
	AsyncTableStatus
	AsyncRequestForward
	numAsync
)

// asyncMasks are the masks of all kinds, for a master and for a slave.
type asyncMasks [numAsync][2]uint32

// table returns the masks in the order of AsyncMessage.
func (m *AsyncMasks) table() *asyncMasks {
	return &asyncMasks{m.PacketIn, m.PortStatus, m.FlowRemoved}
}

// NXSetAsyncConfig2 sets the masks by property, as OpenFlow 1.4 does; what has no
// property stays as it is (NXT_SET_ASYNC_CONFIG2). The types are those of
// ofp_async_config_prop_type: twice the kind of message for a slave, and one more
// for a master; the contents are a mask of 32 bits.
type NXSetAsyncConfig2 struct{ Properties []Property }

// Type returns TypeNXSetAsyncConfig2.
func (*NXSetAsyncConfig2) Type() Type       { return TypeNXSetAsyncConfig2 }
func (m *NXSetAsyncConfig2) walk(c *cursor) { list(c, &m.Properties, "property", walkProperty) }
func (m *NXSetAsyncConfig2) clone() any {
	return &NXSetAsyncConfig2{Properties: cloneProperties(m.Properties)}
}

// Set adds the mask of a kind of messages for a master and equal, or for a slave.
func (m *NXSetAsyncConfig2) Set(kind AsyncMessage, slave bool, mask uint32) {
	typ := 2*uint16(kind) + 1
	if slave {
		typ--
	}
	b := make([]byte, 4)
	putUint(b, uint64(mask))
	m.Properties = append(m.Properties, Property{Type: typ, Data: b})
}

// Mask returns the mask of a kind of messages, if there is a property for it.
func (m *NXSetAsyncConfig2) Mask(kind AsyncMessage, slave bool) (mask uint32, ok bool) {
	for i := range m.Properties {
		p := &m.Properties[i]
		if p.Type/2 != uint16(kind) || p.Type&1 == 0 != slave {
			continue
		}
		if v, whole := p.uint(4); whole {
			mask, ok = uint32(v), true
		}
	}
	return mask, ok
}

func (m *NXSetAsyncConfig2) print(p *printer) {
	var masks asyncMasks
	for kind := range masks {
		masks[kind][0], _ = m.Mask(AsyncMessage(kind), false)
		masks[kind][1], _ = m.Mask(AsyncMessage(kind), true)
	}
	p.async(&masks)
	for i := range m.Properties {
		if q := &m.Properties[i]; len(q.Data) != 4 || q.Type/2 >= uint16(numAsync) {
			p.property(q)
		}
	}
}

// property prints a property that is not modelled.
func (p *printer) property(q *Property) {
	p.f("\n property 0x%04x: 0x%x", q.Type, q.Data)
}

// asyncNames are the kinds, and the reasons of each that Open vSwitch knows.
var asyncNames = [numAsync]struct {
	name    string
	reasons bitNames
}{
	{"PACKET_IN", packetInReasonNames[:3]},
	{"PORT_STATUS", bitNames{"add", "delete", "modify"}},
	{"FLOW_REMOVED", flowRemovedReasonNames},
	{"ROLE_STATUS", roleReasonNames},
	{"TABLE_STATUS", bitNames{3: "vacancy_down", 4: "vacancy_up"}},
	{"REQUESTFORWARD", bitNames{"group_mod_request", "meter_mod_request"}},
}

var (
	packetInReasonNames    = bitNames{"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "", ""}
	flowRemovedReasonNames = bitNames{"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"}
	roleReasonNames        = bitNames{"primary_request", "configuration_changed", "experimenter_data_changed"}
)

// async leaves out bits that no reason has, as Open vSwitch does.
func (p *printer) async(masks *asyncMasks) {
	for i, role := range [...]string{"primary", "secondary"} {
		p.text("\n " + role + ":\n")
		for kind, row := range asyncNames {
			p.f("%16s:", row.name)
			any := false
			for bit, reason := range row.reasons {
				if masks[kind][i]&(1<<bit) != 0 && reason != "" {
					p.text(" " + reason)
					any = true
				}
			}
			if !any {
				p.text(" (off)")
			}
			p.text("\n")
		}
	}
}
