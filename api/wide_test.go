package api

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// TestWideFields has numbers of more than 64 bits, which the API has as bytes.
func TestWideFields(t *testing.T) {
	label := make([]byte, 16)
	label[15] = 5
	m, err := toMatch(&sluicev1.Match{CtLabel: label, TunMetadata3: []byte{0x12, 0x34}, TunMetadata3Mask: []byte{0xff, 0}})
	if err != nil || m.String() != "ct_label=0x5,tun_metadata3=0x1200/0xff00" {
		t.Errorf("%s, %v", m.String(), err)
	}
	for _, bad := range []*sluicev1.Match{
		{CtLabel: label[1:]},
		{CtLabel: label, CtLabelMask: label[1:]},
		{CtLabelMask: label},
		{TunMetadata0: make([]byte, 125)},
		{TunMetadata0: make([]byte, 2), TunMetadata0Mask: make([]byte, 1)},
	} {
		if _, err := toMatch(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

// TestNumbersOfMatchFieldsStay has numbers that clients are compiled with.
func TestNumbersOfMatchFieldsStay(t *testing.T) {
	fields := (*sluicev1.Match)(nil).ProtoReflect().Descriptor().Fields()
	for name, want := range map[string]int32{
		"in_port": 1, "metadata": 3, "metadata_mask": 203, "tunnel_id": 39, "ipv6_exthdr": 40, "ipv6_exthdr_mask": 240, "arp_tha": 26, "other": 1000,
		"packet_type": 45, "vlan_tci": 133, "vlan_tci_mask": 333, "xreg7": 158, "reg0": 401, "reg15_mask": 616, "xxreg3": 515, "tun_metadata63": 504,
		"tcp_flags": 843, "actset_output": 844, "tun_gtpu_msgtype": 917, "nsh_ttl": 951, "ct_label": 509, "nd_reserved": 162,
	} {
		if f := fields.ByNumber(protoreflect.FieldNumber(want)); f == nil || string(f.Name()) != name {
			t.Errorf("number %d is not %s", want, name)
		}
	}
	if n := fields.Len(); n < len(ofp.Fields()) {
		t.Errorf("%d fields, want at least %d", n, len(ofp.Fields()))
	}
}
