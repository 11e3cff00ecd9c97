package ofp

import "slices"

// reader is an extension that reads or writes fields of the packet.
type reader interface{ touches() [2]FieldID }

func (e *Load) touches() [2]FieldID       { return [2]FieldID{e.Dst.Field} }
func (e *Move) touches() [2]FieldID       { return [2]FieldID{e.Src.Field, e.Dst.Field} }
func (e *Push) touches() [2]FieldID       { return [2]FieldID{e.Src.Field} }
func (e *Pop) touches() [2]FieldID        { return [2]FieldID{e.Dst.Field} }
func (e *OutputReg) touches() [2]FieldID  { return [2]FieldID{e.Src.Field} }
func (e *Multipath) touches() [2]FieldID  { return [2]FieldID{e.Dst.Field} }
func (e *PortBundle) touches() [2]FieldID { return [2]FieldID{e.Dst.Field} }
func (e *CT) touches() [2]FieldID         { return [2]FieldID{e.ZoneFrom.Field} }

// lacks says what the packet needs to have the fields that the action reads or
// writes, if it does not, or "".
func (p *packetProtocol) lacks(a *Action) string {
	var ids [2]FieldID
	writes := a.Type == ActionSetField
	if writes {
		ids[0] = fromNXM(a.Field()).ID
	}
	if e, ok := a.Ext.(reader); ok {
		ids = e.touches()
		_, writes = a.Ext.(*Load)
	}
	for _, id := range ids {
		info := id.Info()
		if info == nil {
			continue
		}
		if writes && id == FieldVLANVID && !p.tagged {
			return id.String() + " needs a tag: dl_vlan in the match, or push_vlan before"
		}
		for _, need := range info.Needs {
			if !p.satisfies(need) {
				return id.String() + " needs " + need.words() + " in the match"
			}
		}
	}
	return ""
}

// satisfies reports whether packets are what a field needs.
func (p *packetProtocol) satisfies(need Prerequisite) bool {
	switch need.Field {
	case FieldEthType:
		return slices.Contains(need.Values, uint64(p.ethType))
	case FieldIPProto:
		return slices.Contains(need.Values, uint64(p.ipProto))
	case FieldVLANVID:
		return p.tagged
	}
	return p.match.satisfies(need)
}

// becomes notes what the action makes of the packet.
func (p *packetProtocol) becomes(a *Action) {
	switch a.Type {
	case ActionPushMPLS, ActionPopMPLS:
		p.ethType, p.ipProto = uint16(a.Arg), 0
	case ActionPushVLAN:
		p.tagged = true
	case ActionSetVLANVID, ActionSetVLANPCP:
		p.tagged = p.tagged || a.Received != V11
	case ActionPopVLAN, ActionStripVLAN:
		p.tagged = false
	}
	switch e := a.Ext.(type) {
	case *Encap:
		p.ethType, p.ipProto, p.tagged = 0, 0, false
		if e.PacketType>>16 == 1 {
			p.ethType = uint16(e.PacketType)
		}
	case *Decap:
		p.known = false
	}
}
