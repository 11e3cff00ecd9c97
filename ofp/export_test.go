package ofp

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// CorpusFrames returns the messages of the recorded corpus.
func CorpusFrames(t testing.TB) (frames [][]byte) {
	t.Helper()
	for _, r := range corpus(t) {
		frames = append(frames, r.frame(t))
	}
	return frames
}

// ForeignFrames returns the messages from the tests of others, by their source.
func ForeignFrames(t testing.TB) map[string][][]byte {
	t.Helper()
	frames := map[string][][]byte{}
	for _, f := range foreignMessages(t) {
		source := f.Source
		if strings.HasPrefix(source, "ovs-") {
			source = "ovs"
		}
		frames[source] = append(frames[source], f.frame(t))
	}
	return frames
}

// Break is a way to break a row of a table, in one version or, if that is 0, in
// all.
type Break struct {
	Table, Name string
	Version     Version
	How         string
	Break       func() (undo func())
}

// put returns what sets *p to v and back.
func put[T any](p *T, v T) func() func() {
	return func() func() {
		old := *p
		*p = v
		return func() { *p = old }
	}
}

// drop returns what takes a key out of a map and puts it back.
func drop[K comparable, V any](m map[K]V, k K) func() func() {
	return func() func() {
		old := m[k]
		delete(m, k)
		return func() { m[k] = old }
	}
}

// Breaks returns the ways to break every row: a wrong number when writing, and no
// such number when reading.
func Breaks() (all []Break) {
	for i := TypeUnknown + 1; i < numTypes; i++ {
		m := &messages[i]
		if m.make == nil {
			continue
		}
		for _, v := range Versions() {
			if n, ok := m.wire.in(v); ok {
				all = append(all,
					Break{"message", m.name, v, "its number is one off", put(&m.wire[v-1], int16(n)+1)},
					Break{"message", m.name, v, "its number is not known", put(&typeByKind[v-1][n], TypeUnknown)})
			}
		}
		for j := range m.vendor {
			x := &m.vendor[j]
			all = append(all, Break{"message", m.name, x.from, "its subtype is one off", put(&x.subtype, x.subtype+1)})
			for v := x.from; v <= x.to; v++ {
				if _, ok := m.wire.in(v); !ok {
					all = append(all, Break{"message", m.name, v, "its subtype is not known", drop(vendorTypes, vendorKey{v, x.experimenter, x.subtype})})
				}
			}
		}
	}
	for i := range parts {
		for direction, name := range directions {
			all = append(all, Break{"multipart", parts[i].name + name, 0, "it is not modelled", put(&parts[i].body[direction], nil)})
		}
	}
	for i := range vendorParts {
		for direction, name := range directions {
			if p := &vendorParts[i]; p.body[direction] != nil {
				all = append(all, Break{"multipart", p.name + name, 0, "it is not modelled", put(&p.body[direction], nil)})
			}
		}
	}
	for i := range actions {
		for _, v := range Versions() {
			if n, ok := actions[i].wire.in(v); ok {
				all = append(all,
					Break{"action", actions[i].name, v, "its number is one off", put(&actions[i].wire[v-1], int16(n)+1)},
					Break{"action", actions[i].name, v, "its number is not known", put(&actionByKind[v-1][n], ActionUnknown)})
			}
		}
	}
	for i := ActionUnknown + 1; i < numActions; i++ {
		other := shapeMAC
		if actions[i].shape == shapeMAC {
			other = shape32
		}
		all = append(all, Break{"action", actions[i].name, 0, "its body has another layout", put(&actions[i].shape, other)})
	}
	for i := range instructions {
		x := &instructions[i]
		all = append(all, Break{"instruction", x.name, 0, "no version has it", put(&x.from, V13+1)})
	}
	for i := range extensions {
		x := &extensions[i]
		all = append(all, Break{"experimenter action", x.name, 0, "its subtype is not known",
			drop(extensionByKind, uint64(x.experimenter)<<16|uint64(x.subtype))})
	}
	for r := ReasonUnknown + 1; r < numStandardReasons; r++ {
		x := &errorReasons[r]
		for _, v := range Versions() {
			n, ok := x.wire.in(v)
			typ, ok2 := errorTypes[x.typ].wire.in(v)
			if ok && ok2 {
				all = append(all,
					Break{"error", r.String(), v, "its code is one off", put(&x.wire[v-1], int16(n)+1)},
					Break{"error", r.String(), v, "its number is not known", put(&reasonByWire[v-1][typ][n], ReasonUnknown)})
			}
		}
	}
	for r := ReasonUnknown + 1; r < numStandardReasons; r++ {
		all = append(all, Break{"error", r.String(), 0, "its name is another", put(&errorReasons[r].code, errorReasons[r].code+"_X")})
	}
	for i := range vendorReasons {
		x := &vendorReasons[i]
		all = append(all, Break{"error", x.name, 0, "its name is another", put(&x.name, x.name+"_X")})
	}
	for i := range vendorErrors {
		x := &vendorErrors[i]
		for v := x.from; v <= x.to; v++ {
			all = append(all,
				Break{"error", x.reason.String(), v, "its experimenter is another", put(&x.experimenter, x.experimenter+1)},
				Break{"error", x.reason.String(), v, "its type is one off", put(&x.typ, x.typ+0x1000)})
			if v <= V11 {
				all = append(all, Break{"error", x.reason.String(), v, "its code is one off", put(&x.code, x.code+0x1000)})
			}
		}
	}
	for i := range numbers {
		x := &numbers[i]
		all = append(all, Break{x.table, x.name, 0, "its number is one off", put(&x.number, x.number+0x100)})
	}
	return append(all, fieldBreaks()...)
}

