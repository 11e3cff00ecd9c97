package ofp

import "encoding/binary"

// ActionType is the type of an action, the same in all versions; a table holds
// the number that each version gives it (ofp_action_type).
type ActionType uint8

// Action types.
const (
	ActionUnknown      ActionType = iota // of a number that the version does not have: kept raw
	ActionOutput                         // Arg: port, MaxLen: bytes for the controller
	ActionSetVLANVID                     // Arg: VLAN identifier; 1.0 and 1.1
	ActionSetVLANPCP                     // Arg: priority; 1.0 and 1.1
	ActionStripVLAN                      // 1.0; pop_vlan later
	ActionSetEthSrc                      // Value: address; 1.0 and 1.1
	ActionSetEthDst                      // Value: address; 1.0 and 1.1
	ActionSetIPv4Src                     // Arg: address; 1.0 and 1.1
	ActionSetIPv4Dst                     // Arg: address; 1.0 and 1.1
	ActionSetIPToS                       // Arg: DSCP in the six upper bits of a byte; 1.0 and 1.1
	ActionSetIPECN                       // Arg: ECN; 1.1
	ActionSetTPSrc                       // Arg: port; 1.0 and 1.1
	ActionSetTPDst                       // Arg: port; 1.0 and 1.1
	ActionEnqueue                        // Arg: port, Queue: queue; 1.0
	ActionCopyTTLOut                     // 1.1 and later
	ActionCopyTTLIn                      // 1.1 and later
	ActionSetMPLSLabel                   // Arg: label; 1.1
	ActionSetMPLSTC                      // Arg: traffic class; 1.1
	ActionSetMPLSTTL                     // Arg: TTL; 1.1 and later
	ActionDecMPLSTTL                     // 1.1 and later
	ActionPushVLAN                       // Arg: Ethernet type; 1.1 and later
	ActionPopVLAN                        // 1.1 and later; strip_vlan in 1.0
	ActionPushMPLS                       // Arg: Ethernet type; 1.1 and later
	ActionPopMPLS                        // Arg: Ethernet type; 1.1 and later
	ActionSetQueue                       // Arg: queue; 1.1 and later
	ActionGroup                          // Arg: group; 1.1 and later
	ActionSetNWTTL                       // Arg: TTL; 1.1 and later
	ActionDecNWTTL                       // 1.1 and later
	ActionSetField                       // Arg: OXM header, Value: its payload; 1.2 and later
	ActionPushPBB                        // Arg: Ethernet type; 1.3
	ActionPopPBB                         // 1.3
	ActionExperimenter                   // Ext: what it says; or, where that is not modelled, Arg: experimenter, Value: all after it
	numActions
)

// ControllerMaxLenNone as the MaxLen of an output to the controller asks for
// the whole packet, unbuffered (OFPCML_NO_BUFFER; 1.0 and 1.1 read it as 65,535
// bytes).
const ControllerMaxLenNone = 0xffff

// Action is one action of a flow, a packet-out or a bucket. What Arg, MaxLen,
// Queue and Value hold depends on the type, as its constant says; what a type
// has no use for is zero.
type Action struct {
	Type     ActionType
	Received Version // set by decoding: the version that an action came in, where it means another thing there, or is of a later one
	MaxLen   uint16
	Arg      uint32
	Queue    uint32
	Subtype  uint16 // set by decoding: the experimenter's form that the action came in, in which it is written again
	Value    []byte // of a decoded action: aliases the frame
	Ext      Extension
}

// Output sends the packet out of a port. To the controller it sends the whole
// packet.
func Output(p PortNo) Action {
	a := Action{Type: ActionOutput, Arg: uint32(p)}
	if p == PortController {
		a.MaxLen = ControllerMaxLenNone
	}
	return a
}

// OutputController sends at most maxLen bytes of the packet to the controller.
func OutputController(maxLen uint16) Action {
	return Action{Type: ActionOutput, Arg: uint32(PortController), MaxLen: maxLen}
}

