package simswitch

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/sluice-sdn/sluice/ofp"
)

// source says on whose behalf actions are done, for a packet-in that they cause.
type source struct {
	table  uint8
	cookie uint64
	reason ofp.PacketInReason
}

// legacyField is the match field that an action of 1.0 or 1.1 writes, of those
// whose Arg is the value.
var legacyField = map[ofp.ActionType]ofp.FieldID{
	ofp.ActionSetVLANPCP: ofp.FieldVLANPCP,
	ofp.ActionSetIPv4Src: ofp.FieldIPv4Src,
	ofp.ActionSetIPv4Dst: ofp.FieldIPv4Dst,
	ofp.ActionSetIPECN:   ofp.FieldIPECN,
}

// inOrder yields instructions in the order in which they are done, whatever
// their order in the message (section 5.9 of OpenFlow 1.3.5).
func inOrder(is []ofp.Instruction) iter.Seq[*ofp.Instruction] {
	return func(yield func(*ofp.Instruction) bool) {
		for _, t := range [...]ofp.InstructionType{
			ofp.InstructionApplyActions, ofp.InstructionClearActions, ofp.InstructionWriteActions,
			ofp.InstructionWriteMetadata, ofp.InstructionGotoTable,
		} {
			for i := range is {
				if is[i].Type == t && !yield(&is[i]) {
					return
				}
			}
		}
	}
}

// apply does actions with a packet, in order.
func (d *Datapath) apply(p *Packet, actions []ofp.Action, from source) {
	for i := range actions {
		a := &actions[i]
		switch a.Type {
		case ofp.ActionOutput, ofp.ActionEnqueue:
			d.output(p, a, from)
		case ofp.ActionGroup:
			d.group(p, a.Arg, from)
		case ofp.ActionSetVLANVID:
			if p.u16(12) != etherVLAN {
				p.push(etherVLAN)
			}
			p.writeUint(ofp.FieldVLANVID, uint64(a.Arg&0xfff|ofp.VLANPresent))
		case ofp.ActionStripVLAN, ofp.ActionPopVLAN:
			p.pop()
		case ofp.ActionPushVLAN:
			p.push(uint16(a.Arg))
		case ofp.ActionSetEthSrc:
			p.write(ofp.FieldEthSrc, a.Value)
		case ofp.ActionSetEthDst:
			p.write(ofp.FieldEthDst, a.Value)
		case ofp.ActionSetIPToS:
			p.writeUint(ofp.FieldIPDSCP, uint64(a.Arg>>2))
		case ofp.ActionSetTPSrc, ofp.ActionSetTPDst:
			p.writePort(a)
		case ofp.ActionSetNWTTL:
			p.ttl(func(uint8) uint8 { return uint8(a.Arg) })
		case ofp.ActionDecNWTTL:
			p.ttl(func(t uint8) uint8 { return max(t, 1) - 1 })
		case ofp.ActionSetField:
			if f := a.Field(); f.Mask == nil && f.ID != ofp.FieldUnknown {
				p.write(f.ID, f.Value)
			}
		default:
			if f, ok := legacyField[a.Type]; ok {
				p.writeUint(f, uint64(a.Arg))
			}
		}
	}
}

// output sends the packet out of a port of any kind.
func (d *Datapath) output(p *Packet, a *ofp.Action, from source) {
	switch to := a.Port(); to {
	case ofp.PortController:
		d.packetIn(p, from.reason, from.table, from.cookie, a.MaxLen)
	case ofp.PortFlood, ofp.PortNormal, ofp.PortAll:
		for i := range d.ports {
			o := &d.ports[i]
			if o.No != p.InPort && (to == ofp.PortAll || o.Config&ofp.PortNoFlood == 0) {
				d.transmit(o, p)
			}
		}
	case ofp.PortInPort:
		if o := d.port(p.InPort); o != nil {
			d.transmit(o, p)
		}
	case ofp.PortTable:
		d.run(NewPacket(p.InPort, bytes.Clone(p.Frame)), 0)
	case ofp.PortLocal:
		d.sent = append(d.sent, Transmission{to, bytes.Clone(p.Frame)})
	default:
		// Section 5.9 of OpenFlow 1.3.5: never back out of the ingress port,
		// unless IN_PORT says so.
		if o := d.port(to); o != nil && to != p.InPort {
			d.transmit(o, p)
		}
	}
}

