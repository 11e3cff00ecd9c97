package ofp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// fieldCase is a match by one field, with what that field needs, and its wire
// form: the last OXM field, and the bytes of a fixed match that the match
// changes. An empty string says that the version cannot say it.
type fieldCase struct {
	name   string
	match  func(m *Match)
	v10    string // offset=hex of ofp_match of 1.0 that are not as in a match of all, wildcards first
	v11    string // the same for 1.1
	v12    string // the last OXM field
	v13    string
	lacks  string // what the error for a version names
	needed error  // other than ErrVersion, in v10 and v11
}

func set(vs ...any) func(*Match) {
	return func(m *Match) {
		for i := 0; i < len(vs); i += 2 {
			id := vs[i].(FieldID)
			switch v := vs[i+1].(type) {
			case int:
				m.SetUint(id, uint64(v))
			case [2]int:
				m.SetUintMasked(id, uint64(v[0]), uint64(v[1]))
			case [2]string:
				if err := m.SetMasked(id, hexBytes(v[0]), hexBytes(v[1])); err != nil {
					panic(err)
				}
			case string:
				if err := m.Set(id, hexBytes(v)); err != nil {
					panic(err)
				}
			}
		}
	}
}

func hexBytes(s string) []byte {
	b := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		b = append(b, unhexDigit(s[i])<<4|unhexDigit(s[i+1]))
	}
	return b
}

func unhexDigit(c byte) byte { return byte(strings.IndexByte("0123456789abcdef", c)) }

const (
	ip6a = "20010db8000000000000000000000001"
	ip6m = "ffffffffffffffff0000000000000000"
)

