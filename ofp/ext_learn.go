package ofp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// LearnFlags are the flags of Learn (NX_LEARN_F_*).
type LearnFlags uint16

// Learn flags.
const (
	LearnSendFlowRem   LearnFlags = 1 << 0 // the new flow has FlowSendFlowRem
	LearnDeleteLearned LearnFlags = 1 << 1 // the flows that it made go with the flow that learns
	LearnWriteResult   LearnFlags = 1 << 2 // Result says whether Limit was kept
	learnFlagsOld                 = LearnSendFlowRem | LearnDeleteLearned
)

// Learn adds a flow, or changes it where it is already, of which match and
// actions are made from the packet at hand (NXAST_LEARN, NXAST_LEARN2).
type Learn struct {
	Table          uint8  // of the new flow
	Priority       uint16 // of the new flow
	IdleTimeout    uint16 // seconds; 0: none
	HardTimeout    uint16 // seconds; 0: none
	FinIdleTimeout uint16 // seconds, after a FIN or RST of TCP; 0: as before
	FinHardTimeout uint16 // seconds, likewise
	Cookie         uint64
	Flags          LearnFlags
	Limit          uint32   // how many flows of table and cookie there may be; 0: any number
	Result         Subfield // with LearnWriteResult: the bit that is 1 if the flow was learned
	Specs          []LearnSpec
}

// LearnKind says what a LearnSpec makes.
type LearnKind uint8

// Kinds of LearnSpec (NX_LEARN_DST_*).
const (
	LearnMatch  LearnKind = 0 // the new flow matches To
	LearnLoad   LearnKind = 1 // the new flow writes To
	LearnOutput LearnKind = 2 // the new flow outputs to the port that From holds
)

// LearnSpec makes a part of the new flow from a value: a constant, or bits of the
// packet at hand.
type LearnSpec struct {
	Kind  LearnKind
	Value []byte   // the constant, in the least bytes that have To.Bits; of a decoded action: aliases the frame
	From  Subfield // without a Value: where it is taken from, as many bits as To has
	To    Subfield // of LearnMatch and LearnLoad
}

// bits is how many bits the value has.
func (s *LearnSpec) bits() int {
	if s.Kind == LearnOutput {
		return int(s.From.Bits)
	}
	return int(s.To.Bits)
}

const (
	subLearn     = 16
	subLearn2    = 45
	learnConst   = 1 << 13 // in the head of a LearnSpec
	learnMaxBits = 1<<11 - 1
)

func (e *Learn) form(_ Version, received uint16) uint16 {
	if e.Limit != 0 || e.Flags&LearnWriteResult != 0 || received == subLearn2 {
		return subLearn2
	}
	return subLearn
}

func (e *Learn) walk(c *cursor, subtype uint16) {
	const what = "action learn"
	b := c.fixed(22, what)[:22]
	c.u16(b, &e.IdleTimeout)
	c.u16(b[2:], &e.HardTimeout)
	c.u16(b[4:], &e.Priority)
	c.u64(b[6:], &e.Cookie)
	c.u16(b[14:], (*uint16)(&e.Flags))
	c.u8(b[16:], &e.Table)
	c.blank(b[17:18])
	c.u16(b[18:], &e.FinIdleTimeout)
	c.u16(b[20:], &e.FinHardTimeout)
	if !c.wr {
		e.Limit, e.Result = 0, Subfield{}
	}
	if subtype == subLearn2 {
		b = c.fixed(8, what)[:8]
		c.u32(b, &e.Limit)
		ofs := e.Result.Ofs
		c.u16(b[4:], &ofs)
		c.blank(b[6:])
		if e.Flags&LearnWriteResult != 0 {
			e.Result.headerNX(c, 0, what+" result_dst")
			if !c.wr {
				e.Result.Bits = 1
			}
		} else {
			c.keepRaw(ofs != 0)
			ofs = 0
		}
		if !c.wr {
			e.Result.Ofs = ofs
		}
	}
	c.keepRaw(subtype == subLearn && e.Flags&LearnWriteResult != 0)
	e.walkSpecs(c)
}

func (e *Learn) walkSpecs(c *cursor) {
	if c.wr {
		for i := range e.Specs {
			e.Specs[i].write(c)
		}
		return
	}
	e.Specs = e.Specs[:0]
	for c.err == nil && c.left() >= 2 {
		head := binary.BigEndian.Uint16(c.buf[c.off:])
		if head == 0 { // padding
			if c.left() >= 8 {
				c.blank(c.buf[c.off:c.end])
				c.keepRaw(true)
				c.off = c.end
			}
			return
		}
		c.off += 2
		extend(&e.Specs).read(c, head)
	}
}

