package samples

import (
	"reflect"

	"github.com/sluice-sdn/sluice/ofp"
)

// RowKey names a row of the tables of package ofp.
type RowKey struct{ Table, Name string }

// Rows returns the rows that the message m, of version v, is made of.
func Rows(v ofp.Version, m ofp.Message) map[RowKey]bool {
	r := rowFinder{v, map[RowKey]bool{}}
	if _, raw := m.(*ofp.Raw); !raw {
		r.add("message", m.Type().String())
	}
	switch m := m.(type) {
	case *ofp.MultipartRequest:
		r.part(m.Body, false)
	case *ofp.MultipartReply:
		r.part(m.Body, true)
	}
	r.find(reflect.ValueOf(m))
	return r.rows
}

type rowFinder struct {
	v    ofp.Version
	rows map[RowKey]bool
}

func (r *rowFinder) add(table, name string) { r.rows[RowKey{table, name}] = true }

func (r *rowFinder) part(p ofp.Part, isReply bool) {
	if name := ofp.PartName(p, r.v, isReply); name != "" {
		r.add("multipart", name)
	}
}

func (r *rowFinder) find(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			r.find(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				r.find(v.Index(i))
			}
		}
	case reflect.Struct:
		if !r.known(v) {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				r.find(v.Field(i))
			}
		}
	}
}

// known adds the row of a struct that has one, and reports whether to look
// inside it.
func (r *rowFinder) known(v reflect.Value) bool {
	switch x := v.Interface().(type) {
	case ofp.Match:
		for f := range x.All() {
			if f.ID != ofp.FieldUnknown {
				r.add("field", f.ID.String())
			}
		}
		return false
	case ofp.Action:
		r.add("action", x.Type.String())
		if name := x.ExtensionName(r.v); name != "" {
			r.add("experimenter action", name)
		}
	case ofp.Instruction:
		r.add("instruction", x.Type.String())
	case ofp.Error:
		if x.Reason != ofp.ReasonUnknown {
			r.add("error", x.Reason.String())
		}
	case ofp.HelloElement:
		r.number("hello element", x.Type)
	case ofp.GroupMod:
		r.number("group type", uint16(x.GroupType))
	case ofp.GroupDesc:
		r.number("group type", uint16(x.GroupType))
	case ofp.MeterBand:
		r.number("meter band", uint16(x.Type))
	case ofp.QueueProperty:
		r.number("queue property", x.Type)
	case ofp.TableProperty:
		r.number("table property", uint16(x.Type))
	}
	return true
}

func (r *rowFinder) number(table string, n uint16) {
	if name := ofp.NumberName(table, n); name != "" {
		r.add(table, name)
	}
}