// Rows follow the tables of the specifications: 1.0.0 section 5.2.3, 1.1.0
// section A.2.3, 1.3.5 section 7.2.3.7.
var fieldCases = []fieldCase{
	{"in_port", set(FieldInPort, 5), "0=003820fe 4=0005", "4=00000005 8=000003fe", "8000000400000005", "80000004" + "00000005", "", nil},
	{"in_port local", set(FieldInPort, 0xfffffffe), "0=003820fe 4=fffe", "4=fffffffe 8=000003fe", "80000004fffffffe", "80000004fffffffe", "", nil},
	{"in_phy_port", set(FieldInPort, 5, FieldInPhyPort, 6), "", "", "8000020400000006", "8000020400000006", "in_phy_port", nil},
	{"metadata", set(FieldMetadata, 0x1234), "", "72=0000000000001234 80=0000000000000000", "800004080000000000001234", "800004080000000000001234", "metadata", nil},
	{"metadata masked", set(FieldMetadata, [2]int{0x12, 0xff}), "", "72=0000000000000012 80=ffffffffffffff00", "80000510000000000000001200000000000000ff", "80000510000000000000001200000000000000ff", "metadata", nil},
	{"tunnel_id", set(FieldTunnelID, 9), "", "", "000120080000000000000009", "80004c080000000000000009", "tunnel_id", nil},
	{"tunnel_id masked", set(FieldTunnelID, [2]int{8, 8}), "", "", "0001211000000000000000080000000000000008", "80004d1000000000000000080000000000000008", "tunnel_id", nil},
	{"eth_dst", set(FieldEthDst, "010203040506"), "0=003820f7 12=010203040506", "24=010203040506 30=000000000000", "80000606010203040506", "80000606010203040506", "", nil},
	{"eth_dst masked", set(FieldEthDst, [2]string{"010000000000", "010000000000"}), "", "24=010000000000 30=feffffffffff", "8000070c010000000000010000000000", "8000070c010000000000010000000000", "eth_dst", nil},
	{"eth_src", set(FieldEthSrc, "010203040506"), "0=003820fb 6=010203040506", "12=010203040506 18=000000000000", "80000806010203040506", "80000806010203040506", "", nil},
	{"eth_src masked", set(FieldEthSrc, [2]string{"010200000000", "ffff00000000"}), "", "12=010200000000 18=0000ffffffff", "8000090c010200000000ffff00000000", "8000090c010200000000ffff00000000", "eth_src", nil},
	{"eth_type", set(FieldEthType, 0x88cc), "0=003820ef 22=88cc", "8=000003f7 40=88cc", "80000a0288cc", "80000a0288cc", "", nil},
	{"vlan_vid", set(FieldVLANVID, 0x1064), "0=003820fd 18=0064", "8=000003fd 36=0064", "80000c021064", "80000c021064", "", nil},
	{"vlan none", set(FieldVLANVID, 0), "0=002820fd 18=ffff", "8=000003fd 36=ffff", "80000c020000", "80000c020000", "", nil},
	{"vlan any", set(FieldVLANVID, [2]int{0x1000, 0x1000}), "", "8=000003fd 36=fffe", "80000d0410001000", "80000d0410001000", "vlan_vid", nil},
	{"vlan_pcp of any tag", set(FieldVLANVID, [2]int{0x1000, 0x1000}, FieldVLANPCP, 5), "0=002820ff 20=05", "8=000003f9 36=fffe 38=05", "80000e0105", "80000e0105", "", nil},
	{"vlan_pcp", set(FieldVLANVID, 0x1064, FieldVLANPCP, 5), "0=002820fd 18=0064 20=05", "8=000003f9 36=0064 38=05", "80000e0105", "80000e0105", "", nil},
	{"vlan_vid masked", set(FieldVLANVID, [2]int{0x1004, 0x1004}), "", "", "80000d0410041004", "80000d0410041004", "vlan_vid", nil},
	{"mpls_label", set(FieldEthType, 0x8847, FieldMPLSLabel, 0xabcde), "", "8=000002f7 40=8847 64=000abcde", "80004404000abcde", "80004404000abcde", "mpls_label", nil},
	{"mpls_tc", set(FieldEthType, 0x8848, FieldMPLSTC, 3), "", "8=000001f7 40=8848 68=03", "8000460103", "8000460103", "mpls_tc", nil},
	{"mpls_bos", set(FieldEthType, 0x8847, FieldMPLSBOS, 1), "", "", "", "8000480101", "mpls_bos", nil},
	{"pbb_isid", set(FieldEthType, 0x88e7, FieldPBBISID, 0x123456), "", "", "", "80004a03123456", "pbb_isid", nil},
	{"pbb_isid masked", set(FieldEthType, 0x88e7, FieldPBBISID, [2]int{0x120000, 0xff0000}), "", "", "", "80004b06120000ff0000", "pbb_isid", nil},
	{"ip_dscp", set(FieldEthType, 0x0800, FieldIPDSCP, 46), "0=001820ef 22=0800 24=b8", "8=000003e7 40=0800 42=b8", "800010012e", "800010012e", "", nil},
	{"ip_ecn", set(FieldEthType, 0x0800, FieldIPECN, 2), "", "", "8000120102", "8000120102", "ip_ecn", nil},
	{"ip_proto", set(FieldEthType, 0x0800, FieldIPProto, 47), "0=003820cf 22=0800 25=2f", "8=000003d7 40=0800 43=2f", "800014012f", "800014012f", "", nil},
	{"ip_proto of ipv6", set(FieldEthType, 0x86dd, FieldIPProto, 6), "", "", "8000140106", "8000140106", "ip_proto of IPv6", nil},
	{"ipv4_src", set(FieldEthType, 0x0800, FieldIPv4Src, 0x0a000001), "0=003800ef 22=0800 28=0a000001", "8=000003f7 40=0800 44=0a000001 48=00000000", "800016040a000001", "800016040a000001", "", nil},
	{"ipv4_src prefix", set(FieldEthType, 0x0800, FieldIPv4Src, [2]int{0x0a000000, 0xffffff00}), "0=003808ef 22=0800 28=0a000000", "8=000003f7 40=0800 44=0a000000 48=000000ff", "800017080a000000ffffff00", "800017080a000000ffffff00", "", nil},
	{"ipv4_dst odd mask", set(FieldEthType, 0x0800, FieldIPv4Dst, [2]int{0x0a000001, 0xff0000ff}), "", "8=000003f7 40=0800 52=0a000001 56=00ffff00", "800019080a000001ff0000ff", "800019080a000001ff0000ff", "ipv4_dst", nil},
	{"ipv4_dst", set(FieldEthType, 0x0800, FieldIPv4Dst, 0x0a000001), "0=003020ef 22=0800 32=0a000001", "8=000003f7 40=0800 52=0a000001 56=00000000", "800018040a000001", "800018040a000001", "", nil},
	{"ipv6_src", set(FieldEthType, 0x86dd, FieldIPv6Src, ip6a), "", "", "80003410" + ip6a, "80003410" + ip6a, "ipv6_src", nil},
	{"ipv6_src masked", set(FieldEthType, 0x86dd, FieldIPv6Src, [2]string{"20010db8" + strings.Repeat("0", 24), ip6m}), "", "", "80003520" + "20010db8" + strings.Repeat("0", 24) + ip6m, "80003520" + "20010db8" + strings.Repeat("0", 24) + ip6m, "ipv6_src", nil},
	{"ipv6_dst", set(FieldEthType, 0x86dd, FieldIPv6Dst, ip6a), "", "", "80003610" + ip6a, "80003610" + ip6a, "ipv6_dst", nil},
	{"ipv6_flabel", set(FieldEthType, 0x86dd, FieldIPv6FLabel, 0x12345), "", "", "8000380400012345", "8000380400012345", "ipv6_flabel", nil},
	{"ipv6_flabel masked", set(FieldEthType, 0x86dd, FieldIPv6FLabel, [2]int{0x45, 0xff}), "", "", "8000390800000045000000ff", "8000390800000045000000ff", "ipv6_flabel", nil},
	{"ipv6_exthdr", set(FieldEthType, 0x86dd, FieldIPv6ExtHdr, 0x101), "", "", "", "80004e020101", "ipv6_exthdr", nil},
	{"tcp_src", set(FieldEthType, 0x0800, FieldIPProto, 6, FieldTCPSrc, 80), "0=0038208f 22=0800 25=06 36=0050", "8=00000397 40=0800 43=06 60=0050", "80001a020050", "80001a020050", "", nil},
	{"tcp_dst", set(FieldEthType, 0x0800, FieldIPProto, 6, FieldTCPDst, 80), "0=0038204f 22=0800 25=06 38=0050", "8=00000357 40=0800 43=06 62=0050", "80001c020050", "80001c020050", "", nil},
	{"tcp_dst of ipv6", set(FieldEthType, 0x86dd, FieldIPProto, 6, FieldTCPDst, 80), "", "", "80001c020050", "80001c020050", "of IPv6", nil},
	{"udp_src", set(FieldEthType, 0x0800, FieldIPProto, 17, FieldUDPSrc, 53), "0=0038208f 22=0800 25=11 36=0035", "8=00000397 40=0800 43=11 60=0035", "80001e020035", "80001e020035", "", nil},
	{"udp_dst", set(FieldEthType, 0x0800, FieldIPProto, 17, FieldUDPDst, 53), "0=0038204f 22=0800 25=11 38=0035", "8=00000357 40=0800 43=11 62=0035", "800020020035", "800020020035", "", nil},
	{"sctp_src", set(FieldEthType, 0x0800, FieldIPProto, 132, FieldSCTPSrc, 7), "0=0038208f 22=0800 25=84 36=0007", "8=00000397 40=0800 43=84 60=0007", "800022020007", "800022020007", "", nil},
	{"sctp_dst", set(FieldEthType, 0x0800, FieldIPProto, 132, FieldSCTPDst, 7), "0=0038204f 22=0800 25=84 38=0007", "8=00000357 40=0800 43=84 62=0007", "800024020007", "800024020007", "", nil},
	{"icmpv4_type", set(FieldEthType, 0x0800, FieldIPProto, 1, FieldICMPv4Type, 8), "0=0038208f 22=0800 25=01 36=0008", "8=00000397 40=0800 43=01 60=0008", "8000260108", "8000260108", "", nil},
	{"icmpv4_code", set(FieldEthType, 0x0800, FieldIPProto, 1, FieldICMPv4Code, 3), "0=0038204f 22=0800 25=01 38=0003", "8=00000357 40=0800 43=01 62=0003", "8000280103", "8000280103", "", nil},
	{"icmpv6_type", set(FieldEthType, 0x86dd, FieldIPProto, 58, FieldICMPv6Type, 135), "", "", "80003a0187", "80003a0187", "of IPv6", nil},
	{"icmpv6_code", set(FieldEthType, 0x86dd, FieldIPProto, 58, FieldICMPv6Code, 1), "", "", "80003c0101", "80003c0101", "of IPv6", nil},
	{"ipv6_nd_target", set(FieldEthType, 0x86dd, FieldIPProto, 58, FieldICMPv6Type, 135, FieldIPv6NDTarget, ip6a), "", "", "80003e10" + ip6a, "80003e10" + ip6a, "", nil},
	{"ipv6_nd_sll", set(FieldEthType, 0x86dd, FieldIPProto, 58, FieldICMPv6Type, 135, FieldIPv6NDSLL, "010203040506"), "", "", "80004006010203040506", "80004006010203040506", "", nil},
	{"ipv6_nd_tll", set(FieldEthType, 0x86dd, FieldIPProto, 58, FieldICMPv6Type, 136, FieldIPv6NDTLL, "010203040506"), "", "", "80004206010203040506", "80004206010203040506", "", nil},
	{"arp_op", set(FieldEthType, 0x0806, FieldARPOp, 2), "0=003820cf 22=0806 25=02", "8=000003d7 40=0806 43=02", "80002a020002", "80002a020002", "", nil},
	{"arp_op over 8 bits", set(FieldEthType, 0x0806, FieldARPOp, 0x102), "", "", "80002a020102", "80002a020102", "arp_op", nil},
	{"arp_spa", set(FieldEthType, 0x0806, FieldARPSPA, 0x0a000001), "0=003800ef 22=0806 28=0a000001", "8=000003f7 40=0806 44=0a000001 48=00000000", "80002c040a000001", "80002c040a000001", "", nil},
	{"arp_tpa prefix", set(FieldEthType, 0x0806, FieldARPTPA, [2]int{0x0a000000, 0xff000000}), "0=003620ef 22=0806 32=0a000000", "8=000003f7 40=0806 52=0a000000 56=00ffffff", "80002f080a000000ff000000", "80002f080a000000ff000000", "", nil},
	{"arp_sha", set(FieldEthType, 0x0806, FieldARPSHA, "010203040506"), "", "", "80003006010203040506", "80003006010203040506", "arp_sha", nil},
	{"arp_tha", set(FieldEthType, 0x0806, FieldARPTHA, "010203040506"), "", "", "80003206010203040506", "80003206010203040506", "arp_tha", nil},
	{"tcp_dst without ip_proto", set(FieldEthType, 0x0800, FieldTCPDst, 80), "", "", "80001c020050", "80001c020050", "tcp_dst", ErrPrerequisite},
	{"ipv4_dst without eth_type", set(FieldIPv4Dst, 80), "", "", "8000180400000050", "8000180400000050", "ipv4_dst", ErrPrerequisite},
	{"vlan_pcp without vlan_vid", set(FieldVLANPCP, 1), "", "", "80000e0101", "80000e0101", "vlan_pcp", ErrPrerequisite},
}

