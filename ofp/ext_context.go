package ofp

import (
	"bytes"
	"fmt"
)

// actionContext is where in a flow an action stands.
type actionContext struct {
	outer       string // the action or instruction around it, or ""
	deep        int    // how many lists of actions are around it
	conjunction bool   // there was a conjunction before it
	other       string // an action before it that cannot stand with a conjunction
	protocol    packetProtocol
}

// refuses says why Open vSwitch does not take the action here, or "".
func (x *actionContext) refuses(a *Action, name string) string {
	_, conjunction := a.Ext.(*Conjunction)
	alone := conjunction || name == "note"
	switch {
	case conjunction && x.other != "":
		return "conjunction stands with note at most, not with " + x.other
	case !alone && x.conjunction:
		return "only conjunction and note can stand with conjunction"
	case x.outer == "write_actions" && disallowedInSet(a, name):
		return "cannot stand in write_actions"
	}
	if x.conjunction = x.conjunction || conjunction; !alone {
		x.other = name
	}
	_, nat := a.Ext.(*NAT)
	tracked := writesCT(a)
	switch {
	case nat && x.outer != "ct":
		return "can stand in ct only, as ct(nat)"
	case tracked && x.outer != "ct":
		return "ct_mark and ct_label are written in ct only, as ct(commit,exec(set_field:1->ct_mark))"
	case x.outer == "ct" && !nat && !tracked:
		return "cannot stand in ct: want nat, or writing ct_mark or ct_label"
	}
	return x.protocol.refuses(a)
}

// Validate checks that the match has what its fields need, and each action what
// it needs in the match, in its arguments and around it, as Open vSwitch does
// before it adds a flow by OpenFlow 1.1 or later. The error names the field or
// the action.
func (m *FlowMod) Validate() error { return m.ValidateFor(V11) }

// ValidateFor is Validate for a version. OpenFlow 1.0 takes actions that
// mean nothing to some of the flow's packets, such as dec_ttl without ip.
func (m *FlowMod) ValidateFor(v Version) error {
	if err := m.Match.Validate(); err != nil {
		return err
	}
	if err := m.validJump(); err != nil {
		return err
	}
	x := actionContext{protocol: protocolOf(&m.Match)}
	x.protocol.lenient = v == V10
	for i := range m.Instructions {
		in := &m.Instructions[i]
		switch in.Type {
		case InstructionApplyActions:
			if err := x.validate(in.Actions, &m.Match); err != nil {
				return err
			}
			continue
		case InstructionWriteActions:
			set := actionContext{outer: "write_actions", deep: 1, protocol: x.protocol}
			set.protocol.lenient = true // a set is carried out in an order of its own
			if err := set.validate(in.Actions, &m.Match); err != nil {
				return err
			}
		}
		x.other = in.Type.String()
		if x.conjunction {
			return fmt.Errorf("instruction %s: %w: only conjunction and note can stand with conjunction", x.other, ErrMalformed)
		}
	}
	return nil
}

// validJump checks that no instruction stands twice, that the flow goes on in a
// later table, and that its meter can exist.
func (m *FlowMod) validJump() error {
	var seen uint32
	for i := range m.Instructions {
		in := &m.Instructions[i]
		if bit := uint32(1) << in.Type; in.Type <= InstructionMeter { // section 5.9 of OpenFlow 1.3.5
			if seen&bit != 0 {
				return fmt.Errorf("instruction %s: %w: stands twice", in.Type, ErrMalformed)
			}
			seen |= bit
		}
		switch {
		case in.Type == InstructionGotoTable && in.Table <= m.Table:
			return fmt.Errorf("goto_table:%d: %w: want a table after the flow's own, %d", in.Table, ErrMalformed, m.Table)
		case in.Type == InstructionMeter && (in.Meter == 0 || in.Meter > MeterMax):
			return fmt.Errorf("meter:%d: %w: want 1 to %d", in.Meter, ErrMalformed, MeterMax)
		}
	}
	return nil
}

// validate checks a list of actions, and what stands inside them.
func (x *actionContext) validate(as []Action, m *Match) error {
	for i := range as {
		a := &as[i]
		name := a.word()
		if err := a.Validate(); err != nil {
			return fmt.Errorf("action %s: %w", name, err)
		}
		why := x.refuses(a, name)
		var inner []Action
		outer := ""
		switch e := a.Ext.(type) {
		case *CT:
			inner, outer = e.Actions, "ct"
		case *CloneActions:
			inner, outer = e.Actions, "clone"
		case *Learn:
			var learned Match
			for i := range e.Specs {
				if w := e.Specs[i].lacks(m, &learned); w != "" && why == "" {
					why = w
				}
			}
		}
		if why != "" {
			return fmt.Errorf("action %s: %w: %s", name, ErrMalformed, why)
		}
		if inner == nil {
			continue
		}
		sub := actionContext{outer: outer, deep: x.deep + 1, protocol: x.protocol}
		if sub.deep >= maxNesting {
			return fmt.Errorf("action %s: %w: more than %d lists of actions inside each other", name, ErrMalformed, maxNesting)
		}
		if err := sub.validate(inner, m); err != nil {
			return err
		}
	}
	return nil
}

// word is how text begins the action.
func (a *Action) word() string {
	b := appendAction(nil, a, 0, nil)
	if i := bytes.IndexAny(b, "(:"); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// writesCT reports whether the action writes a field of the connection.
func writesCT(a *Action) bool {
	var f FieldID
	if a.Type == ActionSetField {
		f = a.Field().ID
	}
	if w, ok := a.Ext.(interface{ writes() FieldID }); ok {
		f = w.writes()
	}
	return f == FieldCTMark || f == FieldCTLabel
}

// notInSet are the actions that Open vSwitch refuses in an action set, by the
// words for them; what it takes there beside OpenFlow's own are resubmit, ct,
// ct_clear, encap, decap, and what writes fields.
var notInSet = map[string]bool{
	"learn": true, "exit": true, "pop_queue": true, "delete_field": true, "note": true, "multipath": true, "sample": true,
	"fin_timeout": true, "push": true, "pop": true, "enqueue": true, "check_pkt_larger": true, "bundle": true,
	"bundle_load": true, "clone": true, "conjunction": true,
}

func disallowedInSet(a *Action, name string) bool {
	return notInSet[name] || a.Ext != nil && (name == "controller" || name == "output")
}
