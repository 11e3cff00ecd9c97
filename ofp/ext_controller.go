package ofp

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// Controller sends the packet to controllers, with more to choose from than an
// output has (NXAST_CONTROLLER, NXAST_CONTROLLER2).
type Controller struct {
	MaxLen   uint16         // bytes of the packet to send; ControllerMaxLenNone: all
	ID       uint16         // of the controllers to send to, which NXT_SET_CONTROLLER_ID gives
	Reason   PacketInReason // that the packet-in will have; output has ReasonAction
	UserData []byte         // that the packet-in will carry
	Pause    bool           // stop here until the controller resumes the packet (NXT_RESUME)
	Meter    uint32         // that limits the rate; 0: none

	// Properties is set by decoding, if the properties of NXAST_CONTROLLER2 stand
	// otherwise than this package writes them. They are written again as they
	// came, as long as they say what the struct does. Aliases the frame.
	Properties []byte
}

// Subtypes of Controller.
const (
	subController  = 20
	subController2 = 37
)

// Properties of NXAST_CONTROLLER2 (enum nx_action_controller2_prop_type).
const (
	controllerMaxLen   = 0
	controllerID       = 1
	controllerReason   = 2
	controllerUserData = 3
	controllerPause    = 4
	controllerMeter    = 5
)

func (e *Controller) form(_ Version, received uint16) uint16 {
	if len(e.UserData) > 0 || e.Pause || e.Meter != 0 || received == subController2 {
		return subController2
	}
	return subController
}

func (e *Controller) walk(c *cursor, subtype uint16) {
	b := c.fixed(6, "action controller")
	switch {
	case subtype == subController:
		if !c.wr {
			*e = Controller{}
		}
		c.u16(b, &e.MaxLen)
		c.u16(b[2:], &e.ID)
		c.u8(b[4:], (*uint8)(&e.Reason))
		c.blank(b[5:])
	case c.wr:
		e.writeProperties(c)
	default:
		c.blank(b)
		all := c.buf[c.off:c.end:c.end]
		e.readProperties(c)
		var space [128]byte
		again := cursor{wr: true, v: c.v, buf: space[:0]}
		if e.writeProperties(&again); !bytes.Equal(again.buf, all) {
			e.Properties = all
		}
	}
}

func (e *Controller) readProperties(c *cursor) {
	*e = Controller{MaxLen: ControllerMaxLenNone, Reason: ReasonAction}
	for c.more() {
		if c.left() < 4 {
			c.short("property of action controller", 4)
			return
		}
		b := c.buf[c.off:c.end]
		t, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		size := (n + 7) &^ 7
		if n < 4 || size > len(b) {
			c.off += 2
			c.bad("property length of action controller", "%d, want at least 4 and at most %d", n, len(b))
			return
		}
		if t < uint16(len(controllerLengths)) && controllerLengths[t] != 0 && n != controllerLengths[t] {
			c.bad("property of action controller", "type %d has %d bytes, want %d", t, n, controllerLengths[t])
			return
		}
		body := b[4:n:n]
		switch t {
		case controllerMaxLen:
			e.MaxLen = binary.BigEndian.Uint16(body)
		case controllerID:
			e.ID = binary.BigEndian.Uint16(body)
		case controllerReason:
			e.Reason = PacketInReason(body[0])
		case controllerUserData:
			e.UserData = body
		case controllerPause:
			e.Pause = true
		case controllerMeter:
			e.Meter = binary.BigEndian.Uint32(body)
		default:
			c.odd = true // only the bytes say what it is
		}
		c.off += size
	}
}

// controllerLengths are the lengths that properties have; 0: any.
var controllerLengths = [...]int{controllerMaxLen: 8, controllerID: 8, controllerReason: 5, controllerPause: 4, controllerMeter: 8}

func (e *Controller) writeProperties(c *cursor) {
	if e.Properties != nil {
		var as Controller
		r := cursor{buf: e.Properties, end: len(e.Properties), v: c.v}
		as.readProperties(&r)
		if r.err == nil && as.says(e) {
			c.buf = append(c.buf, e.Properties...)
			return
		}
	}
	if e.MaxLen != ControllerMaxLenNone {
		binary.BigEndian.PutUint16(c.property(controllerMaxLen, 8), e.MaxLen)
	}
	if e.ID != 0 {
		binary.BigEndian.PutUint16(c.property(controllerID, 8), e.ID)
	}
	if e.Reason != ReasonAction {
		c.property(controllerReason, 5)[0] = uint8(e.Reason)
	}
	if len(e.UserData) > 0 {
		if len(e.UserData) > math.MaxUint16-4 {
			c.fail("userdata of action controller", ErrTooLong)
			return
		}
		copy(c.property(controllerUserData, 4+len(e.UserData)), e.UserData)
	}
	if e.Pause {
		c.property(controllerPause, 4)
	}
	if e.Meter != 0 {
		binary.BigEndian.PutUint32(c.property(controllerMeter, 8), e.Meter)
	}
}

