package ofp

import (
	"fmt"
	"strconv"
	"strings"
)

// NXTLVCommand is what a message does to the table of tunnel options
// (nx_tlv_table_mod_command).
type NXTLVCommand uint16

// Commands.
const (
	NXTLVAdd    NXTLVCommand = 0
	NXTLVDelete NXTLVCommand = 1 // of the fields that are named
	NXTLVClear  NXTLVCommand = 2 // of all
)

// NXTLVMap maps an option of a tunnel's header, such as Geneve's, to one of the
// fields tun_metadata (nx_tlv_map).
type NXTLVMap struct {
	Class uint16
	Type  uint8
	Len   uint8  // bytes; a multiple of 4, at most 124
	Index uint16 // 0 to 63: which tun_metadata
}

func walkTLVMap(c *cursor, m *NXTLVMap) {
	b := c.fixed(8, "map")
	c.u16(b, &m.Class)
	c.u8(b[2:], &m.Type)
	c.u8(b[3:], &m.Len)
	c.u16(b[4:], &m.Index)
}

// String returns the map in the syntax of `ovs-ofctl add-tlv-map`.
func (m NXTLVMap) String() string {
	return fmt.Sprintf("{class=%#x,type=%#x,len=%d}->tun_metadata%d", m.Class, m.Type, m.Len, m.Index)
}

// ParseTLVMaps reads maps in the syntax of `ovs-ofctl add-tlv-map`, such as
// {class=0xffff,type=0,len=4}->tun_metadata0, with commas between them. The error
// names the column.
func ParseTLVMaps(s string) ([]NXTLVMap, error) {
	var maps []NXTLVMap
	for rest := s; rest != ""; {
		col := len(s) - len(rest) + 1
		fail := func(format string, a ...any) ([]NXTLVMap, error) {
			return nil, fmt.Errorf("tlv map: col %d: %w: %s", col, ErrMalformed, fmt.Sprintf(format, a...))
		}
		option, after, ok := strings.Cut(rest, "}->tun_metadata")
		body, braced := strings.CutPrefix(option, "{")
		if !ok || !braced {
			return fail("want {class=…,type=…,len=…}->tun_metadata…")
		}
		index, after, more := strings.Cut(after, ",")
		var m NXTLVMap
		n, err := strconv.ParseUint(index, 10, 16)
		if err != nil || n > 63 {
			return fail("no field tun_metadata%s, only 0 to 63", index)
		}
		m.Index = uint16(n)
		seen := map[string]bool{}
		for pair := range strings.SplitSeq(body, ",") {
			key, value, _ := strings.Cut(pair, "=")
			bits := map[string]int{"class": 16, "type": 8, "len": 8}[key]
			if bits == 0 || seen[key] {
				return fail("%q, want class, type and len once each", pair)
			}
			seen[key] = true
			n, err := strconv.ParseUint(value, 0, bits)
			if err != nil {
				return fail("%s %q: want a number of at most %d bits", key, value, bits)
			}
			switch key {
			case "class":
				m.Class = uint16(n)
			case "type":
				m.Type = uint8(n)
			case "len":
				m.Len = uint8(n)
			}
		}
		if len(seen) != 3 {
			return fail("want class, type and len")
		}
		if m.Len%4 != 0 || m.Len > 124 {
			return fail("len %d: want a multiple of 4, at most 124", m.Len)
		}
		maps = append(maps, m)
		rest = after
		if more && rest == "" {
			col = len(s) + 1
			return fail("a map is missing after the comma")
		}
	}
	return maps, nil
}

// NXTLVTableMod changes the table of tunnel options (NXT_TLV_TABLE_MOD).
type NXTLVTableMod struct {
	Command NXTLVCommand
	Maps    []NXTLVMap
}

// Type returns TypeNXTLVTableMod.
func (*NXTLVTableMod) Type() Type { return TypeNXTLVTableMod }

func (m *NXTLVTableMod) walk(c *cursor) {
	c.u16(c.fixed(8, "command"), (*uint16)(&m.Command))
	list(c, &m.Maps, "map", walkTLVMap)
}

func (m *NXTLVTableMod) clone() any {
	return &NXTLVTableMod{Command: m.Command, Maps: cloneEach(m.Maps, func(*NXTLVMap) {})}
}

func (m *NXTLVTableMod) print(p *printer) {
	switch m.Command {
	case NXTLVAdd:
		p.text("\n ADD mapping table:\n")
	case NXTLVDelete:
		p.text("\n DEL mapping table:\n")
	case NXTLVClear:
		p.text("\n CLEAR\n")
		return
	default:
		p.f("\n command %d, mapping table:\n", m.Command)
	}
	p.tlvMaps(m.Maps)
}

// NXTLVTableRequest asks for the table (NXT_TLV_TABLE_REQUEST).
type NXTLVTableRequest struct{}

// Type returns TypeNXTLVTableRequest.
func (*NXTLVTableRequest) Type() Type     { return TypeNXTLVTableRequest }
func (*NXTLVTableRequest) walk(*cursor)   {}
func (m *NXTLVTableRequest) clone() any   { return m }
func (*NXTLVTableRequest) print(*printer) {}

// NXTLVTableReply tells the table (NXT_TLV_TABLE_REPLY).
type NXTLVTableReply struct {
	MaxSpace  uint32 // bytes that all options together may have
	MaxFields uint16
	Maps      []NXTLVMap
}

// Type returns TypeNXTLVTableReply.
func (*NXTLVTableReply) Type() Type { return TypeNXTLVTableReply }

func (m *NXTLVTableReply) walk(c *cursor) {
	b := c.fixed(16, "tlv_table_reply")
	c.u32(b, &m.MaxSpace)
	c.u16(b[4:], &m.MaxFields)
	list(c, &m.Maps, "map", walkTLVMap)
}

func (m *NXTLVTableReply) clone() any {
	o := *m
	o.Maps = cloneEach(m.Maps, func(*NXTLVMap) {})
	return &o
}

func (m *NXTLVTableReply) print(p *printer) {
	space := 0
	for _, x := range m.Maps {
		space += int(x.Len)
	}
	p.f("\n max option space=%d max fields=%d\n allocated option space=%d\n\n mapping table:\n", m.MaxSpace, m.MaxFields, space)
	p.tlvMaps(m.Maps)
}

func (p *printer) tlvMaps(maps []NXTLVMap) {
	p.text("  class  type  length  match field\n ------  ----  ------  --------------\n")
	for _, m := range maps {
		p.f(" %6s  %4s  %6d  tun_metadata%d\n", appendHash(nil, uint64(m.Class), 0), appendHash(nil, uint64(m.Type), 0), m.Len, m.Index)
	}
}
