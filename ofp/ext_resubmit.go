package ofp

import (
	"errors"
	"math"
	"strconv"
)

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
	case e.Table == TableAll && received == subResubmit: // Open vSwitch sends the other
		return subResubmit
	}
	return subResubmitTable
}

func (e *Resubmit) walk(c *cursor, subtype uint16) {
	b := c.fixed(6, "action resubmit")
	c.port16(b, &e.InPort, "action resubmit")
	switch {
	case subtype != subResubmit:
		c.u8(b[2:], &e.Table)
		c.blank(b[3:])
	case c.wr:
	default:
		e.Table = TableAll
		c.blank(b[2:])
	}
	if !c.wr {
		e.CT = subtype == subResubmitTableCT
	}
}

func (e *Resubmit) validate() error {
	if e.InPort == PortInPort && e.Table == TableAll {
		return errors.New("would begin again without end; want a port, a table, or both")
	}
	return nil
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

func resubmitText(p *textParser, it textItem, _ *Match) Extension {
	e := &Resubmit{InPort: PortInPort, Table: TableAll}
	if !it.has || it.val == "" {
		p.badValue(it, "needs a port, a table, or both, such as resubmit:1 or resubmit(,2)")
		return e
	}
	if p.s[it.valAt-1] == ':' {
		e.InPort = p.port(it)
		return e
	}
	for i, arg := range p.arguments(it) {
		switch {
		case i == 0 && arg.val != "":
			e.InPort = p.port(arg)
		case i == 1 && arg.val != "":
			e.Table = uint8(p.uint(arg, math.MaxUint8))
		case i == 2 && arg.val == "ct":
			e.CT = true
		case i >= 2:
			p.badValue(arg, "unknown argument %q; want resubmit(PORT,TABLE,ct)", clip(arg.val))
		}
	}
	return e
}
