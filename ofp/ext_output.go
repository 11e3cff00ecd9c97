package ofp

import (
	"fmt"
	"math"
	"strconv"
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

// outputTrunc reads output(port=...,max_len=...).
func (p *textParser) outputTrunc(it textItem) Action {
	e := &OutputTrunc{Port: PortAny}
	p.keys(it, func(arg textItem) {
		switch arg.key {
		case "port":
			e.Port = p.port(arg)
		case "max_len":
			e.MaxLen = uint32(p.uint(arg, math.MaxUint32))
		default:
			p.unknownArgument(it, arg, "port", "max_len")
		}
	})
	if e.Port == PortAny {
		p.badValue(it, "needs a port, such as output(port=1,max_len=100)")
	}
	p.validExtension(it, e)
	return Extend(e)
}
