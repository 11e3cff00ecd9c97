package ofp

import "strconv"

// ParseFlowMonitor reads which changes of flows to tell of, in the syntax of
// `ovs-ofctl monitor`: what stands there after "watch:", such as
// "!initial,table=0,tcp,nw_dst=10.0.0.0/8". No text at all stands for everything.
// The monitor's ID is 0.
//
// What Open vSwitch takes and drops is an error here: a value after a word such as
// !initial, and out_group, which needs OpenFlow 1.4 and wraps ErrVersion. So is a
// monitor of no changes at all, which switches refuse. A port may have a name in
// out_port, where ovs-ofctl takes a name for port 0. Errors are of type *TextError.
func ParseFlowMonitor(text string, n *Names) (*FlowMonitor, error) {
	p := textParser{s: text, names: n}
	m := p.flowMonitor()
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

const monitorAll = MonitorInitial | monitorChanges | MonitorActions | MonitorOwn
const monitorChanges = MonitorAdd | MonitorDelete | MonitorModify

// monitorFlag is the flag that a word such as "!own" leaves out, or 0.
func monitorFlag(word string) FlowMonitorFlags {
	for i, name := range flowMonitorFlagNames {
		if word == "!"+name {
			return 1 << i
		}
	}
	return 0
}

func (p *textParser) flowMonitor() *FlowMonitor {
	m := &FlowMonitor{Flags: monitorAll, OutPort: PortAny, Table: TableAll}
	mt := matchText{m: &m.Match}
	var seen seenKeys
	var last textItem
	for at := 0; ; {
		it, rest, ok := p.next(at, len(p.s))
		if !ok {
			break
		}
		at = rest
		key, known := textKeys[it.key]
		if known && key.kind < keyTable {
			mt.add(p, it, key)
			continue
		}
		p.once(it, &seen)
		if flag := monitorFlag(it.key); flag != 0 {
			if it.has {
				p.badValue(it, "takes no value")
			}
			m.Flags &^= flag
			last = it
			continue
		}
		p.flowMonitorKey(m, it)
	}
	mt.finish(p)
	if m.Flags&monitorChanges == 0 {
		p.fail(last.at, last.at+len(last.key), "%s: leaves no change to tell of; want one of add, delete and modify", last.key)
	}
	return m
}

func (p *textParser) flowMonitorKey(m *FlowMonitor, it textItem) {
	switch it.key {
	case "table":
		m.Table = uint8(p.uint(it, uint64(TableAll)))
	case "out_port":
		m.OutPort = p.port(it)
	case "out_group":
		p.tooNew(it.at, it.at+len(it.key), "out_group", "1.4")
	default:
		if monitorFlag("!"+it.key) != 0 {
			p.fail(it.at, it.at+len(it.key), "%s: is told of unless !%s leaves it out", it.key, it.key)
			return
		}
		if len(it.key) > 0 && it.key[0] == '!' {
			p.unknownOf(it, "word", flowMonitorWords)
			return
		}
		p.unknown(it, "field", func(name string) bool {
			return isMatchKey(name) || name == "table" || name == "out_port"
		})
	}
}

var flowMonitorWords = func() (words []string) {
	for _, name := range flowMonitorFlagNames {
		words = append(words, "!"+name)
	}
	return words
}()

// String returns the text that ParseFlowMonitor takes for the same monitor; its ID
// has no place there.
func (m *FlowMonitor) String() string {
	var b []byte
	put := func(s string) {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(b, s...)
	}
	for i, word := range flowMonitorWords {
		if m.Flags&(1<<i) == 0 {
			put(word)
		}
	}
	if m.Table != TableAll {
		put("table=" + strconv.Itoa(int(m.Table)))
	}
	if m.OutPort != PortAny {
		put("out_port=" + m.OutPort.String())
	}
	if !m.Match.Empty() {
		put(m.Match.String())
	}
	return string(b)
}
