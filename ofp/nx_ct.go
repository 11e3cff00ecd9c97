package ofp

// NXCTFlushZone forgets the connections of a zone (NXT_CT_FLUSH_ZONE).
type NXCTFlushZone struct{ Zone uint16 }

// Type returns TypeNXCTFlushZone.
func (*NXCTFlushZone) Type() Type         { return TypeNXCTFlushZone }
func (m *NXCTFlushZone) walk(c *cursor)   { c.u16(c.fixed(8, "zone")[6:], &m.Zone) }
func (m *NXCTFlushZone) clone() any       { return copyOf(m) }
func (m *NXCTFlushZone) print(p *printer) { p.number(" zone_id=", uint64(m.Zone)) }
