package ofp

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// Experimenters whose messages, fields and actions are modelled.
const (
	niciraID = 0x00002320 // Nicira, whose extensions are Open vSwitch's
	onfID    = 0x4f4e4600 // the ONF, whose extensions to 1.3 became parts of 1.4 and 1.5
)

// Extension is what an action of an experimenter says. There is one struct for
// each thing that can be said; the forms in which it stands on the wire are rows
// of a table. The set is closed: only this package adds to it.
type Extension interface {
	// form returns the subtype that says on the wire what the struct holds. Where
	// several can, received, unless it is 0, is the one that it came in.
	form(v Version, received uint16) uint16
	// walk reads or writes all that follows the subtype, but for the padding at
	// the end, in the form that the subtype stands for.
	walk(c *cursor, subtype uint16)
	// appendText appends the action in the syntax of ovs-actions(7).
	appendText(b []byte, v Version, n *Names) []byte
	// clone returns a copy that shares no memory.
	clone() Extension
}

// extensionInfo is one row of the table of extensions: one subtype.
type extensionInfo struct {
	experimenter uint32
	subtype      uint16
	name         string // NXAST_RESUBMIT
	typ          reflect.Type
	make         func() Extension
}

func extension[T any, P interface {
	*T
	Extension
}](experimenter uint32, subtype uint16, name string) extensionInfo {
	return extensionInfo{experimenter, subtype, name, reflect.TypeFor[P](), func() Extension { return P(new(T)) }}
}

// extensions is the table of the actions of experimenters (nicira-ext.h and
// ofp-actions.c of Open vSwitch).
var extensions = [...]extensionInfo{
	extension[Resubmit](niciraID, 1, "NXAST_RESUBMIT"),
	extension[Resubmit](niciraID, 14, "NXAST_RESUBMIT_TABLE"),
	extension[Resubmit](niciraID, 44, "NXAST_RESUBMIT_TABLE_CT"),
	extension[PopQueue](niciraID, 5, "NXAST_POP_QUEUE"),
}

// extensionByKind finds a row by experimenter and subtype, extensionByType one
// of the rows of a struct.
var extensionByKind, extensionByType = func() (map[uint64]*extensionInfo, map[reflect.Type]*extensionInfo) {
	byKind := make(map[uint64]*extensionInfo)
	byType := make(map[reflect.Type]*extensionInfo)
	for i := range extensions {
		e := &extensions[i]
		byKind[uint64(e.experimenter)<<16|uint64(e.subtype)] = e
		byType[e.typ] = e
	}
	return byKind, byType
}()

// Extend returns the action that says e.
func Extend(e Extension) Action { return Action{Type: ActionExperimenter, Ext: e} }

// extensionHeader is the length of type, length, experimenter and subtype.
const extensionHeader = 10

// maxNesting is how many lists of actions may stand inside each other: those of
// ct, clone and the like inside those of a flow.
const maxNesting = 16

// readExtension reads the experimenter's action of n bytes at the cursor, whose
// Arg and Value are set, into the struct that its subtype has, if it has one.
// The struct in ext is used again if it is of that type. Bytes that the struct
// has no place for leave the action as it is on the wire.
func (a *Action) readExtension(c *cursor, n int, ext Extension) {
	if len(a.Value) < 2 {
		return // of no subtype
	}
	subtype := binary.BigEndian.Uint16(a.Value)
	row := extensionByKind[uint64(a.Arg)<<16|uint64(subtype)]
	if row == nil {
		return
	}
	if ext == nil || reflect.TypeOf(ext) != row.typ {
		ext = row.make()
	}
	start := c.off
	outer := c.enter(n)
	c.off += extensionHeader
	ext.walk(c, subtype)
	if c.err != nil {
		return
	}
	if c.left() >= 8 {
		c.bad("action "+row.name, "%d bytes too many", c.left())
		return
	}
	for _, b := range c.buf[c.off:c.end] {
		if b != 0 {
			ext = nil // kept as bytes, so that nothing is lost
		}
	}
	c.leave(outer)
	c.off = start
	if ext != nil {
		a.Arg, a.Value, a.Subtype, a.Ext = 0, nil, subtype, ext
	}
}

func (a *Action) writeExtension(c *cursor) {
	row := extensionByType[reflect.TypeOf(a.Ext)]
	if row == nil {
		c.bad("action", "extension %T is not in the table", a.Ext)
		return
	}
	subtype := a.Ext.form(c.v, a.Subtype)
	row = extensionByKind[uint64(row.experimenter)<<16|uint64(subtype)]
	start := len(c.buf)
	b := c.room(extensionHeader)
	binary.BigEndian.PutUint16(b, kindExperimenter)
	binary.BigEndian.PutUint32(b[4:], row.experimenter)
	binary.BigEndian.PutUint16(b[8:], subtype)
	a.Ext.walk(c, subtype)
	c.pad8(start)
	c.setLen16(start, 2)
}

// ExperimenterBody returns what follows the experimenter's number in the wire
// form that an action of an experimenter has in version v, and that number.
func (a *Action) ExperimenterBody(v Version) (experimenter uint32, body []byte, err error) {
	if a.Type != ActionExperimenter {
		return 0, nil, fmt.Errorf("action %s: %w: has no experimenter", a.Type, ErrMalformed)
	}
	c := cursor{wr: true, v: v, msg: "action"}
	c.buf = encodeAction(&c, c.buf, a)
	if c.err != nil {
		return 0, nil, c.err
	}
	return binary.BigEndian.Uint32(c.buf[4:]), c.buf[8:], nil
}

// ExperimenterAction returns the action of an experimenter that has the given
// body in version v: what ExperimenterBody returned. The action aliases body.
func ExperimenterAction(v Version, experimenter uint32, body []byte) (Action, error) {
	var a Action
	n := 8 + len(body)
	if n > 0xffff {
		return a, fmt.Errorf("action experimenter: %w: body of %d bytes", ErrTooLong, len(body))
	}
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, n), kindExperimenter)
	frame = binary.BigEndian.AppendUint16(frame, uint16(n))
	frame = binary.BigEndian.AppendUint32(frame, experimenter)
	frame = append(frame, body...)
	c := cursor{buf: frame, end: n, v: v, msg: "action"}
	readAction(&c, &a)
	return a, c.err
}

// walkNested walks a list of actions inside an action, which fills the structure
// at hand.
func walkNested(c *cursor, as *[]Action) {
	if c.deep++; c.deep > maxNesting {
		c.bad("action", "more than %d lists of actions inside each other", maxNesting)
	} else {
		walkActions(c, as)
	}
	c.deep--
}
