package ofp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/test/need"
)

// ovsOfctl runs ovs-ofctl, or skips the test where there is none.
func ovsOfctl(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	path := need.Program(t, "ovs-ofctl", "openvswitch-switch")
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("ovs-ofctl %s: %v\n%s%s", strings.Join(args, " "), err, errs.String(), out.String())
	}
	return out.String()
}

// ovsPrint returns what ovs-ofctl prints for each frame, in one run of it.
func ovsPrint(t *testing.T, frames [][]byte) []string {
	t.Helper()
	// A barrier request between two frames shows where the text of one ends.
	const mark = 0xfeedbee0
	var file []byte
	for _, f := range frames {
		file = append(file, f...)
		var err error
		if file, err = Append(file, V10, mark, &BarrierRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "frames")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	texts := strings.Split(ovsOfctl(t, "ofp-parse", name), fmt.Sprintf("OFPT_BARRIER_REQUEST (xid=0x%x):\n", uint32(mark)))
	if len(texts) != len(frames)+1 {
		t.Fatalf("ovs-ofctl printed %d messages, want %d", len(texts)-1, len(frames))
	}
	return texts[:len(frames)]
}

// comparePrints compares what Print and ovs-ofctl make of frames.
func comparePrints(t *testing.T, frames [][]byte) {
	t.Helper()
	bad := 0
	for i, want := range ovsPrint(t, frames) {
		if got, want := trimLines(Print(frames[i])), trimLines(want); got != want {
			t.Errorf("%x\n got %s\nwant %s", frames[i], got, want)
			if bad++; bad == 10 {
				t.Fatal("and so on")
			}
		}
	}
	t.Logf("compared %d messages", len(frames))
}

const generated = 300

func TestGeneratedFlowsPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	for _, v := range Versions() {
		t.Run(v.String(), func(t *testing.T) {
			var frames [][]byte
			for i := range generated {
				m := genFlow(v, true).Example(i)
				if eth, _, _ := m.Match.Uint(FieldEthType); v == V11 && eth == ethIPv6 {
					continue // the 1.1 match has no IPv6: Open vSwitch reads nothing but the Ethernet type
				}
				frame, err := Append(nil, v, uint32(i), m)
				if errors.Is(err, ErrVersion) {
					continue // the generator does not know what every version lacks
				}
				if err != nil {
					t.Fatalf("%s: %v", m, err)
				}
				frames = append(frames, frame)
			}
			if len(frames) < generated/10 {
				t.Fatalf("only %d of %d flows could be encoded", len(frames), generated)
			}
			comparePrints(t, frames)
		})
	}
}

func TestOpenVSwitchTakesPrintedFlows(t *testing.T) {
	for _, v := range []Version{V10, V13} {
		t.Run(v.String(), func(t *testing.T) {
			var lines []string
			for i := range generated {
				m := genFlow(v, true).Example(i)
				if _, err := Append(nil, v, 1, m); errors.Is(err, ErrVersion) {
					continue
				}
				lines = append(lines, m.String())
				f := FlowStats{Table: m.Table, Priority: m.Priority, IdleTimeout: m.IdleTimeout, HardTimeout: m.HardTimeout, Cookie: m.Cookie,
					Flags: m.Flags, Match: m.Match, Instructions: m.Instructions, DurationSec: 3, DurationNsec: 1e6 * uint32(i), Packets: 7, Bytes: 1 << 40}
				lines = append(lines, f.String())
				again, err := ParseFlow(f.String(), FlowAdd, nil)
				if err != nil || again.String() != m.String() {
					t.Errorf("%s:\n read again as %v, %v\n want %s", f.String(), again, err, m)
				}
			}
			name := filepath.Join(t.TempDir(), "flows")
			if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out := ovsOfctl(t, "-O", "OpenFlow"+strings.ReplaceAll(v.String(), ".", ""), "parse-flows", name)
			if got := strings.Count(out, "FLOW_MOD"); got < len(lines) {
				t.Errorf("ovs-ofctl took %d of %d flows\n%s", got, len(lines), out)
			}
			t.Logf("ovs-ofctl took %d lines", len(lines))
		})
	}
}

func TestErrorsPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var frames [][]byte
	for _, v := range Versions() {
		for r := ReasonUnknown + 1; r < numStandardReasons; r++ {
			frame, err := Append(nil, v, 1, NewError(r, nil))
			if err != nil {
				continue // the version has no such error
			}
			frames = append(frames, frame)
		}
	}
	comparePrints(t, frames)
}

func TestOtherMessagesPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	var match Match
	match.SetUint(FieldEthType, ethIPv4)
	match.SetUintMasked(FieldIPv4Dst, 0x0a000000, 0xff000000)
	deletion := func(c FlowCommand, port PortNo) *FlowMod {
		m := NewFlowMod(c)
		m.Table, m.OutPort, m.Match = 0, port, match // Open vSwitch knows no "all tables" in 1.1
		return m
	}
	group := deletion(FlowDelete, PortAny)
	group.OutGroup, group.Cookie, group.CookieMask = 5, 0x12, 0xff
	everywhere := deletion(FlowDelete, PortAny)
	everywhere.Table = TableAll
	modify := NewFlowMod(FlowModify)
	modify.Cookie, modify.CookieMask, modify.BufferID = 0x12, 0xff, 0x77
	modify.Instructions = []Instruction{Apply(Output(1))}
	add := NewFlowMod(FlowAdd)
	add.Cookie, add.BufferID = 0x99, 3
	filter := AllFlows()
	filter.Table, filter.OutPort, filter.Match = 3, PortLocal, match
	grouped := AllFlows()
	grouped.OutGroup, grouped.Cookie, grouped.CookieMask = 7, 1, 3
	var in Match
	in.SetUint(FieldInPort, 3)
	tunnel := in.Clone()
	tunnel.SetUint(FieldMetadata, 5)
	tunnel.SetUint(FieldTunnelID, 6)
	port := Port{No: 1, Name: "eth1", HWAddr: MAC{1, 2, 3, 4, 5, 6}, Config: PortDown | PortNoRecv | PortNoFwd | PortNoPacketIn, State: PortLinkDown,
		Curr: Port10GbFD | PortCopper, Advertised: Port1GbFD | PortAutoneg, Supported: Port10MbHD | Port10GbFD | PortFiber | PortPause, Peer: PortPauseAsym}
	fast := port
	fast.Config, fast.State, fast.CurrSpeed, fast.MaxSpeed = 0, PortLive|PortBlocked, 123456, 40_000_000
	stp := port
	stp.Config, stp.State = PortNoSTP|PortNoRecvSTP|PortNoFlood, 2<<8 // with LINK_DOWN Open vSwitch forgets the space between
	removed := func(r FlowRemovedReason) *FlowRemoved {
		return &FlowRemoved{Cookie: 5, Priority: 9, Reason: r, Table: 2, DurationSec: 1, DurationNsec: 1234567, IdleTimeout: 3, HardTimeout: 4, Packets: 5, Bytes: 6, Match: match}
	}
	stats := PortStats{Port: 1, RxPackets: 1, TxPackets: 2, RxBytes: 3, TxBytes: 4, RxDropped: CounterUnknown, TxErrors: 5, Collisions: 6, DurationSec: 7, DurationNsec: 5e8}
	var frames [][]byte
	for _, v := range Versions() {
		for _, m := range []Message{
			NewHello(V10, V13), &Hello{}, NewError(HelloFailedIncompatible, []byte("no version\x00in common")),
			NewError(FlowModFailedTableFull, mustAppend(t, v, deletion(FlowDelete, 1))), NewError(FlowModFailedOverlap, bytes.Repeat([]byte{byte(v), 14, 1, 0}, 20)),
			&EchoRequest{Data: []byte("seventeen letters")}, &FeaturesRequest{}, &GetConfigRequest{}, &BarrierRequest{}, &BarrierReply{},
			&FeaturesReply{DPID: 7, Buffers: 256, Tables: 3, Capabilities: 0x1ff &^ 0x10},
			&FeaturesReply{DPID: 7, AuxiliaryID: 3, Ports: []Port{fast, port}}, &FeaturesReply{Capabilities: 0, Actions: 0xfff},
			&SetConfig{SwitchConfig{Flags: FragReasm, MissSendLen: 128}}, &GetConfigReply{SwitchConfig{Flags: FragNXMatch}},
			deletion(FlowDelete, 1), deletion(FlowDeleteStrict, PortLocal), group, modify, add, everywhere,
			&FlowMod{Command: FlowDelete, OutPort: PortAny, OutGroup: GroupAny, BufferID: NoBuffer, Priority: 5},
			removed(RemovedIdleTimeout), removed(RemovedHardTimeout), removed(RemovedDelete), removed(RemovedGroupDelete),
			&PortStatus{Reason: PortDeleted, Port: port}, &PortStatus{Port: fast}, &PortStatus{Port: stp, Reason: PortModified},
			&PacketIn{BufferID: NoBuffer, TotalLen: 60, Match: in, Reason: ReasonAction, Data: make([]byte, 20)},
			&PacketIn{BufferID: 5, TotalLen: 10, Match: in, Reason: ReasonNoMatch, Table: 2, Data: make([]byte, 20)},
			&PacketIn{BufferID: NoBuffer, TotalLen: 20, Match: tunnel, Cookie: ^uint64(0), Reason: ReasonInvalidTTL, Data: make([]byte, 20)},
			&PacketOut{BufferID: 9, InPort: 3, Actions: []Action{Output(PortFlood)}}, &PacketOut{BufferID: NoBuffer, InPort: PortController},
			Request(&DescRequest{}), Request(&FlowStatsRequest{FlowFilter: filter}), Request(&AggregateRequest{FlowFilter: filter}),
			Request(&FlowStatsRequest{FlowFilter: grouped}), Request(&AggregateRequest{FlowFilter: AllFlows()}),
			Request(&PortStatsRequest{Port: 3}), Request(&PortDescRequest{}), Request(&TableStatsRequest{}),
			&MultipartReply{Body: &Desc{Manufacturer: "a", Hardware: "b", Software: "c", Serial: "d", Datapath: "e"}},
			&MultipartReply{Body: &AggregateReply{Packets: 1, Bytes: 2, Flows: 3}},
			&MultipartReply{Body: &PortDescReply{Ports: []Port{fast, port, stp}}},
			&MultipartReply{Body: &PortStatsReply{Ports: []PortStats{stats, {Port: PortLocal}}}},
			&MultipartReply{Body: &FlowStatsReply{}}, &MultipartReply{Body: &PortStatsReply{}}, &MultipartReply{Body: &TableStatsReply{}},
		} {
			if m == Message(everywhere) && v == V11 {
				continue
			}
			frame, err := Append(nil, v, 1, m)
			if errors.Is(err, ErrVersion) {
				continue
			}
			if err != nil {
				t.Fatalf("%T: %v", m, err)
			}
			frames = append(frames, frame)
		}
	}
	comparePrints(t, frames)
}

func mustAppend(t *testing.T, v Version, m Message) []byte {
	t.Helper()
	b, err := Append(nil, v, 1, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
