package ofp

import (
	"encoding/hex"
	"math"
	"math/bits"
	"strings"
)

// learnKeys are the arguments of learn that are no LearnSpec.
var learnKeys = []string{"table", "priority", "idle_timeout", "hard_timeout", "fin_idle_timeout", "fin_hard_timeout",
	"cookie", "send_flow_rem", "delete_learned", "limit", "result_dst"}

func learnText(p *textParser, it textItem, m *Match) Extension {
	e := &Learn{Table: 1, Priority: PriorityDefault}
	var seen onceKeys
	var learned Match
	p.keyValues(it, func(arg textItem) {
		for _, k := range learnKeys {
			if k == arg.key {
				seen.note(p, arg)
				e.readKey(p, arg)
				return
			}
		}
		s := p.learnSpec(arg)
		if p.err == nil {
			p.learnNeeds(arg, &s, m, &learned)
		}
		e.Specs = append(e.Specs, s)
	})
	return e
}

func (e *Learn) readKey(p *textParser, arg textItem) {
	seconds := func() uint16 { return uint16(p.uint(arg, math.MaxUint16)) }
	switch arg.key {
	case "table":
		e.Table = uint8(p.uint(arg, uint64(TableAll-1)))
	case "priority":
		e.Priority = seconds()
	case "idle_timeout":
		e.IdleTimeout = seconds()
	case "hard_timeout":
		e.HardTimeout = seconds()
	case "fin_idle_timeout":
		e.FinIdleTimeout = seconds()
	case "fin_hard_timeout":
		e.FinHardTimeout = seconds()
	case "cookie":
		e.Cookie = p.uint(arg, math.MaxUint64)
	case "send_flow_rem":
		p.noValue(arg)
		e.Flags |= LearnSendFlowRem
	case "delete_learned":
		p.noValue(arg)
		e.Flags |= LearnDeleteLearned
	case "limit":
		e.Limit = uint32(p.uint(arg, math.MaxUint32))
	case "result_dst":
		e.Flags |= LearnWriteResult
		e.Result = p.wholeSubfield(arg)
		switch {
		case p.err != nil:
		case e.Result.Bits != 1:
			p.badValue(arg, "want one bit, such as reg0[0]; %s has %d", clip(arg.val), e.Result.Bits)
		case e.Result.Field.Info().ReadOnly:
			p.badValue(arg, "%s cannot be written", clip(arg.val))
		}
	}
}

// learnSpec reads one part of what a new flow is made of: "field=value",
// "field=field", "field", "load:value->field", "load:field->field" or
// "output:field".
func (p *textParser) learnSpec(it textItem) LearnSpec {
	switch it.key {
	case "output":
		return LearnSpec{Kind: LearnOutput, From: p.wholeSubfield(it)}
	case "load":
		from, to, ok := strings.Cut(it.val, "->")
		if !ok || from == "" {
			p.badValue(it, "want a value and a field, such as load:NXM_OF_IN_PORT[]->reg0[0..15]")
			return LearnSpec{}
		}
		dst, src := it, it
		src.val = from
		dst.val, dst.valAt = to, it.valAt+len(from)+2
		s := LearnSpec{Kind: LearnLoad, To: p.wholeSubfield(dst)}
		if p.err == nil && s.To.Field.Info().ReadOnly {
			p.badValue(dst, "%s cannot be written", clip(to))
		}
		p.learnSource(src, &s)
		return s
	}
	name, _, _ := strings.Cut(it.key, "[")
	if subfieldOf(name) == FieldUnknown {
		p.notALearnKey(it)
		return LearnSpec{}
	}
	dst := it
	dst.val, dst.valAt, dst.has = it.key, it.at, true
	s := LearnSpec{Kind: LearnMatch, To: p.wholeSubfield(dst)}
	if it.val == "" {
		s.From = s.To
	} else {
		p.learnSource(it, &s)
	}
	return s
}

func (p *textParser) notALearnKey(it textItem) {
	for _, k := range append(learnKeys, "load", "output") {
		if editDistance(clip(it.key), k, 3) < 3 {
			p.notAmong(it, "learn", append(learnKeys, "load", "output")...)
			return
		}
	}
	p.unknown(it, "field", func(n string) bool { return subfieldOf(n) != FieldUnknown })
}

// learnSource reads the field or the constant that a part's value is.
func (p *textParser) learnSource(it textItem, s *LearnSpec) {
	if p.err != nil {
		return
	}
	name, _, _ := strings.Cut(it.val, "[")
	if subfieldOf(name) != FieldUnknown {
		s.From = p.wholeSubfield(it)
		if p.err == nil && s.From.Bits != s.To.Bits {
			p.badValue(it, "%s has %d bits and %s has %d; want as many", s.From, s.From.Bits, s.To, s.To.Bits)
		}
		return
	}
	info, n := s.To.Field.Info(), int(s.To.Bits)
	if s.Kind == LearnLoad || s.To.Ofs != 0 || n != info.width() || n > 64 && info.Format != FormatIPv6 {
		s.Value = p.number(it, n)
		return
	}
	switch {
	case info.ID == FieldInPort16:
		no := p.port(it)
		if no >= port10Max && no < PortMax {
			p.badValue(it, "port %d has more than 16 bits; want in_port_oxm", uint32(no))
		}
		s.Value = []byte{byte(no >> 8), byte(no)}
	default:
		var buf fieldBytes
		v, mask := p.fieldValue(it, info.ID, &buf)
		if p.err == nil && mask != nil && strings.ContainsAny(it.val, "+-/") {
			p.badValue(it, "takes no mask here")
		}
		if p.err != nil {
			return
		}
		s.Value = append([]byte{}, v[len(v)-(n+7)/8:]...)
		if info.ID == FieldVLANVID && beUint(v)>>n != 0 {
			p.badValue(it, "%s has more than %d bits", clip(it.val), n)
		}
	}
}

// number reads a number of at most n bits, of any length in hexadecimal, into
// the least bytes that have as many.
func (p *textParser) number(it textItem, n int) []byte {
	out := make([]byte, (n+7)/8)
	digits, isHex := strings.CutPrefix(strings.ToLower(it.val), "0x")
	if !isHex {
		v := p.uint(it, math.MaxUint64)
		if bits.Len64(v) > n {
			p.badValue(it, "%s has more than %d bits", clip(it.val), n)
		}
		var b [8]byte
		putUint(b[:], v)
		copy(out[max(len(out)-8, 0):], b[max(8-len(out), 0):])
		return out
	}
	digits = strings.TrimLeft(digits, "0")
	if len(digits)%2 != 0 {
		digits = "0" + digits
	}
	v, err := hex.DecodeString(digits)
	switch {
	case err != nil || it.val == "0x":
		p.badValue(it, "%q is not a number", clip(it.val))
	case len(v) > 0 && 8*(len(v)-1)+bits.Len8(v[0]) > n:
		p.badValue(it, "%s has more than %d bits", clip(it.val), n)
	default:
		copy(out[len(out)-len(v):], v)
	}
	return out
}

// learnNeeds fails about a part whose fields lack what they need.
func (p *textParser) learnNeeds(it textItem, s *LearnSpec, m, learned *Match) {
	if why := s.lacks(m, learned); why != "" {
		p.fail(it.at, it.at+len(it.key), "learn: %s", why)
	}
}
