package ofp

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// actionLimits has the arguments that an action takes where its place on the
// wire has room for others, which switches refuse.
var actionLimits = [numActions]struct {
	max uint32
	of  []uint32
}{
	ActionSetVLANVID:   {max: 0xfff},
	ActionSetVLANPCP:   {max: 7},
	ActionSetIPECN:     {max: 3},
	ActionSetMPLSLabel: {max: 0xfffff},
	ActionSetMPLSTC:    {max: 7},
	ActionPushVLAN:     {of: []uint32{0x8100, 0x88a8}},
	ActionPushMPLS:     {of: []uint32{ethMPLS, ethMPLSM}},
	ActionPushPBB:      {of: []uint32{ethPBB}},
}

// max is the greatest number that the action takes.
func (t ActionType) max() uint32 {
	if m := actionLimits[t].max; m != 0 {
		return m
	}
	switch actions[t].shape {
	case shape8:
		return 0xff
	case shape16:
		return 0xffff
	}
	return math.MaxUint32
}

// Validate checks that the action's argument is one that a switch can carry out,
// whatever the version. The error says what the argument is and what is wanted;
// which action it is about is for the caller to say. What was decoded need not
// be valid, and is encoded as it came.
func (a *Action) Validate() error {
	if a.Type >= numActions {
		return fmt.Errorf("type %d: want one that OpenFlow has", a.Type)
	}
	if a.Ext != nil && absent(a.Ext) {
		return fmt.Errorf("extension %T: %w", a.Ext, errNone)
	}
	if e, ok := a.Ext.(validator); ok {
		return e.validate()
	}
	if a.Type == ActionEnqueue && a.Port().Reserved() && a.Port() != PortLocal && a.Port() != PortInPort {
		return fmt.Errorf("%s has no queues; want a port, LOCAL or IN_PORT", a.Port())
	}
	if a.Type == ActionOutput || a.Type == ActionEnqueue {
		return a.Port().validOutput()
	}
	if a.Type == ActionSetField {
		return a.validField()
	}
	switch actions[a.Type].shape {
	case shape8, shape16, shape32:
	case shapeMAC:
		if len(a.Value) != 6 {
			return fmt.Errorf("%d bytes: want the 6 of an Ethernet address", len(a.Value))
		}
		return nil
	default:
		return nil
	}
	of := actionLimits[a.Type].of
	switch {
	case a.Arg > a.Type.max():
		return fmt.Errorf("%d: want at most %d", a.Arg, a.Type.max())
	case of != nil && !slices.Contains(of, a.Arg):
		var want []string
		for _, t := range of {
			want = append(want, fmt.Sprintf("0x%04x (%d)", t, t))
		}
		return fmt.Errorf("cannot push 0x%04x; want %s", a.Arg, strings.Join(want, " or "))
	case a.Type == ActionSetIPToS && a.Arg&3 != 0:
		return fmt.Errorf("the lower two bits of %d are ECN, which is set by itself; want a multiple of 4", a.Arg)
	}
	return nil
}

// fitsAction checks that an experimenter's action has room for n bytes.
func fitsAction(name string, n int) error {
	if limit := 0xfff8 - 32; n > limit {
		return fmt.Errorf("%s: %d bytes: want at most %d", name, n, limit)
	}
	return nil
}

// validOutput checks that a packet can leave through the port.
func (p PortNo) validOutput() error {
	if p == PortAny {
		return fmt.Errorf("no packet can leave through port ANY (%d)", uint32(p))
	}
	if p.Reserved() && p.String() == fmt.Sprint(uint32(p)) {
		return fmt.Errorf("%d is no port; want at most %d, or the name of a reserved port", uint32(p), uint32(PortMax))
	}
	return p.validHere()
}

// validHere fails for the number of a reserved port of OpenFlow 1.0, where ports
// have 32 bits.
func (p PortNo) validHere() error {
	if p < 0xfff8 || p > 0xffff {
		return nil
	}
	name := PortNo(uint32(p) | 0xffff0000)
	return fmt.Errorf("%d is %s in OpenFlow 1.0 and an ordinary port later; write %s", uint32(p), name, name)
}

// validField checks the value of a set_field.
func (a *Action) validField() error {
	x := a.Field()
	info := x.ID.Info()
	if int(a.Arg&0xff) != len(a.Value) {
		return fmt.Errorf("field 0x%08x: value of %d bytes; want %d", a.Arg, len(a.Value), a.Arg&0xff)
	}
	switch {
	case info == nil:
		return nil
	case !info.holds(len(x.Value)), x.Mask != nil && len(x.Mask) != len(x.Value):
		return fmt.Errorf("%s: value of %d bytes; want %d", info.Name, len(a.Value), info.Bytes())
	case info.over(x.Value):
		return fmt.Errorf("%s: 0x%x has more than %d bits", info.Name, x.Value, info.Bits)
	case x.ID == FieldIPToS && beUint(x.Value)&3 != 0:
		return fmt.Errorf("the lower two bits of %d are ECN, which is set by itself; want a multiple of 4", beUint(x.Value))
	case x.Mask != nil && !info.any(x.Mask):
		return fmt.Errorf("%s: the mask has no bits", info.Name)
	case x.Mask == nil && x.ID == FieldVLANVID && beUint(x.Value)&VLANPresent == 0:
		return fmt.Errorf("a VLAN identifier is set with its present bit; want 0x1000 to 0x1fff, or 4096 to 8191")
	}
	return nil
}
