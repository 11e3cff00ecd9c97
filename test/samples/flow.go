package samples

import (
	"reflect"

	"github.com/sluice-sdn/sluice/ofp"
)

// instruction sets type and contents of an instruction that is only valid with
// both; the others start as nothing but their type.
func (g *filler) instruction(i *ofp.Instruction) {
	c := choices[reflect.TypeFor[ofp.InstructionType]()]
	i.Type = ofp.InstructionType(c[g.draw(uint64(len(c)))])
	if i.Type == ofp.InstructionExperimenter || i.Type == 0x77 {
		i.Data = []byte{0, 0, 0x23, 0x20, 0, 0, 0, byte(g.draw(256)), 1, 2, 3, 4}
	}
	g.has = g.comesBack()
}

func (g *filler) match(v reflect.Value, m *ofp.Match, path string) {
	for _, f := range ofp.Fields() {
		if g.draw(8) > 0 || m.Has(f.ID) {
			continue
		}
		needs := f.Sample()
		clash := false
		for x := range needs.All() {
			have, ok := m.Lookup(x.ID)
			clash = clash || ok && string(have.Value) != string(x.Value)
		}
		if clash {
			continue
		}
		next := m.Clone()
		for x := range needs.All() {
			if x.ID != f.ID {
				_ = next.SetMasked(x.ID, x.Value, x.Mask) // it came out of a match
			}
		}
		value, mask := g.value(f)
		if f.ID == ofp.FieldVLANTCI {
			if m.Has(ofp.FieldVLANVID) {
				continue
			}
			value[0] &^= ofp.VLANPresent >> 8 // else it is read as vlan_vid and vlan_pcp
			mask = nil
		}
		if f.Maskable && mask != nil && g.draw(2) == 0 {
			_ = next.SetMasked(f.ID, value, mask) // else it is not in the match
		} else {
			_ = next.Set(f.ID, value)
		}
		g.try(v, path+":"+f.Name, func() { *m = next })
	}
}

// value draws a value and a mask for a field.
func (g *filler) value(f *ofp.FieldInfo) (value, mask []byte) {
	n := f.Bytes()
	if f.Variable {
		n = 1 + int(g.draw(uint64(min(n, 12))))
	}
	value, mask = make([]byte, n), make([]byte, n)
	for i := range value {
		value[i], mask[i] = byte(g.draw(256)), byte(g.draw(256))
	}
	if extra := 8*len(value) - f.Bits; extra > 0 && !f.Variable {
		for i := range value {
			bits := max(0, min(8, extra-8*i))
			value[i] &= 0xff >> bits
			mask[i] &= 0xff >> bits
		}
	}
	switch f.Format {
	case ofp.FormatVLAN:
		value[0] |= ofp.VLANPresent >> 8
	case ofp.FormatPort:
		clear(value)
		value[len(value)-1] = byte(1 + g.draw(200))
	}
	return value, mask
}

func (g *filler) action(v reflect.Value, a *ofp.Action, path string, deep int) {
	types := ofp.ActionTypes()
	t := types[g.draw(uint64(len(types)))]
	path += "." + t.String()
	candidates := []ofp.Action{{Type: t}, {Type: t, Arg: 1}, {Type: t, Value: []byte{2, byte(g.draw(256)), 3, 4, 5, 6}},
		{Type: t, Arg: 0x99887766, Value: []byte{0xff, 1, 2, 3, 4, 5, 6, 7}}}
	switch t {
	case ofp.ActionSetField:
		fields := ofp.Fields()
		f := fields[g.draw(uint64(len(fields)))]
		value, _ := g.value(f)
		candidates = []ofp.Action{ofp.SetField(f.ID, value)}
	case ofp.ActionExperimenter:
		if all := ofp.NewExtensions(); g.draw(4) > 0 {
			candidates = []ofp.Action{all[g.draw(uint64(len(all)))]}
			if t = candidates[0].Type; t != ofp.ActionExperimenter {
				candidates = append(candidates, ofp.Action{Type: t, Arg: 1})
			}
		}
	}
	g.anyOf(v, a, candidates, path, deep)
}

// anyOf takes the first action that comes back, and fills it in.
func (g *filler) anyOf(v reflect.Value, a *ofp.Action, candidates []ofp.Action, path string, deep int) {
	for _, c := range candidates {
		*a = c
		if g.has = g.comesBack(); g.has {
			break
		}
	}
	switch {
	case a.Ext != nil:
		e := reflect.ValueOf(a.Ext).Elem()
		for range 3 {
			if g.fill(e, path+"."+e.Type().Name(), deep+1); g.has {
				return
			}
		}
	case g.has && a.Type != ofp.ActionSetField:
		for _, name := range []string{"Arg", "MaxLen", "Queue"} {
			g.fill(v.FieldByName(name), path+"."+name, deep)
		}
	}
}

// Match draws a match by one field, and by what the field needs.
func Match(d Draw, f *ofp.FieldInfo) ofp.Match {
	m := f.Sample()
	value, _ := (&filler{draw: d}).value(f)
	_ = m.Set(f.ID, value) // it has the field's length, and no bit too many
	return m
}

// Extension draws the wire form of a packet-out with an action of an
// experimenter, which is one of ofp.NewExtensions; nil where the version cannot
// say it.
func Extension(d Draw, v ofp.Version, a ofp.Action) []byte {
	m := &ofp.PacketOut{BufferID: ofp.NoBuffer, InPort: ofp.PortController, Actions: []ofp.Action{a}}
	g := &filler{draw: d, v: v, m: m}
	at := reflect.ValueOf(m).Elem().FieldByName("Actions").Index(0)
	candidates := []ofp.Action{a}
	if a.Ext == nil {
		a.Arg = 1
		candidates = append(candidates, a)
	}
	g.anyOf(at, &m.Actions[0], candidates, "packet_out.Actions[]", 0)
	if !g.has {
		return nil
	}
	b, err := ofp.Append(nil, v, 1, m)
	if err != nil {
		panic("samples: " + err.Error()) // comesBack has encoded it
	}
	return b
}
