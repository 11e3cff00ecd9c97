package ofp

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// argKind says how text writes the argument of an action.
type argKind uint8

const (
	argNone   argKind = iota
	argNumber         // decimal
	argEther          // an Ethernet type
	argMAC
	argIPv4
	argPort    // of output
	argEnqueue // port and queue
	argField   // value->field
)

// actionText is one row of the table of how text writes actions.
type actionText struct {
	typ   ActionType
	name  string // as it is printed, and read; the action's specification name is read too
	arg   argKind
	paren bool // printed as name(argument)
}

// actionTextRows has every action that text can say, in the words of
// ovs-actions(7), and some that Open vSwitch lacks.
var actionTextRows = [...]actionText{
	{typ: ActionOutput, name: "output", arg: argPort},
	{typ: ActionSetVLANVID, name: "mod_vlan_vid", arg: argNumber},
	{typ: ActionSetVLANPCP, name: "mod_vlan_pcp", arg: argNumber},
	{typ: ActionStripVLAN, name: "strip_vlan"},
	{typ: ActionSetEthSrc, name: "mod_dl_src", arg: argMAC},
	{typ: ActionSetEthDst, name: "mod_dl_dst", arg: argMAC},
	{typ: ActionSetIPv4Src, name: "mod_nw_src", arg: argIPv4},
	{typ: ActionSetIPv4Dst, name: "mod_nw_dst", arg: argIPv4},
	{typ: ActionSetIPToS, name: "mod_nw_tos", arg: argNumber},
	{typ: ActionSetIPECN, name: "mod_nw_ecn", arg: argNumber},
	{typ: ActionSetTPSrc, name: "mod_tp_src", arg: argNumber},
	{typ: ActionSetTPDst, name: "mod_tp_dst", arg: argNumber},
	{typ: ActionEnqueue, name: "enqueue", arg: argEnqueue},
	{typ: ActionCopyTTLOut, name: "copy_ttl_out"},
	{typ: ActionCopyTTLIn, name: "copy_ttl_in"},
	{typ: ActionSetMPLSLabel, name: "set_mpls_label", arg: argNumber, paren: true},
	{typ: ActionSetMPLSTC, name: "set_mpls_tc", arg: argNumber, paren: true},
	{typ: ActionSetMPLSTTL, name: "set_mpls_ttl", arg: argNumber, paren: true},
	{typ: ActionDecMPLSTTL, name: "dec_mpls_ttl"},
	{typ: ActionPushVLAN, name: "push_vlan", arg: argEther},
	{typ: ActionPopVLAN, name: "pop_vlan"},
	{typ: ActionPushMPLS, name: "push_mpls", arg: argEther},
	{typ: ActionPopMPLS, name: "pop_mpls", arg: argEther},
	{typ: ActionSetQueue, name: "set_queue", arg: argNumber},
	{typ: ActionGroup, name: "group", arg: argNumber},
	{typ: ActionSetNWTTL, name: "mod_nw_ttl", arg: argNumber},
	{typ: ActionDecNWTTL, name: "dec_ttl"},
	{typ: ActionSetField, name: "set_field", arg: argField},
	{typ: ActionPushPBB, name: "push_pbb", arg: argEther},
	{typ: ActionPopPBB, name: "pop_pbb"},
}

// actionTexts finds a row by name, actionTextOf by type.
var actionTexts, actionTextOf = func() (map[string]*actionText, [numActions]*actionText) {
	byName := make(map[string]*actionText)
	var byType [numActions]*actionText
	for i := range actionTextRows {
		a := &actionTextRows[i]
		byName[actions[a.typ].name] = a
		byType[a.typ] = a
	}
	for i := range actionTextRows {
		byName[actionTextRows[i].name] = &actionTextRows[i]
	}
	return byName, byType
}()

// instructionTexts are the words for instructions.
var instructionTexts = map[string]InstructionType{
	"meter":          InstructionMeter,
	"apply_actions":  InstructionApplyActions,
	"clear_actions":  InstructionClearActions,
	"write_actions":  InstructionWriteActions,
	"write_metadata": InstructionWriteMetadata,
	"goto_table":     InstructionGotoTable,
}

