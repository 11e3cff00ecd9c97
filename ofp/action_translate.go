package ofp

// legacySet pairs the actions of 1.0 and 1.1 that write one field with the
// field that set_field writes since 1.2. shift is how far to the left the old
// action has the value.
var legacySet = [...]struct {
	action ActionType
	field  FieldID
	shift  int
}{
	{ActionSetVLANVID, FieldVLANVID, 0},
	{ActionSetVLANPCP, FieldVLANPCP, 0},
	{ActionSetEthSrc, FieldEthSrc, 0},
	{ActionSetEthDst, FieldEthDst, 0},
	{ActionSetIPv4Src, FieldIPv4Src, 0},
	{ActionSetIPv4Dst, FieldIPv4Dst, 0},
	{ActionSetIPToS, FieldIPDSCP, 2},
	{ActionSetIPToS, FieldIPToS, 0},
	{ActionSetIPECN, FieldIPECN, 0},
	{ActionSetTPSrc, FieldTCPSrc, 0},
	{ActionSetTPSrc, FieldUDPSrc, 0},
	{ActionSetTPSrc, FieldSCTPSrc, 0},
	{ActionSetTPDst, FieldTCPDst, 0},
	{ActionSetTPDst, FieldUDPDst, 0},
	{ActionSetTPDst, FieldSCTPDst, 0},
	{ActionSetMPLSLabel, FieldMPLSLabel, 0},
	{ActionSetMPLSTC, FieldMPLSTC, 0},
}

// translate returns an action that says in the version at hand what a says in
// another, if there is one.
func translate(c *cursor, a *Action) (Action, bool) {
	switch {
	case a.Type == ActionStripVLAN && c.v >= V11:
		return Action{Type: ActionPopVLAN}, true
	case a.Type == ActionPopVLAN && c.v == V10:
		return Action{Type: ActionStripVLAN}, true
	case a.Type == ActionSetField && c.v <= V11:
		return toLegacy(c, a)
	case c.v >= V12:
		return toSetField(c, a)
	}
	return Action{}, false
}

func toLegacy(c *cursor, a *Action) (Action, bool) {
	x := a.Field()
	if x.Mask != nil {
		return Action{}, false
	}
	for _, l := range legacySet {
		if l.field != x.ID {
			continue
		}
		if _, ok := actions[l.action].wire.in(c.v); !ok {
			return Action{}, false
		}
		out := Action{Type: l.action}
		switch {
		case actions[l.action].shape == shapeMAC:
			out.Value = x.Value
		case l.action == ActionSetVLANVID:
			v := beUint(x.Value)
			if v&VLANPresent == 0 {
				return Action{}, false
			}
			out.Arg = uint32(v &^ VLANPresent)
		default:
			out.Arg = uint32(beUint(x.Value)) << l.shift
		}
		return out, true
	}
	return Action{}, false
}

func toSetField(c *cursor, a *Action) (Action, bool) {
	for _, l := range legacySet {
		if l.action != a.Type {
			continue
		}
		if a.Type == ActionSetTPSrc || a.Type == ActionSetTPDst {
			// Which protocol's port is meant only the match can tell.
			if c.say.match == nil {
				return Action{}, false
			}
			t := c.say.match.ForProtocol(*a)
			return t, t.Type == ActionSetField
		}
		info := l.field.Info()
		if actions[l.action].shape == shapeMAC {
			return Action{Type: ActionSetField, Arg: info.oxm, Value: a.Value}, true
		}
		if a.Arg>>l.shift<<l.shift != a.Arg {
			c.bad("action "+a.Type.String(), "%d has bits beside %s", a.Arg, l.field)
			return Action{}, false
		}
		v := uint64(a.Arg >> l.shift)
		if a.Type == ActionSetVLANVID {
			v |= VLANPresent
		}
		if v > info.max() {
			c.bad("action "+a.Type.String(), "%d does not fit in %d bits", a.Arg, info.Bits)
			return Action{}, false
		}
		value := make([]byte, info.Bytes())
		putUint(value, v)
		return Action{Type: ActionSetField, Arg: info.oxm, Value: value}, true
	}
	return Action{}, false
}
