package ofp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Packet types that Encap adds and Decap leaves: a namespace in the upper half,
// a type in the lower one (the field packet_type).
const (
	PacketEthernet     uint32 = 0
	PacketMPLS         uint32 = 1<<16 | ethMPLS
	PacketMPLSM        uint32 = 1<<16 | ethMPLSM
	PacketNSH          uint32 = 1<<16 | ethNSH
	PacketUseNextProto uint32 = 0xfffe // of Decap: what the header that goes says
)

// encapTypes are the words for what Encap can add.
var encapTypes = [...]struct {
	name string
	typ  uint32
}{{"ethernet", PacketEthernet}, {"mpls", PacketMPLS}, {"mpls_mc", PacketMPLSM}, {"nsh", PacketNSH}}

// Classes and types of an Encap's properties (ofp-ed-props.h of Open vSwitch).
const (
	EncapClassNSH  = 4
	EncapNSHMDType = 1 // Data: the type of metadata, 1 or 2
	EncapNSHTLV    = 2 // Data: class (2 bytes), type, length, value padded to 8 bytes
)

// EncapProperty says something of the header that Encap adds. Data follows the
// property's head; NSHMDType and NSHTLV make the known ones.
type EncapProperty struct {
	Class uint16
	Type  uint8
	Data  []byte // at most 251 bytes; of a decoded action: aliases the frame
}

// NSHMDType is the type of the metadata in an NSH header, 1 or 2.
func NSHMDType(n uint8) EncapProperty {
	return EncapProperty{Class: EncapClassNSH, Type: EncapNSHMDType, Data: []byte{n}}
}

// NSHTLV is an element of the metadata of type 2 in an NSH header. The value has
// at most 240 bytes.
func NSHTLV(class uint16, typ uint8, value []byte) EncapProperty {
	d := append(binary.BigEndian.AppendUint16(nil, class), typ, uint8(len(value)))
	d = append(d, value...)
	for len(d)&7 != 4 {
		d = append(d, 0)
	}
	return EncapProperty{Class: EncapClassNSH, Type: EncapNSHTLV, Data: d}
}

