package ofp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// OutputTrunc sends the first bytes of the packet out of a port
// (NXAST_OUTPUT_TRUNC).
type OutputTrunc struct {
	Port   PortNo // a port of the switch, PortLocal or PortInPort
	MaxLen uint32 // bytes; at least 14, those of an Ethernet header
}

func (e *OutputTrunc) walk(c *cursor, _ uint16) {
	b := c.fixed(6, "action output_trunc")
	c.port16(b, &e.Port, "action output_trunc")
	c.u32(b[2:], &e.MaxLen)
}

func (e *OutputTrunc) clone() Extension { o := *e; return &o }

func (e *OutputTrunc) appendText(b []byte, _ Version, n *Names) []byte {
	b = appendPort(append(b, "output(port="...), e.Port, n)
	b = strconv.AppendUint(append(b, ",max_len="...), uint64(e.MaxLen), 10)
	return append(b, ')')
}

func (e *OutputTrunc) validate() error {
	const least = 14
	switch {
	case e.Port.Reserved() && e.Port != PortLocal && e.Port != PortInPort:
		return fmt.Errorf("what leaves through %s cannot be cut short; want a port, LOCAL or IN_PORT", e.Port)
	case e.MaxLen < least:
		return fmt.Errorf("max_len %d is less than the %d bytes of an Ethernet header", e.MaxLen, least)
	}
	return e.Port.validHere()
}

// outputTrunc reads output(port=...,max_len=...), and with field= instead of
// port= an OutputReg, for which Open vSwitch has no such text.
func (p *textParser) outputTrunc(it textItem) Action {
	e := &OutputTrunc{Port: PortAny}
	var reg *OutputReg
	p.keyValues(it, func(arg textItem) {
		switch arg.key {
		case "port":
			e.Port = p.port(arg)
		case "field":
			reg = &OutputReg{Src: p.wholeSubfield(arg)}
		case "max_len":
			e.MaxLen = uint32(p.uint(arg, math.MaxUint32))
		default:
			p.notAmong(arg, it.key, "port", "max_len")
		}
	})
	switch {
	case reg != nil && e.Port == PortAny && e.MaxLen <= math.MaxUint16:
		reg.MaxLen = uint16(e.MaxLen)
		return Extend(reg)
	case reg != nil:
		p.badValue(it, "field stands without port, with a max_len of at most 65535")
	case e.Port == PortAny:
		p.badValue(it, "needs a port, such as output(port=1,max_len=100)")
	}
	return Extend(e)
}

// OutputReg sends the packet out of the port that bits of a field name
// (NXAST_OUTPUT_REG; NXAST_OUTPUT_REG2 where the field is not named in 32 bits).
type OutputReg struct {
	Src    Subfield
	MaxLen uint16 // bytes to send, if it is the controller
}

// Subtypes of OutputReg.
const (
	subOutputReg  = 15
	subOutputReg2 = 32
)

func (e *OutputReg) form(_ Version, received uint16) uint16 {
	if info := e.Src.Field.Info(); received == subOutputReg2 || info != nil && uint32(info.header(0)) != 0 {
		return subOutputReg2
	}
	return subOutputReg
}

func (e *OutputReg) walk(c *cursor, subtype uint16) {
	if subtype == subOutputReg2 {
		b := c.fixed(4, "action output_reg2")
		e.Src.run(c, b, "action output_reg2")
		c.u16(b[2:], &e.MaxLen)
		e.Src.headerNX(c, 0, "action output_reg2")
		return
	}
	b := c.fixed(14, "action output_reg")
	e.Src.header32(c, b[2:], "action output_reg")
	e.Src.run(c, b, "action output_reg")
	c.u16(b[6:], &e.MaxLen)
	c.blank(b[8:])
}

func (e *OutputReg) clone() Extension { o := *e; return &o }

// appendText appends a length only where there is no version to be printed as
// Open vSwitch does, which does not show it.
func (e *OutputReg) appendText(b []byte, v Version, _ *Names) []byte {
	if v == 0 && e.MaxLen != ControllerMaxLenNone {
		b = appendSubfield(append(b, "output(field="...), e.Src)
		return append(strconv.AppendUint(append(b, ",max_len="...), uint64(e.MaxLen), 10), ')')
	}
	return appendSubfield(append(b, "output:"...), e.Src)
}

func (e *OutputReg) validate() error { return e.Src.Validate() }

// outputReg reads output:FIELD, if the item's value begins with a field's name.
func (p *textParser) outputReg(it textItem) (a Action, ok bool) {
	name, _, bits := strings.Cut(it.val, "[")
	if _, isPort := p.portOf(it.val); isPort || !bits && subfieldOf(name) == FieldUnknown {
		return a, false
	}
	return Extend(&OutputReg{Src: p.wholeSubfield(it), MaxLen: ControllerMaxLenNone}), true
}
