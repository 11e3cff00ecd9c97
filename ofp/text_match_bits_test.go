package ofp

import (
	"errors"
	"testing"
)

// TestBitsOfMatchFields has what ovs-ofctl reads and prints of the same.
func TestBitsOfMatchFields(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"reg0[0..15]=5", "reg0=0x5/0xffff"},
		{"reg1[3..5]=2", "reg1=0x10/0x38"},
		{"nw_src[0..7]=3,ip", "ip,nw_src=0.0.0.3/0.0.0.255"},
		{"eth_dst[40]=1", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"},
		{"reg0[0..3]=1,reg0[8..11]=2", "reg0=0x201/0xf0f"},
		{"reg0=0x10/0xf0,reg0[0..3]=1", "reg0=0x11/0xff"},
		{"NXM_NX_REG0[0..31]=7", "reg0=0x7"},
		{"tcp,tp_src[0..3]=1", "tcp,tp_src=0x1/0xf"},
		{"ipv6,ipv6_src[0..63]=5", "ipv6,ipv6_src=::5/::ffff:ffff:ffff:ffff"},
		{"ct_state[0]=1", "ct_state=+new"},
		{"reg0[0..3]=16", ""}, {"reg0[40]=1", ""}, {"reg0[3..1]=1", ""}, {"reg0[0..3]", ""}, {"reg0[0..3]=1/1", ""},
		{"in_port[0..3]=1", ""}, {"dl_type[0..3]=1", ""}, {"priority[0]=1", ""}, {"nw_src[0..7]=3", ""},
	} {
		m, err := ParseMatch(tt.text, nil)
		if got := m.String(); (err != nil) != (tt.want == "") || err == nil && got != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.text, got, err, tt.want)
		}
		if _, err := ParseFlow(tt.text+",actions=drop", FlowAdd, nil); (err != nil) != (tt.want == "") {
			t.Errorf("%s in a flow: %v", tt.text, err)
		}
	}
}

func TestImportanceIsOfALaterVersion(t *testing.T) {
	_, err := ParseFlow("importance=3,actions=drop", FlowAdd, nil)
	var te *TextError
	if !errors.Is(err, ErrVersion) || !errors.As(err, &te) || te.Col != 1 || te.Text != "importance" {
		t.Errorf("%v; want what names importance and wraps ErrVersion", err)
	}
}
