package ofp

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	since12 = []Version{V12, V13}
	upTo11  = []Version{V10, V11}
	upTo12  = []Version{V10, V11, V12}
	only13  = []Version{V13}
	only10  = []Version{V10}
)

// vendorFrames are messages of experimenters and their bytes, after the header
// and all that says which message it is.
var vendorFrames = []struct {
	name string
	vs   []Version
	head string // experimenter and subtype
	m    Message
	body string
}{
	{"role request", upTo11, "000023200000000a", &RoleRequest{RoleState{Role: RoleMaster, Generation: NoGeneration}}, "00000001"},
	{"role reply", upTo11, "000023200000000b", &RoleReply{RoleState{Role: RoleSlave, Generation: NoGeneration}}, "00000002"},
	{"role request of Nicira's", since12, "000023200000000a", &NXRoleRequest{Role: RoleEqual}, "00000000"},
	{"role reply of Nicira's", since12, "000023200000000b", &NXRoleReply{Role: RoleMaster}, "00000001"},
	{"flow format", only10, "000023200000000c", &NXSetFlowFormat{Format: NXFlowFormatNXM}, "00000002"},
	{"flow format", only10, "000023200000000c", &NXSetFlowFormat{Format: 1}, "00000001"},
	{"flow-mod table", Versions(), "000023200000000f", &NXFlowModTableID{Set: 1}, "0100000000000000"},
	{"packet-in format", Versions(), "0000232000000010", &NXSetPacketInFormat{Format: NXPacketIn2Format}, "00000002"},
	{"flow age", Versions(), "0000232000000012", &NXFlowAge{}, ""},
	{"async", Versions(), "0000232000000013", &NXSetAsyncConfig{AsyncMasks{PacketIn: [2]uint32{7, 0}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{15, 0}}},
		"000000070000000000000007000000070000000f00000000"},
	{"async by property", Versions(), "000023200000001b", &NXSetAsyncConfig2{Properties: []Property{{1, []byte{0, 0, 0, 7}}, {4, []byte{0, 0, 0, 3}}, {11, []byte{0, 0, 0, 3}}}},
		"0001000800000007" + "0004000800000003" + "000b000800000003"},
	{"controller id", Versions(), "0000232000000014", &NXSetControllerID{ID: 0x1234}, "0000000000001234"},
	{"flow monitor cancel", upTo12, "0000232000000015", &FlowMonitorCancel{ID: 9}, "00000009"},
	{"flow monitor paused", upTo12, "0000232000000016", &FlowMonitorPaused{}, ""},
	{"flow monitor resumed", upTo12, "0000232000000017", &FlowMonitorResumed{}, ""},
	{"flow monitor cancel", only13, "4f4e46000000074e", &FlowMonitorCancel{ID: 9}, "00000009"},
	{"flow monitor paused", only13, "4f4e46000000074f", &FlowMonitorPaused{}, ""},
	{"flow monitor resumed", only13, "4f4e460000000750", &FlowMonitorResumed{}, ""},
	{"tlv table mod", Versions(), "0000232000000018", &NXTLVTableMod{Command: NXTLVDelete, Maps: []NXTLVMap{{Class: 0xffff, Len: 4}, {0x102, 0x80, 124, 63}}},
		"0001000000000000" + "ffff000400000000" + "0102807c003f0000"},
	{"tlv table clear", Versions(), "0000232000000018", &NXTLVTableMod{Command: NXTLVClear}, "0002000000000000"},
	{"tlv table request", Versions(), "0000232000000019", &NXTLVTableRequest{}, ""},
	{"tlv table reply", Versions(), "000023200000001a", &NXTLVTableReply{MaxSpace: 256, MaxFields: 64, Maps: []NXTLVMap{{0x102, 0x80, 8, 3}}},
		"00000100004000000000000000000000" + "0102800800030000"},
	{"group", only10, "000023200000001f", &NXGroupMod{Command: GroupAdd, CommandBucket: BucketAll, NXGroup: newNXGroup(GroupTypeSelect, 7,
		[]Bucket{{Weight: 5, WatchPort: 2, WatchGroup: GroupAny, Actions: []Action{Output(1)}}, {Weight: 1, WatchPort: PortAny, WatchGroup: 3, Actions: []Action{Output(2)}}})},
		"000001000000000700400000ffffffff" + "002000080000000000000008000100000000000800050000" + "0001000800000002" + "002000080000000100000008000200000000000800010000" + "0002000800000003"},
	{"group that hashes", only10, "000023200000001f", &NXGroupMod{Command: GroupAdd, CommandBucket: BucketAll, NXGroup: NXGroup{GroupType: GroupTypeSelect, Group: 7, Buckets: []NXBucket{
		{Actions: []Action{Output(1)}, Properties: []Property{{bucketWeight, []byte{0, 1, 0, 0}}}}}, Properties: []Property{{0xffff, hexBytes(hashBytes)}}}},
		"000001000000000700180000ffffffff" + "00180008000000000000000800010000" + "0000000800010000" + "ffff0036" + hashBytes + "0000"},
	{"bucket inserted", only10, "000023200000001f", &NXGroupMod{Command: GroupInsertBucket, CommandBucket: BucketLast, NXGroup: NXGroup{Group: 7, Buckets: []NXBucket{{ID: 4, Actions: []Action{Output(1)}}}}},
		"000300000000000700100000fffffffe" + "00100008000000040000000800010000"},
	{"bucket removed", only10, "000023200000001f", &NXGroupMod{Command: GroupRemoveBucket, CommandBucket: 4, NXGroup: NXGroup{Group: 7}}, "00050000000000070000000000000004"},
	{"all groups removed", only10, "000023200000001f", &NXGroupMod{Command: GroupDelete, CommandBucket: BucketAll, NXGroup: NXGroup{Group: GroupAll}}, "00020000fffffffc00000000ffffffff"},
	{"group statistics of Nicira's", only10, "0000232000000007", Request(&NXGroupStatsRequest{GroupStatsRequest{4}}), "0000000400000000"},
	{"group statistics of Nicira's", only10, "0000232000000007", &MultipartReply{Body: &NXGroupStatsReply{GroupStatsReply{[]GroupStats{{Group: 4, RefCount: 1, Packets: 2, Bytes: 3, DurationSec: 4, DurationNsec: 5, Buckets: []BucketStats{{6, 7}}}}}}},
		"0038000000000004" + "0000000100000000" + "0000000000000002" + "0000000000000003" + "0000000400000005" + "00000000000000060000000000000007"},
	{"groups of Nicira's", only10, "0000232000000008", Request(&NXGroupDescRequest{GroupAll}), "fffffffc00000000"},
	{"groups of Nicira's", only10, "0000232000000008", &MultipartReply{Body: &NXGroupDescReply{[]NXGroup{{GroupType: GroupTypeSelect, Group: 7, Buckets: []NXBucket{{ID: 4, Actions: []Action{Output(1)}}}, Properties: []Property{{0xffff, hexBytes(hashBytes)}}}, {Group: 8}}}},
		"0058010000000007" + "0010000000000000" + "00100008000000040000000800010000" + "ffff0036" + hashBytes + "0000" + "00100000000000080000000000000000"},
	{"group features of Nicira's", upTo11, "0000232000000009", Request(&NXGroupFeaturesRequest{}), ""},
	{"group features of Nicira's", upTo11, "0000232000000009", &MultipartReply{Body: &NXGroupFeatures{GroupFeatures{Types: 15, Capabilities: 7, MaxGroups: [4]uint32{1, 2, 3, 4}, Actions: [4]uint32{5, 6, 0xf, 0}}}},
		"0000000f0000000700000001000000020000000300000004" + "00000005000000060000000f00000000"},
	{"request forwarded in 1.0", only10, "0000232000000084", &RequestForward{XID: 0x55, Message: &NXGroupMod{Command: GroupDelete, CommandBucket: BucketAll, NXGroup: NXGroup{Group: 9}}},
		"0104002000000055" + "000023200000001f" + "00020000000000090000" + "0000" + "ffffffff"},
	{"connections of a zone", Versions(), "000023200000001d", &NXCTFlushZone{Zone: 5}, "0000000000000005"},
	{"connections", Versions(), "0000232000000020", NewNXCTFlush(6, NXCTTuple{Src: netip.MustParseAddr("10.0.0.1"), SrcPort: 80}, NXCTTuple{DstPort: 443}, 5),
		"0600000000000000" + "0000002800000000" + "00000014" + "00000000000000000000ffff0a000001" + "00000000" + "0002000800500000" +
			"0001001000000000" + "0003000801bb0000" + "0002000800050000"},
	{"connections of icmp", Versions(), "0000232000000020", NewNXCTFlush(58, NXCTTuple{Dst: netip.MustParseAddr("::5"), ICMPID: 7, ICMPType: 8}, NXCTTuple{}, -1),
		"3a00000000000000" + "0000003800000000" + "00010014" + "00000000000000000000000000000005" + "00000000" + "0004000800070000" + "0005000508000000" + "0006000500000000"},
	{"packet-in 2", since12, "000023200000001e", &NXPacketIn2{NXPacket{Packet: arpPacket, FullLen: 99, BufferID: 4, Table: 2, Cookie: 5, Reason: ReasonAction, Metadata: nxPort, Userdata: []byte{1, 2, 0xab}, Continuation: []Continued{
		{Type: ContinuedBridge, Data: []byte("0123456789abcdef")}, {Type: ContinuedStack, Data: []byte{1, 2}}, {Type: ContinuedMirrors, Value: 5}, {Type: ContinuedConntracked}, {Type: ContinuedTable, Value: 3}, {Type: ContinuedCookie, Value: 9},
		{Type: ContinuedActions, Actions: []Action{Output(2)}}, {Type: ContinuedActionSet, Actions: []Action{Output(3)}}, {Type: ContinuedODPPort, Value: 1}, {Type: 0x8077, Data: []byte{7}}},
		Unknown: []Property{{Type: 0x77, Data: []byte{1}}}, Order: []uint16{0x77, 0, 1, 2, 3, 4, 5, 6, 8, 7}}},
		"0077000501000000" + "00000018" + "ffffffffffff0000000000010806000108000604" + "0001000800000063" + "0002000800000004" + "0003000502000000" + "000400100000000000000000000000" + "05" + "0005000501000000" +
			"0006000c" + "80000004fffffffe" + "00000000" + "0008009000000000" + "80000014" + hex.EncodeToString([]byte("0123456789abcdef")) + "00000000" + "8001000601020000" + "8002000800000005" + "8003000400000000" + "8004000503000000" + "8005001000000000" + "0000000000000009" +
			"8006001800000000" + "00000010000000020000000000000000" + "8007001800000000" + "00000010000000030000000000000000" + "8008000800000001" + "8077000507000000" + "000700070102ab00"},
	{"packet-in 2, in its own order", upTo11, "000023200000001e", &NXPacketIn2{NXPacket{Packet: arpPacket, BufferID: NoBuffer, Cookie: ^uint64(0), Metadata: nxPort, Order: []uint16{6, 0}}},
		"0006000a" + "00000002fffe" + "000000000000" + "00000018" + "ffffffffffff0000000000010806000108000604"},
	{"resumed", since12, "000023200000001c", &NXResume{NXPacket{Packet: arpPacket, BufferID: NoBuffer, Cookie: ^uint64(0), Order: []uint16{0}}}, "00000018" + "ffffffffffff0000000000010806000108000604"},
	{"resumed", upTo11, "000023200000001c", &NXResume{NXPacket{Packet: arpPacket, BufferID: NoBuffer, Cookie: ^uint64(0), Order: []uint16{0}}}, "00000018" + "ffffffffffff0000000000010806000108000604"},
	{"role status", only13, "4f4e460000000777", &RoleStatus{RoleState: RoleState{RoleSlave, 7}, Reason: RoleConfig, Properties: []Property{{0xffff, []byte{0, 0, 0, 1, 0, 0, 0, 2}}}},
		"0000000301000000" + "0000000000000007" + "ffff000c0000000100000002" + "00000000"},
	{"request forwarded", []Version{V11, V12}, "0000232000000084", &RequestForward{XID: 0x55, Message: &GroupMod{Command: GroupDelete, Group: 9}},
		"VV0f001000000055" + "0002000000000009"},
	{"request forwarded", only13, "4f4e46000000092e", &RequestForward{XID: 0x55, Message: &MeterMod{Command: MeterDelete, Meter: 9}}, "041d001000000055" + "0002000000000009"},
	{"bundle control", only13, "4f4e4600000008fc", &BundleControl{ID: 5, Kind: BundleCommitRequest, Flags: BundleAtomic | BundleOrdered}, "0000000500040003"},
	{"bundle control of an unknown kind", only13, "4f4e4600000008fc", &BundleControl{ID: 5, Kind: 77, Flags: 0x84, Properties: []Property{{0xffff, []byte{0, 0, 0, 1, 0, 0, 0, 2}}}},
		"00000005004d0084" + "ffff000c0000000100000002" + "00000000"},
	{"bundled port-mod", only13, "4f4e4600000008fd", &BundleAdd{ID: 5, Flags: BundleAtomic, Message: &PortMod{Port: 3}}, "0000000500000001" + "0410002800000001" + "00000003" + strings.Repeat("00", 28)},
	{"bundled odd message", only13, "4f4e4600000008fd", &BundleAdd{ID: 5, Message: &PacketOut{BufferID: NoBuffer, InPort: PortController, Data: []byte{1, 2, 3}}, Properties: []Property{{0xffff, []byte{0, 0, 0, 1, 0, 0, 0, 2}}}},
		"0000000500000000" + "040d001b00000001" + "fffffffffffffffd" + "0000000000000000" + "010203" + "0000000000" + "ffff000c0000000100000002" + "00000000"},
	{"bundled message of Nicira's", only13, "4f4e4600000008fd", &BundleAdd{ID: 5, Message: &NXSetControllerID{ID: 3}}, "0000000500000000" + "0404001800000001" + "0000232000000014" + "0000000000000003"},
	{"bundled message that is unknown", only13, "4f4e4600000008fd", &BundleAdd{ID: 5, Message: &Raw{Kind: 99, Body: []byte{1}}}, "0000000500000000" + "0463000900000001" + "01"},
	{"flow-mod", only10, "000023200000000d", &NXFlowMod{FlowMod: FlowMod{Cookie: 5, Table: 2, NXTable: true, Command: FlowDelete, IdleTimeout: 6, HardTimeout: 7, Priority: 8, BufferID: NoBuffer, OutPort: 3, OutGroup: GroupAny, Flags: FlowSendFlowRem, Match: nxReg},
		MatchCookie: 0x55, MatchCookieMask: 0xff},
		"0000000000000005" + "0203000600070008" + "ffffffff00030001" + "001c000000000000" + "00010004deadbeef" + "00013d10" + "0000000000000055" + "00000000000000ff" + "00000000"},
	{"flow-mod", []Version{V11, V12, V13}, "000023200000000d", &NXFlowMod{FlowMod: FlowMod{Cookie: 5, Priority: 8, BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny, Match: nxReg, Instructions: []Instruction{Apply(Output(2))}}},
		"0000000000000005" + "0000000000000008" + "ffffffffffff0000" + "0008000000000000" + "00010004deadbeef" + "0004001800000000" + "00000010000000020000000000000000"},
	{"flow removed", Versions(), "000023200000000e", &NXFlowRemoved{FlowRemoved{Cookie: 5, Priority: 1, Reason: RemovedDelete, Table: 2, DurationSec: 1, DurationNsec: 2, IdleTimeout: 3, Packets: 7, Bytes: 8, Match: nxReg}},
		"0000000000000005" + "00010203" + "0000000100000002" + "00030008" + "00000000000000070000000000000008" + "00010004deadbeef"},
	{"flow removed, of no table", Versions(), "000023200000000e", &NXFlowRemoved{FlowRemoved{Table: TableAll, Match: nxPort}},
		"0000000000000000" + "00000000" + "0000000000000000" + "00000006" + strings.Repeat("00", 16) + "00000002fffe0000"},
	{"packet-in", Versions(), "0000232000000011", &NXPacketIn{PacketIn{BufferID: NoBuffer, TotalLen: 100, Reason: ReasonAction, Table: 3, Cookie: 77, Match: nxPort, Data: []byte{1, 2, 3}}},
		"ffffffff00640103" + "000000000000004d" + "0006000000000000" + "00000002fffe0000" + "0000" + "010203"},
	{"flows, request", only10, "0000232000000000", Request(&NXFlowStatsRequest{FlowFilter{Table: 3, OutPort: 4, OutGroup: GroupAny, Match: nxReg}}), "0004000803000000" + "00010004deadbeef"},
	{"flows", only10, "0000232000000000", &MultipartReply{Body: &NXFlowStatsReply{Flows: []NXFlowStats{
		{FlowStats: FlowStats{Table: 2, DurationSec: 5, DurationNsec: 6, Priority: 100, IdleTimeout: 7, HardTimeout: 8, Cookie: 9, Packets: 10, Bytes: 11, Match: nxReg, Instructions: []Instruction{Apply(Output(2))}}, IdleAge: 3, HardAge: 4}, {}}}},
		"004002000000000500000006" + "0064000700080008" + "00030004" + "0000000000000009" + "000000000000000a" + "000000000000000b" + "00010004deadbeef" + "0000000800020000" +
			"0030" + strings.Repeat("00", 46)},
	{"sum of flows, request", only10, "0000232000000001", Request(&NXAggregateRequest{AllFlows()}), "ffff0000ff000000"},
	{"sum of flows", only10, "0000232000000001", &MultipartReply{Body: &NXAggregateReply{AggregateReply{1, 2, 3}}}, "0000000000000001" + "0000000000000002" + "0000000300000000"},
	{"flow monitor", upTo12, "0000232000000002", Request(&FlowMonitorRequest{Monitors: []FlowMonitor{{ID: 1, Flags: MonitorAdd | MonitorOwn, OutPort: PortAny, Table: TableAll}, {ID: 2, Flags: MonitorAdd, OutPort: 5, Table: 4, Match: nxReg}}}),
		"000000010022ffff" + "0000ff0000000000" + "0000000200020005" + "0008040000000000" + "00010004deadbeef"},
	{"flow monitor", only13, "4f4e46000000074e", Request(&FlowMonitorRequest{Monitors: []FlowMonitor{{ID: 1, Flags: MonitorAdd | MonitorOwn, OutPort: PortAny, Table: TableAll}}}),
		"0000000100220004" + "ffffffffff000000" + "0001000400000000"},
	{"flow updates", upTo12, "0000232000000002", &MultipartReply{Body: &FlowMonitorReply{Updates: []FlowUpdate{
		{Event: FlowDeleted, Reason: 2, Priority: 3, IdleTimeout: 4, HardTimeout: 5, Table: 6, Cookie: 7, Match: nxReg}, {Event: FlowAbbreviated, XID: 9}, {Event: FlowModified}}}},
		"0020000100020003" + "0004000500080600" + "0000000000000007" + "00010004deadbeef" + "0008000300000009" + "00180002" + strings.Repeat("00", 20)},
	{"flow updates with actions", only10, "0000232000000002", &MultipartReply{Body: &FlowMonitorReply{Updates: []FlowUpdate{{Event: FlowAdded, Instructions: []Instruction{Apply(Output(2))}}}}},
		"00200000" + strings.Repeat("00", 20) + "0000000800020000"},
	{"flow updates", only13, "4f4e46000000074e", &MultipartReply{Body: &FlowMonitorReply{Updates: []FlowUpdate{
		{Event: FlowAdded, Priority: 3, Table: 6, Cookie: 7, Instructions: []Instruction{Apply(Output(2))}}, {Event: FlowAbbreviated, XID: 9}}}},
		"0038000000000003" + "0000000000040600" + "0000000000000007" + "0001000400000000" + "0004001800000000" + "00000010000000020000000000000000" + "0008000300000009"},
	{"ipfix of a bridge, request", Versions(), "0000232000000003", Request(&NXIPFIXBridgeRequest{}), ""},
	{"ipfix of a bridge", Versions(), "0000232000000003", &MultipartReply{Body: &NXIPFIXBridgeReply{NXIPFIXStats{Flows: 1, CurrentFlows: 2, Packets: 3, IPv4Packets: 4, IPv6Packets: 5, Errors: 6, IPv4Errors: 7, IPv6Errors: 8, TxPackets: 9, TxErrors: 10, Set: 11}}},
		ipfixBytes},
	{"ipfix of flows, request", Versions(), "0000232000000004", Request(&NXIPFIXFlowRequest{}), ""},
	{"ipfix of flows", Versions(), "0000232000000004", &MultipartReply{Flags: MultipartMore, Body: &NXIPFIXFlowReply{Sets: []NXIPFIXStats{{Flows: 1, CurrentFlows: 2, Packets: 3, IPv4Packets: 4, IPv6Packets: 5, Errors: 6, IPv4Errors: 7, IPv6Errors: 8, TxPackets: 9, TxErrors: 10, Set: 11}}}},
		ipfixBytes},
}

