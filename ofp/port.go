package ofp

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// PortNo is a port number as OpenFlow 1.1 and later have it, 32 bits wide. The
// 16-bit numbers of OpenFlow 1.0 are the same up to PortMax of that version, and
// its reserved ports map to the reserved ports here (ofp_port_no, section
// A.2.1 of OpenFlow 1.3.5 and 5.2.1 of OpenFlow 1.0.0).
type PortNo uint32

// Reserved ports.
const (
	PortMax        PortNo = 0xffffff00 // the highest number of a physical or logical port
	PortInPort     PortNo = 0xfffffff8 // back out of the port the packet came from
	PortTable      PortNo = 0xfffffff9 // through the flow tables; packet-out only
	PortNormal     PortNo = 0xfffffffa // the switch's own L2/L3 processing
	PortFlood      PortNo = 0xfffffffb // every port but the ingress and those that refuse floods
	PortAll        PortNo = 0xfffffffc // every port but the ingress
	PortController PortNo = 0xfffffffd // to the controller
	PortLocal      PortNo = 0xfffffffe // the switch's own network stack
	PortAny        PortNo = 0xffffffff // no port, or any: OFPP_ANY, and OFPP_NONE of 1.0
)

// port10Max is the highest ordinary port of OpenFlow 1.0 (OFPP_MAX).
const port10Max = 0xff00

var reservedPorts = []struct {
	no   PortNo
	name string
}{
	{PortInPort, "IN_PORT"},
	{PortTable, "TABLE"},
	{PortNormal, "NORMAL"},
	{PortFlood, "FLOOD"},
	{PortAll, "ALL"},
	{PortController, "CONTROLLER"},
	{PortLocal, "LOCAL"},
	{PortAny, "ANY"},
}

// Reserved reports whether p is none that a switch has, but one of the
// specification's own.
func (p PortNo) Reserved() bool { return p > PortMax }

// String returns the number, or the name of a reserved port in capitals as
// ovs-ofctl prints it.
func (p PortNo) String() string {
	if p.Reserved() {
		for _, r := range reservedPorts {
			if r.no == p {
				return r.name
			}
		}
	}
	return strconv.FormatUint(uint64(p), 10)
}

// ParsePort reads a number or the name of a reserved port, in either case.
// 16-bit reserved numbers, as OpenFlow 1.0 has them, are not translated: they
// are ordinary ports of later versions.
func ParsePort(s string) (PortNo, error) {
	for _, r := range reservedPorts {
		if strings.EqualFold(s, r.name) {
			return r.no, nil
		}
	}
	if strings.EqualFold(s, "none") {
		return PortAny, nil
	}
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("port %q: want a number or one of in_port, table, normal, flood, all, controller, local, any", clip(s))
	}
	return PortNo(n), nil
}

// port16 is a port in OpenFlow 1.0's two bytes, port32 in four.
func (c *cursor) port16(b []byte, p *PortNo, what string) {
	if !c.wr {
		var n uint16
		c.u16(b, &n)
		*p = PortNo(n)
		if n >= port10Max {
			*p |= 0xffff0000
		}
		return
	}
	binary.BigEndian.PutUint16(b, c.narrow(*p, what))
}

// narrow is a port's number in 1.0, which has room for 16 bits.
func (c *cursor) narrow(p PortNo, what string) uint16 {
	if p >= port10Max && p < PortMax {
		c.lacks(fmt.Sprintf("%s: port %d", what, uint32(p)))
	}
	return uint16(p)
}

func (c *cursor) port32(b []byte, p *PortNo) { c.u32(b, (*uint32)(p)) }

// MAC is an Ethernet address.
type MAC [6]byte

// String returns the address with colons, as in 00:11:22:aa:bb:cc.
func (m MAC) String() string {
	const hex = "0123456789abcdef"
	b := make([]byte, 0, 17)
	for i, x := range m {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, hex[x>>4], hex[x&15])
	}
	return string(b)
}

// DPID is a datapath identifier: the lower 48 bits are usually a MAC address,
// the upper 16 are the implementer's (section A.3.1 of OpenFlow 1.3.5).
type DPID uint64

// String returns sixteen hexadecimal digits, as ovs-ofctl prints them.
func (d DPID) String() string { return fmt.Sprintf("%016x", uint64(d)) }

// ParseDPID reads one to sixteen hexadecimal digits, with an optional 0x and
// with or without colons or dashes.
func ParseDPID(s string) (DPID, error) {
	t := strings.NewReplacer(":", "", "-", "").Replace(s)
	t = strings.TrimPrefix(strings.TrimPrefix(t, "0x"), "0X")
	n, err := strconv.ParseUint(t, 16, 64)
	if err != nil || t == "" {
		return 0, fmt.Errorf("dpid %q: want 1 to 16 hexadecimal digits, such as 00:00:00:00:00:00:00:01", clip(s))
	}
	return DPID(n), nil
}

// PortConfig holds the bits of ofp_port_config. The numbers are the same in all
// versions; those marked 1.0 exist there only.
type PortConfig uint32