const learnSpec = "action learn spec"

func (s *LearnSpec) read(c *cursor, head uint16) {
	*s = LearnSpec{Kind: LearnKind(head >> 11 & 3)}
	n, isConst := head&learnMaxBits, head&learnConst != 0
	switch {
	case head>>14 != 0 || s.Kind > LearnOutput || s.Kind == LearnOutput && isConst:
		c.off -= 2
		c.bad(learnSpec, "unknown kind 0x%04x", head)
		return
	case n == 0:
		c.keepRaw(true)
	}
	if isConst {
		size := (int(n) + 15) / 16 * 2
		if c.left() < size {
			c.short(learnSpec+" value", size)
			return
		}
		v := c.buf[c.off : c.off+size : c.off+size]
		c.off += size
		s.Value = v[size-(int(n)+7)/8:]
		c.blank(v[:size-len(s.Value)])
	} else {
		s.From.walkLearn(c, learnSpec+" source")
		s.From.Bits = n
	}
	if s.Kind != LearnOutput {
		s.To.walkLearn(c, learnSpec+" destination")
		s.To.Bits = n
	}
}

func (s *LearnSpec) write(c *cursor) {
	n := s.bits()
	if n < 1 || n > learnMaxBits || s.Kind > LearnOutput || s.Kind == LearnOutput && s.Value != nil {
		c.bad(learnSpec, "kind %d, %d bits", s.Kind, n)
		return
	}
	head := uint16(s.Kind)<<11 | uint16(n)
	if s.Value != nil {
		head |= learnConst
	}
	binary.BigEndian.PutUint16(c.room(2), head)
	switch size := (n + 15) / 16 * 2; {
	case s.Value == nil:
		if int(s.From.Bits) != n {
			c.bad(learnSpec, "%d bits from %d", n, s.From.Bits)
		}
		s.From.walkLearn(c, learnSpec+" source")
	case len(s.Value) != (n+7)/8:
		c.bad(learnSpec+" value", "%d bytes; want %d for %d bits", len(s.Value), (n+7)/8, n)
	default:
		b := c.room(size)
		copy(b[size-len(s.Value):], s.Value)
	}
	if s.Kind != LearnOutput {
		s.To.walkLearn(c, learnSpec+" destination")
	}
}

// walkLearn walks header and first bit.
func (s *Subfield) walkLearn(c *cursor, what string) {
	b := c.fixed(6, what)
	s.header32(c, b, what)
	c.u16(b[4:], &s.Ofs)
}

func (e *Learn) clone() Extension {
	o := *e
	o.Specs = slices.Clone(e.Specs)
	for i := range o.Specs {
		o.Specs[i].Value = bytes.Clone(o.Specs[i].Value)
	}
	return &o
}

// validate checks what Open vSwitch does, but for what fields need: that the
// match of the flow that learns decides, too.
func (e *Learn) validate() error {
	switch {
	case e.Table == TableAll:
		return fmt.Errorf("table %d; want 0 to 254", TableAll)
	case e.Flags&^(learnFlagsOld|LearnWriteResult) != 0:
		return fmt.Errorf("unknown flags 0x%x", uint16(e.Flags))
	case e.Flags&LearnWriteResult != 0 && e.Result.Bits != 1:
		return fmt.Errorf("result_dst has %d bits; want one", e.Result.Bits)
	}
	if e.Flags&LearnWriteResult != 0 {
		if err := e.Result.writable(); err != nil {
			return fmt.Errorf("result_dst: %w", err)
		}
	}
	for i := range e.Specs {
		if err := e.Specs[i].validate(); err != nil {
			return err
		}
	}
	return nil
}

func (s *LearnSpec) validate() error {
	if s.Value == nil {
		if err := s.From.Validate(); err != nil {
			return err
		}
	}
	if s.Kind == LearnOutput {
		return nil
	}
	if err := s.To.Validate(); err != nil {
		return err
	}
	info := s.To.Field.Info()
	switch {
	case info == nil:
		return nil
	case s.Value == nil && s.From.Bits != s.To.Bits:
		return fmt.Errorf("%s has %d bits and %s has %d", s.From, s.From.Bits, s.To, s.To.Bits)
	case s.Kind == LearnLoad && info.ReadOnly:
		return fmt.Errorf("%s cannot be written", info.Name)
	case s.Value != nil && s.To.Bits%8 != 0 && len(s.Value) > 0 && s.Value[0]>>(s.To.Bits%8) != 0:
		return fmt.Errorf("0x%x does not fit in the %d bits of %s", s.Value, s.To.Bits, s.To)
	}
	return nil
}

