package ofp

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// cursor walks a message's wire form. It either reads from buf or appends to
// it; the walk methods of the messages are written once for both. It remembers
// the first error and makes later steps harmless, so that a walk runs straight
// through and its caller checks once.
type cursor struct {
	buf  []byte  // reading: the frame; writing: the output so far
	off  int     // reading: the next byte; writing: 0
	end  int     // reading: the end of the structure at hand; writing: 0
	base int     // where the message begins in buf
	v    Version // of the message
	wr   bool    // writing
	deep uint8   // how many lists of actions are open inside each other
	odd  bool    // what was read of the action at hand has bytes that nothing holds
	msg  string  // name of the message, for errors
	err  error   // the first one
	say  saying  // writing: what decides how an action is said
}

// zeros is what a failed or short read sees. It is never written to.
var zeros [512]byte

// room appends n zero bytes and returns them to be filled in. The slice is valid
// until more is written.
func (c *cursor) room(n int) []byte {
	b := c.space(n)
	clear(b)
	return b
}

// space is room whose bytes are not zero: all of them are to be filled in.
func (c *cursor) space(n int) []byte {
	l := len(c.buf)
	if cap(c.buf) < l+n {
		c.grow(n)
	}
	c.buf = c.buf[:l+n]
	return c.buf[l:]
}

// grow is the part of space that is seldom needed, apart so that space is inlined.
func (c *cursor) grow(n int) { c.buf = slices.Grow(c.buf, n) }

// fixed returns the next n bytes of the wire form: the bytes to read from, or
// room to write. n is at most len(zeros). The slice is valid until the next
// call. what names the structure for an error.
func (c *cursor) fixed(n int, what string) []byte {
	if c.end-c.off < n { // always so while writing
		return c.unread(n, what)
	}
	c.off += n
	return c.buf[c.off-n : c.off]
}

// whole is fixed for those who write every byte, padding too: while writing, the
// bytes are not zero.
func (c *cursor) whole(n int, what string) []byte {
	if c.wr {
		return c.space(n)
	}
	return c.fixed(n, what)
}

// unread is fixed where there is nothing to read, apart so that fixed is
// inlined.
func (c *cursor) unread(n int, what string) []byte {
	if c.wr {
		b := c.space(n)
		clear(b)
		return b
	}
	c.short(what, n)
	return zeros[:n]
}

func (c *cursor) u8(b []byte, p *uint8) {
	if c.wr {
		b[0] = *p
	} else {
		*p = b[0]
	}
}

func (c *cursor) u16(b []byte, p *uint16) {
	if c.wr {
		binary.BigEndian.PutUint16(b, *p)
	} else {
		*p = binary.BigEndian.Uint16(b)
	}
}

func (c *cursor) u32(b []byte, p *uint32) {
	if c.wr {
		binary.BigEndian.PutUint32(b, *p)
	} else {
		*p = binary.BigEndian.Uint32(b)
	}
}

func (c *cursor) u64(b []byte, p *uint64) {
	if c.wr {
		binary.BigEndian.PutUint64(b, *p)
	} else {
		*p = binary.BigEndian.Uint64(b)
	}
}

// bytes copies a fixed-size field either way.
func (c *cursor) bytes(b, p []byte) {
	if c.wr {
		copy(b, p)
	} else {
		copy(p, b)
	}
}

// text is a fixed-size field that holds a string padded with zeros. What does
// not fit, or has a zero inside, is an error. The specifications want a zero at the end; a string that
// fills the field is taken all the same, both ways, so that nothing is lost of
// what a careless switch says.
func (c *cursor) text(b []byte, p *string, what string) {
	if c.wr {
		if len(*p) > len(b) {
			c.bad(what, "%d bytes, at most %d fit", len(*p), len(b))
			return
		}
		if at := strings.IndexByte(*p, 0); at >= 0 {
			c.bad(what, "a zero byte at %d, where the text would end", at)
			return
		}
		copy(b, *p)
		return
	}
	n := 0
	for n < len(b) && b[n] != 0 {
		n++
	}
	if *p != string(b[:n]) { // compares without allocating
		*p = string(b[:n])
	}
}

// rest is everything up to the end of the structure at hand. Read bytes alias
// the frame.
func (c *cursor) rest(p *[]byte) {
	if c.wr {
		c.buf = append(c.buf, *p...)
		return
	}
	*p = c.buf[c.off:c.end:c.end]
	c.off = c.end
}

// more reports whether a list being read has another element.
func (c *cursor) more() bool { return c.err == nil && c.off < c.end }

// left is how many bytes of the structure at hand are still to be read.
func (c *cursor) left() int { return c.end - c.off }

// enter bounds reading to the next n bytes, which the caller has compared with
// left, and returns what leave needs to lift the bound.
func (c *cursor) enter(n int) (outer int) {
	outer = c.end
	c.end = c.off + n
	return outer
}

