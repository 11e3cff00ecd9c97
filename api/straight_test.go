package api

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// wireOf is a change that asks for a flow, as bytes.
func wireOf(t testing.TB, command protowire.Number, flow []byte) []byte {
	t.Helper()
	spec := protowire.AppendBytes(protowire.AppendTag(nil, flowField, protowire.BytesType), flow)
	return protowire.AppendBytes(protowire.AppendTag(nil, command, protowire.BytesType), spec)
}

func marshalled(t testing.TB, m proto.Message) []byte {
	t.Helper()
	wire, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// The usual flows are converted straight, and become what they become by way of
// messages; so do the others, which are not.
func TestStraight(t *testing.T) {
	names := &ofp.Names{Port: func(name string) (ofp.PortNo, bool) { return 7, name == "eth7" || name == "\xff" }}
	for _, x := range []struct {
		straight bool
		command  protowire.Number
		flow     string
	}{
		{true, addField, `{}`},
		{true, addField, `{"priority":65535,"match":{"eth_type":2048,"ipv4_src":"10.0.0.1"},"actions":[{"output":{"port":1}}]}`},
		{true, addField, `{"match":{"eth_type":2048,"ipv4_dst":"10.0.0.0/8","in_port":3},"actions":[{"output":{"port_name":"eth7"}},{"group":5}],"goto_table":3}`},
		{true, addField, `{"match":{"eth_src":"00:11:22:33:44:55","eth_dst":"01:00:00:00:00:00/01:00:00:00:00:00","vlan_vid":4096,"vlan_vid_mask":4096}}`},
		{true, addField, `{"match":{"eth_type":34525,"ipv6_src":"2001:db8::/32","ip_proto":6,"tcp_dst":80}}`},
		{true, addField, `{"match":{"metadata":"5","metadata_mask":"18446744073709551615","tunnel_id":"9"},"cookie":"77"}`},
		{true, addField, `{"table":254,"idle_timeout":1,"hard_timeout":2,"send_flow_removed":true,"check_overlap":true,"reset_counts":true,"no_packet_counts":true,"no_byte_counts":true}`},
		{true, addField, `{"meter":3,"actions":[{"pop_vlan":true},{"dec_nw_ttl":true},{"output":{"port_name":"NORMAL"}}]}`},
		{true, modifyField, `{"cookie":"1","cookie_mask":"3","actions":[{"output":{"port":4294967293}}]}`},
		{true, modifyStrictField, `{"match":{"eth_type":2048,"ip_proto":17},"actions":[{"set_tp_dst":53},{"output":{"port":2}}]}`},
		{true, deleteField, `{"match":{"metadata":"0","metadata_mask":"0"}}`},
		{true, deleteStrictField, `{"priority":7,"match":{}}`},

		{false, addField, `{"priority":65536}`},
		{false, addField, `{"cookie":"18446744073709551615"}`},
		{false, addField, `{"table":255}`},
		{false, addField, `{"goto_table":255}`},
		{false, addField, `{"goto_table":0}`},
		{false, addField, `{"cookie_mask":"1"}`},
		{false, addField, `{"idle_timeout":65536}`},
		{false, addField, `{"write_metadata":{"value":"1"}}`},
		{false, addField, `{"write_actions":[{"group":1}]}`},
		{false, addField, `{"actions":[{"set_field":{"eth_src":"00:11:22:33:44:55"}}]}`},
		{false, addField, `{"actions":[{}]}`},
		{false, addField, `{"actions":[{"output":{}}]}`},
		{false, addField, `{"actions":[{"output":{"max_len":5}}]}`},
		{false, addField, `{"actions":[{"output":{"port_name":"eth8"}}]}`},
		{false, addField, `{"actions":[{"output":{"port":4294967295}}]}`},
		{false, addField, `{"actions":[{"pop_vlan":false}]}`},
		{false, addField, `{"actions":[{"set_tp_dst":65589}],"match":{"eth_type":2048,"ip_proto":17}}`},
		{false, addField, `{"match":{"ipv4_src":"10.0.0.1"}}`},
		{false, addField, `{"match":{"eth_type":2048,"ipv4_src":"010.0.0.1"}}`},
		{false, addField, `{"match":{"eth_type":2048,"ipv4_src":"10.0.0"}}`},
		{false, addField, `{"match":{"eth_type":2048,"ipv4_src":""}}`},
		{false, addField, `{"match":{"eth_type":65536}}`},
		{false, addField, `{"match":{"vlan_vid":5}}`},
		{false, addField, `{"match":{"vlan_vid_mask":5}}`},
		{false, addField, `{"match":{"other":[{"header":196612,"payload":"AAAABQ=="}]}}`},
		{false, deleteField, `{"actions":[{"group":1}]}`},
		{false, deleteField, `{"out_port":"1"}`},
		{false, deleteField, `{"out_group":1}`},
	} {
		wire := wireOf(t, x.command, marshalled(t, fromJSON(t, x.flow).GetFlow()))
		if got := straight(wire, names) != nil; got != x.straight {
			t.Errorf("%s: converted straight: %v", x.flow, got)
		}
		compareWays(t, wire, names)
	}
	for text, want := range map[string]bool{"priority=7,arp,actions=output:eth7": true, "": false, "arp": false, "arp,actions=output:\xff": false} {
		for command := range commands {
			spec := appendBytes(nil, textField, []byte(text))
			wire := appendBytes(nil, command, spec)
			if got := straight(wire, names) != nil; command == addField && got != want {
				t.Errorf("%q: converted straight: %v", text, got)
			}
			compareWays(t, wire, names)
		}
	}
	// A switch may name a port as no message can.
	odd := appendBytes(nil, outputName, []byte("\xff"))
	odd = appendBytes(nil, 4, appendBytes(nil, number((*sluicev1.Action)(nil), "output"), odd))
	compareWays(t, wireOf(t, addField, odd), names)
}

// compareWays converts the bytes of a change in both ways.
func compareWays(t *testing.T, wire []byte, names *ofp.Names) {
	t.Helper()
	later, atOnce := new(sluicev1.FlowChange), new(sluicev1.FlowChange)
	later.ProtoReflect().SetUnknown(protoreflect.RawFields(wire))
	if err := proto.Unmarshal(wire, atOnce); err != nil {
		if m, err := toFlowMod(later, names); err == nil {
			t.Fatalf("no message is converted to %v", m)
		}
		return
	}
	m, err := toFlowMod(later, names)
	want, wantErr := toFlowMod(atOnce, names)
	if d := unlike(m, want, err, wantErr); d != "" {
		t.Fatalf("%v: %s", atOnce, d)
	}
}

// Flows of random fields with random values, good and bad, some of them twice, are
// the same by both ways.
func TestStraightRandomly(t *testing.T) {
	const seed = 1
	r := rand.New(rand.NewPCG(seed, seed))
	straightly := 0
	for range 20_000 {
		wire := wireOf(t, protowire.Number(1+r.IntN(6)), randomFlow(r))
		if straight(wire, nil) != nil {
			straightly++
		}
		compareWays(t, wire, nil)
	}
	if straightly < 1000 {
		t.Errorf("%d of 20000 flows are converted straight: there is little to compare", straightly)
	}
}

// randomNumber is most often a small one, and sometimes more than 32 bits with a
// small one in the lower of them.
func randomNumber(r *rand.Rand) uint64 {
	x := r.Uint64() >> r.IntN(64)
	if r.IntN(4) == 0 {
		x = x&0xff | 1<<32
	}
	return x
}

func appendNumber(b []byte, n protowire.Number, x uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), x)
}

