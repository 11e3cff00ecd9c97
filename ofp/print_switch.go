package ofp

// ovsRoleNames are Open vSwitch's words for the roles.
var ovsRoleNames = [...]string{"nochange", "equal", "primary", "secondary"}

func (p *printer) role(r Role, generation uint64, say bool) {
	if int(r) < len(ovsRoleNames) {
		p.text(" role=" + ovsRoleNames[r])
	} else {
		p.number(" role=", uint64(r))
	}
	if say {
		p.number(" generation_id=", generation)
	}
}

func (p *printer) portMod(m *PortMod) {
	config, _ := portBits(p.v)
	p.text(" port: " + m.Port.String() + ": addr:" + m.HWAddr.String() + "\n     config: ")
	p.b = portConfigNames.list(p.b, uint32(m.Config&m.Mask&config))
	p.text("\n     mask:   ")
	p.b = portConfigNames.list(p.b, uint32(m.Mask&config))
	p.text("\n     advertise: ")
	if bits := m.Advertise & portFeatureBits(p.v); bits != 0 {
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
		p.text(", flow_miss_config=" + tableMissName(m.Config))
	}
}
