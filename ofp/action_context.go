package ofp

// saying is what decides, besides the version, how an action is said.
type saying struct {
	extensions bool   // Open vSwitch's may take the place of what is missing
	match      *Match // of the flow being written; nil where there is none
	tagged     bool   // the packet has a VLAN tag, whatever the match says
	last       bool   // nothing follows the list of actions at hand
}

// encodeAmong appends an action for which 1.1 and later need more than one,
// depending on what stands around it.
func encodeAmong(c *cursor, b []byte, as []Action, i int) []byte {
	a := &as[i]
	if a.Type == ActionEnqueue {
		return encodeEnqueue(c, b, as, i)
	}
	// In 1.0, and in ovs-ofctl's mod_vlan_vid and mod_vlan_pcp, a packet without a
	// tag gets one; later versions refuse to set what is not there. What came in a
	// 1.1 message meant the latter already.
	if a.Received != V11 && !c.say.hasTag(as[:i]) {
		b = encodeAction(c, b, &Action{Type: ActionPushVLAN, Arg: ethVLAN})
	}
	return encodeAction(c, b, a)
}

// hasTag reports whether a packet is known to have a VLAN tag after the actions.
func (s *saying) hasTag(before []Action) bool {
	for i := len(before) - 1; i >= 0; i-- {
		switch a := &before[i]; a.Type {
		case ActionPushVLAN, ActionSetVLANVID, ActionSetVLANPCP:
			return true
		case ActionPopVLAN, ActionStripVLAN:
			return false
		case ActionSetField:
			switch f := a.Field(); fromNXM(f).ID {
			case FieldVLANVID, FieldVLANPCP:
				return true
			case FieldVLANTCI:
				return len(f.Value) == 2 && f.Value[0]&0x10 != 0
			}
		}
	}
	if s.tagged {
		return true
	}
	if s.match == nil {
		return false
	}
	v, _, _ := s.match.Uint(FieldVLANVID)
	return v&VLANPresent != 0
}

// encodeTCI appends what 1.0 and 1.1 have to write a whole VLAN header, or to
// take it away where the present bit is not set.
func encodeTCI(c *cursor, b []byte, as []Action, i int) []byte {
	tci := uint32(beUint(as[i].Value))
	if tci&VLANPresent == 0 {
		return encodeAction(c, b, &Action{Type: ActionStripVLAN})
	}
	if c.v != V10 && !c.say.hasTag(as[:i]) {
		b = encodeAction(c, b, &Action{Type: ActionPushVLAN, Arg: ethVLAN})
	}
	b = encodeAction(c, b, &Action{Type: ActionSetVLANVID, Arg: tci & 0xfff})
	return encodeAction(c, b, &Action{Type: ActionSetVLANPCP, Arg: tci >> 13})
}

// encodeEnqueue appends what 1.1 and later have instead of enqueue: the queue,
// then the output. Open vSwitch has an action that goes back to the queue from
// before; without it nothing else may be sent after this.
func encodeEnqueue(c *cursor, b []byte, as []Action, i int) []byte {
	b = encodeAction(c, b, &Action{Type: ActionSetQueue, Arg: as[i].Queue})
	b = encodeAction(c, b, &Action{Type: ActionOutput, Arg: as[i].Arg, MaxLen: ControllerMaxLenNone})
	switch {
	case c.say.extensions:
		pop := Extend(&PopQueue{})
		return encodeAction(c, b, &pop)
	case i < len(as)-1 || !c.say.last:
		c.lacks("action enqueue before others")
	}
	return b
}
