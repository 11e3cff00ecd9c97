package api

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/sluice-sdn/sluice/ofp"
	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// toFlowMod converts a change of either form. n knows the switch's port names.
func toFlowMod(c *sluicev1.FlowChange, n *ofp.Names) (*ofp.FlowMod, error) {
	if wire := unread(c); wire != nil {
		if m := straight(wire, n); m != nil {
			return m, nil
		}
	}
	c, lent, err := now(c)
	defer giveBack(lent)
	if err != nil {
		return nil, err
	}
	switch x := c.GetChange().(type) {
	case *sluicev1.FlowChange_Add:
		return toSpec("add", x.Add, ofp.FlowAdd, n)
	case *sluicev1.FlowChange_Modify:
		return toSpec("modify", x.Modify, ofp.FlowModify, n)
	case *sluicev1.FlowChange_ModifyStrict:
		return toSpec("modify_strict", x.ModifyStrict, ofp.FlowModifyStrict, n)
	case *sluicev1.FlowChange_Delete:
		return toSpec("delete", x.Delete, ofp.FlowDelete, n)
	case *sluicev1.FlowChange_DeleteStrict:
		return toSpec("delete_strict", x.DeleteStrict, ofp.FlowDeleteStrict, n)
	}
	return nil, fmt.Errorf("no change is set: want one of add, modify, modify_strict, delete, delete_strict")
}

func toSpec(field string, s *sluicev1.FlowSpec, command ofp.FlowCommand, n *ofp.Names) (*ofp.FlowMod, error) {
	var m *ofp.FlowMod
	var err error
	switch form := s.GetForm().(type) {
	case *sluicev1.FlowSpec_Text:
		m, err = ofp.ParseFlow(form.Text, command, n)
		if err == nil && reserved(m) != nil {
			err = fmt.Errorf("%w", reserved(m)) // the field is the text
		}
		err = at("text", err)
	case *sluicev1.FlowSpec_Flow:
		m, err = toFlow(form.Flow, command, n)
		err = at("flow", err)
		if err == nil {
			err = at("flow", cmp.Or(contradiction(m), reserved(m)))
		}
	default:
		if command == ofp.FlowDelete {
			return ofp.NewFlowMod(command), nil // all flows
		}
		err = fmt.Errorf("no flow is set: want text or flow")
	}
	if err != nil {
		return nil, at(field, err)
	}
	return m, nil
}

// reserved fails for a cookie that no flow may have: the value -1 is reserved (section
// 7.3.4.2 of OpenFlow 1.3.5). Open vSwitch gives it to a flow that is new, and leaves
// one that is there already the cookie that it has, in all versions.
func reserved(m *ofp.FlowMod) error {
	if m.Cookie != math.MaxUint64 || m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict {
		return nil
	}
	if m.CookieMask != 0 && m.Command != ofp.FlowAdd {
		return nil // which flows to change
	}
	return bad("cookie", "%#x is reserved by OpenFlow; want another", m.Cookie)
}

// contradiction says what Open vSwitch would refuse, or change without a word,
// for how the parts of a flow stand to each other; each by itself is valid. Text
// is checked where it is read, with the place in it. What later versions than 1.0
// refuse besides is left to the switch, whose version is not known here.
func contradiction(m *ofp.FlowMod) error {
	err := m.ValidateFor(ofp.V10)
	if err == nil {
		return nil
	}
	for i, in := range m.Instructions {
		part := *m
		part.Instructions = m.Instructions[:i+1]
		if part.ValidateFor(ofp.V10) == nil {
			continue
		}
		list := map[ofp.InstructionType]string{ofp.InstructionApplyActions: "actions", ofp.InstructionWriteActions: "write_actions"}[in.Type]
		if list == "" {
			break
		}
		// The first action with which the list is refused.
		part.Instructions = slices.Clone(part.Instructions)
		n := sort.Search(len(in.Actions), func(n int) bool {
			part.Instructions[i].Actions = in.Actions[:n+1]
			return part.ValidateFor(ofp.V10) != nil
		})
		return bad(fmt.Sprintf("%s[%d]", list, n), "%w", err)
	}
	return err
}

// toFilter converts the filter of a list; a nil one takes all flows.
func toFilter(s *sluicev1.FlowSpec, n *ofp.Names) (ofp.FlowFilter, error) {
	m, err := toSpec("filter", s, ofp.FlowDelete, n)
	if err != nil {
		return ofp.FlowFilter{}, err
	}
	return ofp.FlowFilter{Table: m.Table, OutPort: m.OutPort, OutGroup: m.OutGroup,
		Cookie: m.Cookie, CookieMask: m.CookieMask, Match: m.Match}, nil
}

