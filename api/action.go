package api

import (
	"encoding/binary"
	"fmt"
	"net"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// actionFields pairs each type of action with the field of the same name in the
// API's Action.
var actionFields = func() map[ofp.ActionType]protoreflect.FieldDescriptor {
	names := (*sluicev1.Action)(nil).ProtoReflect().Descriptor().Fields()
	t := map[ofp.ActionType]protoreflect.FieldDescriptor{}
	for a := ofp.ActionUnknown + 1; a.String() != "unknown"; a++ {
		if f := names.ByName(protoreflect.Name(a.String())); f != nil {
			t[a] = f
		}
	}
	return t
}()

// actionTypes is actionFields turned round.
var actionTypes = func() map[protoreflect.Name]ofp.ActionType {
	t := map[protoreflect.Name]ofp.ActionType{}
	for a, f := range actionFields {
		t[f.Name()] = a
	}
	return t
}()

// toActions converts a list of actions; an error names the place in the list.
func toActions(list []*sluicev1.Action, n *ofp.Names) ([]ofp.Action, error) {
	var out []ofp.Action
	for i, a := range list {
		x, err := toAction(a, n)
		if err != nil {
			return nil, at(fmt.Sprintf("[%d]", i), err)
		}
		out = append(out, x)
	}
	return out, nil
}

func toAction(a *sluicev1.Action, n *ofp.Names) (ofp.Action, error) {
	r := a.ProtoReflect()
	f := r.WhichOneof(r.Descriptor().Oneofs().ByName("action"))
	if f == nil {
		return ofp.Action{}, fmt.Errorf("no action is set: want one, such as output")
	}
	var x ofp.Action
	var err error
	if raw := a.GetOther(); raw != nil {
		x, err = toRawAction(raw)
	} else {
		x, err = toArguments(actionTypes[f.Name()], r.Get(f), f, n)
	}
	if err == nil {
		err = x.Validate()
	}
	if err != nil {
		return ofp.Action{}, at(string(f.Name()), err)
	}
	return x, nil
}

func toArguments(t ofp.ActionType, v protoreflect.Value, f protoreflect.FieldDescriptor, n *ofp.Names) (ofp.Action, error) {
	x := ofp.Action{Type: t}
	switch f.Kind() {
	case protoreflect.Uint32Kind:
		x.Arg = uint32(v.Uint())
	case protoreflect.BoolKind:
		if !v.Bool() {
			return x, fmt.Errorf("want true, or another action")
		}
	case protoreflect.StringKind:
		return toAddressAction(x, v.String())
	case protoreflect.MessageKind:
		switch m := v.Message().Interface().(type) {
		case *sluicev1.Output:
			return toOutput(m, n)
		case *sluicev1.Enqueue:
			x.Arg, x.Queue = m.GetPort(), m.GetQueue()
			return x, at("port", x.Validate())
		case *sluicev1.Match:
			return singleField(m)
		}
	}
	return x, nil
}

// toAddressAction reads the address of an action that 1.0 and 1.1 have.
func toAddressAction(x ofp.Action, s string) (ofp.Action, error) {
	format := ofp.FormatMAC
	if x.Type == ofp.ActionSetIPv4Src || x.Type == ofp.ActionSetIPv4Dst {
		format = ofp.FormatIPv4
	}
	b := addressBytes(format, s)
	if b == nil {
		return x, fmt.Errorf("%q: want %s", s, addressForms[format])
	}
	if format == ofp.FormatIPv4 {
		x.Arg = binary.BigEndian.Uint32(b)
	} else {
		x.Value = b
	}
	return x, nil
}

func toOutput(m *sluicev1.Output, n *ofp.Names) (ofp.Action, error) {
	var p ofp.PortNo
	field := "port"
	switch to := m.GetTo().(type) {
	case *sluicev1.Output_Port:
		p = ofp.PortNo(to.Port)
	case *sluicev1.Output_PortName:
		field = "port_name"
		var err error
		if p, err = toPort(to.PortName, n); err != nil {
			return ofp.Action{}, at("port_name", err)
		}
	default:
		return ofp.Action{}, fmt.Errorf("no port: set port to a number, or port_name")
	}
	x := ofp.Output(p)
	if err := x.Validate(); err != nil {
		return x, at(field, err)
	}
	if m.MaxLen != nil {
		switch {
		case p != ofp.PortController:
			return x, bad("max_len", "only an output to CONTROLLER has it")
		case *m.MaxLen > 0xffff:
			return x, bad("max_len", "%d: want at most 65535", *m.MaxLen)
		}
		x.MaxLen = uint16(*m.MaxLen)
	}
	return x, nil
}

// toPort reads a port's number or name. The reserved names go before those of the
// switch's own ports, as they do in text, so that no port can take their place.
func toPort(s string, n *ofp.Names) (ofp.PortNo, error) {
	if p, err := ofp.ParsePort(s); err == nil {
		return p, nil
	}
	if n != nil && n.Port != nil {
		if p, ok := n.Port(s); ok {
			return p, nil
		}
	}
	return 0, fmt.Errorf("the switch has no port %q", s)
}

func fromActions(as []ofp.Action) []*sluicev1.Action {
	var out []*sluicev1.Action
	for i := range as {
		out = append(out, fromAction(&as[i]))
	}
	return out
}

func fromAction(a *ofp.Action) *sluicev1.Action {
	out := &sluicev1.Action{}
	f, ok := actionFields[a.Type]
	if !ok || a.Subtype != 0 { // the form of an experimenter, where the version has no other
		return rawAction(a)
	}
	r := out.ProtoReflect()
	switch f.Kind() {
	case protoreflect.Uint32Kind:
		r.Set(f, protoreflect.ValueOfUint32(a.Arg))
	case protoreflect.BoolKind:
		r.Set(f, protoreflect.ValueOfBool(true))
	case protoreflect.StringKind:
		b := a.Value
		if a.Type == ofp.ActionSetIPv4Src || a.Type == ofp.ActionSetIPv4Dst {
			b = binary.BigEndian.AppendUint32(nil, a.Arg)
			r.Set(f, protoreflect.ValueOfString(net.IP(b).String()))
		} else {
			r.Set(f, protoreflect.ValueOfString(net.HardwareAddr(b).String()))
		}
	case protoreflect.MessageKind:
		switch a.Type {
		case ofp.ActionOutput:
			out.Action = &sluicev1.Action_Output{Output: fromOutput(a)}
		case ofp.ActionEnqueue:
			out.Action = &sluicev1.Action_Enqueue{Enqueue: &sluicev1.Enqueue{Port: a.Arg, Queue: a.Queue}}
		case ofp.ActionSetField:
			m := &sluicev1.Match{}
			x := a.Field()
			w, ok := matchFields[x.ID]
			if !ok || !w.write(m.ProtoReflect(), x) {
				return rawAction(a)
			}
			out.Action = &sluicev1.Action_SetField{SetField: m}
		}
	}
	return out
}

func fromOutput(a *ofp.Action) *sluicev1.Output {
	p := a.Port()
	if !p.Reserved() {
		return &sluicev1.Output{To: &sluicev1.Output_Port{Port: uint32(p)}}
	}
	o := &sluicev1.Output{To: &sluicev1.Output_PortName{PortName: p.String()}}
	if p == ofp.PortController && a.MaxLen != ofp.ControllerMaxLenNone {
		n := uint32(a.MaxLen)
		o.MaxLen = &n
	}
	return o
}

// experimenterAction is the type that experimenters' actions have in all
// versions (OFPAT_EXPERIMENTER).
const experimenterAction = 0xffff

// setFieldAction is the type of set_field in the versions that have it.
const setFieldAction = 25

// toRawAction reads an action in the form that rawAction gives it.
func toRawAction(raw *sluicev1.RawAction) (ofp.Action, error) {
	b := raw.GetPayload()
	switch {
	case raw.GetType() == experimenterAction:
		if len(b)%8 != 0 {
			return ofp.Action{}, bad("payload", "%d bytes: want a multiple of 8 behind the experimenter", len(b))
		}
		a, err := ofp.ExperimenterAction(ofp.V13, raw.GetExperimenter(), b)
		if err != nil {
			return ofp.Action{}, bad("payload", "%v", err)
		}
		return a, nil
	case raw.GetExperimenter() != 0:
		return ofp.Action{}, bad("experimenter", "only the type %d has one", experimenterAction)
	case raw.GetType() > experimenterAction:
		return ofp.Action{}, bad("type", "%d: want at most %d", raw.GetType(), experimenterAction)
	case raw.GetType() == setFieldAction:
		if len(b) < 4 {
			return ofp.Action{}, bad("payload", "%d bytes: want an OXM field", len(b))
		}
		return ofp.Action{Type: ofp.ActionSetField, Arg: binary.BigEndian.Uint32(b), Value: b[4:]}, nil
	case len(b)%8 != 4:
		return ofp.Action{}, bad("payload", "%d bytes: want 4 more than a multiple of 8", len(b))
	}
	return ofp.Action{Type: ofp.ActionUnknown, Arg: raw.GetType(), Value: b}, nil
}

// rawAction keeps an action that the API has no field for.
func rawAction(a *ofp.Action) *sluicev1.Action {
	raw := &sluicev1.RawAction{Type: a.Arg, Payload: a.Value}
	if a.Type != ofp.ActionExperimenter && a.Subtype != 0 {
		// What later versions have themselves has this form in 1.0.
		if id, body, err := a.ExperimenterBody(ofp.V10); err == nil {
			raw.Type, raw.Experimenter, raw.Payload = experimenterAction, id, body
			return &sluicev1.Action{Action: &sluicev1.Action_Other{Other: raw}}
		}
	}
	switch a.Type {
	case ofp.ActionExperimenter:
		raw.Type = experimenterAction
		// The body is the same in all versions; what cannot be written was never read.
		raw.Experimenter, raw.Payload, _ = a.ExperimenterBody(ofp.V13)
	case ofp.ActionSetField:
		raw.Type = setFieldAction // the payload is the OXM field
		raw.Payload = append(binary.BigEndian.AppendUint32(nil, a.Arg), a.Value...)
	}
	return &sluicev1.Action{Action: &sluicev1.Action_Other{Other: raw}}
}
