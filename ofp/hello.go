package ofp

import "encoding/binary"

// helloVersionBitmap is the type of the only hello element that the
// specifications know (ofp_hello_elem_type).
const helloVersionBitmap = 1

// Hello opens a connection; the version of its header is the highest that the
// sender speaks (ofp_hello, section 7.5.1 of OpenFlow 1.3.5).
type Hello struct {
	// Elements are the hello's elements in order. A hello of a switch that
	// speaks 1.0 to 1.2 only may have none.
	Elements []HelloElement

	// Raw is what follows the elements where it is none: versions before 1.3
	// leave it open, and say to ignore it.
	Raw []byte // aliases the frame
}

// HelloElement is one element of a hello.
type HelloElement struct {
	Type    uint16
	Bitmaps []uint32 // of a version bitmap element: word n has versions 32n to 32n+31
	Data    []byte   // of an element of another type; aliases the frame
}

// NewHello returns a hello with the version bitmap of vs.
func NewHello(vs ...Version) *Hello {
	return &Hello{Elements: []HelloElement{{Type: helloVersionBitmap, Bitmaps: []uint32{uint32(BitmapOf(vs...))}}}}
}

// Type returns TypeHello.
func (*Hello) Type() Type { return TypeHello }

// Versions returns the hello's version bitmap, if it has one.
func (m *Hello) Versions() (VersionBitmap, bool) {
	for _, e := range m.Elements {
		if e.Type == helloVersionBitmap && len(e.Bitmaps) > 0 {
			return VersionBitmap(e.Bitmaps[0]), true
		}
	}
	return 0, false
}

func (m *Hello) walk(c *cursor) {
	if c.wr {
		for i := range m.Elements {
			m.Elements[i].write(c)
		}
		c.rest(&m.Raw)
		return
	}
	m.Elements, m.Raw = m.Elements[:0], nil
	for c.more() && isHelloElement(c.buf[c.off:c.end]) {
		extend(&m.Elements).read(c)
	}
	if c.more() {
		c.rest(&m.Raw)
	}
}

// isHelloElement reports whether b begins with a whole element. Padding that is
// not zero would be lost, and so makes it none; some do not pad at all.
func isHelloElement(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	return n >= 4 && n <= len(b) && noBits(b[n:min((n+7)&^7, len(b))]) && (binary.BigEndian.Uint16(b) != helloVersionBitmap || n&3 == 0)
}

// read reads an element that isHelloElement has found whole.
func (e *HelloElement) read(c *cursor) {
	b := c.buf[c.off:c.end]
	n := int(binary.BigEndian.Uint16(b[2:]))
	*e = HelloElement{Type: binary.BigEndian.Uint16(b), Bitmaps: e.Bitmaps[:0]}
	if e.Type == helloVersionBitmap {
		for at := 4; at < n; at += 4 {
			e.Bitmaps = append(e.Bitmaps, binary.BigEndian.Uint32(b[at:]))
		}
	} else {
		e.Data = b[4:n:n]
	}
	c.off += min((n+7)&^7, len(b)) // some leave out the last padding
}

func (e *HelloElement) write(c *cursor) {
	start := len(c.buf)
	c.buf = append(c.buf, byte(e.Type>>8), byte(e.Type), 0, 0)
	for _, w := range e.Bitmaps {
		c.buf = binary.BigEndian.AppendUint32(c.buf, w)
	}
	c.buf = append(c.buf, e.Data...)
	c.setLen16(start, 2)
	c.pad8(start)
}