// Group hands the packet to a group.
func Group(id uint32) Action { return Action{Type: ActionGroup, Arg: id} }

// SetField writes a value into a header field. The value must have the field's
// length.
func SetField(f FieldID, value []byte) Action {
	info := f.Info()
	if exp := info.Experimenter(); exp != 0 {
		value = append(binary.BigEndian.AppendUint32(nil, exp), value...)
	}
	return Action{Type: ActionSetField, Arg: info.Header(false)&^0xff | uint32(len(value)), Value: value}
}

// Port returns the port of an output or enqueue action.
func (a *Action) Port() PortNo { return PortNo(a.Arg) }

// Field returns what a set_field action writes, as a match field of that value.
func (a *Action) Field() MatchField {
	return oxmField(a.Arg, a.Value)
}

// actionShape is the layout of an action's body.
type actionShape uint8

const (
	shapeNone actionShape = iota // 4 bytes of padding
	shape8                       // a byte
	shape16                      // two bytes
	shape32                      // four bytes
	shapeMAC                     // an Ethernet address, 6 bytes of padding
	shapeOutput
	shapeEnqueue
	shapeField
	shapeExperimenter
	shapeRaw
)

// actionInfo is one row of the table of actions.
type actionInfo struct {
	name  string
	wire  wire
	shape actionShape
}

func only10and11(n10, n11 int16) wire { return wire{n10, n11, none, none} }

var actions = [numActions]actionInfo{
	ActionUnknown:      {"unknown", all(none), shapeRaw},
	ActionOutput:       {"output", all(0), shapeOutput},
	ActionSetVLANVID:   {"set_vlan_vid", only10and11(1, 1), shape16},
	ActionSetVLANPCP:   {"set_vlan_pcp", only10and11(2, 2), shape8},
	ActionStripVLAN:    {"strip_vlan", only10and11(3, none), shapeNone},
	ActionSetEthSrc:    {"set_dl_src", only10and11(4, 3), shapeMAC},
	ActionSetEthDst:    {"set_dl_dst", only10and11(5, 4), shapeMAC},
	ActionSetIPv4Src:   {"set_nw_src", only10and11(6, 5), shape32},
	ActionSetIPv4Dst:   {"set_nw_dst", only10and11(7, 6), shape32},
	ActionSetIPToS:     {"set_nw_tos", only10and11(8, 7), shape8},
	ActionSetIPECN:     {"set_nw_ecn", only10and11(none, 8), shape8},
	ActionSetTPSrc:     {"set_tp_src", only10and11(9, 9), shape16},
	ActionSetTPDst:     {"set_tp_dst", only10and11(10, 10), shape16},
	ActionEnqueue:      {"enqueue", only10and11(11, none), shapeEnqueue},
	ActionCopyTTLOut:   {"copy_ttl_out", since(V11, 11), shapeNone},
	ActionCopyTTLIn:    {"copy_ttl_in", since(V11, 12), shapeNone},
	ActionSetMPLSLabel: {"set_mpls_label", only10and11(none, 13), shape32},
	ActionSetMPLSTC:    {"set_mpls_tc", only10and11(none, 14), shape8},
	ActionSetMPLSTTL:   {"set_mpls_ttl", since(V11, 15), shape8},
	ActionDecMPLSTTL:   {"dec_mpls_ttl", since(V11, 16), shapeNone},
	ActionPushVLAN:     {"push_vlan", since(V11, 17), shape16},
	ActionPopVLAN:      {"pop_vlan", since(V11, 18), shapeNone},
	ActionPushMPLS:     {"push_mpls", since(V11, 19), shape16},
	ActionPopMPLS:      {"pop_mpls", since(V11, 20), shape16},
	ActionSetQueue:     {"set_queue", since(V11, 21), shape32},
	ActionGroup:        {"group", since(V11, 22), shape32},
	ActionSetNWTTL:     {"set_nw_ttl", since(V11, 23), shape8},
	ActionDecNWTTL:     {"dec_nw_ttl", since(V11, 24), shapeNone},
	ActionSetField:     {"set_field", since(V12, 25), shapeField},
	ActionPushPBB:      {"push_pbb", since(V13, 26), shape16},
	ActionPopPBB:       {"pop_pbb", since(V13, 27), shapeNone},
	ActionExperimenter: {"experimenter", all(none), shapeExperimenter}, // 0xffff in all versions
}

