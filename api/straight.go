package api

import (
	"encoding/binary"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Flows that come in large numbers are converted straight from their bytes, text as
// it is and structured ones as long as they are of the usual parts: no message of the
// API is made of them, of which a Match alone takes 5 KB. Whatever else there is in a flow, and
// whatever is wrong with it, is left to the way by messages (toFlow), which alone
// says what is wrong. FuzzLater compares both.

// mostStraight bounds the fields of a match, and the actions, that are converted
// straight.
const mostStraight = 12

// straightBlock is how many flow-mods, instructions and actions are allocated at a
// time.
const straightBlock = 64

// room is memory for converting flows straight. The flow-mods of one room keep each
// other in memory, by blocks.
type room struct {
	mods         []ofp.FlowMod
	instructions []ofp.Instruction
	actions      []ofp.Action
	oxm          []byte

	fields [mostStraight]straightField
	some   [mostStraight]ofp.Action
}

// straightField is a field of a match as it came: a number, or bytes, each perhaps
// with a mask.
type straightField struct {
	row         int
	has, masked bool
	v, m        uint64
	value, mask []byte
	short       [2][8]byte
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// taken cuts n things off the free end of a block, or off a new one.
func taken[T any](free *[]T, n, block int) []T {
	if len(*free) < n {
		*free = make([]T, max(n, block))
	}
	out := (*free)[:n:n]
	*free = (*free)[n:]
	return out
}

// straight converts the bytes of a change that is a flow, structured or as text. It
// returns nil for what it leaves to others.
func straight(change []byte, n *ofp.Names) *ofp.FlowMod {
	number, spec := only(change)
	form, flow := only(spec)
	command, ok := commands[number]
	if !ok || flow == nil || form != flowField && form != textField {
		return nil
	}
	if form == textField {
		if !utf8.Valid(flow) {
			return nil
		}
		if m, err := ofp.ParseFlow(string(flow), command, n); err == nil && reserved(m) == nil {
			return m
		}
		return nil
	}
	r := rooms.Get().(*room)
	defer rooms.Put(r)
	return r.flow(flow, command, n)
}

// flow is what toFlow and contradiction make of a flow, or nil.
func (r *room) flow(wire []byte, command ofp.FlowCommand, n *ofp.Names) *ofp.FlowMod {
	m := &taken(&r.mods, 1, straightBlock)[0]
	*m = *ofp.NewFlowMod(command)
	var matched, jumps, metered bool
	var goTo, meter uint64
	actions := r.some[:0]
	for len(wire) > 0 {
		number, x, b, rest := straightNext(wire)
		if rest == nil {
			return nil
		}
		wire = rest
		part := flowParts.of(number)
		if (b != nil) != (part == partMatch || part == partAction) {
			return nil
		}
		x32 := uint64(uint32(x)) // as the fields of 32 bits are read
		switch part {
		case partTable:
			if x32 > 254 {
				return nil
			}
			m.Table = uint8(x32)
		case partPriority:
			m.Priority = uint16(x32)
		case partIdle:
			m.IdleTimeout = uint16(x32)
		case partHard:
			m.HardTimeout = uint16(x32)
		case partCookie:
			m.Cookie = x
		case partCookieMask:
			m.CookieMask = x
		case partGoto:
			goTo, jumps = x32, true
		case partMeter:
			meter, metered = x32, true
		case partMatch:
			if matched || !r.match(b, &m.Match) {
				return nil
			}
			matched = true
		case partAction:
			a, ok := toStraightAction(b, n)
			if !ok || len(actions) == len(r.some) {
				return nil
			}
			actions = append(actions, a)
		default:
			flag := straightFlags[part]
			if flag == 0 {
				return nil
			}
			if m.Flags &^= flag; protowire.DecodeBool(x) {
				m.Flags |= flag
			}
		}
		if x32 > 0xffff && (part == partPriority || part == partIdle || part == partHard) {
			return nil
		}
	}
	if goTo > 254 || m.CookieMask != 0 && command == ofp.FlowAdd {
		return nil
	}
	count := 0
	for _, is := range []bool{metered, len(actions) > 0, jumps} {
		if is {
			count++
		}
	}
	if count > 0 {
		if command == ofp.FlowDelete || command == ofp.FlowDeleteStrict {
			return nil
		}
		m.Instructions = taken(&r.instructions, count, straightBlock)[:0]
	}
	if metered {
		m.Instructions = append(m.Instructions, ofp.Instruction{Type: ofp.InstructionMeter, Meter: uint32(meter)})
	}
	if len(actions) > 0 {
		kept := taken(&r.actions, len(actions), straightBlock)
		for i, a := range actions {
			kept[i] = m.Match.ForProtocol(a)
		}
		m.Instructions = append(m.Instructions, ofp.Apply(kept...))
	}
	if jumps {
		m.Instructions = append(m.Instructions, ofp.GotoTable(uint8(goTo)))
	}
	if m.ValidateFor(ofp.V10) != nil || reserved(m) != nil {
		return nil
	}
	return m
}

// match is what toMatch makes of a match, but that it is not validated. It reports
// false for what is left to others.
func (r *room) match(wire []byte, to *ofp.Match) bool {
	set := r.fields[:0]
	for len(wire) > 0 {
		number, x, b, rest := straightNext(wire)
		is := straightMatch.of(number)
		if rest == nil || is.kind == 0 {
			return false
		}
		wire = rest
		at := 0
		for at < len(set) && set[at].row < is.row {
			at++
		}
		if at == len(set) || set[at].row != is.row {
			if len(set) == len(r.fields) {
				return false
			}
			set = set[:len(set)+1]
			copy(set[at+1:], set[at:])
			set[at] = straightField{row: is.row}
		}
		if !set[at].take(is, x, b) {
			return false
		}
	}
	size := 0
	for i := range set {
		if !set[i].settle() {
			return false
		}
		size += 8 + len(set[i].value) + len(set[i].mask)
	}
	if size == 0 {
		return true
	}
	*to = ofp.NewMatch(taken(&r.oxm, size, 32*straightBlock))
	for i := range set {
		f := &set[i]
		if to.SetMasked(matchRows[f.row].info.ID, f.value, f.mask) != nil {
			return false
		}
	}
	if to.Empty() {
		*to = ofp.Match{}
	}
	return true
}

// take takes a value or a mask. It reports false if that is wrong, or came before.
func (f *straightField) take(is matchPart, x uint64, b []byte) bool {
	text := is.kind == protoreflect.StringKind
	if (b != nil) != (text || is.kind == protoreflect.BytesKind) || f.has && !is.mask || f.masked && is.mask {
		return false
	}
	if is.kind == protoreflect.Uint32Kind {
		x = uint64(uint32(x))
	}
	switch {
	case is.mask:
		f.masked, f.m, f.mask = true, x, b
		return true
	case !text:
		f.value = b
	case matchRows[f.row].info.Format == ofp.FormatIPv4 && plainIPv4(b, f.short[0][:4]):
		f.value = f.short[0][:4]
	default:
		var err error
		if f.value, f.mask, err = parseAddress(matchRows[f.row].info, string(b)); err != nil {
			return false
		}
	}
	f.has, f.v = true, x
	return true
}

// settle makes bytes of numbers. It reports false where something is missing or too
// large.
func (f *straightField) settle() bool {
	row := &matchRows[f.row]
	switch {
	case !f.has:
		return false
	case f.value != nil:
		return true
	case row.fits(f.v, f.m, f.masked) != nil:
		return false
	}
	n := row.info.Bytes()
	f.value = binary.BigEndian.AppendUint64(f.short[0][:0], f.v)[8-n:]
	if f.masked {
		f.mask = binary.BigEndian.AppendUint64(f.short[1][:0], f.m)[8-n:]
	}
	return true
}

// plainIPv4 reads an address of four numbers, as everybody writes them.
func plainIPv4(s []byte, to []byte) bool {
	at, digits, n := 0, 0, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9' && (digits == 0 || n > 0):
			if n, digits = 10*n+int(c-'0'), digits+1; n > 255 {
				return false
			}
		case c == '.' && digits > 0 && at < 3:
			to[at] = byte(n)
			at, digits, n = at+1, 0, 0
		default:
			return false
		}
	}
	if at != 3 || digits == 0 {
		return false
	}
	to[3] = byte(n)
	return true
}

