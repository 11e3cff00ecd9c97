package ofp

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Print returns what the message that frame holds means, in the words of
// `ovs-ofctl ofp-print` and without a line break at the end. What is not
// modelled is shown as bytes; so are bytes that are no message, after a line
// that says why.
func Print(frame []byte) string {
	p := printer{}
	p.message(frame)
	return strings.TrimRight(string(p.b), "\n")
}

// PrintPart returns what the body of a statistics message means, as Print does,
// without what names the message and without white space at the end; lines below
// the one that names it keep their indentation.
func PrintPart(v Version, body Part) string {
	p := printer{v: v}
	p.part(body)
	return p.behindHeadline()
}

// PrintBody returns what a message means, as PrintPart does.
func PrintBody(v Version, m Message) string {
	p := printer{v: v}
	p.body(m, nil)
	return p.behindHeadline()
}

// behindHeadline is the text without the space or the end of the line that part
// it from the headline; lines behind that keep their indentation.
func (p *printer) behindHeadline() string {
	s := strings.TrimRight(string(p.b), " \n")
	if lines, ok := strings.CutPrefix(s, "\n"); ok {
		return strings.TrimLeft(lines, "\n")
	}
	return strings.TrimPrefix(s, " ")
}

// printer collects the text of one message.
type printer struct {
	b     []byte
	v     Version
	xid   uint32
	inner bool // inside an error: an error there is not opened again
}

func (p *printer) text(s string)             { p.b = append(p.b, s...) }
func (p *printer) f(format string, a ...any) { p.b = fmt.Appendf(p.b, format, a...) }
func (p *printer) number(name string, v uint64) {
	p.b = append(p.b, name...)
	p.b = strconv.AppendUint(p.b, v, 10)
}

// message prints the message at the start of b, of which more or less than the
// message may be there.
func (p *printer) message(b []byte) {
	if len(b) < HeaderLen {
		p.f("OpenFlow packet too short (only %d bytes):\n", len(b))
		p.dump(b)
		return
	}
	h := Header{Version: Version(b[0]), Kind: b[1], Length: uint16(b[2])<<8 | uint16(b[3])}
	p.v, p.xid = h.Version, binary.BigEndian.Uint32(b[4:])
	name := messageName(h, b)
	if n := int(h.Length); n != len(b) {
		if name != "" {
			p.header(name)
			p.text("\n")
		}
		if n > len(b) {
			p.f("(***truncated to %d bytes from %d***)\n", len(b), n)
		} else {
			p.f("(***only uses %d bytes out of %d***)\n", n, len(b))
		}
		p.dump(b)
		return
	}
	if name == "" {
		p.text("***decode error: unknown type of message***\n")
		p.dump(b)
		return
	}
	p.header(name)
	_, m, err := Decode(b)
	if err != nil {
		p.f(" ***decode error: %v***\n", err)
		p.dump(b)
		return
	}
	p.body(m, b)
}

// header prints the line that every message begins with.
func (p *printer) header(name string) {
	p.text(name)
	if p.v != V10 {
		p.text(" (OF" + strings.Replace(p.v.String(), "0x", " 0x", 1) + ")")
	}
	p.f(" (xid=0x%x):", p.xid)
}

// messageName is the name that Open vSwitch gives a message, or "" where the
// version has none of that type.
func messageName(h Header, b []byte) string {
	t := typeOf(h, b)
	if !h.Version.Supported() && h.Kind <= 1 {
		t = Type(h.Kind + 1)
	}
	switch t {
	case TypeUnknown:
		return ""
	case TypeMultipartRequest, TypeMultipartReply:
		what := " request"
		if t == TypeMultipartReply {
			what = " reply"
		}
		if len(b) < 10 {
			return "OFPT_" + strings.ToUpper(t.String())
		}
		k := PartKind(uint16(b[8])<<8 | uint16(b[9]))
		if k.info() == nil {
			return fmt.Sprintf("OFPST_%d", k) + what
		}
		if n := HeaderLen + multipartHead(h.Version); k == PartExperimenter && len(b) >= n {
			if row := vendorPartIn(h.Version, b[n:]); row != nil {
				return row.name + what
			}
		}
		return "OFPST_" + strings.ToUpper(k.String()) + what
	case TypeExperimenter:
		if h.Version == V10 {
			return "OFPT_VENDOR"
		}
	}
	prefix := "OFPT_"
	if h.Type() == TypeExperimenter && t != TypeExperimenter {
		prefix = vendorPrefixes[t.vendor(h.Version).experimenter]
	}
	return prefix + strings.ToUpper(strings.TrimPrefix(t.String(), "nx_"))
}

// vendorPrefixes begin the names that Open vSwitch gives to experimenters'
// messages.
var vendorPrefixes = map[uint32]string{niciraID: "NXT_", onfID: "ONFT_"}

