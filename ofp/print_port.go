package ofp

import (
	"cmp"
	"slices"
	"strconv"
)

// bitNames are names of bits, from the lowest in order; an empty one is skipped.
type bitNames []string

// list appends the names of the bits that are set, and in hexadecimal those that
// have none; "0" for none at all.
func (names bitNames) list(b []byte, bits uint32) []byte { return names.join(b, bits, ' ') }

// join is list with another separator.
func (names bitNames) join(b []byte, bits uint32, between byte) []byte {
	if bits == 0 {
		return append(b, '0')
	}
	first := true
	sep := func() {
		if !first {
			b = append(b, between)
		}
		first = false
	}
	for i, name := range names {
		if bits&(1<<i) != 0 && name != "" {
			sep()
			b = append(b, name...)
			bits &^= 1 << i
		}
	}
	if bits != 0 {
		sep()
		b = append(b, "0x"...)
		b = strconv.AppendUint(b, uint64(bits), 16)
	}
	return b
}

var (
	portConfigNames  = bitNames{"PORT_DOWN", "NO_STP", "NO_RECV", "NO_RECV_STP", "NO_FLOOD", "NO_FWD", "NO_PACKET_IN"}
	portStateNames   = bitNames{"LINK_DOWN", "BLOCKED", "LIVE"}
	portFeatureNames = bitNames{"10MB-HD", "10MB-FD", "100MB-HD", "100MB-FD", "1GB-HD", "1GB-FD", "10GB-FD", "40GB-FD",
		"100GB-FD", "1TB-FD", "OTHER", "COPPER", "FIBER", "AUTO_NEG", "AUTO_PAUSE", "AUTO_PAUSE_ASYM"}
	capabilityNames = bitNames{"FLOW_STATS", "TABLE_STATS", "PORT_STATS", "GROUP_STATS", "", "IP_REASM", "QUEUE_STATS",
		"ARP_MATCH_IP", "PORT_BLOCKED"}
	capabilityNames10 = bitNames{"FLOW_STATS", "TABLE_STATS", "PORT_STATS", "STP", "", "IP_REASM", "QUEUE_STATS",
		"ARP_MATCH_IP"}
	stpStates = [...]string{"", "STP_LEARN", "STP_FORWARD", "STP_BLOCK"}
)

// portBits are the bits of configuration and state that a version defines.
func portBits(v Version) (config PortConfig, state PortState) {
	if v == V10 {
		return 0x7f, PortLinkDown | PortSTPMask
	}
	return PortDown | PortNoRecv | PortNoFwd | PortNoPacketIn, PortLinkDown | PortBlocked | PortLive
}

// portFeatureBits are the features that a version defines.
func portFeatureBits(v Version) PortFeatures {
	if v == V10 {
		return 0xffff &^ (Port40GbFD | Port100GbFD | Port1TbFD | PortOtherRate)
	}
	return 0xffff
}

// mbps is the fastest rate among the features, in Mb/s.
func (f PortFeatures) mbps() uint32 {
	for _, r := range [...]struct {
		bits PortFeatures
		mbps uint32
	}{
		{Port1TbFD, 1_000_000}, {Port100GbFD, 100_000}, {Port40GbFD, 40_000}, {Port10GbFD, 10_000},
		{Port1GbHD | Port1GbFD, 1_000}, {Port100MbHD | Port100MbFD, 100}, {Port10MbHD | Port10MbFD, 10},
	} {
		if f&r.bits != 0 {
			return r.mbps
		}
	}
	return 0
}

// ports prints ports by number.
func (p *printer) ports(ports []Port) {
	sorted := slices.Clone(ports)
	slices.SortStableFunc(sorted, func(a, b Port) int { return cmp.Compare(a.No, b.No) })
	for i := range sorted {
		p.port(&sorted[i])
	}
}

// maxNamePrinted is how much of a port's name Open vSwitch prints, in bytes: of
// one that fills its field, the last byte goes unsaid.
const maxNamePrinted = 15