// hashBytes is the property of a group that hashes by destination network and TCP port.
const hashBytes = "0000154d000000010000000068617368000000000000000000000000000000000000000300001004ffff000000001202ffff"

var (
	arpPacket = hexBytes("ffffffffffff0000000000010806000108000604")
	nxReg     = Match{oxm: []byte{0, 1, 0, 4, 0xde, 0xad, 0xbe, 0xef}}
	nxPort    = func() (m Match) { m.SetUint(FieldInPort, uint64(PortLocal)); return m }()
)

const ipfixBytes = "00000000000000010000000000000002000000000000000300000000000000040000000000000005" +
	"0000000000000006000000000000000700000000000000080000000000000009000000000000000a" + "0000000b00000000"

// vendorWant is what a row's frame must be after the header.
func vendorWant(v Version, head, body string, m Message) string {
	body = strings.ReplaceAll(body, "VV", "0"+string('0'+byte(v)))
	flags := "0000"
	switch m := m.(type) {
	case *MultipartRequest:
	case *MultipartReply:
		if m.More() {
			flags = "0001"
		}
	default:
		return head + body
	}
	if v == V10 {
		return "ffff" + flags + head + "00000000" + body
	}
	return "ffff" + flags + "00000000" + head + body
}

func TestVendorMessages(t *testing.T) {
	for _, tt := range vendorFrames {
		for _, v := range tt.vs {
			t.Run(tt.name+" "+v.String(), func(t *testing.T) {
				frame := encoded(t, v, 1, tt.m)
				if diff := cmp.Diff(vendorWant(v, tt.head, tt.body, tt.m), hex.EncodeToString(frame[HeaderLen:])); diff != "" {
					t.Fatalf("encoded -want +got\n%s", diff)
				}
				_, back, err := Decode(frame)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.m, back, wholly); diff != "" {
					t.Errorf("decoded -want +got\n%s", diff)
				}
				clone := Clone(back)
				if diff := cmp.Diff(back, clone, wholly); diff != "" {
					t.Errorf("cloned -want +got\n%s", diff)
				}
				for n := HeaderLen; n < len(frame); n++ {
					checkFrame(t, withLength(frame[:n:n]))
				}
				for i := range frame {
					for _, x := range []byte{0xff, 0x01, 0x08} {
						b := append([]byte{}, frame...)
						b[i] ^= x
						checkFrame(t, b)
					}
				}
				clear(frame)
				if diff := cmp.Diff(tt.m, clone, wholly); diff != "" {
					t.Errorf("the clone shares memory with the frame\n%s", diff)
				}
			})
		}
	}
}

