package ofp

import "strconv"

// featureField is a field as table features name it: the name that Open vSwitch
// prints, the number of fields that follow one another with the same name and a
// number after it (0: one, without), and the OXM or NXM headers that stand for
// it, each as experimenter, class and field number.
type featureField struct {
	name    string
	count   int
	headers []uint64
}

// featureFields are the fields that Open vSwitch knows, in its order.
var featureFields = [...]featureField{
	{"dp_hash", 0, []uint64{0x10023, 0x2320ffff0000}},
	{"recirc_id", 0, []uint64{0x10024}},
	{"packet_type", 0, []uint64{0x8000002c}},
	{"conj_id", 0, []uint64{0x10025}},
	{"tun_id", 0, []uint64{0x10010, 0x80000026}},
	{"tun_src", 0, []uint64{0x1001f}},
	{"tun_dst", 0, []uint64{0x10020}},
	{"tun_ipv6_src", 0, []uint64{0x1006d}},
	{"tun_ipv6_dst", 0, []uint64{0x1006e}},
	{"tun_flags", 0, []uint64{0x10068}},
	{"tun_gbp_id", 0, []uint64{0x10026}},
	{"tun_gbp_flags", 0, []uint64{0x10027}},
	{"tun_erspan_idx", 0, []uint64{0x2320ffff000b}},
	{"tun_erspan_ver", 0, []uint64{0x2320ffff000c}},
	{"tun_erspan_dir", 0, []uint64{0x2320ffff000d}},
	{"tun_erspan_hwid", 0, []uint64{0x2320ffff000e}},
	{"tun_gtpu_flags", 0, []uint64{0x2320ffff000f}},
	{"tun_gtpu_msgtype", 0, []uint64{0x2320ffff0010}},
	{"tun_metadata", 64, []uint64{0x10028}},
	{"metadata", 0, []uint64{0x80000002}},
	{"in_port", 0, []uint64{0x0}},
	{"in_port_oxm", 0, []uint64{0x80000000}},
	{"actset_output", 0, []uint64{0x8000002b, 0x4f4e4600ffff002b}},
	{"pkt_mark", 0, []uint64{0x10021}},
	{"ct_state", 0, []uint64{0x10069}},
	{"ct_zone", 0, []uint64{0x1006a}},
	{"ct_mark", 0, []uint64{0x1006b}},
	{"ct_label", 0, []uint64{0x1006c}},
	{"ct_nw_proto", 0, []uint64{0x10077}},
	{"ct_nw_src", 0, []uint64{0x10078}},
	{"ct_nw_dst", 0, []uint64{0x10079}},
	{"ct_ipv6_src", 0, []uint64{0x1007a}},
	{"ct_ipv6_dst", 0, []uint64{0x1007b}},
	{"ct_tp_src", 0, []uint64{0x1007c}},
	{"ct_tp_dst", 0, []uint64{0x1007d}},
	{"reg", 16, []uint64{0x10000}},
	{"xreg", 8, []uint64{0x80010000}},
	{"xxreg", 4, []uint64{0x1006f}},
	{"eth_src", 0, []uint64{0x2, 0x80000004}},
	{"eth_dst", 0, []uint64{0x1, 0x80000003}},
	{"eth_type", 0, []uint64{0x3, 0x80000005}},
	{"vlan_tci", 0, []uint64{0x4}},
	{"vlan_vid", 0, []uint64{0x80000006}},
	{"vlan_pcp", 0, []uint64{0x80000007}},
	{"mpls_label", 0, []uint64{0x80000022}},
	{"mpls_tc", 0, []uint64{0x80000023}},
	{"mpls_bos", 0, []uint64{0x80000024}},
	{"mpls_ttl", 0, []uint64{0x1001e}},
	{"ip_src", 0, []uint64{0x7, 0x8000000b}},
	{"ip_dst", 0, []uint64{0x8, 0x8000000c}},
	{"ipv6_src", 0, []uint64{0x10013, 0x8000001a}},
	{"ipv6_dst", 0, []uint64{0x10014, 0x8000001b}},
	{"ipv6_label", 0, []uint64{0x1001b, 0x8000001c}},
	{"nw_proto", 0, []uint64{0x6, 0x8000000a}},
	{"nw_tos", 0, []uint64{0x5}},
	{"ip_dscp", 0, []uint64{0x80000008}},
	{"nw_ecn", 0, []uint64{0x1001c, 0x80000009}},
	{"nw_ttl", 0, []uint64{0x1001d}},
	{"ip_frag", 0, []uint64{0x1001a}},
	{"arp_op", 0, []uint64{0xf, 0x80000015}},
	{"arp_spa", 0, []uint64{0x10, 0x80000016}},
	{"arp_tpa", 0, []uint64{0x11, 0x80000017}},
	{"arp_sha", 0, []uint64{0x10011, 0x80000018}},
	{"arp_tha", 0, []uint64{0x10012, 0x80000019}},
	{"tcp_src", 0, []uint64{0x9, 0x8000000d}},
	{"tcp_dst", 0, []uint64{0xa, 0x8000000e}},
	{"tcp_flags", 0, []uint64{0x10022, 0x8000002a, 0x4f4e4600ffff002a}},
	{"udp_src", 0, []uint64{0xb, 0x8000000f}},
	{"udp_dst", 0, []uint64{0xc, 0x80000010}},
	{"sctp_src", 0, []uint64{0x80000011}},
	{"sctp_dst", 0, []uint64{0x80000012}},
	{"icmp_type", 0, []uint64{0xd, 0x80000013}},
	{"icmp_code", 0, []uint64{0xe, 0x80000014}},
	{"icmpv6_type", 0, []uint64{0x10015, 0x8000001d}},
	{"icmpv6_code", 0, []uint64{0x10016, 0x8000001e}},
	{"nd_target", 0, []uint64{0x10017, 0x8000001f}},
	{"nd_sll", 0, []uint64{0x10018, 0x80000020}},
	{"nd_tll", 0, []uint64{0x10019, 0x80000021}},
	{"nd_reserved", 0, []uint64{0x10000001}},
	{"nd_options_type", 0, []uint64{0x10000002}},
	{"nsh_flags", 0, []uint64{0x5ad650ffff0001}},
	{"nsh_mdtype", 0, []uint64{0x5ad650ffff0002}},
	{"nsh_np", 0, []uint64{0x5ad650ffff0003}},
	{"nsh_spi", 0, []uint64{0x5ad650ffff0004}},
	{"nsh_si", 0, []uint64{0x5ad650ffff0005}},
	{"nsh_c1", 0, []uint64{0x5ad650ffff0006}},
	{"nsh_c2", 0, []uint64{0x5ad650ffff0007}},
	{"nsh_c3", 0, []uint64{0x5ad650ffff0008}},
	{"nsh_c4", 0, []uint64{0x5ad650ffff0009}},
	{"nsh_ttl", 0, []uint64{0x5ad650ffff000a}},
}

// numFeatureFields is how many fields there are, each of a row counted.
const numFeatureFields = 178

// featureNames are the names in order; featureIndex finds a place by header.
var featureNames, featureIndex = func() (names []string, index map[uint64]uint8) {
	index = make(map[uint64]uint8)
	for _, f := range featureFields {
		for _, h := range f.headers {
			for i := range max(f.count, 1) {
				index[h+uint64(i)] = uint8(len(names) + i)
			}
		}
		if f.count == 0 {
			names = append(names, f.name)
		}
		for i := range f.count {
			names = append(names, f.name+strconv.Itoa(i))
		}
	}
	return names, index
}()
