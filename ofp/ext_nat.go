package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// NATFlags say what NAT changes and how it chooses (NX_NAT_F_*).
type NATFlags uint16

// NAT flags.
const (
	NATSrc        NATFlags = 1 << 0 // change source address and port
	NATDst        NATFlags = 1 << 1 // change destination address and port
	NATPersistent NATFlags = 1 << 2 // the same choice after a restart of the switch
	NATHash       NATFlags = 1 << 3 // choose the port by a hash
	NATRandom     NATFlags = 1 << 4 // choose the port at random
	natKnown               = NATSrc | NATDst | NATPersistent | NATHash | NATRandom
)

// natFlagRows has the flags in the order in which they are printed.
var natFlagRows = [...]struct {
	name string
	flag NATFlags
}{{"persistent", NATPersistent}, {"hash", NATHash}, {"random", NATRandom}}

// NAT translates addresses and ports, among the actions of CT (NXAST_NAT). With
// neither NATSrc nor NATDst it translates the packets of a connection that was
// committed with one of them.
type NAT struct {
	Flags NATFlags

	// AddrMin and AddrMax are the range of addresses to choose from, of 4 or 16
	// bytes. Without AddrMin the address stays; without AddrMax it becomes
	// AddrMin. Of a decoded action they alias the frame.
	AddrMin, AddrMax []byte

	// PortMin and PortMax are the range of ports. Without PortMin, 0, any port
	// will do; without PortMax, 0, only PortMin.
	PortMin, PortMax uint16
}

const subNAT = 36

// The parts of a range that NXAST_NAT may have, in their order on the wire
// (NX_NAT_RANGE_*).
var natParts = [...]struct {
	bit  uint16
	len  int
	max  bool
	port bool
}{
	{1 << 0, 4, false, false}, {1 << 1, 4, true, false},
	{1 << 2, 16, false, false}, {1 << 3, 16, true, false},
	{1 << 4, 2, false, true}, {1 << 5, 2, true, true},
}

func (*NAT) form(Version, uint16) uint16 { return subNAT }

func (e *NAT) walk(c *cursor, _ uint16) {
	b := c.fixed(6, "action nat")
	c.blank(b[:2])
	c.u16(b[2:], (*uint16)(&e.Flags))
	if c.wr {
		e.writeRange(c, b[4:])
		return
	}
	present := binary.BigEndian.Uint16(b[4:])
	*e = NAT{Flags: e.Flags}
	for _, p := range natParts {
		if present&p.bit == 0 {
			continue
		}
		present &^= p.bit
		v := c.fixed(p.len, "action nat range")
		switch {
		case c.err != nil:
			return
		case p.port && p.max:
			e.PortMax = binary.BigEndian.Uint16(v)
			c.keepRaw(e.PortMax == 0)
		case p.port:
			e.PortMin = binary.BigEndian.Uint16(v)
			c.keepRaw(e.PortMin == 0)
		case p.max:
			c.keepRaw(e.AddrMax != nil)
			e.AddrMax = v[:p.len:p.len]
		default:
			c.keepRaw(e.AddrMin != nil)
			e.AddrMin = v[:p.len:p.len]
		}
	}
	c.keepRaw(present != 0) // parts of a kind to come
}

// writeRange writes the parts of the range, and in present which there are.
func (e *NAT) writeRange(c *cursor, present []byte) {
	var bits uint16
	at := len(c.buf) - len(present)
	for _, p := range natParts {
		switch {
		case p.port && p.max && e.PortMax != 0:
			binary.BigEndian.PutUint16(c.room(2), e.PortMax)
		case p.port && !p.max && e.PortMin != 0:
			binary.BigEndian.PutUint16(c.room(2), e.PortMin)
		case !p.port && p.max && len(e.AddrMax) == p.len:
			copy(c.room(p.len), e.AddrMax)
		case !p.port && !p.max && len(e.AddrMin) == p.len:
			copy(c.room(p.len), e.AddrMin)
		default:
			continue
		}
		bits |= p.bit
	}
	binary.BigEndian.PutUint16(c.buf[at:], bits)
	for _, a := range [][]byte{e.AddrMin, e.AddrMax} {
		if n := len(a); n != 0 && n != 4 && n != 16 {
			c.bad("action nat", "address of %d bytes, want 4 or 16", n)
		}
	}
}

func (e *NAT) clone() Extension {
	o := *e
	o.AddrMin, o.AddrMax = bytes.Clone(e.AddrMin), bytes.Clone(e.AddrMax)
	return &o
}

// validate checks what Open vSwitch does.
func (e *NAT) validate() error {
	switch {
	case e.Flags&^natKnown != 0:
		return fmt.Errorf("unknown flags 0x%x", e.Flags&^natKnown)
	case e.Flags&NATSrc != 0 && e.Flags&NATDst != 0:
		return errors.New("src and dst together; want one of them")
	case e.Flags&NATHash != 0 && e.Flags&NATRandom != 0:
		return errors.New("hash and random together; want one of them")
	case e.Flags&(NATSrc|NATDst) == 0 && (e.Flags != 0 || e.AddrMin != nil || e.PortMin != 0):
		return errors.New("needs src or dst")
	case e.AddrMin == nil && (e.AddrMax != nil || e.PortMin != 0 || e.PortMax != 0):
		return errors.New("needs an address to begin with")
	case e.AddrMax != nil && (len(e.AddrMax) != len(e.AddrMin) || bytes.Compare(e.AddrMax, e.AddrMin) < 0):
		return errors.New("the range of addresses ends before it begins")
	case e.AddrMin != nil && noBits(e.AddrMin):
		return errors.New("0 is no address to change to")
	case e.PortMax != 0 && e.PortMax < e.PortMin, e.PortMax != 0 && e.PortMin == 0:
		return errors.New("the range of ports ends before it begins")
	}
	return nil
}

