package ofp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// CTFlags are the flags of CT (NX_CT_F_*).
type CTFlags uint16

// CT flags.
const (
	CTCommit CTFlags = 1 << 0 // make the connection known beyond this packet
	CTForce  CTFlags = 1 << 1 // and forget the one of the same addresses in the other direction
)

// Ports of the protocols whose connections Open vSwitch reads to find related
// ones (CT.ALG).
const (
	ALGFTP  = 21
	ALGTFTP = 69
)

// CT hands the packet to the connection tracker (NXAST_CT).
type CT struct {
	Flags CTFlags
	Zone  uint16 // where connections are told apart; unless ZoneFrom has bits

	// ZoneFrom are the 16 bits of the packet or its metadata that hold the zone.
	ZoneFrom Subfield

	// Table is where the packet goes on when the tracker knows its connection, in
	// a copy; TableAll, there is no copy. A zero Table is table 0.
	Table uint8

	ALG     uint16   // ALGFTP, ALGTFTP; 0: none
	Actions []Action // carried out on the connection: NAT, and writing ct_mark and ct_label
}

const subCT = 35

func (*CT) form(Version, uint16) uint16 { return subCT }

func (e *CT) walk(c *cursor, _ uint16) {
	const what = "action ct"
	b := c.fixed(14, what)[:14]
	c.u16(b, (*uint16)(&e.Flags))
	c.u8(b[8:], &e.Table)
	c.blank(b[9:12])
	c.u16(b[12:], &e.ALG)
	switch from := binary.BigEndian.Uint32(b[2:]) != 0; {
	case !c.wr && !from:
		e.ZoneFrom = Subfield{}
		c.u16(b[6:], &e.Zone)
	case c.wr && e.ZoneFrom.Bits == 0:
		c.u16(b[6:], &e.Zone)
	default:
		if !c.wr {
			e.Zone = 0
		}
		e.ZoneFrom.header32(c, b[2:], what+" zone")
		e.ZoneFrom.run(c, b[6:], what+" zone")
	}
	walkNested(c, &e.Actions)
}

func (e *CT) clone() Extension {
	o := *e
	o.Actions = cloneActions(e.Actions)
	return &o
}

// validate checks what Open vSwitch does.
func (e *CT) validate() error {
	switch {
	case e.Flags&CTForce != 0 && e.Flags&CTCommit == 0:
		return errors.New("force needs commit")
	case e.ZoneFrom.Bits != 0 && e.ZoneFrom.Bits != 16:
		return fmt.Errorf("a zone has 16 bits, not the %d of %s", e.ZoneFrom.Bits, e.ZoneFrom)
	case e.ALG != 0 && e.ALG != ALGFTP && e.ALG != ALGTFTP:
		return fmt.Errorf("unknown alg %d; want %d (ftp) or %d (tftp)", e.ALG, ALGFTP, ALGTFTP)
	}
	if e.ZoneFrom.Bits != 0 {
		if err := e.ZoneFrom.Validate(); err != nil {
			return fmt.Errorf("zone: %w", err)
		}
	}
	for i := range e.Actions {
		a := &e.Actions[i]
		nat, isNAT := a.Ext.(*NAT)
		isNAT = isNAT && nat != nil
		if e.Flags&CTCommit == 0 && (!isNAT || nat.Flags != 0 || nat.AddrMin != nil) {
			return errors.New("without commit there is no action but nat without arguments")
		}
		if err := a.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// algs are the names of the protocols.
var algs = map[uint16]string{ALGFTP: "ftp", ALGTFTP: "tftp"}

func (e *CT) appendText(b []byte, v Version, n *Names) []byte {
	b = append(b, "ct("...)
	start := len(b)
	next := func(s string) {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, s...)
	}
	if e.Flags&CTCommit != 0 {
		next("commit")
	}
	if e.Flags&CTForce != 0 {
		next("force")
	}
	if e.Table != TableAll {
		next("table=")
		b = strconv.AppendUint(b, uint64(e.Table), 10)
	}
	if e.ZoneFrom.Bits != 0 {
		next("zone=")
		b = appendSubfield(b, e.ZoneFrom)
	} else if e.Zone != 0 {
		next("zone=")
		b = strconv.AppendUint(b, uint64(e.Zone), 10)
	}
	rest := e.Actions
	if len(rest) > 0 {
		if nat, ok := rest[0].Ext.(*NAT); ok && nat != nil {
			next("")
			b = nat.appendText(b, v, n)
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		next("exec(")
		b = append(appendActions(b, rest, v, n), ')')
	}
	if e.ALG != 0 {
		next("alg=")
		if s := algs[e.ALG]; s != "" {
			b = append(b, s...)
		} else {
			b = strconv.AppendUint(b, uint64(e.ALG), 10)
		}
	}
	return append(b, ')')
}

func ctText(p *textParser, it textItem, m *Match) Extension {
	e := &CT{Table: TableAll}
	var seen onceKeys
	p.keyValues(it, func(arg textItem) {
		if arg.key != "exec" && arg.key != "nat" {
			seen.note(p, arg)
		}
		switch arg.key {
		case "commit":
			p.noValue(arg)
			e.Flags |= CTCommit
		case "force":
			p.noValue(arg)
			e.Flags |= CTForce
		case "table":
			e.Table = uint8(p.uint(arg, uint64(TableAll-1)))
		case "zone":
			if v, ok := parseUint(arg.val); ok && v <= math.MaxUint16 {
				e.Zone = uint16(v)
			} else {
				e.ZoneFrom = p.wholeSubfield(arg)
				if p.err == nil && e.ZoneFrom.Bits != 16 {
					p.badValue(arg, "want a number from 0 to 65535 or 16 bits, such as reg0[0..15]; %s has %d", clip(arg.val), e.ZoneFrom.Bits)
				}
			}
		case "alg":
			for port, name := range algs {
				if name == arg.val {
					e.ALG = port
				}
			}
			if e.ALG == 0 {
				p.badValue(arg, "unknown helper %q; want ftp or tftp", clip(arg.val))
			}
		case "nat":
			nat := Extend(natText(p, arg, m))
			if why := p.context.protocol.refuses(&nat); why != "" {
				p.badValue(arg, "%s", why)
			}
			e.Actions = append(e.Actions, nat)
		case "exec":
			if !arg.has {
				p.badValue(arg, "needs actions in parentheses, such as exec(set_field:1->ct_mark)")
			}
			e.Actions = append(e.Actions, p.nested(arg, m, "ct")...)
		default:
			p.notAmong(arg, "ct", "commit", "force", "table", "zone", "alg", "nat", "exec")
		}
	})
	return e
}

// CTClear makes the packet forget its connection (NXAST_CT_CLEAR).
type CTClear struct{}

func (*CTClear) form(Version, uint16) uint16 { return 43 }
func (*CTClear) walk(*cursor, uint16)        {}
func (*CTClear) clone() Extension            { return &CTClear{} }

func (*CTClear) appendText(b []byte, _ Version, _ *Names) []byte { return append(b, "ct_clear"...) }
