package ofp

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// standardFrames are messages of each kind in each of its versions, as they
// follow the header. A row with several versions has the same bytes in all.
var standardFrames = []struct {
	name string
	vs   []Version
	m    Message
	want string
}{
	{"group_mod", []Version{V11, V12, V13}, &GroupMod{Command: GroupModify, GroupType: GroupTypeSelect, Group: 7, Buckets: []Bucket{
		{Weight: 50, WatchPort: PortAny, WatchGroup: GroupAny, Actions: []Action{Output(3)}}, {WatchPort: 4, WatchGroup: 9}}},
		"0001010000000007" + "00200032ffffffffffffffff00000000" + "00000010000000030000000000000000" + "00100000000000040000000900000000"},
	{"port_mod", []Version{V10}, &PortMod{Port: PortLocal, HWAddr: MAC{1, 2, 3, 4, 5, 6}, Config: PortDown, Mask: PortDown | PortNoFlood, Advertise: PortCopper},
		"fffe010203040506" + "00000001" + "00000011" + "00000080" + "00000000"},
	{"port_mod", []Version{V11, V12, V13}, &PortMod{Port: 5, HWAddr: MAC{1, 2, 3, 4, 5, 6}, Config: PortDown, Mask: PortDown | PortNoFwd, Advertise: PortCopper},
		"0000000500000000" + "0102030405060000" + "00000001" + "00000021" + "00000800" + "00000000"},
	{"table_mod", []Version{V11, V12, V13}, &TableMod{Table: 4, Config: 2}, "0400000000000002"},
	{"queue_get_config_request", []Version{V10}, &QueueGetConfigRequest{Port: 3}, "00030000"},
	{"queue_get_config_request", []Version{V11, V12, V13}, &QueueGetConfigRequest{Port: PortAny}, "ffffffff00000000"},
	{"queue_get_config_reply", []Version{V10}, &QueueGetConfigReply{Port: 3, Queues: []Queue{{ID: 9, Properties: []QueueProperty{{Type: QueueMinRate, Rate: 100}}}, {ID: 10}}},
		"0003000000000000" + "0000000900180000" + "0001001000000000" + "0064000000000000" + "0000000a00080000"},
	{"queue_get_config_reply", []Version{V11}, &QueueGetConfigReply{Port: 3, Queues: []Queue{{ID: 9, Properties: []QueueProperty{{Type: QueueMinRate, Rate: 100}}}}},
		"0000000300000000" + "0000000900180000" + "0001001000000000" + "0064000000000000"},
	{"queue_get_config_reply", []Version{V12, V13}, &QueueGetConfigReply{Port: PortAny, Queues: []Queue{{ID: 9, Port: 3, Properties: []QueueProperty{
		{Type: QueueMinRate, Rate: 100}, {Type: QueueMaxRate, Rate: 900}, {Type: QueueExperimenter, Experimenter: 0x2320, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}}, {Type: 7, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}}}}}},
		"ffffffff00000000" + "00000009000000030058000000000000" + "00010010000000000064000000000000" + "00020010000000000384000000000000" +
			"ffff001800000000" + "00002320000000000102030405060708" + "0007001000000000" + "0102030405060708"},
	{"role_request", []Version{V12, V13}, &RoleRequest{RoleState{Role: RoleMaster, Generation: 3}}, "00000002000000000000000000000003"},
	{"role_reply", []Version{V12, V13}, &RoleReply{RoleState{Role: RoleSlave, Generation: ^uint64(0)}}, "0000000300000000ffffffffffffffff"},
	{"get_async_request", []Version{V13}, &GetAsyncRequest{}, ""},
	{"get_async_reply", []Version{V13}, &GetAsyncReply{AsyncMasks{PacketIn: [2]uint32{1, 2}, PortStatus: [2]uint32{3, 4}, FlowRemoved: [2]uint32{5, 6}}},
		"000000010000000200000003000000040000000500000006"},
	{"set_async", []Version{V13}, &SetAsync{AsyncMasks{PacketIn: [2]uint32{7, 0}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{15, 0}}},
		"000000070000000000000007000000070000000f00000000"},
	{"meter_mod", []Version{V13}, &MeterMod{Command: MeterAdd, Flags: MeterKbps | MeterBurst, Meter: 3, Bands: []MeterBand{
		{Type: BandDrop, Rate: 1000, Burst: 10}, {Type: BandDSCPRemark, Rate: 500, Burst: 20, PrecLevel: 2},
		{Type: BandExperimenter, Rate: 1, Experimenter: 0x2320, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}}, {Type: 9, Rate: 2, Data: []byte{1, 2, 3, 4}}}},
		"0000000500000003" + "00010010000003e80000000a00000000" + "00020010000001f40000001402000000" +
			"ffff0018000000010000000000002320" + "0102030405060708" + "00090010000000020000000001020304"},
	{"queue stats request", []Version{V10}, Request(&QueueStatsRequest{Port: PortAny, Queue: QueueAll}), "00050000fffc0000ffffffff"},
	{"queue stats request", []Version{V11, V12, V13}, Request(&QueueStatsRequest{Port: PortAny, Queue: 3}), "0005000000000000ffffffff00000003"},
	{"queue stats reply", []Version{V10}, &MultipartReply{Body: &QueueStatsReply{Queues: []QueueStats{{Port: PortLocal, Queue: 1, TxBytes: 2, TxPackets: 3, TxErrors: 4}}}},
		"00050000" + "fffe0000" + "00000001" + "0000000000000002" + "0000000000000003" + "0000000000000004"},
	{"queue stats reply", []Version{V11, V12}, &MultipartReply{Body: &QueueStatsReply{Queues: []QueueStats{{Port: PortLocal, Queue: 1, TxBytes: 2, TxPackets: 3, TxErrors: 4}}}},
		"0005000000000000" + "fffffffe" + "00000001" + "0000000000000002" + "0000000000000003" + "0000000000000004"},
	{"queue stats reply", []Version{V13}, &MultipartReply{Body: &QueueStatsReply{Queues: []QueueStats{{Port: 1, Queue: 1, TxBytes: 2, TxPackets: 3, TxErrors: 4, DurationSec: 5, DurationNsec: 6}}}},
		"0005000000000000" + "00000001" + "00000001" + "0000000000000002" + "0000000000000003" + "0000000000000004" + "0000000500000006"},
	{"group stats request", []Version{V11, V12, V13}, Request(&GroupStatsRequest{Group: GroupAll}), "0006000000000000fffffffc00000000"},
	{"group stats reply", []Version{V11, V12}, &MultipartReply{Body: &GroupStatsReply{Groups: []GroupStats{{Group: 1, RefCount: 2, Packets: 3, Bytes: 4, Buckets: []BucketStats{{5, 6}}}}}},
		"0006000000000000" + "0030000000000001" + "0000000200000000" + "0000000000000003" + "0000000000000004" + "00000000000000050000000000000006"},
	{"group stats reply", []Version{V13}, &MultipartReply{Body: &GroupStatsReply{Groups: []GroupStats{{Group: 1, RefCount: 2, Packets: 3, Bytes: 4, DurationSec: 7, DurationNsec: 8, Buckets: []BucketStats{{5, 6}}}}}},
		"0006000000000000" + "0038000000000001" + "0000000200000000" + "0000000000000003" + "0000000000000004" + "0000000700000008" + "00000000000000050000000000000006"},
	{"group desc request", []Version{V11, V12, V13}, Request(&GroupDescRequest{}), "0007000000000000"},
	{"group desc reply", []Version{V11, V12, V13}, &MultipartReply{Flags: MultipartMore, Body: &GroupDescReply{Groups: []GroupDesc{
		{GroupType: GroupTypeFastFailover, Group: 5, Buckets: []Bucket{{WatchPort: 2, WatchGroup: GroupAny, Actions: []Action{Output(2)}}}}, {Group: 6}}}},
		"0007000100000000" + "0028030000000005" + "0020000000000002ffffffff00000000" + "00000010000000020000000000000000" + "0008000000000006"},
	{"group features request", []Version{V12, V13}, Request(&GroupFeaturesRequest{}), "0008000000000000"},
	{"group features reply", []Version{V12, V13}, &MultipartReply{Body: &GroupFeatures{Types: 15, Capabilities: GroupSelectWeight | GroupChaining, MaxGroups: [4]uint32{1, 2, 3, 4}, Actions: [4]uint32{5, 6, 7, 8}}},
		"0008000000000000" + "0000000f00000005" + "00000001000000020000000300000004" + "00000005000000060000000700000008"},
	{"meter stats request", []Version{V13}, Request(&MeterStatsRequest{Meter: MeterAll}), "0009000000000000ffffffff00000000"},
	{"meter stats reply", []Version{V13}, &MultipartReply{Body: &MeterStatsReply{Meters: []MeterCounters{{Meter: 1, Flows: 2, Packets: 3, Bytes: 4, DurationSec: 5, DurationNsec: 6, Bands: []BandStats{{7, 8}}}}}},
		"0009000000000000" + "0000000100380000" + "0000000000000002" + "0000000000000003" + "0000000000000004" + "0000000500000006" + "00000000000000070000000000000008"},
	{"meter config request", []Version{V13}, Request(&MeterConfigRequest{Meter: 7}), "000a0000000000000000000700000000"},
	{"meter config reply", []Version{V13}, &MultipartReply{Body: &MeterConfigReply{Meters: []MeterConfig{{Flags: MeterPktps | MeterStats, Meter: 4, Bands: []MeterBand{{Type: BandDrop, Rate: 9}}}}}},
		"000a000000000000" + "0018000a00000004" + "00010010000000090000000000000000"},
	{"meter features request", []Version{V13}, Request(&MeterFeaturesRequest{}), "000b000000000000"},
	{"meter features reply", []Version{V13}, &MultipartReply{Body: &MeterFeatures{MaxMeter: 1, BandTypes: 6, Capabilities: 15, MaxBands: 8, MaxColor: 9}},
		"000b000000000000" + "00000001" + "00000006" + "0000000f" + "08090000"},
	{"table features request", []Version{V13}, Request(&TableFeaturesRequest{}), "000c000000000000"},
	{"table features reply", []Version{V13}, &MultipartReply{Body: &TableFeaturesReply{Tables: []TableFeatures{{Table: 3, Name: "acl", MetadataMatch: 1, MetadataWrite: 2, Config: 3, MaxEntries: 4,
		Properties: []TableProperty{{TableNextTables, []byte{4, 5}}, {TableApplyActions, []byte{0, 0, 0, 4}}, {TableExperimenterMiss, []byte{0, 0, 0x23, 0x20, 0, 0, 0, 1, 9}}}}, {Table: 4}}}},
		"000c000000000000" + "0060030000000000" + "61636c" + strings.Repeat("00", 29) + "0000000000000001" + "0000000000000002" + "0000000300000004" +
			"0002000604050000" + "0006000800000004" + "ffff000d00002320" + "0000000109000000" +
			"0040040000000000" + strings.Repeat("00", 56)},
	{"experimenter", Versions(), &Experimenter{Experimenter: 0x2320, Data: []byte{0, 0, 0, 0, 1}}, "000023200000000001"},
	{"experimenter request", []Version{V10}, Request(&ExperimenterPart{Experimenter: 0x2320, Data: []byte{1}}), "ffff00000000232001"},
	{"experimenter request", []Version{V11, V12, V13}, Request(&ExperimenterPart{Experimenter: 0x2320, Data: []byte{0, 0, 0x77, 9}}), "ffff0000000000000000232000007709"},
	{"experimenter reply", []Version{V11, V12, V13}, &MultipartReply{Body: &ExperimenterPart{Experimenter: 0x2320, Data: []byte{0, 0, 0x77, 9}}}, "ffff0000000000000000232000007709"},
	{"flow filter", []Version{V12, V13}, Request(&FlowStatsRequest{FlowFilter{Table: 3, OutPort: 1, OutGroup: 2, Cookie: 3, CookieMask: 4}}),
		"0001000000000000" + "0300000000000001" + "0000000200000000" + "0000000000000003" + "0000000000000004" + "0001000400000000"},
	{"flow filter", []Version{V11}, Request(&FlowStatsRequest{FlowFilter{Table: TableAll, OutPort: PortAny, OutGroup: GroupAny, Cookie: 3, CookieMask: 4}}),
		"0001000000000000" + "ff000000ffffffff" + "ffffffff00000000" + "0000000000000003" + "0000000000000004" +
			"0000005800000000" + "000003ff" + strings.Repeat("00", 6) + strings.Repeat("ff", 6) + strings.Repeat("00", 6) + strings.Repeat("ff", 6) +
			strings.Repeat("00", 12) + "ffffffff" + "00000000" + "ffffffff" + strings.Repeat("00", 20) + strings.Repeat("ff", 8)},
	{"flow filter", []Version{V10}, Request(&FlowStatsRequest{FlowFilter{Table: 3, OutPort: PortLocal, OutGroup: GroupAny}}), "00010000" + "003820ff" + strings.Repeat("00", 36) + "0300fffe"},
	{"flow stats reply", []Version{V10}, &MultipartReply{Body: &FlowStatsReply{Flows: []FlowStats{{Table: 1, DurationSec: 2, DurationNsec: 3, Priority: 4, IdleTimeout: 5, HardTimeout: 6, Cookie: 7, Packets: 8, Bytes: 9,
		Instructions: []Instruction{Apply(Output(3))}}}}},
		"00010000" + "00600100" + "003820ff" + strings.Repeat("00", 36) + "0000000200000003" + "000400050006" + "000000000000" +
			"0000000000000007" + "0000000000000008" + "0000000000000009" + "0000000800030000"},
	{"aggregate reply", []Version{V10}, &MultipartReply{Body: &AggregateReply{Packets: 1, Bytes: 2, Flows: 3}}, "00020000" + "0000000000000001" + "0000000000000002" + "0000000300000000"},
	{"aggregate filter", []Version{V10}, Request(&AggregateRequest{AllFlows()}), "00020000" + "003820ff" + strings.Repeat("00", 36) + "ff00ffff"},
}

