package interop

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	netrack "github.com/netrack/openflow/ofp"

	"github.com/sluice-sdn/sluice/ofp"
)

type netrackMessage interface {
	io.ReaderFrom
	io.WriterTo
}

var wholly = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b ofp.Match) bool { return bytes.Equal(a.OXM(), b.OXM()) }),
}

func tcpMatch() (m ofp.Match) {
	m.SetUint(ofp.FieldInPort, 7)
	m.SetUintMasked(ofp.FieldEthDst, 0x010000000000, 0x010000000000)
	m.SetUint(ofp.FieldEthType, 0x0800)
	m.SetUint(ofp.FieldIPProto, 6)
	m.SetUintMasked(ofp.FieldIPv4Src, 0x0a000000, 0xffffff00)
	m.SetUint(ofp.FieldTCPDst, 80)
	return m
}

// TestNetrackAgrees has netrack/openflow read what ofp writes for 1.3 and write
// it again: the bytes must be the same, and ofp must read them as what it wrote.
// Hello bitmaps, groups, meters, queues and port-mods are left out: there netrack
// is known to lose or shift fields.
func TestNetrackAgrees(t *testing.T) {
	flow := ofp.NewFlowMod(ofp.FlowAdd)
	flow.Cookie, flow.CookieMask, flow.Table, flow.Priority = 0x1122, 0xff, 3, 100
	flow.IdleTimeout, flow.HardTimeout, flow.Flags = 10, 20, ofp.FlowSendFlowRem|ofp.FlowNoByteCounts
	flow.Match = tcpMatch()
	flow.Instructions = []ofp.Instruction{
		ofp.Apply(ofp.SetField(ofp.FieldEthSrc, []byte{1, 2, 3, 4, 5, 6}), ofp.Output(3), ofp.OutputController(128), ofp.Group(9),
			ofp.Action{Type: ofp.ActionPushVLAN, Arg: 0x8100}, ofp.Action{Type: ofp.ActionSetQueue, Arg: 4}),
		ofp.GotoTable(4),
		{Type: ofp.InstructionMeter, Meter: 5},
		{Type: ofp.InstructionWriteMetadata, Metadata: 1, MetadataMask: 0xff},
	}
	tests := []struct {
		name  string
		ours  ofp.Message
		peers netrackMessage
	}{
		{"echo request", &ofp.EchoRequest{Data: []byte("are you there")}, new(netrack.EchoRequest)},
		{"echo reply", &ofp.EchoReply{Data: []byte("yes")}, new(netrack.EchoReply)},
		{"features reply", &ofp.FeaturesReply{DPID: 0xa1, Buffers: 256, Tables: 254, AuxiliaryID: 1, Capabilities: ofp.CapFlowStats | ofp.CapQueueStats}, new(netrack.SwitchFeatures)},
		{"get config reply", &ofp.GetConfigReply{SwitchConfig: ofp.SwitchConfig{Flags: ofp.FragReasm, MissSendLen: 128}}, new(netrack.SwitchConfig)},
		{"packet-in", &ofp.PacketIn{BufferID: 5, TotalLen: 60, Reason: ofp.ReasonAction, Table: 2, Cookie: 99, Match: tcpMatch(), Data: []byte("0123456789")}, new(netrack.PacketIn)},
		{"packet-out", &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: 4, Actions: []ofp.Action{ofp.Output(3)}, Data: []byte("0123456789")}, new(netrack.PacketOut)},
		{"flow-mod", flow, new(netrack.FlowMod)},
		{"flow removed", &ofp.FlowRemoved{Cookie: 7, Priority: 9, Reason: ofp.RemovedDelete, Table: 1, DurationSec: 5, DurationNsec: 6, IdleTimeout: 7, HardTimeout: 8, Packets: 9, Bytes: 10, Match: tcpMatch()}, new(netrack.FlowRemoved)},
		{"port status", &ofp.PortStatus{Reason: ofp.PortModified, Port: ofp.Port{No: 3, HWAddr: ofp.MAC{1, 2, 3, 4, 5, 6}, Name: "eth0", Config: ofp.PortDown, State: ofp.PortLive,
			Curr: ofp.Port10GbFD | ofp.PortFiber, Advertised: 1, Supported: 2, Peer: 4, CurrSpeed: 10, MaxSpeed: 20}}, new(netrack.PortStatus)},
		{"error", ofp.NewError(ofp.FlowModFailedTableFull, []byte("the request")), new(netrack.Error)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frame, err := ofp.Append(nil, ofp.V13, 1, tt.ours)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tt.peers.ReadFrom(bytes.NewReader(frame[ofp.HeaderLen:])); err != nil && err != io.EOF {
				t.Fatalf("netrack does not read it: %v\n%x", err, frame)
			}
			var body bytes.Buffer
			if _, err := tt.peers.WriteTo(&body); err != nil {
				t.Fatalf("netrack does not write it: %v", err)
			}
			if diff := cmp.Diff(frame[ofp.HeaderLen:], body.Bytes()); diff != "" {
				t.Fatalf("bytes -ours +netrack's\n%s", diff)
			}
			back := ofp.New(tt.ours.Type())
			if err := ofp.DecodeInto(append(frame[:ofp.HeaderLen:ofp.HeaderLen], body.Bytes()...), back); err != nil {
				t.Fatal(err)
			}
			want := ofp.Clone(tt.ours)
			if e, ok := want.(*ofp.Error); ok {
				e.ErrType, e.Code = 5, 1 // decoding tells the numbers too
			}
			if diff := cmp.Diff(want, back, wholly); diff != "" {
				t.Errorf("-wrote +read\n%s", diff)
			}
		})
	}
}
