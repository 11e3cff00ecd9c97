package ofp

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// ParsePacketOut reads a packet-out in the syntax of ovs-ofctl(8), such as
// "in_port=controller packet=ffff… actions=output:1". Beyond that syntax it
// takes buffer_id in the place of packet. The pipeline fields that Open vSwitch
// takes besides are an error that wraps ErrVersion: only OpenFlow 1.5 can say
// them. Errors are of type *TextError.
func ParsePacketOut(text string, n *Names) (*PacketOut, error) {
	p := textParser{s: text, names: n}
	m := p.packetOut()
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

var packetOutKeys = []string{"in_port", "packet", "buffer_id", "actions"}

func (p *textParser) packetOut() *PacketOut {
	m := &PacketOut{BufferID: NoBuffer}
	var seen seenKeys
	for at := 0; p.err == nil && !seen.has("actions"); {
		it, rest, ok := p.next(at, len(p.s))
		if !ok {
			break
		}
		at = rest
		if it.key == "action" {
			it.key = "actions"
		}
		p.once(it, &seen)
		switch {
		case it.key == "in_port":
			m.InPort = p.packetOutPort(it)
		case it.key == "packet":
			m.Data = p.rowOfBytes(it)
		case it.key == "buffer_id":
			m.BufferID = uint32(p.uint(it, math.MaxUint32-1))
		case it.key == "actions" && it.has:
			m.Actions = p.actions(it.valAt, len(p.s), nil)
		case isMatchKey(it.key):
			p.needs15(it.at, it.at+len(it.key), it.key+": a packet-out with a field of the pipeline")
		default:
			p.unknownOf(it, "field of a packet-out", packetOutKeys)
		}
	}
	switch {
	case p.err != nil:
	case !seen.has("in_port"):
		first, end := p.word(0)
		p.fail(end-len(first), end, "no in_port; want in_port=..., such as in_port=controller")
	case seen.has("packet") == seen.has("buffer_id"):
		p.fail(len(p.s), len(p.s), "want packet=... in hexadecimal, or buffer_id=..., and not both")
	}
	return m
}

// packetOutPort reads the port that a packet is to have come in by: one that can
// receive, ANY or CONTROLLER.
func (p *textParser) packetOutPort(it textItem) PortNo {
	n := p.port(it)
	if n.Reserved() && n != PortLocal && n != PortAny && n != PortController && p.err == nil {
		p.badValue(it, "no packet comes in by %s; want a port of the switch, LOCAL, CONTROLLER or ANY", n)
	}
	return n
}

// rowOfBytes reads an item's value as bytes in hexadecimal, with or without 0x.
func (p *textParser) rowOfBytes(it textItem) []byte {
	digits := strings.TrimPrefix(strings.TrimPrefix(it.val, "0x"), "0X")
	b, err := hex.DecodeString(digits)
	if err != nil || !it.has {
		p.badValue(it, "%q is not a row of bytes; want hexadecimal digits, two for a byte", clip(it.val))
	}
	return b
}

// String returns the packet-out as one line that ParsePacketOut takes.
func (m *PacketOut) String() string {
	b := append([]byte("in_port="), m.InPort.String()...)
	if m.BufferID != NoBuffer {
		b = append(b, " buffer_id="...)
		b = strconv.AppendUint(b, uint64(m.BufferID), 10)
	} else {
		b = append(b, " packet="...)
		b = hex.AppendEncode(b, m.Data)
	}
	b = append(b, " actions="...)
	return string(appendActions(b, m.Actions, 0, nil))
}
