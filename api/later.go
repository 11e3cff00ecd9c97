package api

import (
	"sync"

	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// A structured match has a field for each of more than two hundred things, and so
// takes 5 KB of memory; a hundred thousand of them take half a gigabyte, and the
// time to fill and to free it. So the changes of a large request are left as they
// came until each is converted, by whoever converts it, and forgotten then.

// laterLeast is how many bytes a request has whose changes are decoded later.
const laterLeast = 64 << 10

// laterCodec decodes messages as the library does, but for the changes of large
// requests to write flows: those have their bytes in the place of unknown fields,
// where now finds them.
type laterCodec struct{ encoding.CodecV2 }

func newCodec() laterCodec { return laterCodec{encoding.GetCodecV2(grpcproto.Name)} }

// Unmarshal is that of encoding.CodecV2.
func (c laterCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if r, ok := v.(*sluicev1.WriteFlowsRequest); ok && data.Len() >= laterLeast && later(data.Materialize(), r) {
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

var changesField = number((*sluicev1.WriteFlowsRequest)(nil), "changes")

// later decodes a request all but its changes, which alias wire. It reports false
// where it cannot, whether or not another could.
func later(wire []byte, r *sluicev1.WriteFlowsRequest) bool {
	var rest []byte
	changes := 0
	if !fields(wire, func(field, change []byte) {
		if change == nil {
			rest = append(rest, field...)
		} else {
			changes++
		}
	}) || proto.Unmarshal(rest, r) != nil || len(r.Changes) > 0 {
		return false
	}
	all := make([]sluicev1.FlowChange, changes) // of one piece, and counted before: of little each, there may be very many
	r.Changes = make([]*sluicev1.FlowChange, 0, changes)
	return fields(wire, func(_, change []byte) {
		if change != nil {
			c := &all[len(r.Changes)]
			c.ProtoReflect().SetUnknown(protoreflect.RawFields(change))
			r.Changes = append(r.Changes, c)
		}
	})
}

// fields calls f for the fields of a request, with the bytes of each and those of
// the change that it is, nil if it is something else. It reports false if wire is no
// message.
func fields(wire []byte, f func(field, change []byte)) bool {
	for len(wire) > 0 {
		number, kind, head := protowire.ConsumeTag(wire)
		if head < 0 {
			return false
		}
		n := protowire.ConsumeFieldValue(number, kind, wire[head:])
		if n < 0 {
			return false
		}
		var change []byte
		if number == changesField && kind == protowire.BytesType {
			change, _ = protowire.ConsumeBytes(wire[head:])
		}
		f(wire[:head+n], change)
		wire = wire[head+n:]
	}
	return true
}

// lentMatches are used again: they are what it costs to decode a structured flow.
var lentMatches = sync.Pool{New: func() any { return new(sluicev1.Match) }}

// unread returns the bytes of a change that were left for later, nil if none were.
func unread(c *sluicev1.FlowChange) []byte {
	if c == nil || c.Change != nil {
		return nil
	}
	if wire := c.ProtoReflect().GetUnknown(); len(wire) > 0 {
		return wire
	}
	return nil
}

// now decodes a change that was left for later. lent, if it is not nil, is part of
// it, and is given back when the change is converted.
func now(c *sluicev1.FlowChange) (out *sluicev1.FlowChange, lent *sluicev1.Match, err error) {
	wire := unread(c)
	if wire == nil {
		return c, nil, nil
	}
	if out, lent, err = ofFlow(wire); out != nil {
		return out, lent, err
	}
	out = new(sluicev1.FlowChange)
	return out, nil, proto.Unmarshal(wire, out)
}

// ofFlow decodes a change that is nothing but a structured flow, whose match
// is a lent one. It returns nil for all others.
func ofFlow(wire []byte) (*sluicev1.FlowChange, *sluicev1.Match, error) {
	command, spec := only(wire)
	form, flow := only(spec)
	if form != flowField || flow == nil {
		return nil, nil, nil
	}
	match := lentMatches.Get().(*sluicev1.Match)
	f := &sluicev1.Flow{Match: match}
	s := &sluicev1.FlowSpec{Form: &sluicev1.FlowSpec_Flow{Flow: f}}
	c := new(sluicev1.FlowChange)
	switch command {
	case addField:
		c.Change = &sluicev1.FlowChange_Add{Add: s}
	case modifyField:
		c.Change = &sluicev1.FlowChange_Modify{Modify: s}
	case modifyStrictField:
		c.Change = &sluicev1.FlowChange_ModifyStrict{ModifyStrict: s}
	case deleteField:
		c.Change = &sluicev1.FlowChange_Delete{Delete: s}
	case deleteStrictField:
		c.Change = &sluicev1.FlowChange_DeleteStrict{DeleteStrict: s}
	default:
		lentMatches.Put(match)
		return nil, nil, nil
	}
	return c, match, proto.UnmarshalOptions{Merge: true}.Unmarshal(flow, f)
}

// giveBack takes back a match of now; nil is none.
func giveBack(lent *sluicev1.Match) {
	if lent != nil {
		lent.Reset()
		lentMatches.Put(lent)
	}
}

// only returns the one field that a message consists of; nil if there is none, or
// several, or it is no message.
func only(wire []byte) (protowire.Number, []byte) {
	number, kind, head := protowire.ConsumeTag(wire)
	if head < 0 || kind != protowire.BytesType {
		return 0, nil
	}
	b, n := protowire.ConsumeBytes(wire[head:])
	if n < 0 || head+n != len(wire) {
		return 0, nil
	}
	return number, b[:len(b):len(b)]
}

// Numbers of the fields of FlowChange and of FlowSpec.
var (
	addField          = number((*sluicev1.FlowChange)(nil), "add")
	modifyField       = number((*sluicev1.FlowChange)(nil), "modify")
	modifyStrictField = number((*sluicev1.FlowChange)(nil), "modify_strict")
	deleteField       = number((*sluicev1.FlowChange)(nil), "delete")
	deleteStrictField = number((*sluicev1.FlowChange)(nil), "delete_strict")
	textField         = number((*sluicev1.FlowSpec)(nil), "text")
	flowField         = number((*sluicev1.FlowSpec)(nil), "flow")
)

func number(m proto.Message, field protoreflect.Name) protowire.Number {
	return m.ProtoReflect().Descriptor().Fields().ByName(field).Number()
}
