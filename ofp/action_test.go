package ofp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// actionCases have an action and its wire form in 1.0, 1.1, 1.2 and 1.3; an
// empty string says that the version lacks it, "-" that it takes several to say
// it, which is not tested here. other says what decoding gives
// where the version says it by another action.
var actionCases = []struct {
	name   string
	action Action
	wire   [4]string
	other  map[Version]Action
}{
	{"output", Output(3), [4]string{"0000000800030000", "00000010000000030000000000000000", "00000010000000030000000000000000", "00000010000000030000000000000000"}, nil},
	{"output to the controller", OutputController(128), [4]string{"00000008fffd0080", "00000010fffffffd0080000000000000", "00000010fffffffd0080000000000000", "00000010fffffffd0080000000000000"}, nil},
	{"output to a port over 16 bits", Output(0x12345), [4]string{"", "00000010000123450000000000000000", "00000010000123450000000000000000", "00000010000123450000000000000000"}, nil},
	{"set_vlan_vid", Action{Type: ActionSetVLANVID, Arg: 100, Received: V11}, [4]string{"0001000800640000", "0001000800640000", "0019001080000c021064000000000000", "0019001080000c021064000000000000"},
		map[Version]Action{V10: {Type: ActionSetVLANVID, Arg: 100}, V12: SetField(FieldVLANVID, []byte{0x10, 100}), V13: SetField(FieldVLANVID, []byte{0x10, 100})}},
	{"set_vlan_pcp", Action{Type: ActionSetVLANPCP, Arg: 5, Received: V11}, [4]string{"0002000805000000", "0002000805000000", "0019001080000e010500000000000000", "0019001080000e010500000000000000"},
		map[Version]Action{V10: {Type: ActionSetVLANPCP, Arg: 5}, V12: SetField(FieldVLANPCP, []byte{5}), V13: SetField(FieldVLANPCP, []byte{5})}},
	{"strip_vlan", Action{Type: ActionStripVLAN}, [4]string{"0003000800000000", "0012000800000000", "0012000800000000", "0012000800000000"},
		map[Version]Action{V11: {Type: ActionPopVLAN}, V12: {Type: ActionPopVLAN}, V13: {Type: ActionPopVLAN}}},
	{"pop_vlan", Action{Type: ActionPopVLAN}, [4]string{"0003000800000000", "0012000800000000", "0012000800000000", "0012000800000000"},
		map[Version]Action{V10: {Type: ActionStripVLAN}}},
	{"set_dl_src", Action{Type: ActionSetEthSrc, Value: hexBytes("010203040506")}, [4]string{"00040010010203040506000000000000", "00030010010203040506000000000000", "00190010800008060102030405060000", "00190010800008060102030405060000"},
		map[Version]Action{V12: SetField(FieldEthSrc, hexBytes("010203040506")), V13: SetField(FieldEthSrc, hexBytes("010203040506"))}},
	{"set_field eth_dst", SetField(FieldEthDst, hexBytes("010203040506")), [4]string{"00050010010203040506000000000000", "00040010010203040506000000000000", "00190010800006060102030405060000", "00190010800006060102030405060000"},
		map[Version]Action{V10: {Type: ActionSetEthDst, Value: hexBytes("010203040506")}, V11: {Type: ActionSetEthDst, Value: hexBytes("010203040506")}}},
	{"set_nw_src", Action{Type: ActionSetIPv4Src, Arg: 0x0a000001}, [4]string{"000600080a000001", "000500080a000001", "00190010800016040a00000100000000", "00190010800016040a00000100000000"},
		map[Version]Action{V12: SetField(FieldIPv4Src, hexBytes("0a000001")), V13: SetField(FieldIPv4Src, hexBytes("0a000001"))}},
	{"set_nw_dst", Action{Type: ActionSetIPv4Dst, Arg: 0x0a000001}, [4]string{"000700080a000001", "000600080a000001", "00190010800018040a00000100000000", "00190010800018040a00000100000000"},
		map[Version]Action{V12: SetField(FieldIPv4Dst, hexBytes("0a000001")), V13: SetField(FieldIPv4Dst, hexBytes("0a000001"))}},
	{"set_nw_tos", Action{Type: ActionSetIPToS, Arg: 0xb8}, [4]string{"00080008b8000000", "00070008b8000000", "00190010800010012e00000000000000", "00190010800010012e00000000000000"},
		map[Version]Action{V12: SetField(FieldIPDSCP, []byte{46}), V13: SetField(FieldIPDSCP, []byte{46})}},
	{"set_nw_ecn", Action{Type: ActionSetIPECN, Arg: 2}, [4]string{"", "0008000802000000", "00190010800012010200000000000000", "00190010800012010200000000000000"},
		map[Version]Action{V12: SetField(FieldIPECN, []byte{2}), V13: SetField(FieldIPECN, []byte{2})}},
	{"set_tp_src", Action{Type: ActionSetTPSrc, Arg: 80}, [4]string{"0009000800500000", "0009000800500000", "", ""}, nil},
	{"set_tp_dst", Action{Type: ActionSetTPDst, Arg: 80}, [4]string{"000a000800500000", "000a000800500000", "", ""}, nil},
	{"set_field tcp_dst", SetField(FieldTCPDst, []byte{0, 80}), [4]string{"000a000800500000", "000a000800500000", "0019001080001c020050000000000000", "0019001080001c020050000000000000"},
		map[Version]Action{V10: {Type: ActionSetTPDst, Arg: 80}, V11: {Type: ActionSetTPDst, Arg: 80}}},
	{"set_field udp_src", SetField(FieldUDPSrc, []byte{0, 53}), [4]string{"0009000800350000", "0009000800350000", "0019001080001e020035000000000000", "0019001080001e020035000000000000"},
		map[Version]Action{V10: {Type: ActionSetTPSrc, Arg: 53}, V11: {Type: ActionSetTPSrc, Arg: 53}}},
	{"enqueue", Action{Type: ActionEnqueue, Arg: 3, Queue: 7}, [4]string{"000b0010000300000000000000000007", "-", "-", "-"}, nil},
	{"copy_ttl_out", Action{Type: ActionCopyTTLOut}, [4]string{"", "000b000800000000", "000b000800000000", "000b000800000000"}, nil},
	{"copy_ttl_in", Action{Type: ActionCopyTTLIn}, [4]string{"", "000c000800000000", "000c000800000000", "000c000800000000"}, nil},
	{"set_mpls_label", Action{Type: ActionSetMPLSLabel, Arg: 0xabcde}, [4]string{"", "000d0008000abcde", "0019001080004404000abcde00000000", "0019001080004404000abcde00000000"},
		map[Version]Action{V12: SetField(FieldMPLSLabel, hexBytes("000abcde")), V13: SetField(FieldMPLSLabel, hexBytes("000abcde"))}},
	{"set_mpls_tc", Action{Type: ActionSetMPLSTC, Arg: 3}, [4]string{"", "000e000803000000", "00190010800046010300000000000000", "00190010800046010300000000000000"},
		map[Version]Action{V12: SetField(FieldMPLSTC, []byte{3}), V13: SetField(FieldMPLSTC, []byte{3})}},
	{"set_mpls_ttl", Action{Type: ActionSetMPLSTTL, Arg: 64}, [4]string{"", "000f000840000000", "000f000840000000", "000f000840000000"}, nil},
	{"dec_mpls_ttl", Action{Type: ActionDecMPLSTTL}, [4]string{"", "0010000800000000", "0010000800000000", "0010000800000000"}, nil},
	{"push_vlan", Action{Type: ActionPushVLAN, Arg: 0x8100}, [4]string{"", "0011000881000000", "0011000881000000", "0011000881000000"}, nil},
	{"push_mpls", Action{Type: ActionPushMPLS, Arg: 0x8847}, [4]string{"", "0013000888470000", "0013000888470000", "0013000888470000"}, nil},
	{"pop_mpls", Action{Type: ActionPopMPLS, Arg: 0x0800}, [4]string{"", "0014000808000000", "0014000808000000", "0014000808000000"}, nil},
	{"set_queue", Action{Type: ActionSetQueue, Arg: 9}, [4]string{"", "0015000800000009", "0015000800000009", "0015000800000009"}, nil},
	{"group", Group(9), [4]string{"", "0016000800000009", "0016000800000009", "0016000800000009"}, nil},
	{"set_nw_ttl", Action{Type: ActionSetNWTTL, Arg: 64}, [4]string{"", "0017000840000000", "0017000840000000", "0017000840000000"}, nil},
	{"dec_nw_ttl", Action{Type: ActionDecNWTTL}, [4]string{"", "0018000800000000", "0018000800000000", "0018000800000000"}, nil},
	{"set_field ipv6_src", SetField(FieldIPv6Src, hexBytes(ip6a)), [4]string{"", "", "0019001880003410" + ip6a, "0019001880003410" + ip6a}, nil},
	{"set_field pbb_isid", SetField(FieldPBBISID, hexBytes("123456")), [4]string{"", "", "", "0019001080004a031234560000000000"}, nil},
	{"set_field no tag", SetField(FieldVLANVID, []byte{0, 0}), [4]string{"", "", "0019001080000c020000000000000000", "0019001080000c020000000000000000"}, nil},
	{"push_pbb", Action{Type: ActionPushPBB, Arg: 0x88e7}, [4]string{"", "", "", "001a000888e70000"}, nil},
	{"pop_pbb", Action{Type: ActionPopPBB}, [4]string{"", "", "", "001b000800000000"}, nil},
	{"experimenter", Action{Type: ActionExperimenter, Arg: 0x2b20, Value: hexBytes("000e000102030405")}, [4]string{"ffff001000002b20000e000102030405", "ffff001000002b20000e000102030405", "ffff001000002b20000e000102030405", "ffff001000002b20000e000102030405"}, nil},
	{"experimenter without a body", Action{Type: ActionExperimenter, Arg: 0x2320, Value: []byte{}}, [4]string{"ffff000800002320", "ffff000800002320", "ffff000800002320", "ffff000800002320"}, nil},
	{"of an unknown number", Action{Type: ActionUnknown, Arg: 0x55, Value: hexBytes("01020304")}, [4]string{"0055000801020304", "0055000801020304", "0055000801020304", "0055000801020304"}, nil},
}

