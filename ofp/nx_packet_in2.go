package ofp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// NXPacketIn2 is a packet-in in a form that can grow: properties, of which those
// that are not modelled are kept (NXT_PACKET_IN2). It alone brings the data that
// the controller action was given, and what is needed to go on with a packet that
// the action paused.
type NXPacketIn2 struct{ NXPacket }

// NXResume gives a packet back that was paused, and has the switch go on with it
// (NXT_RESUME). It holds what the NXPacketIn2 did, the continuation unchanged; the
// packet and the metadata may be others. Make one with NewNXResume.
type NXResume struct{ NXPacket }

// NXPacket is the contents of an NXPacketIn2 and of an NXResume. Make one with
// NewNXPacket: a zero BufferID is a buffer's.
type NXPacket struct {
	Packet   []byte // aliases the frame
	FullLen  uint32 // bytes of the whole packet, where Packet is a part of it; else 0
	BufferID uint32 // where the switch keeps the packet, or NoBuffer
	Table    uint8  // the table that sent it
	Cookie   uint64 // of the flow that sent it, or all ones
	Reason   PacketInReason
	Metadata Match  // pipeline fields
	Userdata []byte // what the controller action was given; aliases the frame

	// Continuation is what the switch needs to go on. It is the switch's own, and
	// another version of Open vSwitch may have it otherwise.
	Continuation []Continued

	Unknown []Property // those that are not modelled

	// Order holds the types of the properties as they came, where decoding found
	// others than are written without it, so that they are written like that again.
	// Those that it does not name follow in Open vSwitch's order, as they do where it
	// is empty.
	Order []uint16
}

// Properties of packet-ins (nx_packet_in2_prop_type), in Open vSwitch's order of
// writing.
const (
	propPacket       = 0
	propFullLen      = 1
	propBufferID     = 2
	propTable        = 3
	propCookie       = 4
	propReason       = 5
	propMetadata     = 6
	propUserdata     = 7
	propContinuation = 8
)

var packetPropOrder = [...]uint16{propPacket, propFullLen, propBufferID, propTable, propCookie, propReason, propMetadata, propContinuation, propUserdata}

// NewNXPacket returns the contents of a packet-in with the given packet, without
// a buffer or a cookie.
func NewNXPacket(packet []byte) NXPacket {
	return NXPacket{Packet: packet, BufferID: NoBuffer, Cookie: ^uint64(0)}
}

// NewNXResume returns the message that resumes a packet that was paused. It
// shares memory with m.
func NewNXResume(m *NXPacketIn2) *NXResume {
	r := &NXResume{m.NXPacket}
	r.Userdata, r.Order, r.Unknown = nil, nil, nil
	return r
}

// Type returns TypeNXPacketIn2.
func (*NXPacketIn2) Type() Type { return TypeNXPacketIn2 }

// Type returns TypeNXResume.
func (*NXResume) Type() Type { return TypeNXResume }

// InPort returns the port on which the packet came in, or PortAny where the
// switch did not say.
func (m *NXPacket) InPort() PortNo { return m.Metadata.InPort() }

func (m *NXPacket) walk(c *cursor) {
	if c.wr {
		m.write(c)
		return
	}
	order, unknown, metadata := m.Order[:0], m.Unknown[:0], m.Metadata
	continuation := m.Continuation[:0]
	metadata.Reset()
	*m = NewNXPacket(nil)
	m.Metadata, m.Continuation = metadata, continuation
	var seen uint16
	for c.more() {
		var typ uint16
		start, outer, ok := c.openProperty(&typ)
		if !ok {
			break
		}
		order = append(order, typ)
		if typ > propContinuation {
			u := extend(&unknown)
			u.Type = typ
			c.rest(&u.Data)
		} else {
			m.once(c, typ, &seen)
			m.property(c, typ)
		}
		c.closeProperty(start, outer)
	}
	m.Order, m.Unknown = order, unknown
	if m.inOrder() {
		m.Order = m.Order[:0]
	}
	if c.err == nil && len(m.Packet) == 0 {
		c.bad("packet", "none")
	}
}

// inOrder reports whether Order names what is written without it.
func (m *NXPacket) inOrder() bool {
	left := m.Order
	next := func(typ uint16) bool {
		if len(left) == 0 || left[0] != typ {
			return false
		}
		left = left[1:]
		return true
	}
	for _, typ := range packetPropOrder {
		if m.says(typ) && !next(typ) {
			return false
		}
	}
	for i := range m.Unknown {
		if !next(m.Unknown[i].Type) {
			return false
		}
	}
	return len(left) == 0
}

// once fails where a property that is modelled is among those seen, and adds it.
func (*NXPacket) once(c *cursor, typ uint16, seen *uint16) {
	if *seen&(1<<typ) != 0 {
		c.bad("property", "type %d stands twice", typ)
	}
	*seen |= 1 << typ
}

