package samples

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"

	"pgregory.net/rapid"

	"github.com/sluice-sdn/sluice/ofp"
)

// Draw returns a number below n. It is the only source of chance.
type Draw func(n uint64) uint64

// FromRapid draws from t, so that what fails is shrunk.
func FromRapid(t *rapid.T) Draw {
	return func(n uint64) uint64 { return rapid.Uint64Range(0, n-1).Draw(t, "draw") }
}

// FromSeed draws the same numbers for the same seed.
func FromSeed(seed uint64) Draw {
	r := rand.New(rand.NewPCG(seed, seed))
	return r.Uint64N
}

// Kind is what a sample is: a type of message and, of multipart messages, which
// of ofp.NewParts the body is.
type Kind struct {
	Type ofp.Type
	Part int
}

// String returns the names, such as "multipart_reply: *ofp.FlowStatsReply".
func (k Kind) String() string {
	if k.multipart() {
		return fmt.Sprintf("%s: %T", k.Type, k.body())
	}
	return k.Type.String()
}

func (k Kind) reply() bool     { return k.Type == ofp.TypeMultipartReply }
func (k Kind) multipart() bool { return k.reply() || k.Type == ofp.TypeMultipartRequest }
func (k Kind) body() ofp.Part  { return ofp.NewParts(k.reply())[k.Part] }

