package ofp

import (
	"math"
	"strings"
)

// flow reads a flow for a command.
func (p *textParser) flow(command FlowCommand) *FlowMod {
	m := NewFlowMod(command)
	mt := matchText{m: &m.Match}
	deletes := command == FlowDelete || command == FlowDeleteStrict
	var seen, flags uint32
	actionsAt := -1
	for at := 0; ; {
		it, rest, ok := p.next(at, len(p.s))
		if !ok {
			break
		}
		at = rest
		if isBits(it) {
			mt.bits(p, it)
			continue
		}
		key, known := textKeys[it.key]
		if it.key == "importance" {
			p.tooNew(it.at, it.at+len(it.key), it.key, "1.4")
			break
		}
		if !known {
			p.unknown(it, "field", isFlowKey)
			break
		}
		if key.kind < keyTable {
			mt.add(p, it, key)
			continue
		}
		bit := uint32(1) << key.kind
		if key.kind == keyFlag {
			if flags&uint32(key.flag) != 0 {
				p.fail(it.at, it.at+len(it.key), "%s stands twice", it.key)
			}
			flags |= uint32(key.flag)
		} else if seen&bit != 0 && key.kind != keyIgnored {
			p.fail(it.at, it.at+len(it.key), "%s stands twice", it.key)
		}
		seen |= bit
		if why := m.refuses(key.kind, deletes); why != "" {
			p.fail(it.at, it.at+len(it.key), "%s: %s", it.key, why)
			break
		}
		if key.kind == keyActions {
			if !it.has || p.s[it.valAt-1] == '(' {
				p.fail(it.at, it.at+len(it.key), "%s: needs actions, such as actions=output:1 or actions=drop", it.key)
				break
			}
			actionsAt = it.valAt
			break
		}
		p.flowKey(m, it, key)
	}
	mt.finish(p)
	if p.err != nil {
		return nil
	}
	switch {
	case actionsAt >= 0:
		m.Instructions = p.instructions(actionsAt, len(p.s), &m.Match)
		if err := m.validJump(); err != nil && p.err == nil {
			p.fail(actionsAt, len(p.s), "%v", err)
		}
	case !deletes:
		p.fail(len(p.s), len(p.s), "no actions; want actions=..., such as actions=output:1 or actions=drop")
	}
	return m
}

// refuses says why a key cannot be used in a flow of m's command, if so.
func (m *FlowMod) refuses(kind keyKind, deletes bool) string {
	switch kind {
	case keyOutPort, keyOutGroup:
		if !deletes {
			return "only a delete is restricted by it"
		}
	case keyActions:
		if deletes {
			return "want none here: flows are chosen by their match"
		}
	case keyIdleTimeout, keyHardTimeout, keyFlag:
		if deletes {
			return "means nothing in a delete"
		}
	case keyPriority:
		if m.Command == FlowDelete {
			return "means nothing in a delete that is not strict"
		}
	}
	return ""
}

// flowKey reads a key that is no part of the match.
func (p *textParser) flowKey(m *FlowMod, it textItem, key textKey) {
	switch key.kind {
	case keyTable:
		limit := uint64(TableAll - 1)
		if m.Command == FlowDelete || m.Command == FlowDeleteStrict {
			limit = uint64(TableAll)
		}
		m.Table = uint8(p.uint(it, limit))
	case keyPriority:
		m.Priority = uint16(p.uint(it, 0xffff))
	case keyIdleTimeout:
		m.IdleTimeout = uint16(p.uint(it, 0xffff))
	case keyHardTimeout:
		m.HardTimeout = uint16(p.uint(it, 0xffff))
	case keyCookie:
		p.cookie(m, it)
	case keyOutPort:
		m.OutPort = p.port(it)
	case keyOutGroup:
		if strings.EqualFold(it.val, "any") {
			m.OutGroup = GroupAny
		} else {
			m.OutGroup = uint32(p.uint(it, math.MaxUint32))
		}
	case keyFlag:
		if it.has {
			p.badValue(it, "takes no value")
		}
		m.Flags |= key.flag
	}
}

// cookie reads the cookie of a new flow, or value and mask of the flows that a
// modify or delete is about.
func (p *textParser) cookie(m *FlowMod, it textItem) {
	text, maskText, masked := strings.Cut(it.val, "/")
	maskItem := it
	it.val = text
	maskItem.val, maskItem.valAt = maskText, it.valAt+len(text)+1
	m.Cookie = p.uint(it, math.MaxUint64)
	switch {
	case masked && m.Command == FlowAdd:
		p.badValue(it, "a new flow has a cookie without a mask")
	case masked && maskText == "-1":
		m.CookieMask = math.MaxUint64
	case masked:
		m.CookieMask = p.uint(maskItem, math.MaxUint64)
	case m.Command == FlowDelete || m.Command == FlowDeleteStrict:
		p.badValue(it, "which flows to delete is said with a mask, such as cookie=%s/-1", clip(text))
	}
}
