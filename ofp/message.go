package ofp

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// HeaderLen is the length of an OpenFlow header in bytes.
const HeaderLen = 8

// MaxMessageLen is the length of the longest message, in bytes.
const MaxMessageLen = 0xffff

// Header is what every message begins with (ofp_header, section A.1 of
// OpenFlow 1.3.5).
type Header struct {
	Version Version
	Kind    uint8  // the type byte as on the wire; its meaning depends on Version
	Length  uint16 // bytes, this header included
	XID     uint32 // pairs a reply with its request
}

// Type returns the message's type, or TypeUnknown where the version has none of
// that number. Of versions that Sluice does not speak it knows hello and error,
// whose numbers and layout are promised never to change (section 6.3.1 of
// OpenFlow 1.3.5).
func (h Header) Type() Type {
	if !h.Version.Supported() {
		switch h.Kind {
		case 0:
			return TypeHello
		case 1:
			return TypeError
		}
		return TypeUnknown
	}
	if int(h.Kind) >= len(typeByKind[0]) {
		return TypeUnknown
	}
	return typeByKind[h.Version-1][h.Kind]
}

// ParseHeader reads the header at the start of b. It fails if there are fewer
// than HeaderLen bytes or if the length says fewer; the version is not checked.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, &DecodeError{Message: "message", Field: "header", Err: fmt.Errorf("%w: need %d bytes, %d left", ErrTruncated, HeaderLen, len(b))}
	}
	h := Header{
		Version: Version(b[0]),
		Kind:    b[1],
		Length:  binary.BigEndian.Uint16(b[2:]),
		XID:     binary.BigEndian.Uint32(b[4:]),
	}
	if h.Length < HeaderLen {
		return h, &DecodeError{Message: "message", Version: h.Version, Field: "header length", Offset: 2,
			Err: fmt.Errorf("%w: %d, at least %d", ErrMalformed, h.Length, HeaderLen)}
	}
	return h, nil
}

// Message is an OpenFlow message of any version. The set is closed: only this
// package adds to it.
type Message interface {
	// Type returns what the message is.
	Type() Type
	// walk reads or writes all that follows the header.
	walk(*cursor)
}

// Type is the type of a message, the same in all versions; a table holds the
// number that each version gives it (ofp_type).
type Type uint8

// Message types.
const (
	TypeUnknown Type = iota
	TypeHello
	TypeError
	TypeEchoRequest
	TypeEchoReply
	TypeExperimenter // called vendor in 1.0
	TypeFeaturesRequest
	TypeFeaturesReply
	TypeGetConfigRequest
	TypeGetConfigReply
	TypeSetConfig
	TypePacketIn
	TypeFlowRemoved
	TypePortStatus
	TypePacketOut
	TypeFlowMod
	TypeGroupMod
	TypePortMod
	TypeTableMod
	TypeMultipartRequest // called stats_request before 1.3
	TypeMultipartReply   // called stats_reply before 1.3
	TypeBarrierRequest
	TypeBarrierReply
	TypeQueueGetConfigRequest
	TypeQueueGetConfigReply
	TypeRoleRequest
	TypeRoleReply
	TypeGetAsyncRequest
	TypeGetAsyncReply
	TypeSetAsync
	TypeMeterMod
	// Those of experimenters, which travel as TypeExperimenter.
	TypeNXSetFlowFormat
	TypeNXFlowMod
	TypeNXFlowRemoved
	TypeNXGroupMod
	TypeNXFlowModTableID
	TypeNXSetPacketInFormat
	TypeNXPacketIn
	TypeNXPacketIn2
	TypeNXResume
	TypeNXFlowAge
	TypeNXSetAsyncConfig
	TypeNXSetAsyncConfig2
	TypeNXSetControllerID
	TypeNXRoleRequest
	TypeNXRoleReply
	TypeFlowMonitorCancel
	TypeFlowMonitorPaused
	TypeFlowMonitorResumed
	TypeNXTLVTableMod
	TypeNXTLVTableRequest
	TypeNXTLVTableReply
	TypeNXCTFlushZone
	TypeNXCTFlush
	TypeRoleStatus
	TypeRequestForward
	TypeBundleControl
	TypeBundleAdd
	numTypes
)