const kindExperimenter = 0xffff

// actionByKind is the table turned round.
var actionByKind = func() (t [4][32]ActionType) {
	for i, a := range actions {
		for _, v := range Versions() {
			if n, ok := a.wire.in(v); ok {
				t[v-1][n] = ActionType(i)
			}
		}
	}
	return t
}()

func actionOf(v Version, kind uint16) ActionType {
	if kind == kindExperimenter {
		return ActionExperimenter
	}
	if int(kind) < len(actionByKind[0]) {
		return actionByKind[v-1][kind]
	}
	return ActionUnknown
}

// String returns the specification's name in small letters, such as
// "set_field".
func (t ActionType) String() string {
	if t >= numActions {
		t = ActionUnknown
	}
	return actions[t].name
}

// walkActions walks a list of actions that fills the structure at hand.
func walkActions(c *cursor, as *[]Action) {
	if c.wr {
		c.buf = encodeActions(c, c.buf, *as)
		return
	}
	*as = (*as)[:0]
	for c.more() {
		readAction(c, extend(as))
	}
	if c.err != nil {
		*as = (*as)[:0]
	}
}

func readAction(c *cursor, a *Action) {
	if c.left() < 8 {
		c.short("action", 8)
		return
	}
	b := c.buf[c.off:c.end]
	kind, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
	if n < 8 || n&7 != 0 || n > len(b) {
		c.badActionLength("action length", n, len(b))
		return
	}
	ext := a.Ext
	*a = Action{Type: actionOf(c.v, kind)}
	shape := actions[a.Type].shape
	if want := shape.len(c.v); want != 0 && n != want {
		c.badActionLength("action "+a.Type.String(), n, want)
		return
	}
	body := b[4:n:n]
	switch shape {
	case shape8:
		a.Arg = uint32(body[0])
	case shape16:
		a.Arg = uint32(binary.BigEndian.Uint16(body))
	case shape32:
		a.Arg = binary.BigEndian.Uint32(body)
	case shapeMAC:
		a.Value = body[:6:6]
	case shapeOutput:
		if c.v == V10 {
			c.port16(body, (*PortNo)(&a.Arg), "port")
			a.MaxLen = binary.BigEndian.Uint16(body[2:])
		} else {
			a.Arg = binary.BigEndian.Uint32(body)
			a.MaxLen = binary.BigEndian.Uint16(body[4:])
		}
	case shapeEnqueue:
		c.port16(body, (*PortNo)(&a.Arg), "port")
		a.Queue = binary.BigEndian.Uint32(body[8:])
	case shapeField:
		h := binary.BigEndian.Uint32(body)
		l := int(h & 0xff)
		f := &fields[fieldOf(h)]
		if (4+4+l+7)&^7 != n || !f.sized(h) {
			c.badSetField(h, n)
			return
		}
		if f.Since > c.v || h&0x100 != 0 {
			a.Received = c.v
		}
		a.Arg = h
		a.Value = body[4 : 4+l : 4+l]
	case shapeExperimenter:
		a.Arg = binary.BigEndian.Uint32(body)
		a.Value = body[4:]
		if a.readExtension(c, n, ext); c.err != nil {
			return
		}
	case shapeRaw:
		a.Arg = uint32(kind)
		a.Value = body
	}
	if c.v == V11 && (a.Type == ActionSetVLANVID || a.Type == ActionSetVLANPCP) {
		a.Received = V11
	}
	c.off += n
}

