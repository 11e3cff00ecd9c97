package ofp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// Row is one thing that OpenFlow or one of its extensions can say: a message, a
// match field, an action, and so on. Rows are what documentation and tests are
// made from.
type Row struct {
	Table string // what the row is one of, such as "action"
	Name  string // in that table, such as "push_vlan"

	// Wire is the number that versions 1.0 to 1.3 have for it, as people write it,
	// such as "17" or, of an experimenter, "0x2320:14"; empty where a version
	// cannot say it.
	Wire [4]string
}

// In returns the number that version v has for the row, or "".
func (r *Row) In(v Version) string {
	if !v.Supported() {
		return ""
	}
	return r.Wire[v-V10]
}

// rowTables are the tables, in the order of Rows.
var rowTables = [...]func() []Row{
	messageRows, partRows, fieldRows, instructionRows, actionRows, extensionRows, errorRows, numberRows,
}

// Rows returns every row of the tables of this package.
func Rows() []Row {
	var rows []Row
	for _, t := range rowTables {
		rows = append(rows, t()...)
	}
	return rows
}

// texts is the number in each version that has one.
func (w *wire) texts() (out [4]string) {
	for i, n := range w {
		if n != none {
			out[i] = strconv.Itoa(int(n))
		}
	}
	return out
}

// sinceText is a number that v and every later version share.
func sinceText(v Version, number string) (out [4]string) {
	for i := v; i <= V13; i++ {
		out[i-V10] = number
	}
	return out
}