func (p *printer) port(port *Port) {
	config, state := portBits(p.v)
	p.b = append(p.b, ' ')
	p.b = appendPort(p.b, port.No, nil)
	p.b = append(p.b, '(')
	for _, c := range []byte(port.Name[:min(len(port.Name), maxNamePrinted)]) {
		if c < 0x20 || c >= 0x7f {
			break
		}
		p.b = append(p.b, c)
	}
	p.text("): addr:" + port.HWAddr.String())
	p.text("\n     config:     ")
	p.b = portConfigNames.list(p.b, uint32(port.Config&config))
	p.text("\n     state:      ")
	st := port.State & state
	if stp := st & PortSTPMask >> 8; stp != 0 {
		p.text(stpStates[stp])
		if st &^= PortSTPMask; st != 0 {
			p.text(" ")
			p.b = portStateNames.list(p.b, uint32(st))
		}
	} else {
		p.b = portStateNames.list(p.b, uint32(st))
	}
	p.text("\n")
	features := portFeatureBits(p.v)
	for _, f := range [...]struct {
		name string
		bits PortFeatures
	}{
		{"     current:    ", port.Curr}, {"     advertised: ", port.Advertised},
		{"     supported:  ", port.Supported}, {"     peer:       ", port.Peer},
	} {
		if bits := f.bits & features; bits != 0 {
			p.text(f.name)
			p.b = portFeatureNames.list(p.b, uint32(bits))
			p.text("\n")
		}
	}
	now, most := port.CurrSpeed/1000, port.MaxSpeed/1000
	if p.v == V10 {
		now, most = (port.Curr & features).mbps(), (port.Supported & features).mbps()
	}
	p.f("     speed: %d Mbps now, %d Mbps max\n", now, most)
}

func (p *printer) portStatus(m *PortStatus) {
	switch m.Reason {
	case PortAdded:
		p.text(" ADD:")
	case PortDeleted:
		p.text(" DEL:")
	case PortModified:
		p.text(" MOD:")
	default:
		p.f(" reason %d:", m.Reason)
	}
	p.port(&m.Port)
}

// actionBits are the actions that bits of features and table statistics stand
// for, in the order in which Open vSwitch prints them.
var actionBits = [...]struct {
	action ActionType
	name   string
}{
	{ActionOutput, "output"}, {ActionGroup, "group"}, {ActionEnqueue, "enqueue"}, {ActionSetField, "set_field"},
	{ActionSetVLANVID, "set_vlan_vid"}, {ActionSetVLANPCP, "set_vlan_pcp"}, {ActionStripVLAN, "strip_vlan"},
	{ActionPopVLAN, "strip_vlan"}, {ActionPushVLAN, "push_vlan"}, {ActionSetEthSrc, "mod_dl_src"},
	{ActionSetEthDst, "mod_dl_dst"}, {ActionSetIPv4Src, "mod_nw_src"}, {ActionSetIPv4Dst, "mod_nw_dst"},
	{ActionSetIPToS, "mod_nw_tos"}, {ActionSetIPECN, "mod_nw_ecn"}, {ActionSetNWTTL, "mod_nw_ttl"},
	{ActionSetTPSrc, "mod_tp_src"}, {ActionSetTPDst, "mod_tp_dst"}, {ActionDecNWTTL, "dec_ttl"},
	{ActionSetMPLSLabel, "set_mpls_label"}, {ActionSetMPLSTC, "set_mpls_tc"}, {ActionSetMPLSTTL, "set_mpls_ttl"},
	{ActionDecMPLSTTL, "dec_mpls_ttl"}, {ActionPushMPLS, "push_mpls"}, {ActionPopMPLS, "pop_mpls"},
	{ActionSetQueue, "set_queue"},
}

// actionNames appends the names of the actions whose numbers in the version at
// hand are set in bits, and reports whether there are any.
func (p *printer) actionNames(bits uint32) bool {
	sep := ""
	for _, a := range actionBits {
		if n, ok := actions[a.action].wire.in(p.v); ok && bits&(1<<n) != 0 {
			p.text(sep + a.name)
			sep = " "
		}
	}
	return sep != ""
}

func (p *printer) features(m *FeaturesReply) {
	p.f(" dpid:%s\nn_tables:%d, n_buffers:%d", m.DPID, m.Tables, m.Buffers)
	if m.AuxiliaryID != 0 {
		p.number(", auxiliary_id:", uint64(m.AuxiliaryID))
	}
	p.text("\ncapabilities: ")
	names, known := capabilityNames, Capabilities(0x16f)
	switch p.v {
	case V10:
		names, known = capabilityNames10, 0xef
	case V11:
		known = 0xef
	}
	p.b = names.list(p.b, uint32(m.Capabilities&known))
	p.text("\n")
	if p.v == V10 && m.Actions != 0 {
		p.text("actions: ")
		if !p.actionNames(m.Actions) {
			p.text("<none>")
		}
		p.text("\n")
	}
	p.ports(m.Ports)
}
