package main

import (
	"encoding/binary"
	"fmt"

	"github.com/sluice-sdn/sluice/ofp"
)

// identity is what a fake switch says it is. Its methods are pure: requests in,
// replies out.
type identity struct {
	version ofp.Version
	index   int
	dpid    ofp.DPID
	buffers uint32

	role       uint32 // as the controller has set it
	generation uint64
}

const (
	roleEqual       = 1
	niciraID        = 0x2320
	nxtRoleRequest  = 10 // Nicira's role messages, of before OpenFlow had its own
	nxtRoleReply    = 11
	controllerBytes = 128 // miss_send_len
)

// hello opens the connection. The version bitmap came with 1.3; a switch of an
// older version says its version in the header alone.
func (id *identity) hello(dst []byte) ([]byte, error) {
	m := new(ofp.Hello)
	if id.version >= ofp.V13 {
		m = ofp.NewHello(id.version)
	}
	return ofp.Append(dst, id.version, 1, m)
}

func (id *identity) ports() []ofp.Port {
	ports := make([]ofp.Port, portCount)
	for i := range ports {
		ports[i] = ofp.Port{
			No:     ofp.PortNo(i + 1),
			HWAddr: ofp.MAC{0x06, 0, byte(id.index >> 8), byte(id.index), 0, byte(i + 1)},
			Name:   fmt.Sprintf("port%d", i+1),
			Curr:   ofp.Port10GbFD | ofp.PortCopper,
		}
		if id.version >= ofp.V11 {
			ports[i].State = ofp.PortLive
			ports[i].CurrSpeed, ports[i].MaxSpeed = 10_000_000, 10_000_000
		}
	}
	return ports
}

// reply appends the replies to a message of the controller's to dst: none to
// what asks for none, an error to what the switch does not have.
func (id *identity) reply(dst []byte, h ofp.Header, frame []byte) ([]byte, error) {
	var m ofp.Message
	switch h.Type() {
	case ofp.TypeEchoRequest:
		m = &ofp.EchoReply{Data: frame[ofp.HeaderLen:]}
	case ofp.TypeFeaturesRequest:
		f := &ofp.FeaturesReply{
			DPID: id.dpid, Buffers: id.buffers, Tables: 1,
			Capabilities: ofp.CapFlowStats | ofp.CapTableStats | ofp.CapPortStats,
		}
		if id.version == ofp.V10 {
			f.Actions = 0xfff
		}
		if id.version < ofp.V13 {
			f.Ports = id.ports()
		}
		m = f
	case ofp.TypeGetConfigRequest:
		m = &ofp.GetConfigReply{SwitchConfig: ofp.SwitchConfig{MissSendLen: controllerBytes}}
	case ofp.TypeBarrierRequest:
		m = new(ofp.BarrierReply)
	case ofp.TypeMultipartRequest:
		m = id.multipart(frame)
	case ofp.TypeRoleRequest:
		m = id.setRole(h, frame[ofp.HeaderLen:])
	case ofp.TypeGetAsyncRequest:
		m = &ofp.Raw{Kind: h.Kind + 1, Body: make([]byte, 24)}
	case ofp.TypeQueueGetConfigRequest:
		n := 8 // the port, and no queues
		m = &ofp.Raw{Kind: h.Kind + 1, Body: append(make([]byte, 0, n), pad(frame[ofp.HeaderLen:], n)...)}
	case ofp.TypeExperimenter:
		m = id.vendor(frame)
	case ofp.TypeUnknown:
		m = ofp.NewError(ofp.BadRequestBadType, frame)
	}
	if m == nil {
		return dst, nil
	}
	return ofp.Append(dst, id.version, h.XID, m)
}

// pad returns the first n bytes of b, with zeros where b has fewer.
func pad(b []byte, n int) []byte {
	p := make([]byte, n)
	copy(p, b)
	return p
}

// multipart answers as a switch with one empty table does.
func (id *identity) multipart(frame []byte) ofp.Message {
	body := frame[ofp.HeaderLen:]
	if len(body) < 4 {
		return ofp.NewError(ofp.BadRequestBadLen, frame)
	}
	var part ofp.Part
	switch kind := ofp.PartKind(binary.BigEndian.Uint16(body)); kind {
	case ofp.PartDesc:
		part = &ofp.Desc{
			Manufacturer: "Sluice", Hardware: "none", Software: "ofbench",
			Serial: fmt.Sprint(id.index), Datapath: fmt.Sprintf("bench%d", id.index),
		}
	case ofp.PartFlow:
		part = new(ofp.FlowStatsReply)
	case ofp.PartAggregate:
		part = new(ofp.AggregateReply)
	case ofp.PartTable:
		part = &ofp.TableStatsReply{Tables: []ofp.TableStats{{Name: "main", MaxEntries: 1 << 20}}}
	case ofp.PartPort:
		p := new(ofp.PortStatsReply)
		for i := range portCount {
			p.Ports = append(p.Ports, ofp.PortStats{Port: ofp.PortNo(i + 1)})
		}
		part = p
	case ofp.PartPortDesc:
		part = &ofp.PortDescReply{Ports: id.ports()}
	case ofp.PartQueue, ofp.PartGroup, ofp.PartGroupDesc, ofp.PartMeter, ofp.PartMeterConfig, ofp.PartTableFeatures:
		part = &ofp.RawPart{PartKind: kind}
	case ofp.PartGroupFeatures:
		part = &ofp.RawPart{PartKind: kind, Body: make([]byte, 40)}
	case ofp.PartMeterFeatures:
		part = &ofp.RawPart{PartKind: kind, Body: make([]byte, 16)}
	default:
		return ofp.NewError(ofp.BadRequestBadStat, frame)
	}
	return &ofp.MultipartReply{Body: part}
}

// setRole grants every role.
func (id *identity) setRole(h ofp.Header, body []byte) ofp.Message {
	body = pad(body, 16)
	if role := binary.BigEndian.Uint32(body); role != 0 { // 0 asks which role it has
		id.role, id.generation = role, binary.BigEndian.Uint64(body[8:])
	}
	binary.BigEndian.PutUint32(body, max(id.role, roleEqual))
	binary.BigEndian.PutUint64(body[8:], id.generation)
	return &ofp.Raw{Kind: h.Kind + 1, Body: body}
}

// vendor grants the roles of Nicira's extension and knows nothing else.
func (id *identity) vendor(frame []byte) ofp.Message {
	body := frame[ofp.HeaderLen:]
	if len(body) >= 12 && binary.BigEndian.Uint32(body) == niciraID && binary.BigEndian.Uint32(body[4:]) == nxtRoleRequest {
		data := append([]byte(nil), body[4:12]...)
		binary.BigEndian.PutUint32(data, nxtRoleReply)
		return &ofp.Experimenter{Experimenter: niciraID, Data: data}
	}
	return ofp.NewError(ofp.BadRequestBadExperimenter, frame)
}
