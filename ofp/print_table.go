package ofp

import "strings"

// tableFields are the fields that table statistics name, in the order in which
// Open vSwitch prints them, with what stands for them in each version's bits:
// wildcards in 1.0 (ofp_flow_wildcards), ofp_flow_match_fields in 1.1, and since
// 1.2 the bit whose number the field has in OXM.
var tableFields = [...]tableField{
	{name: "metadata", v11: 1 << 15, field: FieldMetadata},
	{name: "in_port", oxm: "in_port_oxm", v10: 1 << 0, v11: 1 << 0, field: FieldInPort},
	{name: "eth_src", v10: 1 << 2, v11: 1 << 11, field: FieldEthSrc},
	{name: "eth_dst", v10: 1 << 3, v11: 1 << 12, field: FieldEthDst},
	{name: "eth_type", v10: 1 << 4, v11: 1 << 3, field: FieldEthType},
	{name: "vlan_vid", v10: 1 << 1, v11: 1 << 1, field: FieldVLANVID},
	{name: "vlan_pcp", v10: 1 << 20, v11: 1 << 2, field: FieldVLANPCP},
	{name: "mpls_label", v11: 1 << 8, field: FieldMPLSLabel},
	{name: "mpls_tc", v11: 1 << 9, field: FieldMPLSTC},
	{name: "ip_src", v10: 63 << 8, v11: 1 << 13, field: FieldIPv4Src},
	{name: "ip_dst", v10: 63 << 14, v11: 1 << 14, field: FieldIPv4Dst},
	{name: "ipv6_src", field: FieldIPv6Src},
	{name: "ipv6_dst", field: FieldIPv6Dst},
	{name: "ipv6_label", field: FieldIPv6FLabel},
	{name: "nw_proto", v10: 1 << 5, v11: 1 << 5, field: FieldIPProto},
	{name: "nw_tos", oxm: "ip_dscp", v10: 1 << 21, v11: 1 << 4, field: FieldIPDSCP},
	{name: "nw_ecn", field: FieldIPECN},
	{name: "arp_op", field: FieldARPOp},
	{name: "arp_spa", field: FieldARPSPA},
	{name: "arp_tpa", field: FieldARPTPA},
	{name: "arp_sha", field: FieldARPSHA},
	{name: "arp_tha", field: FieldARPTHA},
	{name: "tcp_src", v10: 1 << 6, v11: 1 << 6, field: FieldTCPSrc},
	{name: "tcp_dst", v10: 1 << 7, v11: 1 << 7, field: FieldTCPDst},
	{name: "udp_src", field: FieldUDPSrc},
	{name: "udp_dst", field: FieldUDPDst},
	{name: "sctp_src", field: FieldSCTPSrc},
	{name: "sctp_dst", field: FieldSCTPDst},
	{name: "icmp_type", field: FieldICMPv4Type},
	{name: "icmp_code", field: FieldICMPv4Code},
	{name: "icmpv6_type", field: FieldICMPv6Type},
	{name: "icmpv6_code", field: FieldICMPv6Code},
	{name: "nd_target", field: FieldIPv6NDTarget},
	{name: "nd_sll", field: FieldIPv6NDSLL},
	{name: "nd_tll", field: FieldIPv6NDTLL},
}

type tableField struct {
	name  string // 1.0 and 1.1
	oxm   string // 1.2, where it differs
	v10   uint32
	v11   uint32
	field FieldID
}

// bits are those that stand for the field in a version.
func (f *tableField) bits(v Version) uint64 {
	switch v {
	case V10:
		return uint64(f.v10)
	case V11:
		return uint64(f.v11)
	}
	return 1 << fields[f.field].own.num
}

// named returns what of a table's features has a name in the version at hand:
// the rest is not printed. A field that may be left out may be matched.
func (p *printer) named(t TableStats) TableStats {
	var names uint64
	for i := range tableFields {
		names |= tableFields[i].bits(p.v)
	}
	t.Wildcards &= names
	t.Match = t.Match&names | t.Wildcards
	t.WriteSetFields &= names
	t.ApplySetFields &= names
	var actionNames, instructionNames uint32
	for _, a := range actionBits {
		if n, ok := actions[a.action].wire.in(p.v); ok {
			actionNames |= 1 << n
		}
	}
	for _, in := range instructions {
		if in.typ != InstructionExperimenter && in.from <= p.v {
			instructionNames |= 1 << in.typ
		}
	}
	t.WriteActions &= actionNames
	t.ApplyActions &= actionNames
	t.Instructions &= instructionNames
	return t
}

// fieldNames prints the fields of a set of bits. Names that follow one another
// and share what stands before the first underscore are printed together.
func (p *printer) fieldNames(bits uint64) {
	var names []string
	for i := range tableFields {
		f := &tableFields[i]
		if bits&f.bits(p.v) == 0 {
			continue
		}
		if p.v > V11 && f.oxm != "" {
			names = append(names, f.oxm)
		} else {
			names = append(names, f.name)
		}
	}
	for i := 0; i < len(names); {
		if i > 0 {
			p.text(" ")
		}
		prefix, _, ok := strings.Cut(names[i], "_")
		n := i + 1
		for ok && n < len(names) && strings.HasPrefix(names[n], prefix+"_") {
			n++
		}
		if n == i+1 {
			p.text(names[i])
		} else {
			p.text(prefix + "_{")
			for k := i; k < n; k++ {
				if k > i {
					p.text(",")
				}
				p.text(names[k][len(prefix)+1:])
			}
			p.text("}")
		}
		i = n
	}
}