// TestVendorMessagesIntoDirtyStructs decodes each message into the struct that
// held each other one of its type.
func TestVendorMessagesIntoDirtyStructs(t *testing.T) {
	frames := map[reflect.Type][][]byte{}
	for _, tt := range vendorFrames {
		for _, v := range tt.vs {
			typ := reflect.TypeOf(tt.m)
			frames[typ] = append(frames[typ], encoded(t, v, 1, tt.m))
		}
	}
	for typ, same := range frames {
		for _, dirt := range same {
			for _, frame := range same {
				m := reflect.New(typ.Elem()).Interface().(Message)
				if err := DecodeInto(dirt, m); err != nil {
					t.Fatal(err)
				}
				if err := DecodeInto(frame, m); err != nil {
					t.Fatal(err)
				}
				_, want, _ := Decode(frame)
				if diff := cmp.Diff(want, m, wholly); diff != "" {
					t.Fatalf("after %x\ndecoding %x\n-fresh +reused\n%s", dirt, frame, diff)
				}
			}
		}
	}
}

// TestEveryVendorRowHasItsBytes: no row of the tables of experimenters' messages
// and multipart bodies is without golden bytes in a version that it is in, and
// other versions lack it.
func TestEveryVendorRowHasItsBytes(t *testing.T) {
	messagesSeen := map[Type]map[Version]bool{}
	partsSeen := map[reflect.Type]map[Version]bool{}
	for _, tt := range vendorFrames {
		for _, v := range tt.vs {
			var part Part
			switch m := tt.m.(type) {
			case *MultipartRequest:
				part = m.Body
			case *MultipartReply:
				part = m.Body
			}
			if part == nil {
				see(messagesSeen, tt.m.Type(), v)
			} else {
				see(partsSeen, reflect.TypeOf(part), v)
			}
		}
	}
	for i := range messages {
		typ := Type(i)
		for _, v := range Versions() {
			if typ.vendor(v) != nil && !messagesSeen[typ][v] {
				t.Errorf("%s %s has no golden bytes", v, typ)
			}
			_, standard := messages[typ].wire.in(v)
			if len(messages[i].vendor) > 0 && typ.vendor(v) == nil && !standard {
				if _, err := Append(nil, v, 1, New(typ)); !errors.Is(err, ErrVersion) {
					t.Errorf("%s in %s: %v", typ, v, err)
				}
			}
		}
	}
	for i := range vendorParts {
		row := &vendorParts[i]
		for direction, b := range row.body {
			for _, v := range Versions() {
				if v >= row.from && v <= row.to {
					if !partsSeen[b.typ][v] {
						t.Errorf("%s %s has no golden bytes", v, b.typ)
					}
					continue
				}
				if partsSeen[b.typ][v] {
					continue // another row has it there
				}
				m := Message(&MultipartRequest{Body: b.make()})
				if direction == reply {
					m = &MultipartReply{Body: b.make()}
				}
				if _, err := Append(nil, v, 1, m); !errors.Is(err, ErrVersion) {
					t.Errorf("%s in %s: %v", b.typ, v, err)
				}
			}
		}
	}
}