func (e *NAT) appendText(b []byte, _ Version, _ *Names) []byte {
	b = append(b, "nat"...)
	switch {
	case e.Flags&NATSrc != 0:
		b = append(b, "(src"...)
	case e.Flags&NATDst != 0:
		b = append(b, "(dst"...)
	default:
		return b
	}
	if e.AddrMin == nil {
		return append(b, ')')
	}
	b = e.appendAddr(append(b, '='), e.AddrMin)
	if e.AddrMax != nil && !bytes.Equal(e.AddrMax, e.AddrMin) && !noBits(e.AddrMax) {
		b = e.appendAddr(append(b, '-'), e.AddrMax)
	}
	if e.PortMin != 0 {
		b = strconv.AppendUint(append(b, ':'), uint64(e.PortMin), 10)
		if e.PortMax != 0 && e.PortMax != e.PortMin {
			b = strconv.AppendUint(append(b, '-'), uint64(e.PortMax), 10)
		}
	}
	for _, r := range natFlagRows {
		if e.Flags&r.flag != 0 {
			b = append(append(b, ','), r.name...)
		}
	}
	return append(b, ')')
}

// appendAddr appends an address, in brackets if it is one of IPv6 and ports
// follow.
func (e *NAT) appendAddr(b, addr []byte) []byte {
	if len(addr) == 4 {
		return appendValue(b, &fields[FieldIPv4Src], addr, nil)
	}
	if e.PortMin == 0 {
		return appendValue(b, &fields[FieldIPv6Src], addr, nil)
	}
	b = appendValue(append(b, '['), &fields[FieldIPv6Src], addr, nil)
	return append(b, ']')
}

func natText(p *textParser, it textItem, _ *Match) Extension {
	e := &NAT{}
	var seen NATFlags
	p.keyValues(it, func(arg textItem) {
		flag := NATFlags(0)
		switch arg.key {
		case "src":
			flag = NATSrc
		case "dst":
			flag = NATDst
		}
		for _, r := range natFlagRows {
			if r.name == arg.key {
				flag = r.flag
			}
		}
		switch {
		case flag == 0:
			p.notAmong(arg, "nat", "src", "dst", "persistent", "hash", "random")
		case seen&flag != 0:
			p.fail(arg.at, arg.at+len(arg.key), "%s stands twice", arg.key)
		case flag&(NATSrc|NATDst) == 0:
			p.noValue(arg)
		case arg.val != "":
			e.readRange(p, arg)
		}
		seen |= flag
	})
	if e.Flags = seen; p.err == nil && e.AddrMin == nil && seen&^(NATSrc|NATDst) != 0 {
		p.badValue(it, "persistent, hash and random are about the choice of an address; want one, such as nat(src=192.0.2.1,random)")
	}
	return e
}

// readRange reads "addr-addr:port-port", of which all but the first is left out
// at will, with brackets around the addresses of IPv6.
func (e *NAT) readRange(p *textParser, it textItem) {
	s := it.val
	bad := func(rest string) {
		at := it.valAt + len(it.val) - len(rest)
		p.fail(at, at+max(len(rest), 1), "nat: %s: want an address, two with '-' between them, then ':' and ports if at all, such as 192.0.2.1-192.0.2.9:1024-2047", clip(it.val))
	}
	addr := func() []byte {
		t, rest := s, ""
		if strings.HasPrefix(s, "[") {
			var ok bool
			if t, rest, ok = strings.Cut(s[1:], "]"); !ok {
				bad(s)
				return nil
			}
		} else if i := strings.IndexByte(s, '-'); i >= 0 {
			t, rest = s[:i], s[i:]
		}
		if i := strings.IndexByte(t, ':'); i >= 0 && strings.Count(t, ":") == 1 && !strings.HasPrefix(s, "[") {
			t, rest = s[:i], s[i:]
		}
		a, err := netip.ParseAddr(t)
		if err != nil || a.Zone() != "" {
			bad(s)
			return nil
		}
		s = rest
		return a.AsSlice()
	}
	port := func() uint16 {
		i := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		v, err := strconv.ParseUint(s[:i], 10, 16)
		if err != nil || v == 0 {
			bad(s)
		}
		s = s[i:]
		return uint16(v)
	}
	if e.AddrMin = addr(); strings.HasPrefix(s, "-") && p.err == nil {
		s = s[1:]
		e.AddrMax = addr()
	}
	if strings.HasPrefix(s, ":") && p.err == nil {
		s = s[1:]
		if e.PortMin = port(); strings.HasPrefix(s, "-") && p.err == nil {
			s = s[1:]
			e.PortMax = port()
		}
	}
	if s != "" {
		bad(s)
	}
}
