package samples

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
)

// Dump returns what x holds, on one line: every exported field that is not zero,
// by name. Two messages of one dump hold the same. What only decoding sets, the
// form in which an action came, is left out.
func Dump(x any) string {
	var b strings.Builder
	dump(&b, reflect.ValueOf(x))
	return b.String()
}

var (
	matchType     = reflect.TypeFor[ofp.Match]()
	actionType    = reflect.TypeFor[ofp.Action]()
	setByDecoding = map[string]bool{"Received": true, "Subtype": true}
)

func dump(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		if v.Kind() == reflect.Pointer {
			b.WriteString(v.Type().Elem().Name())
		}
		dump(b, v.Elem())
	case reflect.Struct:
		if v.Type() == matchType {
			m := v.Interface().(ofp.Match)
			dumpMatch(b, &m)
			return
		}
		b.WriteByte('{')
		sep := ""
		for i := range v.NumField() {
			f := v.Field(i)
			if !v.Type().Field(i).IsExported() || empty(f) || v.Type() == actionType && setByDecoding[v.Type().Field(i).Name] {
				continue
			}
			b.WriteString(sep + v.Type().Field(i).Name + ":")
			dump(b, f)
			sep = " "
		}
		b.WriteByte('}')
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			for i := range v.Len() {
				fmt.Fprintf(b, "%02x", v.Index(i).Uint())
			}
			return
		}
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			dump(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	case reflect.Bool:
		fmt.Fprint(b, v.Bool())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		fmt.Fprint(b, v.Uint()) // not by the type's String, which may change
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		fmt.Fprint(b, v.Int())
	default:
		panic("samples: cannot dump " + v.Type().String())
	}
}

// empty reports whether v is its zero value, an empty slice, or a struct of such.
func empty(v reflect.Value) bool {
	switch {
	case v.Kind() == reflect.Slice:
		return v.Len() == 0
	case v.Type() == matchType:
		m := v.Interface().(ofp.Match)
		return m.Empty()
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && !empty(v.Field(i)) {
				return false
			}
		}
		return true
	}
	return v.IsZero()
}

func dumpMatch(b *strings.Builder, m *ofp.Match) {
	b.WriteByte('{')
	sep := ""
	for f := range m.All() {
		name := f.ID.String()
		if f.ID == ofp.FieldUnknown {
			name = fmt.Sprintf("0x%08x", f.Header)
		}
		fmt.Fprintf(b, "%s%s=%x", sep, name, f.Value)
		if f.Mask != nil {
			fmt.Fprintf(b, "/%x", f.Mask)
		}
		sep = " "
	}
	b.WriteByte('}')
}