// toStraightAction is what toAction makes of an action.
func toStraightAction(wire []byte, n *ofp.Names) (ofp.Action, bool) {
	number, x, b, rest := straightNext(wire)
	if rest == nil || len(rest) > 0 {
		return ofp.Action{}, false
	}
	f := straightActions.of(number)
	a, ok := ofp.Action{Type: f.action}, false
	switch {
	case f.kind == protoreflect.Uint32Kind && b == nil:
		a.Arg, ok = uint32(x), true
	case f.kind == protoreflect.BoolKind && b == nil:
		ok = protowire.DecodeBool(x)
	case f.kind == protoreflect.MessageKind && f.action == ofp.ActionOutput && b != nil:
		a, ok = straightOutput(b, n)
	}
	return a, ok && a.Validate() == nil
}

func straightOutput(wire []byte, n *ofp.Names) (ofp.Action, bool) {
	number, x, b, rest := straightNext(wire)
	switch {
	case rest == nil || len(rest) > 0:
	case number == outputPort && b == nil:
		return ofp.Output(ofp.PortNo(x)), true
	case number == outputName && b != nil && utf8.Valid(b):
		if p, err := toPort(string(b), n); err == nil {
			return ofp.Output(p), true
		}
	}
	return ofp.Action{}, false
}