// flowFlags pairs the flags of a flow-mod with the fields that say them.
var flowFlags = []struct {
	flag ofp.FlowFlags
	get  func(*sluicev1.Flow) *bool
}{
	{ofp.FlowSendFlowRem, func(f *sluicev1.Flow) *bool { return &f.SendFlowRemoved }},
	{ofp.FlowCheckOverlap, func(f *sluicev1.Flow) *bool { return &f.CheckOverlap }},
	{ofp.FlowResetCounts, func(f *sluicev1.Flow) *bool { return &f.ResetCounts }},
	{ofp.FlowNoPktCounts, func(f *sluicev1.Flow) *bool { return &f.NoPacketCounts }},
	{ofp.FlowNoByteCounts, func(f *sluicev1.Flow) *bool { return &f.NoByteCounts }},
}

func toFlow(f *sluicev1.Flow, command ofp.FlowCommand, n *ofp.Names) (*ofp.FlowMod, error) {
	m := ofp.NewFlowMod(command)
	for _, x := range []struct {
		field string
		value uint32
		max   uint32
	}{
		{"table", f.GetTable(), 254},
		{"priority", f.GetPriority(), 0xffff},
		{"idle_timeout", f.GetIdleTimeout(), 0xffff},
		{"hard_timeout", f.GetHardTimeout(), 0xffff},
		{"goto_table", f.GetGotoTable(), 254},
	} {
		if x.value > x.max {
			return nil, bad(x.field, "%d: want at most %d", x.value, x.max)
		}
	}
	if f.Table != nil {
		m.Table = uint8(f.GetTable())
	}
	if f.Priority != nil {
		m.Priority = uint16(f.GetPriority())
	}
	m.Cookie, m.CookieMask = f.GetCookie(), f.GetCookieMask()
	m.IdleTimeout, m.HardTimeout = uint16(f.GetIdleTimeout()), uint16(f.GetHardTimeout())
	for _, x := range flowFlags {
		if *x.get(f) {
			m.Flags |= x.flag
		}
	}
	var err error
	if m.Match, err = toMatch(f.GetMatch()); err != nil {
		return nil, at("match", err)
	}
	if m.Instructions, err = toInstructions(f, n); err != nil {
		return nil, err
	}
	for _, i := range m.Instructions {
		for n := range i.Actions {
			i.Actions[n] = m.Match.ForProtocol(i.Actions[n])
		}
	}
	return m, selects(m, f, n)
}

// selects fills in which flows a change is about, and fails for what the command
// has no use for.
func selects(m *ofp.FlowMod, f *sluicev1.Flow, n *ofp.Names) error {
	deletes := m.Command == ofp.FlowDelete || m.Command == ofp.FlowDeleteStrict
	switch {
	case m.Command == ofp.FlowAdd && m.CookieMask != 0:
		return bad("cookie_mask", "a flow to add has none; it is to modify, delete and list")
	case !deletes && f.GetOutPort() != "":
		return bad("out_port", "only to delete and list; to output to a port use actions")
	case !deletes && f.OutGroup != nil:
		return bad("out_group", "only to delete and list; to use a group use actions")
	case deletes && len(m.Instructions) > 0:
		return fmt.Errorf("actions and instructions cannot be used to delete or list flows")
	}
	if f.GetOutPort() != "" {
		p, err := toPort(f.GetOutPort(), n)
		if err != nil {
			return at("out_port", err)
		}
		m.OutPort = p
	}
	if f.OutGroup != nil {
		m.OutGroup = f.GetOutGroup()
	}
	return nil
}