// tlv is what NSHTLV made the property of.
func (p *EncapProperty) tlv() (class uint16, typ uint8, value []byte, ok bool) {
	d := p.Data
	if p.Class != EncapClassNSH || p.Type != EncapNSHTLV || len(d) < 4 || len(d) != 4+(int(d[3])+7)&^7 {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint16(d), d[2], d[4 : 4+int(d[3])], true
}

// Encap puts a header around the packet (NXAST_ENCAP, 1.3 and later).
type Encap struct {
	PacketType uint32 // of the new packet, which says the header
	HeaderSize uint16 // bytes; 0: whatever it takes
	Props      []EncapProperty
}

func (*Encap) form(Version, uint16) uint16 { return 46 }

func (e *Encap) walk(c *cursor, _ uint16) {
	if c.before13("action encap") {
		return
	}
	b := c.fixed(6, "action encap")[:6]
	c.u16(b, &e.HeaderSize)
	c.u32(b[2:], &e.PacketType)
	list(c, &e.Props, "action encap property", walkEncapProperty)
}

// before13 passes over an action that only 1.3 and later have: read, it stays as
// it is on the wire; it cannot be written.
func (c *cursor) before13(what string) bool {
	switch {
	case c.v >= V13:
		return false
	case c.wr:
		c.lacks(what)
	default:
		c.off = c.end
		c.keepRaw(true)
	}
	return true
}

func walkEncapProperty(c *cursor, p *EncapProperty) {
	const what = "action encap property"
	n := uint8(4 + len(p.Data))
	if c.wr && len(p.Data) > 0xfb {
		c.bad(what, "%d bytes, at most 251 fit", len(p.Data))
		return
	}
	b := c.fixed(4, what)[:4]
	c.u16(b, &p.Class)
	c.u8(b[2:], &p.Type)
	c.u8(b[3:], &n)
	pad := -int(n) & 7
	switch {
	case c.wr:
		c.buf = append(c.buf, p.Data...)
		c.room(pad)
	case c.err != nil:
	case n < 4 || int(n)-4 > c.left():
		c.off--
		c.bad(what+" length", "%d, at least 4 and at most %d", n, c.left()+5)
	default:
		p.Data = c.buf[c.off : c.off+int(n)-4 : c.off+int(n)-4]
		c.off += int(n) - 4
		c.blank(c.fixed(pad, what+" padding"))
	}
}

func (e *Encap) clone() Extension {
	o := *e
	o.Props = slices.Clone(e.Props)
	for i := range o.Props {
		o.Props[i].Data = bytes.Clone(o.Props[i].Data)
	}
	return &o
}

func (e *Encap) validate() error {
	known := false
	for _, t := range encapTypes {
		known = known || t.typ == e.PacketType
	}
	if !known {
		return fmt.Errorf("packet type 0x%x is no header that can be added", e.PacketType)
	}
	for _, p := range e.Props {
		_, _, _, tlv := p.tlv()
		if !tlv && (p.Class != EncapClassNSH || p.Type != EncapNSHMDType || len(p.Data) != 1 || p.Data[0] < 1 || p.Data[0] > 2) {
			return fmt.Errorf("unknown property of class %d, type %d, value 0x%x", p.Class, p.Type, p.Data)
		}
	}
	return nil
}

func (e *Encap) appendText(b []byte, _ Version, _ *Names) []byte {
	b = append(b, "encap("...)
	name := ""
	for _, t := range encapTypes {
		if t.typ == e.PacketType {
			name = t.name
		}
	}
	if name == "" {
		b = appendHash(b, uint64(e.PacketType), 0)
	}
	b = append(b, name...)
	for i, p := range e.Props {
		b = append(b, "(,"[min(i, 1)])
		b = p.appendText(b)
	}
	if len(e.Props) > 0 {
		b = append(b, ')')
	}
	return append(b, ')')
}

func (p *EncapProperty) appendText(b []byte) []byte {
	if p.Class == EncapClassNSH && p.Type == EncapNSHMDType && len(p.Data) == 1 {
		return strconv.AppendUint(append(b, "md_type="...), uint64(p.Data[0]), 10)
	}
	if class, typ, value, ok := p.tlv(); ok {
		b = appendHex(append(b, "tlv(0x"...), uint64(class), 4)
		b = strconv.AppendUint(append(b, ','), uint64(typ), 10)
		// Open vSwitch leaves leading zeros out, and so forgets how long the value is.
		b = hex.AppendEncode(append(b, ",0x"...), value)
		return append(b, ')')
	}
	b = strconv.AppendUint(append(b, "property("...), uint64(p.Class), 10)
	b = strconv.AppendUint(append(b, ','), uint64(p.Type), 10)
	b = hex.AppendEncode(append(b, ",0x"...), p.Data)
	return append(b, ')')
}

// appendBytes appends a number of any length in hexadecimal, without leading
// zeros.
func appendBytes(b, v []byte) []byte {
	start := len(b)
	b = hex.AppendEncode(b, v)
	digits := strings.TrimLeft(string(b[start:]), "0")
	if digits == "" {
		return append(b[:start], '0')
	}
	return append(append(b[:start], "0x"...), digits...)
}

func encapText(p *textParser, it textItem, _ *Match) Extension {
	e := &Encap{}
	count := 0
	p.keyValues(it, func(arg textItem) {
		if count++; count > 1 {
			p.fail(arg.at, arg.at+len(arg.key), "encap: %s after the header; want one", clip(arg.key))
			return
		}
		var names []string
		for _, t := range encapTypes {
			if names = append(names, t.name); t.name == arg.key {
				e.PacketType = t.typ
				e.properties(p, arg)
				return
			}
		}
		p.notAmong(arg, "encap", names...)
	})
	if count == 0 {
		p.badValue(it, "needs a header, such as encap(nsh(md_type=1))")
	}
	return e
}

func (e *Encap) properties(p *textParser, it textItem) {
	p.keyValues(it, func(arg textItem) {
		switch {
		case e.PacketType != PacketNSH:
			p.fail(arg.at, arg.at+len(arg.key), "encap: %s has no property %q", it.key, clip(arg.key))
		case arg.key == "md_type":
			n := uint8(p.uint(arg, 2))
			if n == 0 {
				p.badValue(arg, "want 1 or 2")
			}
			e.Props = append(e.Props, NSHMDType(n))
		case arg.key == "tlv":
			e.Props = append(e.Props, p.tlv(arg))
		default:
			p.notAmong(arg, "encap(nsh)", "md_type", "tlv")
		}
	})
}

func (p *textParser) tlv(it textItem) EncapProperty {
	args := p.arguments(it)
	var value []byte
	ok := len(args) == 3 && strings.HasPrefix(args[0].val, "0x") && strings.HasPrefix(args[2].val, "0x")
	if ok {
		digits := args[2].val[2:]
		if len(digits)%2 != 0 {
			p.badValue(args[2], "%q has half a byte; want two digits a byte", clip(args[2].val))
		}
		v, err := hex.DecodeString(digits)
		value, ok = v, p.err != nil || err == nil && len(v) > 0 && len(v) <= 125
	}
	if !ok {
		p.badValue(it, "want class, type and value, such as tlv(0x1000,10,0x12345678), with a value of 1 to 125 bytes")
	}
	if p.err != nil {
		return EncapProperty{}
	}
	return NSHTLV(uint16(p.uint(args[0], 0xffff)), uint8(p.uint(args[1], 0xff)), value)
}

// Decap takes the outermost header off the packet (NXAST_DECAP, 1.3 and later).
type Decap struct {
	PacketType uint32 // of what is left, or PacketUseNextProto
}

func (*Decap) form(Version, uint16) uint16 { return 47 }

func (e *Decap) walk(c *cursor, _ uint16) {
	if c.before13("action decap") {
		return
	}
	b := c.fixed(6, "action decap")
	c.blank(b[:2])
	c.u32(b[2:], &e.PacketType)
}

func (e *Decap) clone() Extension { o := *e; return &o }

// packetNamespaces is how many namespaces of packet types there are
// (OFPHTN_N_TYPES).
const packetNamespaces = 6

func (e *Decap) appendText(b []byte, _ Version, _ *Names) []byte {
	b = append(b, "decap("...)
	if e.PacketType != PacketUseNextProto {
		b = strconv.AppendUint(append(b, "packet_type(ns="...), uint64(e.PacketType>>16), 10)
		b = appendHash(append(b, ",type="...), uint64(e.PacketType&0xffff), 0)
		b = append(b, ')')
	}
	return append(b, ')')
}

func decapText(p *textParser, it textItem, _ *Match) Extension {
	e := &Decap{PacketType: PacketUseNextProto}
	var seen onceKeys
	p.keyValues(it, func(arg textItem) {
		if arg.key != "packet_type" {
			p.notAmong(arg, "decap", "packet_type")
			return
		}
		seen.note(p, arg)
		have := uint32(0)
		e.PacketType = 0
		p.keyValues(arg, func(part textItem) {
			switch {
			case part.key == "ns" && have == 0:
				e.PacketType = uint32(p.uint(part, packetNamespaces-1)) << 16
			case part.key == "type" && have == 1:
				e.PacketType |= uint32(p.uint(part, 0xffff))
			default:
				have = 2
			}
			have++
		})
		if have != 2 {
			p.badValue(arg, "want packet_type(ns=1,type=0x894f)")
		}
	})
	return e
}

// DeleteField removes a tunnel's metadata field from the packet
// (NXAST_DELETE_FIELD).
type DeleteField struct {
	Field Subfield // the whole field, one of tun_metadata0 to 63
}

func (*DeleteField) form(Version, uint16) uint16 { return 50 }

func (e *DeleteField) walk(c *cursor, _ uint16) {
	const what, size = "action delete_field", 14
	start := c.mark()
	if c.wr {
		e.Field.headerNX(c, 0, what)
		c.room(max(size-(c.mark()-start), 0))
		return
	}
	if c.left() < size {
		c.short(what, size)
		return
	}
	e.Field.headerNX(c, 0, what)
	e.Field.Ofs, e.Field.Bits = 0, 0
	if info := e.Field.Field.Info(); info != nil {
		e.Field.Bits = uint16(info.width())
	} else {
		c.keepRaw(true)
	}
	c.blank(c.fixed(size-(c.mark()-start), what))
}

func (e *DeleteField) clone() Extension { o := *e; return &o }

func (e *DeleteField) validate() error {
	if f := e.Field.Field; f < FieldTunMetadata0 || f >= FieldTunMetadata0+64 {
		return fmt.Errorf("%s cannot be deleted; want tun_metadata0 to tun_metadata63", f)
	}
	return nil
}

func (e *DeleteField) appendText(b []byte, _ Version, _ *Names) []byte {
	return append(append(b, "delete_field:"...), e.Field.Field.String()...)
}

func deleteFieldText(p *textParser, it textItem, _ *Match) Extension {
	e := &DeleteField{}
	if it.val == "" {
		p.badValue(it, "needs a field, such as delete_field:tun_metadata0")
	} else if strings.Contains(it.val, "[") {
		p.badValue(it, "a field is deleted as a whole; want its name alone")
	} else {
		e.Field = p.wholeSubfield(it)
	}
	return e
}