func TestStandardMessages(t *testing.T) {
	for _, tt := range standardFrames {
		for _, v := range tt.vs {
			t.Run(tt.name+" "+v.String(), func(t *testing.T) {
				frame := encoded(t, v, 1, tt.m)
				if got := hex.EncodeToString(frame[HeaderLen:]); got != tt.want {
					t.Fatalf("encoded\n got %s\nwant %s", got, tt.want)
				}
				_, back, err := Decode(frame)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.m, back, wholly); diff != "" {
					t.Errorf("decoded -want +got\n%s", diff)
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
			})
		}
	}
}

// TestEveryStandardMessageHasItsBytes: no row of the tables of messages and of
// multipart kinds is without golden bytes, here or in the recorded messages.
func TestEveryStandardMessageHasItsBytes(t *testing.T) {
	type row struct {
		v    Version
		t    Type
		part PartKind
	}
	seen := map[row]bool{}
	note := func(v Version, m Message) {
		r := row{v: v, t: m.Type()}
		switch m := m.(type) {
		case *MultipartRequest:
			r.part = m.Body.Kind()
		case *MultipartReply:
			r.part = m.Body.Kind()
		}
		seen[r] = true
	}
	for _, tt := range standardFrames {
		for _, v := range tt.vs {
			note(v, tt.m)
		}
	}
	for _, r := range corpus(t) {
		h, m, err := Decode(r.frame(t))
		if err != nil {
			t.Fatal(err)
		}
		note(h.Version, m)
	}
	// These have theirs in TestGoldenBytes.
	seen[row{v: V10, t: TypeError}], seen[row{v: V10, t: TypePacketIn}], seen[row{v: V13, t: TypePacketIn}] = true, true, true
	for _, v := range Versions() {
		for typ := TypeHello; typ < numTypes; typ++ {
			if _, ok := messages[typ].wire.in(v); !ok { // the others are experimenters'
				continue
			}
			if typ == TypeMultipartRequest || typ == TypeMultipartReply {
				for _, p := range parts {
					if p.from <= v && !seen[row{v, typ, p.kind}] {
						t.Errorf("%s %s %s has no golden bytes", v, typ, p.kind)
					}
				}
				continue
			}
			if !seen[row{v: v, t: typ}] {
				t.Errorf("%s %s has no golden bytes", v, typ)
			}
		}
	}
}