// fixedWire applies a row's offset=hex pairs to a match of all packets.
func fixedWire(v Version, pairs string) []byte {
	var b []byte
	if v == V10 {
		b = make([]byte, 40)
		binary.BigEndian.PutUint32(b, 0x3820ff)
	} else {
		b = make([]byte, 88)
		b[3] = 88
		binary.BigEndian.PutUint32(b[8:], 0x3ff)
		for _, r := range [][2]int{{18, 24}, {30, 36}, {48, 52}, {56, 60}, {80, 88}} {
			for i := r[0]; i < r[1]; i++ {
				b[i] = 0xff
			}
		}
	}
	for pair := range strings.FieldsSeq(pairs) {
		at, hex, _ := strings.Cut(pair, "=")
		n := 0
		for _, d := range at {
			n = 10*n + int(d-'0')
		}
		copy(b[n:], hexBytes(hex))
	}
	return b
}

// matchWire encodes a flow-mod with the match and returns the match's bytes.
func matchWire(v Version, m Match) ([]byte, error) {
	mod := NewFlowMod(FlowAdd)
	mod.Match = m
	b, err := Append(nil, v, 1, mod)
	switch {
	case err != nil:
		return nil, err
	case v == V10:
		return b[8:48], nil
	}
	return b[48:], nil
}

