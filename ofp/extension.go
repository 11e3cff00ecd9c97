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
	// walk reads or writes all that follows the subtype, but for the padding at
	// the end, in the form that the subtype stands for.
	walk(c *cursor, subtype uint16)
	// appendText appends the action in the syntax of ovs-actions(7).
	appendText(b []byte, v Version, n *Names) []byte
	// clone returns a copy that shares no memory.
	clone() Extension
}

// What some extensions have beside.
type (
	// former is an extension that has several rows in the table. The form is the
	// subtype that says on the wire what the struct holds. Where several can,
	// received, unless it is 0, is the one that it came in.
	former interface {
		form(v Version, received uint16) uint16
	}
	// standardizer is an extension that some versions have a standard action for,
	// which is written unless the extension came in another form.
	standardizer interface {
		standard(v Version) (a Action, ok bool)
	}
	// validator is an extension that can hold what no switch carries out.
	validator interface {
		validate() error
	}
)

// extensionInfo is one row of the table of extensions: one subtype.
type extensionInfo struct {
	experimenter uint32
	subtype      uint16
	name         string // NXAST_RESUBMIT
	typ          reflect.Type
	make         func() Extension
	action       ActionType // the standard action that the subtype is a form of, or 0
	first, last  Version    // the versions that have the row, or 0
}

func extension[T any, P interface {
	*T
	Extension
}](experimenter uint32, subtype uint16, name string) extensionInfo {
	return extensionInfo{experimenter: experimenter, subtype: subtype, name: name,
		typ: reflect.TypeFor[P](), make: func() Extension { return P(new(T)) }}
}

// before11 is the row of an action that is standard since 1.1, and in 1.0
// Nicira's.
func before11(subtype uint16, t ActionType, name string) extensionInfo {
	return extensionInfo{experimenter: niciraID, subtype: subtype, name: name, action: t, last: V10}
}

// extensions is the table of the actions of experimenters (nicira-ext.h and
// ofp-actions.c of Open vSwitch).
var extensions = [...]extensionInfo{
	extension[Resubmit](niciraID, 1, "NXAST_RESUBMIT"),
	extension[SetTunnel](niciraID, 2, "NXAST_SET_TUNNEL"),
	before11(4, ActionSetQueue, "NXAST_SET_QUEUE"),
	extension[PopQueue](niciraID, 5, "NXAST_POP_QUEUE"),
	extension[Move](niciraID, 6, "NXAST_REG_MOVE"),
	extension[Load](niciraID, 7, "NXAST_REG_LOAD"),
	extension[Note](niciraID, 8, "NXAST_NOTE"),
	extension[SetTunnel](niciraID, 9, "NXAST_SET_TUNNEL64"),
	extension[Multipath](niciraID, 10, "NXAST_MULTIPATH"),
	extension[PortBundle](niciraID, subBundle, "NXAST_BUNDLE"),
	extension[PortBundle](niciraID, subBundleLoad, "NXAST_BUNDLE_LOAD"),
	extension[Resubmit](niciraID, 14, "NXAST_RESUBMIT_TABLE"),
	extension[OutputReg](niciraID, 15, "NXAST_OUTPUT_REG"),
	extension[Learn](niciraID, subLearn, "NXAST_LEARN"),
	extension[Exit](niciraID, 17, "NXAST_EXIT"),
	before11(18, ActionDecNWTTL, "NXAST_DEC_TTL"),
	extension[FinTimeout](niciraID, 19, "NXAST_FIN_TIMEOUT"),
	extension[Controller](niciraID, 20, "NXAST_CONTROLLER"),
	extension[DecTTL](niciraID, 21, "NXAST_DEC_TTL_CNT_IDS"),
	extension[SetMetadata](niciraID, 22, "NXAST_WRITE_METADATA"),
	before11(23, ActionPushMPLS, "NXAST_PUSH_MPLS"),
	before11(24, ActionPopMPLS, "NXAST_POP_MPLS"),
	before11(25, ActionSetMPLSTTL, "NXAST_SET_MPLS_TTL"),
	before11(26, ActionDecMPLSTTL, "NXAST_DEC_MPLS_TTL"),
	extension[Push](niciraID, 27, "NXAST_STACK_PUSH"),
	extension[Pop](niciraID, 28, "NXAST_STACK_POP"),
	extension[Sample](niciraID, subSample, "NXAST_SAMPLE"),
	before11(30, ActionSetMPLSLabel, "NXAST_SET_MPLS_LABEL"),
	before11(31, ActionSetMPLSTC, "NXAST_SET_MPLS_TC"),
	extension[OutputReg](niciraID, 32, "NXAST_OUTPUT_REG2"),
	{experimenter: niciraID, subtype: subRegLoad2, name: "NXAST_REG_LOAD2", action: ActionSetField},
	extension[Conjunction](niciraID, 34, "NXAST_CONJUNCTION"),
	extension[CT](niciraID, subCT, "NXAST_CT"),
	extension[NAT](niciraID, subNAT, "NXAST_NAT"),
	extension[Controller](niciraID, 37, "NXAST_CONTROLLER2"),
	extension[Sample](niciraID, subSample2, "NXAST_SAMPLE2"),
	extension[OutputTrunc](niciraID, 39, "NXAST_OUTPUT_TRUNC"),
	before11(40, ActionGroup, "NXAST_GROUP"),
	extension[Sample](niciraID, subSample3, "NXAST_SAMPLE3"),
	extension[CloneActions](niciraID, 42, "NXAST_CLONE"),
	extension[CTClear](niciraID, 43, "NXAST_CT_CLEAR"),
	extension[Resubmit](niciraID, 44, "NXAST_RESUBMIT_TABLE_CT"),
	extension[Learn](niciraID, subLearn2, "NXAST_LEARN2"),
	extension[Encap](niciraID, 46, "NXAST_ENCAP"),
	extension[Decap](niciraID, 47, "NXAST_DECAP"),
	extension[DecNSHTTL](niciraID, 48, "NXAST_DEC_NSH_TTL"),
	extension[CheckPktLarger](niciraID, 49, "NXAST_CHECK_PKT_LARGER"),
	extension[DeleteField](niciraID, 50, "NXAST_DELETE_FIELD"),
	extension[DebugSlow](niciraID, 254, "NXAST_DEBUG_SLOW"),
	extension[DebugRecirc](niciraID, 255, "NXAST_DEBUG_RECIRC"),
	{experimenter: onfID, subtype: subCopyField, name: "ONFACT_COPY_FIELD", first: V13, typ: reflect.TypeFor[*Move](), make: func() Extension { return new(Move) }},
}

