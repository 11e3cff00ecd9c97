package ofp

// FieldID names a match field, whichever version's number or place it has on
// the wire. The order of the constants is the canonical order of fields in a
// match; it puts every field after those that it needs.
type FieldID uint8

// Match fields (oxm_ofb_match_fields, section 7.2.3.7 of OpenFlow 1.3.5).
const (
	FieldUnknown FieldID = iota
	FieldInPort
	FieldInPhyPort
	FieldMetadata
	FieldTunnelID
	FieldEthDst
	FieldEthSrc
	FieldEthType
	FieldVLANVID // with the present bit 0x1000 (OFPVID_PRESENT); 0 is "no tag"
	FieldVLANPCP
	FieldMPLSLabel
	FieldMPLSTC
	FieldMPLSBOS
	FieldPBBISID
	FieldIPDSCP // the six upper bits of the ToS byte, shifted down
	FieldIPECN
	FieldIPProto
	FieldIPv4Src
	FieldIPv4Dst
	FieldIPv6Src
	FieldIPv6Dst
	FieldIPv6FLabel
	FieldIPv6ExtHdr
	FieldTCPSrc
	FieldTCPDst
	FieldUDPSrc
	FieldUDPDst
	FieldSCTPSrc
	FieldSCTPDst
	FieldICMPv4Type
	FieldICMPv4Code
	FieldICMPv6Type
	FieldICMPv6Code
	FieldIPv6NDTarget
	FieldIPv6NDSLL
	FieldIPv6NDTLL
	FieldARPOp
	FieldARPSPA
	FieldARPTPA
	FieldARPSHA
	FieldARPTHA
	numFields
)

// The present bit and the special values of FieldVLANVID (ofp_vlan_id).
const (
	VLANPresent = 0x1000 // set for every packet that has a tag
	VLANNone    = 0x0000 // no tag
)

