package ofp

import (
	"slices"
	"strings"
)

// ParseBundle reads one line of the file that `ovs-ofctl bundle` takes: flow,
// group or packet-out, then for flow one of add, modify, modify_strict, delete
// and delete_strict, for group one of add, modify, add_or_mod and delete, of
// which add may be left out, and then what ParseFlow, ParseGroup or
// ParsePacketOut reads. The message is a *FlowMod, *GroupMod or *PacketOut; it is
// nil for a line that is empty or, from a # on, a comment. insert_bucket and
// remove_bucket are errors that wrap ErrVersion. Errors are of type *TextError,
// and their columns count from the start of the line.
func ParseBundle(line string, n *Names) (Message, error) {
	text, _, _ := strings.Cut(line, "#")
	p := textParser{s: text, names: n}
	var m Message
	what, at := p.word(0)
	switch what {
	case "":
		return nil, nil
	case "flow":
		command, at := p.bundleCommand(at, bundleFlows)
		p.s = blank(text, at)
		m = p.flow(FlowCommand(command))
	case "group":
		command, at := p.bundleCommand(at, bundleGroups)
		p.s = blank(text, at)
		m = p.group(GroupCommand(command))
	case "packet-out":
		p.s = blank(text, at)
		m = p.packetOut()
	default:
		it := textItem{key: what, at: at - len(what)}
		p.unknownOf(it, "kind of message", []string{"flow", "group", "packet-out"})
	}
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

// bundleCommand is a word for a command, bundleFlows and bundleGroups are those
// of flows and groups, of which the first is meant where there is none.
type bundleCommand struct {
	word  string
	value uint16
	since string // the version of OpenFlow that has it, if none of ours
}

var (
	bundleFlows = []bundleCommand{{"add", uint16(FlowAdd), ""}, {"modify", uint16(FlowModify), ""}, {"modify_strict", uint16(FlowModifyStrict), ""},
		{"delete", uint16(FlowDelete), ""}, {"delete_strict", uint16(FlowDeleteStrict), ""}}
	bundleGroups = []bundleCommand{{"add", uint16(GroupAdd), ""}, {"modify", uint16(GroupModify), ""}, {"add_or_mod", uint16(GroupAddOrModify), ""},
		{"delete", uint16(GroupDelete), ""}, {"insert_bucket", 0, "1.5"}, {"remove_bucket", 0, "1.5"}}
)

func (p *textParser) bundleCommand(at int, commands []bundleCommand) (value uint16, rest int) {
	word, rest := p.word(at)
	i := slices.IndexFunc(commands, func(c bundleCommand) bool { return c.word == word })
	if i < 0 {
		return commands[0].value, at
	}
	if since := commands[i].since; since != "" {
		p.tooNew(rest-len(word), rest, word, since)
	}
	return commands[i].value, rest
}

// word returns the text from the first byte at or after at that is no separator
// up to the next separator, and the place after it.
func (p *textParser) word(at int) (word string, rest int) {
	for at < len(p.s) && isSeparator(p.s[at]) {
		at++
	}
	rest = at
	for rest < len(p.s) && !isSeparator(p.s[rest]) {
		rest++
	}
	return p.s[at:rest], rest
}

// blank returns the text with spaces up to at, so that columns stay as they are.
func blank(text string, at int) string { return strings.Repeat(" ", at) + text[at:] }