// leave skips what is left of the bounded structure and lifts the bound.
func (c *cursor) leave(outer int) {
	c.off = c.end
	c.end = outer
}

// skip passes over n bytes of padding, which must be there, or writes zeros; n
// is bounded as that of fixed.
func (c *cursor) skip(n int, what string) {
	if n > c.end-c.off { // always so while writing
		c.unread(n, what)
		return
	}
	c.off += n
}

// blank passes over padding that b holds. What is not zero would be lost, so that
// the action at hand is kept as bytes.
func (c *cursor) blank(b []byte) {
	for _, x := range b {
		c.odd = c.odd || x != 0 && !c.wr
	}
}

// mark is where the next byte will be written or read.
func (c *cursor) mark() int {
	if c.wr {
		return len(c.buf)
	}
	return c.off
}

// open begins a structure whose length, of two bytes, stands at offset at and
// counts at least least bytes. Reading is bounded to it. After an error ok is
// false.
func (c *cursor) open(least int, what string, at int) (start, outer int, ok bool) {
	start = c.mark()
	if c.wr {
		return start, 0, true
	}
	if c.left() < least {
		c.short(what, least)
		return start, 0, false
	}
	n := int(binary.BigEndian.Uint16(c.buf[c.off+at:]))
	if n < least || n > c.left() {
		most := c.left()
		c.off += at
		c.bad(what+" length", "%d, at least %d and at most %d", n, least, most)
		return start, 0, false
	}
	return start, c.enter(n), true
}

// ended fails where the structure at hand goes on after its last field.
func (c *cursor) ended(what string) {
	if n := c.left(); n > 0 {
		c.bad(what, "%d bytes too many", n)
	}
}

// close ends what open began.
func (c *cursor) close(start, outer, at int) {
	if c.wr {
		c.setLen16(start, at)
	} else if c.err == nil {
		c.leave(outer)
	}
}

// setLen16 writes the number of bytes since mark start at offset at from start.
func (c *cursor) setLen16(start, at int) {
	n := len(c.buf) - start
	if n > 0xffff {
		c.tooLong()
	}
	binary.BigEndian.PutUint16(c.buf[start+at:], uint16(n))
}

//go:noinline
func (c *cursor) tooLong() { c.fail("length", ErrTooLong) }

// pad8 pads what was written since start to a multiple of 8 bytes.
func (c *cursor) pad8(start int) {
	if n := (len(c.buf) - start) & 7; n != 0 {
		c.room(8 - n)
	}
}

// fail records err, unless an earlier one is remembered. It is kept out of its
// callers, so that they are small enough to be inlined.
//
//go:noinline
func (c *cursor) fail(what string, err error) {
	if c.err != nil {
		return
	}
	if c.wr {
		c.err = &EncodeError{Message: c.msg, Version: c.v, Field: what, Err: err}
	} else {
		c.err = &DecodeError{Message: c.msg, Version: c.v, Field: what, Offset: c.off - c.base, Err: err}
	}
}

func (c *cursor) short(what string, n int) {
	c.fail(what, fmt.Errorf("%w: need %d bytes, %d left", ErrTruncated, n, c.end-c.off))
	c.off = c.end
}

func (c *cursor) bad(what, format string, args ...any) {
	c.fail(what, fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...)))
}

// errNone says that there is nothing where something must be.
var errNone = fmt.Errorf("%w: none", ErrMalformed)

// absent reports whether x is nil, or holds a nil pointer: a message, a body or
// an extension that a caller did not fill in.
func absent(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// lacks records that the version cannot say what.
func (c *cursor) lacks(what string) { c.fail(what, ErrVersion) }

// extend lengthens *s by one element and returns it, keeping the slices that
// the element held when it was last in use.
func extend[T any](s *[]T) *T {
	n := len(*s)
	if n == cap(*s) {
		// Doubling at every size keeps the sum of what a long list allocates
		// under twice its final size; append alone grows large slices by a
		// quarter at a time.
		*s = slices.Grow(*s, max(n, 1))
	}
	*s = (*s)[:n+1]
	return &(*s)[n]
}

// list walks a slice whose elements fill the structure at hand.
func list[T any](c *cursor, s *[]T, what string, walk func(*cursor, *T)) {
	if c.wr {
		for i := range *s {
			walk(c, &(*s)[i])
		}
		return
	}
	*s = (*s)[:0]
	for c.more() {
		before := c.off
		walk(c, extend(s))
		if c.off == before && c.err == nil {
			c.bad(what, "empty element")
		}
	}
	if c.err != nil {
		*s = (*s)[:0]
	}
}

// keepRaw makes the extension at hand stay as it is on the wire, if odd.
func (c *cursor) keepRaw(odd bool) { c.odd = c.odd || odd && !c.wr }