func see[K comparable](seen map[K]map[Version]bool, k K, v Version) {
	if seen[k] == nil {
		seen[k] = map[Version]bool{}
	}
	seen[k][v] = true
}

// TestVendorMessagesThatAreRefused: what is wrong with them is named.
func TestVendorMessagesThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, hex, says string }{
		{"role of Nicira's that is none of OpenFlow's", "010400140000000100002320" + "0000000a" + "ffffffff", "role"},
		{"bundle control in a bundle", "0404003000000001" + "4f4e4600000008fd" + "0000000500000000" + "04040018000000014f4e4600000008fc0000000500000000", "a bundle_control inside another message"},
		{"bundled message of another version", "0404002000000001" + "4f4e4600000008fd" + "0000000500000000" + "0314000800000001", "version 0x03, want 0x04"},
		{"bundled message of another xid", "0404002000000001" + "4f4e4600000008fd" + "0000000500000000" + "0414000800000002", "xid 0x2, want 0x1"},
		{"bundled message beyond the bundle", "0404002000000001" + "4f4e4600000008fd" + "0000000500000000" + "0414000900000001", "length 9, at most 8"},
		{"bundled message shorter than a header", "0404002000000001" + "4f4e4600000008fd" + "0000000500000000" + "0414000700000001", "length 7, at least 8"},
		{"bundled message with bytes left over", "0404002800000001" + "4f4e4600000008fd" + "0000000500000000" + "0414001000000001" + "0000000000000000", "8 bytes too many"},
		{"match longer than the message", "010400380000000100002320" + "0000000e" + strings.Repeat("00", 22) + "0009" + strings.Repeat("00", 16), "nx_match"},
		{"match without its padding", "0104003e0000000100002320" + "0000000e" + strings.Repeat("00", 22) + "0006" + strings.Repeat("00", 16) + "00000002fffe", "nx_match padding"},
		{"flow shorter than its head", "0111003000000001ffff000000002320" + "0000000000000000" + "002f" + strings.Repeat("00", 22), "flow"},
		{"update of no kind", "0111002000000001ffff000000002320" + "0000000200000000" + "0008000400000000", "update event"},
		{"update too long for its kind", "0111002800000001ffff000000002320" + "0000000200000000" + "0010000300000000" + "0000000000000000", "8 bytes too many"},
		{"update longer than the message", "0111002000000001ffff000000002320" + "0000000200000000" + "0009000300000000", "update length"},
		{"property beyond the message", "0404002000000001" + "4f4e4600000008fc" + "0000000500000000" + "ffff000900000000", "property length"},
		{"property without its padding", "0404001f00000001" + "4f4e4600000008fc" + "0000000500000000" + "ffff0005000000", "property padding"},
		{"property shorter than its head", "0404002000000001" + "4f4e4600000008fc" + "0000000500000000" + "ffff000300000000", "property length"},
	} {
		frame := unhex(t, tt.hex)
		_, _, err := Decode(frame)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q in it", tt.name, err, tt.says)
			continue
		}
		checkDecodeError(t, frame, err)
	}
	for name, m := range map[string]Message{
		"no message in a bundle":      &BundleAdd{},
		"bundle in a bundle":          &BundleAdd{Message: &BundleAdd{Message: &PortMod{}}},
		"role that Nicira's has none": &NXRoleRequest{},
	} {
		if b, err := Append(nil, V13, 1, m); err == nil {
			t.Errorf("%s: encoded as %x", name, b)
		}
	}
}

