package ofp

import (
	"maps"
	"slices"
	"strings"
)

// fieldText is how text writes a match field, where it is other than the field's
// Name: Open vSwitch has names of its own, and prints one in matches and another
// in set_field. A field without a row here has its Name in both.
type fieldText struct {
	match  string   // as a match prints it
	set    string   // as set_field prints it
	also   []string // further names that are read
	mask   bool     // Open vSwitch matches it with a mask, though the specification does not
	noMask bool     // Open vSwitch does not print the mask, which it often gets wrong besides
	digits int      // of a hexadecimal number, at least
}

var fieldTexts = [numFields]fieldText{
	FieldInPort16:     {set: "in_port"},
	FieldInPort:       {set: "in_port_oxm", also: []string{"in_port_oxm"}},
	FieldTunnelID:     {match: "tun_id", set: "tun_id"},
	FieldEthDst:       {match: "dl_dst"},
	FieldEthSrc:       {match: "dl_src"},
	FieldEthType:      {match: "dl_type", digits: 4},
	FieldVLANPCP:      {match: "dl_vlan_pcp"},
	FieldIPECN:        {match: "nw_ecn", set: "nw_ecn"},
	FieldIPProto:      {match: "nw_proto", set: "nw_proto"},
	FieldIPv4Src:      {match: "nw_src", set: "ip_src"},
	FieldIPv4Dst:      {match: "nw_dst", set: "ip_dst"},
	FieldIPv6FLabel:   {match: "ipv6_label", set: "ipv6_label", digits: 5},
	FieldTCPSrc:       {match: "tp_src", mask: true},
	FieldTCPDst:       {match: "tp_dst", mask: true},
	FieldUDPSrc:       {match: "tp_src", mask: true},
	FieldUDPDst:       {match: "tp_dst", mask: true},
	FieldSCTPSrc:      {match: "tp_src", mask: true},
	FieldSCTPDst:      {match: "tp_dst", mask: true},
	FieldICMPv4Type:   {match: "icmp_type", set: "icmp_type"},
	FieldICMPv4Code:   {match: "icmp_code", set: "icmp_code"},
	FieldICMPv6Type:   {match: "icmp_type"},
	FieldICMPv6Code:   {match: "icmp_code"},
	FieldIPv6NDTarget: {match: "nd_target", set: "nd_target", mask: true},
	FieldIPv6NDSLL:    {match: "nd_sll", set: "nd_sll", mask: true},
	FieldIPv6NDTLL:    {match: "nd_tll", set: "nd_tll", mask: true},
	FieldIPFrag:       {match: "nw_frag"},
	// Open vSwitch prints these two by names that it does not take.
	FieldTunGTPUFlags:   {match: "gtpu_flags", set: "tun_gtpu_flags", noMask: true},
	FieldTunGTPUMsgType: {match: "gtpu_msgtype", set: "tun_gtpu_msgtype", noMask: true},
	FieldTunGBPFlags:    {noMask: true},
	FieldTunERSPANIdx:   {noMask: true},
	FieldTunERSPANVer:   {noMask: true},
	FieldTunERSPANDir:   {noMask: true},
	FieldTunERSPANHWID:  {noMask: true},
	FieldNSHFlags:       {digits: 2},
	FieldNSHSPI:         {also: []string{"nsp"}},
	FieldNSHSI:          {also: []string{"nsi"}},
	FieldNSHC1:          {also: []string{"nshc1"}},
	FieldNSHC2:          {also: []string{"nshc2"}},
	FieldNSHC3:          {also: []string{"nshc3"}},
	FieldNSHC4:          {also: []string{"nshc4"}},
}

// choices are names that stand for one field or another, whichever has what it
// needs in the match. They stand in an order in which each is decided by those
// before it.
var choices = [...]struct {
	name string
	of   []FieldID
}{
	{"nw_proto", []FieldID{FieldIPProto, FieldARPOp}},
	{"nw_src", []FieldID{FieldIPv4Src, FieldARPSPA}},
	{"nw_dst", []FieldID{FieldIPv4Dst, FieldARPTPA}},
	{"tp_src", []FieldID{FieldTCPSrc, FieldUDPSrc, FieldSCTPSrc, FieldICMPv4Type, FieldICMPv6Type}},
	{"tp_dst", []FieldID{FieldTCPDst, FieldUDPDst, FieldSCTPDst, FieldICMPv4Code, FieldICMPv6Code}},
	{"icmp_type", []FieldID{FieldICMPv4Type, FieldICMPv6Type}},
	{"icmp_code", []FieldID{FieldICMPv4Code, FieldICMPv6Code}},
}