// messageInfo is one row of the table of messages.
type messageInfo struct {
	name   string
	wire   wire
	make   func() Message // nil: kept as Raw
	vendor []vendorForm   // what the message is in versions that wire has no number for
}

var messages = [numTypes]messageInfo{
	TypeUnknown:               {name: "unknown", wire: all(none)},
	TypeHello:                 {name: "hello", wire: all(0), make: func() Message { return new(Hello) }},
	TypeError:                 {name: "error", wire: all(1), make: func() Message { return new(Error) }},
	TypeEchoRequest:           {name: "echo_request", wire: all(2), make: func() Message { return new(EchoRequest) }},
	TypeEchoReply:             {name: "echo_reply", wire: all(3), make: func() Message { return new(EchoReply) }},
	TypeExperimenter:          {name: "experimenter", wire: all(4), make: func() Message { return new(Experimenter) }},
	TypeFeaturesRequest:       {name: "features_request", wire: all(5), make: func() Message { return new(FeaturesRequest) }},
	TypeFeaturesReply:         {name: "features_reply", wire: all(6), make: func() Message { return new(FeaturesReply) }},
	TypeGetConfigRequest:      {name: "get_config_request", wire: all(7), make: func() Message { return new(GetConfigRequest) }},
	TypeGetConfigReply:        {name: "get_config_reply", wire: all(8), make: func() Message { return new(GetConfigReply) }},
	TypeSetConfig:             {name: "set_config", wire: all(9), make: func() Message { return new(SetConfig) }},
	TypePacketIn:              {name: "packet_in", wire: all(10), make: func() Message { return new(PacketIn) }},
	TypeFlowRemoved:           {name: "flow_removed", wire: all(11), make: func() Message { return new(FlowRemoved) }},
	TypePortStatus:            {name: "port_status", wire: all(12), make: func() Message { return new(PortStatus) }},
	TypePacketOut:             {name: "packet_out", wire: all(13), make: func() Message { return new(PacketOut) }},
	TypeFlowMod:               {name: "flow_mod", wire: all(14), make: func() Message { return new(FlowMod) }},
	TypeGroupMod:              {name: "group_mod", wire: since(V11, 15), make: func() Message { return new(GroupMod) }},
	TypePortMod:               {name: "port_mod", wire: wire{15, 16, 16, 16}, make: func() Message { return new(PortMod) }},
	TypeTableMod:              {name: "table_mod", wire: since(V11, 17), make: func() Message { return new(TableMod) }},
	TypeMultipartRequest:      {name: "multipart_request", wire: wire{16, 18, 18, 18}, make: func() Message { return new(MultipartRequest) }},
	TypeMultipartReply:        {name: "multipart_reply", wire: wire{17, 19, 19, 19}, make: func() Message { return new(MultipartReply) }},
	TypeBarrierRequest:        {name: "barrier_request", wire: wire{18, 20, 20, 20}, make: func() Message { return new(BarrierRequest) }},
	TypeBarrierReply:          {name: "barrier_reply", wire: wire{19, 21, 21, 21}, make: func() Message { return new(BarrierReply) }},
	TypeQueueGetConfigRequest: {name: "queue_get_config_request", wire: wire{20, 22, 22, 22}, make: func() Message { return new(QueueGetConfigRequest) }},
	TypeQueueGetConfigReply:   {name: "queue_get_config_reply", wire: wire{21, 23, 23, 23}, make: func() Message { return new(QueueGetConfigReply) }},
	TypeRoleRequest:           {name: "role_request", wire: since(V12, 24), make: func() Message { return new(RoleRequest) }, vendor: nicira(10, V10, V11)},
	TypeRoleReply:             {name: "role_reply", wire: since(V12, 25), make: func() Message { return new(RoleReply) }, vendor: nicira(11, V10, V11)},
	TypeGetAsyncRequest:       {name: "get_async_request", wire: since(V13, 26), make: func() Message { return new(GetAsyncRequest) }},
	TypeGetAsyncReply:         {name: "get_async_reply", wire: since(V13, 27), make: func() Message { return new(GetAsyncReply) }},
	TypeSetAsync:              {name: "set_async", wire: since(V13, 28), make: func() Message { return new(SetAsync) }},
	TypeMeterMod:              {name: "meter_mod", wire: since(V13, 29), make: func() Message { return new(MeterMod) }},

	TypeNXSetFlowFormat:     {name: "nx_set_flow_format", wire: all(none), make: func() Message { return new(NXSetFlowFormat) }, vendor: nicira(12, V10, V10)},
	TypeNXFlowMod:           {name: "nx_flow_mod", wire: all(none), make: func() Message { return new(NXFlowMod) }, vendor: nicira(13, V10, V13)},
	TypeNXFlowRemoved:       {name: "nx_flow_removed", wire: all(none), make: func() Message { return new(NXFlowRemoved) }, vendor: nicira(14, V10, V13)},
	TypeNXGroupMod:          {name: "nx_group_mod", wire: all(none), make: func() Message { return new(NXGroupMod) }, vendor: nicira(31, V10, V10)},
	TypeNXFlowModTableID:    {name: "nx_flow_mod_table_id", wire: all(none), make: func() Message { return new(NXFlowModTableID) }, vendor: nicira(15, V10, V13)},
	TypeNXSetPacketInFormat: {name: "nx_set_packet_in_format", wire: all(none), make: func() Message { return new(NXSetPacketInFormat) }, vendor: nicira(16, V10, V13)},
	TypeNXPacketIn:          {name: "nx_packet_in", wire: all(none), make: func() Message { return new(NXPacketIn) }, vendor: nicira(17, V10, V13)},
	TypeNXPacketIn2:         {name: "nx_packet_in2", wire: all(none), make: func() Message { return new(NXPacketIn2) }, vendor: nicira(30, V10, V13)},
	TypeNXResume:            {name: "nx_resume", wire: all(none), make: func() Message { return new(NXResume) }, vendor: nicira(28, V10, V13)},
	TypeNXFlowAge:           {name: "nx_flow_age", wire: all(none), make: func() Message { return new(NXFlowAge) }, vendor: nicira(18, V10, V13)},
	TypeNXSetAsyncConfig:    {name: "nx_set_async_config", wire: all(none), make: func() Message { return new(NXSetAsyncConfig) }, vendor: nicira(19, V10, V13)},
	TypeNXSetAsyncConfig2:   {name: "nx_set_async_config2", wire: all(none), make: func() Message { return new(NXSetAsyncConfig2) }, vendor: nicira(27, V10, V13)},
	TypeNXSetControllerID:   {name: "nx_set_controller_id", wire: all(none), make: func() Message { return new(NXSetControllerID) }, vendor: nicira(20, V10, V13)},
	TypeNXRoleRequest:       {name: "nx_role_request", wire: all(none), make: func() Message { return new(NXRoleRequest) }, vendor: nicira(10, V12, V13)},
	TypeNXRoleReply:         {name: "nx_role_reply", wire: all(none), make: func() Message { return new(NXRoleReply) }, vendor: nicira(11, V12, V13)},
	TypeFlowMonitorCancel:   {name: "flow_monitor_cancel", wire: all(none), make: func() Message { return new(FlowMonitorCancel) }, vendor: append(nicira(21, V10, V12), onf(1870, V13)...)},
	TypeFlowMonitorPaused:   {name: "flow_monitor_paused", wire: all(none), make: func() Message { return new(FlowMonitorPaused) }, vendor: append(nicira(22, V10, V12), onf(1871, V13)...)},
	TypeFlowMonitorResumed:  {name: "flow_monitor_resumed", wire: all(none), make: func() Message { return new(FlowMonitorResumed) }, vendor: append(nicira(23, V10, V12), onf(1872, V13)...)},
	TypeNXTLVTableMod:       {name: "nx_tlv_table_mod", wire: all(none), make: func() Message { return new(NXTLVTableMod) }, vendor: nicira(24, V10, V13)},
	TypeNXTLVTableRequest:   {name: "nx_tlv_table_request", wire: all(none), make: func() Message { return new(NXTLVTableRequest) }, vendor: nicira(25, V10, V13)},
	TypeNXTLVTableReply:     {name: "nx_tlv_table_reply", wire: all(none), make: func() Message { return new(NXTLVTableReply) }, vendor: nicira(26, V10, V13)},
	TypeNXCTFlushZone:       {name: "nx_ct_flush_zone", wire: all(none), make: func() Message { return new(NXCTFlushZone) }, vendor: nicira(29, V10, V13)},
	TypeNXCTFlush:           {name: "nx_ct_flush", wire: all(none), make: func() Message { return new(NXCTFlush) }, vendor: nicira(32, V10, V13)},
	TypeRoleStatus:          {name: "role_status", wire: all(none), make: func() Message { return new(RoleStatus) }, vendor: onf(1911, V13)},
	TypeRequestForward:      {name: "requestforward", wire: all(none), make: func() Message { return new(RequestForward) }, vendor: append(nicira(132, V10, V12), onf(2350, V13)...)},
	TypeBundleControl:       {name: "bundle_control", wire: all(none), make: func() Message { return new(BundleControl) }, vendor: onf(2300, V13)},
	TypeBundleAdd:           {name: "bundle_add_message", wire: all(none), make: func() Message { return new(BundleAdd) }, vendor: onf(2301, V13)},
}