// toInstructions puts a flow's instructions into the order in which a switch
// carries them out (section 5.9 of OpenFlow 1.3.5).
func toInstructions(f *sluicev1.Flow, n *ofp.Names) ([]ofp.Instruction, error) {
	apply, err := toActions(f.GetActions(), n)
	if err != nil {
		return nil, at("actions", err)
	}
	write, err := toActions(f.GetWriteActions(), n)
	if err != nil {
		return nil, at("write_actions", err)
	}
	var is []ofp.Instruction
	if f.Meter != nil {
		is = append(is, ofp.Instruction{Type: ofp.InstructionMeter, Meter: f.GetMeter()})
	}
	if len(apply) > 0 {
		is = append(is, ofp.Apply(apply...))
	}
	if f.GetClearActions() {
		is = append(is, ofp.Instruction{Type: ofp.InstructionClearActions})
	}
	if len(write) > 0 {
		is = append(is, ofp.WriteActions(write...))
	}
	if w := f.GetWriteMetadata(); w != nil {
		mask := ^uint64(0)
		if w.Mask != nil {
			mask = w.GetMask()
		}
		is = append(is, ofp.Instruction{Type: ofp.InstructionWriteMetadata, Metadata: w.GetValue(), MetadataMask: mask})
	}
	if f.GotoTable != nil {
		is = append(is, ofp.GotoTable(uint8(f.GetGotoTable())))
	}
	for n, raw := range f.GetOtherInstructions() {
		i, err := toRawInstruction(raw)
		if err != nil {
			return nil, at(fmt.Sprintf("other_instructions[%d]", n), err)
		}
		is = append(is, i)
	}
	return is, nil
}

// toRawInstruction reads an instruction that has no field of its own.
func toRawInstruction(raw *sluicev1.RawInstruction) (ofp.Instruction, error) {
	i := ofp.Instruction{Type: ofp.InstructionType(raw.GetType()), Data: raw.GetPayload()}
	switch {
	case raw.GetType() > 0xffff:
		return i, bad("type", "%d: want at most 65535", raw.GetType())
	case i.Type != ofp.InstructionExperimenter && i.Type.String() != "unknown":
		return i, bad("type", "%d is %s, which has a field of its own", raw.GetType(), i.Type)
	case len(i.Data)%8 != 4:
		return i, bad("payload", "%d bytes: want 4 more than a multiple of 8", len(i.Data))
	}
	return i, nil
}

// fromFlow converts a flow that a switch has, in the forms asked for; the text has
// the port names that n knows.
func fromFlow(s *ofp.FlowStats, form sluicev1.FlowForm, n *ofp.Names) *sluicev1.FlowEntry {
	e := &sluicev1.FlowEntry{
		DurationSeconds: seconds(s.DurationSec, s.DurationNsec),
		PacketCount:     counter(s.Packets),
		ByteCount:       counter(s.Bytes),
	}
	if form != sluicev1.FlowForm_FLOW_FORM_STRUCTURED {
		e.Text = s.Text(n)
	}
	if form != sluicev1.FlowForm_FLOW_FORM_TEXT {
		e.Flow = fromFlowStats(s)
	}
	return e
}

func fromFlowStats(s *ofp.FlowStats) *sluicev1.Flow {
	table, priority := uint32(s.Table), uint32(s.Priority)
	f := &sluicev1.Flow{
		Table: &table, Priority: &priority, Match: fromMatch(&s.Match), Cookie: s.Cookie,
		IdleTimeout: uint32(s.IdleTimeout), HardTimeout: uint32(s.HardTimeout),
	}
	for _, x := range flowFlags {
		*x.get(f) = s.Flags&x.flag != 0
	}
	for i := range s.Instructions {
		fromInstruction(f, &s.Instructions[i])
	}
	return f
}

func fromInstruction(f *sluicev1.Flow, i *ofp.Instruction) {
	switch i.Type {
	case ofp.InstructionApplyActions:
		f.Actions = append(f.Actions, fromActions(i.Actions)...)
	case ofp.InstructionWriteActions:
		f.WriteActions = append(f.WriteActions, fromActions(i.Actions)...)
	case ofp.InstructionClearActions:
		f.ClearActions = true
	case ofp.InstructionMeter:
		f.Meter = &i.Meter
	case ofp.InstructionWriteMetadata:
		f.WriteMetadata = &sluicev1.WriteMetadata{Value: i.Metadata}
		if i.MetadataMask != ^uint64(0) {
			f.WriteMetadata.Mask = &i.MetadataMask
		}
	case ofp.InstructionGotoTable:
		t := uint32(i.Table)
		f.GotoTable = &t
	default:
		f.OtherInstructions = append(f.OtherInstructions, &sluicev1.RawInstruction{Type: uint32(i.Type), Payload: i.Data})
	}
}

func seconds(sec, nsec uint32) float64 { return float64(sec) + float64(nsec)/1e9 }

// counter returns nil for a counter that the switch does not have.
func counter(v uint64) *uint64 {
	if v == ofp.CounterUnknown {
		return nil
	}
	return &v
}
