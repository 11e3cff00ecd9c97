package ofp

import "strconv"

// String returns the flow as one line of `ovs-ofctl dump-flows`, without the
// leading space. ParseFlow and `ovs-ofctl add-flow` take the line again: they
// ignore its counters.
func (f *FlowStats) String() string { return f.Text(nil) }

// Text is String with the port names that n knows.
func (f *FlowStats) Text(n *Names) string { return string(f.appendText(nil, 0, n)) }

func (f *FlowStats) appendText(b []byte, v Version, n *Names) []byte {
	return f.appendAged(b, v, n, 0, 0)
}

// appendAged is appendText with the seconds, plus one, since the flow was last
// used and changed; 0 for those that nobody told.
func (f *FlowStats) appendAged(b []byte, v Version, n *Names, idle, hard uint16) []byte {
	b = append(b, "cookie=0x"...)
	b = appendHex(b, f.Cookie, 1)
	b = append(b, ", duration="...)
	b = appendDuration(b, f.DurationSec, f.DurationNsec)
	b = append(b, ", table="...)
	b = strconv.AppendUint(b, uint64(f.Table), 10)
	b = append(b, ", n_packets="...)
	b = appendCounter(b, f.Packets)
	b = append(b, ", n_bytes="...)
	b = appendCounter(b, f.Bytes)
	b = append(b, ", "...)
	if f.IdleTimeout != 0 {
		b = append(b, "idle_timeout="...)
		b = strconv.AppendUint(b, uint64(f.IdleTimeout), 10)
		b = append(b, ", "...)
	}
	if f.HardTimeout != 0 {
		b = append(b, "hard_timeout="...)
		b = strconv.AppendUint(b, uint64(f.HardTimeout), 10)
		b = append(b, ", "...)
	}
	if idle != 0 {
		b = append(b, "idle_age="...)
		b = strconv.AppendUint(b, uint64(idle)-1, 10)
		b = append(b, ", "...)
	}
	if hard != 0 && uint32(hard)-1 != f.DurationSec { // else it was never changed
		b = append(b, "hard_age="...)
		b = strconv.AppendUint(b, uint64(hard)-1, 10)
		b = append(b, ", "...)
	}
	b = appendFlags(b, f.Flags, ' ')
	before := len(b)
	b = appendRule(b, f.Priority, &f.Match, v, n)
	if len(b) > before {
		b = append(b, ' ')
	}
	b = append(b, "actions="...)
	return appendInstructions(b, f.Instructions, v, n)
}

// appendRule appends priority and match, of which the default priority is left
// out.
func appendRule(b []byte, priority uint16, m *Match, v Version, n *Names) []byte {
	if priority != PriorityDefault {
		b = append(b, "priority="...)
		b = strconv.AppendUint(b, uint64(priority), 10)
		if !m.Empty() {
			b = append(b, ',')
		}
	}
	return appendMatch(b, m, v, n)
}

// appendFlags appends the names of the flags, each with the separator after it.
func appendFlags(b []byte, flags FlowFlags, sep byte) []byte {
	for _, f := range flowFlagNames {
		if flags&f.flag != 0 {
			b = append(b, f.name...)
			b = append(b, sep)
		}
	}
	return b
}

// appendDuration appends seconds with at most nine decimals, of which those that
// are zero at the end are left out, down to three.
func appendDuration(b []byte, sec, nsec uint32) []byte {
	b = strconv.AppendUint(b, uint64(sec), 10)
	if nsec > 0 {
		b = append(b, '.')
		start := len(b)
		for k := uint32(100_000_000); k > 1 && nsec < k; k /= 10 {
			b = append(b, '0')
		}
		b = strconv.AppendUint(b, uint64(nsec), 10)
		for len(b) > start+3 && b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, 's')
}

// String returns the flow-mod as one line that ParseFlow takes for the same
// command, such as "priority=10,tcp actions=output:2". A buffer identifier is no
// part of the text.
func (m *FlowMod) String() string {
	var b []byte
	number := func(name string, v uint64) {
		b = append(b, name...)
		b = append(b, '=')
		b = strconv.AppendUint(b, v, 10)
		b = append(b, ',')
	}
	deletes := m.Command == FlowDelete || m.Command == FlowDeleteStrict
	if m.Cookie != 0 || m.CookieMask != 0 {
		b = append(b, "cookie=0x"...)
		b = appendHex(b, m.Cookie, 1)
		if m.CookieMask != 0 && m.Command != FlowAdd {
			b = append(b, "/0x"...)
			b = appendHex(b, m.CookieMask, 1)
		}
		b = append(b, ',')
	}
	if deletes && m.Table != TableAll || !deletes && m.Table != 0 {
		number("table", uint64(m.Table))
	}
	if !deletes && m.IdleTimeout != 0 {
		number("idle_timeout", uint64(m.IdleTimeout))
	}
	if !deletes && m.HardTimeout != 0 {
		number("hard_timeout", uint64(m.HardTimeout))
	}
	if deletes && m.OutPort != PortAny {
		b = append(b, "out_port="...)
		b = append(b, m.OutPort.String()...)
		b = append(b, ',')
	}
	if deletes && m.OutGroup != GroupAny {
		number("out_group", uint64(m.OutGroup))
	}
	if !deletes {
		b = appendFlags(b, m.Flags, ',')
	}
	priority := m.Priority
	if m.Command == FlowDelete {
		priority = PriorityDefault
	}
	b = appendRule(b, priority, &m.Match, 0, nil)
	if n := len(b); n > 0 && b[n-1] == ',' {
		b = b[:n-1]
	}
	if deletes {
		return string(b)
	}
	if len(b) > 0 {
		b = append(b, ' ')
	}
	b = append(b, "actions="...)
	return string(appendInstructions(b, m.Instructions, 0, nil))
}
