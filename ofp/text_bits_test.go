package ofp

import (
	"errors"
	"testing"
)

// TestFieldTexts reads words and numbers of Open vSwitch's fields and prints them;
// an empty text means that they come out as they went in.
func TestFieldTexts(t *testing.T) {
	for in, want := range map[string]string{
		"ct_state=+trk+est-new":                "ct_state=-new+est+trk",
		"ct_state=est|trk":                     "",
		"ct_state=0x21":                        "ct_state=new|trk",
		"ct_state=0x20/0x20":                   "ct_state=+trk",
		"ct_state=0":                           "",
		"tcp,tcp_flags=+syn-ack":               "",
		"tcp,tcp_flags=syn|ack":                "",
		"tcp,tcp_flags=0x2":                    "tcp,tcp_flags=syn",
		"tcp,tcp_flags=0xfff":                  "tcp,tcp_flags=fin|syn|rst|psh|ack|urg|ece|cwr|ns|[200]|[400]|[800]",
		"tcp,tcp_flags=0x17/0x37":              "tcp,tcp_flags=+fin+syn+rst+ack-urg",
		"tcp,tcp_flags=+[200]":                 "",
		"tun_flags=oam":                        "tun_flags=+oam",
		"tun_flags=0":                          "tun_flags=-oam",
		"ip,ip_frag=not_later":                 "ip,nw_frag=not_later",
		"ip,nw_frag=yes":                       "",
		"packet_type=(1,0x800)":                "",
		"packet_type=(0,0)":                    "packet_type=(0,0)",
		"eth":                                  "packet_type=(0,0)",
		"eth,ip":                               "ip",
		"ip,packet_type=(0,0)":                 "ip",
		"packet_type=(1,0x800),ip":             "packet_type=(1,0x800)",
		"packet_type=(1,2048),nw_ttl=3":        "packet_type=(1,0x800),nw_ttl=3",
		"packet_type=(1,0x800),ip_ecn=1":       "packet_type=(1,0x800),nw_ecn=1",
		"xreg1=0x100000002/0xf0000000f":        "reg2=0x1/0xf,reg3=0x2/0xf",
		"xxreg1=0x1/0xff":                      "reg7=0x1/0xff",
		"ct_label=0/1":                         "ct_label=0/0x1",
		"ct_label=18446744073709551615":        "ct_label=0xffffffffffffffff",
		"tun_metadata1":                        "",
		"tun_metadata1=0":                      "",
		"tun_metadata1=5/0":                    "tun_metadata1",
		"tun_metadata1=0x01/0x00ff":            "tun_metadata1=0x1",
		"tun_metadata1=0x5/0x10f":              "",
		"tun_metadata63=0x102030405060708090a": "",
		"tun_gbp_flags=0x8/0xc":                "",
		"tun_gtpu_flags=5/7":                   "tun_gtpu_flags=0x5/0x7",
		"gtpu_msgtype=5":                       "tun_gtpu_msgtype=5",
		"vlan_tci=0x2000/0x2000":               "",
		"vlan_tci=0x3123":                      "dl_vlan=291,dl_vlan_pcp=1",
		"dl_type=0x894f,nsp=4,nsi=3":           "dl_type=0x894f,nsh_spi=0x4,nsh_si=3",
		"dl_type=0x894f,nshc1=4":               "dl_type=0x894f,nsh_c1=0x4",
		"recirc_id=5,conj_id=6":                "recirc_id=0x5,conj_id=6",
		"tunnel_id=5":                          "tun_id=0x5",
		"rarp,arp_spa=1.1.1.1":                 "",
		"actset_output=controller":             "actset_output=CONTROLLER",
	} {
		if want == "" {
			want = in
		}
		m, err := ParseMatch(in, nil)
		if err != nil || m.String() != want {
			t.Errorf("%s: got %q, %v, want %q", in, m.String(), err, want)
			continue
		}
		again, err := ParseMatch(want, nil)
		if err != nil || !again.Equal(&m) {
			t.Errorf("%s: read again as %x, %v, want %x", want, again.Key(), err, m.Key())
		}
	}
}

// TestFieldTextErrors has texts that are wrong, and where.
func TestFieldTextErrors(t *testing.T) {
	for in, col := range map[string]int{
		"ct_state=+foo":                         11,
		"ct_state=+est+":                        15,
		"ct_state=est|":                         13,
		"ct_state=+est-est":                     15,
		"ct_state=0x100":                        10,
		"ct_state=":                             10,
		"tcp,tcp_flags=syn|fyn":                 19,
		"tcp,tcp_flags=0x1000":                  15,
		"ip,ip_frag=not_first":                  12,
		"packet_type=1":                         13,
		"packet_type=(1)":                       13,
		"packet_type=(1,0x10000)":               16,
		"packet_type=(1,0x800),dl_src=::":       30,
		"packet_type=(1,0x86dd),nw_src=1.1.1.1": 24,
		"packet_type=(1,0x800),dl_type=0x806":   23,
		"eth=3":                                 5,
		"tcp_flags=syn":                         1,
		"udp,tcp_flags=syn":                     5,
		"nw_ttl=3":                              1,
		"ip_frag=no":                            1,
		"mpls_ttl=3":                            1,
		"nsh_si=3":                              1,
		"icmp6,nd_reserved=3":                   7,
		"ip,ct_nw_src=1.1.1.1":                  4,
		"ct_state=+trk,ip,ct_nw_src=1.1.1.1":    18,
		"ct_state=+est,ct_nw_src=1.1.1.1":       15,
		"ct_state=+est,ct_tp_src=3":             15,
		"ct_zone=1/1":                           9,
		"reg0=0x100000000":                      6,
		"reg16=1":                               1,
		"ct_label=0x100000000000000000000000000000000": 10,
		"ct_label=0x":      10,
		"ct_label=0xg":     10,
		"tun_metadata64=1": 1,
		"tun_metadata1=":   15,
		"tun_erspan_dir=2": 16,
		"nsh_spi=1/1":      9,
		"conj_id=-1":       9,
		"xreg0=1,xreg0=2":  9,
	} {
		_, err := ParseMatch(in, nil)
		var te *TextError
		if !errors.As(err, &te) || te.Col != col {
			t.Errorf("%s: %v, want column %d", in, err, col)
		}
	}
}