// straightNext cuts the first field off a message: a number, or bytes, which are not
// nil. rest is nil if there is no such field there.
func straightNext(wire []byte) (number protowire.Number, x uint64, b, rest []byte) {
	number, kind, head := protowire.ConsumeTag(wire)
	if head < 0 {
		return 0, 0, nil, nil
	}
	n := -1
	switch kind {
	case protowire.VarintType:
		x, n = protowire.ConsumeVarint(wire[head:])
	case protowire.BytesType:
		b, n = protowire.ConsumeBytes(wire[head:])
	}
	if n < 0 {
		return 0, 0, nil, nil
	}
	return number, x, b, wire[head+n:]
}

// flowPart is a part of a flow that is converted straight.
type flowPart uint8

const (
	partOther flowPart = iota
	partTable
	partPriority
	partIdle
	partHard
	partCookie
	partCookieMask
	partGoto
	partMeter
	partMatch
	partAction
	partFlag // and those behind it
)

// numbered is a table by the numbers of fields.
type numbered[T any] []T

// of returns what a number has, or the zero value.
func (t numbered[T]) of(n protowire.Number) (x T) {
	if n < protowire.Number(len(t)) {
		return t[n]
	}
	return x
}

func (t *numbered[T]) set(n protowire.Number, x T) {
	*t = append(*t, make([]T, max(0, int(n)+1-len(*t)))...)
	(*t)[n] = x
}

func byNumber[T any](m proto.Message, names map[protoreflect.Name]T) (t numbered[T]) {
	for name, x := range names {
		t.set(number(m, name), x)
	}
	return t
}

var flowParts = byNumber((*sluicev1.Flow)(nil), map[protoreflect.Name]flowPart{
	"table": partTable, "priority": partPriority, "idle_timeout": partIdle, "hard_timeout": partHard,
	"cookie": partCookie, "cookie_mask": partCookieMask, "goto_table": partGoto, "meter": partMeter,
	"match": partMatch, "actions": partAction,
	"send_flow_removed": partFlag, "check_overlap": partFlag + 1, "reset_counts": partFlag + 2,
	"no_packet_counts": partFlag + 3, "no_byte_counts": partFlag + 4,
})

var straightFlags = [partFlag + 5]ofp.FlowFlags{
	partFlag: ofp.FlowSendFlowRem, partFlag + 1: ofp.FlowCheckOverlap, partFlag + 2: ofp.FlowResetCounts,
	partFlag + 3: ofp.FlowNoPktCounts, partFlag + 4: ofp.FlowNoByteCounts,
}

// matchPart is what a field of Match says: the value or the mask of a row.
type matchPart struct {
	row  int
	mask bool
	kind protoreflect.Kind // 0: nothing that is converted straight
}

var straightMatch = func() (t numbered[matchPart]) {
	for row := range matchRows {
		f := &matchRows[row]
		t.set(f.value.Number(), matchPart{row: row, kind: f.value.Kind()})
		if f.mask != nil {
			t.set(f.mask.Number(), matchPart{row: row, mask: true, kind: f.mask.Kind()})
		}
	}
	return t
}()

// straightActions are the actions by the numbers of their fields.
var straightActions = func() (t numbered[straightAction]) {
	for a, f := range actionFields {
		if f.Number() < 1000 { // else it is other
			t.set(f.Number(), straightAction{a, f.Kind()})
		}
	}
	return t
}()

type straightAction struct {
	action ofp.ActionType
	kind   protoreflect.Kind // 0: none
}

var (
	outputPort = number((*sluicev1.Output)(nil), "port")
	outputName = number((*sluicev1.Output)(nil), "port_name")
)

// commands are what the fields of a FlowChange ask for.
var commands = map[protowire.Number]ofp.FlowCommand{
	addField: ofp.FlowAdd, modifyField: ofp.FlowModify, modifyStrictField: ofp.FlowModifyStrict,
	deleteField: ofp.FlowDelete, deleteStrictField: ofp.FlowDeleteStrict,
}