// tableStats prints tables. One that is like the one before it is not printed
// again, nor what it has in common with it.
func (p *printer) tableStats(m *TableStatsReply) {
	p.text("\n")
	tables := make([]TableStats, len(m.Tables))
	for i := range tables {
		tables[i] = p.named(m.Tables[i])
	}
	for i := 0; i < len(tables); {
		if i > 0 {
			p.text("\n")
		}
		n := i
		for i > 0 && n < len(tables) && sameTable(&tables[n], &tables[i-1]) {
			n++
		}
		switch n - i {
		case 0:
			var before *TableStats
			if i > 0 {
				before = &tables[i-1]
			}
			p.table(&tables[i], before)
			n++
		case 1:
			p.f("  table %d: ditto\n", tables[i].Table)
		default:
			p.f("  tables %d...%d: ditto\n", tables[i].Table, tables[n-1].Table)
		}
		i = n
	}
}

// features are what a table can do, without what it has counted.
func (t TableStats) features() TableStats {
	t.Table, t.Name, t.Active, t.Lookups, t.Matched = 0, "", 0, 0, 0
	return t
}

func sameTable(a, b *TableStats) bool {
	return a.Active == b.Active && a.Lookups == b.Lookups && a.Matched == b.Matched && a.features() == b.features()
}

// tableMissName says what becomes of a packet that no flow matches. The last
// number is none of the specification's: Open vSwitch takes it for the first.
func tableMissName(config uint32) string {
	return [...]string{"controller", "continue", "drop", "controller"}[config&3]
}

func (p *printer) table(t, before *TableStats) {
	p.number("  table ", uint64(t.Table))
	if t.Name != "" {
		p.text(` ("` + printable(t.Name[:min(len(t.Name), 31)]) + `")`)
	}
	p.f(":\n    active=%d, lookup=%d, matched=%d\n", t.Active, t.Lookups, t.Matched)
	if p.v >= V13 {
		return
	}
	if before != nil && t.features() == before.features() {
		p.text("    (same features)\n")
		return
	}
	if t.MetadataMatch != 0 || t.MetadataWrite != 0 {
		p.text("    metadata: match=")
		p.b = appendHash(p.b, t.MetadataMatch, 0)
		p.text(" write=")
		p.b = appendHash(p.b, t.MetadataWrite, 0)
		p.text("\n")
	}
	if p.v != V10 {
		p.text("    config=" + tableMissName(t.Config) + "\n")
	}
	if t.MaxEntries != 0 {
		p.f("    max_entries=%d\n", t.MaxEntries)
	}
	if p.v != V10 {
		p.tableInstructions(t, before)
	}
	if t.Match == 0 {
		return
	}
	if before != nil && t.Match == before.Match {
		p.text("    (same matching)\n")
		return
	}
	p.text("    matching:\n")
	for _, x := range [...]struct {
		how  string
		bits uint64
	}{
		{"exact match or wildcard: ", t.Wildcards},
		{"must exact match: ", t.Match &^ t.Wildcards},
	} {
		if x.bits != 0 {
			p.text("      " + x.how)
			p.fieldNames(x.bits)
			p.text("\n")
		}
	}
}

func (p *printer) tableInstructions(t, before *TableStats) {
	if t.Instructions == 0 && t.WriteActions|t.ApplyActions == 0 && t.WriteSetFields|t.ApplySetFields == 0 {
		return
	}
	sameActions := before != nil && t.WriteActions == before.WriteActions && t.ApplyActions == before.ApplyActions &&
		t.WriteSetFields == before.WriteSetFields && t.ApplySetFields == before.ApplySetFields
	if sameActions && t.Instructions == before.Instructions {
		p.text("    (same instructions)\n")
		return
	}
	p.text("    instructions (table miss and others):\n")
	switch {
	case t.Instructions == 0:
	case before != nil && t.Instructions == before.Instructions:
		p.text("      (same instructions)\n")
	default:
		p.text("      instructions: ")
		sep := ""
		for r := 1; r <= 6; r++ {
			for _, in := range instructions {
				if rank(in.typ) == r && t.Instructions&(1<<in.typ) != 0 {
					p.text(sep + in.name)
					sep = " "
				}
			}
		}
		p.text("\n")
	}
	// Open vSwitch finds the actions of two tables alike since 1.2 only.
	if sameActions && p.v >= V12 {
		p.text("      (same actions)\n")
		return
	}
	if t.WriteActions != t.ApplyActions || t.WriteSetFields != t.ApplySetFields {
		p.tableActions("Write-Actions", t.WriteActions, t.WriteSetFields)
		p.tableActions("Apply-Actions", t.ApplyActions, t.ApplySetFields)
	} else if t.WriteActions != 0 || t.WriteSetFields != 0 {
		p.tableActions("Write-Actions and Apply-Actions", t.WriteActions, t.WriteSetFields)
	}
}

func (p *printer) tableActions(what string, actions uint32, setFields uint64) {
	p.text("      " + what + " features:\n")
	if actions != 0 {
		p.text("        actions: ")
		p.actionNames(actions)
		p.text("\n")
	}
	if p.v >= V12 && setFields != 0 {
		p.text("        supported on Set-Field: ")
		p.fieldNames(setFields)
		p.text("\n")
	}
}