// Port configuration bits.
const (
	PortDown       PortConfig = 1 << 0 // administratively down
	PortNoSTP      PortConfig = 1 << 1 // 1.0: no spanning tree on the port
	PortNoRecv     PortConfig = 1 << 2 // drop all packets received
	PortNoRecvSTP  PortConfig = 1 << 3 // 1.0: drop received 802.1D packets
	PortNoFlood    PortConfig = 1 << 4 // 1.0: leave the port out of floods
	PortNoFwd      PortConfig = 1 << 5 // drop packets forwarded to the port
	PortNoPacketIn PortConfig = 1 << 6 // send no packet-ins for the port
)

// PortState holds the bits of ofp_port_state.
type PortState uint32

// Port state bits.
const (
	PortLinkDown PortState = 1 << 0 // no physical link
	PortBlocked  PortState = 1 << 1 // 1.1 and later: an outside protocol blocks the port
	PortLive     PortState = 1 << 2 // 1.1 and later: live for fast failover groups
	PortSTPMask  PortState = 3 << 8 // 1.0: the spanning tree's state
)

// PortFeatures holds the bits of ofp_port_features as OpenFlow 1.1 and later
// number them.
type PortFeatures uint32

// Port feature bits.
const (
	Port10MbHD    PortFeatures = 1 << iota // 10 Mb half-duplex
	Port10MbFD                             // 10 Mb full-duplex
	Port100MbHD                            // 100 Mb half-duplex
	Port100MbFD                            // 100 Mb full-duplex
	Port1GbHD                              // 1 Gb half-duplex
	Port1GbFD                              // 1 Gb full-duplex
	Port10GbFD                             // 10 Gb full-duplex
	Port40GbFD                             // 40 Gb full-duplex; 1.1 and later
	Port100GbFD                            // 100 Gb full-duplex; 1.1 and later
	Port1TbFD                              // 1 Tb full-duplex; 1.1 and later
	PortOtherRate                          // other rate, not in the list; 1.1 and later
	PortCopper                             // copper medium
	PortFiber                              // fibre medium
	PortAutoneg                            // auto-negotiation
	PortPause                              // pause
	PortPauseAsym                          // asymmetric pause
)

// features is the bit set in either numbering. OpenFlow 1.0 has no bits for the
// rates above 10 Gb, so all from copper on stand four lower there; the bits that
// no specification names take the freed places, so that none is lost.
func (c *cursor) features(b []byte, p *PortFeatures) {
	if c.v != V10 {
		c.u32(b, (*uint32)(p))
		return
	}
	const low = 1<<7 - 1
	var n uint32
	if c.wr {
		n = uint32(*p)
		n = n&low | n>>11<<7 | n>>7&15<<28
	}
	c.u32(b, &n)
	if !c.wr {
		*p = PortFeatures(n&low | n>>7<<11 | n>>28<<7)
	}
}

// Port describes one port of a switch (ofp_phy_port of 1.0, ofp_port later;
// section A.2.1 of OpenFlow 1.3.5).
type Port struct {
	No     PortNo
	HWAddr MAC
	Name   string // at most 15 bytes
	Config PortConfig
	State  PortState

	Curr       PortFeatures // what the port does now
	Advertised PortFeatures // what it tells its peer
	Supported  PortFeatures // what it can do
	Peer       PortFeatures // what its peer tells

	CurrSpeed uint32 // kb/s; 1.1 and later
	MaxSpeed  uint32 // kb/s; 1.1 and later
}

// Up reports whether the port can carry packets: neither configured down nor
// without a link.
func (p *Port) Up() bool { return p.Config&PortDown == 0 && p.State&PortLinkDown == 0 }

func walkPort(c *cursor, p *Port) {
	if c.v == V10 {
		b := c.fixed(48, "port")
		c.port16(b, &p.No, "port")
		c.bytes(b[2:8], p.HWAddr[:])
		c.text(b[8:24], &p.Name, "port name")
		c.u32(b[24:], (*uint32)(&p.Config))
		c.u32(b[28:], (*uint32)(&p.State))
		c.features(b[32:], &p.Curr)
		c.features(b[36:], &p.Advertised)
		c.features(b[40:], &p.Supported)
		c.features(b[44:], &p.Peer)
		if !c.wr {
			p.CurrSpeed, p.MaxSpeed = 0, 0
		}
		return
	}
	b := c.fixed(64, "port")
	c.port32(b, &p.No)
	c.bytes(b[8:14], p.HWAddr[:])
	c.text(b[16:32], &p.Name, "port name")
	c.u32(b[32:], (*uint32)(&p.Config))
	c.u32(b[36:], (*uint32)(&p.State))
	c.features(b[40:], &p.Curr)
	c.features(b[44:], &p.Advertised)
	c.features(b[48:], &p.Supported)
	c.features(b[52:], &p.Peer)
	c.u32(b[56:], &p.CurrSpeed)
	c.u32(b[60:], &p.MaxSpeed)
}
