package ofp

import (
	"fmt"
	"strconv"
	"strings"
)

// portWords are the settings of mod-port. Those that switch a bit off begin with
// no-, or are the opposite word.
var portWords = [...]struct {
	on, off string // what sets the bit, and what clears it
	bit     PortConfig
}{
	{"down", "up", PortDown},
	{"no-stp", "stp", PortNoSTP},
	{"no-receive", "receive", PortNoRecv},
	{"no-receive-stp", "receive-stp", PortNoRecvSTP},
	{"no-flood", "flood", PortNoFlood},
	{"no-forward", "forward", PortNoFwd},
	{"no-packet-in", "packet-in", PortNoPacketIn},
}

// ParsePortMod reads a port and one or more settings of it in the words of
// `ovs-ofctl mod-port`, such as "eth0 down" or "LOCAL no-flood,no-packet-in".
// The text may name the port's Ethernet address as addr=…; else the caller must
// fill HWAddr in, for a switch compares it. Errors are of type *TextError.
func ParsePortMod(text string, n *Names) (*PortMod, error) {
	p := textParser{s: text, names: n}
	m := p.portMod()
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

func (p *textParser) portMod() *PortMod {
	m := new(PortMod)
	word, at := p.word(0)
	m.Port = p.port(textItem{key: "port", val: word, at: at - len(word), valAt: at - len(word), has: true})
	for {
		it, rest, ok := p.next(at, len(p.s))
		if !ok {
			break
		}
		at = rest
		if it.key == "addr" {
			p.mac(it, m.HWAddr[:])
			continue
		}
		bit, set := portWord(it.key)
		switch {
		case bit == 0:
			p.unknownOf(it, "setting of a port", portWordList())
		case m.Mask&bit != 0:
			p.fail(it.at, it.at+len(it.key), "%s: what it sets is set twice", it.key)
		case set:
			m.Config |= bit
		}
		p.noValue(it)
		m.Mask |= bit
	}
	if m.Mask == 0 {
		p.fail(len(p.s), len(p.s), "no setting; want one of %s", strings.Join(portWordList(), ", "))
	}
	return m
}

func portWord(word string) (bit PortConfig, set bool) {
	for _, w := range portWords {
		if w.on == word || w.off == word {
			return w.bit, w.on == word
		}
	}
	return 0, false
}

func portWordList() (words []string) {
	for _, w := range portWords {
		words = append(words, w.off, w.on)
	}
	return words
}

// String returns the port and the settings that ParsePortMod takes. What
// mod-port has no word for is left out: what the port is to advertise, and bits
// without a name.
func (m *PortMod) String() string {
	b := []byte(m.Port.String())
	for _, w := range portWords {
		if m.Mask&w.bit == 0 {
			continue
		}
		b = append(b, ' ')
		if m.Config&w.bit != 0 {
			b = append(b, w.on...)
		} else {
			b = append(b, w.off...)
		}
	}
	if m.HWAddr != (MAC{}) {
		b = append(b, " addr="...)
		b = append(b, m.HWAddr.String()...)
	}
	return string(b)
}

// Validate checks that version v can say what the port-mod sets: the bits of
// spanning trees and floods are those of OpenFlow 1.0 alone. The error wraps
// ErrVersion. Such a message is encoded all the same, for switches ignore the
// bits that they do not know.
func (m *PortMod) Validate(v Version) error {
	known, _ := portBits(v)
	if bits := (m.Mask | m.Config) &^ known; bits != 0 {
		return fmt.Errorf("port_mod: config %s: %w: %s", portConfigNames.list(nil, uint32(bits)), ErrVersion, v)
	}
	if bits := m.Config &^ m.Mask; bits != 0 {
		return fmt.Errorf("port_mod: config %s: not in the mask, so it has no effect", portConfigNames.list(nil, uint32(bits)))
	}
	return nil
}

// ParseTableMod reads a table and what it does with packets that no flow takes,
// in the words of `ovs-ofctl mod-table`, such as "3 drop" or "all controller".
// Only OpenFlow 1.1 and 1.2 have such a setting; those of later versions are an
// error that wraps ErrVersion. Errors are of type *TextError.
func ParseTableMod(text string) (*TableMod, error) {
	p := textParser{s: text}
	m := p.tableMod()
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

func (p *textParser) tableMod() *TableMod {
	m := &TableMod{Table: TableAll}
	word, at := p.word(0)
	it := textItem{key: "table", val: word, at: at - len(word), valAt: at - len(word), has: true}
	if !strings.EqualFold(word, "all") {
		m.Table = uint8(p.uint(it, uint64(TableAll)))
	}
	word, at = p.word(at)
	it = textItem{key: word, at: at - len(word)}
	name, _, _ := strings.Cut(word, ":")
	switch name {
	case "controller":
		m.Config = TableMissController
	case "continue":
		m.Config = TableMissContinue
	case "drop":
		m.Config = TableMissDrop
	case "evict", "noevict", "vacancy", "novacancy":
		p.tooNew(it.at, at, name, "1.4")
	case "name":
		p.fail(it.at, at, "name: a table is named by Open vSwitch's extension of table features")
	default:
		p.unknownOf(it, "setting of a table", []string{"controller", "continue", "drop"})
	}
	if word, end := p.word(at); word != "" {
		p.fail(end-len(word), end, "%q after the setting", clip(word))
	}
	if m.Table == TableAll-1 && m.Config == TableMissContinue {
		p.fail(it.at, at, "continue: table %d is the last, and has none to go on to", m.Table)
	}
	return m
}

// String returns the table and the setting that ParseTableMod takes. A setting
// without a name is a number.
func (m *TableMod) String() string {
	table := "all"
	if m.Table != TableAll {
		table = strconv.Itoa(int(m.Table))
	}
	if m.Config > TableMissDrop {
		return fmt.Sprintf("%s %#x", table, m.Config)
	}
	return table + " " + tableMissName(m.Config)
}

// ParseRole reads a role: nochange, equal, master or primary, slave or
// secondary.
func ParseRole(s string) (Role, error) {
	for r := RoleNoChange; r <= RoleSlave; r++ {
		if strings.EqualFold(s, r.String()) || strings.EqualFold(s, ovsRoleNames[r]) {
			return r, nil
		}
	}
	return 0, fmt.Errorf("role %q: want nochange, equal, master (primary) or slave (secondary)", clip(s))
}

// Validate checks that the role is one that can be asked for. The generation is
// the controllers' own affair, but a request for RoleMaster or RoleSlave with an
// older one than the switch has seen is refused as stale.
func (m *RoleRequest) Validate() error {
	if m.Role > RoleSlave {
		return fmt.Errorf("role %d: want nochange (0), equal (1), master (2) or slave (3)", uint32(m.Role))
	}
	return nil
}
