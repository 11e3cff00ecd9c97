package ofp

import (
	"errors"
	"testing"
)

// TestLacksNamesTheField: what a version lacks is named to the field, and a field
// that it lacks is not blamed for its mask.
func TestLacksNamesTheField(t *testing.T) {
	for _, row := range []struct {
		v          Version
		flow, says string
	}{
		{V10, "ipv6,actions=set_field:::1->ipv6_src", "action set_field of ipv6_src: not in OpenFlow 1.0"},
		{V11, "ipv6,actions=set_field:::1->ipv6_src", "action set_field of ipv6_src: not in OpenFlow 1.1"},
		{V10, "ip,actions=set_field:1->nw_ecn", "action set_field of ip_ecn: not in OpenFlow 1.0"},
		{V10, "tcp6,tp_dst=80,actions=drop", "match field ip_proto of IPv6: not in OpenFlow 1.0"},
		{V12, "mpls,mpls_bos=1,actions=drop", "match field mpls_bos: not in OpenFlow 1.2"},
		{V10, "ipv6,ipv6_dst=2001:db8::/32,actions=drop", "match field ipv6_dst: not in OpenFlow 1.0"},
		{V11, "ipv6,ipv6_dst=2001:db8::/32,actions=drop", "match field ipv6_dst: not in OpenFlow 1.1"},
		{V10, "metadata=1/1,actions=drop", "match field metadata: not in OpenFlow 1.0"},
		{V10, "tun_id=1/1,actions=drop", "match field tunnel_id: not in OpenFlow 1.0"},
		{V10, "arp,arp_sha=00:00:00:00:00:01/00:00:00:00:00:0f,actions=drop", "match field arp_sha: not in OpenFlow 1.0"},
		{V10, "tcp,tp_dst=0x50/0xfff0,actions=drop", "mask of match field tcp_dst: not in OpenFlow 1.0"},
		{V11, "tcp,tp_dst=0x50/0xfff0,actions=drop", "mask of match field tcp_dst: not in OpenFlow 1.1"},
		{V10, "vlan_tci=0x1001/0x1001,actions=drop", "this mask of match field vlan_vid: not in OpenFlow 1.0"},
		{V10, "dl_src=00:00:00:00:00:01/00:00:00:00:00:0f,actions=drop", "mask of match field eth_src: not in OpenFlow 1.0"},
	} {
		m, err := ParseFlow(row.flow, FlowAdd, nil)
		if err != nil {
			t.Errorf("%s: %v", row.flow, err)
			continue
		}
		_, err = Append(nil, row.v, 1, m)
		if ee := (*EncodeError)(nil); !errors.Is(err, ErrVersion) || !errors.As(err, &ee) || err.Error() != "flow_mod: "+row.says && err.Error() != row.says {
			t.Errorf("%s in %s: %v\nwant %s", row.flow, row.v, err, row.says)
		}
	}
}