// matchKeywords are the words that stand for an Ethernet type and an IP
// protocol. Of those that say the same the first is printed.
var matchKeywords = [...]struct {
	name    string
	ethType uint16
	ipProto uint8 // 0: none
}{
	{"ip", ethIPv4, 0},
	{"icmp", ethIPv4, protoICMP},
	{"tcp", ethIPv4, protoTCP},
	{"udp", ethIPv4, protoUDP},
	{"sctp", ethIPv4, protoSCTP},
	{"ipv6", ethIPv6, 0},
	{"icmp6", ethIPv6, protoICMPv6},
	{"tcp6", ethIPv6, protoTCP},
	{"udp6", ethIPv6, protoUDP},
	{"sctp6", ethIPv6, protoSCTP},
	{"arp", ethARP, 0},
	{"rarp", ethRARP, 0},
	{"mpls", ethMPLS, 0},
	{"mplsm", ethMPLSM, 0},
	{"ip4", ethIPv4, 0},
	{"ipv4", ethIPv4, 0},
	{"ip6", ethIPv6, 0},
}

// printRank is the place of each field in the order in which Open vSwitch prints
// the fields of a match; FieldUnknown has that of the word for the protocol. Fields
// that Open vSwitch does not know come last.
var printRank = func() (rank [numFields]uint8) {
	order := []FieldID{
		FieldPktMark, FieldRecircID, FieldDPHash, FieldConjID, FieldActsetOutput,
		FieldCTState, FieldCTZone, FieldCTMark, FieldCTLabel, FieldCTNWSrc, FieldCTIPv6Src, FieldCTNWDst, FieldCTIPv6Dst,
		FieldCTNWProto, FieldCTTPSrc, FieldCTTPDst, FieldPacketType,
		FieldUnknown,
	}
	for id := FieldReg0; id < FieldTunMetadata0; id++ {
		order = append(order, id)
	}
	order = append(order, FieldTunnelID, FieldTunSrc, FieldTunDst, FieldTunIPv6Src, FieldTunIPv6Dst, FieldTunGBPID, FieldTunGBPFlags,
		FieldTunERSPANVer, FieldTunERSPANIdx, FieldTunERSPANDir, FieldTunERSPANHWID, FieldTunGTPUFlags, FieldTunGTPUMsgType, FieldTunFlags)
	for id := FieldTunMetadata0; id < numMatchFields; id++ {
		order = append(order, id)
	}
	order = append(order,
		FieldMetadata, FieldInPort, FieldInPhyPort,
		FieldVLANVID, FieldVLANPCP, FieldVLANTCI, FieldEthSrc, FieldEthDst, FieldEthType,
		FieldIPv6Src, FieldIPv6Dst, FieldIPv6FLabel,
		FieldARPSPA, FieldARPTPA,
		FieldNSHFlags, FieldNSHTTL, FieldNSHMDType, FieldNSHNP, FieldNSHSPI, FieldNSHSI, FieldNSHC1, FieldNSHC2, FieldNSHC3, FieldNSHC4,
		FieldIPv4Src, FieldIPv4Dst,
		FieldIPProto, FieldARPOp, FieldARPSHA, FieldARPTHA,
		FieldIPDSCP, FieldIPECN, FieldNWTTL,
		FieldMPLSLabel, FieldMPLSTC, FieldMPLSTTL, FieldMPLSBOS, FieldIPFrag,
		FieldICMPv4Type, FieldICMPv4Code, FieldICMPv6Type, FieldICMPv6Code,
		FieldIPv6NDTarget, FieldIPv6NDSLL, FieldIPv6NDTLL, FieldNDReserved, FieldNDOptionsType,
		FieldTCPSrc, FieldTCPDst, FieldUDPSrc, FieldUDPDst, FieldSCTPSrc, FieldSCTPDst, FieldTCPFlags,
		FieldPBBISID, FieldIPv6ExtHdr)
	for i, id := range order {
		rank[id] = uint8(i + 1)
	}
	for id := range rank {
		if rank[id] == 0 {
			rank[id] = uint8(len(order) + 1)
		}
	}
	return rank
}()

