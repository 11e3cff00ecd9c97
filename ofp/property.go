package ofp

import (
	"bytes"
	"encoding/binary"
)

// Property is a property that is not modelled, or that another module than this
// one reads: type, length, contents, as OpenFlow 1.4 and the extensions that led
// to it have them.
type Property struct {
	Type uint16
	Data []byte // all after the length; aliases the frame
}

// propertyHead is the length of a property's type and length.
const propertyHead = 4

// walkProperty is a property that may have any contents, with its padding to a
// multiple of eight bytes.
func walkProperty(c *cursor, p *Property) {
	start, outer, ok := c.openProperty(&p.Type)
	if !ok {
		return
	}
	c.rest(&p.Data)
	c.closeProperty(start, outer)
}

// openProperty begins a property, whose type it reads or writes, and bounds
// reading to its contents.
func (c *cursor) openProperty(typ *uint16) (start, outer int, ok bool) {
	start, outer, ok = c.open(propertyHead, "property", 2)
	if ok {
		c.u16(c.fixed(propertyHead, "property"), typ)
	}
	return start, outer, ok
}

// closeProperty ends what openProperty began. Contents that were not read are an
// error.
func (c *cursor) closeProperty(start, outer int) {
	if c.wr {
		c.setLen16(start, 2)
		c.pad8(start)
		return
	}
	if c.err == nil {
		c.ended("property")
	}
	if c.err == nil {
		c.leave(outer)
		c.skip((8-(c.off-start)&7)&7, "property padding")
	}
}

// u64Property is the contents of a property that is a number of 64 bits, aligned
// to them.
func (c *cursor) u64Property(p *uint64, what string) { c.u64(c.fixed(12, what)[4:], p) }

// uint returns the number that the property holds in n bytes, if it holds one.
// Two bytes may have two of padding after them, as Open vSwitch writes them.
func (p *Property) uint(n int) (v uint64, ok bool) {
	if len(p.Data) != n && (n != 2 || len(p.Data) != 4) {
		return 0, false
	}
	return beUint(p.Data[:n]), true
}

// nested returns the properties inside a property, which stand after four bytes
// of padding, as far as they are whole.
func (p *Property) nested() []Property {
	var ps []Property
	for b := p.Data; len(b) >= 4+propertyHead; {
		n := int(binary.BigEndian.Uint16(b[6:]))
		if n < propertyHead || n > len(b)-4 {
			break
		}
		ps = append(ps, Property{Type: binary.BigEndian.Uint16(b[4:]), Data: b[8 : 4+n]})
		b = b[min(len(b), (n+7)&^7):]
	}
	return ps
}

func cloneProperties(s []Property) []Property {
	return cloneEach(s, func(p *Property) { p.Data = bytes.Clone(p.Data) })
}

// nestProperties returns the contents of a property that holds others.
func nestProperties(ps []Property) []byte {
	c := cursor{wr: true, buf: make([]byte, 4, 64)}
	for i := range ps {
		walkProperty(&c, &ps[i])
	}
	return c.buf
}