func (d *Datapath) transmit(o *port, p *Packet) {
	if !o.Up() || o.Config&ofp.PortNoFwd != 0 {
		o.stats.TxDropped++
		return
	}
	o.stats.TxPackets++
	o.stats.TxBytes += uint64(len(p.Frame))
	d.sent = append(d.sent, Transmission{o.No, bytes.Clone(p.Frame)})
}

// checkActions refuses what a switch refuses: ports that can never be, groups
// that are not there, and actions that it does not know.
func (d *Datapath) checkActions(as []ofp.Action, packetOut bool) ofp.ErrorReason {
	for i := range as {
		a := &as[i]
		switch a.Type {
		case ofp.ActionUnknown:
			return ofp.BadActionBadType
		case ofp.ActionExperimenter:
			if a.ExtensionName(d.Version) == "" {
				return ofp.BadActionBadExperimenter
			}
		case ofp.ActionGroup:
			if d.groups[a.Arg] == nil {
				return ofp.BadActionBadOutGroup
			}
		case ofp.ActionOutput, ofp.ActionEnqueue:
			p := a.Port()
			if p == 0 || p == ofp.PortAny || p == ofp.PortTable && !packetOut || p.Reserved() && p < ofp.PortInPort {
				return ofp.BadActionBadOutPort
			}
		}
	}
	return ofp.ReasonUnknown
}

// actionSet is the action set of a packet: at most one action of each kind,
// done at the end of the pipeline in the order of section 5.10 of OpenFlow
// 1.3.5.
type actionSet struct{ actions []ofp.Action }

func (s *actionSet) add(as []ofp.Action) {
	for _, a := range as {
		same := func(b ofp.Action) bool {
			return a.Type == b.Type && (a.Type != ofp.ActionSetField || a.Arg == b.Arg)
		}
		s.actions = append(slices.DeleteFunc(s.actions, same), a)
	}
}

// rank is the place of an action in the order; what is not named is a set.
var rank = map[ofp.ActionType]int{
	ofp.ActionCopyTTLIn: -8, ofp.ActionPopVLAN: -7, ofp.ActionPopMPLS: -7, ofp.ActionPopPBB: -7,
	ofp.ActionPushMPLS: -6, ofp.ActionPushPBB: -5, ofp.ActionPushVLAN: -4, ofp.ActionCopyTTLOut: -3,
	ofp.ActionDecNWTTL: -2, ofp.ActionDecMPLSTTL: -2, ofp.ActionSetQueue: 1, ofp.ActionGroup: 2, ofp.ActionOutput: 3,
}

func (s *actionSet) ordered() []ofp.Action {
	slices.SortStableFunc(s.actions, func(a, b ofp.Action) int { return rank[a.Type] - rank[b.Type] })
	return s.actions
}

// push adds an outer VLAN tag with the identifier and priority of the one that
// is there, or zeros.
func (p *Packet) push(tpid uint16) {
	if len(p.Frame) < 14 {
		return
	}
	tci := uint16(0)
	if t := p.u16(12); t == etherVLAN || t == etherQinQ {
		tci = p.u16(14)
	}
	tag := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, tpid), tci)
	p.Frame = slices.Insert(p.Frame, 12, tag...)
	p.parse()
}

// pop takes the outer VLAN tag off, if there is one.
func (p *Packet) pop() {
	if t := p.u16(12); (t == etherVLAN || t == etherQinQ) && len(p.Frame) >= 18 {
		p.Frame = slices.Delete(p.Frame, 12, 16)
		p.parse()
	}
}

func (p *Packet) writeUint(id ofp.FieldID, v uint64) {
	b := make([]byte, id.Info().Bytes())
	for i := range b {
		b[len(b)-1-i] = byte(v >> (8 * i))
	}
	p.write(id, b)
}

// writePort writes the transport port of whatever protocol the packet has.
func (p *Packet) writePort(a *ofp.Action) {
	proto, ok := p.Field(ofp.FieldIPProto)
	if !ok {
		return
	}
	f, ok := ports[proto[0]]
	switch {
	case !ok:
	case a.Type == ofp.ActionSetTPSrc:
		p.writeUint(f.src, uint64(a.Arg))
	default:
		p.writeUint(f.dst, uint64(a.Arg))
	}
}

func (p *Packet) ttl(change func(uint8) uint8) {
	at := p.l3 + 8
	switch {
	case p.l3 == 0:
		return
	case p.u16(p.l3-2) == etherIPv6:
		at = p.l3 + 7
	case p.u16(p.l3-2) != etherIPv4:
		return
	}
	if at < len(p.Frame) {
		p.Frame[at] = change(p.Frame[at])
		p.mend()
	}
}
