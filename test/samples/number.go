package samples

import (
	"reflect"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
)

// choices are the values of numbers that name one of a few things; others may be
// any.
var choices = map[reflect.Type][]uint64{
	reflect.TypeFor[ofp.FlowCommand]():       {0, 1, 2, 3, 4},
	reflect.TypeFor[ofp.FlowRemovedReason](): {0, 1, 2, 3},
	reflect.TypeFor[ofp.PacketInReason]():    {0, 1, 2},
	reflect.TypeFor[ofp.PortReason]():        {0, 1, 2},
	reflect.TypeFor[ofp.InstructionType]():   {1, 2, 3, 4, 4, 5, 6, 0x77, 0xffff},
	reflect.TypeFor[ofp.GroupCommand]():      {0, 1, 2},
	reflect.TypeFor[ofp.GroupType]():         {0, 1, 2, 3},
	reflect.TypeFor[ofp.MeterCommand]():      {0, 1, 2},
	reflect.TypeFor[ofp.BandType]():          {1, 2, 0xffff},
	reflect.TypeFor[ofp.TablePropertyType](): {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 0xfffe, 0xffff},
	reflect.TypeFor[ofp.Role]():              {0, 1, 2, 3},
	reflect.TypeFor[ofp.ContinuedType]():     {0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005, 0x8006, 0x8007, 0x8008, 0x8077},
}

// choicesOf is choices, and those of numbers that have no type of their own.
func choicesOf(t reflect.Type, path string) []uint64 {
	switch {
	case strings.HasSuffix(path, "Properties[].Type") && t.Kind() == reflect.Uint16 && t.Name() == "uint16":
		return []uint64{1, 2, 0xffff, 0x77}
	case strings.HasSuffix(path, "hello.Elements[].Type"):
		return []uint64{1, 1, 2}
	}
	return choices[t]
}

// number draws a number of at most max, small and large ones alike.
func (g *filler) number(max uint64) uint64 {
	switch g.draw(6) {
	case 0:
		return min(g.draw(4), max)
	case 1:
		return max
	}
	if max == ^uint64(0) {
		return g.draw(max)
	}
	return g.draw(max + 1)
}

func (g *filler) leaf(v reflect.Value, path string) {
	if !g.has && g.draw(2) == 0 { // in search of anything valid
		v.SetZero()
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.draw(2) == 1)
	case reflect.String:
		b := make([]byte, 1+g.draw(14))
		for i := range b {
			b[i] = byte('a' + g.draw(26))
		}
		v.SetString(string(b))
	case reflect.Array:
		for i := range v.Len() {
			g.leaf(v.Index(i), path)
		}
	default:
		if c := choicesOf(v.Type(), path); c != nil {
			v.SetUint(c[g.draw(uint64(len(c)))])
			return
		}
		v.SetUint(g.number(^uint64(0) >> (64 - v.Type().Bits())))
	}
}

func (g *filler) bytes(v reflect.Value, path string) {
	sizes := []uint64{8, 6, 4, 12, 16, 1 + g.draw(24)}
	first := g.draw(uint64(len(sizes)))
	for i := range sizes {
		n := sizes[(int(first)+i)%len(sizes)]
		b := make([]byte, n)
		for j := range b {
			b[j] = byte(g.draw(256))
		}
		if g.try(v, path, func() { v.SetBytes(b) }) {
			return
		}
	}
}