// property walks the contents of a property that is modelled.
func (m *NXPacket) property(c *cursor, typ uint16) {
	switch typ {
	case propPacket:
		c.rest(&m.Packet)
	case propFullLen:
		c.u32(c.fixed(4, "full_len"), &m.FullLen)
	case propBufferID:
		c.u32(c.fixed(4, "buffer_id"), &m.BufferID)
	case propTable:
		c.u8(c.fixed(1, "table_id"), &m.Table)
	case propCookie:
		c.u64Property(&m.Cookie, "cookie")
	case propReason:
		c.u8(c.fixed(1, "reason"), (*uint8)(&m.Reason))
	case propMetadata:
		walkFields(c, &m.Metadata)
	case propUserdata:
		c.rest(&m.Userdata)
	case propContinuation:
		c.skip(4, "continuation padding")
		list(c, &m.Continuation, "continuation", walkContinued)
	}
}

// says reports whether a property that is modelled says anything.
func (m *NXPacket) says(typ uint16) bool {
	switch typ {
	case propFullLen:
		return m.FullLen != 0
	case propBufferID:
		return m.BufferID != NoBuffer
	case propCookie:
		return m.Cookie != ^uint64(0)
	case propUserdata:
		return len(m.Userdata) > 0
	case propContinuation:
		return len(m.Continuation) > 0
	}
	return true
}

func (m *NXPacket) write(c *cursor) {
	if len(m.Packet) == 0 {
		c.bad("packet", "none")
		return
	}
	unknown := m.Unknown
	var seen uint16
	put := func(typ uint16) {
		if typ <= propContinuation {
			m.once(c, typ, &seen)
		}
		start, _, _ := c.openProperty(&typ)
		if typ > propContinuation {
			c.rest(&unknown[0].Data)
			unknown = unknown[1:]
		} else {
			m.property(c, typ)
		}
		c.closeProperty(start, 0)
	}
	for _, typ := range m.Order {
		if typ <= propContinuation {
			put(typ)
		} else if len(unknown) > 0 && unknown[0].Type == typ {
			put(typ)
		}
	}
	for _, typ := range packetPropOrder {
		if m.says(typ) && !slices.Contains(m.Order, typ) && !m.told(typ) {
			put(typ)
		}
	}
	for len(unknown) > 0 {
		if unknown[0].Type <= propContinuation {
			c.bad("property", "type %d is not unknown", unknown[0].Type)
			return
		}
		put(unknown[0].Type)
	}
}

// told reports whether a message that was decoded left the property out because
// it has nothing but what its absence says.
func (m *NXPacket) told(typ uint16) bool {
	if len(m.Order) == 0 {
		return false
	}
	switch typ {
	case propTable:
		return m.Table == 0
	case propReason:
		return m.Reason == 0
	case propMetadata:
		return m.Metadata.Empty()
	}
	return false
}

// ContinuedType is the type of one part of a continuation
// (nx_continuation_prop_type).
type ContinuedType uint16

// Parts of a continuation.
const (
	ContinuedBridge      ContinuedType = 0x8000 // Data: the UUID of the bridge
	ContinuedStack       ContinuedType = 0x8001 // Data: a value, that on top first
	ContinuedMirrors     ContinuedType = 0x8002 // Value: those that have the packet
	ContinuedConntracked ContinuedType = 0x8003 // the packet went through the connection tracker
	ContinuedTable       ContinuedType = 0x8004 // Value: of the flow whose actions follow
	ContinuedCookie      ContinuedType = 0x8005 // Value: of the flow whose actions follow
	ContinuedActions     ContinuedType = 0x8006 // Actions: to go on with
	ContinuedActionSet   ContinuedType = 0x8007 // Actions: the action set
	ContinuedODPPort     ContinuedType = 0x8008 // Value: the datapath's number of the ingress port
)

// Continued is one part of a continuation. What is not modelled has its contents
// in Data.
type Continued struct {
	Type    ContinuedType
	Value   uint64
	Data    []byte // aliases the frame
	Actions []Action
}

func walkContinued(c *cursor, k *Continued) {
	start, outer, ok := c.openProperty((*uint16)(&k.Type))
	if !ok {
		return
	}
	if !c.wr {
		k.Value, k.Data, k.Actions = 0, nil, k.Actions[:0]
	}
	switch k.Type {
	case ContinuedMirrors, ContinuedODPPort:
		v := uint32(k.Value)
		if c.wr && uint64(v) != k.Value {
			c.bad("continuation value", "%d has more than 32 bits", k.Value)
			return
		}
		c.u32(c.fixed(4, "continuation value"), &v)
		k.read(c, uint64(v))
	case ContinuedTable:
		v := uint8(k.Value)
		if c.wr && uint64(v) != k.Value {
			c.bad("continuation table", "%d has more than 8 bits", k.Value)
			return
		}
		c.u8(c.fixed(1, "continuation table"), &v)
		k.read(c, uint64(v))
	case ContinuedCookie:
		c.u64Property(&k.Value, "cookie")
	case ContinuedActions, ContinuedActionSet:
		c.skip(4, "actions padding")
		walkNested(c, &k.Actions)
	default:
		c.rest(&k.Data)
	}
	c.closeProperty(start, outer)
}