func messageRows() (rows []Row) {
	for i := range messages {
		m := &messages[i]
		if i == int(TypeUnknown) {
			continue
		}
		r := Row{"message", m.name, m.wire.texts()}
		for _, v := range Versions() {
			if r.Wire[v-V10] != "" {
				continue
			}
			if f := Type(i).vendor(v); f != nil {
				r.Wire[v-V10] = f.text()
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func (f *vendorForm) text() string { return fmt.Sprintf("0x%x:%d", f.experimenter, f.subtype) }

func partRows() (rows []Row) {
	for i := range parts {
		p := &parts[i]
		number := strconv.Itoa(int(p.kind))
		rows = append(rows, Row{"multipart", p.name + " request", sinceText(p.from, number)},
			Row{"multipart", p.name + " reply", sinceText(p.from, number)})
	}
	for i := range vendorParts {
		p := &vendorParts[i]
		for direction, name := range directions {
			if p.body[direction] == nil {
				continue
			}
			r := Row{Table: "multipart", Name: p.name + name}
			for v := p.from; v <= min(p.to, V13); v++ {
				r.Wire[v-V10] = p.text()
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// fieldRows has "match" for a field that stands at its place in the match of 1.0
// or 1.1, which have no numbers for fields, and "NX" before the header of one
// that takes an NXFlowMod, which an Encoder with Extensions writes.
func fieldRows() (rows []Row) {
	extended := Encoder{Extensions: true}
	for _, f := range Fields() {
		r := Row{Table: "field", Name: f.Name}
		m := FlowMod{Match: f.Sample()}
		for _, v := range Versions() {
			w := &r.Wire[v-V10]
			if _, err := Append(nil, v, 0, &m); err == nil {
				if *w = "match"; v >= V12 {
					*w = f.headerOf(v)
				}
			} else if _, err := extended.Append(nil, v, 0, &m); err == nil {
				*w = "NX " + f.headerOf(0)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// headerOf is the header of the exact field in a version, with the experimenter
// that follows it.
func (f *FieldInfo) headerOf(v Version) string {
	h := f.header(v)
	if h>>48 == oxmExperimenter {
		return fmt.Sprintf("0x%08x:0x%x", h>>32, uint32(h))
	}
	return fmt.Sprintf("0x%08x", h>>32)
}

// Sample returns a match by the field and what the field needs.
func (f *FieldInfo) Sample() (m Match) {
	value := make([]byte, f.Bytes())
	switch f.ID {
	case FieldVLANVID:
		value[0] = VLANPresent >> 8
	case FieldInPort, FieldInPhyPort:
		value[len(value)-1] = 1
	}
	for _, need := range f.Needs {
		n := need.Field.Info().Sample()
		if len(need.Values) > 0 {
			n.SetUint(need.Field, need.Values[0])
		}
		for x := range n.All() {
			if !m.Has(x.ID) {
				_ = m.SetMasked(x.ID, x.Value, x.Mask) // it came out of a match
			}
		}
	}
	if err := m.Set(f.ID, value); err != nil {
		return Match{}
	}
	return m
}

func instructionRows() (rows []Row) {
	for _, i := range instructions {
		rows = append(rows, Row{"instruction", i.name, sinceText(i.from, strconv.Itoa(int(i.typ)))})
	}
	return rows
}

func actionRows() (rows []Row) {
	for i := range actions {
		a := &actions[i]
		r := Row{"action", a.name, a.wire.texts()}
		switch ActionType(i) {
		case ActionUnknown:
			continue
		case ActionExperimenter:
			r.Wire = sinceText(V10, strconv.Itoa(kindExperimenter))
		}
		rows = append(rows, r)
	}
	return rows
}

func extensionRows() (rows []Row) {
	empty := NewExtensions()
	for i := range extensions {
		e := &extensions[i]
		r := Row{"experimenter action", e.name, sinceText(V10, fmt.Sprintf("0x%x:%d", e.experimenter, e.subtype))}
		for _, v := range Versions() {
			c := cursor{wr: true, v: v}
			if walkActions(&c, &[]Action{empty[i]}); v < e.first || e.last != 0 && v > e.last || errors.Is(c.err, ErrVersion) {
				r.Wire[v-V10] = ""
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func errorRows() (rows []Row) {
	for i := ReasonUnknown + 1; i < numReasons; i++ {
		r := Row{Table: "error", Name: i.String()}
		for _, v := range Versions() {
			r.Wire[v-V10] = i.wire(v)
		}
		rows = append(rows, r)
	}
	return rows
}

// wire is type and code of the reason, or the experimenter's numbers for it.
func (r ErrorReason) wire(v Version) string {
	if r < numStandardReasons {
		e := &errorReasons[r]
		typ, ok := errorTypes[e.typ].wire.in(v)
		code, ok2 := e.wire.in(v)
		if ok && ok2 {
			return fmt.Sprintf("%d:%d", typ, code)
		}
	}
	switch x := r.vendorForm(v); {
	case x == nil:
		return ""
	case v <= V11:
		return fmt.Sprintf("0x%x:%d:%d", x.experimenter, x.typ, x.code)
	default:
		return fmt.Sprintf("0x%x:%d", x.experimenter, x.typ)
	}
}

// numbers are what messages name by a number that needs no table to be read or
// written: the structs that hold them say which.
var numbers = [...]struct {
	table, name string
	number      uint16
	from        Version
}{
	{"group type", "all", uint16(GroupTypeAll), V11},
	{"group type", "select", uint16(GroupTypeSelect), V11},
	{"group type", "indirect", uint16(GroupTypeIndirect), V11},
	{"group type", "fast_failover", uint16(GroupTypeFastFailover), V11},
	{"meter band", "drop", uint16(BandDrop), V13},
	{"meter band", "dscp_remark", uint16(BandDSCPRemark), V13},
	{"meter band", "experimenter", uint16(BandExperimenter), V13},
	{"queue property", "min_rate", QueueMinRate, V10},
	{"queue property", "max_rate", QueueMaxRate, V12},
	{"queue property", "experimenter", QueueExperimenter, V12},
	{"table property", "instructions", uint16(TableInstructions), V13},
	{"table property", "instructions_miss", uint16(TableInstructionsMiss), V13},
	{"table property", "next_tables", uint16(TableNextTables), V13},
	{"table property", "next_tables_miss", uint16(TableNextTablesMiss), V13},
	{"table property", "write_actions", uint16(TableWriteActions), V13},
	{"table property", "write_actions_miss", uint16(TableWriteActionsMiss), V13},
	{"table property", "apply_actions", uint16(TableApplyActions), V13},
	{"table property", "apply_actions_miss", uint16(TableApplyActionsMiss), V13},
	{"table property", "match", uint16(TableMatch), V13},
	{"table property", "wildcards", uint16(TableWildcards), V13},
	{"table property", "write_setfield", uint16(TableWriteSetField), V13},
	{"table property", "write_setfield_miss", uint16(TableWriteSetFieldMiss), V13},
	{"table property", "apply_setfield", uint16(TableApplySetField), V13},
	{"table property", "apply_setfield_miss", uint16(TableApplySetFieldMiss), V13},
	{"table property", "experimenter", uint16(TableExperimenter), V13},
	{"table property", "experimenter_miss", uint16(TableExperimenterMiss), V13},
	{"hello element", "version_bitmap", helloVersionBitmap, V10},
}

func numberRows() (rows []Row) {
	for _, n := range numbers {
		rows = append(rows, Row{n.table, n.name, sinceText(n.from, strconv.Itoa(int(n.number)))})
	}
	return rows
}

// NumberName returns the name of a row by its table and its number, such as
// "drop" of number 1 in "meter band", or "" where there is none.
func NumberName(table string, number uint16) string {
	for _, n := range numbers {
		if n.table == table && n.number == number {
			return n.name
		}
	}
	return ""
}

// ExtensionName returns the name of the row of an action of an experimenter, such
// as "NXAST_RESUBMIT": the form that the action takes in version v. It is "" for
// other actions.
func (a *Action) ExtensionName(v Version) string {
	c := cursor{wr: true, v: v, msg: "action"}
	one := []Action{*a}
	walkActions(&c, &one)
	if c.err != nil || len(c.buf) < extensionHeader || binary.BigEndian.Uint16(c.buf) != kindExperimenter {
		return ""
	}
	row := extensionByKind[uint64(binary.BigEndian.Uint32(c.buf[4:]))<<16|uint64(binary.BigEndian.Uint16(c.buf[8:]))]
	if row == nil || a.Ext == nil && row.action == 0 {
		return ""
	}
	return row.name
}

var directions = [2]string{" request", " reply"}

// NewParts returns an empty body of every kind of multipart request, or reply.
func NewParts(isReply bool) (all []Part) {
	direction := request
	if isReply {
		direction = reply
	}
	for i := range parts {
		all = append(all, parts[i].body[direction].make())
	}
	for i := range vendorParts {
		if b := vendorParts[i].body[direction]; b != nil {
			all = append(all, b.make())
		}
	}
	return all
}

// PartName returns the name of the row of a body in version v, such as "flow
// reply", or "" where it has none.
func PartName(p Part, v Version, isReply bool) string {
	direction := request
	if isReply {
		direction = reply
	}
	for i := range parts {
		if b := parts[i].body[direction]; b != nil && reflect.TypeOf(p) == b.typ {
			return parts[i].name + directions[direction]
		}
	}
	for i := range vendorParts {
		r := &vendorParts[i]
		if b := r.body[direction]; b != nil && reflect.TypeOf(p) == b.typ && v >= r.from && v <= r.to {
			return r.name + directions[direction]
		}
	}
	return ""
}

// NewExtensions returns an empty action for every row of the table of actions of
// experimenters.
func NewExtensions() (all []Action) {
	for i := range extensions {
		e := &extensions[i]
		a := Action{Type: ActionExperimenter, Subtype: e.subtype}
		if e.action != 0 {
			a.Type = e.action
		} else {
			a.Ext = e.make()
		}
		all = append(all, a)
	}
	return all
}

// Types returns every type of message, but for TypeUnknown.
func Types() (types []Type) {
	for t := TypeUnknown + 1; t < numTypes; t++ {
		types = append(types, t)
	}
	return types
}

// ActionTypes returns every type of action, but for ActionUnknown.
func ActionTypes() (types []ActionType) {
	for t := ActionUnknown + 1; t < numActions; t++ {
		types = append(types, t)
	}
	return types
}

// In reports whether version v has the type, as a message of its own or as one
// of an experimenter.
func (t Type) In(v Version) bool {
	if !v.Supported() || t == TypeUnknown || t >= numTypes {
		return false
	}
	_, ok := t.kind(v)
	return ok
}
