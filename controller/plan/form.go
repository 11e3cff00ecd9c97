package plan

import (
	"bytes"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// stateFlags are the flags that stay with a flow and that its statistics tell,
// from 1.3 on (ofp_flow_stats, section 7.3.5.2 of OpenFlow 1.3.5). The others
// are about the adding of it.
const stateFlags = ofp.FlowSendFlowRem | ofp.FlowNoPktCounts | ofp.FlowNoByteCounts

// forms brings what is wanted and what a switch has to the same form: what is
// the same to the switch is the same here. What is wanted is first sent to
// oneself, so that it has lost what the version does not carry.
type forms struct {
	sw    Switch
	enc   ofp.Encoder
	frame []byte
}

func newForms(sw Switch) *forms {
	return &forms{sw: sw, enc: ofp.Encoder{Extensions: sw.Extensions}}
}

// identity is what makes a flow the one it is.
type identity struct {
	table    uint8
	priority uint16
	match    string
}

// content is the rest of a flow: attributes, which only adding it anew changes,
// and the instructions.
type content struct {
	cookie       uint64
	idle, hard   uint16
	flags        ofp.FlowFlags
	instructions string
}

// sameButInstructions reports whether to modify the flow is enough.
func (c *content) sameButInstructions(o *content) bool {
	return c.cookie == o.cookie && c.idle == o.idle && c.hard == o.hard && c.flags == o.flags
}

// wanted returns the form of a flow that is wanted, or why the version cannot say
// it.
func (f *forms) wanted(m *ofp.FlowMod) (identity, content, error) {
	add := *m
	add.Command, add.BufferID = ofp.FlowAdd, ofp.NoBuffer
	if err := f.encode(&add); err != nil {
		return identity{}, content{}, err
	}
	var sent ofp.FlowMod
	if err := f.decode(&sent); err != nil {
		return identity{}, content{}, err
	}
	if f.sw.Version == ofp.V10 {
		sent.Table = m.Table // which only the extension carries
	}
	c := content{cookie: m.Cookie, idle: m.IdleTimeout, hard: m.HardTimeout, flags: f.flags(m.Flags)}
	c.instructions = f.instructions(sent.Instructions)
	return identity{sent.Table, m.Priority, sent.Match.Key()}, c, nil
}

// had returns the form of a flow that the switch has.
func (f *forms) had(s *ofp.FlowStats) (identity, content) {
	c := content{cookie: s.Cookie, idle: s.IdleTimeout, hard: s.HardTimeout, flags: f.flags(s.Flags)}
	c.instructions = f.instructions(s.Instructions)
	return f.identity(s), c
}

func (f *forms) identity(s *ofp.FlowStats) identity {
	return identity{s.Table, s.Priority, s.Match.Key()}
}

func (f *forms) flags(flags ofp.FlowFlags) ofp.FlowFlags {
	if f.sw.Version < ofp.V13 {
		return 0 // nobody can tell
	}
	return flags & stateFlags
}

// order is that in which a switch carries instructions out (section 5.9 of
// OpenFlow 1.3.5).
var order = map[ofp.InstructionType]int{
	ofp.InstructionMeter: 1, ofp.InstructionApplyActions: 2, ofp.InstructionClearActions: 3,
	ofp.InstructionWriteActions: 4, ofp.InstructionWriteMetadata: 5, ofp.InstructionGotoTable: 6,
}

// instructions returns the bytes of instructions, those that do nothing left
// out, in the order of their execution. What cannot be encoded, though the switch
// has it, is its text.
func (f *forms) instructions(is []ofp.Instruction) string {
	in := ofp.NewFlowMod(ofp.FlowAdd)
	in.Instructions = make([]ofp.Instruction, 0, len(is))
	for _, i := range is {
		idle := len(i.Actions) == 0 && (i.Type == ofp.InstructionApplyActions || i.Type == ofp.InstructionWriteActions)
		if !idle {
			i.Actions = plain(i.Actions)
			in.Instructions = append(in.Instructions, i)
		}
	}
	slices.SortStableFunc(in.Instructions, func(a, b ofp.Instruction) int { return order[a.Type] - order[b.Type] })
	if err := f.encode(in); err != nil {
		return ofp.FormatActions(is, nil)
	}
	return string(f.frame)
}

// plain returns actions without the memory of the form that they came in.
func plain(as []ofp.Action) []ofp.Action {
	if !slices.ContainsFunc(as, func(a ofp.Action) bool { return a.Subtype != 0 || a.Received != 0 }) {
		return as
	}
	as = slices.Clone(as)
	for i := range as {
		as[i].Subtype, as[i].Received = 0, 0
	}
	return as
}

// group returns the bytes of a group's type and buckets.
func (f *forms) group(typ ofp.GroupType, buckets []ofp.Bucket) (string, error) {
	plainly := slices.Clone(buckets)
	for i := range plainly {
		plainly[i].Actions = plain(plainly[i].Actions)
		if typ != ofp.GroupTypeSelect {
			plainly[i].Weight = 0 // nobody looks at it
		}
		if f.sw.Version == ofp.V10 || typ != ofp.GroupTypeFastFailover {
			if plainly[i].WatchPort == 0 {
				plainly[i].WatchPort = ofp.PortAny
			}
		}
	}
	if err := f.encode(&ofp.GroupMod{GroupType: typ, Buckets: plainly}); err != nil {
		return "", err
	}
	return string(f.frame), nil
}

// meter returns the bytes of a meter's flags and bands. Without the flag that asks
// for a burst size, that of a band means nothing, and Open vSwitch tells the rate.
func (f *forms) meter(flags ofp.MeterFlags, bands []ofp.MeterBand) (string, error) {
	if flags&ofp.MeterBurst == 0 {
		bands = slices.Clone(bands)
		for i := range bands {
			bands[i].Burst = 0
		}
	}
	if err := f.encode(&ofp.MeterMod{Flags: flags, Bands: bands}); err != nil {
		return "", err
	}
	return string(f.frame), nil
}

func (f *forms) encode(m ofp.Message) (err error) {
	f.frame, err = f.enc.Append(f.frame[:0], f.sw.Version, 0, m)
	return err
}

// decode reads the frame that was encoded last, of which a copy is made.
func (f *forms) decode(into *ofp.FlowMod) error {
	_, m, err := ofp.Decode(bytes.Clone(f.frame))
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *ofp.FlowMod:
		*into = *m
	case *ofp.NXFlowMod:
		*into = m.FlowMod
	}
	return nil
}
