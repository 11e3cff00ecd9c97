package ofp

func needEth(types ...uint64) Prerequisite { return Prerequisite{FieldEthType, types} }
func needIP(proto uint64) Prerequisite     { return Prerequisite{FieldIPProto, []uint64{proto}} }

var (
	anyIP   = []Prerequisite{needEth(ethIPv4, ethIPv6)}
	isIPv4  = []Prerequisite{needEth(ethIPv4)}
	isIPv6  = []Prerequisite{needEth(ethIPv6)}
	isARP   = []Prerequisite{needEth(ethARP, ethRARP)}
	isNSH   = []Prerequisite{needEth(ethNSH)}
	ctKnown = []Prerequisite{{FieldCTState, nil}}
	ctIPv4  = []Prerequisite{needEth(ethIPv4), {FieldCTState, nil}}
	ctIPv6  = []Prerequisite{needEth(ethIPv6), {FieldCTState, nil}}
	ctPorts = []Prerequisite{{FieldCTState, nil}, {FieldCTNWProto, nil}}
	isMPLS  = []Prerequisite{needEth(ethMPLS, ethMPLSM)}
	isTCP   = []Prerequisite{needEth(ethIPv4, ethIPv6), needIP(protoTCP)}
	isUDP   = []Prerequisite{needEth(ethIPv4, ethIPv6), needIP(protoUDP)}
	isSCTP  = []Prerequisite{needEth(ethIPv4, ethIPv6), needIP(protoSCTP)}
	isICMP  = []Prerequisite{needEth(ethIPv4), needIP(protoICMP)}
	isICM6  = []Prerequisite{needEth(ethIPv6), needIP(protoICMPv6)}
)

func isND(types ...uint64) []Prerequisite {
	return []Prerequisite{needEth(ethIPv6), needIP(protoICMPv6), {FieldICMPv6Type, types}}
}