// extensionForm is one of the forms of a struct.
type extensionForm struct {
	typ     reflect.Type
	subtype uint16
}

// extensionByKind finds a row by experimenter and subtype, extensionByForm by
// struct and subtype; where the subtype is 0, it is the first row of the struct.
var extensionByKind, extensionByForm = func() (map[uint64]*extensionInfo, map[extensionForm]*extensionInfo) {
	byKind := make(map[uint64]*extensionInfo)
	byForm := make(map[extensionForm]*extensionInfo)
	for i := range extensions {
		e := &extensions[i]
		byKind[uint64(e.experimenter)<<16|uint64(e.subtype)] = e
		if e.typ == nil {
			continue
		}
		byForm[extensionForm{e.typ, e.subtype}] = e
		if first := (extensionForm{e.typ, 0}); byForm[first] == nil {
			byForm[first] = e
		}
	}
	return byKind, byForm
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
	if row == nil || c.v < row.first || row.last != 0 && c.v > row.last {
		return
	}
	if row.action != 0 {
		a.readStandard(row)
		return
	}
	if ext == nil || reflect.TypeOf(ext) != row.typ {
		ext = row.make()
	}
	start, odd := c.off, c.odd
	c.odd = false
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
	c.blank(c.buf[c.off:c.end])
	c.leave(outer)
	c.off = start
	if !c.odd {
		a.Arg, a.Value, a.Subtype, a.Ext = 0, nil, subtype, ext
	}
	c.odd = odd
}

// form is the row of the form that an action's extension is written in.
func (a *Action) form(v Version) *extensionInfo {
	typ := reflect.TypeOf(a.Ext)
	var subtype uint16
	if f, ok := a.Ext.(former); ok {
		subtype = f.form(v, a.Subtype)
	}
	return extensionByForm[extensionForm{typ, subtype}]
}

func (a *Action) writeExtension(c *cursor) {
	if absent(a.Ext) {
		c.fail("action extension", errNone)
		return
	}
	row := a.form(c.v)
	if row == nil {
		c.bad("action", "extension %T is not in the table", a.Ext)
		return
	}
	start := len(c.buf)
	b := c.room(extensionHeader)
	binary.BigEndian.PutUint16(b, kindExperimenter)
	binary.BigEndian.PutUint32(b[4:], row.experimenter)
	binary.BigEndian.PutUint16(b[8:], row.subtype)
	a.Ext.walk(c, row.subtype)
	c.pad8(start)
	c.setLen16(start, 2)
}

// ExperimenterBody returns what follows the experimenter's number in the wire
// form that an action of an experimenter has in version v, and that number.
func (a *Action) ExperimenterBody(v Version) (experimenter uint32, body []byte, err error) {
	c := cursor{wr: true, v: v, msg: "action"}
	if a.Ext != nil {
		a.writeExtension(&c)
	} else {
		c.buf = encodeAction(&c, c.buf, a)
	}
	switch {
	case c.err != nil:
		return 0, nil, c.err
	case len(c.buf) < 8 || binary.BigEndian.Uint16(c.buf) != kindExperimenter:
		return 0, nil, fmt.Errorf("action %s: %w: has no experimenter in OpenFlow %s", a.Type, ErrMalformed, v)
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