// instructions reads actions and instructions from at to end. The match, if
// there is one, decides what depends on the protocol.
func (p *textParser) instructions(at, end int, m *Match) []Instruction {
	var is []Instruction
	last := InstructionType(0)
	count := 0
	p.context.protocol = protocolOf(m)
	p.context.protocol.lenient = true // the text may be for OpenFlow 1.0
	for {
		it, rest, ok := p.next(at, end)
		if !ok {
			break
		}
		at = rest
		count++
		if it.key == "drop" && !it.has {
			if _, _, more := p.next(at, end); more || count > 1 {
				p.fail(it.at, it.at+len(it.key), "drop stands alone, without any other action")
			}
			return is
		}
		t, isInstruction := instructionTexts[it.key]
		if !isInstruction {
			t = InstructionApplyActions
		}
		switch {
		case last != 0 && rank(t) < rank(last):
			p.fail(it.at, it.at+len(it.key), "%s after %s; want meter, actions, clear_actions, write_actions, write_metadata, goto_table in this order", it.key, last)
		case t == last && (t != InstructionApplyActions || isInstruction):
			p.fail(it.at, it.at+len(it.key), "%s stands twice", it.key)
		}
		if isInstruction {
			if p.context.conjunction {
				p.fail(it.at, it.at+len(it.key), "%s: only conjunction and note can stand with conjunction", it.key)
			}
			p.context.other = it.key
			is = append(is, p.instruction(it, t, m))
		} else {
			if t != last {
				is = append(is, Instruction{Type: t})
			}
			i := &is[len(is)-1]
			i.Actions = p.appendAction(i.Actions, it, m)
		}
		last = t
		if p.err != nil {
			return nil
		}
	}
	// Applying no actions is doing nothing.
	return slices.DeleteFunc(is, func(i Instruction) bool {
		return i.Type == InstructionApplyActions && len(i.Actions) == 0
	})
}

// instruction reads one instruction.
func (p *textParser) instruction(it textItem, t InstructionType, m *Match) Instruction {
	i := Instruction{Type: t}
	switch t {
	case InstructionMeter:
		if i.Meter = uint32(p.uint(it, uint64(MeterMax))); i.Meter == 0 {
			p.badValue(it, "meters begin at 1")
		}
	case InstructionGotoTable:
		i.Table = uint8(p.uint(it, uint64(TableAll-1)))
	case InstructionClearActions:
		if it.has {
			p.badValue(it, "takes no value")
		}
	case InstructionWriteMetadata:
		text, maskText, masked := strings.Cut(it.val, "/")
		maskItem := it
		it.val = text
		maskItem.val, maskItem.valAt = maskText, it.valAt+len(text)+1
		i.Metadata, i.MetadataMask = p.uint(it, math.MaxUint64), math.MaxUint64
		if masked {
			i.MetadataMask = p.uint(maskItem, math.MaxUint64)
		}
	case InstructionApplyActions, InstructionWriteActions:
		if !it.has {
			p.badValue(it, "needs actions in parentheses, such as %s(output:1)", it.key)
			return i
		}
		i.Actions = p.nested(it, m, it.key)
	}
	return i
}

// actions reads actions without instructions.
func (p *textParser) actions(at, end int, m *Match) []Action {
	var as []Action
	for {
		it, rest, ok := p.next(at, end)
		if !ok {
			return as
		}
		at = rest
		if it.key == "drop" && !it.has {
			if _, _, more := p.next(at, end); more || len(as) > 0 {
				p.fail(it.at, it.at+len(it.key), "drop stands alone, without any other action")
			}
			return nil
		}
		if _, isInstruction := instructionTexts[it.key]; isInstruction {
			p.fail(it.at, it.at+len(it.key), "%s is no action; it cannot stand in parentheses", it.key)
			return nil
		}
		as = p.appendAction(as, it, m)
	}
}

// appendAction reads an action, and appends what says it: load can take several.
func (p *textParser) appendAction(as []Action, it textItem, m *Match) []Action {
	if it.key == "load" {
		n := len(as)
		as = p.loads(as, it)
		for i := n; i < len(as) && p.err == nil; i++ {
			p.fitsContext(it, &as[i])
		}
		return as
	}
	return append(as, p.action(it, m))
}

// action reads one action, and checks that it can stand where it does.
func (p *textParser) action(it textItem, m *Match) Action {
	a := p.anyAction(it, m)
	if p.err == nil {
		p.valid(it, &a)
	}
	if p.err == nil {
		p.fitsContext(it, &a)
	}
	return a
}

// fitsContext fails about an action that cannot stand where it does.
func (p *textParser) fitsContext(it textItem, a *Action) {
	if why := p.context.refuses(a, it.key); why != "" {
		p.fail(it.at, it.at+len(it.key), "%s: %s", clip(it.key), why)
	}
}