// badActionLength fails at an action's length: it is not what it must be, or, of
// any action, not what it can be.
//
//go:noinline
func (c *cursor) badActionLength(what string, n, want int) {
	c.off += 2
	if what == "action length" {
		c.bad(what, "%d, want a multiple of 8, at least 8 and at most %d", n, want)
	} else {
		c.bad(what, "length %d, want %d", n, want)
	}
}

// badSetField fails at the field of a set_field of n bytes.
//
//go:noinline
func (c *cursor) badSetField(h uint32, n int) {
	c.off += 4
	l := int(h & 0xff)
	if (4+4+l+7)&^7 != n {
		c.bad("action set_field", "field 0x%08x of %d bytes in an action of %d", h, l, n)
		return
	}
	f := &fields[fieldOf(h)]
	c.bad("action set_field", "%s has %d bytes, want %s", f.ID, l, f.lengths())
}

// shapeLen is the length of an action of each shape in 1.1 and later, and 0
// where it varies.
var shapeLen = [...]uint8{
	shapeNone: 8, shape8: 8, shape16: 8, shape32: 8, shapeMAC: 16, shapeOutput: 16, shapeEnqueue: 16,
	shapeField: 0, shapeExperimenter: 0, shapeRaw: 0,
}

// len is the length of an action of that shape, or 0 if it varies.
func (s actionShape) len(v Version) int {
	if s == shapeOutput && v == V10 {
		return 8
	}
	return int(shapeLen[s])
}

// encodeActions appends actions in the wire form to b, which is c.buf without
// the actions, and returns the longer slice. It is passed on instead of kept in
// the cursor, so that the slice stays in registers from one action to the next.
func encodeActions(c *cursor, b []byte, as []Action) []byte {
	for i := range as {
		switch as[i].Type {
		case ActionSetVLANVID, ActionSetVLANPCP, ActionEnqueue:
			if c.v != V10 {
				b = encodeAmong(c, b, as, i)
				continue
			}
		case ActionSetField:
			if c.v <= V11 && as[i].Arg == fields[FieldVLANTCI].oxm && len(as[i].Value) == 2 {
				b = encodeTCI(c, b, as, i)
				continue
			}
		}
		b = encodeAction(c, b, &as[i])
	}
	return b
}