func appendBytes(b []byte, n protowire.Number, x []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), x)
}

func randomFlow(r *rand.Rand) (b []byte) {
	for range r.IntN(6) {
		switch n := protowire.Number(1 + r.IntN(22)); n {
		case 3:
			b = appendBytes(b, n, randomMatch(r))
		case 4, 7:
			b = appendBytes(b, n, randomAction(r))
		default:
			b = appendNumber(b, n, randomNumber(r))
		}
	}
	return b
}

func randomMatch(r *rand.Rand) (b []byte) {
	if r.IntN(2) == 0 { // what much else needs
		b = appendNumber(b, number((*sluicev1.Match)(nil), "eth_type"), []uint64{0x0800, 0x86dd, 0x0806}[r.IntN(3)])
	}
	row := 0
	for range r.IntN(5) {
		if r.IntN(4) > 0 { // else the same again
			row = r.IntN(min(len(matchRows), 50))
		}
		f := matchRows[row]
		n := f.value.Number()
		masked := f.mask != nil && r.IntN(2) == 0
		switch f.value.Kind() {
		case protoreflect.StringKind:
			texts := map[ofp.FieldFormat]string{ofp.FormatMAC: "00:11:22:33:44:55 0:1:2:3:4:5 00-11-22-33-44-55/ff-00-00-00-00-00", ofp.FormatIPv4: "10.0.0.0/8 192.0.2.1 192.0.2.256 0.0.0.0 1.2.3.4/255.0.255.0 1.2.3.4/33", ofp.FormatIPv6: "::1 2001:db8::/32 ::/0 fe80::1%1"}
			all := strings.Fields(texts[f.info.Format])
			b = appendBytes(b, n, []byte(all[r.IntN(len(all))]))
		case protoreflect.BytesKind:
			x := make([]byte, f.info.Bytes()-r.IntN(2))
			binary.BigEndian.PutUint16(x, uint16(r.Uint32()))
			b = appendBytes(b, n, x)
			if masked {
				b = appendBytes(b, f.mask.Number(), x)
			}
		default:
			b = appendNumber(b, n, randomNumber(r))
			if masked {
				b = appendNumber(b, f.mask.Number(), randomNumber(r))
			}
		}
	}
	return b
}