func TestEveryFieldInEveryVersion(t *testing.T) {
	covered := map[FieldID]bool{}
	for _, tt := range fieldCases {
		var m Match
		tt.match(&m)
		var last MatchField
		for f := range m.All() {
			last = f
		}
		covered[last.ID] = true
		for v, want := range map[Version]string{V10: tt.v10, V11: tt.v11, V12: tt.v12, V13: tt.v13} {
			t.Run(tt.name+" "+v.String(), func(t *testing.T) {
				got, err := matchWire(v, m)
				if want == "" {
					wantErr := ErrVersion
					if tt.needed != nil {
						wantErr = tt.needed
					}
					var ee *EncodeError
					if !errors.Is(err, wantErr) || !errors.As(err, &ee) || ee.Version != v || !strings.Contains(ee.Field, tt.lacks) {
						t.Fatalf("got %x, error %v; want %v that names %q", got, err, wantErr, tt.lacks)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if v <= V11 {
					if wire := fixedWire(v, want); !bytes.Equal(got, wire) {
						t.Fatalf("encoded\n got %x\nwant %x", got, wire)
					}
				} else {
					n := binary.BigEndian.Uint16(got[2:])
					if !bytes.HasSuffix(got[4:n], hexBytes(want)) || len(got) != int(n+7)&^7 {
						t.Fatalf("encoded %x, want it to end in %s", got, want)
					}
				}
				mod := NewFlowMod(FlowAdd)
				mod.Match = m
				frame := encoded(t, v, 1, mod)
				_, back, err := Decode(frame)
				if err != nil {
					t.Fatal(err)
				}
				if got := &back.(*FlowMod).Match; !got.Equal(&m) || len(got.received) > 0 {
					t.Fatalf("decoded %x (fixed %x), want %x", got.oxm, got.received, m.oxm)
				}
			})
		}
	}
	for _, f := range Fields() {
		if !covered[f.ID] && f.Since != 0 {
			t.Errorf("no case for %s", f.Name)
		}
	}
}

// TestOddFixedMatches decodes matches of 1.0 and 1.1 that say something simple in
// an odd way: they encode to the bytes that came, and have the key of the simple
// form.
func TestOddFixedMatches(t *testing.T) {
	tests := []struct {
		name  string
		v     Version
		wire  string // as in fieldCase
		clean func(*Match)
	}{
		{"OFPFW_ALL", V10, "0=003fffff", set()},
		{"every bit of the wildcards", V10, "0=ffffffff", set()},
		{"garbage where wildcarded", V10, "0=003fffff 4=0102030405060708 28=0a000001", set()},
		{"garbage in the padding", V10, "0=003820fe 4=0005 21=ff 26=ffff", set(FieldInPort, 5)},
		{"network wildcards of 63", V10, "0=003fffef 22=0800", set(FieldEthType, 0x0800)},
		{"address bits under the prefix", V10, "0=003808ef 22=0800 28=0a0000ff", set(FieldEthType, 0x0800, FieldIPv4Src, [2]int{0x0a000000, 0xffffff00})},
		{"transport without protocol", V10, "0=0038202f 22=0800 38=0050", set(FieldEthType, 0x0800)},
		{"network without type", V10, "0=003000ff 28=0a000001", set()},
		{"low bits of the ToS", V10, "0=001820ef 22=0800 24=bb", set(FieldEthType, 0x0800, FieldIPDSCP, 46)},
		{"no tag, priority wildcarded", V10, "0=003820fd 18=ffff", set(FieldVLANVID, 0)},
		{"priority without identifier", V11, "8=000003fb 38=05", set()},
		{"priority of no tag", V11, "8=000003f9 36=ffff 38=05", set(FieldVLANVID, 0)},
		{"high wildcard bits", V11, "8=fffffffe 4=00000005", set(FieldInPort, 5)},
		{"IPv6 and its protocol", V11, "8=000003d7 40=86dd 43=06", set(FieldEthType, 0x86dd)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wire := fixedWire(tt.v, tt.wire)
			frame := encoded(t, tt.v, 1, NewFlowMod(FlowAdd))
			if tt.v == V10 {
				copy(frame[8:], wire)
			} else {
				copy(frame[48:], wire)
			}
			_, m, err := Decode(frame)
			if err != nil {
				t.Fatal(err)
			}
			if again := encoded(t, tt.v, 1, m); !bytes.Equal(again, frame) {
				t.Errorf("encoded again\n got %x\nwant %x", again, frame)
			}
			var clean Match
			tt.clean(&clean)
			match := &m.(*FlowMod).Match
			if match.Key() != clean.Key() || !match.Equal(&clean) {
				t.Errorf("key %x, want %x", match.Key(), clean.Key())
			}
			match.SetUint(FieldEthDst, 1) // what is changed is no longer as it came
			clean.SetUint(FieldEthDst, 1)
			a, _ := matchWire(tt.v, *match)
			if b, err := matchWire(tt.v, clean); err != nil || !bytes.Equal(a, b) {
				t.Errorf("changed, it encodes to\n%x, want\n%x (%v)", a, b, err)
			}
		})
	}
}

// TestOXMIn11 has the match that Open vSwitch writes in messages of 1.1.
func TestOXMIn11(t *testing.T) {
	var m Match
	m.SetUint(FieldEthType, 0x86dd)
	frame := encoded(t, V12, 1, &FlowRemoved{Match: m})
	frame[0] = byte(V11)
	var got FlowRemoved
	if err := DecodeInto(frame, &got); err != nil {
		t.Fatal(err)
	}
	if again := encoded(t, V11, 1, &got); !bytes.Equal(again, frame) || !got.Match.Equal(&m) {
		t.Errorf("encoded again\n got %x\nwant %x", again, frame)
	}
	if b := encoded(t, V10, 1, &got); len(b) != 88 {
		t.Errorf("in 1.0 it has %d bytes, want 88", len(b))
	}
}

func TestSetTakesItsOwnBytes(t *testing.T) {
	var m Match
	m.SetUint(FieldInPort, 1)
	m.SetUintMasked(FieldEthDst, 0x0102030405ff, 0xffffffffff00)
	m.SetUint(FieldEthType, 0x0800)
	want := m.Key()
	f, _ := m.Lookup(FieldEthDst)
	if err := m.SetMasked(FieldEthDst, f.Value, f.Mask); err != nil || m.Key() != want {
		t.Errorf("got %x, want %x (%v)", m.Key(), want, err)
	}
}