// property writes the head of a property of n bytes and returns the room for the
// rest.
func (c *cursor) property(t uint16, n int) []byte {
	b := c.room((n + 7) &^ 7)
	binary.BigEndian.PutUint16(b, t)
	binary.BigEndian.PutUint16(b[2:], uint16(n))
	return b[4:]
}

// says reports whether o asks for the same.
func (e *Controller) says(o *Controller) bool {
	return e.MaxLen == o.MaxLen && e.ID == o.ID && e.Reason == o.Reason && bytes.Equal(e.UserData, o.UserData) &&
		e.Pause == o.Pause && e.Meter == o.Meter
}

func (e *Controller) clone() Extension {
	o := *e
	o.UserData, o.Properties = bytes.Clone(e.UserData), bytes.Clone(e.Properties)
	return &o
}

func (e *Controller) validate() error { return fitsAction("controller", len(e.UserData)) }

// controllerReasons are the words for the reasons of a packet-in. Open vSwitch
// has no words for those of a table-miss flow.
var controllerReasons = [...]string{"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "", ""}

func (e *Controller) appendText(b []byte, _ Version, _ *Names) []byte {
	if e.Reason == ReasonAction && e.ID == 0 && len(e.UserData) == 0 && !e.Pause && e.Meter == 0 {
		return strconv.AppendUint(append(b, "CONTROLLER:"...), uint64(e.MaxLen), 10)
	}
	b = append(b, "controller("...)
	start := len(b)
	key := func(s string) {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, s...)
	}
	if e.Reason != ReasonAction {
		key("reason=")
		if int(e.Reason) < len(controllerReasons) {
			b = append(b, controllerReasons[e.Reason]...)
		} else {
			b = strconv.AppendUint(b, uint64(e.Reason), 10)
		}
	}
	if e.MaxLen != ControllerMaxLenNone {
		key("max_len=")
		b = strconv.AppendUint(b, uint64(e.MaxLen), 10)
	}
	if e.ID != 0 {
		key("id=")
		b = strconv.AppendUint(b, uint64(e.ID), 10)
	}
	if len(e.UserData) > 0 {
		key("userdata=")
		b = appendDotted(b, e.UserData)
	}
	if e.Pause {
		key("pause")
	}
	if e.Meter != 0 {
		key("meter_id=")
		b = strconv.AppendUint(b, uint64(e.Meter), 10)
	}
	return append(b, ')')
}

// toController reads controller:LENGTH or controller(key=value,...). What an
// output says as well is one.
func (p *textParser) toController(it textItem) Action {
	if p.s[it.valAt-1] != '(' {
		return OutputController(uint16(p.uint(it, math.MaxUint16)))
	}
	e := &Controller{MaxLen: ControllerMaxLenNone, Reason: ReasonAction}
	plain := *e
	p.keyValues(it, func(arg textItem) {
		switch arg.key {
		case "max_len":
			e.MaxLen = uint16(p.uint(arg, math.MaxUint16))
		case "reason":
			i := slices.Index(controllerReasons[:], arg.val)
			if i < 0 || arg.val == "" {
				p.badValue(arg, "unknown reason %q; want one of no_match, action, invalid_ttl, action_set, group, packet_out", clip(arg.val))
			}
			e.Reason = PacketInReason(i)
		case "id":
			e.ID = uint16(p.uint(arg, math.MaxUint16))
		case "userdata":
			e.UserData = p.hexBytes(arg)
		case "pause":
			p.noValue(arg)
			e.Pause = true
		case "meter_id":
			e.Meter = uint32(p.uint(arg, math.MaxUint32))
		default:
			p.notAmong(arg, it.key, "max_len", "reason", "id", "userdata", "pause", "meter_id")
		}
	})
	if plain.MaxLen = e.MaxLen; e.says(&plain) {
		return OutputController(e.MaxLen)
	}
	return Extend(e)
}