// read takes a number that was read; what is written stays the caller's.
func (k *Continued) read(c *cursor, v uint64) {
	if !c.wr {
		k.Value = v
	}
}

func (m *NXPacket) copy() NXPacket {
	o := *m
	o.Packet, o.Userdata, o.Metadata = bytes.Clone(m.Packet), bytes.Clone(m.Userdata), m.Metadata.Clone()
	o.Unknown, o.Order = cloneProperties(m.Unknown), slices.Clone(m.Order)
	o.Continuation = cloneEach(m.Continuation, func(k *Continued) {
		k.Data, k.Actions = bytes.Clone(k.Data), cloneActions(k.Actions)
	})
	return o
}

func (m *NXPacketIn2) clone() any { return &NXPacketIn2{m.copy()} }
func (m *NXResume) clone() any    { return &NXResume{m.copy()} }

func (m *NXPacket) print(p *printer) {
	total := uint64(m.FullLen)
	if total == 0 {
		total = uint64(len(m.Packet))
	}
	p.packetInHead(m.Table, m.Cookie, total, &m.Metadata, m.Reason, m.Packet, m.BufferID)
	if len(m.Userdata) > 0 {
		p.text("\n userdata=")
		for i, x := range m.Userdata {
			if i > 0 {
				p.text(".")
			}
			p.b = appendHex(p.b, uint64(x), 2)
		}
	}
	p.continuation(m.Continuation)
	p.text("\n")
	p.b = appendPacket(p.b, m.Packet)
}

func (p *printer) continuation(parts []Continued) {
	var bridge, stack, mirrors, tracked, actions, set, port []byte
	var table, cookie uint64
	for i := range parts {
		k := &parts[i]
		switch k.Type {
		case ContinuedBridge:
			bridge = k.Data
		case ContinuedStack:
			stack = append(stack, " 0x"...)
			stack = append(stack, trimmedHex(k.Data)...)
		case ContinuedMirrors:
			if mirrors = nil; k.Value != 0 {
				mirrors = appendHex([]byte("0x"), k.Value, 1)
			}
		case ContinuedODPPort:
			if port = nil; k.Value != 0 {
				port = strconv.AppendUint(nil, k.Value, 10)
			}
		case ContinuedConntracked:
			tracked = []byte("true")
		case ContinuedTable:
			table = k.Value
		case ContinuedCookie:
			cookie = k.Value
		case ContinuedActions:
			if len(actions) > 0 {
				actions = append(actions, ',')
			}
			actions = appendUnroll(actions, table, cookie)
			if len(k.Actions) > 0 {
				actions = appendActions(append(actions, ','), k.Actions, p.v, nil)
			}
		case ContinuedActionSet:
			set = appendActions(nil, k.Actions, p.v, nil)
		}
	}
	if len(bridge) == 16 {
		p.text("\n continuation.bridge=" + uuidText(bridge))
	}
	if len(stack) > 0 {
		p.text("\n continuation.stack=(top)" + string(stack) + " (bottom)")
	}
	for _, x := range []struct {
		name string
		text []byte
	}{{"mirrors", mirrors}, {"conntracked", tracked}, {"actions", actions}, {"action_set", set}, {"odp_port", port}} {
		if len(x.text) > 0 {
			p.text("\n continuation." + x.name + "=" + string(x.text))
		}
	}
}

// uuidText is a UUID in Open vSwitch's memory, whose four words are those of the
// machine that it runs on; nearly all have the lowest byte first.
func uuidText(b []byte) string {
	w := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(b[4*i:])) }
	s := append(appendHex(nil, w(0), 8), '-')
	s = append(appendHex(s, w(1)>>16, 4), '-')
	s = append(appendHex(s, w(1)&0xffff, 4), '-')
	s = append(appendHex(s, w(2)>>16, 4), '-')
	return string(appendHex(appendHex(s, w(2)&0xffff, 4), w(3), 8))
}

// appendUnroll is the action that Open vSwitch shows before those of a flow.
func appendUnroll(b []byte, table, cookie uint64) []byte {
	b = append(b, "unroll_xlate(table="...)
	b = strconv.AppendUint(b, table, 10)
	b = append(b, ", cookie="...)
	b = strconv.AppendUint(b, cookie, 10)
	return append(b, ')')
}

// trimmedHex is a number of any length in hexadecimal, without leading zeros.
func trimmedHex(b []byte) string {
	s := strings.TrimLeft(hex.EncodeToString(b), "0")
	if s == "" {
		return "0"
	}
	return s
}