// TestRolesOf10AreNotElected: who asks for a role with the number of an election is
// told that 1.0 and 1.1 have no place for it.
func TestRolesOf10AreNotElected(t *testing.T) {
	for _, v := range []Version{V10, V11} {
		for generation, want := range map[uint64]error{0: nil, NoGeneration: nil, 1: ErrVersion} {
			s := RoleState{Role: RoleMaster, Generation: generation}
			for _, m := range []Message{&RoleRequest{s}, &RoleReply{s}} {
				if _, err := Append(nil, v, 1, m); !errors.Is(err, want) {
					t.Errorf("%s %s with generation %d: %v, want %v", v, m.Type(), generation, err, want)
				}
			}
		}
	}
}

func TestVendorMessagesPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var frames [][]byte
	for _, tt := range vendorFrames {
		switch m := tt.m.(type) {
		case *BundleAdd:
			if _, ok := m.Message.(*PortMod); !ok {
				continue // Open vSwitch takes few messages into a bundle, and prints an error
			}
		}
		for _, v := range tt.vs {
			frames = append(frames, encoded(t, v, 1, tt.m))
		}
	}
	comparePrints(t, frames)
}

func TestTLVMaps(t *testing.T) {
	const s = "{class=0xffff,type=0x0,len=4}->tun_metadata0,{class=0x102,type=0x80,len=124}->tun_metadata63"
	maps, err := ParseTLVMaps(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]NXTLVMap{{0xffff, 0, 4, 0}, {0x102, 0x80, 124, 63}}, maps); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if again := maps[0].String() + "," + maps[1].String(); again != s {
		t.Errorf("printed %s", again)
	}
	for bad, says := range map[string]string{
		"{class=1,type=2,len=3}->tun_metadata0":                                      "len 3",
		"{class=1,type=2,len=128}->tun_metadata0":                                    "len 128",
		"{class=1,type=2}->tun_metadata0":                                            "want class, type and len",
		"{class=1,class=2,len=4}->tun_metadata0":                                     "once each",
		"{class=0x10000,type=2,len=4}->tun_metadata0":                                "at most 16 bits",
		"{class=1,type=2,len=4}->tun_metadata64":                                     "only 0 to 63",
		"{class=1,type=2,len=4}->reg0":                                               "col 1",
		"{class=1,type=2,len=4}->tun_metadata0,":                                     "missing after the comma",
		"{class=1,type=2,len=4}->tun_metadata0,{class=1,typ=2,len=4}->tun_metadata1": "col 39",
	} {
		if _, err := ParseTLVMaps(bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q in it", bad, err, says)
		}
	}
}

