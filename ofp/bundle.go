package ofp

import (
	"encoding/binary"
	"fmt"
)

// Bundles are messages that a switch carries out together or not at all: EXT-230
// of the ONF for 1.3, which OpenFlow 1.4 took in (its section 6.8).

// BundleKind is what a bundle control message asks or answers
// (ofp_bundle_ctrl_type).
type BundleKind uint16

// Kinds of bundle control; each request is followed by its reply.
const (
	BundleOpenRequest BundleKind = iota
	BundleOpenReply
	BundleCloseRequest
	BundleCloseReply
	BundleCommitRequest
	BundleCommitReply
	BundleDiscardRequest
	BundleDiscardReply
)

// BundleFlags say how a bundle is carried out (ofp_bundle_flags).
type BundleFlags uint16

// Bundle flags.
const (
	BundleAtomic  BundleFlags = 1 << 0 // all or nothing
	BundleOrdered BundleFlags = 1 << 1 // in the order of adding
)

// BundleControl opens, closes, commits or discards a bundle, and answers that it
// was done (ONFT_BUNDLE_CONTROL); 1.3.
type BundleControl struct {
	ID         uint32 // the controller's number for the bundle
	Kind       BundleKind
	Flags      BundleFlags
	Properties []Property
}

// BundleAdd adds a message to a bundle (ONFT_BUNDLE_ADD_MESSAGE); 1.3. The message
// has the transaction identifier of the BundleAdd. One that is a bundle's itself
// cannot be added.
type BundleAdd struct {
	ID         uint32
	Flags      BundleFlags // as when the bundle was opened
	Message    Message
	Properties []Property
}

// Type returns TypeBundleControl.
func (*BundleControl) Type() Type { return TypeBundleControl }

// Type returns TypeBundleAdd.
func (*BundleAdd) Type() Type { return TypeBundleAdd }

func (m *BundleControl) walk(c *cursor) {
	b := c.fixed(8, "bundle")
	c.u32(b, &m.ID)
	c.u16(b[4:], (*uint16)(&m.Kind))
	c.u16(b[6:], (*uint16)(&m.Flags))
	list(c, &m.Properties, "property", walkProperty)
}

func (m *BundleAdd) walk(c *cursor) {
	b := c.fixed(8, "bundle")
	c.u32(b, &m.ID)
	c.u16(b[6:], (*uint16)(&m.Flags))
	start := c.mark()
	walkInner(c, &m.Message, true)
	if c.wr && len(m.Properties) > 0 {
		c.pad8(start)
	} else if !c.wr && c.left() > 0 {
		c.skip((8-(c.off-start)&7)&7, "padding after the message")
	}
	list(c, &m.Properties, "property", walkProperty)
}

// walkInner walks a message inside the message at hand. It has the same version,
// and, where sameXID, the same transaction identifier; and it holds no further
// message. A type that is not modelled is a Raw.
func walkInner(c *cursor, m *Message, sameXID bool) {
	xid := uint32(0)
	if len(c.buf) >= c.base+HeaderLen {
		xid = binary.BigEndian.Uint32(c.buf[c.base+4:])
	}
	if c.wr {
		writeInner(c, *m, xid)
		return
	}
	if c.left() < HeaderLen {
		c.short("inner message", HeaderLen)
		return
	}
	frame := c.buf[c.off:c.end]
	h, err := ParseHeader(frame)
	switch {
	case err != nil:
		c.bad("inner message", "length %d, at least %d", h.Length, HeaderLen)
	case int(h.Length) > len(frame):
		c.bad("inner message", "length %d, at most %d", h.Length, len(frame))
	case h.Version != c.v:
		c.bad("inner message", "version 0x%02x, want 0x%02x", uint8(h.Version), uint8(c.v))
	case sameXID && h.XID != xid:
		c.bad("inner message", "xid 0x%x, want 0x%x", h.XID, xid)
	}
	if c.err != nil {
		return
	}
	frame = frame[:h.Length]
	t := typeOf(h, frame)
	if holdsMessage(t) {
		c.bad("inner message", "a %s inside another message", t)
		return
	}
	if *m == nil || (*m).Type() != t || t == TypeUnknown {
		*m = New(t)
	}
	outer := c.enter(len(frame))
	c.off += HeaderLen
	if raw, ok := (*m).(*Raw); ok {
		raw.Kind = h.Kind
	} else if h.Type() == TypeExperimenter && t != TypeExperimenter {
		c.off += 8
	}
	(*m).walk(c)
	if c.err == nil {
		c.ended("inner message")
	}
	if c.err == nil {
		c.leave(outer)
	}
}

func holdsMessage(t Type) bool {
	return t == TypeBundleAdd || t == TypeBundleControl || t == TypeRequestForward
}

func writeInner(c *cursor, m Message, xid uint32) {
	if absent(m) {
		c.fail("inner message", errNone)
		return
	}
	t := m.Type()
	kind, ok := t.kind(c.v)
	if raw, isRaw := m.(*Raw); isRaw {
		kind = raw.Kind
	} else if !ok {
		c.lacks("inner message " + t.String())
		return
	}
	if holdsMessage(t) {
		c.bad("inner message", "a %s inside another message", t)
		return
	}
	start := len(c.buf)
	binary.BigEndian.PutUint64(c.room(HeaderLen), uint64(c.v)<<56|uint64(kind)<<48|uint64(xid))
	if kind == kindOfExperimenter {
		c.vendorHeader(t)
	}
	m.walk(c)
	if c.err == nil {
		c.setLen16(start, 2)
	}
}

func (m *BundleControl) clone() any {
	o := *m
	o.Properties = cloneProperties(m.Properties)
	return &o
}

func (m *BundleAdd) clone() any {
	o := *m
	o.Properties = cloneProperties(m.Properties)
	o.Message = Clone(m.Message)
	return &o
}

var (
	bundleKindNames = [...]string{"OPEN_REQUEST", "OPEN_REPLY", "CLOSE_REQUEST", "CLOSE_REPLY",
		"COMMIT_REQUEST", "COMMIT_REPLY", "DISCARD_REQUEST", "DISCARD_REPLY"}
	bundleFlagNames = bitNames{"atomic", "ordered"}
)

// String returns the kind's name in capitals.
func (k BundleKind) String() string {
	if int(k) < len(bundleKindNames) {
		return bundleKindNames[k]
	}
	return fmt.Sprintf("bundle control %d", uint16(k))
}

func (p *printer) bundleID(id uint32) {
	p.text("\n bundle_id=")
	p.b = appendHash(p.b, uint64(id), 0)
}

func (m *BundleControl) print(p *printer) {
	p.bundleID(m.ID)
	p.text(" type=")
	if int(m.Kind) < len(bundleKindNames) {
		p.text(m.Kind.String())
	}
	p.text(" flags=")
	p.b = bundleFlagNames.list(p.b, uint32(m.Flags))
	p.text("\n")
}

func (m *BundleAdd) print(p *printer) {
	p.bundleID(m.ID)
	p.text(" flags=")
	p.b = bundleFlagNames.list(p.b, uint32(m.Flags))
	p.text("\n")
	if m.Message == nil {
		return
	}
	// As a frame, since that is what a message is printed from. It was decoded
	// with the identifier of the frame that is being printed.
	frame, err := Append(nil, p.v, p.xid, m.Message)
	if err != nil {
		p.f("***%v***\n", err)
		return
	}
	p.message(frame)
}