// Ethernet types and IP protocols that prerequisites name.
const (
	ethIPv4  = 0x0800
	ethARP   = 0x0806
	ethIPv6  = 0x86dd
	ethMPLS  = 0x8847
	ethMPLSM = 0x8848
	ethPBB   = 0x88e7

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// FieldFormat says how text shows a field's value.
type FieldFormat uint8

// Field formats.
const (
	FormatDecimal FieldFormat = iota
	FormatHex
	FormatPort      // a port number or name
	FormatMAC       // 00:11:22:33:44:55
	FormatEtherType // four hexadecimal digits
	FormatIPv4      // 192.0.2.1
	FormatIPv6      // 2001:db8::1
	FormatVLAN      // an OXM VLAN identifier with its present bit
)

// Prerequisite is a field that another needs, and the values that satisfy it;
// no values means any value but VLANNone.
type Prerequisite struct {
	Field  FieldID
	Values []uint64
}

// FieldInfo is one row of the table of match fields.
type FieldInfo struct {
	ID       FieldID
	Name     string // the specification's, in small letters: ipv4_src
	Bits     int    // width
	Maskable bool   // takes a mask in OXM
	Format   FieldFormat
	Since    Version // the first version whose OXM has the field
	Needs    []Prerequisite

	class     uint16 // OXM class
	num       uint8  // OXM field number in the class
	full      []byte // the mask of an exact field, as long as a value is in OXM
	oxm       uint32 // OXM header of an exact field
	oxmMasked uint32 // OXM header of a masked field
}

// Bytes returns the length of the field's value in OXM.
func (f *FieldInfo) Bytes() int { return len(f.full) }

// Header returns the field's OXM header (section 7.2.3.2 of OpenFlow 1.3.5).
func (f *FieldInfo) Header(masked bool) uint32 {
	h := uint32(f.class)<<16 | uint32(f.num)<<9
	if masked {
		return h | 1<<8 | uint32(2*f.Bytes())
	}
	return h | uint32(f.Bytes())
}

// OXM classes (ofp_oxm_class).
const (
	oxmBasic        = 0x8000
	oxmExperimenter = 0xffff
)

// OXM headers of the fields that a learning switch matches, exact.
const (
	oxmInPort  = oxmBasic<<16 | 0<<9 | 4
	oxmEthDst  = oxmBasic<<16 | 3<<9 | 6
	oxmEthSrc  = oxmBasic<<16 | 4<<9 | 6
	oxmEthType = oxmBasic<<16 | 5<<9 | 2
	oxmVLANVID = oxmBasic<<16 | 6<<9 | 2
)

func needEth(types ...uint64) Prerequisite { return Prerequisite{FieldEthType, types} }
func needIP(proto uint64) Prerequisite     { return Prerequisite{FieldIPProto, []uint64{proto}} }

var (
	anyIP  = []Prerequisite{needEth(ethIPv4, ethIPv6)}
	isIPv4 = []Prerequisite{needEth(ethIPv4)}
	isIPv6 = []Prerequisite{needEth(ethIPv6)}
	isARP  = []Prerequisite{needEth(ethARP)}
	isMPLS = []Prerequisite{needEth(ethMPLS, ethMPLSM)}
	isTCP  = []Prerequisite{needEth(ethIPv4, ethIPv6), needIP(protoTCP)}
	isUDP  = []Prerequisite{needEth(ethIPv4, ethIPv6), needIP(protoUDP)}
	isSCTP = []Prerequisite{needEth(ethIPv4, ethIPv6), needIP(protoSCTP)}
	isICMP = []Prerequisite{needEth(ethIPv4), needIP(protoICMP)}
	isICM6 = []Prerequisite{needEth(ethIPv6), needIP(protoICMPv6)}
)

func isND(types ...uint64) []Prerequisite {
	return []Prerequisite{needEth(ethIPv6), needIP(protoICMPv6), {FieldICMPv6Type, types}}
}

// fields is the table of match fields, in the order of their identifiers.
// Widths, masks and prerequisites are those of table 12 in section 7.2.3.7 of
// OpenFlow 1.3.5; 1.2 has no masks for some, which encoding does not enforce,
// since Open vSwitch takes them.
var fields = [numFields]FieldInfo{
	FieldInPort:       {Name: "in_port", num: 0, Bits: 32, Format: FormatPort, Since: V12},
	FieldInPhyPort:    {Name: "in_phy_port", num: 1, Bits: 32, Format: FormatPort, Since: V12, Needs: []Prerequisite{{FieldInPort, nil}}},
	FieldMetadata:     {Name: "metadata", num: 2, Bits: 64, Maskable: true, Format: FormatHex, Since: V12},
	FieldTunnelID:     {Name: "tunnel_id", num: 38, Bits: 64, Maskable: true, Format: FormatHex, Since: V13},
	FieldEthDst:       {Name: "eth_dst", num: 3, Bits: 48, Maskable: true, Format: FormatMAC, Since: V12},
	FieldEthSrc:       {Name: "eth_src", num: 4, Bits: 48, Maskable: true, Format: FormatMAC, Since: V12},
	FieldEthType:      {Name: "eth_type", num: 5, Bits: 16, Format: FormatEtherType, Since: V12},
	FieldVLANVID:      {Name: "vlan_vid", num: 6, Bits: 13, Maskable: true, Format: FormatVLAN, Since: V12},
	FieldVLANPCP:      {Name: "vlan_pcp", num: 7, Bits: 3, Since: V12, Needs: []Prerequisite{{FieldVLANVID, nil}}},
	FieldMPLSLabel:    {Name: "mpls_label", num: 34, Bits: 20, Since: V12, Needs: isMPLS},
	FieldMPLSTC:       {Name: "mpls_tc", num: 35, Bits: 3, Since: V12, Needs: isMPLS},
	FieldMPLSBOS:      {Name: "mpls_bos", num: 36, Bits: 1, Since: V13, Needs: isMPLS},
	FieldPBBISID:      {Name: "pbb_isid", num: 37, Bits: 24, Maskable: true, Format: FormatHex, Since: V13, Needs: []Prerequisite{needEth(ethPBB)}},
	FieldIPDSCP:       {Name: "ip_dscp", num: 8, Bits: 6, Since: V12, Needs: anyIP},
	FieldIPECN:        {Name: "ip_ecn", num: 9, Bits: 2, Since: V12, Needs: anyIP},
	FieldIPProto:      {Name: "ip_proto", num: 10, Bits: 8, Since: V12, Needs: anyIP},
	FieldIPv4Src:      {Name: "ipv4_src", num: 11, Bits: 32, Maskable: true, Format: FormatIPv4, Since: V12, Needs: isIPv4},
	FieldIPv4Dst:      {Name: "ipv4_dst", num: 12, Bits: 32, Maskable: true, Format: FormatIPv4, Since: V12, Needs: isIPv4},
	FieldIPv6Src:      {Name: "ipv6_src", num: 26, Bits: 128, Maskable: true, Format: FormatIPv6, Since: V12, Needs: isIPv6},
	FieldIPv6Dst:      {Name: "ipv6_dst", num: 27, Bits: 128, Maskable: true, Format: FormatIPv6, Since: V12, Needs: isIPv6},
	FieldIPv6FLabel:   {Name: "ipv6_flabel", num: 28, Bits: 20, Maskable: true, Format: FormatHex, Since: V12, Needs: isIPv6},
	FieldIPv6ExtHdr:   {Name: "ipv6_exthdr", num: 39, Bits: 9, Maskable: true, Format: FormatHex, Since: V13, Needs: isIPv6},
	FieldTCPSrc:       {Name: "tcp_src", num: 13, Bits: 16, Maskable: false, Since: V12, Needs: isTCP},
	FieldTCPDst:       {Name: "tcp_dst", num: 14, Bits: 16, Maskable: false, Since: V12, Needs: isTCP},
	FieldUDPSrc:       {Name: "udp_src", num: 15, Bits: 16, Maskable: false, Since: V12, Needs: isUDP},
	FieldUDPDst:       {Name: "udp_dst", num: 16, Bits: 16, Maskable: false, Since: V12, Needs: isUDP},
	FieldSCTPSrc:      {Name: "sctp_src", num: 17, Bits: 16, Maskable: false, Since: V12, Needs: isSCTP},
	FieldSCTPDst:      {Name: "sctp_dst", num: 18, Bits: 16, Maskable: false, Since: V12, Needs: isSCTP},
	FieldICMPv4Type:   {Name: "icmpv4_type", num: 19, Bits: 8, Since: V12, Needs: isICMP},
	FieldICMPv4Code:   {Name: "icmpv4_code", num: 20, Bits: 8, Since: V12, Needs: isICMP},
	FieldICMPv6Type:   {Name: "icmpv6_type", num: 29, Bits: 8, Since: V12, Needs: isICM6},
	FieldICMPv6Code:   {Name: "icmpv6_code", num: 30, Bits: 8, Since: V12, Needs: isICM6},
	FieldIPv6NDTarget: {Name: "ipv6_nd_target", num: 31, Bits: 128, Format: FormatIPv6, Since: V12, Needs: isND(135, 136)},
	FieldIPv6NDSLL:    {Name: "ipv6_nd_sll", num: 32, Bits: 48, Format: FormatMAC, Since: V12, Needs: isND(135)},
	FieldIPv6NDTLL:    {Name: "ipv6_nd_tll", num: 33, Bits: 48, Format: FormatMAC, Since: V12, Needs: isND(136)},
	FieldARPOp:        {Name: "arp_op", num: 21, Bits: 16, Since: V12, Needs: isARP},
	FieldARPSPA:       {Name: "arp_spa", num: 22, Bits: 32, Maskable: true, Format: FormatIPv4, Since: V12, Needs: isARP},
	FieldARPTPA:       {Name: "arp_tpa", num: 23, Bits: 32, Maskable: true, Format: FormatIPv4, Since: V12, Needs: isARP},
	FieldARPSHA:       {Name: "arp_sha", num: 24, Bits: 48, Maskable: true, Format: FormatMAC, Since: V12, Needs: isARP},
	FieldARPTHA:       {Name: "arp_tha", num: 25, Bits: 48, Maskable: true, Format: FormatMAC, Since: V12, Needs: isARP},
}

// basicField is the field of each number in the OpenFlow basic class.
var basicField = func() (t [128]FieldID) {
	for i := range fields {
		f := &fields[i]
		if i == 0 {
			continue
		}
		f.ID = FieldID(i)
		n := (f.Bits + 7) / 8
		if f.Bits == 20 { // labels have four bytes, of which the lower 20 bits count
			n = 4
		}
		f.full = make([]byte, n)
		for b := range f.Bits {
			f.full[n-1-b/8] |= 1 << (b % 8)
		}
		if f.class == 0 {
			f.class = oxmBasic
			t[f.num] = f.ID
		}
		f.oxm, f.oxmMasked = f.Header(false), f.Header(true)
	}
	return t
}()

// fieldOf returns the field that an OXM header stands for, whatever its mask
// bit and length, or FieldUnknown.
func fieldOf(header uint32) FieldID {
	if header>>16 == oxmBasic {
		return basicField[header>>9&127]
	}
	return FieldUnknown
}

// Info returns the field's row, or nil for FieldUnknown.
func (f FieldID) Info() *FieldInfo {
	if f == FieldUnknown || f >= numFields {
		return nil
	}
	return &fields[f]
}

// String returns the specification's name of the field, such as "ipv4_src".
func (f FieldID) String() string {
	if i := f.Info(); i != nil {
		return i.Name
	}
	return "unknown"
}

// Fields returns every row of the table, in canonical order.
func Fields() []*FieldInfo {
	out := make([]*FieldInfo, 0, numFields-1)
	for i := 1; i < int(numFields); i++ {
		out = append(out, &fields[i])
	}
	return out
}
