package api

import (
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// laterSamples are changes of all commands and forms, those with little between
// those with much.
func laterSamples() (all []*sluicev1.FlowChange) {
	ethType, port := uint32(0x0800), uint32(80)
	src := "10.0.0.0/8"
	specs := []*sluicev1.FlowSpec{
		nil, {},
		{Form: &sluicev1.FlowSpec_Text{Text: "priority=7,tcp,tp_dst=80"}},
		{Form: &sluicev1.FlowSpec_Flow{Flow: &sluicev1.Flow{Match: &sluicev1.Match{EthType: &ethType, Ipv4Src: &src}}}},
		{Form: &sluicev1.FlowSpec_Flow{Flow: &sluicev1.Flow{}}},
		{Form: &sluicev1.FlowSpec_Flow{Flow: &sluicev1.Flow{Cookie: 9, Match: &sluicev1.Match{}}}},
		{Form: &sluicev1.FlowSpec_Flow{Flow: &sluicev1.Flow{Match: &sluicev1.Match{TcpDst: &port}}}}, // it needs more
	}
	for _, s := range specs {
		all = append(all, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Add{Add: s}}, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Modify{Modify: s}},
			&sluicev1.FlowChange{Change: &sluicev1.FlowChange_ModifyStrict{ModifyStrict: s}}, &sluicev1.FlowChange{Change: &sluicev1.FlowChange_Delete{Delete: s}},
			&sluicev1.FlowChange{Change: &sluicev1.FlowChange_DeleteStrict{DeleteStrict: s}})
	}
	return append(all, &sluicev1.FlowChange{})
}

// A change that is decoded later becomes what it becomes at once.
func TestLaterIsTheSame(t *testing.T) {
	r := &sluicev1.WriteFlowsRequest{Switch: "br0", Owner: "ann", RequestId: "r", Level: sluicev1.WriteLevel_WRITE_LEVEL_SENT, Bundle: true, ExpectedRevision: proto.Uint64(3)}
	for range 500 {
		r.Changes = append(r.Changes, laterSamples()...)
	}
	wire, err := proto.Marshal(r)
	if err != nil || len(wire) < laterLeast {
		t.Fatalf("%d bytes, %v", len(wire), err)
	}
	var got sluicev1.WriteFlowsRequest
	if err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(wire[:1000]), mem.SliceBuffer(wire[1000:])}, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Changes) != len(r.Changes) || len(got.Changes[3].ProtoReflect().GetUnknown()) == 0 {
		t.Fatalf("%d changes, want %d, left for later", len(got.Changes), len(r.Changes))
	}
	for i, c := range got.Changes {
		compareConverted(t, c, r.Changes[i])
	}
	r.Changes, got.Changes = nil, nil
	if !proto.Equal(r, &got) {
		t.Errorf("beside the changes there is %v, want %v", &got, r)
	}
}

func compareConverted(t *testing.T, later, atOnce *sluicev1.FlowChange) {
	t.Helper()
	m, err := toFlowMod(later, nil)
	want, wantErr := toFlowMod(atOnce, nil)
	if d := unlike(m, want, err, wantErr); d != "" {
		t.Fatalf("%v: %s", atOnce, d)
	}
}

// unlike says how what became of a change is not as it should be.
func unlike(m, want *ofp.FlowMod, err, wantErr error) string {
	if fmt.Sprint(err) == fmt.Sprint(wantErr) && reflect.DeepEqual(m, want) {
		return ""
	}
	return fmt.Sprintf("%+v, %v; want %+v, %v", m, err, want, wantErr)
}

// A change that is no message is told by its place.
func TestLaterIsWrong(t *testing.T) {
	var wire []byte
	add := func(b []byte) {
		wire = protowire.AppendBytes(protowire.AppendTag(wire, changesField, protowire.BytesType), b)
	}
	good, err := proto.Marshal(laterSamples()[15])
	if err != nil {
		t.Fatal(err)
	}
	for len(wire) < laterLeast {
		add(good)
	}
	var r sluicev1.WriteFlowsRequest
	bad := []byte{0x0a, 0x05, 1}
	// Nothing but a flow, which is none.
	flow := protowire.AppendBytes(protowire.AppendTag(nil, flowField, protowire.BytesType), bad)
	for _, b := range [][]byte{bad, protowire.AppendBytes(protowire.AppendTag(nil, addField, protowire.BytesType), flow)} {
		before := wire
		add(b)
		add(good)
		if err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(wire)}, &r); err != nil {
			t.Fatal(err)
		}
		_, err = toMessages(r.Changes, nil, toFlowMod)
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v", err)
		}
		wantTexts(t, "message", status.Convert(err).Message(), fmt.Sprintf("changes[%d]", len(r.Changes)-2), "wire-format")
		wire = before
	}
	if err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(append(wire, 0x0a))}, &r); err == nil {
		t.Error("half a message is decoded")
	}
}

// FuzzLater compares the ways to decode a change.
func FuzzLater(f *testing.F) {
	for _, c := range laterSamples() {
		wire, err := proto.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
		f.Add(append(wire, wire...))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var r sluicev1.WriteFlowsRequest
		if !later(protowire.AppendBytes(protowire.AppendTag(nil, changesField, protowire.BytesType), wire), &r) || len(r.Changes) != 1 {
			t.Fatal("a request is none")
		}
		atOnce := new(sluicev1.FlowChange)
		if err := proto.Unmarshal(wire, atOnce); err != nil {
			var m *ofp.FlowMod
			if m, err = toFlowMod(r.Changes[0], nil); err == nil {
				t.Fatalf("no message is converted to %v", m)
			}
			return
		}
		compareConverted(t, r.Changes[0], atOnce)
	})
}
