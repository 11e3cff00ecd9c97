package ofp

import "strconv"

// String returns the group-mod as one line that ParseGroup takes for the same
// command, such as "group_id=1,type=all,bucket=actions=output:1".
func (m *GroupMod) String() string {
	if m.Command != GroupDelete {
		return string(appendGroup(nil, m.Group, m.GroupType, m.Buckets, 0, nil))
	}
	if m.Group == GroupAll {
		return "group_id=all"
	}
	return "group_id=" + strconv.FormatUint(uint64(m.Group), 10)
}

// String returns the group as `ovs-ofctl dump-groups` prints it. ParseGroup and
// `ovs-ofctl add-group` take the line again.
func (g *GroupDesc) String() string { return g.Text(nil) }

// Text is String with the port names that n knows.
func (g *GroupDesc) Text(n *Names) string {
	return string(appendGroup(nil, g.Group, g.GroupType, g.Buckets, 0, n))
}

// appendGroup leaves out what a bucket is by default: it watches nothing, and
// its weight is 1 in a select group and 0 elsewhere.
func appendGroup(b []byte, id uint32, t GroupType, buckets []Bucket, v Version, n *Names) []byte {
	b = append(b, "group_id="...)
	b = strconv.AppendUint(b, uint64(id), 10)
	b = append(b, ",type="...)
	b = append(b, t.String()...)
	return appendBuckets(b, t, buckets, v, n)
}

func appendBuckets(b []byte, t GroupType, buckets []Bucket, v Version, n *Names) []byte {
	for i := range buckets {
		k := &buckets[i]
		b = appendBucket(append(b, ",bucket="...), t, k, v, n)
	}
	return b
}

func appendBucket(b []byte, t GroupType, k *Bucket, v Version, n *Names) []byte {
	if k.Weight != t.weight() {
		b = append(b, "weight:"...)
		b = strconv.AppendUint(b, uint64(k.Weight), 10)
		b = append(b, ',')
	}
	if k.WatchPort != PortAny {
		b = append(b, "watch_port:"...)
		b = appendPort(b, k.WatchPort, n)
		b = append(b, ',')
	}
	if k.WatchGroup != GroupAny {
		b = append(b, "watch_group:"...)
		b = strconv.AppendUint(b, uint64(k.WatchGroup), 10)
		b = append(b, ',')
	}
	b = append(b, "actions="...)
	return appendActions(b, k.Actions, v, n)
}

// weight is that of a bucket that names none.
func (t GroupType) weight() uint16 {
	if t == GroupTypeSelect {
		return 1
	}
	return 0
}

func (p *printer) groupMod(m *GroupMod) {
	p.text("\n ")
	p.groupCommand(m.Command)
	p.b = appendGroup(p.b, m.Group, m.GroupType, m.Buckets, p.v, nil)
}

func (p *printer) groupCommand(command GroupCommand) {
	switch command {
	case GroupAdd:
		p.text("ADD ")
	case GroupModify:
		p.text("MOD ")
	case GroupDelete:
		p.text("DEL ")
	case GroupAddOrModify:
		p.text("ADD_OR_MOD ")
	default:
		p.number("cmd:", uint64(command))
		p.text(" ")
	}
}

func (p *printer) group(id uint32) {
	switch p.text(" group_id="); id {
	case GroupAll:
		p.text("ALL")
	case GroupAny:
		p.text("ANY")
	default:
		p.number("", uint64(id))
	}
}

// duration prints how long something has been there, unless the switch does not
// tell.
func (p *printer) duration(before string, sec, nsec uint32, after string) {
	if p.v >= V13 {
		p.since(before, sec, nsec, after)
	}
}

func (p *printer) since(before string, sec, nsec uint32, after string) {
	if sec != ^uint32(0) {
		p.text(before)
		p.b = appendDuration(p.b, sec, nsec)
		p.text(after)
	}
}

func (p *printer) groupStats(m *GroupStatsReply) {
	for i := range m.Groups {
		g := &m.Groups[i]
		p.number("\n group_id=", uint64(g.Group))
		p.text(",")
		if p.v >= V13 || p.v == V10 {
			p.since("duration=", g.DurationSec, g.DurationNsec, ",")
		}
		p.number("ref_count=", uint64(g.RefCount))
		p.number(",packet_count=", g.Packets)
		p.number(",byte_count=", g.Bytes)
		for n, k := range g.Buckets {
			if k.Packets != CounterUnknown {
				p.number(",bucket", uint64(n))
				p.number(":packet_count=", k.Packets)
				p.number(",byte_count=", k.Bytes)
			}
		}
	}
}

func (p *printer) groupDesc(m *GroupDescReply) {
	for i := range m.Groups {
		g := &m.Groups[i]
		p.text("\n ")
		p.b = appendGroup(p.b, g.Group, g.GroupType, g.Buckets, p.v, nil)
	}
}

func (p *printer) groupFeatures(m *GroupFeatures) {
	p.f("\n Group table:\n    Types:  0x%x\n    Capabilities:  0x%x\n", m.Types, m.Capabilities)
	for i, name := range [...]string{"all", "select", "indirect", "fast failover"} {
		if m.Types&(1<<i) == 0 {
			continue
		}
		p.f("    %s group:\n       max_groups=", name)
		p.b = appendHash(p.b, uint64(m.MaxGroups[i]), 0)
		p.text("\n       actions: ")
		if !p.actionNames(m.Actions[i]) {
			p.text("<none>")
		}
		p.text("\n")
	}
}