func TestPartsThatAVersionLacks(t *testing.T) {
	for _, p := range parts {
		for _, v := range Versions() {
			for direction := range p.body {
				m := Message(&MultipartRequest{Body: p.body[direction].make()})
				if direction == reply {
					m = &MultipartReply{Body: p.body[direction].make()}
				}
				frame, err := Append(nil, v, 1, m)
				if lacks := v < p.from; lacks != errors.Is(err, ErrVersion) {
					t.Errorf("%s %s: %v", v, p.kind, err)
				} else if !lacks {
					checkFrame(t, frame)
				}
			}
		}
	}
	frame := encoded(t, V10, 1, &MultipartReply{Body: &RawPart{PartKind: PartMeter, Body: []byte{1}}})
	if _, m, err := Decode(frame); err != nil {
		t.Error(err)
	} else if _, raw := m.(*MultipartReply).Body.(*RawPart); !raw {
		t.Errorf("meter statistics of 1.0 became a %T, want them raw", m.(*MultipartReply).Body)
	}
}

func TestJoin(t *testing.T) {
	first := &MultipartReply{Flags: MultipartMore, Body: &GroupStatsReply{Groups: []GroupStats{{Group: 1}}}}
	if err := first.Join(&MultipartReply{Body: &GroupStatsReply{Groups: []GroupStats{{Group: 2}, {Group: 3}}}}); err != nil {
		t.Fatal(err)
	}
	want := &MultipartReply{Body: &GroupStatsReply{Groups: []GroupStats{{Group: 1}, {Group: 2}, {Group: 3}}}}
	if diff := cmp.Diff(want, first, wholly); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, p := range parts {
		to, from := &MultipartReply{Body: p.body[reply].make()}, &MultipartReply{Body: p.body[reply].make()}
		_, isList := map[PartKind]bool{PartFlow: true, PartTable: true, PartPort: true, PartQueue: true, PartGroup: true, PartGroupDesc: true,
			PartMeter: true, PartMeterConfig: true, PartTableFeatures: true, PartPortDesc: true}[p.kind]
		if err := to.Join(from); (err == nil) != isList {
			t.Errorf("%s: %v", p.kind, err)
		}
		if err := to.Join(&MultipartReply{Body: &RawPart{PartKind: 99}}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s and another kind: %v", p.kind, err)
		}
	}
}