func TestEveryActionInEveryVersion(t *testing.T) {
	covered := map[ActionType]bool{}
	for _, tt := range actionCases {
		for i, want := range tt.wire {
			v := Versions()[i]
			if want == "-" {
				continue
			}
			t.Run(tt.name+" "+v.String(), func(t *testing.T) {
				m := &PacketOut{BufferID: NoBuffer, InPort: PortController, Actions: []Action{tt.action}}
				frame, err := Append(nil, v, 1, m)
				if want == "" {
					var ee *EncodeError
					if !errors.Is(err, ErrVersion) || !errors.As(err, &ee) || ee.Version != v || !strings.HasPrefix(ee.Field, "action ") {
						t.Fatalf("got %x, error %v; want ErrVersion that names the action", frame, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				head := 24
				if v == V10 {
					head = 16
				}
				if got := hex.EncodeToString(frame[head:]); got != want {
					t.Fatalf("encoded\n got %s\nwant %s", got, want)
				}
				_, back, err := Decode(frame)
				if err != nil {
					t.Fatal(err)
				}
				wantAction, ok := tt.other[v]
				if !ok {
					wantAction = tt.action
				}
				if diff := cmp.Diff([]Action{wantAction}, back.(*PacketOut).Actions, wholly); diff != "" {
					t.Errorf("decoded -want +got\n%s", diff)
				}
				covered[back.(*PacketOut).Actions[0].Type] = true
			})
		}
	}
	for a := range numActions {
		if !covered[a] {
			t.Errorf("no case decodes %s", a)
		}
	}
}

func TestActionsThatCannotBeEncoded(t *testing.T) {
	tests := []struct {
		name   string
		v      Version
		action Action
		want   error
	}{
		{"push_vlan over 16 bits", V13, Action{Type: ActionPushVLAN, Arg: 0x18100}, ErrMalformed},
		{"set_nw_ttl over 8 bits", V13, Action{Type: ActionSetNWTTL, Arg: 256}, ErrMalformed},
		{"set_dl_src of 5 bytes", V10, Action{Type: ActionSetEthSrc, Value: make([]byte, 5)}, ErrMalformed},
		{"set_field of a wrong size", V13, Action{Type: ActionSetField, Arg: fields[FieldEthDst].oxm, Value: make([]byte, 5)}, ErrMalformed},
		{"set_vlan_vid over 12 bits as set_field", V13, Action{Type: ActionSetVLANVID, Arg: 0x2000}, ErrMalformed},
		{"raw action of a number that is known", V13, Action{Type: ActionUnknown, Arg: 25, Value: make([]byte, 4)}, ErrMalformed},
		{"raw action of odd length", V13, Action{Type: ActionUnknown, Arg: 99, Value: make([]byte, 5)}, ErrMalformed},
		{"no such type", V13, Action{Type: numActions}, ErrMalformed},
		{"set_field of no bits", V11, Action{Type: ActionSetField, Arg: fields[FieldEthDst].oxmMasked, Value: make([]byte, 12)}, ErrMalformed},
		{"set_field of some bits of an unknown field", V13, Action{Type: ActionSetField, Arg: 0x8000ff02, Value: make([]byte, 2)}, ErrVersion},
		{"set_field of some bits, cut short", V10, Action{Type: ActionSetField, Arg: fields[FieldInPort].oxmMasked}, ErrMalformed},
		{"set_field of a register, cut short", V11, Action{Type: ActionSetField, Arg: fields[FieldReg0].oxm}, ErrMalformed},
		{"subtype of another action", V10, Action{Type: ActionGroup, Subtype: 4}, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Append(nil, tt.v, 1, &PacketOut{Actions: []Action{tt.action}, InPort: PortAny})
			if !errors.Is(err, tt.want) || len(b) != 0 {
				t.Errorf("got %x, %v; want %v", b, err, tt.want)
			}
		})
	}
}

func TestEveryInstructionInEveryVersion(t *testing.T) {
	tests := []struct {
		instruction Instruction
		from        Version
		wire        string
	}{
		{GotoTable(3), V11, "0001000803000000"},
		{Instruction{Type: InstructionWriteMetadata, Metadata: 0x12, MetadataMask: 0xff}, V11, "0002001800000000000000000000001200000000000000ff"},
		{WriteActions(Group(1)), V11, "00030010000000000016000800000001"},
		{Apply(Group(1)), V11, "00040010000000000016000800000001"},
		{Instruction{Type: InstructionClearActions}, V11, "0005000800000000"},
		{Instruction{Type: InstructionMeter, Meter: 5}, V13, "0006000800000005"},
		{Instruction{Type: InstructionExperimenter, Data: hexBytes("000023200102030405060708")}, V11, "ffff0010000023200102030405060708"},
		{Instruction{Type: 0x77, Data: hexBytes("01020304")}, V11, "0077000801020304"},
	}
	for _, tt := range tests {
		for _, v := range Versions() {
			t.Run(tt.instruction.Type.String()+" "+v.String(), func(t *testing.T) {
				m := NewFlowMod(FlowAdd)
				m.Instructions = []Instruction{tt.instruction}
				frame, err := Append(nil, v, 1, m)
				if v < tt.from {
					if !errors.Is(err, ErrVersion) {
						t.Fatalf("got %x, %v; want ErrVersion", frame, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasSuffix(frame, hexBytes(tt.wire)) {
					t.Fatalf("encoded %x, want it to end in %s", frame, tt.wire)
				}
				_, back, err := Decode(frame)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(m.Instructions, back.(*FlowMod).Instructions, wholly); diff != "" {
					t.Errorf("decoded -want +got\n%s", diff)
				}
			})
		}
	}
}
