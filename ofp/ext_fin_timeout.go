package ofp

import (
	"math"
	"strconv"
)

// FinTimeout shortens the timeouts of the flow that it stands in, when a packet
// ends a TCP connection (NXAST_FIN_TIMEOUT).
type FinTimeout struct {
	IdleTimeout uint16 // seconds; 0: unchanged
	HardTimeout uint16 // seconds; 0: unchanged
}

func (e *FinTimeout) walk(c *cursor, _ uint16) {
	b := c.fixed(6, "action fin_timeout")
	c.u16(b, &e.IdleTimeout)
	c.u16(b[2:], &e.HardTimeout)
	c.blank(b[4:])
}

func (e *FinTimeout) clone() Extension { o := *e; return &o }

func (e *FinTimeout) appendText(b []byte, _ Version, _ *Names) []byte {
	b = append(b, "fin_timeout("...)
	if e.IdleTimeout != 0 {
		b = strconv.AppendUint(append(b, "idle_timeout="...), uint64(e.IdleTimeout), 10)
	}
	if e.HardTimeout != 0 {
		if e.IdleTimeout != 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, "hard_timeout="...), uint64(e.HardTimeout), 10)
	}
	return append(b, ')')
}

func finTimeoutText(p *textParser, it textItem, _ *Match) Extension {
	e := &FinTimeout{}
	p.keyValues(it, func(arg textItem) {
		switch arg.key {
		case "idle_timeout":
			e.IdleTimeout = uint16(p.uint(arg, math.MaxUint16))
		case "hard_timeout":
			e.HardTimeout = uint16(p.uint(arg, math.MaxUint16))
		default:
			p.notAmong(arg, it.key, "idle_timeout", "hard_timeout")
		}
	})
	return e
}