// fields is the table of match fields, in the order of their identifiers.
// Widths, masks and prerequisites of OpenFlow's own are those of table 12 in
// section 7.2.3.7 of OpenFlow 1.3.5; 1.2 has no masks for some, which encoding
// does not enforce, since Open vSwitch takes them. The others are those of
// ovs-fields(7).
var fields = [numFields]FieldInfo{
	FieldInPort:       {Name: "in_port", forms: is(oxm12(0, "IN_PORT")), Bits: 32, Format: FormatPort},
	FieldInPhyPort:    {Name: "in_phy_port", forms: is(oxm12(1, "IN_PHY_PORT")), Bits: 32, ReadOnly: true, Format: FormatPort, Needs: []Prerequisite{{FieldInPort, nil}}},
	FieldPacketType:   {Name: "packet_type", forms: is(oxmLater(44, "PACKET_TYPE")), Bits: 32, ReadOnly: true, Format: FormatPacketType},
	FieldMetadata:     {Name: "metadata", forms: is(oxm12(2, "METADATA")), Bits: 64, Maskable: true, Format: FormatHex},
	FieldTunnelID:     {Name: "tunnel_id", forms: is(nxmNX(16, "TUN_ID"), oxm13(38, "TUNNEL_ID")), Bits: 64, Maskable: true, Format: FormatHex},
	FieldEthDst:       {Name: "eth_dst", forms: is(nxmOF(1, "ETH_DST"), oxm12(3, "ETH_DST")), Bits: 48, Maskable: true, Format: FormatMAC},
	FieldEthSrc:       {Name: "eth_src", forms: is(nxmOF(2, "ETH_SRC"), oxm12(4, "ETH_SRC")), Bits: 48, Maskable: true, Format: FormatMAC},
	FieldEthType:      {Name: "eth_type", forms: is(nxmOF(3, "ETH_TYPE"), oxm12(5, "ETH_TYPE")), Bits: 16, ReadOnly: true, Format: FormatEtherType},
	FieldVLANVID:      {Name: "vlan_vid", forms: is(oxm12(6, "VLAN_VID")), Bits: 13, Maskable: true, Format: FormatVLAN},
	FieldVLANPCP:      {Name: "vlan_pcp", forms: is(oxm12(7, "VLAN_PCP")), Bits: 3, Needs: []Prerequisite{{FieldVLANVID, nil}}},
	FieldMPLSLabel:    {Name: "mpls_label", forms: is(oxm12(34, "MPLS_LABEL")), Bits: 20, Needs: isMPLS},
	FieldMPLSTC:       {Name: "mpls_tc", forms: is(oxm12(35, "MPLS_TC")), Bits: 3, Needs: isMPLS},
	FieldMPLSBOS:      {Name: "mpls_bos", forms: is(oxm13(36, "MPLS_BOS")), Bits: 1, ReadOnly: true, Needs: isMPLS},
	FieldPBBISID:      {Name: "pbb_isid", forms: is(oxm13(37, "PBB_ISID")), Bits: 24, Maskable: true, Format: FormatHex, Needs: []Prerequisite{needEth(ethPBB)}},
	FieldIPDSCP:       {Name: "ip_dscp", forms: is(oxm12(8, "IP_DSCP")), Bits: 6, Needs: anyIP},
	FieldIPECN:        {Name: "ip_ecn", forms: is(nxmNX(28, "IP_ECN"), oxm12(9, "IP_ECN")), Bits: 2, Needs: anyIP},
	FieldIPProto:      {Name: "ip_proto", forms: is(nxmOF(6, "IP_PROTO"), oxm12(10, "IP_PROTO")), Bits: 8, ReadOnly: true, Needs: anyIP},
	FieldIPv4Src:      {Name: "ipv4_src", forms: is(nxmOF(7, "IP_SRC"), oxm12(11, "IPV4_SRC")), Bits: 32, Maskable: true, Format: FormatIPv4, Needs: isIPv4},
	FieldIPv4Dst:      {Name: "ipv4_dst", forms: is(nxmOF(8, "IP_DST"), oxm12(12, "IPV4_DST")), Bits: 32, Maskable: true, Format: FormatIPv4, Needs: isIPv4},
	FieldIPv6Src:      {Name: "ipv6_src", forms: is(nxmNX(19, "IPV6_SRC"), oxm12(26, "IPV6_SRC")), Bits: 128, Maskable: true, Format: FormatIPv6, Needs: isIPv6},
	FieldIPv6Dst:      {Name: "ipv6_dst", forms: is(nxmNX(20, "IPV6_DST"), oxm12(27, "IPV6_DST")), Bits: 128, Maskable: true, Format: FormatIPv6, Needs: isIPv6},
	FieldIPv6FLabel:   {Name: "ipv6_flabel", forms: is(nxmNX(27, "IPV6_LABEL"), oxm12(28, "IPV6_FLABEL")), Bits: 20, Maskable: true, Format: FormatHex, Needs: isIPv6},
	FieldIPv6ExtHdr:   {Name: "ipv6_exthdr", forms: is(oxm13(39, "IPV6_EXTHDR")), Bits: 9, Maskable: true, Format: FormatHex, Needs: isIPv6},
	FieldTCPSrc:       {Name: "tcp_src", forms: is(nxmOF(9, "TCP_SRC"), oxm12(13, "TCP_SRC")), Bits: 16, Needs: isTCP},
	FieldTCPDst:       {Name: "tcp_dst", forms: is(nxmOF(10, "TCP_DST"), oxm12(14, "TCP_DST")), Bits: 16, Needs: isTCP},
	FieldUDPSrc:       {Name: "udp_src", forms: is(nxmOF(11, "UDP_SRC"), oxm12(15, "UDP_SRC")), Bits: 16, Needs: isUDP},
	FieldUDPDst:       {Name: "udp_dst", forms: is(nxmOF(12, "UDP_DST"), oxm12(16, "UDP_DST")), Bits: 16, Needs: isUDP},
	FieldSCTPSrc:      {Name: "sctp_src", forms: is(oxm12(17, "SCTP_SRC")), Bits: 16, Needs: isSCTP},
	FieldSCTPDst:      {Name: "sctp_dst", forms: is(oxm12(18, "SCTP_DST")), Bits: 16, Needs: isSCTP},
	FieldICMPv4Type:   {Name: "icmpv4_type", forms: is(nxmOF(13, "ICMP_TYPE"), oxm12(19, "ICMPV4_TYPE")), Bits: 8, Needs: isICMP},
	FieldICMPv4Code:   {Name: "icmpv4_code", forms: is(nxmOF(14, "ICMP_CODE"), oxm12(20, "ICMPV4_CODE")), Bits: 8, Needs: isICMP},
	FieldICMPv6Type:   {Name: "icmpv6_type", forms: is(nxmNX(21, "ICMPV6_TYPE"), oxm12(29, "ICMPV6_TYPE")), Bits: 8, Needs: isICM6},
	FieldICMPv6Code:   {Name: "icmpv6_code", forms: is(nxmNX(22, "ICMPV6_CODE"), oxm12(30, "ICMPV6_CODE")), Bits: 8, Needs: isICM6},
	FieldIPv6NDTarget: {Name: "ipv6_nd_target", forms: is(nxmNX(23, "ND_TARGET"), oxm12(31, "IPV6_ND_TARGET")), Bits: 128, Format: FormatIPv6, Needs: isND(135, 136)},
	FieldIPv6NDSLL:    {Name: "ipv6_nd_sll", forms: is(nxmNX(24, "ND_SLL"), oxm12(32, "IPV6_ND_SLL")), Bits: 48, Format: FormatMAC, Needs: isND(135)},
	FieldIPv6NDTLL:    {Name: "ipv6_nd_tll", forms: is(nxmNX(25, "ND_TLL"), oxm12(33, "IPV6_ND_TLL")), Bits: 48, Format: FormatMAC, Needs: isND(136)},
	FieldARPOp:        {Name: "arp_op", forms: is(nxmOF(15, "ARP_OP"), oxm12(21, "ARP_OP")), Bits: 16, Needs: isARP},
	FieldARPSPA:       {Name: "arp_spa", forms: is(nxmOF(16, "ARP_SPA"), oxm12(22, "ARP_SPA")), Bits: 32, Maskable: true, Format: FormatIPv4, Needs: isARP},
	FieldARPTPA:       {Name: "arp_tpa", forms: is(nxmOF(17, "ARP_TPA"), oxm12(23, "ARP_TPA")), Bits: 32, Maskable: true, Format: FormatIPv4, Needs: isARP},
	FieldARPSHA:       {Name: "arp_sha", forms: is(nxmNX(17, "ARP_SHA"), oxm12(24, "ARP_SHA")), Bits: 48, Maskable: true, Format: FormatMAC, Needs: isARP},
	FieldARPTHA:       {Name: "arp_tha", forms: is(nxmNX(18, "ARP_THA"), oxm12(25, "ARP_THA")), Bits: 48, Maskable: true, Format: FormatMAC, Needs: isARP},

	FieldVLANTCI:       {Name: "vlan_tci", forms: is(nxmOF(4, "VLAN_TCI")), Bits: 16, Maskable: true, Format: FormatHex},
	FieldMPLSTTL:       {Name: "mpls_ttl", forms: is(nxmNX(30, "MPLS_TTL")), Bits: 8, Needs: isMPLS},
	FieldNWTTL:         {Name: "nw_ttl", forms: is(nxmNX(29, "IP_TTL")), Bits: 8, Needs: anyIP},
	FieldIPFrag:        {Name: "ip_frag", forms: is(nxmNX(26, "IP_FRAG")), Bits: 2, Maskable: true, ReadOnly: true, Format: FormatFrag, Needs: anyIP},
	FieldTCPFlags:      {Name: "tcp_flags", forms: is(nxmNX(34, "TCP_FLAGS"), onf13(42, "TCP_FLAGS"), oxmLater(42, "TCP_FLAGS")), Bits: 12, Maskable: true, ReadOnly: true, Format: FormatTCPFlags, Needs: isTCP},
	FieldNDReserved:    {Name: "nd_reserved", forms: is(ericsson(1, "ICMPV6_ND_RESERVED")), Bits: 32, Needs: isND(135, 136)},
	FieldNDOptionsType: {Name: "nd_options_type", forms: is(ericsson(2, "ICMPV6_ND_OPTIONS_TYPE")), Bits: 8, Needs: isND(135, 136)},

	FieldNSHFlags:  {Name: "nsh_flags", forms: is(nsh(1, "FLAGS")), Bits: 8, Maskable: true, Needs: isNSH},
	FieldNSHTTL:    {Name: "nsh_ttl", forms: is(nsh(10, "TTL")), Bits: 8, Needs: isNSH},
	FieldNSHMDType: {Name: "nsh_mdtype", forms: is(nsh(2, "MDTYPE")), Bits: 8, ReadOnly: true, Needs: isNSH},
	FieldNSHNP:     {Name: "nsh_np", forms: is(nsh(3, "NP")), Bits: 8, ReadOnly: true, Needs: isNSH},
	FieldNSHSPI:    {Name: "nsh_spi", forms: is(nsh(4, "SPI")), Bits: 24, bytes: 4, Format: FormatHex, Needs: isNSH},
	FieldNSHSI:     {Name: "nsh_si", forms: is(nsh(5, "SI")), Bits: 8, Needs: isNSH},
	FieldNSHC1:     {Name: "nsh_c1", forms: is(nsh(6, "C1")), Bits: 32, Maskable: true, Format: FormatHex, Needs: isNSH},
	FieldNSHC2:     {Name: "nsh_c2", forms: is(nsh(7, "C2")), Bits: 32, Maskable: true, Format: FormatHex, Needs: isNSH},
	FieldNSHC3:     {Name: "nsh_c3", forms: is(nsh(8, "C3")), Bits: 32, Maskable: true, Format: FormatHex, Needs: isNSH},
	FieldNSHC4:     {Name: "nsh_c4", forms: is(nsh(9, "C4")), Bits: 32, Maskable: true, Format: FormatHex, Needs: isNSH},

	FieldDPHash:       {Name: "dp_hash", forms: is(nxmNX(35, "DP_HASH"), etLater(0, "DP_HASH")), Bits: 32, Maskable: true, ReadOnly: true, Format: FormatHex},
	FieldRecircID:     {Name: "recirc_id", forms: is(nxmNX(36, "RECIRC_ID")), Bits: 32, ReadOnly: true, Format: FormatHex},
	FieldConjID:       {Name: "conj_id", forms: is(nxmNX(37, "CONJ_ID")), Bits: 32, ReadOnly: true},
	FieldPktMark:      {Name: "pkt_mark", forms: is(nxmNX(33, "PKT_MARK")), Bits: 32, Maskable: true, Format: FormatHex},
	FieldActsetOutput: {Name: "actset_output", forms: is(onf13(43, "ACTSET_OUTPUT"), oxmLater(43, "ACTSET_OUTPUT")), Bits: 32, ReadOnly: true, Format: FormatPort},

	FieldTunSrc:         {Name: "tun_src", forms: is(nxmNX(31, "TUN_IPV4_SRC")), Bits: 32, Maskable: true, Format: FormatIPv4},
	FieldTunDst:         {Name: "tun_dst", forms: is(nxmNX(32, "TUN_IPV4_DST")), Bits: 32, Maskable: true, Format: FormatIPv4},
	FieldTunIPv6Src:     {Name: "tun_ipv6_src", forms: is(nxmNX(109, "TUN_IPV6_SRC")), Bits: 128, Maskable: true, Format: FormatIPv6},
	FieldTunIPv6Dst:     {Name: "tun_ipv6_dst", forms: is(nxmNX(110, "TUN_IPV6_DST")), Bits: 128, Maskable: true, Format: FormatIPv6},
	FieldTunFlags:       {Name: "tun_flags", forms: is(nxmNX(104, "TUN_FLAGS")), Bits: 1, bytes: 2, Maskable: true, Format: FormatTunFlags},
	FieldTunGBPID:       {Name: "tun_gbp_id", forms: is(nxmNX(38, "TUN_GBP_ID")), Bits: 16, Maskable: true},
	FieldTunGBPFlags:    {Name: "tun_gbp_flags", forms: is(nxmNX(39, "TUN_GBP_FLAGS")), Bits: 8, Maskable: true, Format: FormatHex},
	FieldTunERSPANIdx:   {Name: "tun_erspan_idx", forms: is(et(11, "ERSPAN_IDX")), Bits: 20, Maskable: true, Format: FormatHex},
	FieldTunERSPANVer:   {Name: "tun_erspan_ver", forms: is(et(12, "ERSPAN_VER")), Bits: 4, Maskable: true},
	FieldTunERSPANDir:   {Name: "tun_erspan_dir", forms: is(et(13, "ERSPAN_DIR")), Bits: 1, Maskable: true},
	FieldTunERSPANHWID:  {Name: "tun_erspan_hwid", forms: is(et(14, "ERSPAN_HWID")), Bits: 6, Maskable: true, Format: FormatHex},
	FieldTunGTPUFlags:   {Name: "tun_gtpu_flags", forms: is(et(15, "GTPU_FLAGS")), Bits: 8, Maskable: true, ReadOnly: true, Format: FormatHex},
	FieldTunGTPUMsgType: {Name: "tun_gtpu_msgtype", forms: is(et(16, "GTPU_MSGTYPE")), Bits: 8, Maskable: true, ReadOnly: true},

	FieldCTState:   {Name: "ct_state", forms: is(nxmNX(105, "CT_STATE")), Bits: 32, Maskable: true, ReadOnly: true, Format: FormatCTState},
	FieldCTZone:    {Name: "ct_zone", forms: is(nxmNX(106, "CT_ZONE")), Bits: 16, ReadOnly: true},
	FieldCTMark:    {Name: "ct_mark", forms: is(nxmNX(107, "CT_MARK")), Bits: 32, Maskable: true, Format: FormatHex},
	FieldCTLabel:   {Name: "ct_label", forms: is(nxmNX(108, "CT_LABEL")), Bits: 128, Maskable: true, Format: FormatHex},
	FieldCTNWProto: {Name: "ct_nw_proto", forms: is(nxmNX(119, "CT_NW_PROTO")), Bits: 8, ReadOnly: true, Needs: ctKnown},
	FieldCTNWSrc:   {Name: "ct_nw_src", forms: is(nxmNX(120, "CT_NW_SRC")), Bits: 32, Maskable: true, ReadOnly: true, Format: FormatIPv4, Needs: ctIPv4},
	FieldCTNWDst:   {Name: "ct_nw_dst", forms: is(nxmNX(121, "CT_NW_DST")), Bits: 32, Maskable: true, ReadOnly: true, Format: FormatIPv4, Needs: ctIPv4},
	FieldCTIPv6Src: {Name: "ct_ipv6_src", forms: is(nxmNX(122, "CT_IPV6_SRC")), Bits: 128, Maskable: true, ReadOnly: true, Format: FormatIPv6, Needs: ctIPv6},
	FieldCTIPv6Dst: {Name: "ct_ipv6_dst", forms: is(nxmNX(123, "CT_IPV6_DST")), Bits: 128, Maskable: true, ReadOnly: true, Format: FormatIPv6, Needs: ctIPv6},
	FieldCTTPSrc:   {Name: "ct_tp_src", forms: is(nxmNX(124, "CT_TP_SRC")), Bits: 16, Maskable: true, ReadOnly: true, Needs: ctPorts},
	FieldCTTPDst:   {Name: "ct_tp_dst", forms: is(nxmNX(125, "CT_TP_DST")), Bits: 16, Maskable: true, ReadOnly: true, Needs: ctPorts},

	// The first of each run stands for all; see numbered.
	FieldReg0:         {Name: "reg", forms: is(nxmNX(0, "REG")), Bits: 32, Maskable: true, Format: FormatHex},
	FieldXReg0:        {Name: "xreg", forms: is(form{"OXM_OF_PKT_REG", 0x8001, 0, V13, 0}), Bits: 64, Maskable: true, Format: FormatHex},
	FieldXXReg0:       {Name: "xxreg", forms: is(nxmNX(111, "XXREG")), Bits: 128, Maskable: true, Format: FormatHex},
	FieldTunMetadata0: {Name: "tun_metadata", forms: is(nxmNX(40, "TUN_METADATA")), Bits: 124 * 8, Maskable: true, Variable: true, Format: FormatHex},

	FieldInPort16: {Name: "nxm_in_port", forms: is(nxmOF(0, "IN_PORT")), Bits: 16, Format: FormatPort},
	FieldIPToS:    {Name: "nw_tos", forms: is(nxmOF(5, "IP_TOS")), Bits: 8, Needs: anyIP},
}

// numbered are the runs of fields that differ in nothing but their number, and
// how many each has.
var numbered = [...]struct {
	first FieldID
	count int
}{{FieldReg0, 16}, {FieldXReg0, 8}, {FieldXXReg0, 4}, {FieldTunMetadata0, 64}}