// lacks says what the fields of the part need, or "": of its source in the match
// of the flow that learns, if that is known, and of its destination in the parts
// before it, whose constants learned collects.
func (s *LearnSpec) lacks(m, learned *Match) string {
	if m != nil && s.Value == nil {
		if w := m.missing(s.From.Field); w != "" {
			return s.From.Field.String() + " needs " + w + " in the match of this flow"
		}
	}
	if s.Kind == LearnOutput {
		return ""
	}
	if w := learned.missing(s.To.Field); w != "" {
		return s.To.Field.String() + " needs " + w + " before it"
	}
	info := s.To.Field.Info()
	if s.Kind != LearnMatch || s.Value == nil || info == nil || info.Bits > 64 {
		return ""
	}
	v := beUint(s.Value)
	switch whole := s.To.Ofs == 0 && int(s.To.Bits) == info.width(); {
	case s.To.Field == FieldVLANTCI:
		if v<<s.To.Ofs&VLANPresent != 0 {
			learned.SetUintMasked(FieldVLANVID, VLANPresent, VLANPresent)
		}
	case whole && s.To.Field < numMatchFields && s.To.Field != FieldVLANVID && v <= info.max():
		learned.SetUint(s.To.Field, v)
	}
	return ""
}

func (e *Learn) appendText(b []byte, _ Version, n *Names) []byte {
	number := func(name string, v uint64, none uint64) {
		if v != none {
			b = strconv.AppendUint(append(b, name...), v, 10)
		}
	}
	b = append(b, "learn("...)
	number("table=", uint64(e.Table), 1<<32)
	number(",idle_timeout=", uint64(e.IdleTimeout), 0)
	number(",hard_timeout=", uint64(e.HardTimeout), 0)
	number(",fin_idle_timeout=", uint64(e.FinIdleTimeout), 0)
	number(",fin_hard_timeout=", uint64(e.FinHardTimeout), 0)
	number(",priority=", uint64(e.Priority), PriorityDefault)
	if e.Flags&LearnSendFlowRem != 0 {
		b = append(b, ",send_flow_rem"...)
	}
	if e.Flags&LearnDeleteLearned != 0 {
		b = append(b, ",delete_learned"...)
	}
	if e.Cookie != 0 {
		b = appendHash(append(b, ",cookie="...), e.Cookie, 0)
	}
	number(",limit=", uint64(e.Limit), 0)
	if e.Flags&LearnWriteResult != 0 {
		b = appendSubfield(append(b, ",result_dst="...), e.Result)
	}
	for i := range e.Specs {
		b = e.Specs[i].appendText(append(b, ','), n)
	}
	return append(b, ')')
}

func (s *LearnSpec) appendText(b []byte, n *Names) []byte {
	switch {
	case s.Kind == LearnOutput:
		return appendSubfield(append(b, "output:"...), s.From)
	case s.Kind == LearnLoad:
		b = append(b, "load:"...)
		if s.Value != nil {
			b = appendBytes(b, s.Value)
		} else {
			b = appendSubfield(b, s.From)
		}
		return appendSubfield(append(b, "->"...), s.To)
	case s.Value == nil:
		b = appendSubfield(b, s.To)
		if s.From.Field != s.To.Field || s.From.Ofs != s.To.Ofs {
			b = appendSubfield(append(b, '='), s.From)
		}
		return b
	}
	info := s.To.Field.Info()
	if info == nil || s.To.Ofs != 0 || int(s.To.Bits) != info.width() {
		return appendBytes(append(appendSubfield(b, s.To), '='), s.Value)
	}
	b = append(append(b, learnName(info)...), '=')
	if len(s.Value) > 8 && info.Format != FormatIPv6 {
		return appendBytes(b, s.Value)
	}
	value := make([]byte, max(info.Bytes(), len(s.Value)))
	copy(value[len(value)-len(s.Value):], s.Value)
	if info.ID == FieldInPort16 {
		no := PortNo(beUint(value))
		if no >= port10Max {
			no |= 0xffff0000
		}
		return appendPort(b, no, n)
	}
	switch info.Format {
	case FormatCTState, FormatTunFlags: // Open vSwitch prints flags with signs here, which it does not read
		return appendHash(b, beUint(value), 0)
	case FormatEtherType, FormatHex:
		return appendHash(b, beUint(value), 0)
	}
	return appendValue(b, info, value, n)
}

// learnName is the name that Open vSwitch has for a field as a whole.
func learnName(info *FieldInfo) string {
	switch {
	case info.ID == FieldInPort16:
		return "in_port"
	case fieldTexts[info.ID].set != "":
		return fieldTexts[info.ID].set
	}
	return info.Name
}