// body prints what follows the header.
func (p *printer) body(m Message, frame []byte) {
	if absent(m) {
		return
	}
	switch m := m.(type) {
	case *Hello:
		p.hello(m, frame)
	case *Error:
		p.error(m)
	case *EchoRequest:
		p.payload(m.Data)
	case *EchoReply:
		p.payload(m.Data)
	case *FeaturesReply:
		p.features(m)
	case *GetConfigReply:
		p.config(&m.SwitchConfig, false)
	case *SetConfig:
		p.config(&m.SwitchConfig, true)
	case *PacketIn:
		p.packetIn(m)
	case *PacketOut:
		p.packetOut(m)
	case *FlowMod:
		p.flowMod(m, frame)
	case *FlowRemoved:
		p.flowRemoved(m)
	case *PortStatus:
		p.portStatus(m)
	case *GroupMod:
		p.groupMod(m)
	case *PortMod:
		p.portMod(m)
	case *TableMod:
		p.tableMod(m)
	case *MeterMod:
		p.meterMod(m)
	case *QueueGetConfigRequest:
		p.text(" port=" + m.Port.String())
	case *QueueGetConfigReply:
		p.queueConfig(m)
	case *RoleRequest:
		p.role(m.Role, m.Generation, m.Role != RoleNoChange && m.Generation != NoGeneration)
	case *RoleReply:
		p.role(m.Role, m.Generation, m.Generation != NoGeneration)
	case *GetAsyncReply:
		p.async(m.table())
	case *SetAsync:
		p.async(m.table())
	case *MultipartRequest:
		p.partFlags(m.Flags, p.v >= V13)
		p.part(m.Body)
	case *MultipartReply:
		p.partFlags(m.Flags, true)
		p.part(m.Body)
	case vendorBody:
		m.print(p)
	case *Experimenter:
		p.f(" experimenter=0x%08x, %d bytes of data\n", m.Experimenter, len(m.Data))
		p.dump(m.Data)
	case *Raw:
		if len(m.Body) > 0 {
			p.raw(m.Body)
		}
	default:
		if len(frame) > HeaderLen {
			p.raw(frame[HeaderLen:])
		}
	}
}

// raw prints a body that is not modelled.
func (p *printer) raw(b []byte) {
	p.f(" %d bytes, not shown in words\n", len(b))
	p.dump(b)
}

// dump prints bytes in hexadecimal and as text, sixteen a line.
func (p *printer) dump(b []byte) {
	const hex = "0123456789abcdef"
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		p.b = appendHex(p.b, uint64(at), 8)
		p.b = append(p.b, ' ', ' ')
		for i := range 16 {
			if i >= len(row) {
				p.b = append(p.b, "   "...)
				continue
			}
			sep := byte(' ')
			if i == 7 {
				sep = '-'
			}
			p.b = append(p.b, hex[row[i]>>4], hex[row[i]&15], sep)
		}
		p.b = append(p.b, '|')
		for i := range 16 {
			switch {
			case i >= len(row):
				p.b = append(p.b, ' ')
			case row[i] >= 0x20 && row[i] < 0x7f:
				p.b = append(p.b, row[i])
			default:
				p.b = append(p.b, '.')
			}
		}
		p.b = append(p.b, '|', '\n')
	}
}

func (p *printer) payload(b []byte) {
	p.f(" %d bytes of payload\n", len(b))
	p.dump(b)
}

// hello prints the versions that the peer speaks, which are those of the last
// bitmap, and the whole message where it holds anything else.
func (p *printer) hello(m *Hello, frame []byte) {
	var versions VersionBitmap
	for v := V10; v <= p.v && v < 32; v++ {
		versions |= BitmapOf(v)
	}
	known := len(m.Raw) == 0
	for _, e := range m.Elements {
		if e.Type != helloVersionBitmap || len(e.Bitmaps) == 0 || e.Bitmaps[0]&^1 == 0 {
			known = false
			continue
		}
		versions = VersionBitmap(e.Bitmaps[0] &^ 1) // there is no version 0
	}
	p.text("\n version bitmap: ")
	sep := ""
	for v := range Version(32) {
		if versions.Has(v) {
			p.f("%s0x%02x", sep, uint8(v))
			sep = ", "
		}
	}
	p.text("\n")
	if !known {
		p.text(" unknown data in hello:\n")
		p.dump(frame)
	}
}

// ovsErrorNames are the errors that Open vSwitch calls by another name than
// OpenFlow 1.3 does.
var ovsErrorNames = map[ErrorReason]string{
	BadRequestBadExperimenter:      "OFPBRC_BAD_VENDOR",
	BadRequestBadExperimenterType:  "OFPBRC_BAD_SUBTYPE",
	BadRequestIsSlave:              "OFPBRC_IS_SECONDARY",
	BadActionBadExperimenter:       "OFPBAC_BAD_VENDOR",
	BadActionBadExperimenterType:   "OFPBAC_BAD_VENDOR_TYPE",
	TableFeaturesFailedBadType:     "OFPBPC_BAD_TYPE",
	TableFeaturesFailedBadLen:      "OFPBPC_BAD_LEN",
	TableFeaturesFailedBadArgument: "OFPBPC_BAD_VALUE",
}

func (p *printer) error(m *Error) {
	name := ovsErrorNames[m.Reason]
	if name == "" {
		name = m.Describe()
	}
	p.text(" " + name + "\n")
	hello := m.Reason == HelloFailedIncompatible || m.Reason == HelloFailedEPERM
	switch {
	case len(m.Data) == 0 && !hello:
		p.text("OpenFlow message is empty\n")
	case hello:
		for _, c := range m.Data {
			if c < 0x20 || c >= 0x7f || c == '\\' || c == '"' {
				p.f("\\%03o", c)
			} else {
				p.b = append(p.b, c)
			}
		}
		p.text("\n")
	case p.inner:
		p.dump(m.Data)
	default:
		p.inner = true
		p.message(m.Data)
	}
}

var fragNames = [...]string{"normal", "drop", "reassemble", "nx-match"}

// config prints a switch's configuration, which it is to set or tells.
func (p *printer) config(m *SwitchConfig, set bool) {
	p.text(" frags=" + fragNames[m.Flags&3])
	flags := m.Flags &^ 3
	if flags&InvalidTTLToController != 0 && (!set && p.v < V13 || set && p.v != V10) {
		p.text(" invalid_ttl_to_controller")
		flags &^= InvalidTTLToController
	}
	if flags != 0 && set { // of what a switch says Open vSwitch tells only what it knows
		p.f(" ***unknown flags 0x%04x***", uint16(flags))
	}
	p.number(" miss_send_len=", uint64(m.MissSendLen))
	p.text("\n")
}
