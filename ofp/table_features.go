package ofp

// TableFeaturesRequest asks what the tables can do, or sets it where it lists
// tables (section 7.3.5.5 of OpenFlow 1.3.5).
type TableFeaturesRequest struct{ Tables []TableFeatures }

// TableFeaturesReply tells what the tables can do.
type TableFeaturesReply struct{ Tables []TableFeatures }

// Kind returns PartTableFeatures.
func (*TableFeaturesRequest) Kind() PartKind { return PartTableFeatures }

// Kind returns PartTableFeatures.
func (*TableFeaturesReply) Kind() PartKind { return PartTableFeatures }

func (p *TableFeaturesRequest) walk(c *cursor) { list(c, &p.Tables, "table", walkTableFeatures) }
func (p *TableFeaturesReply) walk(c *cursor)   { list(c, &p.Tables, "table", walkTableFeatures) }

// TableFeatures tells what one table can do (ofp_table_features).
type TableFeatures struct {
	Table         uint8
	Name          string // at most 31 bytes
	MetadataMatch uint64 // bits that can be matched
	MetadataWrite uint64 // bits that can be written
	Config        uint32
	MaxEntries    uint32
	Properties    []TableProperty
}

// TablePropertyType is the type of a table's property
// (ofp_table_feature_prop_type). Those with MISS speak of the table-miss flow.
type TablePropertyType uint16

// Table property types.
const (
	TableInstructions      TablePropertyType = 0
	TableInstructionsMiss  TablePropertyType = 1
	TableNextTables        TablePropertyType = 2
	TableNextTablesMiss    TablePropertyType = 3
	TableWriteActions      TablePropertyType = 4
	TableWriteActionsMiss  TablePropertyType = 5
	TableApplyActions      TablePropertyType = 6
	TableApplyActionsMiss  TablePropertyType = 7
	TableMatch             TablePropertyType = 8
	TableWildcards         TablePropertyType = 10
	TableWriteSetField     TablePropertyType = 12
	TableWriteSetFieldMiss TablePropertyType = 13
	TableApplySetField     TablePropertyType = 14
	TableApplySetFieldMiss TablePropertyType = 15
	TableExperimenter      TablePropertyType = 0xfffe
	TableExperimenterMiss  TablePropertyType = 0xffff
)

// TableProperty is one property of a table, its contents as on the wire: a list
// of instruction or action headers, of table numbers, or of OXM headers.
type TableProperty struct {
	Type TablePropertyType
	Data []byte // aliases the frame
}

func walkTableFeatures(c *cursor, t *TableFeatures) {
	start, outer, ok := c.open(64, "table", 0)
	if !ok {
		return
	}
	b := c.fixed(64, "table")
	c.u8(b[2:], &t.Table)
	c.text(b[8:40], &t.Name, "table name")
	c.u64(b[40:], &t.MetadataMatch)
	c.u64(b[48:], &t.MetadataWrite)
	c.u32(b[56:], &t.Config)
	c.u32(b[60:], &t.MaxEntries)
	list(c, &t.Properties, "table property", walkTableProperty)
	c.close(start, outer, 0)
}

func walkTableProperty(c *cursor, p *TableProperty) {
	start, outer, ok := c.open(4, "table property", 2)
	if !ok {
		return
	}
	c.u16(c.fixed(4, "table property"), (*uint16)(&p.Type))
	c.rest(&p.Data)
	c.close(start, outer, 2)
	if c.wr {
		c.pad8(start)
	} else {
		c.skip((8-(c.off-start)&7)&7, "table property padding")
	}
}

// ExperimenterPart is a body that the specifications leave to others
// (section 7.3.5.16 of OpenFlow 1.3.5).
type ExperimenterPart struct {
	Experimenter uint32
	Data         []byte // all after it; since 1.1 the first four bytes are the experimenter's type
}

// Kind returns PartExperimenter.
func (*ExperimenterPart) Kind() PartKind { return PartExperimenter }

func (p *ExperimenterPart) walk(c *cursor) {
	c.u32(c.fixed(4, "experimenter"), &p.Experimenter)
	c.rest(&p.Data)
}