// keyKind says what a key of a flow's text is.
type keyKind uint8

const (
	keyField   keyKind = iota // of a match
	keyChoice                 // of a match: a name that stands for several fields
	keyWord                   // of a match: a word for a protocol
	keyVLAN                   // of a match: dl_vlan
	keyVLANTCI                // of a match: vlan_tci
	keyTOS                    // of a match: nw_tos
	keyEth                    // of a match: eth
	keyTable                  // the first key that is no part of a match
	keyPriority
	keyCookie
	keyIdleTimeout
	keyHardTimeout
	keyOutPort
	keyOutGroup
	keyFlag
	keyIgnored // counters of a printed flow
	keyActions
)

// textKey is what a key of a flow's text stands for.
type textKey struct {
	kind  keyKind
	field FieldID // of keyField
	index uint8   // into choices or matchKeywords
	flag  FlowFlags
}

// flowFlagNames are the flags in the order in which they are printed.
var flowFlagNames = [...]struct {
	name string
	flag FlowFlags
}{
	{"send_flow_rem", FlowSendFlowRem},
	{"check_overlap", FlowCheckOverlap},
	{"reset_counts", FlowResetCounts},
	{"no_packet_counts", FlowNoPktCounts},
	{"no_byte_counts", FlowNoByteCounts},
}

// textKeys has every key of a flow's text.
var textKeys = func() map[string]textKey {
	t := map[string]textKey{
		"dl_vlan":      {kind: keyVLAN},
		"vlan_tci":     {kind: keyVLANTCI},
		"nw_tos":       {kind: keyTOS},
		"eth":          {kind: keyEth},
		"table":        {kind: keyTable},
		"priority":     {kind: keyPriority},
		"cookie":       {kind: keyCookie},
		"idle_timeout": {kind: keyIdleTimeout},
		"hard_timeout": {kind: keyHardTimeout},
		"out_port":     {kind: keyOutPort},
		"out_group":    {kind: keyOutGroup},
		"actions":      {kind: keyActions},
		"action":       {kind: keyActions},
		"duration":     {kind: keyIgnored},
		"n_packets":    {kind: keyIgnored},
		"n_bytes":      {kind: keyIgnored},
		"idle_age":     {kind: keyIgnored},
		"hard_age":     {kind: keyIgnored},
	}
	for i, f := range flowFlagNames {
		t[f.name] = textKey{kind: keyFlag, index: uint8(i), flag: f.flag}
	}
	for i, w := range matchKeywords {
		t[w.name] = textKey{kind: keyWord, index: uint8(i)}
	}
	for id := FieldUnknown + 1; id < numFields; id++ {
		x := &fieldTexts[id]
		if x.match == "" {
			x.match = fields[id].Name
		}
		if x.set == "" {
			x.set = fields[id].Name
		}
		x.mask = x.mask || fields[id].Maskable
		for _, name := range append([]string{fields[id].Name, x.set, x.match}, x.also...) {
			if _, other := t[name]; !other && id < numMatchFields {
				t[name] = textKey{kind: keyField, field: id}
			}
		}
	}
	for i, c := range choices {
		t[c.name] = textKey{kind: keyChoice, index: uint8(i)}
	}
	return t
}()

// textKeyNames are the keys and the names of actions, sorted, for suggestions.
var textKeyNames []string

func init() { // not in the declaration: what reads an action suggests names
	names := slices.Collect(maps.Keys(textKeys))
	names = slices.AppendSeq(names, maps.Keys(actionTexts))
	names = slices.AppendSeq(names, maps.Keys(extensionTexts))
	for _, r := range reservedPorts {
		names = append(names, strings.ToLower(r.name))
	}
	slices.Sort(names)
	textKeyNames = slices.Compact(names)
}

func isMatchKey(name string) bool {
	k, ok := textKeys[name]
	return ok && k.kind < keyTable
}

func isFlowKey(name string) bool {
	_, ok := textKeys[name]
	return ok
}