// typeByKind is the table turned round: the type of each wire number.
var typeByKind = func() (t [4][32]Type) {
	for i, m := range messages {
		for _, v := range Versions() {
			if n, ok := m.wire.in(v); ok {
				t[v-1][n] = Type(i)
			}
		}
	}
	return t
}()

// kind returns the type's number in version v, and whether it has one.
func (t Type) kind(v Version) (uint8, bool) {
	if !v.Supported() && (t == TypeHello || t == TypeError) {
		v = V13
	}
	n, ok := messages[t].wire.in(v)
	if !ok && t.vendor(v) != nil {
		return kindOfExperimenter, true
	}
	return uint8(n), ok
}

// kindOfExperimenter is the number of experimenter messages, in all versions.
const kindOfExperimenter = 4

// String returns the type's name in small letters, such as "flow_mod".
func (t Type) String() string {
	if t >= numTypes {
		t = TypeUnknown
	}
	return messages[t].name
}

// Raw is a message whose body is not modelled. Kind is the type byte; the
// version that it was read in is the one that it can be written in.
type Raw struct {
	Kind uint8
	Body []byte // all after the header
}

// Type returns TypeUnknown: what Kind means depends on the version.
func (*Raw) Type() Type { return TypeUnknown }

func (m *Raw) walk(c *cursor) { c.rest(&m.Body) }

