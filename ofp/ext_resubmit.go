package ofp

import "strconv"

// Resubmit looks the packet up again, in a table of choice, as if it had come in
// through a port of choice, and then goes on with the actions after it
// (NXAST_RESUBMIT, NXAST_RESUBMIT_TABLE, NXAST_RESUBMIT_TABLE_CT).
type Resubmit struct {
	InPort PortNo // PortInPort: the packet's own
	Table  uint8  // TableAll: the table that the action stands in
	CT     bool   // swap the packet's source and destination for those of its connection
}

// Subtypes of Resubmit.
const (
	subResubmit        = 1
	subResubmitTable   = 14
	subResubmitTableCT = 44
)

func (e *Resubmit) form(_ Version, received uint16) uint16 {
	switch {
	case e.CT:
		return subResubmitTableCT
	case e.Table == TableAll && received != subResubmitTable:
		return subResubmit
	}
	return subResubmitTable
}

func (e *Resubmit) walk(c *cursor, subtype uint16) {
	c.port16(c.fixed(2, "action resubmit"), &e.InPort, "action resubmit")
	switch {
	case subtype != subResubmit:
		c.u8(c.fixed(1, "action resubmit"), &e.Table)
	case !c.wr:
		e.Table = TableAll
	}
	if !c.wr {
		e.CT = subtype == subResubmitTableCT
	}
}

func (e *Resubmit) clone() Extension { o := *e; return &o }

func (e *Resubmit) appendText(b []byte, _ Version, n *Names) []byte {
	if e.Table == TableAll && !e.CT && e.InPort != PortInPort {
		return appendPort(append(b, "resubmit:"...), e.InPort, n)
	}
	b = append(b, "resubmit("...)
	if e.InPort != PortInPort {
		b = appendPort(b, e.InPort, n)
	}
	b = append(b, ',')
	if e.Table != TableAll {
		b = strconv.AppendUint(b, uint64(e.Table), 10)
	}
	if e.CT {
		b = append(b, ",ct"...)
	}
	return append(b, ')')
}

// PopQueue undoes what set_queue did (NXAST_POP_QUEUE).
type PopQueue struct{}

func (*PopQueue) form(Version, uint16) uint16 { return 5 }
func (*PopQueue) walk(*cursor, uint16)        {}
func (*PopQueue) clone() Extension            { return &PopQueue{} }

func (*PopQueue) appendText(b []byte, _ Version, _ *Names) []byte {
	return append(b, "pop_queue"...)
}