// TestVendorErrors: each form of an error of an experimenter is read, written
// again and named as Open vSwitch does, and a version has one form of a reason.
func TestVendorErrors(t *testing.T) {
	type at struct {
		v Version
		r ErrorReason
	}
	seen := map[at]bool{}
	var frames [][]byte
	for _, e := range vendorErrors {
		for v := e.from; v <= e.to; v++ {
			if seen[at{v, e.reason}] {
				t.Errorf("%s has two forms in %s", e.reason, v)
			}
			seen[at{v, e.reason}] = true
			request, err := Append(nil, v, 5, &BarrierRequest{})
			if err != nil {
				t.Fatal(err)
			}
			frame := encoded(t, v, 5, NewError(e.reason, request))
			_, m, err := Decode(frame)
			if err != nil {
				t.Fatal(err)
			}
			got := m.(*Error)
			if got.Reason != e.reason || !cmp.Equal(got.Data, request) {
				t.Errorf("%s in %s became %+v", e.reason, v, got)
			}
			if again := encoded(t, v, 5, m); !cmp.Equal(again, frame) {
				t.Errorf("%s in %s: %x became %x", e.reason, v, frame, again)
			}
			frames = append(frames, frame)
		}
	}
	for r := numStandardReasons; r < numReasons; r++ {
		if strings.HasPrefix(r.String(), "OFP") != strings.HasPrefix(r.TypeName(), "OFPET_") || r.String() == "" {
			t.Errorf("reason %d: %q of type %q", r, r, r.TypeName())
		}
	}
	comparePrints(t, frames)
}

func TestErrorOfAnUnknownExperimenterStaysRaw(t *testing.T) {
	for _, s := range []string{"0401001800000005ffff0007000099990102030405060708", "0101001800000005b0c20000000023207777000105060708", "0401000e00000005ffff00100000"} {
		frame := unhex(t, s)
		_, m, err := Decode(frame)
		if err != nil || m.(*Error).Reason != ReasonUnknown {
			t.Errorf("%s: %+v, %v", s, m, err)
			continue
		}
		if again := encoded(t, Version(frame[0]), 5, m); !cmp.Equal(again, frame) {
			t.Errorf("%x became %x", frame, again)
		}
	}
}