// Kinds returns what version v can say of what package ofp models.
func Kinds(v ofp.Version) (kinds []Kind) {
	for _, t := range ofp.Types() {
		if _, raw := ofp.New(t).(*ofp.Raw); raw || !t.In(v) {
			continue
		}
		k := Kind{Type: t}
		if !k.multipart() {
			kinds = append(kinds, k)
			continue
		}
		for i := range ofp.NewParts(k.reply()) {
			k.Part = i
			if _, err := ofp.Append(nil, v, 0, k.base()); !errors.Is(err, ofp.ErrVersion) {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}

// base is a message of that kind that says nothing in particular.
func (k Kind) base() ofp.Message {
	switch k.Type {
	case ofp.TypeMultipartRequest:
		return &ofp.MultipartRequest{Body: k.body()}
	case ofp.TypeMultipartReply:
		return &ofp.MultipartReply{Body: k.body()}
	case ofp.TypeFlowMod:
		return ofp.NewFlowMod(ofp.FlowAdd)
	case ofp.TypePacketIn:
		m := new(ofp.PacketIn)
		m.Match.SetUint(ofp.FieldInPort, 1)
		return m
	}
	// Those that are not valid empty.
	switch m := ofp.New(k.Type).(type) {
	case *ofp.RoleRequest:
		m.Role = ofp.RoleMaster
		return m
	case *ofp.RoleReply:
		m.Role = ofp.RoleMaster
		return m
	case *ofp.NXPacketIn2:
		m.NXPacket = ofp.NewNXPacket(make([]byte, 14))
		return m
	case *ofp.NXResume:
		m.NXPacket = ofp.NewNXPacket(make([]byte, 14))
		return m
	case *ofp.RequestForward:
		m.Message = &ofp.GroupMod{}
		return m
	default:
		return m
	}
}

// Message draws a message of kind k that version v can say whole.
func Message(d Draw, v ofp.Version, k Kind) ofp.Message {
	g := newFiller(d, v, k)
	g.fill(reflect.ValueOf(g.m).Elem(), k.Type.String(), 0)
	return g.m
}

func newFiller(d Draw, v ofp.Version, k Kind) *filler {
	m := k.base()
	if e, ok := m.(*ofp.Error); ok {
		*e = ofp.Error{ErrType: uint16(d(14)), Code: uint16(d(16))}
	}
	g := &filler{draw: d, v: v, m: m}
	// What decoding fills in of itself is in the message from the start.
	if b, err := ofp.Append(nil, v, 1, m); err == nil {
		if _, back, err := ofp.Decode(b); err == nil {
			g.m = back
		}
	}
	// A message that is not valid empty is filled in until it is.
	for range 60 {
		if g.has = g.comesBack(); g.has {
			return g
		}
		g.fill(reflect.ValueOf(g.m).Elem(), k.Type.String(), 0)
	}
	panic("samples: no valid " + k.String() + " of OpenFlow " + v.String() + " was found: " + Dump(g.m))
}

// Lost draws messages of kind k and returns the paths of values that version v
// encodes without an error, but that do not come back.
func Lost(d Draw, v ofp.Version, k Kind) map[string]bool {
	g := newFiller(d, v, k)
	g.lost = map[string]bool{}
	g.fill(reflect.ValueOf(g.m).Elem(), k.Type.String(), 0)
	return g.lost
}

// Frame draws the wire form of a message of kind k, with a transaction
// identifier that is not zero.
func Frame(d Draw, v ofp.Version, k Kind) []byte {
	m := Message(d, v, k)
	b, err := ofp.Append(nil, v, uint32(1+d(0xffff)), m)
	if err != nil {
		panic("samples: " + err.Error()) // comesBack has encoded it
	}
	return b
}

// filler fills in a message, value by value.
type filler struct {
	draw Draw
	v    ofp.Version
	m    ofp.Message
	has  bool            // what m holds comes back
	lost map[string]bool // paths of values that encode but do not come back; nil: nobody asks
}

// comesBack reports whether the message can be encoded and decodes to the same.
func (g *filler) comesBack() bool {
	b, err := ofp.Append(nil, g.v, 1, g.m)
	if err != nil {
		return false
	}
	_, m, err := ofp.Decode(b)
	return err == nil && reflect.TypeOf(m) == reflect.TypeOf(g.m) && Dump(m) == Dump(g.m)
}

// encodes reports whether the message can be encoded.
func (g *filler) encodes() bool {
	_, err := ofp.Append(nil, g.v, 1, g.m)
	return err == nil
}

// try lets change alter what is at v, and undoes it if the message then does not
// come back.
func (g *filler) try(v reflect.Value, path string, change func()) bool {
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	change()
	if g.comesBack() {
		g.has = true
		return true
	}
	if g.has && g.lost != nil && g.encodes() {
		g.lost[path] = true
	}
	if g.has {
		v.Set(old)
	}
	return false
}

const maxDepth = 3 // of actions inside actions

func (g *filler) fill(v reflect.Value, path string, deep int) {
	switch x := v.Addr().Interface().(type) {
	case *ofp.Match:
		g.match(v, x, path)
		return
	case *ofp.Action:
		g.action(v, x, path, deep)
		return
	case *ofp.Instruction:
		g.instruction(x)
	case *ofp.Error: // its numbers are drawn
		g.bytes(v.FieldByName("Data"), path+".Data")
		return
	case *ofp.Message:
		g.inner(v, x, path, deep)
		return
	case *ofp.Part:
		g.fill(v.Elem().Elem(), path+"."+v.Elem().Elem().Type().Name(), deep)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				name := path + "." + f.Name
				if f.Anonymous {
					name = path
				}
				g.fill(v.Field(i), name, deep)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			g.bytes(v, path)
		} else {
			g.elements(v, path, deep)
		}
	case reflect.Array, reflect.String, reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		for range 2 {
			if g.try(v, path, func() { g.leaf(v, path) }) {
				return
			}
		}
	}
}

// inner draws a message inside a message.
func (g *filler) inner(v reflect.Value, m *ofp.Message, path string, deep int) {
	all := []ofp.Message{&ofp.PortMod{}, &ofp.GroupMod{}, &ofp.MeterMod{}, ofp.NewFlowMod(ofp.FlowAdd)}
	first := int(g.draw(uint64(len(all))))
	for i := range all {
		inside := all[(first+i)%len(all)]
		if g.try(v, path, func() { *m = inside }) {
			g.fill(reflect.ValueOf(inside).Elem(), path+"."+inside.Type().String(), deep)
			return
		}
	}
}

// elements adds up to three elements to a list. One that comes back only when
// filled is drawn a few times as a whole.
func (g *filler) elements(v reflect.Value, path string, deep int) {
	count := g.draw(4)
	if deep >= maxDepth {
		count = 0
	}
	for range count {
		if !g.has {
			return
		}
		n := v.Len()
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		g.has = g.comesBack()
		g.fill(v.Index(n), path+"[]", deep)
		if !g.has {
			v.SetLen(n)
			g.has = g.comesBack()
		}
	}
}
