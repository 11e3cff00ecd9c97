package ofp

import "bytes"

// Covers reports whether every field of m is matched by o too, with the same
// value and at least m's mask: so whether what is asked, changed or deleted
// under m, and not strictly, is about a flow that has o (section 6.4 of OpenFlow
// 1.3.5). A field without a row covers itself only.
func (m *Match) Covers(o *Match) bool {
	for x := range m.All() {
		y, ok := o.same(&x)
		if !ok || len(x.Value) != len(y.Value) {
			return false
		}
		for i := range x.Value {
			mask := x.maskAt(i)
			if y.maskAt(i)&mask != mask || (x.Value[i]^y.Value[i])&mask != 0 {
				return false
			}
		}
	}
	return true
}

// Overlaps reports whether there may be a packet that both matches take: unless
// a field that both look at would need two values at once (OFPFF_CHECK_OVERLAP,
// section 6.4 of OpenFlow 1.3.5).
func (m *Match) Overlaps(o *Match) bool {
	for x := range m.All() {
		y, ok := o.same(&x)
		if !ok {
			continue
		}
		for i := range min(len(x.Value), len(y.Value)) {
			if (x.Value[i]^y.Value[i])&x.maskAt(i)&y.maskAt(i) != 0 {
				return false
			}
		}
	}
	return true
}

// same returns m's field that looks at what x does.
func (m *Match) same(x *MatchField) (MatchField, bool) {
	if x.ID != FieldUnknown {
		return m.Lookup(x.ID)
	}
	for y := range m.All() {
		if y.Header == x.Header && bytes.Equal(y.Mask, x.Mask) {
			return y, true
		}
	}
	return MatchField{}, false
}

func (f *MatchField) maskAt(i int) byte {
	if f.Mask == nil {
		return 0xff
	}
	return f.Mask[i]
}

// Selects reports whether the filter is about a flow with that table, cookie,
// match and instructions. A filter of table TableAll is about every table.
func (p *FlowFilter) Selects(table uint8, cookie uint64, m *Match, is []Instruction) bool {
	return (p.Table == TableAll || p.Table == table) && (cookie^p.Cookie)&p.CookieMask == 0 &&
		outputs(is, p.OutPort, p.OutGroup) && p.Match.Covers(m)
}

// outputs reports whether the instructions send to the port, or, for PortAny,
// that it does not matter; and likewise for the group.
func outputs(is []Instruction, port PortNo, group uint32) bool {
	toPort, toGroup := port == PortAny, group == GroupAny
	for i := range is {
		for j := range is[i].Actions {
			switch a := &is[i].Actions[j]; a.Type {
			case ActionOutput, ActionEnqueue:
				toPort = toPort || a.Port() == port
			case ActionGroup:
				toGroup = toGroup || a.Arg == group
			}
		}
	}
	return toPort && toGroup
}