func encodeAction(c *cursor, b []byte, a *Action) []byte {
	if a.Type >= numActions {
		c.bad("action", "type %d", a.Type)
		return b
	}
	if a.Ext != nil || a.Subtype != 0 {
		return encodeForm(c, b, a)
	}
	row := &actions[a.Type]
	kind, ok := row.wire.in(c.v)
	if !ok {
		if kind, ok = kindOffTable(c, a); !ok {
			return encodeTranslated(c, b, a)
		}
	}
	// An action is whole words of 8 bytes, of which the first begins with number
	// and length.
	head := uint64(kind) << 48
	switch row.shape {
	case shapeNone:
		return appendWord(b, head|8<<32)
	case shape8:
		c.fits(a, 8)
		return appendWord(b, head|8<<32|uint64(uint8(a.Arg))<<24)
	case shape16:
		c.fits(a, 16)
		return appendWord(b, head|8<<32|uint64(uint16(a.Arg))<<16)
	case shape32:
		return appendWord(b, head|8<<32|uint64(a.Arg))
	case shapeMAC:
		if len(a.Value) != 6 {
			c.bad("action "+row.name, "address of %d bytes", len(a.Value))
			return b
		}
		b = appendWord(b, head|16<<32)
		b = appendWord(b, 0)
		copy(b[len(b)-12:], a.Value)
		return b
	case shapeOutput:
		if c.v == V10 {
			return appendWord(b, head|8<<32|uint64(c.narrow(a.Port(), "action output"))<<16|uint64(a.MaxLen))
		}
		b = appendWord(b, head|16<<32|uint64(a.Arg))
		return appendWord(b, uint64(a.MaxLen)<<48)
	case shapeEnqueue:
		b = appendWord(b, head|16<<32|uint64(c.narrow(a.Port(), "action enqueue"))<<16)
		return appendWord(b, uint64(a.Queue))
	case shapeField:
		f := &fields[fieldOf(a.Arg)]
		if int(a.Arg&0xff) != len(a.Value) || !f.sized(a.Arg) {
			c.bad("action set_field", "%s: value of %d bytes", f.ID, len(a.Value))
			return b
		}
		if a.Arg&0x100 != 0 && a.Received != c.v {
			if out, ok := encodeLoads(c, b, a); ok {
				return out
			}
			c.lacks("action set_field of some bits of " + f.Name)
			return b
		}
		if f.Since > c.v && a.Received != c.v {
			if f.writable(c.v) || c.say.extensions && f.openVSwitch() { // with the number of Match
				x := f.in(c.v)
				b = appendWord(b, head|uint64(8+len(a.Value)+7)&^7<<32|x.header(a.Arg&0x100 != 0, f.Bytes())>>32)
				b = append(b, a.Value...)
				return append(b, zeros[:-len(a.Value)&7]...)
			}
			c.lacks("action set_field of " + f.Name)
			return b
		}
	case shapeRaw:
		if n := 4 + len(a.Value); n > 0xfff8 || n&7 != 0 {
			c.bad("action "+row.name, "length %d", n)
			return b
		}
		b = append(b, byte(kind>>8), byte(kind), byte((4+len(a.Value))>>8), byte(4+len(a.Value)))
		return append(b, a.Value...)
	}
	// A field or an experimenter's: a number of 32 bits, then the value.
	n := (8 + len(a.Value) + 7) &^ 7
	if n > 0xfff8 {
		c.bad("action "+row.name, "length %d", n)
		return b
	}
	b = appendWord(b, head|uint64(n)<<32|uint64(a.Arg))
	if n == 16 && len(a.Value) > 0 {
		return appendWord(b, beUint(a.Value)<<(64-8*len(a.Value)))
	}
	at := len(b)
	for range (n - 8) / 8 {
		b = appendWord(b, 0)
	}
	copy(b[at:], a.Value)
	return b
}

func appendWord(b []byte, w uint64) []byte { return binary.BigEndian.AppendUint64(b, w) }

// kindOffTable is the number of an action that the table has none for, if it is
// one of those that carry it along.
func kindOffTable(c *cursor, a *Action) (kind uint16, ok bool) {
	switch a.Type {
	case ActionExperimenter:
		return kindExperimenter, true
	case ActionUnknown:
		kind = uint16(a.Arg)
		if a.Arg > 0xffff || actionOf(c.v, kind) != ActionUnknown {
			c.bad("action unknown", "number %d is %s in OpenFlow %s", a.Arg, actionOf(c.v, kind), c.v)
		}
		return kind, true
	}
	return 0, false
}

// encodeTranslated appends what the version has in place of an action that it
// lacks.
func encodeTranslated(c *cursor, b []byte, a *Action) []byte {
	switch t, ok := translate(c, a); {
	case ok:
		return encodeAction(c, b, &t)
	case c.err != nil:
		return b
	case a.onlyExtended():
		if out, ok := encodeLoads(c, b, a); ok {
			return out
		}
	case c.say.extensions:
		if out, ok := encodeExtended(c, b, a); ok {
			return out
		}
	}
	switch a.Type {
	case ActionSetTPSrc, ActionSetTPDst:
		c.lacks("action " + a.Type.String() + " without tcp, udp or sctp in the match")
	case ActionSetField:
		c.lacks("action set_field of " + fieldOf(a.Arg).String())
	default:
		c.lacks("action " + a.Type.String())
	}
	return b
}

// fits fails unless the action's argument has at most that many bits.
func (c *cursor) fits(a *Action, bits int) {
	if a.Arg>>bits != 0 {
		c.bad("action "+a.Type.String(), "%d does not fit in %d bits", a.Arg, bits)
	}
}