func randomAction(r *rand.Rand) (b []byte) {
	switch n := protowire.Number(1 + r.IntN(31)); n {
	case 1:
		out := appendNumber(nil, protowire.Number(1+r.IntN(3)), randomNumber(r))
		if r.IntN(2) == 0 {
			out = appendBytes(nil, 2, []byte("LOCAL"))
		}
		return appendBytes(b, n, out)
	case 4, 5:
		return appendBytes(b, n, randomMatch(r))
	case 21, 22, 23, 24:
		return appendBytes(b, n, []byte("10.0.0.1"))
	default:
		return appendNumber(b, n, randomNumber(r))
	}
}

// The last of a field that comes several times counts, and none of it remains.
func TestStraightTwice(t *testing.T) {
	n := number((*sluicev1.Match)(nil), "ipv4_src")
	match := appendNumber(nil, number((*sluicev1.Match)(nil), "eth_type"), 0x0800)
	for _, texts := range [][]string{{"10.0.0.0/8", "192.0.2.1"}, {"192.0.2.1", "10.0.0.0/8"}, {"x", "192.0.2.1"}} {
		b := match
		for _, text := range texts {
			b = appendBytes(b, n, []byte(text))
		}
		compareWays(t, wireOf(t, addField, appendBytes(nil, number((*sluicev1.Flow)(nil), "match"), b)), nil)
	}
}

// What makes no sense among many flows is told by its index as it is by itself, and
// none of the others is written; without it all are, as they were said.
func TestOneOfManyIsInvalid(t *testing.T) {
	const many = 3000
	r := newRig(t, Config{})
	sim := r.bridge(ofp.V13)
	var flows []*sluicev1.FlowSpec
	for i := range many {
		flows = append(flows, fromJSON(t, fmt.Sprintf(`{"priority":%d,"match":{"eth_type":2048,"ipv4_src":"10.1.%d.%d"},"actions":[{"output":{"port":2}}]}`, 1+i, i>>8, i&255)))
	}
	good := add(flows...)
	if n := proto.Size(&sluicev1.WriteFlowsRequest{Changes: good}); n < laterLeast {
		t.Fatalf("%d bytes are a small request", n)
	}
	for _, row := range invalidRows {
		err := r.write(slices.Concat(good, row.changes, good[:5]))
		b := detail[*errdetails.BadRequest](err)
		if status.Code(err) != codes.InvalidArgument || len(b.GetFieldViolations()) != 1 {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		want := strings.NewReplacer("changes[0]", fmt.Sprintf("changes[%d]", many), "changes[1]", fmt.Sprintf("changes[%d]", many+1)).Replace(row.field)
		if x := b.GetFieldViolations()[0]; x.GetField() != want {
			t.Errorf("%s: field is %q, want %q", row.name, x.GetField(), want)
		} else {
			wantTexts(t, row.name, x.GetDescription(), row.says...)
		}
	}
	if n := sim.Received(ofp.TypeFlowMod); n != 0 {
		t.Fatalf("%d flow-mods were sent", n)
	}
	r.mustWrite(good)
	list := r.list(&sluicev1.ListFlowsRequest{Form: sluicev1.FlowForm_FLOW_FORM_TEXT})
	if len(list) != many {
		t.Fatalf("%d flows, want %d", len(list), many)
	}
	for i, e := range list { // the highest priority first
		i = many - 1 - i
		wantTexts(t, "flow", e.GetText()+" ", fmt.Sprintf("priority=%d,ip,nw_src=10.1.%d.%d actions=output:2 ", 1+i, i>>8, i&255))
	}
}

func TestPlainIPv4(t *testing.T) {
	for text, want := range map[string]string{
		"0.0.0.0": "00000000", "255.254.10.1": "fffe0a01", "": "", "1.2.3": "", "1.2.3.4.": "", "1.2.3.4.5": "", "1..3.4": "",
		"01.2.3.4": "", "256.1.1.1": "", "1.2.3.4/8": "", " 1.2.3.4": "", ".1.2.3.4": "", "99999999999999999999.1.1.1": "",
	} {
		var b [4]byte
		got := ""
		if plainIPv4([]byte(text), b[:]) {
			got = fmt.Sprintf("%x", b)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
