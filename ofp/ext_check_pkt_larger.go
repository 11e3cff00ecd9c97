package ofp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// CheckPktLarger writes whether the packet is longer than so many bytes into a
// bit (NXAST_CHECK_PKT_LARGER).
type CheckPktLarger struct {
	Len uint16   // bytes from the Ethernet header on, without a VLAN tag
	Dst Subfield // of one bit
}

func (e *CheckPktLarger) walk(c *cursor, _ uint16) {
	b := c.fixed(4, "action check_pkt_larger")
	c.u16(b, &e.Len)
	c.u16(b[2:], &e.Dst.Ofs)
	e.Dst.headerNX(c, 0, "action check_pkt_larger")
	if !c.wr {
		e.Dst.Bits = 1
	}
}

func (e *CheckPktLarger) clone() Extension { o := *e; return &o }

func (e *CheckPktLarger) appendText(b []byte, _ Version, _ *Names) []byte {
	b = strconv.AppendUint(append(b, "check_pkt_larger("...), uint64(e.Len), 10)
	return appendSubfield(append(b, ")->"...), e.Dst)
}

func (e *CheckPktLarger) validate() error {
	if e.Dst.Bits != 1 {
		return fmt.Errorf("%s has %d bits; want one, such as reg0[0]", e.Dst, e.Dst.Bits)
	}
	return e.Dst.assignable()
}

func checkPktLargerText(p *textParser, it textItem, _ *Match) Extension {
	e := &CheckPktLarger{}
	left, right := p.arrow(it, "check_pkt_larger(1500)->reg0[0]")
	left.val = strings.TrimSuffix(left.val, ")")
	e.Len = uint16(p.uint(left, math.MaxUint16))
	e.Dst = p.wholeSubfield(right)
	return e
}
