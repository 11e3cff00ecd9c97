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
	FieldPacketType // namespace in the upper 16 bits; where it is not matched, packets are Ethernet frames
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

	// Fields that Open vSwitch has (ovs-fields(7)); FieldPacketType is one, too.
	FieldVLANTCI // identifier, present bit and priority in one; kept as such where vlan_vid and vlan_pcp cannot say it
	FieldMPLSTTL
	FieldNWTTL
	FieldIPFrag
	FieldTCPFlags
	FieldNDReserved
	FieldNDOptionsType
	FieldNSHFlags
	FieldNSHTTL
	FieldNSHMDType
	FieldNSHNP
	FieldNSHSPI
	FieldNSHSI
	FieldNSHC1
	FieldNSHC2
	FieldNSHC3
	FieldNSHC4
	FieldDPHash
	FieldRecircID
	FieldConjID
	FieldPktMark
	FieldActsetOutput
	FieldTunSrc
	FieldTunDst
	FieldTunIPv6Src
	FieldTunIPv6Dst
	FieldTunFlags
	FieldTunGBPID
	FieldTunGBPFlags
	FieldTunERSPANIdx
	FieldTunERSPANVer
	FieldTunERSPANDir
	FieldTunERSPANHWID
	FieldTunGTPUFlags
	FieldTunGTPUMsgType
	FieldCTState
	FieldCTZone
	FieldCTMark
	FieldCTLabel
	FieldCTNWProto
	FieldCTNWSrc
	FieldCTNWDst
	FieldCTIPv6Src
	FieldCTIPv6Dst
	FieldCTTPSrc
	FieldCTTPDst
	FieldReg0
	FieldXReg0        = FieldReg0 + 16
	FieldXXReg0       = FieldXReg0 + 8
	FieldTunMetadata0 = FieldXXReg0 + 4 // of 1 to 124 bytes
	numMatchFields    = FieldTunMetadata0 + 64
)

// Fields that only actions name: what Open vSwitch's own number stands for has
// another width or another place for its bits than the field of OpenFlow. A
// match holds FieldInPort and FieldIPDSCP instead.
const (
	FieldInPort16 FieldID = numMatchFields + iota // NXM_OF_IN_PORT
	FieldIPToS                                    // NXM_OF_IP_TOS, DSCP in the six upper bits
	numFields
)

// FieldReg returns reg0 to reg15; other such fields follow their first one, too.
func FieldReg(n int) FieldID { return FieldReg0 + FieldID(n) }

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
	ethRARP  = 0x8035
	ethNSH   = 0x894f

	ethVLAN      = 0x8100
	ethVLANOuter = 0x88a8

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
	FormatTCPFlags
	FormatTunFlags
	FormatCTState
	FormatFrag       // of an IP packet: no, first, later, yes, not_later
	FormatPacketType // (namespace,type)
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
	ReadOnly bool   // no action of Open vSwitch writes it
	Variable bool   // the value has 1 byte or more, and Bytes at most
	Format   FieldFormat
	Since    Version // the first version whose OXM has the field; 0 for one that only Open vSwitch has
	Needs    []Prerequisite

	bytes     int    // length of a value, where it is not the least for Bits
	forms     []form // its numbers on the wire, the oldest first
	own       *form  // that of OpenFlow 1.3, which a Match holds
	same12    bool   // 1.2 has the same
	full      []byte // the mask of an exact field, as long as a value is in OXM
	oxm       uint32 // OXM header of an exact field, without the experimenter
	oxmMasked uint32 // OXM header of a masked field, likewise
}

// Bytes returns the length of the field's value in OXM.
func (f *FieldInfo) Bytes() int { return len(f.full) }

// Header returns the field's OXM header (section 7.2.3.2 of OpenFlow 1.3.5). For
// a field of an experimenter (class 0xffff) the length is with the four bytes of
// the experimenter's number, which follow the header.
func (f *FieldInfo) Header(masked bool) uint32 { return uint32(f.own.header(masked, f.Bytes()) >> 32) }

// Experimenter returns the number of the experimenter whose field it is, or 0.
func (f *FieldInfo) Experimenter() uint32 { return f.own.exp }

// OXM headers of the fields that a learning switch matches, exact.
const (
	oxmInPort  = oxmBasic<<16 | 0<<9 | 4
	oxmEthDst  = oxmBasic<<16 | 3<<9 | 6
	oxmEthSrc  = oxmBasic<<16 | 4<<9 | 6
	oxmEthType = oxmBasic<<16 | 5<<9 | 2
	oxmVLANVID = oxmBasic<<16 | 6<<9 | 2
)

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

// Fields returns the row of every field that a match can hold, in canonical order.
func Fields() []*FieldInfo {
	out := make([]*FieldInfo, 0, numMatchFields-1)
	for i := 1; i < int(numMatchFields); i++ {
		out = append(out, &fields[i])
	}
	return out
}
