package ofp

// ovsRoleNames are Open vSwitch's words for the roles.
var ovsRoleNames = [...]string{"nochange", "equal", "primary", "secondary"}

func (p *printer) role(m *RoleState) {
	if int(m.Role) < len(ovsRoleNames) {
		p.text(" role=" + ovsRoleNames[m.Role])
	} else {
		p.number(" role=", uint64(m.Role))
	}
	if m.Generation != ^uint64(0) {
		p.number(" generation_id=", m.Generation)
	}
}

// asyncReasons are the messages that masks are about, with the names of the
// reasons. Open vSwitch has three more than OpenFlow 1.3, which are always off
// there.
var asyncReasons = [...]struct {
	name    string
	reasons bitNames
	of      func(*AsyncMasks) *[2]uint32
}{
	{"      PACKET_IN", bitNames{"no_match", "action", "invalid_ttl"}, func(m *AsyncMasks) *[2]uint32 { return &m.PacketIn }},
	{"    PORT_STATUS", bitNames{"add", "delete", "modify"}, func(m *AsyncMasks) *[2]uint32 { return &m.PortStatus }},
	{"   FLOW_REMOVED", bitNames{"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"}, func(m *AsyncMasks) *[2]uint32 { return &m.FlowRemoved }},
	{"    ROLE_STATUS", nil, nil},
	{"   TABLE_STATUS", nil, nil},
	{" REQUESTFORWARD", nil, nil},
}

func (p *printer) async(m *AsyncMasks) {
	for i, who := range [...]string{"primary", "secondary"} {
		p.text("\n " + who + ":\n")
		for _, a := range asyncReasons {
			p.text(" " + a.name + ":")
			any := false
			if a.of != nil {
				for bit, reason := range a.reasons {
					if a.of(m)[i]&(1<<bit) != 0 {
						p.text(" " + reason)
						any = true
					}
				}
			}
			if !any {
				p.text(" (off)")
			}
			p.text("\n")
		}
	}
}

func (p *printer) portMod(m *PortMod) {
	config, _ := portBits(p.v)
	p.text(" port: " + m.Port.String() + ": addr:" + m.HWAddr.String() + "\n     config: ")
	p.b = portConfigNames.list(p.b, uint32(m.Config&config))
	p.text("\n     mask:   ")
	p.b = portConfigNames.list(p.b, uint32(m.Mask&config))
	p.text("\n     advertise: ")
	if bits := m.Advertise & 0xffff; bits != 0 {
		p.b = portFeatureNames.list(p.b, uint32(bits))
	} else {
		p.text("UNCHANGED")
	}
	p.text("\n")
}

func (p *printer) tableMod(m *TableMod) {
	if m.Table == TableAll {
		p.text(" table_id: ALL_TABLES")
	} else {
		p.number(" table_id=", uint64(m.Table))
	}
	if p.v == V11 || p.v == V12 {
		miss := m.Config & 3
		if miss == 3 {
			miss = 0 // no number of the specification's; Open vSwitch takes it for the first
		}
		p.text(", flow_miss_config=" + tableMissNames[miss])
	}
}