// Decoder decodes messages without allocating what it needs for itself. The
// zero value is ready. It serves one goroutine at a time.
type Decoder struct{ c cursor }

// Decode reads the message that frame holds, header included, into m, reusing
// the memory that m holds. The frame must be exactly one message, of m's type.
// After an error the contents of m are unspecified but harmless.
func (d *Decoder) Decode(frame []byte, m Message) error {
	if len(frame) < HeaderLen {
		_, err := ParseHeader(frame)
		return err
	}
	if in, ok := m.(*PacketIn); ok && in.decodeQuick(frame) {
		return nil
	}
	return d.walk(frame, m)
}

// walk is Decode for all messages.
func (d *Decoder) walk(frame []byte, m Message) error {
	h := Header{Version: Version(frame[0]), Kind: frame[1], Length: binary.BigEndian.Uint16(frame[2:])}
	t := m.Type()
	c := &d.c
	// Field by field: assigning a whole cursor costs as much as the walk of a
	// small message. What is not set here is never set while reading.
	c.buf, c.off, c.end, c.v = frame, HeaderLen, len(frame), h.Version
	c.msg = messages[t].name
	if got := h.Type(); t != got || t == TypeUnknown {
		if raw, ok := m.(*Raw); ok {
			raw.Kind = h.Kind
		} else if got == TypeExperimenter && t == typeOf(h, frame) {
			c.off += 8
		} else {
			c.off = 1
			c.bad("type", "%d in OpenFlow %s is %s", h.Kind, h.Version, got)
		}
	}
	if c.err == nil && int(h.Length) != len(frame) {
		c.off = 2
		c.bad("header length", "%d, but the frame has %d bytes", h.Length, len(frame))
	}
	if c.err == nil {
		m.walk(c)
		if c.err == nil && c.off < c.end {
			c.bad("message", "%d bytes too many", c.end-c.off)
		}
	}
	err := c.err
	c.buf, c.err = nil, nil // hold on to nothing of the caller's
	return err
}