func fieldBreaks() (all []Break) {
	for id := FieldUnknown + 1; id < numMatchFields; id++ {
		f := &fields[id]
		forget := func() func() {
			var undo []func()
			for i := range f.forms {
				x := &f.forms[i]
				undo = append(undo, drop(fieldByKey, headerKey(x.header(false, 0)))())
				if x.class <= classNXMNX {
					undo = append(undo, put(&nxmField[uint(x.class)<<7|uint(x.num)], FieldUnknown)())
				}
			}
			if f.own.class == oxmBasic {
				undo = append(undo, put(&basicFields[f.own.num], basicField{})())
			}
			return func() {
				for _, u := range undo {
					u()
				}
			}
		}
		all = append(all,
			Break{"field", f.Name, 0, "its number is not known", forget},
			Break{"field", f.Name, 0, "its name is another", put(&f.Name, f.Name+"_x")},
			Break{"field", f.Name, 0, "it is a bit wider", put(&f.Bits, f.Bits+1)},
			Break{"field", f.Name, 0, "it takes a mask, or none, as it should not", put(&f.Maskable, !f.Maskable)},
			Break{"field", f.Name, 0, "it needs a field more", put(&f.Needs, append(slices.Clone(f.Needs), Prerequisite{FieldPktMark, nil}))})
		if !f.Variable {
			all = append(all, Break{"field", f.Name, 0, "a value is a byte longer", put(&f.full, append([]byte{0xff}, f.full...))})
		}
		for i, need := range f.Needs {
			all = append(all, Break{"field", f.Name, 0, "it needs a field less", put(&f.Needs, slices.Delete(slices.Clone(f.Needs), i, i+1))})
			wider := slices.Clone(f.Needs)
			wider[i].Values = append(slices.Clone(need.Values), 135)
			all = append(all, Break{"field", f.Name, 0, "another value of what it needs will do", put(&f.Needs, wider)})
		}
	}
	return all
}

// FrozenField reports whether the row of the field of that name is as
// testdata/fields.txt has it; a test compares each way.
func FrozenField(t testing.TB, name string) bool {
	t.Helper()
	data, err := os.ReadFile("testdata/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	for id := FieldUnknown + 1; id < numFields; id++ {
		if f := id.Info(); f.Name == name {
			return strings.Contains(string(data), "\n"+f.frozen()+"\n")
		}
	}
	return false
}

// frozen is what testdata/fields.txt says of a field.
func (f *FieldInfo) frozen() string {
	yes := map[bool]string{true: "mask", false: "exact"}
	var needs []string
	for _, n := range f.Needs {
		s := n.Field.String()
		for i, x := range n.Values {
			s += map[bool]string{true: "=", false: "|"}[i == 0] + fmt.Sprintf("%#x", x)
		}
		needs = append(needs, s)
	}
	return fmt.Sprintf("%s %d %d %s %s", f.Name, f.Bits, f.Bytes(), yes[f.Maskable], strings.Join(append(needs, "-")[:max(len(needs), 1)], ","))
}
