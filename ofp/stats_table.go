package ofp

import "fmt"

// TableStatsRequest asks for the statistics of all tables.
type TableStatsRequest struct{}

// Kind returns PartTable.
func (*TableStatsRequest) Kind() PartKind { return PartTable }
func (*TableStatsRequest) walk(*cursor)   {}

// TableStatsReply lists the tables.
type TableStatsReply struct{ Tables []TableStats }

// Kind returns PartTable.
func (*TableStatsReply) Kind() PartKind   { return PartTable }
func (p *TableStatsReply) walk(c *cursor) { list(c, &p.Tables, "table", walkTableStats) }

// TableStats are the statistics of one table (ofp_table_stats, section 7.3.5.3
// of OpenFlow 1.3.5). Before 1.3 they also tell what the table can do, in bits
// that each version numbers in its own way; 1.3 has table features for that.
type TableStats struct {
	Table   uint8
	Active  uint32 // flows
	Lookups uint64 // packets looked up
	Matched uint64 // packets that a flow took

	Name           string // at most 31 bytes; 1.0 to 1.2
	MaxEntries     uint32 // 1.0 to 1.2
	Match          uint64 // fields that flows can match; 1.1, 1.2
	Wildcards      uint64 // fields that can be wildcarded; 1.0 to 1.2
	WriteActions   uint32 // 1.1, 1.2
	ApplyActions   uint32 // 1.1, 1.2
	WriteSetFields uint64 // 1.2
	ApplySetFields uint64 // 1.2
	MetadataMatch  uint64 // bits of metadata that can be matched; 1.2
	MetadataWrite  uint64 // bits of metadata that can be written; 1.2
	Instructions   uint32 // 1.1, 1.2
	Config         uint32 // 1.1, 1.2
}

func walkTableStats(c *cursor, t *TableStats) {
	if !c.wr {
		*t = TableStats{Name: t.Name} // the name is kept to be compared, not allocated again
		if c.v >= V13 {
			t.Name = ""
		}
	}
	switch c.v {
	case V10:
		b := c.fixed(64, "table")
		c.u8(b, &t.Table)
		c.text(b[4:36], &t.Name, "table name")
		c.low32(b[36:], &t.Wildcards)
		c.u32(b[40:], &t.MaxEntries)
		c.u32(b[44:], &t.Active)
		c.u64(b[48:], &t.Lookups)
		c.u64(b[56:], &t.Matched)
	case V11:
		b := c.fixed(88, "table")
		c.u8(b, &t.Table)
		c.text(b[8:40], &t.Name, "table name")
		c.low32(b[40:], &t.Wildcards)
		c.low32(b[44:], &t.Match)
		c.u32(b[48:], &t.Instructions)
		c.u32(b[52:], &t.WriteActions)
		c.u32(b[56:], &t.ApplyActions)
		c.u32(b[60:], &t.Config)
		c.u32(b[64:], &t.MaxEntries)
		c.u32(b[68:], &t.Active)
		c.u64(b[72:], &t.Lookups)
		c.u64(b[80:], &t.Matched)
	case V12:
		b := c.fixed(128, "table")
		c.u8(b, &t.Table)
		c.text(b[8:40], &t.Name, "table name")
		c.u64(b[40:], &t.Match)
		c.u64(b[48:], &t.Wildcards)
		c.u32(b[56:], &t.WriteActions)
		c.u32(b[60:], &t.ApplyActions)
		c.u64(b[64:], &t.WriteSetFields)
		c.u64(b[72:], &t.ApplySetFields)
		c.u64(b[80:], &t.MetadataMatch)
		c.u64(b[88:], &t.MetadataWrite)
		c.u32(b[96:], &t.Instructions)
		c.u32(b[100:], &t.Config)
		c.u32(b[104:], &t.MaxEntries)
		c.u32(b[108:], &t.Active)
		c.u64(b[112:], &t.Lookups)
		c.u64(b[120:], &t.Matched)
	default:
		b := c.fixed(24, "table")
		c.u8(b, &t.Table)
		c.u32(b[4:], &t.Active)
		c.u64(b[8:], &t.Lookups)
		c.u64(b[16:], &t.Matched)
	}
}

// low32 is a 64-bit set of which the version at hand has the lower half.
func (c *cursor) low32(b []byte, p *uint64) {
	n := uint32(*p)
	c.u32(b, &n)
	if !c.wr {
		*p = uint64(n)
	} else if *p>>32 != 0 {
		c.lacks(fmt.Sprintf("table fields 0x%x", *p))
	}
}
