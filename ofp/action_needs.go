package ofp

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

// actionNeeds has what the packets need that an action of OpenFlow 1.0 or 1.1
// changes. OpenFlow 1.0 has such actions do nothing to other packets; later
// versions refuse the flow (section 5.12 of OpenFlow 1.3.5).
var actionNeeds = [numActions][]Prerequisite{
	ActionSetIPv4Src:   isIPv4,
	ActionSetIPv4Dst:   isIPv4,
	ActionSetIPToS:     anyIP,
	ActionSetIPECN:     anyIP,
	ActionSetNWTTL:     anyIP,
	ActionDecNWTTL:     anyIP,
	ActionSetTPSrc:     hasPorts,
	ActionSetTPDst:     hasPorts,
	ActionSetMPLSLabel: isMPLS,
	ActionSetMPLSTC:    isMPLS,
	ActionSetMPLSTTL:   isMPLS,
	ActionDecMPLSTTL:   isMPLS,
	ActionPopMPLS:      isMPLS,
	ActionStripVLAN:    isTagged,
	ActionPopVLAN:      isTagged,
}

var (
	hasPorts = []Prerequisite{needEth(ethIPv4, ethIPv6), {FieldIPProto, []uint64{protoTCP, protoUDP, protoSCTP}}}
	isTagged = []Prerequisite{{FieldVLANVID, nil}}
)

// needs is what the packets need that the action changes.
func (a *Action) needs() []Prerequisite {
	switch a.Ext.(type) {
	case *DecTTL:
		return anyIP
	case *FinTimeout:
		return isTCP
	case *DecNSHTTL:
		return isNSH
	}
	return actionNeeds[a.Type]
}

// uses returns the fields that the action reads or writes, FieldUnknown for none.
func (a *Action) uses() [2]FieldID {
	if e, ok := a.Ext.(reader); ok {
		return e.touches()
	}
	if a.Type == ActionSetField {
		return [2]FieldID{fromNXM(a.Field()).ID}
	}
	return [2]FieldID{}
}
