package ofp

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
)

// FormatActions returns instructions as ovs-ofctl prints them, such as
// "output:2,goto_table:3", or "drop" for none. Ports have the names that n
// knows. ParseActions takes the text again, unless it has actions of unknown
// kinds.
func FormatActions(is []Instruction, n *Names) string {
	return string(appendInstructions(nil, is, 0, n))
}

// appendInstructions appends instructions in the order in which a switch carries
// them out, which is also that of Open vSwitch.
func appendInstructions(b []byte, is []Instruction, v Version, n *Names) []byte {
	if !slices.IsSortedFunc(is, byRank) {
		is = slices.Clone(is)
		slices.SortStableFunc(is, byRank)
	}
	start := len(b)
	for i := range is {
		in := &is[i]
		if in.Type == InstructionApplyActions && len(in.Actions) == 0 {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = appendInstruction(b, in, v, n)
	}
	if len(b) == start {
		return append(b, "drop"...)
	}
	return b
}

func byRank(a, b Instruction) int { return rank(a.Type) - rank(b.Type) }

// rank is the place of an instruction in the order in which a switch carries
// them out (section 5.9 of OpenFlow 1.3.5), and in which text has them.
func rank(t InstructionType) int {
	switch t {
	case InstructionMeter:
		return 1
	case InstructionApplyActions:
		return 2
	case InstructionClearActions:
		return 3
	case InstructionWriteActions:
		return 4
	case InstructionWriteMetadata:
		return 5
	case InstructionGotoTable:
		return 6
	}
	return 7
}

func appendInstruction(b []byte, in *Instruction, v Version, n *Names) []byte {
	switch in.Type {
	case InstructionMeter:
		b = append(b, "meter:"...)
		return strconv.AppendUint(b, uint64(in.Meter), 10)
	case InstructionApplyActions:
		return appendActions(b, in.Actions, v, n)
	case InstructionClearActions:
		return append(b, "clear_actions"...)
	case InstructionWriteActions:
		b = append(b, "write_actions("...)
		b = appendActions(b, in.Actions, v, n)
		return append(b, ')')
	case InstructionWriteMetadata:
		b = append(b, "write_metadata:"...)
		b = appendHash(b, in.Metadata, 0)
		if in.MetadataMask != ^uint64(0) {
			b = append(b, '/')
			b = appendHash(b, in.MetadataMask, 0)
		}
		return b
	case InstructionGotoTable:
		b = append(b, "goto_table:"...)
		return strconv.AppendUint(b, uint64(in.Table), 10)
	}
	b = append(b, "instruction(0x"...)
	b = appendHex(b, uint64(in.Type), 1)
	b = append(b, ',')
	b = hex.AppendEncode(b, in.Data)
	return append(b, ')')
}

// appendActions appends a list of actions, or "drop" for none.
func appendActions(b []byte, as []Action, v Version, n *Names) []byte {
	if len(as) == 0 {
		return append(b, "drop"...)
	}
	for i := range as {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendAction(b, &as[i], v, n)
	}
	return b
}

func appendAction(b []byte, a *Action, v Version, n *Names) []byte {
	var row *actionText
	if a.Type < numActions {
		row = actionTextOf[a.Type]
	}
	if row == nil {
		return appendForeignAction(b, a, v, n)
	}
	name := row.name
	if v == V11 {
		// Since 1.1 the old actions change a tag and never add one; Open vSwitch
		// names them so.
		switch a.Type {
		case ActionSetVLANVID:
			name = "set_vlan_vid"
		case ActionSetVLANPCP:
			name = "set_vlan_pcp"
		}
	}
	switch row.arg {
	case argNone:
		return append(b, name...)
	case argPort:
		return appendOutput(b, a, n)
	}
	b = append(b, name...)
	if row.paren {
		b = append(b, '(')
	} else {
		b = append(b, ':')
	}
	switch row.arg {
	case argNumber:
		b = strconv.AppendUint(b, uint64(a.Arg), 10)
	case argEther:
		b = append(b, "0x"...)
		b = appendHex(b, uint64(a.Arg), 4)
	case argMAC:
		b = appendMAC(b, a.Value)
	case argIPv4:
		b = appendValue(b, &fields[FieldIPv4Src], binary.BigEndian.AppendUint32(nil, a.Arg), n)
	case argEnqueue:
		b = appendPort(b, a.Port(), n)
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(a.Queue), 10)
	case argField:
		b = appendSetField(b, a, n)
	}
	if row.paren {
		b = append(b, ')')
	}
	return b
}

// appendOutput appends a port that packets leave through.
func appendOutput(b []byte, a *Action, n *Names) []byte {
	no := a.Port()
	if no == PortController {
		b = append(b, "CONTROLLER:"...)
		return strconv.AppendUint(b, uint64(a.MaxLen), 10)
	}
	if no.Reserved() {
		if s := no.String(); s[0] >= 'A' {
			return append(b, s...)
		}
	}
	b = append(b, "output:"...)
	return appendPort(b, no, n)
}

// appendSetField appends "value->field".
func appendSetField(b []byte, a *Action, n *Names) []byte {
	f := fromNXM(a.Field())
	if f.ID == FieldUnknown || !fields[f.ID].holds(len(f.Value)) || f.Mask != nil && len(f.Mask) != len(f.Value) {
		b = append(b, "0x"...)
		b = hex.AppendEncode(b, a.Value)
		b = append(b, "->oxm_0x"...)
		return appendHex(b, uint64(a.Arg), 8)
	}
	info := &fields[f.ID]
	switch { // what is written has another form than what is matched
	case f.Mask == nil && info.Format == FormatTunFlags:
		b = tunFlagWords.appendExact(b, beUint(f.Value))
	case f.Mask == nil && info.Format == FormatHex:
		b = appendHashBytes(b, f.Value, 0)
	case f.ID == FieldInPort16 && f.Mask == nil:
		no := PortNo(beUint(f.Value))
		if no >= port10Max {
			no |= 0xffff0000
		}
		b = appendPort(b, no, n)
	default:
		b = appendMasked(b, info, &f, n)
	}
	b = append(b, "->"...)
	return append(b, fieldTexts[f.ID].set...)
}

// appendForeignAction appends an action that only its experimenter knows, or of
// a number that no version has.
func appendForeignAction(b []byte, a *Action, v Version, n *Names) []byte {
	if !absent(a.Ext) {
		return a.Ext.appendText(b, v, n)
	}
	if a.Type == ActionExperimenter {
		b = append(b, "experimenter(0x"...)
	} else {
		b = append(b, "unknown(0x"...)
	}
	b = appendHex(b, uint64(a.Arg), 1)
	b = append(b, ',')
	b = hex.AppendEncode(b, a.Value)
	return append(b, ')')
}