var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// DecodeInto is Decoder.Decode for those who hold no Decoder.
func DecodeInto(frame []byte, m Message) error {
	d := decoders.Get().(*Decoder)
	err := d.Decode(frame, m)
	decoders.Put(d)
	return err
}

// New returns an empty message of the given type, or a Raw where the type's
// body is not modelled.
func New(t Type) Message {
	if t < numTypes && messages[t].make != nil {
		return messages[t].make()
	}
	return new(Raw)
}

// Decode reads the message that frame holds, header included, into a new
// struct. A type that is not modelled, or not known, becomes a Raw.
func Decode(frame []byte) (Header, Message, error) {
	h, err := ParseHeader(frame)
	if err != nil {
		return h, nil, err
	}
	m := New(typeOf(h, frame))
	if err := DecodeInto(frame, m); err != nil {
		return h, nil, err
	}
	return h, m, nil
}

// Encoder encodes messages without allocating what it needs for itself. The
// zero value is ready. It serves one goroutine at a time.
type Encoder struct {
	// Extensions lets the Encoder say with Open vSwitch's extensions what the
	// version at hand cannot say by itself. A connection of 1.0 that it is used
	// for must have been told NXFlowModTableID: flow-mods name their tables.
	// Without it such things are errors; extensions in the messages themselves
	// are written in any case.
	Extensions bool

	c cursor
}

// Append appends m in the wire form of version v, header included, to dst and
// returns the longer slice. On error dst is returned as it was. Of versions that
// Sluice does not speak it writes hello, error and Raw.
func (e *Encoder) Append(dst []byte, v Version, xid uint32, m Message) ([]byte, error) {
	if b, ok := e.appendQuick(dst, v, xid, m); ok {
		return b, nil
	}
	return e.walk(dst, v, xid, m)
}

// walk is Append for all messages.
func (e *Encoder) walk(dst []byte, v Version, xid uint32, m Message) ([]byte, error) {
	if absent(m) {
		return dst, &EncodeError{Message: "message", Version: v, Field: "message", Err: errNone}
	}
	t := m.Type()
	c := &e.c
	c.base, c.v, c.wr = len(dst), v, true // see Decoder.Decode
	c.msg = messages[t].name
	c.say.extensions, c.say.last = e.Extensions, true
	kind, ok := t.kind(v)
	if raw, isRaw := m.(*Raw); isRaw {
		kind = raw.Kind
	} else if mod, is := m.(*GroupMod); is && e.Extensions && v == V10 {
		nx := mod.nicira()
		return e.Append(dst, v, xid, nx)
	} else if !ok {
		c.lacks("message")
		err := c.err
		c.err = nil
		return dst, err
	}
	c.buf = appendWord(dst, uint64(v)<<56|uint64(kind)<<48|uint64(xid))
	if kind == kindOfExperimenter {
		c.vendorHeader(t)
	}
	m.walk(c)
	if c.err != nil && !c.sayFlowMod10(m) {
		err := c.err
		c.buf, c.err, c.say.match = nil, nil, nil
		return dst, err
	}
	c.setLen16(c.base, 2)
	out, err := c.buf, c.err
	c.buf, c.err, c.say.match = nil, nil, nil // hold on to nothing of the caller's
	if err != nil {
		return dst, err
	}
	return out, nil
}

var encoders = sync.Pool{New: func() any { return new(Encoder) }}

// Append is Encoder.Append for those who hold no Encoder.
func Append(dst []byte, v Version, xid uint32, m Message) ([]byte, error) {
	e := encoders.Get().(*Encoder)
	out, err := e.Append(dst, v, xid, m)
	encoders.Put(e)
	return out, err
}