func (p *textParser) anyAction(it textItem, m *Match) Action {
	row := actionTexts[it.key]
	if row == nil {
		if read := extensionTexts[it.key]; read != nil {
			return Extend(read(p, it, m))
		}
		if it.key == "experimenter" || it.key == "unknown" {
			return p.foreign(it)
		}
		return p.bareAction(it)
	}
	a := Action{Type: row.typ}
	if row.typ == ActionDecNWTTL {
		return p.decTTL(it)
	}
	if row.arg == argNone {
		if it.has && it.val != "" {
			p.badValue(it, "takes no value")
		}
		return a
	}
	if !it.has || it.val == "" {
		p.badValue(it, "needs a value")
		return a
	}
	switch row.arg {
	case argNumber:
		if it.key == "set_vlan_vid" || it.key == "set_vlan_pcp" {
			a.Received = V11 // as in 1.1, a tag is changed and none added
		}
		a.Arg = uint32(p.uint(it, uint64(row.typ.max())))
		p.valid(it, &a)
		if m != nil {
			return m.ForProtocol(a)
		}
	case argEther:
		a.Arg = uint32(p.uint(it, 0xffff))
		p.valid(it, &a)
	case argMAC:
		a.Value = make([]byte, 6)
		p.mac(it, a.Value)
	case argIPv4:
		var b [16]byte
		p.address(it, 4, b[:])
		a.Arg = binary.BigEndian.Uint32(b[:])
	case argPort:
		if p.s[it.valAt-1] == '(' && strings.Contains(it.val, "=") {
			return p.outputTrunc(it)
		}
		if a, ok := p.outputReg(it); ok {
			return a
		}
		return p.output(p.port(it), it)
	case argEnqueue:
		sep := strings.IndexAny(it.val, ":,")
		if sep < 0 {
			p.badValue(it, "needs a port and a queue, such as enqueue:1:2")
			return a
		}
		queue := it
		queue.val, queue.valAt = strings.Trim(it.val[sep+1:], " "), it.valAt+sep+1
		it.val = it.val[:sep]
		a.Arg, a.Queue = uint32(p.port(it)), uint32(p.uint(queue, math.MaxUint32))
		p.valid(it, &a)
	case argField:
		return p.setField(it, m)
	}
	return a
}

// bareAction reads an action that is a port's name or number, or controller
// with or without the length to send.
func (p *textParser) bareAction(it textItem) Action {
	if strings.EqualFold(it.key, "controller") && it.has {
		return p.toController(it)
	}
	whole := it
	whole.val, whole.valAt = it.key, it.at
	if _, ok := p.portOf(it.key); !ok {
		p.unknown(it, "action", func(name string) bool {
			_, err := ParsePort(name)
			return actionTexts[name] != nil || extensionTexts[name] != nil || err == nil
		})
		return Action{}
	}
	no := p.port(whole)
	if it.has {
		p.badValue(it, "takes no value")
	}
	return p.output(no, it)
}

func (p *textParser) output(no PortNo, it textItem) Action {
	if err := no.validOutput(); err != nil && p.err == nil {
		p.fail(it.at, it.at+len(it.key), "%s: %v", it.key, err)
	}
	return Output(no)
}

// valid fails about an item's value that the action does not take.
func (p *textParser) valid(it textItem, a *Action) {
	if err := a.Validate(); err != nil && p.err == nil {
		p.badValue(it, "%v", err)
	}
}

// setField reads "value->field".
func (p *textParser) setField(it textItem, m *Match) Action {
	text, name, ok := strings.Cut(it.val, "->")
	if !ok {
		p.badValue(it, "needs a value and a field, such as set_field:192.0.2.1->ip_dst")
		return Action{}
	}
	nameItem := textItem{key: name, at: it.valAt + len(text) + 2}
	it.val = text
	key, known := textKeys[name]
	id := key.field
	switch own := subfieldOf(name); {
	case known && (own == FieldInPort16 || own == FieldIPToS || own == FieldVLANTCI):
		id = own // that of Open vSwitch, whose name it is
	case known && key.kind == keyField:
	case known && key.kind == keyChoice:
		var none Match
		if m == nil {
			m = &none
		}
		id, _ = m.choose(int(key.index))
	case known && key.kind < keyTable:
		p.fail(nameItem.at, nameItem.at+len(name), "set_field: %s cannot be set; use the actions of that name, or the field that OpenFlow has", name)
		return Action{}
	default:
		p.unknown(nameItem, "field", func(n string) bool { return textKeys[n].kind <= keyChoice && isMatchKey(n) })
		return Action{}
	}
	if info := &fields[id]; info.ReadOnly {
		p.fail(nameItem.at, nameItem.at+len(name), "set_field: %s cannot be written", name)
		return Action{}
	}
	var buf fieldBytes
	value, mask := p.fieldValue(it, id, &buf)
	if p.err != nil {
		return Action{}
	}
	if full := fields[id].full; mask != nil && bytes.Equal(mask, full) {
		mask = nil
	}
	for i := range mask {
		value[i] &= mask[i]
	}
	a := SetFieldMasked(id, slices.Clone(value), mask)
	p.valid(it, &a)
	return a
}
